//! What decides how the feed is followed: inputs come in, actions go out. It does no input or
//! output, so its tests step it through every order of events.
//!
//! After the connection's first words the machine asks `sync:since` with the stored cursor. The
//! server then sends facts, each batch saying after which number it begins: a batch that does not
//! begin at the cursor means that one was lost, and the machine asks again from its own cursor. A
//! cursor that is worth nothing anymore leads to a snapshot: pages first, then what changed in each
//! conversation, then the cursor, so that a kill at any point begins the snapshot anew and loses
//! nothing. One batch is stored at a time, in one transaction with the cursor, and confirmed
//! when it is on disk.

use crate::store::facts::Listed;
use im_protocol::{
    ConversationId,
    conversation::Changes,
    sync::{Cursor, Facts, Snapshot, SyncMode, SyncStart},
};
use std::{collections::VecDeque, time::Duration};

/// Until what failed is tried again while the connection holds.
const AGAIN: Duration = Duration::from_secs(2);

/// What the driver is to do. Each but [`Action::Ack`] is answered; the answers of a connection that
/// is over are not given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Ask `sync:since`; answer with [`Sync::started`].
    Since(Option<Cursor>),
    /// Ask `sync:snapshot` after this conversation; answer with [`Sync::page`].
    Page(Option<ConversationId>),
    /// Ask `conversation:changes`; answer with [`Sync::changes`].
    Changes {
        /// Where.
        conversation: ConversationId,
        /// After which revision.
        rev: u64,
    },
    /// Store facts; answer with [`Sync::stored_facts`].
    StoreFacts {
        /// What.
        facts: Facts,
        /// Whether nothing was missing when they came: then they have only just happened.
        live: bool,
    },
    /// Store a page; answer with [`Sync::stored_page`].
    StorePage {
        /// What.
        page: Snapshot,
        /// Whether it is the first of its snapshot.
        first: bool,
    },
    /// Store changes; answer with [`Sync::stored_changes`].
    StoreChanges {
        /// Where.
        conversation: ConversationId,
        /// What.
        changes: Changes,
    },
    /// End the snapshot; answer with [`Sync::stored_end`].
    StoreEnd {
        /// Where the feed goes on.
        cursor: Cursor,
        /// What the snapshot listed.
        listed: Listed,
    },
    /// Confirm with `sync:ack`.
    Ack(u64),
}

/// It did not work, for now: the request was lost, or the disk refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

#[derive(Debug)]
enum Phase {
    /// No connection.
    Offline,
    /// `sync:since` is under way.
    Asking,
    /// Facts come.
    Following,
    /// A snapshot is under way.
    Snapshot(Box<Gathering>),
    /// Something failed: asked again at this time.
    Pausing(Duration),
}

#[derive(Debug, Default)]
struct Gathering {
    cursor: Option<Cursor>,
    listed: Listed,
    last: Option<ConversationId>,
    more: bool,
    behind: VecDeque<(ConversationId, u64)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Sync {
    cursor: Option<Cursor>,
    phase: Phase,
    /// Batches that came while another one was being stored.
    waiting: VecDeque<(Facts, bool)>,
    storing: bool,
    /// The feed's last number, as far as it was told.
    head: u64,
    /// Gaps in a row, without anything stored in between.
    gaps: u32,
    /// Whether this connection has brought everything that was missed.
    caught_up: bool,
}

impl Sync {
    /// A machine that goes on after the stored cursor.
    pub(crate) fn new(cursor: Option<Cursor>) -> Self {
        Self {
            cursor,
            phase: Phase::Offline,
            waiting: VecDeque::new(),
            storing: false,
            head: 0,
            gaps: 0,
            caught_up: false,
        }
    }

    /// Whether what was missed is still being fetched.
    pub(crate) fn is_catching_up(&self) -> bool {
        match self.phase {
            Phase::Offline => false,
            Phase::Following => self.cursor.map_or(0, |cursor| cursor.n) < self.head,
            Phase::Asking | Phase::Snapshot(_) | Phase::Pausing(_) => true,
        }
    }

    /// The connection's first words are there.
    pub(crate) fn connected(&mut self) -> Vec<Action> {
        self.waiting.clear();
        self.ask()
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&mut self) {
        self.phase = Phase::Offline;
        self.waiting.clear();
    }

    /// The answer to [`Action::Since`].
    pub(crate) fn started(
        &mut self,
        now: Duration,
        answer: Result<SyncStart, Failed>,
    ) -> Vec<Action> {
        if !matches!(self.phase, Phase::Asking) {
            return Vec::new();
        }
        match answer {
            Ok(SyncStart {
                mode: SyncMode::Feed,
                head,
            }) => {
                self.head = head;
                self.phase = Phase::Following;
                self.caught_up = !self.is_catching_up();
                Vec::new()
            }
            Ok(SyncStart {
                mode: SyncMode::Snapshot,
                ..
            }) => {
                self.phase = Phase::Snapshot(Box::default());
                vec![Action::Page(None)]
            }
            Err(Failed) => self.pause(now),
        }
    }

    /// `sync:facts`. They may overtake the answer to [`Action::Since`].
    pub(crate) fn facts(&mut self, facts: Facts) -> Vec<Action> {
        match self.phase {
            Phase::Following => {}
            // What was on its way before the question does not begin at the cursor.
            Phase::Asking if !self.storing && self.follows(&facts) => {
                self.phase = Phase::Following;
            }
            _ => return Vec::new(),
        }
        self.head = facts.head;
        self.waiting.push_back((facts, self.caught_up));
        self.next()
    }

    /// What became of [`Action::StoreFacts`]. May come after the connection has gone.
    pub(crate) fn stored_facts(
        &mut self,
        now: Duration,
        stored: Result<Cursor, Failed>,
    ) -> Vec<Action> {
        self.storing = false;
        match stored {
            Ok(cursor) => {
                self.cursor = Some(cursor);
                self.gaps = 0;
                if !matches!(self.phase, Phase::Following) {
                    return self.next();
                }
                self.caught_up |= !self.is_catching_up();
                let mut actions = vec![Action::Ack(cursor.n)];
                actions.extend(self.next());
                actions
            }
            Err(Failed) => self.pause(now),
        }
    }

    /// The answer to [`Action::Page`].
    pub(crate) fn page(&mut self, now: Duration, answer: Result<Snapshot, Failed>) -> Vec<Action> {
        let Phase::Snapshot(gathering) = &mut self.phase else {
            return Vec::new();
        };
        let Ok(page) = answer else {
            return self.pause(now);
        };
        let first = gathering.cursor.is_none();
        // Facts between the pages are applied again from the first page's cursor on.
        gathering.cursor.get_or_insert(page.cursor);
        gathering.more = page.more;
        for conversation in &page.conversations {
            let listed = (conversation.id, conversation.head_rev);
            gathering.listed.conversations.push(listed);
            gathering.last = Some(conversation.id);
        }
        let people = page.people.iter().map(|person| person.id);
        gathering.listed.people.extend(people);
        let courses = page.courses.iter().map(|course| course.id);
        gathering.listed.courses.extend(courses);
        // An empty page that promises more would go on for ever.
        gathering.more &= !page.conversations.is_empty();
        self.storing = true;
        vec![Action::StorePage { page, first }]
    }

    /// What became of [`Action::StorePage`]: the conversations with changes to fetch, and after
    /// which revision.
    pub(crate) fn stored_page(
        &mut self,
        now: Duration,
        stored: Result<Vec<(ConversationId, u64)>, Failed>,
    ) -> Vec<Action> {
        self.storing = false;
        let Phase::Snapshot(gathering) = &mut self.phase else {
            return self.next();
        };
        let Ok(behind) = stored else {
            return self.pause(now);
        };
        gathering.behind.extend(behind);
        if gathering.more {
            return vec![Action::Page(gathering.last)];
        }
        self.next_changes()
    }

    /// The answer to [`Action::Changes`].
    pub(crate) fn changes(
        &mut self,
        now: Duration,
        conversation: ConversationId,
        answer: Result<Changes, Failed>,
    ) -> Vec<Action> {
        if !matches!(self.phase, Phase::Snapshot(_)) {
            return Vec::new();
        }
        match answer {
            Ok(changes) => {
                self.storing = true;
                vec![Action::StoreChanges {
                    conversation,
                    changes,
                }]
            }
            Err(Failed) => self.pause(now),
        }
    }

    /// What became of [`Action::StoreChanges`]: the last revision stored, and whether there are
    /// more.
    pub(crate) fn stored_changes(
        &mut self,
        now: Duration,
        stored: Result<(Option<u64>, bool), Failed>,
    ) -> Vec<Action> {
        self.storing = false;
        let Phase::Snapshot(gathering) = &mut self.phase else {
            return self.next();
        };
        let Ok((last, more)) = stored else {
            return self.pause(now);
        };
        match (gathering.behind.front_mut(), last) {
            (Some(front), Some(rev)) if more && rev > front.1 => front.1 = rev,
            _ => {
                gathering.behind.pop_front();
            }
        }
        self.next_changes()
    }

    /// What became of [`Action::StoreEnd`].
    pub(crate) fn stored_end(
        &mut self,
        now: Duration,
        stored: Result<Cursor, Failed>,
    ) -> Vec<Action> {
        self.storing = false;
        let Ok(cursor) = stored else {
            return self.pause(now);
        };
        self.cursor = Some(cursor);
        self.gaps = 0;
        match self.phase {
            Phase::Snapshot(_) => self.ask(),
            _ => self.next(),
        }
    }

    /// The time has come.
    pub(crate) fn tick(&mut self, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Pausing(until) if until <= now => self.ask(),
            _ => Vec::new(),
        }
    }

    /// When [`Sync::tick`] is wanted.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Pausing(until) => Some(until),
            _ => None,
        }
    }

    fn ask(&mut self) -> Vec<Action> {
        self.phase = Phase::Asking;
        self.caught_up = false;
        if self.storing {
            // The cursor is about to move: asked when it has.
            return Vec::new();
        }
        vec![Action::Since(self.cursor)]
    }

    fn pause(&mut self, now: Duration) -> Vec<Action> {
        if !matches!(self.phase, Phase::Offline) {
            self.phase = Phase::Pausing(now + AGAIN);
            self.waiting.clear();
        }
        Vec::new()
    }

    fn next(&mut self) -> Vec<Action> {
        if self.storing {
            return Vec::new();
        }
        if matches!(self.phase, Phase::Asking) {
            // The question was held back until the cursor had moved.
            return vec![Action::Since(self.cursor)];
        }
        while let Some((facts, live)) = self.waiting.pop_front() {
            if self
                .cursor
                .is_some_and(|cursor| cursor.epoch == facts.epoch && facts.up_to <= cursor.n)
            {
                continue;
            }
            if !self.follows(&facts) {
                return self.ask_after_gap(&facts);
            }
            self.storing = true;
            return vec![Action::StoreFacts { facts, live }];
        }
        Vec::new()
    }

    /// Whether nothing is missing between what is stored and these facts.
    fn follows(&self, facts: &Facts) -> bool {
        match self.cursor {
            Some(cursor) => facts.epoch == cursor.epoch && facts.after <= cursor.n,
            None => facts.after == 0,
        }
    }

    /// The first time asks again from the cursor; where that did not help, or the cursor counts in
    /// another life of the server's database, asks for everything.
    fn ask_after_gap(&mut self, facts: &Facts) -> Vec<Action> {
        self.waiting.clear();
        self.phase = Phase::Asking;
        self.gaps += 1;
        let cursor = self
            .cursor
            .filter(|cursor| cursor.epoch == facts.epoch && self.gaps == 1);
        tracing::warn!(whole = cursor.is_none(), "facts are missing: asking again");
        vec![Action::Since(cursor)]
    }

    fn next_changes(&mut self) -> Vec<Action> {
        let Phase::Snapshot(gathering) = &mut self.phase else {
            return Vec::new();
        };
        if let Some((conversation, rev)) = gathering.behind.front() {
            return vec![Action::Changes {
                conversation: *conversation,
                rev: *rev,
            }];
        }
        let Some(cursor) = gathering.cursor else {
            return Vec::new();
        };
        self.storing = true;
        vec![Action::StoreEnd {
            cursor,
            listed: std::mem::take(&mut gathering.listed),
        }]
    }
}

#[cfg(test)]
mod tests;
