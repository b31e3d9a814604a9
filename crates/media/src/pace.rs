//! Waiting in threads of our own: for the next beat, or to be told to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Being late by more than this is a hang, not jitter: the lost beats are not made up for.
const GIVE_UP: Duration = Duration::from_millis(200);

/// Whether a thread should end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it is time to end.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A thread of ours; ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    waits: bool,
}

impl Worker {
    /// Starts a thread that is waited for when this is dropped. `run` must look at its [`Stop`] at
    /// least every few ten milliseconds.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce(Stop) + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start(name, run, true)
    }

    /// Starts a thread that is only told to end, since something it waits for may hang.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn spawn_detached(
        name: &str,
        run: impl FnOnce(Stop) + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start(name, run, false)
    }

    fn start(
        name: &str,
        run: impl FnOnce(Stop) + Send + 'static,
        waits: bool,
    ) -> std::io::Result<Self> {
        let stop = Stop::default();
        let theirs = stop.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(theirs))?;
        Ok(Self {
            stop,
            thread: Some(thread),
            waits,
        })
    }
}

impl Worker {
    /// Tells the thread to end and does not wait for it.
    pub(crate) fn end(&self) {
        self.stop.0.store(true, Relaxed);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Whether the thread has ended, or was told to.
    pub(crate) fn ends(&self) -> bool {
        self.stop.is_set() || self.is_over()
    }

    /// Whether the thread has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take()
            && self.waits
            && thread.join().is_err()
        {
            tracing::error!("a media thread panicked");
        }
    }
}

/// An even beat.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    next: Instant,
    makes_up: bool,
}

impl Pace {
    /// A beat that begins now. What was missed for a moment is made up for, as sound needs it.
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            next: Instant::now(),
            makes_up: true,
        }
    }

    /// A beat that begins now. What was missed is left out and two are never close together, as
    /// pictures need it.
    pub(crate) fn skipping(every: Duration) -> Self {
        Self {
            makes_up: false,
            ..Self::new(every)
        }
    }

    /// Waits for the next beat. False means that it is time to end.
    pub(crate) fn wait(&mut self, stop: &Stop) -> bool {
        loop {
            if stop.is_set() {
                return false;
            }
            let now = Instant::now();
            if now >= self.next {
                self.next += self.every;
                if now.saturating_duration_since(self.next) > GIVE_UP {
                    self.next = now + self.every;
                }
                while !self.makes_up && self.next < now + self.every / 4 {
                    self.next += self.every;
                }
                return true;
            }
            thread::park_timeout(self.next - now);
        }
    }
}
