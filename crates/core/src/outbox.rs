//! What decides about sending: inputs and the time go in, actions come out. It does no input or
//! output, so its tests run through virtual time.
//!
//! The rules, each with its test:
//!
//! - The row is on disk before the machine hears of it, so a kill loses nothing.
//! - At most one request per conversation is under way, with up to fifty messages in the order of
//!   writing.
//! - The answer, or the own message from the feed, whichever comes first, settles a message: the
//!   fact is stored, *then* the row deleted. A kill in between only sends again, which the message's
//!   id makes harmless.
//! - A refusal that may pass pauses its conversation, longer each time. One for good parks its
//!   message with the reason; the others of the conversation go on.
//! - A message that was parked is tried again, or thrown away, by the person alone.
//! - What changes a message (other words, taking it back, an emoji) waits in the same order and goes
//!   in a request of its own. Where the message itself is unsent still, it waits for that, is parked
//!   with it, and is thrown away with it.

mod actions;
mod pause;
mod queue;

pub(crate) use actions::{Action, Answer, Entry, SendFailure};
pub(crate) use pause::{Pause, may_pass};

use crate::faults::{self, Fault};
use im_protocol::{ConversationId, OperationId, WireError, conversation::Accepted};
use queue::{Item, Places, Queue, Stage};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queues: HashMap<ConversationId, Queue>,
    places: Places,
    /// On their way, or being settled.
    sending: HashSet<OperationId>,
    failed: HashSet<OperationId>,
    /// What waits for something that is unsent itself, by that.
    dependents: HashMap<OperationId, Vec<OperationId>>,
    online: bool,
    requests: u64,
    last: u64,
}

impl Outbox {
    /// Rows that are on disk, at the start or written since. What was added before is left out, also
    /// where it has gone since.
    pub(crate) fn add(&mut self, entries: Vec<Entry>) {
        let known = self.last;
        for entry in entries.into_iter().filter(|entry| entry.n > known) {
            self.last = self.last.max(entry.n);
            self.places.insert(entry.id, (entry.conversation, entry.n));
            // What is not here is done already.
            let after = entry.after.filter(|after| self.places.contains_key(after));
            if let Some(after) = after {
                self.dependents.entry(after).or_default().push(entry.id);
            }
            let item = Item {
                id: entry.id,
                bytes: entry.bytes,
                stage: Stage::Waiting,
                alone: entry.alone,
                after,
            };
            let queue = self.queues.entry(entry.conversation).or_default();
            queue.items.insert(entry.n, item);
            if entry.failed {
                self.set(entry.id, Stage::Failed);
            }
        }
    }

    /// The place of the last row that was added.
    pub(crate) fn last_place(&self) -> u64 {
        self.last
    }

    /// A connection is there: pauses are over.
    pub(crate) fn connected(&mut self) {
        self.online = true;
        for queue in self.queues.values_mut() {
            queue.pause.end();
        }
    }

    /// The connection is gone. Answers to what is under way still come, as lost.
    pub(crate) fn disconnected(&mut self) {
        self.online = false;
    }

    /// What became of a request.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        conversation: ConversationId,
        request: u64,
        answer: Result<Answer, SendFailure>,
    ) -> Vec<Action> {
        let Some(queue) = self.queues.get_mut(&conversation) else {
            return Vec::new();
        };
        let Some((_, asked)) = queue.request.take_if(|(number, _)| *number == request) else {
            return Vec::new();
        };
        // What the feed has settled meanwhile is not asked about anymore.
        let asked: Vec<OperationId> = asked
            .into_iter()
            .filter(|id| self.stage(*id) == Some(Stage::Sending))
            .collect();
        for id in &asked {
            self.set(*id, Stage::Waiting);
        }
        let mut actions = Vec::new();
        match answer {
            Ok(Answer::Stored) => {
                for id in &asked {
                    self.set(*id, Stage::Settling);
                }
                if let Some(queue) = self.queues.get_mut(&conversation) {
                    queue.pause.forget_refusals();
                }
                if !asked.is_empty() {
                    actions.push(Action::Forget(asked));
                }
            }
            Ok(Answer::Sent(sent)) => {
                let accepted: Vec<Accepted> = sent
                    .accepted
                    .into_iter()
                    .filter(|accepted| asked.contains(&accepted.id.into()))
                    .collect();
                for one in &accepted {
                    self.set(one.id.into(), Stage::Settling);
                }
                let nothing = accepted.is_empty() && sent.failed.is_none() && !asked.is_empty();
                if let Some(queue) = self.queues.get_mut(&conversation) {
                    if nothing {
                        queue.pause.begin(now, None);
                    } else {
                        queue.pause.forget_refusals();
                    }
                }
                if !accepted.is_empty() {
                    actions.push(Action::Settle {
                        conversation,
                        accepted,
                    });
                }
                if let Some(failed) = sent.failed {
                    let id = Some(failed.id.into());
                    actions.extend(self.refused(now, conversation, id, failed.error));
                }
            }
            Err(SendFailure::Lost) => self.pause(now, conversation, None),
            Err(SendFailure::Refused(error)) => {
                let first = asked.first().copied();
                actions.extend(self.refused(now, conversation, first, error));
            }
        }
        self.drop_if_done(conversation);
        actions
    }

    /// The feed brought these messages of the signed-in person, and they are stored.
    pub(crate) fn own_facts(&mut self, ids: &[OperationId]) -> Vec<Action> {
        let mut known = Vec::new();
        for id in ids {
            let here = self.stage(*id);
            if here.is_some_and(|stage| stage != Stage::Settling) {
                self.set(*id, Stage::Settling);
                known.push(*id);
            }
        }
        if known.is_empty() {
            return Vec::new();
        }
        vec![Action::Forget(known)]
    }

    /// The rows are deleted.
    pub(crate) fn settled(&mut self, ids: &[OperationId]) {
        for id in ids {
            self.forget(*id);
        }
    }

    /// The disk did not let that happen, or did not take a refusal: they are sent again, which changes
    /// nothing on the server.
    pub(crate) fn not_settled(&mut self, now: Duration, ids: &[OperationId]) {
        for id in ids {
            if self.set(*id, Stage::Waiting)
                && let Some((conversation, _)) = self.places.get(id)
            {
                self.pause(now, *conversation, None);
            }
        }
    }

    /// Whether a message was refused for good and waits for the person.
    pub(crate) fn is_parked(&self, id: OperationId) -> bool {
        self.failed.contains(&id)
    }

    /// The person wants a parked message to be tried again. Gives whether it was parked.
    pub(crate) fn retry(&mut self, id: OperationId) -> bool {
        if !self.is_parked(id) {
            return false;
        }
        if let Some((conversation, _)) = self.places.get(&id)
            && let Some(queue) = self.queues.get_mut(conversation)
        {
            queue.pause.end();
        }
        self.set(id, Stage::Waiting)
    }

    /// What goes where the person throws this away: itself and what waits for it; nothing where it is
    /// not parked. The driver deletes the rows, and tells with [`Outbox::settled`].
    pub(crate) fn discards(&self, id: OperationId) -> Vec<OperationId> {
        if !self.is_parked(id) {
            return Vec::new();
        }
        let mut goes = vec![id];
        goes.extend(self.dependents.get(&id).into_iter().flatten());
        goes
    }

    /// What can be sent now.
    pub(crate) fn poll(&mut self, now: Duration) -> Vec<Action> {
        if !self.online {
            return Vec::new();
        }
        let mut actions = Vec::new();
        for (conversation, queue) in &mut self.queues {
            if queue.request.is_some() || queue.pause.lasts(now) {
                continue;
            }
            queue.pause.end();
            let mut ids = queue.next_request(&self.places);
            if ids.is_empty() {
                continue;
            }
            self.sending.extend(&ids);
            self.requests += 1;
            queue.request = Some((self.requests, ids.clone()));
            if faults::is(Fault::SwapOrder) {
                ids.reverse();
            }
            if faults::is(Fault::DropAck) {
                actions.push(Action::Forget(ids.clone()));
            }
            actions.push(Action::Send {
                request: self.requests,
                conversation: *conversation,
                ids,
            });
        }
        actions
    }

    /// When a pause ends, if one is the reason that nothing is sent.
    pub(crate) fn due(&self) -> Option<Duration> {
        if !self.online {
            return None;
        }
        self.queues
            .values()
            .filter(|queue| queue.request.is_none() && queue.has_waiting(&self.places))
            .filter_map(|queue| queue.pause.until())
            .min()
    }

    /// What is not known to be on the server's disk; what is parked, and what waits for that, is
    /// left out.
    pub(crate) fn waiting(&self) -> u32 {
        let with = |id| self.dependents.get(id).map_or(0, Vec::len);
        let parked: usize = self.failed.iter().map(|id| 1 + with(id)).sum();
        let count = self.places.len().saturating_sub(parked);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Messages that are on their way now.
    pub(crate) fn sending(&self) -> HashSet<OperationId> {
        self.sending.clone()
    }

    fn stage(&self, id: OperationId) -> Option<Stage> {
        let (conversation, n) = self.places.get(&id)?;
        let item = self.queues.get(conversation)?.items.get(n)?;
        Some(item.stage)
    }

    /// Gives whether the message is here.
    fn set(&mut self, id: OperationId, stage: Stage) -> bool {
        let Some((conversation, n)) = self.places.get(&id) else {
            return false;
        };
        let queue = self.queues.get_mut(conversation);
        let Some(item) = queue.and_then(|queue| queue.items.get_mut(n)) else {
            return false;
        };
        item.stage = stage;
        self.sending.remove(&id);
        self.failed.remove(&id);
        match stage {
            Stage::Sending | Stage::Settling => self.sending.insert(id),
            Stage::Failed => self.failed.insert(id),
            Stage::Waiting => true,
        };
        true
    }

    fn forget(&mut self, id: OperationId) {
        self.sending.remove(&id);
        self.failed.remove(&id);
        self.dependents.remove(&id);
        let Some((conversation, n)) = self.places.remove(&id) else {
            return;
        };
        let queue = self.queues.get_mut(&conversation);
        let item = queue.and_then(|queue| queue.items.remove(&n));
        if let Some(after) = item.and_then(|item| item.after)
            && let Some(others) = self.dependents.get_mut(&after)
        {
            others.retain(|other| *other != id);
        }
        self.drop_if_done(conversation);
    }

    fn drop_if_done(&mut self, conversation: ConversationId) {
        let done = |queue: &Queue| queue.items.is_empty() && queue.request.is_none();
        if self.queues.get(&conversation).is_some_and(done) {
            self.queues.remove(&conversation);
        }
    }

    fn pause(&mut self, now: Duration, conversation: ConversationId, at_least: Option<Duration>) {
        if let Some(queue) = self.queues.get_mut(&conversation) {
            queue.pause.begin(now, at_least);
        }
    }

    /// A message was refused; where the request was refused as a whole, it is its first one, so
    /// that the others get their own answer.
    fn refused(
        &mut self,
        now: Duration,
        conversation: ConversationId,
        id: Option<OperationId>,
        error: WireError,
    ) -> Option<Action> {
        if may_pass(&error) {
            let at_least = error.retry_after_ms.map(Duration::from_millis);
            self.pause(now, conversation, at_least);
            return None;
        }
        let id = id?;
        self.set(id, Stage::Failed)
            .then_some(Action::Park { id, error })
    }
}

#[cfg(test)]
mod tests;
