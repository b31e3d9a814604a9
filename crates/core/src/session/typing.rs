//! Where the other is writing: until told otherwise, until they have written, or for some seconds. What
//! is known of it is here alone; who answers the UI is shown a copy (`Live::set_typing`).

use im_protocol::{ConversationId, limits};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Typing {
    until: HashMap<ConversationId, Duration>,
}

impl Typing {
    /// The other writes.
    pub(super) fn started(&mut self, now: Duration, conversation: ConversationId) {
        let lasts = Duration::from_millis(limits::TYPING_MS.unsigned_abs());
        self.until.insert(conversation, now + lasts);
    }

    /// The other does not write anymore.
    pub(super) fn stopped(&mut self, conversation: ConversationId) {
        self.until.remove(&conversation);
    }

    /// The connection is gone: nothing of it is known.
    pub(super) fn disconnected(&mut self) {
        self.until.clear();
    }

    /// Where it was not said again in time, it is over.
    pub(super) fn tick(&mut self, now: Duration) {
        self.until.retain(|_, until| *until > now);
    }

    /// Where the other writes.
    pub(super) fn places(&self) -> HashSet<ConversationId> {
        self.until.keys().copied().collect()
    }

    /// When [`Typing::tick`] is wanted.
    pub(super) fn due(&self) -> Option<Duration> {
        self.until.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_no_more_that_they_write_does_not() {
        let second = Duration::from_secs(1);
        let (maya, sam) = (ConversationId::new(), ConversationId::new());
        let mut typing = Typing::default();
        typing.started(second, maya);
        typing.started(second * 2, sam);
        assert_eq!(typing.due(), Some(second * 7));
        typing.started(second * 5, maya);
        assert_eq!(typing.places(), HashSet::from([maya, sam]));
        typing.tick(second * 8);
        assert_eq!(typing.places(), HashSet::from([maya]));
        typing.stopped(maya);
        assert_eq!((typing.places(), typing.due()), (HashSet::new(), None));
        typing.started(second, sam);
        typing.disconnected();
        assert_eq!((typing.places(), typing.due()), (HashSet::new(), None));
    }
}
