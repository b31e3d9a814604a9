//! Plays the ringtone. Opening a sound device may take a while, so it has a thread of its own; the
//! ring never waits for it.

use crate::melody;
use im_core::notify::Ringtone;
use std::{
    any::Any,
    sync::{Arc, Condvar, Mutex, PoisonError},
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
    wish: Arc<Wish>,
}

/// Whether it should ring. A state and not a queue: however long the device hangs, what was wanted
/// last is what it comes to.
#[derive(Debug, Default)]
struct Wish {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    ring: bool,
    /// The [`SpeakerRingtone`] is gone.
    over: bool,
}

impl Wish {
    fn set(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.wanted.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits until something else is wanted than what is done; nothing once it is over.
    fn other_than(&self, done: bool) -> Option<bool> {
        let known = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = *self
            .changed
            .wait_while(known, |wanted| !wanted.over && wanted.ring == done)
            .unwrap_or_else(PoisonError::into_inner);
        (!wanted.over).then_some(wanted.ring)
    }
}

impl SpeakerRingtone {
    /// A ringtone on this loudspeaker; silent for now.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn new(speaker: impl Loudspeaker) -> std::io::Result<Self> {
        let wish = Arc::<Wish>::default();
        let theirs = Arc::clone(&wish);
        thread::Builder::new()
            .name("ringtone".into())
            .spawn(move || obey(&speaker, &theirs))?;
        Ok(Self { wish })
    }
}

impl Drop for SpeakerRingtone {
    fn drop(&mut self) {
        self.wish.set(|wanted| wanted.over = true);
    }
}

impl Ringtone for SpeakerRingtone {
    fn start(&self) {
        self.wish.set(|wanted| wanted.ring = true);
    }

    fn stop(&self) {
        self.wish.set(|wanted| wanted.ring = false);
    }
}

/// Runs until the [`SpeakerRingtone`] is dropped.
fn obey(speaker: &impl Loudspeaker, wish: &Wish) {
    let mut samples: Option<Arc<[f32]>> = None;
    // Held for as long as it plays.
    let mut playing: Option<Box<dyn Any>> = None;
    let mut rings = false;
    while let Some(ring) = wish.other_than(rings) {
        rings = ring;
        // The former one ends first, where there is one.
        drop(playing.take());
        if ring {
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
    use std::{
        sync::mpsc::{Receiver, SyncSender, sync_channel},
        time::Duration,
    };

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

    /// Takes until the test lets go of it.
    struct Hanging(Told, Receiver<()>);

    impl Loudspeaker for Hanging {
        fn play_loop(&self, samples: Arc<[f32]>, rate: u32) -> Option<Box<dyn Any>> {
            self.0.0.send("hangs").unwrap();
            self.1.recv().unwrap();
            self.0.play_loop(samples, rate)
        }
    }

    #[test]
    fn a_device_that_hung_ends_as_it_was_told_last_however_much_it_was_told() {
        let (tell, told) = sync_channel(8);
        let (let_go, hang) = sync_channel(1);
        let ringtone = SpeakerRingtone::new(Hanging(Told(tell), hang)).unwrap();
        ringtone.start();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "hangs");
        for _ in 0..1_000 {
            ringtone.start();
        }
        ringtone.stop();
        let_go.send(()).unwrap();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "rings");
        assert_eq!(told.recv_timeout(SOON).unwrap(), "silent");
    }
}
