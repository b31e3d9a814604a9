//! A random walk through bad days, which can be replayed from its seed: answers get lost, requests
//! arrive late and twice, the feed comes before or after the answer, the disk refuses, the app is
//! killed at any point. In the end the server must have every message and every change exactly once
//! and in order, no change before its message, no message before its files, and the outbox must be
//! empty. What the files go through is in [`files`].

mod files;

use super::*;
use files::{Bytes, OnServer};
use im_protocol::conversation::NotAccepted;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

const SEEDS: u64 = 400;
const STEPS: usize = 400;

/// A row of the outbox.
struct Row {
    conversation: ConversationId,
    id: OperationId,
    failed: bool,
    /// The message that is changed.
    changes: Option<OperationId>,
    files: Vec<FileEntry>,
}

/// What is on the device's disk.
#[derive(Default)]
struct Disk {
    rows: BTreeMap<u64, Row>,
    stored: HashSet<OperationId>,
    last: u64,
}

impl Disk {
    fn load(&self) -> Vec<Entry> {
        self.rows
            .iter()
            // What is known to be accepted is deleted at the start.
            .filter(|(_, row)| !self.stored.contains(&row.id))
            .map(|(n, row)| Entry {
                n: *n,
                id: row.id,
                conversation: row.conversation,
                bytes: 10,
                failed: row.failed,
                alone: row.changes.is_some(),
                after: row.changes,
                files: row.files.clone(),
            })
            .collect()
    }
}

/// The server: every id once, in the order of arrival.
#[derive(Default)]
struct Server {
    messages: HashMap<ConversationId, Vec<OperationId>>,
    refused: HashSet<OperationId>,
    /// Changes with their messages.
    changes: HashMap<OperationId, OperationId>,
    /// What messages carry.
    carry: HashMap<OperationId, Vec<FileId>>,
    files: OnServer,
}

impl Server {
    fn receive(
        &mut self,
        rng: &mut StdRng,
        conversation: ConversationId,
        ids: &[OperationId],
    ) -> Result<Answer, SendFailure> {
        if rng.random_ratio(1, 12) {
            let busy = WireError::new(ErrorCode::Unavailable, "");
            return Err(SendFailure::Refused(busy));
        }
        let mut done = Vec::new();
        let mut failed = None;
        let changes = ids.iter().any(|id| self.changes.contains_key(id));
        assert!(!changes || ids.len() == 1, "a change goes alone");
        for id in ids {
            let list = self.messages.entry(conversation).or_default();
            let target = self.changes.get(id);
            let early = target.is_some_and(|target| !list.contains(target));
            assert!(!early, "a change came before its message");
            let known = list.iter().position(|known| known == id);
            let carries = self.carry.get(id).into_iter().flatten();
            if known.is_none()
                && let Some(code) = self.files.missing(carries)
            {
                failed = Some(NotAccepted {
                    id: message(*id),
                    error: WireError::new(code, ""),
                });
                break;
            }
            if known.is_none() && rng.random_ratio(1, 25) {
                let code = if rng.random_ratio(1, 2) {
                    ErrorCode::RateLimited
                } else {
                    self.refused.insert(*id);
                    ErrorCode::Invalid
                };
                if changes {
                    return Err(SendFailure::Refused(WireError::new(code, "")));
                }
                failed = Some(NotAccepted {
                    id: message(*id),
                    error: WireError::new(code, ""),
                });
                break;
            }
            let place = known.unwrap_or_else(|| {
                list.push(*id);
                list.len() - 1
            });
            let seq = u64::try_from(place).unwrap() + 1;
            done.push(Accepted {
                id: message(*id),
                seq,
                rev: seq,
                accepted_at: 0,
            });
        }
        if changes {
            return Ok(Answer::Stored);
        }
        Ok(Answer::Sent(MessageSent {
            accepted: done,
            failed,
        }))
    }
}

struct OnWay {
    request: u64,
    conversation: ConversationId,
    ids: Vec<OperationId>,
}

struct Walk {
    rng: StdRng,
    now: Duration,
    outbox: Outbox,
    disk: Disk,
    server: Server,
    to_server: Vec<OnWay>,
    /// Copies that arrive after the connection that they were sent on.
    late: Vec<OnWay>,
    answers: Vec<(u64, ConversationId, Result<Answer, SendFailure>)>,
    bytes: Bytes,
    writes: Vec<Action>,
    /// Accepted on the server and not brought by the feed yet.
    feed: Vec<OperationId>,
    conversations: [ConversationId; 2],
    written: HashMap<ConversationId, Vec<OperationId>>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            now: Duration::ZERO,
            outbox: Outbox::default(),
            disk: Disk::default(),
            server: Server::default(),
            to_server: Vec::new(),
            late: Vec::new(),
            answers: Vec::new(),
            bytes: Bytes::default(),
            writes: Vec::new(),
            feed: Vec::new(),
            conversations: [ConversationId::new(), ConversationId::new()],
            written: HashMap::new(),
        }
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(self.rng.random_range(0..400));
        match self.rng.random_range(0..24) {
            0..=2 => self.write(),
            3..=5 => self.arrive(),
            6..=8 => self.answer(),
            9..=10 => self.finish_a_write(),
            11 => self.feed(),
            12 => self.drop_the_line(),
            13 if self.rng.random_ratio(1, 3) => self.kill(),
            14 => self.outbox.connected(),
            15 => self.arrive_late(),
            16..=18 => self.bytes_arrive(),
            19..=20 => self.bytes_are_answered(),
            21 => self.bytes_arrive_late(),
            22 => self.hold_or_let_go(),
            23 if self.rng.random_ratio(1, 2) => self.throw_away(),
            23 => self.server_loses_a_file(),
            _ => {}
        }
        let actions = self.outbox.poll(self.now);
        self.take(actions);
    }

    fn write(&mut self) {
        let which = self.rng.random_range(0..2);
        let conversation = self.conversations[which];
        let id = OperationId::new();
        self.disk.last += 1;
        let n = self.disk.last;
        let written = self.written.entry(conversation).or_default();
        let messages = written
            .iter()
            .filter(|id| !self.server.changes.contains_key(id));
        let messages: Vec<OperationId> = messages.copied().collect();
        let changes = match messages.len() {
            some @ 1.. if self.rng.random_ratio(1, 3) => {
                Some(messages[self.rng.random_range(0..some)])
            }
            _ => None,
        };
        self.server.changes.extend(changes.map(|of| (id, of)));
        let files = match changes {
            None if self.rng.random_ratio(1, 4) => files::chosen(&mut self.rng),
            _ => Vec::new(),
        };
        if !files.is_empty() {
            let carried = files.iter().map(|file| file.id).collect();
            self.server.carry.insert(id, carried);
        }
        let row = Row {
            conversation,
            id,
            failed: false,
            changes,
            files,
        };
        self.disk.rows.insert(n, row);
        written.push(id);
        // Told later, or not before a restart.
        if self.rng.random_ratio(4, 5) {
            let known = self.outbox.last_place();
            let rows = self.disk.load();
            self.outbox
                .add(rows.into_iter().filter(|row| row.n > known).collect());
        }
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send {
                    request,
                    conversation,
                    ids,
                } => {
                    let busy = self
                        .to_server
                        .iter()
                        .any(|way| way.conversation == conversation);
                    assert!(!busy, "two requests at once");
                    assert!(ids.len() <= SEND_ITEMS);
                    self.to_server.push(OnWay {
                        request,
                        conversation,
                        ids,
                    });
                }
                Action::Upload { id, step, what } => self.begin_bytes(id, step, what),
                write => self.writes.push(write),
            }
        }
    }

    fn arrive(&mut self) {
        if self.to_server.is_empty() {
            return;
        }
        let way = self.to_server.remove(0);
        self.received(&way, true);
    }

    fn arrive_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let way = self.late.remove(0);
        self.received(&way, false);
    }

    fn received(&mut self, way: &OnWay, answered: bool) {
        let answer = self
            .server
            .receive(&mut self.rng, way.conversation, &way.ids);
        if let Ok(Answer::Sent(sent)) = &answer {
            let ids = sent.accepted.iter().map(|one| OperationId::from(one.id));
            self.feed.extend(ids);
        }
        if !answered {
            return;
        }
        let lost = self.rng.random_ratio(1, 5);
        let answer = if lost { Err(SendFailure::Lost) } else { answer };
        self.answers.push((way.request, way.conversation, answer));
    }

    fn answer(&mut self) {
        if self.answers.is_empty() {
            return;
        }
        let (request, conversation, answer) = self.answers.remove(0);
        let twice = self.rng.random_ratio(1, 10).then(|| answer.clone());
        let actions = self
            .outbox
            .answered(self.now, conversation, request, answer);
        self.take(actions);
        if let Some(answer) = twice {
            let actions = self
                .outbox
                .answered(self.now, conversation, request, answer);
            assert_eq!(actions, [], "an answer counts once");
        }
    }

    fn finish_a_write(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        let ids = match self.writes.remove(0) {
            Action::Settle { accepted, .. } => {
                let ids: Vec<OperationId> = accepted.iter().map(|one| one.id.into()).collect();
                self.disk.stored.extend(&ids);
                ids
            }
            Action::Forget(ids) => ids,
            Action::Park { id, .. } => {
                for row in self.disk.rows.values_mut().filter(|row| row.id == id) {
                    row.failed = true;
                }
                return;
            }
            Action::Anew(ids) => {
                self.mark_whole(&ids, false);
                return;
            }
            Action::Send { .. } | Action::Upload { .. } => return,
        };
        if self.rng.random_ratio(1, 6) {
            self.outbox.not_settled(self.now, &ids);
            return;
        }
        self.disk.rows.retain(|_, row| !ids.contains(&row.id));
        self.outbox.settled(&ids);
    }

    fn feed(&mut self) {
        let some = self.rng.random_range(0..=self.feed.len());
        let facts: Vec<OperationId> = self.feed.drain(..some).collect();
        self.disk.stored.extend(&facts);
        let actions = self.outbox.own_facts(&facts);
        self.take(actions);
    }

    fn drop_the_line(&mut self) {
        self.outbox.disconnected();
        for way in std::mem::take(&mut self.to_server) {
            self.answers
                .push((way.request, way.conversation, Err(SendFailure::Lost)));
            // It may be on its way all the same.
            if self.rng.random_ratio(1, 2) {
                self.late.push(way);
            }
        }
        self.bytes_are_lost();
    }

    fn kill(&mut self) {
        for way in std::mem::take(&mut self.to_server) {
            if self.rng.random_ratio(1, 2) {
                self.late.push(way);
            }
        }
        self.answers.clear();
        self.bytes.killed(&mut self.rng);
        self.writes.clear();
        // What the feed had brought and what had been stored is on disk; the rest comes again.
        let rows = self.disk.load();
        let stored = &self.disk.stored;
        self.disk.rows.retain(|_, row| !stored.contains(&row.id));
        self.outbox = Outbox::default();
        self.outbox.add(rows);
    }

    /// The weather gets better: everything is delivered, and parked messages are tried again.
    fn calm(&mut self) {
        for _ in 0..2_000 {
            self.now += Duration::from_secs(1);
            self.outbox.connected();
            let rows = self.disk.load();
            let known = self.outbox.last_place();
            self.outbox
                .add(rows.into_iter().filter(|row| row.n > known).collect());
            for row in self.disk.rows.values().filter(|row| row.failed) {
                self.outbox.retry(row.id);
            }
            self.let_all_go();
            let actions = self.outbox.poll(self.now);
            self.take(actions);
            self.arrive_late();
            self.arrive();
            self.answer();
            self.bytes_arrive_late();
            self.bytes_arrive();
            self.bytes_are_answered();
            self.finish_a_write();
            if self.disk.rows.is_empty() && self.late.is_empty() {
                return;
            }
        }
    }
}

#[test]
fn whatever_happens_every_message_arrives_once_and_in_order() {
    for seed in 0..SEEDS {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
        }
        walk.calm();
        assert!(
            walk.disk.rows.is_empty(),
            "seed {seed}: something is unsent"
        );
        assert_eq!(walk.outbox.waiting(), 0, "seed {seed}");
        for (conversation, written) in &walk.written {
            let arrived = &walk.server.messages[conversation];
            let once: HashSet<&OperationId> = arrived.iter().collect();
            assert_eq!(once.len(), arrived.len(), "seed {seed}: doubled");
            assert_eq!(arrived.len(), written.len(), "seed {seed}: lost");
            // What was parked comes when it is tried again, what has files when they are there, and
            // what waits for it then; the others keep their order.
            let in_order = |list: &[OperationId]| -> Vec<OperationId> {
                let (parked, changes) = (&walk.server.refused, &walk.server.changes);
                let late =
                    |id: &OperationId| parked.contains(id) || walk.server.carry.contains_key(id);
                let on_time = |id: &&OperationId| !late(id) && !changes.get(*id).is_some_and(late);
                list.iter().filter(on_time).copied().collect()
            };
            assert_eq!(in_order(arrived), in_order(written), "seed {seed}: order");
        }
    }
}
