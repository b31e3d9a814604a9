//! The one stream of what the core tells, bounded: who reads too slowly is told so and reads
//! everything again.

use im_contract::CoreEvent;
use im_protocol::ConversationId;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast::{self, error::RecvError};

/// Events that wait for a slow reader.
const KEPT: usize = 256;
/// Rapid changes are told together, this far apart.
const PACE: Duration = Duration::from_millis(50);

/// Where the parts of the core tell. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct EventHub {
    sender: broadcast::Sender<CoreEvent>,
    asked: Arc<Mutex<Option<ConversationId>>>,
}

impl EventHub {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::channel(KEPT).0,
            asked: Arc::default(),
        }
    }

    /// Somebody asked to see a conversation. Remembered, since there may be no page to show it yet.
    pub(crate) fn show(&self, conversation: ConversationId) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(conversation);
        self.tell(CoreEvent::ShowConversation { conversation });
    }

    /// What was asked to be seen and has not been shown, once.
    pub(crate) fn take_asked(&self) -> Option<ConversationId> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Tells everybody who listens. Without listeners nothing happens.
    pub(crate) fn tell(&self, event: CoreEvent) {
        let _ = self.sender.send(event);
    }

    pub(crate) fn listen(&self) -> Events {
        Events {
            receiver: self.sender.subscribe(),
        }
    }
}

/// A listener's end: every event from its making on.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<CoreEvent>,
}

impl Events {
    /// The next event, [`CoreEvent::Overflow`] where some were left out; nothing once the core is
    /// gone.
    pub async fn recv(&mut self) -> Option<CoreEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(CoreEvent::Overflow),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Changes that wait to be told. The first is told at once, what follows closely is put together.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    conversations: bool,
    people: bool,
    messages: BTreeSet<ConversationId>,
    told: Option<Duration>,
}

impl Changes {
    /// The conversation list has changed.
    pub(crate) fn conversations(&mut self) {
        self.conversations = true;
    }

    /// People, presence, statuses or courses have changed.
    pub(crate) fn people(&mut self) {
        self.people = true;
    }

    /// Messages of a conversation have changed, and with them the list.
    pub(crate) fn messages(&mut self, conversation: ConversationId) {
        self.messages.insert(conversation);
        self.conversations = true;
    }

    /// When there is something to be told, on the clock of [`Changes::take`].
    pub(crate) fn due(&self) -> Option<Duration> {
        let waiting = self.conversations || self.people || !self.messages.is_empty();
        waiting.then(|| self.told.map_or(Duration::ZERO, |told| told + PACE))
    }

    /// What is to be told now.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<CoreEvent> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.told = Some(now);
        let mut events: Vec<CoreEvent> = std::mem::take(&mut self.messages)
            .into_iter()
            .map(|conversation| CoreEvent::Messages { conversation })
            .collect();
        if std::mem::take(&mut self.conversations) {
            events.push(CoreEvent::Conversations);
        }
        if std::mem::take(&mut self.people) {
            events.push(CoreEvent::People);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_that_it_missed_something() {
        let hub = EventHub::new();
        let mut events = hub.listen();
        for _ in 0..KEPT + 10 {
            hub.tell(CoreEvent::People);
        }
        assert_eq!(events.recv().await, Some(CoreEvent::Overflow));
        assert_eq!(events.recv().await, Some(CoreEvent::People));
        drop(hub);
        for _ in 0..KEPT - 1 {
            assert_eq!(events.recv().await, Some(CoreEvent::People));
        }
        assert_eq!(events.recv().await, None);
    }

    #[test]
    fn the_first_change_is_told_at_once_and_a_flood_together() {
        let mut changes = Changes::default();
        let conversation = ConversationId::new();
        let at = Duration::from_millis;
        assert_eq!(changes.due(), None);
        changes.messages(conversation);
        assert_eq!(
            changes.take(at(1_000)),
            [
                CoreEvent::Messages { conversation },
                CoreEvent::Conversations
            ]
        );
        for _ in 0..100 {
            changes.people();
        }
        assert_eq!(changes.take(at(1_010)), []);
        assert_eq!(changes.due(), Some(at(1_050)));
        assert_eq!(changes.take(at(1_050)), [CoreEvent::People]);
        assert_eq!(changes.due(), None);
    }
}
