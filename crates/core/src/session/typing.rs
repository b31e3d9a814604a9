//! Where the other is writing: until told otherwise, until they have written, or for some seconds.

use im_protocol::{ConversationId, limits};
use std::{collections::HashMap, time::Duration};

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

    /// The other does not write anymore. Gives whether they did.
    pub(super) fn stopped(&mut self, conversation: ConversationId) -> bool {
        self.until.remove(&conversation).is_some()
    }

    /// The connection is gone: nothing of it is known.
    pub(super) fn disconnected(&mut self) {
        self.until.clear();
    }

    /// Where it was not said again in time.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<ConversationId> {
        let over = self.until.extract_if(|_, until| *until <= now);
        over.map(|(conversation, _)| conversation).collect()
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
        assert_eq!(typing.tick(second * 8), [sam]);
        assert!(!typing.stopped(sam));
        assert!(typing.stopped(maya));
        assert_eq!(typing.due(), None);
    }
}
