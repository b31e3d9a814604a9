//! A sound that plays over and over on the speaker, such as a ringtone.

use super::{
    FRAME, Frame,
    device::{DeviceError, Read},
    reopening::EVERY,
    speaker::Speaker,
};
use crate::pace::{Pace, Stop, Worker};
use std::{sync::Arc, thread, time::Duration};

/// A loop that plays until it is dropped.
#[derive(Debug)]
pub struct Looped {
    _worker: Worker,
}

impl Looped {
    /// Plays these samples (48 kHz, one channel, −1.0..=1.0) over and over on the default speaker.
    /// Returns at once; where there is no speaker, or it is lost, nothing is heard until there is
    /// one, and the log says so.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn play(samples: Arc<[f32]>) -> std::io::Result<Self> {
        let worker = Worker::spawn_detached("im-loop", move |stop| {
            let mut endless = samples.iter().copied().cycle();
            let open = || Speaker::open(None, &thread::current());
            keep_open(EVERY, &stop, open, |mut speaker| {
                while matches!(speaker.wait(&stop), Read::Frame) {
                    let mut frame: Frame = [0.0; FRAME];
                    for sample in &mut frame {
                        *sample = endless.next().unwrap_or_default();
                    }
                    speaker.write(&frame);
                }
            });
        })?;
        Ok(Self { _worker: worker })
    }
}

/// Opens a device and uses it until it is lost, over and over.
fn keep_open<D>(
    every: Duration,
    stop: &Stop,
    open: impl Fn() -> Result<D, DeviceError>,
    mut until_lost: impl FnMut(D),
) {
    // The first beat is now.
    let mut attempts = Pace::skipping(every);
    let mut complained = false;
    while attempts.wait(stop) {
        match open() {
            Ok(device) => {
                complained = false;
                until_lost(device);
            }
            Err(error) if !complained => {
                complained = true;
                tracing::warn!(%error, "the loop is not heard");
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    };

    #[test]
    fn a_speaker_that_is_not_there_or_is_lost_is_opened_again_until_the_loop_ends() {
        let (used, uses) = mpsc::channel();
        let worker = Worker::spawn("test-loop", move |stop| {
            let attempts = AtomicUsize::new(0);
            let open = || match attempts.fetch_add(1, Relaxed) {
                0 => Err(DeviceError("nothing is plugged in".to_owned())),
                attempt => Ok(attempt),
            };
            keep_open(Duration::from_millis(1), &stop, open, |attempt| {
                // Lost at once. Nobody listens once the test has ended.
                used.send(attempt).ok();
            });
        })
        .unwrap();
        assert_eq!((uses.recv(), uses.recv()), (Ok(1), Ok(2)));
        drop(worker);
        assert!(uses.iter().all(|attempt| attempt > 2));
    }
}
