//! The one writer of the database.
//!
//! Commands wait in two bounded queues; calls and sign-in go first. The writer takes what is
//! queued, runs each command in a savepoint of its own, commits them together (synchronous=FULL)
//! and only then answers: **acknowledged means on disk**. While one commit runs the next batch
//! gathers by itself, so that many clients share a commit and a single one never waits for others.
//! A command that is refused rolls back alone. Where the commit fails, all of that batch hear
//! `unavailable`: their operation ids make sending again harmless.
//!
//! Messages, the most frequent of all, have a queue of their own and a transaction of their own,
//! taken in turns with the commands': all that are queued are taken in together
//! (`crate::messages`) on a connection that costs no way to another thread ([`Ledger`]).
//!
//! The writer has a thread of its own ([`WriterTask::spawn`]): a commit waits for the disk, and
//! nobody else is to wait with it. What follows a commit (answers, wake-ups of feeds, notices: see
//! [`Change`]) is done by a task beside it, in the order of the commits, while the next batch is
//! being written.

mod change;
mod checkpoints;
mod settled;

pub use change::Change;

use crate::{
    clock::Clock,
    error::Error,
    hub::Hub,
    messages::{self, Sending},
    store::{Connection, Store, ledger::Ledger},
};
use checkpoints::Checkpoints;
use futures_util::{FutureExt as _, future::BoxFuture};
use im_protocol::{UnixMs, conversation::MessageSent};
use settled::{Answer, Fate, Sent, Settled, Teller};
use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

/// Commands in one commit, at most.
const BATCH: usize = 128;
/// How long a batch may take commands up before it commits.
const GATHER: Duration = Duration::from_millis(40);
/// Senders whose messages are taken in together, at most.
const GROUP: usize = 512;
/// Messages that are taken in together: no sender joins beyond it.
const GROUP_MESSAGES: usize = 2_048;
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

/// A sending and who waits for it.
struct Waiting {
    sending: Sending,
    /// None where it was answered by the time this is told.
    answer: oneshot::Sender<Result<Option<MessageSent>, Error>>,
}

/// What a command came to: whether its savepoint is kept, and its answer.
struct Outcome {
    keep: bool,
    answer: Answer,
}

/// Hands commands to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    first: mpsc::Sender<Command>,
    usual: mpsc::Sender<Command>,
    sendings: mpsc::Sender<Waiting>,
}

impl Writer {
    /// A writer and the task that is to be spawned for it.
    ///
    /// # Errors
    /// Where a writing connection cannot be opened.
    pub async fn new(
        store: Store,
        clock: Clock,
        hub: Arc<Hub>,
    ) -> Result<(Self, WriterTask), Error> {
        let conn = store.writing().await?;
        let ledger = store.ledger()?;
        let (first, first_rx) = mpsc::channel(QUEUE);
        let (usual, usual_rx) = mpsc::channel(QUEUE);
        let (sendings, sendings_rx) = mpsc::channel(QUEUE);
        let task = WriterTask {
            store,
            clock,
            hub,
            first: first_rx,
            usual: usual_rx,
            sendings: sendings_rx,
            conn: Some(conn),
            ledger,
            command: None,
            sending: None,
        };
        let writer = Self {
            first,
            usual,
            sendings,
        };
        Ok((writer, task))
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
        let work: Command = Box::new(move |change| {
            async move {
                let result = command(change).await;
                Outcome {
                    keep: result.is_ok(),
                    answer: settled::answer_with(answer, result),
                }
            }
            .boxed()
        });
        let queue = match urgency {
            Urgency::First => &self.first,
            Urgency::Usual => &self.usual,
        };
        wait(queue, work, answered).await
    }

    /// Takes messages in, together with others that are sent at the same time, and waits until
    /// they are on disk, or refused. Gives none where the sending's asker was told by then.
    pub(crate) async fn send(&self, sending: Sending) -> Result<Option<MessageSent>, Error> {
        let (answer, answered) = oneshot::channel();
        let work = Waiting { sending, answer };
        wait(&self.sendings, work, answered).await
    }
}

async fn wait<W, T>(
    queue: &mpsc::Sender<W>,
    work: W,
    answered: oneshot::Receiver<Result<T, Error>>,
) -> Result<T, Error> {
    if queue.send(work).await.is_err() {
        return Err(Error::unavailable());
    }
    answered.await.unwrap_or_else(|_| Err(Error::unavailable()))
}

/// The task behind [`Writer`].
pub struct WriterTask {
    store: Store,
    clock: Clock,
    hub: Arc<Hub>,
    first: mpsc::Receiver<Command>,
    usual: mpsc::Receiver<Command>,
    sendings: mpsc::Receiver<Waiting>,
    /// None after it broke, until it is opened again.
    conn: Option<Connection>,
    ledger: Ledger,
    /// Taken out of its queue and not begun.
    command: Option<Command>,
    /// Taken out of its queue and not begun.
    sending: Option<Waiting>,
}

impl WriterTask {
    /// Runs it on a thread of its own, within this runtime. What is given back hears when it ended.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(self, stop: CancellationToken) -> io::Result<oneshot::Receiver<()>> {
        let (over, is_over) = oneshot::channel();
        let runtime = Handle::current();
        let run = move || {
            runtime.block_on(self.run(stop));
            // Whoever does not wait for it need not hear.
            over.send(()).ok();
        };
        let thread = std::thread::Builder::new().name("writer".to_owned());
        thread.spawn(run)?;
        Ok(is_over)
    }

    /// Runs until it is stopped, or every [`Writer`] is dropped, and what was queued is done.
    async fn run(mut self, stop: CancellationToken) {
        let (teller, settled) = Teller::new(self.hub.clone());
        let telling = tokio::spawn(teller.run());
        let (checkpoints, written) = Checkpoints::new(self.store.clone());
        let copying = tokio::spawn(checkpoints.run());
        while self.work(&stop).await {
            if let Some(command) = self.command.take()
                && let Some(batch) = self.batch(command).await
                && settled.send(batch).await.is_err()
            {
                break;
            }
            if let Some(sending) = self
                .sending
                .take()
                .or_else(|| self.sendings.try_recv().ok())
            {
                let group = self.group(sending);
                let taken = take_in(&self.ledger, &self.clock, group);
                if settled.send(taken).await.is_err() {
                    break;
                }
            }
            written.store(true, Ordering::Relaxed);
        }
        if settled.is_closed() {
            // Nobody would hear what becomes of what is written.
            tracing::error!("what was written cannot be told: the writer ends");
        }
        copying.abort();
        copying.await.ok();
        drop(settled);
        telling.await.ok();
        if let Some(conn) = self.conn.take() {
            close(conn).await;
        }
    }

    /// Waits for a command or a sending. Says whether there will be any.
    async fn work(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.first.is_closed() => {
                    // What is queued is still done; nothing more is taken.
                    self.first.close();
                    self.usual.close();
                    self.sendings.close();
                }
                Some(command) = self.first.recv() => {
                    self.command = Some(command);
                    return true;
                }
                Some(command) = self.usual.recv() => {
                    self.command = Some(command);
                    return true;
                }
                Some(sending) = self.sendings.recv() => {
                    self.sending = Some(sending);
                    return true;
                }
                else => return false,
            }
        }
    }

    /// A command that is queued right now, urgent first.
    fn queued(&mut self) -> Option<Command> {
        let first = self.first.try_recv();
        first.or_else(|_| self.usual.try_recv()).ok()
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

    /// Runs a command and what is queued behind it, and commits. None where it could not begin:
    /// dropping the commands tells their askers `unavailable`.
    async fn batch(&mut self, first: Command) -> Option<Settled> {
        let conn = self.connection().await?;
        let mut change = Change::new(conn, self.clock.now());
        if let Err(error) = change.control("BEGIN IMMEDIATE").await {
            tracing::error!(error = %error, "a batch could not begin");
            return None;
        }
        let mut settled = Settled::new();
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(command) = next.take() {
            if let Some((answer, keep)) = run_one(&mut change, command).await {
                settled.answers.push(answer);
                if keep {
                    settled.published.push(change.take_published());
                }
            }
            change.discard_published();
            if settled.answers.len() < BATCH && begun.elapsed() < GATHER {
                next = self.queued();
            }
        }
        if let Err(error) = change.control("COMMIT").await {
            let commands = settled.answers.len();
            tracing::error!(error = %error, commands, "a commit failed");
            change.control("ROLLBACK").await.ok();
            settled.fate = Fate::Lost;
        }
        // Only a connection that ended its transaction is used again.
        self.conn = change.into_conn();
        Some(settled)
    }

    /// A sending with those that are queued behind it.
    fn group(&mut self, first: Waiting) -> Vec<Waiting> {
        let mut messages = first.sending.asked.items.len();
        let mut group = vec![first];
        while group.len() < GROUP
            && messages < GROUP_MESSAGES
            && let Ok(next) = self.sendings.try_recv()
        {
            messages += next.sending.asked.items.len();
            group.push(next);
        }
        group
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

/// Takes a group of sendings in. Where one of them may be to blame that it failed as a whole, each
/// is tried alone, so that none suffers for another.
fn take_in(ledger: &Ledger, clock: &Clock, group: Vec<Waiting>) -> Settled {
    let now = clock.now();
    let mut settled = Settled::new();
    let sendings: Vec<_> = group.iter().map(|waiting| &waiting.sending).collect();
    match accept(ledger, now, &sendings) {
        Ok((answers, told)) => {
            let answers = group.into_iter().zip(answers).collect();
            settled.sent.push(Sent { answers, told });
        }
        Err(true) if group.len() > 1 => {
            for waiting in group {
                // Dropping it tells its asker `unavailable`.
                if let Ok((answers, told)) = accept(ledger, now, &[&waiting.sending]) {
                    let answers = std::iter::once(waiting).zip(answers).collect();
                    settled.sent.push(Sent { answers, told });
                }
            }
        }
        Err(_) => {}
    }
    settled
}

/// Takes sendings in and commits. The error says whether one of them may be to blame.
fn accept(
    ledger: &Ledger,
    now: UnixMs,
    sendings: &[&Sending],
) -> Result<(Vec<messages::Answer>, messages::Told), bool> {
    // What panics must not take the writer, and so all others, along.
    let accept = AssertUnwindSafe(|| messages::accept(ledger, now, sendings));
    match std::panic::catch_unwind(accept) {
        Ok(Ok(accepted)) => Ok(accepted),
        Ok(Err(error)) => {
            let count = sendings.len();
            tracing::error!(error = %error, sendings = count, "messages were not taken in");
            Err(match error {
                Error::Ledger(error) => is_of_a_value(&error),
                _ => true,
            })
        }
        Err(_) => {
            tracing::error!("taking messages in broke");
            Err(true)
        }
    }
}

/// Whether the database refused a value. Else it is the disk, or another process: nothing that
/// would be different with fewer messages.
fn is_of_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly
                | ErrorCode::NotADatabase
        )
    )
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
