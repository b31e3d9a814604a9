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

    /// The next picture, decoded too if somebody wants that ([`Self::wants_i420`]).
    pub(crate) fn show(&self, encoded: &Encoded, decoded: Option<&Picture>) {
        let mut state = self.state();
        // Every picture takes a number, in whatever format and whether it is sent or not.
        state.sequence = state.sequence.wrapping_add(1);
        if state.connection == 0 || state.paused {
            return;
        }
        match (state.format, decoded) {
            (Format::Vp8, _) => self.put_encoded(&mut state, encoded),
            (Format::I420, Some(decoded)) => {
                Self::put_decoded(&mut state, decoded, encoded.timestamp_us);
            }
            // The page asked for it only just now.
            (Format::I420, None) => return,
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    fn put_encoded(&self, state: &mut State, picture: &Encoded) {
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
    }

    /// Only the newest is kept.
    fn put_decoded(state: &mut State, picture: &Picture, timestamp_us: u64) {
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
    use std::time::Instant;

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
        outlet.show(&picture(true, 1), None);
        outlet.attach();
        assert!(outlet.take_key_request());
        outlet.show(&picture(false, 2), None);
        assert!(waiting(&outlet).is_empty());
        assert!(outlet.take_key_request(), "it keeps asking");
        outlet.show(&picture(true, 3), None);
        outlet.show(&picture(false, 4), None);
        assert_eq!(waiting(&outlet), [(true, 3), (false, 4)]);
    }

    #[test]
    fn a_slow_page_loses_what_waits_and_goes_on_with_a_key_frame() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.show(&picture(true, 0), None);
        for mark in 1..20 {
            outlet.show(&picture(false, mark), None);
        }
        assert!(waiting(&outlet).is_empty());
        assert!(outlet.take_key_request());
        outlet.show(&picture(true, 20), None);
        assert_eq!(waiting(&outlet), [(true, 20)]);
    }

    #[test]
    fn a_paused_page_gets_nothing_and_then_a_key_frame() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.show(&picture(true, 0), None);
        outlet.take_key_request();
        outlet.pause(true);
        outlet.show(&picture(true, 1), None);
        assert!(waiting(&outlet).is_empty() && !outlet.take_key_request());
        outlet.pause(false);
        assert!(outlet.take_key_request());
        outlet.show(&picture(false, 2), None);
        assert!(waiting(&outlet).is_empty());
    }

    #[test]
    fn the_header_is_as_documented() {
        let outlet = Outlet::default();
        outlet.attach();
        outlet.show(&picture(true, 9), None);
        let message = outlet.state().waiting[0].clone();
        let expected = [
            0, 1, 0x80, 0x02, 0x68, 0x01, 0, 0, 1, 0, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0, 0, 9,
        ];
        assert_eq!(message[..], expected);
    }

    #[test]
    fn pictures_are_numbered_from_1_in_either_format() {
        let outlet = Outlet::default();
        outlet.attach();
        let black = Picture::black(640, 360, Instant::now());
        let number = || outlet.state().waiting.back().map(|message| message[8]);
        outlet.format(Format::I420);
        outlet.show(&picture(true, 0), Some(&black));
        assert_eq!(number(), Some(1));
        outlet.show(&picture(false, 0), Some(&black));
        assert_eq!(number(), Some(2));
        outlet.format(Format::Vp8);
        outlet.show(&picture(true, 0), None);
        assert_eq!(number(), Some(3));
    }

    #[tokio::test]
    async fn a_second_page_takes_over_and_the_first_one_ends() {
        let outlet = Outlet::default();
        let first = outlet.attach();
        let second = outlet.attach();
        assert_eq!(outlet.next(first).await, None);
        assert!(!outlet.detach(first), "the second one is still there");
        outlet.show(&picture(true, 1), None);
        assert!(outlet.next(second).await.is_some());
        assert!(outlet.detach(second));
    }
}
