//! Opening a device that was lost, or was not there.

use crate::pace::{Pace, Worker};
use std::{
    sync::mpsc,
    thread::{self, Thread},
    time::Duration,
};

/// Between two attempts.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// Attempts until one works, on a thread of their own: a sound server may take seconds to say no,
/// and the stream goes on without the device meanwhile. Dropping it ends them.
pub(super) struct Reopening<T> {
    opened: mpsc::Receiver<T>,
    _worker: Worker,
}

impl<T: Send + 'static> Reopening<T> {
    /// Starts. `open` gets the thread that a device is to wake, which is the one that calls this.
    /// None where the system gives no thread.
    pub(super) fn start(open: impl Fn(&Thread) -> Option<T> + Send + 'static) -> Option<Self> {
        let (sender, opened) = mpsc::sync_channel(1);
        let user = thread::current();
        // A device that hangs must not keep a call from ending.
        let worker = Worker::spawn_detached("im-audio-open", move |stop| {
            let mut attempts = Pace::skipping(EVERY);
            // The first beat is now, when it has just failed.
            attempts.wait(&stop);
            while attempts.wait(&stop) {
                if let Some(device) = open(&user) {
                    // Where nobody wants it anymore it is closed again.
                    drop(sender.send(device));
                    return;
                }
            }
        });
        worker
            .inspect_err(|error| tracing::error!(%error, "no thread to open a device"))
            .ok()
            .map(|worker| Self {
                opened,
                _worker: worker,
            })
    }

    /// The device, once an attempt has worked.
    pub(super) fn opened(&self) -> Option<T> {
        self.opened.try_recv().ok()
    }
}
