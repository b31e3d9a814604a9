//! The two queues of a connection: events of one lane are handled one after the other, in order.

use super::Live;
use crate::{app::App, dispatch::Ctx, packet::Event};
use im_protocol::{
    Command as _, ErrorCode, Lane, WireError, limits,
    sync::{SyncAck, SyncSince},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::mpsc::{self, error::TrySendError};

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
pub(super) fn receive(app: &Arc<App>, live: &Arc<Live>, event: &Event<'_>) {
    if let Err(error) = enqueue(app, live, event) {
        tracing::debug!(person = %live.person(), code = %error.code, "an event is refused");
        live.refuse(event.ack, &error);
    }
}

fn enqueue(app: &Arc<App>, live: &Arc<Live>, event: &Event<'_>) -> Result<(), WireError> {
    let Some((name, entry)) = app.events.get(&event.name) else {
        app.rates.request(live.person())?;
        return Err(WireError::new(
            ErrorCode::UnknownEvent,
            "This server does not know such an event.",
        ));
    };
    let payload = event.payload.map(|raw| raw.get());
    app.rates.event(entry.rated, entry.lane, live.person())?;
    // The most frequent of all, and nothing waits for it: not worth a way through the lane.
    if name == SyncAck::EVENT && event.ack.is_none() {
        acknowledge(app, live, payload);
        return Ok(());
    }
    if payload.map_or(0, str::len) > limits::PACKET_BYTES {
        return Err(WireError::new(
            ErrorCode::TooLarge,
            "This is too much at once.",
        ));
    }
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
    queue.try_send(job).map_err(|error| {
        live.queued.fetch_sub(bytes, Ordering::Relaxed);
        if let TrySendError::Closed(_) = error {
            // Nobody takes events of this lane anymore: the client is to come back.
            live.close();
        }
        full()
    })
}

/// `sync:ack` without a wish for an answer. One that cannot be read is dropped like any such event.
///
/// One beyond the rate is not dropped: it may be the last, and the pump waits for it. It is put off
/// until the rate allows it, and a newer one that comes meanwhile takes its place.
fn acknowledge(app: &Arc<App>, live: &Arc<Live>, payload: Option<&str>) {
    let too_much = app.rates.ack(live.person()).err();
    let Some(asked) = payload.and_then(|json| serde_json::from_str::<SyncAck>(json).ok()) else {
        return;
    };
    match too_much {
        None => live.acknowledged(asked.n),
        Some(error) => {
            if live.put_off(asked.n) {
                let late = acknowledge_late(app.clone(), live.clone(), error);
                let stop = live.stop().clone();
                app.tasks
                    .spawn(async move { stop.run_until_cancelled(late).await });
            }
        }
    }
}

async fn acknowledge_late(app: Arc<App>, live: Arc<Live>, mut error: WireError) {
    loop {
        let wait = Duration::from_millis(error.retry_after_ms.unwrap_or(RETRY_MS));
        tokio::time::sleep(wait).await;
        match app.rates.ack(live.person()) {
            Ok(()) => return live.acknowledge_late(),
            Err(again) => error = again,
        }
    }
}

/// The task of one lane.
pub(super) struct LaneTask {
    app: Arc<App>,
    live: Arc<Live>,
    lane: Lane,
    jobs: mpsc::Receiver<Job>,
}

impl LaneTask {
    pub(super) fn new(
        app: Arc<App>,
        live: Arc<Live>,
        lane: Lane,
        jobs: mpsc::Receiver<Job>,
    ) -> Self {
        Self {
            app,
            live,
            lane,
            jobs,
        }
    }

    /// Handles events until the connection ends.
    pub(super) async fn run(mut self) {
        let stop = self.live.stop().clone();
        while let Some(Some(job)) = stop.run_until_cancelled(self.next()).await {
            self.live.queued.fetch_sub(job.bytes(), Ordering::Relaxed);
            let Some((_, entry)) = self.app.events.get(job.name) else {
                continue;
            };
            let ctx = Ctx {
                app: self.app.clone(),
                live: self.live.clone(),
                ack: job.ack,
            };
            let began = std::time::Instant::now();
            let json = entry.handle(ctx, job.payload).await;
            tracing::trace!(
                event = job.name,
                micros = began.elapsed().as_micros(),
                "handled"
            );
            if let Some(json) = json {
                self.live.answer(job.ack, &json);
            }
            // Facts follow the answer that announces them.
            if job.name == SyncSince::EVENT
                && let Some(pump) = self.live.pump().as_mut()
            {
                pump.begin();
            }
        }
    }

    /// The next event. Answers to data can be large: those before it are to be on their way first.
    async fn next(&mut self) -> Option<Job> {
        if self.lane == Lane::Data {
            self.live.room().await;
        }
        self.jobs.recv().await
    }
}
