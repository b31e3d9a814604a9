//! A sound that plays over and over on the speaker, such as a ringtone.

use super::{FRAME, Frame, device::Read, speaker::Speaker};
use crate::pace::Worker;
use std::{sync::Arc, thread};

/// A loop that plays until it is dropped.
#[derive(Debug)]
pub struct Looped {
    _worker: Worker,
}

impl Looped {
    /// Plays these samples (48 kHz, one channel, −1.0..=1.0) over and over on the default speaker.
    /// Returns at once; where there is no speaker, nothing is heard and the log says so.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn play(samples: Arc<[f32]>) -> std::io::Result<Self> {
        let worker = Worker::spawn_detached("im-loop", move |stop| {
            let mut speaker = match Speaker::open(None, &thread::current()) {
                Ok(speaker) => speaker,
                Err(error) => {
                    tracing::warn!(%error, "the loop is not heard");
                    return;
                }
            };
            let mut endless = samples.iter().copied().cycle();
            while matches!(speaker.wait(&stop), Read::Frame) {
                let mut frame: Frame = [0.0; FRAME];
                for sample in &mut frame {
                    *sample = endless.next().unwrap_or_default();
                }
                speaker.write(&frame);
            }
        })?;
        Ok(Self { _worker: worker })
    }
}
