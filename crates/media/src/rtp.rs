//! RTP packets as the rest of the crate sees them, and their wrapping counters.

use bytes::Bytes;
use std::time::Instant;

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Opus, 48,000 ticks a second.
    Audio,
    /// VP8, 90,000 ticks a second.
    Video,
}

/// One RTP packet without what the transport fills in by itself (RFC 3550 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpPacket {
    /// Stream it belongs to; a new one starts a new sequence. Ignored when sending.
    pub ssrc: u32,
    /// Last packet of a picture; first of a talk spurt.
    pub marker: bool,
    /// Counts packets, wraps.
    pub sequence: u16,
    /// Media time in ticks of the codec's clock, wraps.
    pub timestamp: u32,
    /// The codec's payload.
    pub payload: Bytes,
    /// When it came from the network, or was made.
    pub at: Instant,
}

/// Makes a wrapping 16- or 32-bit counter a growing 64-bit one.
///
/// Each value is taken as the nearest to the newest seen so far, so that up to half the range may
/// arrive out of order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unwrapper {
    newest: Option<i64>,
}

impl Unwrapper {
    /// The full value of a 16-bit counter.
    pub(crate) fn sequence(&mut self, value: u16) -> i64 {
        let newest = self.newest.unwrap_or(i64::from(value));
        let step = value.wrapping_sub(newest as u16) as i16;
        self.keep(newest + i64::from(step))
    }

    /// The full value of a 32-bit counter.
    pub(crate) fn timestamp(&mut self, value: u32) -> i64 {
        let newest = self.newest.unwrap_or(i64::from(value));
        let step = value.wrapping_sub(newest as u32) as i32;
        self.keep(newest + i64::from(step))
    }

    fn keep(&mut self, full: i64) -> i64 {
        self.newest = Some(self.newest.map_or(full, |newest| newest.max(full)));
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_wraps_both_ways() {
        let mut unwrapper = Unwrapper::default();
        assert_eq!(unwrapper.sequence(65_534), 65_534);
        assert_eq!(unwrapper.sequence(1), 65_537);
        assert_eq!(unwrapper.sequence(65_535), 65_535);
        assert_eq!(unwrapper.sequence(2), 65_538);
    }

    #[test]
    fn a_timestamp_wraps() {
        let mut unwrapper = Unwrapper::default();
        assert_eq!(unwrapper.timestamp(u32::MAX - 10), i64::from(u32::MAX) - 10);
        assert_eq!(unwrapper.timestamp(9), i64::from(u32::MAX) + 10);
    }
}
