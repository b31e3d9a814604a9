//! Plays the ringtone. Opening a sound device may take a while, so it has a thread of its own; the
//! ring never waits for it.

use crate::melody;
use im_core::notify::Ringtone;
use std::{
    any::Any,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Something that can play a loop. The shell brings it, made of the media's devices.
pub trait Loudspeaker: Send + 'static {
    /// Plays mono samples (−1.0 to 1.0, `rate` a second) over and over until what is returned is
    /// dropped. None where there is no speaker. May take a while. Called on one thread only.
    fn play_loop(&self, samples: Arc<[f32]>, rate: u32) -> Option<Box<dyn Any>>;
}

/// The ringtone on a loudspeaker.
#[derive(Debug)]
pub struct SpeakerRingtone {
    ring: SyncSender<bool>,
}

impl SpeakerRingtone {
    /// A ringtone on this loudspeaker; silent for now.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn new(speaker: impl Loudspeaker) -> std::io::Result<Self> {
        let (ring, orders) = sync_channel(16);
        thread::Builder::new()
            .name("ringtone".into())
            .spawn(move || obey(&speaker, &orders))?;
        Ok(Self { ring })
    }

    fn order(&self, ring: bool) {
        if self.ring.try_send(ring).is_err() {
            tracing::warn!("the ringtone does not follow: its device hangs");
        }
    }
}

impl Ringtone for SpeakerRingtone {
    fn start(&self) {
        self.order(true);
    }

    fn stop(&self) {
        self.order(false);
    }
}

/// Runs until the [`SpeakerRingtone`] is dropped.
fn obey(speaker: &impl Loudspeaker, orders: &Receiver<bool>) {
    let mut samples: Option<Arc<[f32]>> = None;
    let mut playing: Option<Box<dyn Any>> = None;
    while let Ok(first) = orders.recv() {
        // Only the newest order counts: a ring that is over already is not begun.
        let ring = orders.try_iter().last().unwrap_or(first);
        if !ring {
            playing = None;
        } else if playing.is_none() {
            let samples = samples.get_or_insert_with(|| melody::turn().into());
            playing = speaker.play_loop(Arc::clone(samples), melody::RATE);
            if playing.is_none() {
                tracing::warn!("no speaker for the ringtone");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(10);

    struct Told(SyncSender<&'static str>);

    struct Loop(SyncSender<&'static str>);

    impl Drop for Loop {
        fn drop(&mut self) {
            let _ = self.0.send("silent");
        }
    }

    impl Loudspeaker for Told {
        fn play_loop(&self, samples: Arc<[f32]>, rate: u32) -> Option<Box<dyn Any>> {
            assert!(samples.len() > usize::try_from(rate).unwrap());
            self.0.send("rings").unwrap();
            Some(Box::new(Loop(self.0.clone())))
        }
    }

    #[test]
    fn it_rings_once_however_often_it_is_told_and_stops() {
        let (tell, told) = sync_channel(8);
        let ringtone = SpeakerRingtone::new(Told(tell)).unwrap();
        ringtone.start();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "rings");
        ringtone.start();
        ringtone.stop();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "silent");
        ringtone.start();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "rings");
        drop(ringtone);
        assert_eq!(told.recv_timeout(SOON).unwrap(), "silent");
    }
}
