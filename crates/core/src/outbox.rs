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
//! - A message with files is sent once the server has them (see [`uploads`]). What is written after
//!   it does not wait: it takes the next place when it is ready (ADR 0023). It can be thrown away
//!   until then.
//! - Where the server does not know a message's files anymore, they are handed over anew.

mod actions;
mod pause;
mod queue;
mod uploads;

pub(crate) use actions::{Action, Answer, Entry, SendFailure};
pub(crate) use pause::{Pause, may_pass};
pub(crate) use uploads::{FileEntry, Step, Uploaded};

use im_protocol::{
    ConversationId, ErrorCode, FileId, OperationId, WireError, conversation::Accepted,
};
use queue::{Item, Places, Queue, Stage};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use uploads::{Came, Uploads};

/// So often a message's files are handed over anew before the person is asked.
const ANEW: u32 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queues: HashMap<ConversationId, Queue>,
    places: Places,
    uploads: Uploads,
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
            self.uploads
                .add(entry.n, entry.id, entry.conversation, entry.files);
            let item = Item {
                id: entry.id,
                bytes: entry.bytes,
                stage: Stage::Waiting,
                alone: entry.alone,
                after,
                missing: self.uploads.missing(entry.n),
                anew: 0,
                thrown: false,
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
        self.uploads.connected();
    }

    /// The connection is gone. Answers to what is under way still come, as lost.
    pub(crate) fn disconnected(&mut self) {
        self.online = false;
        self.uploads.disconnected();
    }

    /// What came of a step of a file.
    pub(crate) fn uploaded(
        &mut self,
        now: Duration,
        id: FileId,
        step: u64,
        answer: Result<Uploaded, SendFailure>,
    ) -> Vec<Action> {
        match self.uploads.answered(now, id, step, answer) {
            Came::Nothing => Vec::new(),
            Came::Whole(message) => {
                self.count_missing(message);
                Vec::new()
            }
            Came::Refused(id, error) => {
                let parked = self.set(id, Stage::Failed);
                let park = parked.then_some(Action::Park { id, error });
                park.into_iter().collect()
            }
        }
    }

    /// The person holds a file of an unsent message, or lets it go on. Gives whether that can be.
    pub(crate) fn hold(&mut self, id: FileId, held: bool) -> bool {
        self.uploads.hold(id, held)
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
        if let Some((conversation, n)) = self.places.get(&id)
            && let Some(queue) = self.queues.get_mut(conversation)
        {
            queue.pause.end();
            if let Some(item) = queue.items.get_mut(n) {
                item.anew = 0;
            }
            self.uploads.retry(*n);
        }
        self.set(id, Stage::Waiting)
    }

    /// What goes where the person throws this away: itself and what waits for it; nothing where it is
    /// neither parked nor waits for its files. The driver deletes the rows, and tells with
    /// [`Outbox::settled`] or [`Outbox::not_discarded`].
    pub(crate) fn discards(&mut self, id: OperationId) -> Vec<OperationId> {
        let parked = self.is_parked(id);
        let Some(item) = self.item_mut(id) else {
            return Vec::new();
        };
        if !parked && (item.missing == 0 || item.stage != Stage::Waiting) {
            return Vec::new();
        }
        item.thrown = true;
        let mut goes = vec![id];
        goes.extend(self.dependents.get(&id).into_iter().flatten());
        goes
    }

    /// The disk did not let it be thrown away.
    pub(crate) fn not_discarded(&mut self, id: OperationId) {
        if let Some(item) = self.item_mut(id) {
            item.thrown = false;
        }
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
            let ids = queue.next_request(&self.places);
            if ids.is_empty() {
                continue;
            }
            self.sending.extend(&ids);
            self.requests += 1;
            queue.request = Some((self.requests, ids.clone()));
            actions.push(Action::Send {
                request: self.requests,
                conversation: *conversation,
                ids,
            });
        }
        let (queues, places) = (&self.queues, &self.places);
        let steps = self
            .uploads
            .poll(now, |message| goes_on(queues, places, message));
        let upload = |(id, step, what)| Action::Upload { id, step, what };
        actions.extend(steps.into_iter().map(upload));
        actions
    }

    /// When a pause ends, if one is the reason that nothing is sent.
    pub(crate) fn due(&self) -> Option<Duration> {
        if !self.online {
            return None;
        }
        let queues = self
            .queues
            .values()
            .filter(|queue| queue.request.is_none() && queue.has_waiting(&self.places))
            .filter_map(|queue| queue.pause.until())
            .min();
        let uploads = self
            .uploads
            .due(|message| goes_on(&self.queues, &self.places, message));
        [queues, uploads].into_iter().flatten().min()
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
        Some(item(&self.queues, &self.places, id)?.stage)
    }

    fn item_mut(&mut self, id: OperationId) -> Option<&mut Item> {
        let (conversation, n) = self.places.get(&id)?;
        self.queues.get_mut(conversation)?.items.get_mut(n)
    }

    /// A file of a message was handed over, or is wanted again.
    fn count_missing(&mut self, id: OperationId) {
        let Some((_, n)) = self.places.get(&id) else {
            return;
        };
        let missing = self.uploads.missing(*n);
        if let Some(item) = self.item_mut(id) {
            item.missing = missing;
        }
    }

    /// Gives whether the message is here.
    fn set(&mut self, id: OperationId, stage: Stage) -> bool {
        let Some(item) = self.item_mut(id) else {
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
        self.uploads.forget(n);
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
        if matches!(
            error.code,
            ErrorCode::FileUnknown | ErrorCode::FileUnfinished
        ) && let Some(files) = self.hand_over_anew(id)
        {
            return Some(Action::Anew(files));
        }
        self.set(id, Stage::Failed)
            .then_some(Action::Park { id, error })
    }

    /// The server has not got the files of a message: it was restored, or was long without us. None
    /// where that does not help.
    fn hand_over_anew(&mut self, id: OperationId) -> Option<Vec<FileId>> {
        let (_, n) = *self.places.get(&id)?;
        let item = self.item_mut(id)?;
        if item.anew == ANEW {
            return None;
        }
        item.anew += 1;
        self.uploads.anew(n);
        self.count_missing(id);
        Some(self.uploads.of(n).collect())
    }
}

fn item<'a>(
    queues: &'a HashMap<ConversationId, Queue>,
    places: &Places,
    id: OperationId,
) -> Option<&'a Item> {
    let (conversation, n) = places.get(&id)?;
    queues.get(conversation)?.items.get(n)
}

/// Whether files of this message may be handed over.
fn goes_on(queues: &HashMap<ConversationId, Queue>, places: &Places, id: OperationId) -> bool {
    item(queues, places, id).is_some_and(|item| item.stage == Stage::Waiting && !item.thrown)
}

#[cfg(test)]
mod tests;
