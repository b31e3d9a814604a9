//! Lends the ringtone the media's speaker.

use im_media::audio::{RATE, looped::Looped};
use im_notify::Loudspeaker;
use std::{any::Any, sync::Arc};

/// The default speaker.
pub(crate) struct Speaker;

impl Loudspeaker for Speaker {
    fn play_loop(&self, samples: Arc<[f32]>, rate: u32) -> Option<Box<dyn Any>> {
        debug_assert_eq!(rate, RATE, "the ringtone is made for the media's rate");
        match Looped::play(samples) {
            Ok(playing) => Some(Box::new(playing)),
            Err(error) => {
                tracing::warn!(%error, "the ringtone cannot be played");
                None
            }
        }
    }
}
