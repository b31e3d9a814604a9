//! How many bytes are on their way to a client and not taken by its connection yet.
//!
//! `engineioxide` bounds what waits in packets and does not say when one has been taken. So each
//! packet goes to it in an envelope that counts it while it lives.

use super::Text;
use bytes::Bytes;
use im_protocol::limits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// From here on nothing more is done for a client that asks: it is to take its answers first.
const ENOUGH: usize = 4 * limits::PACKET_BYTES;
/// Beyond this the connection is closed.
const MOST: usize = 8 * limits::PACKET_BYTES;

/// What is on its way on one connection.
#[derive(Default)]
pub(super) struct Outgoing {
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    bytes: AtomicUsize,
    room: Notify,
}

impl Outgoing {
    /// Puts a packet into an envelope. None where too much is on its way already.
    pub(super) fn envelop(&self, text: Text) -> Option<Text> {
        let envelope = Envelope::new(self.count.clone(), text);
        (self.bytes() <= MOST).then(|| sealed(envelope))
    }

    /// Whether more may be asked for, or offered.
    pub(super) fn has_room(&self) -> bool {
        self.bytes() < ENOUGH
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) {
        loop {
            let mut taken = std::pin::pin!(self.count.room.notified());
            // Before the look, so that what is taken between the two is not missed.
            taken.as_mut().enable();
            if self.has_room() {
                return;
            }
            taken.await;
        }
    }

    /// Bytes on their way.
    pub(super) fn bytes(&self) -> usize {
        self.count.bytes.load(Ordering::Relaxed)
    }
}

/// A packet that counts as long as it is anywhere.
struct Envelope {
    count: Arc<Count>,
    text: Text,
}

impl Envelope {
    fn new(count: Arc<Count>, text: Text) -> Self {
        count.bytes.fetch_add(text.len(), Ordering::Relaxed);
        Self { count, text }
    }
}

impl AsRef<[u8]> for Envelope {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        let bytes = self.text.len();
        let before = self.count.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before >= ENOUGH && before - bytes < ENOUGH {
            self.count.room.notify_waiters();
        }
    }
}

#[expect(unsafe_code, reason = "there is no safe way from Bytes to Text")]
fn sealed(envelope: Envelope) -> Text {
    // SAFETY: the bytes are those of a `Text`, which are UTF-8 and do not change.
    unsafe { Text::from_bytes_unchecked(Bytes::from_owner(envelope)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn a_packet_counts_until_the_last_of_it_is_gone() {
        let outgoing = Outgoing::default();
        let text = outgoing.envelop(Text::from("grüße")).unwrap();
        assert_eq!((text.as_str(), outgoing.bytes()), ("grüße", 7));
        let again = text.clone();
        drop(text);
        assert_eq!(
            (String::from(again).as_str(), outgoing.bytes()),
            ("grüße", 0)
        );
    }

    #[test]
    fn who_waits_for_room_is_woken_when_enough_was_taken() {
        let outgoing = Outgoing::default();
        let packet = || outgoing.envelop(Text::from("x".repeat(limits::PACKET_BYTES)));
        let mut waiting: Vec<_> = (0..4).map(|_| packet().unwrap()).collect();
        let mut room = Box::pin(outgoing.room());
        assert_eq!(room.as_mut().now_or_never(), None);
        waiting.pop();
        assert_eq!(room.now_or_never(), Some(()));
    }

    #[test]
    fn more_than_enough_is_refused_and_does_not_count() {
        let outgoing = Outgoing::default();
        let packet = || outgoing.envelop(Text::from("x".repeat(limits::PACKET_BYTES)));
        let waiting: Vec<_> = (0..8).map(|_| packet().unwrap()).collect();
        assert!(packet().is_none());
        assert_eq!(outgoing.bytes(), 8 * limits::PACKET_BYTES);
        drop(waiting);
        assert!(packet().is_some());
        assert_eq!(outgoing.bytes(), 0);
    }
}
