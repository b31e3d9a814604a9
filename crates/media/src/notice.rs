//! What media's threads have to say.

use im_call::media::DeviceNotice;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::mpsc;

/// Something that a thread noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// About a device.
    Device(DeviceNotice),
    /// What was told about a device is over: it works.
    DeviceBack(DeviceNotice),
    /// The other side's first packet went to the speaker, with silence in it or not.
    FirstSound,
    /// The other side's picture has this size from now on.
    Picture { width: u32, height: u32 },
}

/// The threads' end: telling never waits.
#[derive(Debug, Clone)]
pub(crate) struct Notices(mpsc::Sender<Noticed>);

impl Notices {
    /// A channel for the few things that threads have to say in a call.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Noticed>) {
        let (sender, receiver) = mpsc::channel(64);
        (Self(sender), receiver)
    }

    /// Tells about a device.
    pub(crate) fn tell(&self, notice: DeviceNotice) {
        self.say(Noticed::Device(notice));
    }

    /// Tells anything.
    pub(crate) fn say(&self, noticed: Noticed) {
        if self.0.try_send(noticed).is_err() {
            tracing::warn!(?noticed, "nobody took a notice");
        }
    }
}

/// The first packet of sound, told once in a call.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicBool);

impl Once {
    /// Tells it if it is the first.
    pub(crate) fn happened(&self, notices: &Notices) {
        if !self.0.swap(true, Relaxed) {
            notices.say(Noticed::FirstSound);
        }
    }
}
