//! The one task that writes to the database.
//!
//! Commands wait in two bounded queues; calls and sign-in go first. The writer takes what is
//! queued, runs each command in a savepoint of its own, commits them together (synchronous=FULL)
//! and only then answers: **acknowledged means on disk**. While one commit runs the next batch
//! gathers by itself, so that many clients share a commit and a single one never waits for others.
//! A command that is refused rolls back alone; messages, the most frequent of all, are taken in
//! together (`crate::messages`). Where the commit fails, all of that batch hear
//! `unavailable`: their operation ids make sending again harmless. After the commit it publishes
//! what the commands left in their [`Change`]: wake-ups of feeds and notices.

mod change;

pub use change::Change;

use crate::{
    clock::Clock,
    error::Error,
    hub::Hub,
    messages::{self, Sending},
    store::{Connection, Store},
};
use change::Published;
use futures_util::{FutureExt as _, future::BoxFuture};
use im_protocol::conversation::MessageSent;
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Commands in one commit, at most. With 100 clients who each wait for their answer, 48 took in a
/// fifth more than 128: while one half is being written the other half is being answered.
const BATCH: usize = 48;
/// How long a batch may take commands up before it commits.
const GATHER: Duration = Duration::from_millis(40);
/// Messages that are taken in together, at most.
const GROUP_MESSAGES: usize = 512;
/// Commands that may wait in each queue; beyond it askers wait for room.
const QUEUE: usize = 1_024;

/// Which queue a command waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Calls and sign-in: before all data that is queued.
    First,
    /// Everything else.
    Usual,
}

/// Something to do within the transaction.
type Command = Box<dyn for<'c> FnOnce(&'c mut Change) -> BoxFuture<'c, Outcome> + Send>;

/// What waits in a queue.
enum Work {
    /// A command that runs alone, in a savepoint of its own.
    Command(Command),
    /// Messages: taken in together with those that wait behind them.
    Sending(Waiting),
}

/// A sending and who waits for it.
struct Waiting {
    sending: Sending,
    answer: oneshot::Sender<Result<MessageSent, Error>>,
}

/// How an asker hears what became of it.
type Answer = Box<dyn FnOnce(Fate) + Send>;

/// What a command came to: whether its savepoint is kept, and its answer.
struct Outcome {
    keep: bool,
    answer: Answer,
}

/// What became of the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    OnDisk,
    Lost,
}

/// Hands commands to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    first: mpsc::Sender<Work>,
    usual: mpsc::Sender<Work>,
}

impl Writer {
    /// A writer and the task that is to be spawned for it.
    ///
    /// # Errors
    /// Where the writing connection cannot be opened.
    pub async fn new(
        store: Store,
        clock: Clock,
        hub: Arc<Hub>,
    ) -> Result<(Self, WriterTask), Error> {
        let conn = store.writing().await?;
        let (first, first_rx) = mpsc::channel(QUEUE);
        let (usual, usual_rx) = mpsc::channel(QUEUE);
        let task = WriterTask {
            store,
            clock,
            hub,
            first: first_rx,
            usual: usual_rx,
            conn: Some(conn),
            left: None,
        };
        Ok((Self { first, usual }, task))
    }

    /// Runs a command in the writer and waits until it is on disk, or refused.
    ///
    /// # Errors
    /// The command's own; `unavailable` where the commit failed or the writer has ended. In both
    /// cases nothing of it was kept.
    pub async fn write<T, F>(&self, urgency: Urgency, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Change) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work = Work::Command(Box::new(move |change| {
            async move {
                let result = command(change).await;
                Outcome {
                    keep: result.is_ok(),
                    answer: answer_with(answer, result),
                }
            }
            .boxed()
        }));
        let queue = match urgency {
            Urgency::First => &self.first,
            Urgency::Usual => &self.usual,
        };
        wait(queue, work, answered).await
    }

    /// Takes messages in, together with others that are sent at the same time, and waits until
    /// they are on disk, or refused.
    pub(crate) async fn send(&self, sending: Sending) -> Result<MessageSent, Error> {
        let (answer, answered) = oneshot::channel();
        let work = Work::Sending(Waiting { sending, answer });
        wait(&self.usual, work, answered).await
    }
}

async fn wait<T>(
    queue: &mpsc::Sender<Work>,
    work: Work,
    answered: oneshot::Receiver<Result<T, Error>>,
) -> Result<T, Error> {
    if queue.send(work).await.is_err() {
        return Err(Error::unavailable());
    }
    answered.await.unwrap_or_else(|_| Err(Error::unavailable()))
}

fn answer_with<T: Send + 'static>(
    answer: oneshot::Sender<Result<T, Error>>,
    result: Result<T, Error>,
) -> Answer {
    Box::new(move |fate| {
        let told = match fate {
            // A refusal stands whatever became of the others.
            Fate::Lost if result.is_ok() => Err(Error::unavailable()),
            _ => result,
        };
        // The asker may have gone; what was done stays done.
        answer.send(told).ok();
    })
}

/// The task behind [`Writer`].
pub struct WriterTask {
    store: Store,
    clock: Clock,
    hub: Arc<Hub>,
    first: mpsc::Receiver<Work>,
    usual: mpsc::Receiver<Work>,
    /// None after it broke, until it is opened again.
    conn: Option<Connection>,
    /// Taken out of a queue and not begun.
    left: Option<Work>,
}

impl WriterTask {
    /// Runs until it is stopped, or every [`Writer`] is dropped, and what was queued is done.
    pub async fn run(mut self, stop: CancellationToken) {
        while let Some(work) = self.next(&stop).await {
            let Some(conn) = self.connection().await else {
                // Dropping the command tells its asker `unavailable`.
                continue;
            };
            let mut change = Change::new(conn, self.clock.now());
            let begun = change.control("BEGIN IMMEDIATE").await;
            if let Err(error) = begun {
                tracing::error!(error = %error, "a batch could not begin");
                continue;
            }
            let (outcomes, published) = self.batch(&mut change, work).await;
            let fate = match change.control("COMMIT").await {
                Ok(()) => Fate::OnDisk,
                Err(error) => {
                    tracing::error!(error = %error, commands = outcomes.len(), "a commit failed");
                    change.control("ROLLBACK").await.ok();
                    Fate::Lost
                }
            };
            // Only a connection that ended its transaction is used again.
            self.conn = change.into_conn();
            for answer in outcomes {
                answer(fate);
            }
            if fate == Fate::OnDisk {
                for published in published {
                    published.publish(&self.hub);
                }
            }
        }
        if let Some(conn) = self.conn.take() {
            close(conn).await;
        }
    }

    /// The next command; none when there will be no more.
    async fn next(&mut self, stop: &CancellationToken) -> Option<Work> {
        if let Some(left) = self.left.take() {
            return Some(left);
        }
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.first.is_closed() => {
                    // What is queued is still done; nothing more is taken.
                    self.first.close();
                    self.usual.close();
                }
                Some(work) = self.first.recv() => return Some(work),
                Some(work) = self.usual.recv() => return Some(work),
                else => return None,
            }
        }
    }

    /// What is queued right now, urgent first.
    fn queued(&mut self) -> Option<Work> {
        self.first
            .try_recv()
            .or_else(|_| self.usual.try_recv())
            .ok()
    }

    async fn connection(&mut self) -> Option<Connection> {
        if let Some(conn) = self.conn.take() {
            return Some(conn);
        }
        match self.store.writing().await {
            Ok(conn) => Some(conn),
            Err(error) => {
                tracing::error!(error = %error, "the database cannot be opened for writing");
                None
            }
        }
    }

    async fn batch(&mut self, change: &mut Change, first: Work) -> (Vec<Answer>, Vec<Published>) {
        let begun = Instant::now();
        let mut answers = Vec::new();
        let mut published = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next.take() {
            match work {
                Work::Command(command) => {
                    if let Some((answer, keep)) = run_one(change, command).await {
                        answers.push(answer);
                        if keep {
                            published.push(change.take_published());
                        }
                    }
                    change.discard_published();
                }
                Work::Sending(first) => {
                    let mut group = vec![first];
                    next = self.join(&mut group);
                    run_group(change, group, &mut answers, &mut published).await;
                }
            }
            if answers.len() >= BATCH || begun.elapsed() >= GATHER {
                self.left = next.take();
                break;
            }
            if next.is_none() {
                // Whoever was answered or woken meanwhile gets the chance to queue up.
                tokio::task::yield_now().await;
                next = self.queued();
            }
        }
        (answers, published)
    }

    /// Lets the sendings that wait next join a group. Gives back what is no sending, if that came.
    fn join(&mut self, group: &mut Vec<Waiting>) -> Option<Work> {
        let mut messages = 0;
        while group.len() < BATCH && messages < GROUP_MESSAGES {
            match self.queued()? {
                Work::Sending(waiting) => {
                    messages += waiting.sending.asked.items.len();
                    group.push(waiting);
                }
                command @ Work::Command(_) => return Some(command),
            }
        }
        None
    }
}

/// Runs a command in its savepoint. None where it broke: its asker hears `unavailable`.
async fn run_one(change: &mut Change, command: Command) -> Option<(Answer, bool)> {
    change.control("SAVEPOINT one").await.ok()?;
    // A command that panics must not take the writer, and so all others, along.
    let outcome = AssertUnwindSafe(command(change)).catch_unwind().await;
    let keep = matches!(&outcome, Ok(outcome) if outcome.keep);
    if !keep {
        change.control("ROLLBACK TO one").await.ok()?;
    }
    let released = change.control("RELEASE one").await;
    let Ok(outcome) = outcome else {
        tracing::error!("a command broke; the others go on");
        return None;
    };
    released.ok()?;
    Some((outcome.answer, keep))
}

/// Takes a group of sendings in. Where that fails as a whole, each is tried alone, so that none
/// suffers for another.
async fn run_group(
    change: &mut Change,
    group: Vec<Waiting>,
    answers: &mut Vec<Answer>,
    published: &mut Vec<Published>,
) {
    let sendings: Vec<_> = group.iter().map(|waiting| &waiting.sending).collect();
    if let Some(results) = run_sendings(change, &sendings).await {
        published.push(change.take_published());
        let answered = group.into_iter().zip(results);
        answers.extend(answered.map(|(waiting, result)| answer_with(waiting.answer, result)));
        return;
    }
    change.discard_published();
    for waiting in group {
        // Dropping it tells its asker `unavailable`.
        if let Some(results) = run_sendings(change, &[&waiting.sending]).await {
            published.push(change.take_published());
            let mut results = results.into_iter();
            answers.extend(
                results
                    .next()
                    .map(|result| answer_with(waiting.answer, result)),
            );
        }
        change.discard_published();
    }
}

/// Takes sendings in, in a savepoint of their own; none where nothing of them was kept.
async fn run_sendings(
    change: &mut Change,
    sendings: &[&Sending],
) -> Option<Vec<Result<MessageSent, Error>>> {
    change.control("SAVEPOINT one").await.ok()?;
    let accepted = AssertUnwindSafe(messages::accept(change, sendings))
        .catch_unwind()
        .await;
    let results = match accepted {
        Ok(Ok(results)) => Some(results),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "messages were not taken in");
            None
        }
        Err(_) => {
            tracing::error!("taking messages in broke");
            None
        }
    };
    if results.is_none() {
        change.control("ROLLBACK TO one").await.ok()?;
    }
    change.control("RELEASE one").await.ok()?;
    results
}

/// Folds the write-ahead log into the file, so that a copy of the file alone is whole.
async fn close(mut conn: Connection) {
    use sqlx::Connection as _;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    if let Err(error) = checkpoint.execute(&mut conn).await {
        tracing::warn!(error = %error, "the write-ahead log stays");
    }
    conn.close().await.ok();
}

#[cfg(test)]
mod tests;
