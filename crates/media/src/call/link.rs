//! How the connection stands, and whether its keys come in time (sans-IO).

use crate::transport::TransportState;
use im_call::media::{MediaEvent, PathProblem};
use std::time::{Duration, Instant};

/// Keys must be agreed so soon after ICE found a way, else they never are: on lossy networks some
/// handshakes (RFC 6347) stall for good.
const KEYS: Duration = Duration::from_secs(5);

/// The state of the connection in use.
#[derive(Debug, Default)]
pub(super) struct Link {
    up: bool,
    keys_until: Option<Instant>,
}

impl Link {
    /// Another connection took the place of the one before.
    pub(super) fn replaced(&mut self) {
        *self = Self::default();
    }

    /// The connection says how it stands; what the core should hear of it.
    pub(super) fn state(&mut self, state: TransportState, now: Instant) -> Option<MediaEvent> {
        match state {
            TransportState::IceConnected => {
                if !self.up {
                    self.keys_until.get_or_insert(now + KEYS);
                }
                None
            }
            TransportState::Up => {
                self.up = true;
                self.keys_until = None;
                Some(MediaEvent::Connected)
            }
            TransportState::Down | TransportState::Failed => {
                self.replaced();
                Some(MediaEvent::Disconnected(PathProblem::Broken))
            }
        }
    }

    /// Until when keys must be there.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.keys_until
    }

    /// Time went by; what the core should hear of it.
    pub(super) fn time(&mut self, now: Instant) -> Option<MediaEvent> {
        self.keys_until.filter(|until| now >= *until)?;
        self.keys_until = None;
        Some(MediaEvent::Disconnected(PathProblem::KeysMissing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_do_not_come_in_5_s_are_told_once() {
        let start = Instant::now();
        let mut link = Link::default();
        assert_eq!(link.state(TransportState::IceConnected, start), None);
        assert_eq!(link.deadline(), Some(start + KEYS));
        // ICE may change its pair meanwhile: the time still counts from the first.
        let later = start + KEYS / 2;
        assert_eq!(link.state(TransportState::IceConnected, later), None);
        assert_eq!(link.time(later), None);
        let missing = MediaEvent::Disconnected(PathProblem::KeysMissing);
        assert_eq!(link.time(start + KEYS), Some(missing));
        assert_eq!(link.time(start + KEYS * 2), None);
    }

    #[test]
    fn keys_that_come_in_time_end_the_watch() {
        let start = Instant::now();
        let mut link = Link::default();
        link.state(TransportState::IceConnected, start);
        let connected = link.state(TransportState::Up, start + KEYS / 2);
        assert_eq!(connected, Some(MediaEvent::Connected));
        link.state(TransportState::IceConnected, start + KEYS);
        assert_eq!(link.time(start + KEYS * 3), None);
    }

    #[test]
    fn a_lost_way_is_told_and_a_new_connection_is_watched_anew() {
        let start = Instant::now();
        let mut link = Link::default();
        link.state(TransportState::Up, start);
        let broken = MediaEvent::Disconnected(PathProblem::Broken);
        assert_eq!(link.state(TransportState::Down, start), Some(broken));
        link.replaced();
        link.state(TransportState::IceConnected, start);
        assert_eq!(link.deadline(), Some(start + KEYS));
    }
}
