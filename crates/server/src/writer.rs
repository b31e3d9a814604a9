//! The one task that writes to the database.
//!
//! Commands wait in two bounded queues; calls and sign-in go first. The writer takes what is
//! queued, runs each command in a savepoint of its own, commits them together (synchronous=FULL)
//! and only then answers: **acknowledged means on disk**. While one commit runs the next batch
//! gathers by itself, so that many clients share a commit and a single one never waits for others.
//! A command that is refused rolls back alone. Where the commit fails, all of that batch hear
//! `unavailable`: their operation ids make sending again harmless. After the commit it publishes
//! what the commands left in their [`Change`]: wake-ups of feeds and notices.

mod change;

pub use change::Change;

use crate::{
    clock::Clock,
    error::Error,
    hub::Hub,
    store::{Connection, Store},
};
use change::Published;
use futures_util::{FutureExt as _, future::BoxFuture};
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Commands in one commit, at most.
const BATCH: usize = 128;
/// How long a batch may take commands up before it commits.
const GATHER: Duration = Duration::from_millis(40);
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

type Work = Box<dyn for<'c> FnOnce(&'c mut Change) -> BoxFuture<'c, Outcome> + Send>;

/// What a command came to: whether its savepoint is kept, and how its asker hears of it.
struct Outcome {
    keep: bool,
    answer: Box<dyn FnOnce(Fate) + Send>,
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
        let work: Work = Box::new(move |change| {
            async move {
                let result = command(change).await;
                Outcome {
                    keep: result.is_ok(),
                    answer: Box::new(move |fate| {
                        let told = match fate {
                            // A refusal stands whatever became of the others.
                            Fate::Lost if result.is_ok() => Err(Error::unavailable()),
                            _ => result,
                        };
                        // The asker may have gone; what was done stays done.
                        answer.send(told).ok();
                    }),
                }
            }
            .boxed()
        });
        let queue = match urgency {
            Urgency::First => &self.first,
            Urgency::Usual => &self.usual,
        };
        if queue.send(work).await.is_err() {
            return Err(Error::unavailable());
        }
        answered.await.unwrap_or_else(|_| Err(Error::unavailable()))
    }
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

    async fn batch(
        &mut self,
        change: &mut Change,
        first: Work,
    ) -> (Vec<Box<dyn FnOnce(Fate) + Send>>, Vec<Published>) {
        let begun = Instant::now();
        let mut answers = Vec::new();
        let mut published = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next {
            if let Some((answer, keep)) = run_one(change, work).await {
                answers.push(answer);
                if keep {
                    published.push(change.take_published());
                }
            }
            change.discard_published();
            next = if answers.len() < BATCH && begun.elapsed() < GATHER {
                // Whoever was answered or woken meanwhile gets the chance to queue up.
                tokio::task::yield_now().await;
                self.queued()
            } else {
                None
            };
        }
        (answers, published)
    }
}

/// Runs a command in its savepoint. None where it broke: its asker hears `unavailable`.
async fn run_one(change: &mut Change, work: Work) -> Option<(Box<dyn FnOnce(Fate) + Send>, bool)> {
    change.control("SAVEPOINT one").await.ok()?;
    // A command that panics must not take the writer, and so all others, along.
    let outcome = AssertUnwindSafe(work(change)).catch_unwind().await;
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
