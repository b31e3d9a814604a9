//! Read markers on their way to the server: one per conversation, only forward, one request at a
//! time each, what comes meanwhile put together.

use super::gate::Gate;
use im_protocol::ConversationId;
use std::{collections::HashMap, time::Duration};

/// Until a marker that could not be sent is tried again.
const AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Mark {
    seq: u64,
    sending: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: HashMap<ConversationId, Mark>,
    gate: Gate,
}

impl Marks {
    /// Markers that are on disk and that the server does not know.
    pub(super) fn new(kept: Vec<(ConversationId, u64)>) -> Self {
        let mut marks = Self::default();
        for (conversation, seq) in kept {
            marks.read(conversation, seq);
        }
        marks
    }

    /// The person has read further.
    pub(super) fn read(&mut self, conversation: ConversationId, seq: u64) {
        let mark = self.marks.entry(conversation).or_insert(Mark {
            seq,
            sending: false,
        });
        mark.seq = mark.seq.max(seq);
    }

    /// A connection is there.
    pub(super) fn connected(&mut self) {
        self.gate.connected();
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self) {
        self.gate.disconnected();
    }

    /// What is to be sent now.
    pub(super) fn poll(&mut self, now: Duration) -> Vec<(ConversationId, u64)> {
        if !self.gate.lets_through(now) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (conversation, mark) in &mut self.marks {
            if !mark.sending {
                mark.sending = true;
                due.push((*conversation, mark.seq));
            }
        }
        due
    }

    /// When a pause ends.
    pub(super) fn due(&self) -> Option<Duration> {
        let waits = self.marks.values().any(|mark| !mark.sending);
        self.gate.due().filter(|_| waits)
    }

    /// The server knows a marker, or will never take it.
    pub(super) fn settled(&mut self, conversation: ConversationId, seq: u64) {
        if let Some(mark) = self.marks.get_mut(&conversation) {
            mark.sending = false;
            if mark.seq <= seq {
                self.marks.remove(&conversation);
            }
        }
    }

    /// It could not be sent now.
    pub(super) fn failed(&mut self, now: Duration, conversation: ConversationId) {
        if let Some(mark) = self.marks.get_mut(&conversation) {
            mark.sending = false;
        }
        self.gate.pause(now + AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_put_together_while_one_is_on_its_way() {
        let now = Duration::from_secs(1);
        let conversation = ConversationId::new();
        let mut marks = Marks::new(vec![(conversation, 3)]);
        assert_eq!(marks.poll(now), []);
        marks.connected();
        assert_eq!(marks.poll(now), [(conversation, 3)]);
        for seq in [4, 9, 7] {
            marks.read(conversation, seq);
        }
        assert_eq!(marks.poll(now), []);
        marks.settled(conversation, 3);
        assert_eq!(marks.poll(now), [(conversation, 9)]);
        marks.settled(conversation, 9);
        assert_eq!(marks.poll(now), []);
    }

    #[test]
    fn a_marker_that_could_not_be_sent_is_tried_again() {
        let now = Duration::from_secs(1);
        let conversation = ConversationId::new();
        let mut marks = Marks::new(vec![(conversation, 3)]);
        marks.connected();
        assert_eq!(marks.poll(now).len(), 1);
        marks.failed(now, conversation);
        assert_eq!(marks.poll(now), []);
        assert_eq!(marks.due(), Some(now + AGAIN));
        assert_eq!(marks.poll(now + AGAIN), [(conversation, 3)]);
    }
}
