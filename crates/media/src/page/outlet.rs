//! One stream of pictures on its way to the page.

use crate::video::picture::{Encoded, Picture};
use bytes::{BufMut, Bytes, BytesMut};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::sync::Notify;

/// Messages that may wait: about a quarter of a second.
const WAITING: usize = 8;
/// Bytes before the picture.
pub(crate) const HEADER: usize = 20;

/// What the page wants the pictures as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// For a `VideoDecoder`.
    #[default]
    Vp8,
    /// Where there is none.
    I420,
}

/// The stream's end that producers and connections share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
    key_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the connection that gets the pictures; zero for none.
    connection: u64,
    connections: u64,
    format: Format,
    paused: bool,
    /// Nothing but a key frame can be shown next.
    needs_key: bool,
    sequence: u32,
    waiting: VecDeque<Bytes>,
}

impl Outlet {
    /// A new connection takes the stream over.
    pub(crate) fn attach(&self) -> u64 {
        let mut state = self.state();
        state.connections += 1;
        state.connection = state.connections;
        state.format = Format::Vp8;
        state.paused = false;
        self.start_over(&mut state);
        state.connection
    }

    /// A connection is gone. Whether the stream is without one now.
    pub(crate) fn detach(&self, connection: u64) -> bool {
        let mut state = self.state();
        if state.connection == connection {
            state.connection = 0;
            state.waiting.clear();
        }
        state.connection == 0
    }

    /// The next message for this connection; none once another took over.
    pub(crate) async fn next(&self, connection: u64) -> Option<Bytes> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.state();
                if state.connection != connection {
                    return None;
                }
                if let Some(message) = state.waiting.pop_front() {
                    return Some(message);
                }
            }
            changed.await;
        }
    }

    /// The page wants a key frame.
    pub(crate) fn want_key(&self) {
        self.0.key_wanted.store(true, Relaxed);
    }

    /// The page shows nothing for now, or again.
    pub(crate) fn pause(&self, paused: bool) {
        let mut state = self.state();
        state.paused = paused;
        self.start_over(&mut state);
    }

    /// The page wants another format from here on.
    pub(crate) fn format(&self, format: Format) {
        let mut state = self.state();
        state.format = format;
        self.start_over(&mut state);
    }

    /// Whether a key frame is wanted; asking clears it.
    pub(crate) fn take_key_request(&self) -> bool {
        self.0.key_wanted.swap(false, Relaxed)
    }

    /// Whether somebody wants pictures decoded.
    pub(crate) fn wants_i420(&self) -> bool {
        let state = self.state();
        state.connection != 0 && !state.paused && state.format == Format::I420
    }

    /// An encoded picture, for who wants it so.
    pub(crate) fn encoded(&self, picture: &Encoded) {
        let mut state = self.state();
        state.sequence = state.sequence.wrapping_add(1);
        if state.connection == 0 || state.paused || state.format != Format::Vp8 {
            return;
        }
        if picture.key {
            // Whatever still waits is older and not needed to show this.
            state.waiting.clear();
            state.needs_key = false;
        } else if state.waiting.len() >= WAITING {
            state.waiting.clear();
            state.needs_key = true;
        }
        if state.needs_key {
            self.want_key();
            return;
        }
        let header = Header {
            format: Format::Vp8,
            key: picture.key,
            width: picture.width,
            height: picture.height,
            sequence: state.sequence,
            timestamp_us: picture.timestamp_us,
        };
        state.waiting.push_back(header.before(&picture.data));
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// A decoded picture, for who wants it so. Only the newest is kept.
    pub(crate) fn decoded(&self, picture: &Picture, timestamp_us: u64) {
        let mut state = self.state();
        if state.connection == 0 || state.paused || state.format != Format::I420 {
            return;
        }
        let header = Header {
            format: Format::I420,
            key: true,
            width: u32::try_from(picture.width).unwrap_or_default(),
            height: u32::try_from(picture.height).unwrap_or_default(),
            sequence: state.sequence,
            timestamp_us,
        };
        state.waiting.clear();
        state.waiting.push_back(header.before(&picture.data));
        drop(state);
        self.0.changed.notify_waiters();
    }

    fn start_over(&self, state: &mut State) {
        state.waiting.clear();
        state.needs_key = true;
        if !state.paused {
            self.want_key();
        }
        self.0.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Header {
    format: Format,
    key: bool,
    width: u32,
    height: u32,
    sequence: u32,
    timestamp_us: u64,
}

impl Header {
    fn before(&self, data: &[u8]) -> Bytes {
        let mut message = BytesMut::with_capacity(HEADER + data.len());
        message.put_u8(match self.format {
            Format::Vp8 => 0,
            Format::I420 => 1,
        });
        message.put_u8(u8::from(self.key));
        message.put_u16_le(u16::try_from(self.width).unwrap_or_default());
        message.put_u16_le(u16::try_from(self.height).unwrap_or_default());
        message.put_u16_le(0);
        message.put_u32_le(self.sequence);
        message.put_u64_le(self.timestamp_us);
        message.put_slice(data);
        message.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(key: bool, mark: u8) -> Encoded {
        Encoded {
            data: Bytes::from(vec![u8::from(!key), mark]),
            key,
            width: 640,
            height: 360,
            timestamp_us: 0x0102_0304_0506,
        }
    }

    fn waiting(outlet: &Outlet) -> Vec<(bool, u8)> {
        outlet
            .state()
            .waiting
            .iter()
            .map(|message| (message[1] == 1, message[HEADER + 1]))
            .collect()
    }

    #[test]
    fn a_page_that_comes_later_begins_with_a_key_frame() {
        let outlet = Outlet::default();
        outlet.encoded(&picture(true, 1));
        outlet.attach();
        assert!(outlet.take_key_request());
        outlet.encoded(&picture(false, 2));
        assert!(waiting(&outlet).is_empty());
        assert!(outlet.take_key_request(), "it keeps asking");
        outlet.encoded(&picture(true, 3));
        outlet.encoded(&picture(false, 4));
        assert_eq!(waiting(&outlet), [(true, 3), (false, 4)]);
    }

    #[test]
    fn a_slow_page_loses_what_waits_and_goes_on_with_a_key_frame() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.encoded(&picture(true, 0));
        for mark in 1..20 {
            outlet.encoded(&picture(false, mark));
        }
        assert!(waiting(&outlet).is_empty());
        assert!(outlet.take_key_request());
        outlet.encoded(&picture(true, 20));
        assert_eq!(waiting(&outlet), [(true, 20)]);
    }

    #[test]
    fn a_paused_page_gets_nothing_and_then_a_key_frame() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.encoded(&picture(true, 0));
        outlet.take_key_request();
        outlet.pause(true);
        outlet.encoded(&picture(true, 1));
        assert!(waiting(&outlet).is_empty() && !outlet.take_key_request());
        outlet.pause(false);
        assert!(outlet.take_key_request());
        outlet.encoded(&picture(false, 2));
        assert!(waiting(&outlet).is_empty());
    }

    #[test]
    fn the_header_is_as_documented() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.encoded(&picture(true, 9));
        let message = outlet.state().waiting[0].clone();
        let expected = [
            0, 1, 0x80, 0x02, 0x68, 0x01, 0, 0, 1, 0, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0, 0, 9,
        ];
        assert_eq!(message[..], expected);
    }

    #[tokio::test]
    async fn a_second_page_takes_over_and_the_first_one_ends() {
        let outlet = Outlet::default();
        let first = outlet.attach();
        let second = outlet.attach();
        assert_eq!(outlet.next(first).await, None);
        assert!(!outlet.detach(first), "the second one is still there");
        outlet.encoded(&picture(true, 1));
        assert!(outlet.next(second).await.is_some());
        assert!(outlet.detach(second));
    }
}
