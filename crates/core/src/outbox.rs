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

use crate::faults::{self, Fault};
use im_protocol::{
    ConversationId, ErrorCode, OperationId, WireError,
    conversation::{Accepted, MessageSent},
    limits::{PACKET_BYTES, SEND_ITEMS},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// Bytes of messages in one request: half a packet leaves room for what is around them.
const REQUEST_BYTES: usize = PACKET_BYTES / 2;
/// The first pause after a refusal that may pass.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A message, or a change of one, that waits, as far as the machine needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The order of writing.
    pub(crate) n: u64,
    /// Which.
    pub(crate) id: OperationId,
    /// Where to.
    pub(crate) conversation: ConversationId,
    /// Bytes that it takes in a request.
    pub(crate) bytes: usize,
    /// Whether it was refused for good.
    pub(crate) failed: bool,
    /// Whether it goes in a request of its own, as all but messages do.
    pub(crate) alone: bool,
    /// What has to be done before it, where that is unsent itself.
    pub(crate) after: Option<OperationId>,
}

/// What became of a request that the server has carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Messages were sent.
    Sent(MessageSent),
    /// A message was changed, and is stored here as it stands now.
    Stored,
}

/// Why a request as a whole has no answer with what became of its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendFailure {
    /// The connection went, or no answer came: it may have arrived all the same.
    Lost,
    /// The server refused the request.
    Refused(WireError),
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send these, in this order; answer with [`Outbox::answered`].
    Send {
        /// To be named in the answer.
        request: u64,
        /// Where to.
        conversation: ConversationId,
        /// What.
        ids: Vec<OperationId>,
    },
    /// Store these messages as the server accepted them, then delete their rows; answer with
    /// [`Outbox::settled`] or [`Outbox::not_settled`].
    Settle {
        /// Where.
        conversation: ConversationId,
        /// What, with their places.
        accepted: Vec<Accepted>,
    },
    /// Delete the rows: the messages are stored. Answer as for [`Action::Settle`].
    Forget(Vec<OperationId>),
    /// Keep with the row why it was refused for good.
    Park {
        /// Which.
        id: OperationId,
        /// Why.
        error: WireError,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sending,
    Settling,
    Failed,
}

#[derive(Debug)]
struct Item {
    id: OperationId,
    bytes: usize,
    stage: Stage,
    alone: bool,
    after: Option<OperationId>,
}

/// Where everything is that is unsent.
type Places = HashMap<OperationId, (ConversationId, u64)>;

#[derive(Debug, Default)]
struct Queue {
    /// By the order of writing.
    items: BTreeMap<u64, Item>,
    /// The request under way, with what it asks about.
    request: Option<(u64, Vec<OperationId>)>,
    /// Not before.
    paused_until: Option<Duration>,
    /// Refusals that may pass, in a row.
    refusals: u32,
}

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
            queue.paused_until = None;
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
                    queue.refusals = 0;
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
                        queue.pause(now, None);
                    } else {
                        queue.refusals = 0;
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
            queue.paused_until = None;
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
            if queue.request.is_some() || queue.paused_until.is_some_and(|until| until > now) {
                continue;
            }
            queue.paused_until = None;
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
            .filter_map(|queue| queue.paused_until)
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
            queue.pause(now, at_least);
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

/// Whether something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It may.
    Its,
    /// What comes first is under way or waits itself: so does all that follows.
    Later,
    /// It waits for the person, or is under way: what follows need not.
    Others,
}

impl Queue {
    fn turn(&self, item: &Item, unsent: &Places) -> Turn {
        if item.stage != Stage::Waiting {
            return Turn::Others;
        }
        let first = item.after.and_then(|after| unsent.get(&after));
        let first = first.and_then(|(_, n)| self.items.get(n));
        match first.map(|first| first.stage) {
            None => Turn::Its,
            Some(Stage::Failed) => Turn::Others,
            Some(Stage::Waiting | Stage::Sending | Stage::Settling) => Turn::Later,
        }
    }

    /// Moves the next messages, or the next change of one, to sending.
    fn next_request(&mut self, unsent: &Places) -> Vec<OperationId> {
        let (mut places, mut bytes) = (Vec::new(), 0);
        for (n, item) in &self.items {
            match self.turn(item, unsent) {
                Turn::Its => {}
                Turn::Later => break,
                Turn::Others => continue,
            }
            if item.alone {
                if places.is_empty() {
                    places.push(*n);
                }
                break;
            }
            bytes += item.bytes;
            let full = places.len() == SEND_ITEMS || bytes > REQUEST_BYTES;
            if full && !places.is_empty() {
                break;
            }
            places.push(*n);
        }
        let mut ids = Vec::with_capacity(places.len());
        for n in places {
            if let Some(item) = self.items.get_mut(&n) {
                item.stage = Stage::Sending;
                ids.push(item.id);
            }
        }
        ids
    }

    fn has_waiting(&self, unsent: &Places) -> bool {
        let mut items = self.items.values();
        items.any(|item| self.turn(item, unsent) == Turn::Its)
    }

    fn pause(&mut self, now: Duration, at_least: Option<Duration>) {
        let factor = 2u32.checked_pow(self.refusals).unwrap_or(u32::MAX);
        let pause = PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.refusals = self.refusals.saturating_add(1);
        self.paused_until = Some(now + pause.max(at_least.unwrap_or_default()));
    }
}

/// Whether it is no fault of the message: the same may be accepted later. What is wrong with the
/// session or the version keeps everything waiting, too.
fn may_pass(error: &WireError) -> bool {
    let of_the_connection = matches!(
        error.code,
        ErrorCode::Unauthorized | ErrorCode::SessionRevoked | ErrorCode::UpgradeRequired
    );
    error.retryable || error.code.retryable() || of_the_connection
}

#[cfg(test)]
mod tests;
