//! The two queues of a connection: events of one lane are handled one after the other, in order.

use super::Live;
use crate::{app::App, dispatch::Ctx, packet::Event};
use im_protocol::{Command as _, ErrorCode, Lane, WireError, limits, sync::SyncSince};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::mpsc;

/// Events that wait in one lane of one connection.
const QUEUE: usize = 128;
/// Bytes that wait in both lanes of one connection.
const QUEUE_BYTES: usize = 4 * limits::PACKET_BYTES;
/// When to come back after a full queue, milliseconds.
const RETRY_MS: u64 = 250;

/// An event in its queue.
pub(crate) struct Job {
    name: &'static str,
    payload: Option<String>,
    ack: Option<u64>,
}

impl Job {
    fn bytes(&self) -> usize {
        self.payload.as_ref().map_or(0, String::len)
    }
}

/// A queue of the right length.
pub(super) fn queue() -> (mpsc::Sender<Job>, mpsc::Receiver<Job>) {
    mpsc::channel(QUEUE)
}

/// Puts an event into its lane, or answers why not.
pub(super) fn receive(app: &App, live: &Live, event: &Event<'_>) {
    if let Err(error) = enqueue(app, live, event) {
        tracing::debug!(person = %live.person(), code = %error.code, "an event is refused");
        live.refuse(event.ack, &error);
    }
}

fn enqueue(app: &App, live: &Live, event: &Event<'_>) -> Result<(), WireError> {
    let Some((name, entry)) = app.events.get(&event.name) else {
        return Err(WireError::new(
            ErrorCode::UnknownEvent,
            "This server does not know such an event.",
        ));
    };
    let payload = event.payload.map(|raw| raw.get());
    if payload.map_or(0, str::len) > limits::PACKET_BYTES {
        return Err(WireError::new(
            ErrorCode::TooLarge,
            "This is too much at once.",
        ));
    }
    app.rates.event(entry.rated, entry.lane, live.person())?;
    let job = Job {
        name,
        payload: payload.map(str::to_owned),
        ack: event.ack,
    };
    let bytes = job.bytes();
    let full = || {
        WireError::new(
            ErrorCode::RateLimited,
            "Too much is waiting on this connection.",
        )
        .retry_after(RETRY_MS)
    };
    if live.queued.fetch_add(bytes, Ordering::Relaxed) + bytes > QUEUE_BYTES {
        live.queued.fetch_sub(bytes, Ordering::Relaxed);
        return Err(full());
    }
    let queue = match entry.lane {
        Lane::Calls => &live.calls,
        Lane::Data => &live.data,
    };
    queue.try_send(job).map_err(|_| {
        live.queued.fetch_sub(bytes, Ordering::Relaxed);
        full()
    })
}

/// The task of one lane.
pub(super) struct LaneTask {
    app: Arc<App>,
    live: Arc<Live>,
    jobs: mpsc::Receiver<Job>,
}

impl LaneTask {
    pub(super) fn new(app: Arc<App>, live: Arc<Live>, jobs: mpsc::Receiver<Job>) -> Self {
        Self { app, live, jobs }
    }

    /// Handles events until the connection ends.
    pub(super) async fn run(mut self) {
        let stop = self.live.stop().clone();
        while let Some(Some(job)) = stop.run_until_cancelled(self.jobs.recv()).await {
            self.live.queued.fetch_sub(job.bytes(), Ordering::Relaxed);
            let Some((_, entry)) = self.app.events.get(job.name) else {
                continue;
            };
            let ctx = Ctx {
                app: self.app.clone(),
                live: self.live.clone(),
            };
            let began = std::time::Instant::now();
            let json = (entry.run)(ctx, job.payload).await;
            tracing::trace!(
                event = job.name,
                micros = began.elapsed().as_micros(),
                "handled"
            );
            self.live.answer(job.ack, &json);
            // Facts follow the answer that announces them.
            if job.name == SyncSince::EVENT
                && let Some(pump) = self.live.pump().as_mut()
            {
                pump.begin();
            }
        }
    }
}
