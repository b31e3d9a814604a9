//! The pump of a connection: reads the person's feed after the connection's cursor and sends it in
//! order, live and catch-up alike.
//!
//! It looks at the feed on each wake-up, on each acknowledgement that opens the window, and every
//! quarter of a minute whatever happens: a lost wake-up costs that at most. Facts that were just
//! written come from the hub's memory, all others from the database. A full send buffer
//! stops it for a moment; nothing is skipped, for the feed is on disk.
//!
//! While a pump has nothing to do, what is just being written goes out past it
//! ([`PumpHandle::push`]), without waking it: the same packet, the same cursor, the same window.

use crate::{
    app::App,
    error::Error,
    packet,
    socket::{Live, Text},
    store::feed,
};
use im_protocol::{FeedEpoch, Notice, limits, sync::Facts};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    cell::OnceCell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often it compares with the feed's head without being told to.
const COMPARE: Duration = Duration::from_secs(15);
/// How long it leaves a full send buffer, or a database in trouble, alone.
const BREATHE: Duration = Duration::from_millis(50);

/// The connection's hold on its pump: dropping it ends the pump.
pub(crate) struct PumpHandle {
    epoch: FeedEpoch,
    begin: Option<oneshot::Sender<()>>,
    place: Arc<Place>,
    acknowledged: watch::Sender<u64>,
    _stop: DropGuard,
}

impl PumpHandle {
    /// Lets it flow, once the device has been told to expect it.
    pub(crate) fn begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            // A pump that has ended meanwhile need not begin.
            begin.send(()).ok();
        }
    }

    /// Sends facts at once, if they follow on what was sent, nothing else waits to be sent, and the
    /// window has room. Says whether it did; if not, the pump is to be woken.
    pub(crate) fn push(&self, live: &Live, fresh: &Fresh<'_>) -> bool {
        let mut place = self.place.lock();
        let count = fresh.items.len() as u64;
        let ahead = place.sent.saturating_sub(*self.acknowledged.borrow());
        let fits = ahead + count <= limits::SYNC_WINDOW && fresh.first == place.sent + 1;
        if !(place.idle && fits) {
            return false;
        }
        let Some(text) = fresh.text(self.epoch) else {
            return false;
        };
        let sent = live.offer(text);
        if sent {
            place.sent += count;
        }
        sent
    }

    /// The device has stored facts up to here.
    pub(crate) fn acknowledged(&self, n: u64) {
        self.acknowledged.send_if_modified(|known| {
            let rises = n > *known;
            *known = n.max(*known);
            rises
        });
    }
}

/// Facts that were just written, from number `first` on: one packet for all connections of their
/// person that are at the same place.
pub(crate) struct Fresh<'f> {
    first: u64,
    items: &'f [Arc<RawValue>],
    text: OnceCell<Option<Text>>,
}

impl<'f> Fresh<'f> {
    pub(crate) const fn new(first: u64, items: &'f [Arc<RawValue>]) -> Self {
        Self {
            first,
            items,
            text: OnceCell::new(),
        }
    }

    /// None where it is too much for one packet.
    fn text(&self, epoch: FeedEpoch) -> Option<Text> {
        let write = || {
            if !(1..=limits::SYNC_BATCH).contains(&self.items.len()) {
                return None;
            }
            let after = self.first.checked_sub(1)?;
            let up_to = after + self.items.len() as u64;
            let batch = Batch {
                epoch,
                after,
                items: (self.first..).zip(self.items.iter().cloned()).collect(),
                up_to,
                head: up_to,
            };
            let text = packet::told(Facts::EVENT, &batch).ok()?;
            (text.len() <= limits::PACKET_BYTES).then(|| Text::from(text))
        };
        self.text.get_or_init(write).clone()
    }
}

/// How far a connection was sent its feed.
#[derive(Default)]
struct Place(Mutex<Sent>);

#[derive(Default)]
struct Sent {
    /// Facts up to here were sent, or need not be.
    sent: u64,
    /// The pump has seen the end of the feed and sleeps.
    idle: bool,
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pump begins to work: nothing goes past it.
    fn work(&self) -> u64 {
        let mut sent = self.lock();
        sent.idle = false;
        sent.sent
    }

    /// The pump pauses here.
    fn pause(&self, at: u64, idle: bool) {
        *self.lock() = Sent { sent: at, idle };
    }
}

/// A pump, to be run as a task.
pub(crate) struct Pump {
    app: Arc<App>,
    live: Arc<Live>,
    begin: oneshot::Receiver<()>,
    place: Arc<Place>,
    /// Facts up to here were sent, or need not be; while it works.
    sent: u64,
    head: watch::Receiver<u64>,
    acknowledged: watch::Receiver<u64>,
    stop: CancellationToken,
}

/// Why a pump pauses.
enum Pause {
    /// Everything was sent.
    Done,
    /// The device has to acknowledge first.
    Window,
    /// The send buffer is full, or the database failed.
    Breathe,
}

impl Pump {
    /// A pump from a cursor on, which waits for [`PumpHandle::begin`]; none where the connection is
    /// gone.
    pub(crate) fn new(app: &Arc<App>, live: &Arc<Live>, cursor: u64) -> Option<(Self, PumpHandle)> {
        let head = app.hub.head_of(live.person())?;
        let stop = live.stop().child_token();
        let (sender, acknowledged) = watch::channel(cursor);
        let (begin, begun) = oneshot::channel();
        let place = Arc::new(Place::default());
        place.pause(cursor, false);
        let handle = PumpHandle {
            epoch: app.epoch,
            place: place.clone(),
            begin: Some(begin),
            acknowledged: sender,
            _stop: stop.clone().drop_guard(),
        };
        let pump = Self {
            app: app.clone(),
            live: live.clone(),
            begin: begun,
            place,
            sent: cursor,
            head,
            acknowledged,
            stop,
        };
        Some((pump, handle))
    }

    /// Runs until the connection ends or begins anew.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(async move {
            if (&mut self.begin).await.is_err() {
                return;
            }
            loop {
                self.sent = self.place.work();
                self.head.borrow_and_update();
                self.acknowledged.borrow_and_update();
                let flowed = self.flow().await;
                let idle = matches!(flowed, Ok(Pause::Done));
                self.place.pause(self.sent, idle);
                match flowed {
                    Ok(Pause::Done) => {
                        tokio::select! {
                            changed = self.head.changed() => if changed.is_err() { return },
                            () = tokio::time::sleep(COMPARE) => {}
                        }
                    }
                    Ok(Pause::Window) => {
                        if self.acknowledged.changed().await.is_err() {
                            return;
                        }
                    }
                    Ok(Pause::Breathe) => tokio::time::sleep(BREATHE).await,
                    Err(error) => {
                        tracing::error!(error = %error, "a feed could not be read");
                        tokio::time::sleep(BREATHE * 10).await;
                    }
                }
            }
        })
        .await;
    }

    /// Sends what there is, as far as the window allows.
    async fn flow(&mut self) -> Result<Pause, Error> {
        loop {
            let acknowledged = *self.acknowledged.borrow();
            let ahead = self.sent.saturating_sub(acknowledged);
            let room = limits::SYNC_WINDOW.saturating_sub(ahead);
            if room == 0 {
                return Ok(Pause::Window);
            }
            let limit = room.min(limits::SYNC_BATCH as u64);
            let Some((facts, full)) = self.next(limit).await? else {
                return Ok(Pause::Done);
            };
            for (up_to, text) in packets(facts)? {
                if !self.live.offer(Text::from(text)) {
                    return Ok(Pause::Breathe);
                }
                self.sent = up_to;
            }
            if !full {
                return Ok(Pause::Done);
            }
        }
    }

    /// The next facts, and whether there may be more; none where there are none.
    async fn next(&self, limit: u64) -> Result<Option<(Batch, bool)>, Error> {
        let person = self.live.person();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(items) = self.app.hub.recent(person, self.sent, most) {
            let up_to = self.sent + items.len() as u64;
            let head = (*self.head.borrow()).max(up_to);
            let batch = Batch {
                epoch: self.app.epoch,
                after: self.sent,
                items: (self.sent + 1..).zip(items).collect(),
                up_to,
                head,
            };
            return Ok(Some((batch, head > up_to)));
        }
        let mut reader = self.app.store.read().await?;
        let rows = feed::after(&mut reader, person, self.sent, limit).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let (up_to, full) = (last.n, rows.len() as u64 == limit);
        let facts = feed::facts(&mut reader, person, &rows, self.app.clock.now()).await?;
        let head = if full {
            feed::extent(&mut reader, person).await?.head
        } else {
            up_to
        };
        let items = facts.iter().map(|item| {
            let raw = serde_json::value::to_raw_value(item);
            let raw = raw.map_err(|_| Error::Broken("a fact is not written"))?;
            Ok((item.n, Arc::from(raw)))
        });
        let batch = Batch {
            epoch: self.app.epoch,
            after: self.sent,
            items: items.collect::<Result<_, Error>>()?,
            up_to,
            head,
        };
        Ok(Some((batch, full)))
    }
}

/// [`Facts`] whose items are JSON already.
#[derive(Clone, Serialize)]
struct Batch {
    epoch: FeedEpoch,
    after: u64,
    #[serde(serialize_with = "without_numbers")]
    items: Vec<(u64, Arc<RawValue>)>,
    up_to: u64,
    head: u64,
}

fn without_numbers<S: serde::Serializer>(
    items: &[(u64, Arc<RawValue>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(|(_, item)| &**item))
}

/// Facts as packets within the limit of a packet, each with where it leads to. Many long messages
/// do not fit into one.
fn packets(facts: Batch) -> Result<Vec<(u64, String)>, Error> {
    let mut waiting = vec![facts];
    let mut packets = Vec::new();
    while let Some(mut facts) = waiting.pop() {
        let text = packet::told(Facts::EVENT, &facts)
            .map_err(|_| Error::Broken("facts are not written"))?;
        let half = facts.items.len() / 2;
        if text.len() <= limits::PACKET_BYTES || half == 0 {
            packets.push((facts.up_to, text));
            continue;
        }
        let later = facts.items.split_off(half);
        let middle = facts.items.last().map_or(facts.after, |(n, _)| *n);
        let earlier = Batch {
            items: std::mem::replace(&mut facts.items, later),
            up_to: middle,
            ..facts
        };
        facts.after = middle;
        waiting.push(facts);
        waiting.push(earlier);
    }
    Ok(packets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::sync::FeedItem;

    #[test]
    fn fresh_facts_are_one_packet_or_none() {
        let raw = |n: u64| -> Arc<RawValue> {
            let item = serde_json::json!({ "n": n, "kind": "message", "data": {} });
            Arc::from(serde_json::value::to_raw_value(&item).unwrap())
        };
        let epoch = FeedEpoch::new();
        let items = [raw(8), raw(9)];
        let text = Fresh::new(8, &items).text(epoch).unwrap();
        let (_, facts): (String, Facts) =
            serde_json::from_str(text.as_str().strip_prefix('2').unwrap()).unwrap();
        assert_eq!((facts.epoch, facts.after, facts.up_to), (epoch, 7, 9));
        assert_eq!(facts.items.len(), 2);
        assert!(Fresh::new(1, &[]).text(epoch).is_none());
        let many: Vec<_> = (1..200).map(raw).collect();
        assert!(Fresh::new(1, &many).text(epoch).is_none());
    }

    #[test]
    fn what_does_not_fit_into_one_packet_comes_in_several_without_a_gap() {
        let item = |n| {
            let item = FeedItem {
                n,
                kind: "message".into(),
                data: serde_json::json!({ "text": "x".repeat(16_000) }),
            };
            let raw = serde_json::value::to_raw_value(&item).unwrap();
            (n, Arc::from(raw))
        };
        let facts = Batch {
            epoch: FeedEpoch::new(),
            after: 10,
            items: (11..=138).map(item).collect(),
            up_to: 140,
            head: 500,
        };
        let packets = packets(facts).unwrap();
        assert!(packets.len() > 1);
        let (mut at, mut seen) = (10, 0);
        for (up_to, text) in packets {
            assert!(text.len() <= limits::PACKET_BYTES);
            let (_, facts): (String, Facts) =
                serde_json::from_str(text.strip_prefix('2').unwrap()).unwrap();
            assert_eq!((facts.after, facts.up_to), (at, up_to));
            (at, seen) = (up_to, seen + facts.items.len());
        }
        assert_eq!((at, seen), (140, 128));
    }
}
