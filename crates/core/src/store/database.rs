//! One database file: a thread that writes, a few that read, and how to hand them work.

use super::{
    StoreError,
    key::Key,
    open::{self, Schema},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Pieces of work that may wait for a thread; a further one waits for room.
const QUEUE: usize = 64;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Run(Work),
    Close(oneshot::Sender<()>),
}

/// A handle on an open database. Cheap to clone; the threads end with the last handle, or at
/// [`Database::close`].
#[derive(Clone)]
pub(crate) struct Database {
    threads: Arc<Threads>,
}

struct Threads {
    writer: mpsc::Sender<Job>,
    readers: Vec<mpsc::Sender<Job>>,
    turn: AtomicUsize,
    corrupt: watch::Sender<bool>,
    /// Set before the threads are asked to close: one that is gone without it has panicked.
    closed: AtomicBool,
}

impl Database {
    /// Opens the file, with its key where it is encrypted, and starts its threads. Blocks for as long as opening takes.
    ///
    /// # Errors
    /// As [`open::writer`].
    pub(crate) fn open(
        path: &Path,
        schema: Schema,
        readers: usize,
        key: Option<&Key>,
    ) -> Result<Self, StoreError> {
        let writer = open::writer(path, schema, key)?;
        let name = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let readers = (0..readers)
            .map(|_| start(format!("{name}-read"), open::reader(path, key)?))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let threads = Threads {
            writer: start(format!("{name}-write"), writer)?,
            readers,
            turn: AtomicUsize::new(0),
            corrupt: watch::channel(false).0,
            closed: AtomicBool::new(false),
        };
        Ok(Self {
            threads: Arc::new(threads),
        })
    }

    /// Runs a read on one of the readers.
    ///
    /// # Errors
    /// What the work says; [`StoreError::Closed`] after [`Database::close`], and
    /// [`StoreError::Internal`] where its thread has panicked.
    pub(crate) async fn read<R, W>(&self, work: W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    {
        let turn = self.threads.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.threads.readers.len().max(1);
        let thread = self
            .threads
            .readers
            .get(turn % count)
            .unwrap_or(&self.threads.writer);
        self.run(thread, |connection| work(connection)).await
    }

    /// Runs work in one transaction of the writer, committed where the work says Ok. Writes of one
    /// task are carried out in order.
    ///
    /// # Errors
    /// As for a read; then nothing of it is stored.
    pub(crate) async fn write<R, W>(&self, work: W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        self.run(&self.threads.writer, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }

    async fn run<R, W>(&self, thread: &mpsc::Sender<Job>, work: W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<R, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job::Run(Box::new(move |connection| {
            // Nobody waits anymore where the asker was dropped; the work is done all the same.
            let _ = reply.send(work(connection));
        }));
        thread.send(job).await.map_err(|_| self.gone())?;
        let result = answer.await.unwrap_or_else(|_| Err(self.gone()));
        if matches!(result, Err(StoreError::Corrupt)) {
            self.threads.corrupt.send_replace(true);
        }
        result
    }

    /// Why a thread does not answer.
    fn gone(&self) -> StoreError {
        if self.threads.closed.load(Ordering::Relaxed) {
            StoreError::Closed
        } else {
            StoreError::Internal
        }
    }

    /// Turns true when a query has found the file to be broken.
    pub(crate) fn corrupt(&self) -> watch::Receiver<bool> {
        self.threads.corrupt.subscribe()
    }

    /// Finishes what is queued and closes the file, also for other handles.
    pub(crate) async fn close(&self) {
        self.threads.closed.store(true, Ordering::Relaxed);
        // The writer last: it cleans up the log once it is alone.
        for thread in self.threads.readers.iter().chain([&self.threads.writer]) {
            let (done, closed) = oneshot::channel();
            if thread.send(Job::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
        }
    }
}

fn start(name: String, mut connection: Connection) -> Result<mpsc::Sender<Job>, StoreError> {
    let (jobs, mut queue) = mpsc::channel(QUEUE);
    thread::Builder::new()
        .name(name)
        .spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                match job {
                    Job::Run(work) => work(&mut connection),
                    Job::Close(done) => {
                        drop(connection);
                        let _ = done.send(());
                        return;
                    }
                }
            }
        })
        .map_err(StoreError::Io)?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: Schema = Schema {
        migrations: &["CREATE TABLE a(x INTEGER NOT NULL) STRICT"],
        synchronous: "NORMAL",
    };

    fn count(connection: &Connection) -> Result<i64, StoreError> {
        Ok(connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn what_was_written_is_read_and_what_failed_left_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("x.db"), SCHEMA, 2, None).unwrap();
        database
            .write(|tx| Ok(tx.execute("INSERT INTO a(x) VALUES (1)", [])?))
            .await
            .unwrap();
        let failed: Result<(), StoreError> = database
            .write(|tx| {
                tx.execute("INSERT INTO a(x) VALUES (2)", [])?;
                Err(StoreError::Closed)
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(database.read(count).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_closed_database_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("x.db"), SCHEMA, 1, None).unwrap();
        database.close().await;
        assert!(matches!(
            database.read(count).await,
            Err(StoreError::Closed)
        ));
    }

    #[tokio::test]
    async fn a_thread_that_panics_closes_no_account() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("x.db"), SCHEMA, 1, None).unwrap();
        let lost: Result<(), StoreError> = database.read(|_| panic!("as wanted")).await;
        assert!(matches!(lost, Err(StoreError::Internal)), "{lost:?}");
        let after = database.read(count).await;
        assert!(matches!(after, Err(StoreError::Internal)), "{after:?}");
    }

    #[tokio::test]
    async fn a_file_that_breaks_while_it_is_open_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let first = Database::open(&path, SCHEMA, 1, None).unwrap();
        first
            .write(|tx| {
                for x in 0..20_000 {
                    tx.execute("INSERT INTO a(x) VALUES (?1)", [x])?;
                }
                Ok(())
            })
            .await
            .unwrap();
        first.close().await;
        let database = Database::open(&path, SCHEMA, 1, None).unwrap();
        let mut file = std::fs::read(&path).unwrap();
        for byte in file.iter_mut().skip(8_192) {
            *byte = 0xA5;
        }
        std::fs::write(&path, file).unwrap();
        let read = database.read(count).await;
        assert!(matches!(read, Err(StoreError::Corrupt)), "{read:?}");
        assert!(*database.corrupt().borrow());
    }
}
