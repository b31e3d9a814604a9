//! Where sound goes: a speaker, a file, a listener in the same program, or nowhere.

use super::{Frame, device::Read, speaker::Speaker, wav::Recording};
use crate::pace::{Pace, Stop};
use std::{fmt, path::PathBuf, sync::mpsc, thread::Thread, time::Duration};

/// What becomes of the other side's sound.
#[derive(Clone)]
pub enum AudioOutput {
    /// A speaker by its id, or the default.
    Speaker(Option<String>),
    /// A WAV file.
    File(PathBuf),
    /// Somebody in the same program. What does not fit into the channel is lost.
    Listener(mpsc::SyncSender<Frame>),
    /// Nothing.
    Nowhere,
}

impl fmt::Debug for AudioOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Speaker(_) => "Speaker",
            Self::File(_) => "File",
            Self::Listener(_) => "Listener",
            Self::Nowhere => "Nowhere",
        })
    }
}

/// An output while it is used.
pub(crate) enum Sink {
    Speaker(Box<Speaker>),
    File(Box<Recording>, Pace),
    Listener(mpsc::SyncSender<Frame>, Pace),
    Nowhere(Pace),
}

fn beat() -> Pace {
    Pace::new(Duration::from_millis(10))
}

impl Sink {
    /// Opens an output for the thread that writes to it.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(crate) fn open(output: &AudioOutput, writer: &Thread) -> Result<Self, String> {
        match output {
            AudioOutput::Speaker(id) => Speaker::open(id.as_deref(), writer)
                .map(|speaker| Self::Speaker(Box::new(speaker)))
                .map_err(|error| error.to_string()),
            AudioOutput::File(path) => Recording::create(path)
                .map(|recording| Self::File(Box::new(recording), beat()))
                .map_err(|error| error.to_string()),
            AudioOutput::Listener(listener) => Ok(Self::Listener(listener.clone(), beat())),
            AudioOutput::Nowhere => Ok(Self::nowhere()),
        }
    }

    /// Where sound goes when there is nothing else.
    pub(crate) fn nowhere() -> Self {
        Self::Nowhere(beat())
    }

    /// Waits until 10 ms more are needed.
    pub(crate) fn wait(&mut self, stop: &Stop) -> Read {
        let pace = match self {
            Self::Speaker(speaker) => return speaker.wait(stop),
            Self::File(_, pace) | Self::Listener(_, pace) | Self::Nowhere(pace) => pace,
        };
        if pace.wait(stop) {
            Read::Frame
        } else {
            Read::Stopped
        }
    }

    /// Gives it 10 ms. False means that it takes no more.
    pub(crate) fn write(&mut self, frame: &Frame) -> bool {
        match self {
            Self::Speaker(speaker) => speaker.write(frame),
            Self::File(recording, _) => return recording.write(frame).is_ok(),
            Self::Listener(listener, _) => {
                return !matches!(
                    listener.try_send(*frame),
                    Err(mpsc::TrySendError::Disconnected(_))
                );
            }
            Self::Nowhere(_) => {}
        }
        true
    }
}
