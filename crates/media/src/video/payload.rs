//! VP8 in RTP (RFC 7741).

use bytes::{BufMut, Bytes, BytesMut};

/// VP8 bytes in one packet: with headers, SRTP and a relay's wrapping it stays under 1,280.
pub const LARGEST: usize = 1_150;

/// Cuts frames into packets.
#[derive(Debug, Default)]
pub struct Payloader {
    picture_id: u16,
}

impl Payloader {
    /// The payloads of one frame, in order, of nearly equal size. The last gets the marker.
    pub fn cut(&mut self, frame: &[u8]) -> Vec<Bytes> {
        let id = self.picture_id & 0x7fff;
        self.picture_id = self.picture_id.wrapping_add(1);
        let pieces = frame.len().div_ceil(LARGEST).max(1);
        let size = frame.len().div_ceil(pieces).max(1);
        frame
            .chunks(size)
            .enumerate()
            .map(|(index, piece)| {
                let mut payload = BytesMut::with_capacity(4 + piece.len());
                // X, and S on the first packet of partition 0.
                payload.put_u8(if index == 0 { 0x90 } else { 0x80 });
                // I with M: a picture number of 15 bits follows.
                payload.put_u8(0x80);
                payload.put_u16(0x8000 | id);
                payload.put_slice(piece);
                payload.freeze()
            })
            .collect()
    }
}

/// What a packet's payload says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// Begins a frame: the first packet of its first partition.
    pub begins: bool,
    /// Bytes before the VP8 data.
    pub length: usize,
}

/// Reads the payload descriptor (RFC 7741 section 4.2); none where it is cut short or nothing
/// follows it.
pub fn describe(payload: &[u8]) -> Option<Descriptor> {
    let first = *payload.first()?;
    let mut length = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(1)?;
        length += 1;
        if extension & 0x80 != 0 {
            // A picture number of 7 or 15 bits.
            length += if payload.get(length)? & 0x80 != 0 {
                2
            } else {
                1
            };
        }
        if extension & 0x40 != 0 {
            length += 1;
        }
        if extension & 0x30 != 0 {
            length += 1;
        }
    }
    (payload.len() > length).then_some(Descriptor {
        begins: first & 0x10 != 0 && first & 0x07 == 0,
        length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_whole_from_its_packets() {
        let mut payloader = Payloader::default();
        for length in [1, 100, LARGEST, LARGEST + 1, 40_000] {
            let frame: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
            let payloads = payloader.cut(&frame);
            assert_eq!(payloads.len(), length.div_ceil(LARGEST));
            let mut joined = Vec::new();
            for (index, payload) in payloads.iter().enumerate() {
                assert!(payload.len() <= LARGEST + 4);
                let descriptor = describe(payload).unwrap();
                assert_eq!(descriptor.begins, index == 0);
                joined.extend_from_slice(&payload[descriptor.length..]);
            }
            assert_eq!(joined, frame);
        }
    }

    #[test]
    fn picture_numbers_grow_and_wrap_at_15_bits() {
        let mut payloader = Payloader { picture_id: 0x7fff };
        assert_eq!(payloader.cut(&[1])[0][2..4], [0xff, 0xff]);
        assert_eq!(payloader.cut(&[1])[0][2..4], [0x80, 0x00]);
    }

    #[test]
    fn every_form_of_the_descriptor_is_understood() {
        let described = |payload: &[u8]| describe(payload).map(|d| (d.begins, d.length));
        assert_eq!(described(&[0x10, 7]), Some((true, 1)));
        assert_eq!(described(&[0x00, 7]), Some((false, 1)));
        assert_eq!(described(&[0x11, 7]), Some((false, 1)), "another partition");
        assert_eq!(described(&[0x90, 0x80, 0x05, 7]), Some((true, 3)));
        assert_eq!(described(&[0x90, 0x80, 0x85, 0x01, 7]), Some((true, 4)));
        assert_eq!(
            described(&[0x90, 0xe0, 0x85, 0x01, 9, 0x20, 7]),
            Some((true, 6))
        );
        assert_eq!(described(&[]), None);
        assert_eq!(described(&[0x90]), None);
        assert_eq!(described(&[0x90, 0x80]), None);
        assert_eq!(described(&[0x10]), None, "nothing follows");
    }
}
