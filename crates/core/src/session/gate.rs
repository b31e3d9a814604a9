//! When something may be asked of the server: while there is a connection, and not while it is
//! waited for after a failure.

use std::time::Duration;

/// See the module. It begins shut: there is no connection yet.
#[derive(Debug, Default)]
pub(super) struct Gate {
    online: bool,
    paused_until: Option<Duration>,
}

impl Gate {
    /// A connection is there: a pause is over.
    pub(super) fn connected(&mut self) {
        self.online = true;
        self.paused_until = None;
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self) {
        self.online = false;
    }

    /// Nothing is asked until then.
    pub(super) fn pause(&mut self, until: Duration) {
        self.paused_until = Some(until);
    }

    /// A pause is over before its time.
    pub(super) fn go_on(&mut self) {
        self.paused_until = None;
    }

    /// Whether something may be asked now. A pause that has run out is forgotten.
    pub(super) fn lets_through(&mut self, now: Duration) -> bool {
        let open = self.online && self.paused_until.is_none_or(|until| until <= now);
        if open {
            self.paused_until = None;
        }
        open
    }

    /// When the pause ends, while there is a connection.
    pub(super) fn due(&self) -> Option<Duration> {
        self.paused_until.filter(|_| self.online)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lets_through_while_connected_and_not_paused() {
        let at = Duration::from_secs;
        let mut gate = Gate::default();
        assert!(!gate.lets_through(at(1)));
        gate.connected();
        assert!(gate.lets_through(at(1)));
        gate.pause(at(5));
        assert_eq!((gate.lets_through(at(4)), gate.due()), (false, Some(at(5))));
        gate.disconnected();
        assert_eq!((gate.lets_through(at(6)), gate.due()), (false, None));
        gate.connected();
        assert_eq!((gate.lets_through(at(4)), gate.due()), (true, None));
        gate.pause(at(5));
        assert_eq!((gate.lets_through(at(5)), gate.due()), (true, None));
        gate.pause(at(9));
        gate.go_on();
        assert!(gate.lets_through(at(6)));
    }
}
