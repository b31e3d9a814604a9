//! Where sound comes from: a microphone, a file, a tone, or nowhere.

use super::{
    FRAME, Frame, RATE, SILENCE,
    device::{Microphone, Read},
    wav::{self, Player},
};
use crate::pace::{Pace, Stop};
use std::{path::PathBuf, thread::Thread, time::Duration};

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum AudioInput {
    /// A microphone by its id, or the default; cleaned of echo and noise.
    Microphone(Option<String>),
    /// A WAV file, as it is.
    File {
        /// Which.
        path: PathBuf,
        /// From the beginning again at its end, else silence.
        again: bool,
    },
    /// A sine, for listening whether anything comes.
    Tone {
        /// Its pitch.
        hertz: f32,
    },
    /// Nothing.
    Silence,
}

/// An input while it is used.
pub(crate) enum Source {
    Microphone(Box<Microphone>),
    Paced(Made, Pace),
}

/// Sound that is made rather than heard.
pub(crate) enum Made {
    Player(Player),
    Tone { step: f32, phase: f32 },
    Silence,
}

/// 10 ms.
const BEAT: Duration = Duration::from_millis(10);

impl Source {
    /// Opens an input for the thread that reads it.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(crate) fn open(input: &AudioInput, reader: &Thread) -> Result<Self, String> {
        let made = match input {
            AudioInput::Microphone(id) => {
                return Microphone::open(id.as_deref(), reader)
                    .map(|microphone| Self::Microphone(Box::new(microphone)))
                    .map_err(|error| error.to_string());
            }
            AudioInput::File { path, again } => {
                let samples = wav::read(path).map_err(|error| error.to_string())?;
                Made::Player(Player::new(samples, *again))
            }
            AudioInput::Tone { hertz } => Made::Tone {
                step: hertz / RATE as f32,
                phase: 0.0,
            },
            AudioInput::Silence => Made::Silence,
        };
        Ok(Self::Paced(made, Pace::new(BEAT)))
    }

    /// What is sent where there is nothing else.
    pub(crate) fn silence() -> Self {
        Self::Paced(Made::Silence, Pace::new(BEAT))
    }

    /// Whether it hears the room, and with it the speaker.
    pub(crate) fn hears_the_room(&self) -> bool {
        matches!(self, Self::Microphone(_))
    }

    /// Waits for the next 10 ms.
    pub(crate) fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Read {
        match self {
            Self::Microphone(microphone) => microphone.read(frame, stop),
            Self::Paced(made, pace) => {
                if !pace.wait(stop) {
                    return Read::Stopped;
                }
                made.next(frame);
                Read::Frame
            }
        }
    }
}

impl Made {
    fn next(&mut self, frame: &mut Frame) {
        match self {
            Self::Player(player) => player.next(frame),
            Self::Tone { step, phase } => {
                for sample in frame.iter_mut() {
                    *sample = 0.3 * (*phase * std::f32::consts::TAU).sin();
                    *phase = (*phase + *step).fract();
                }
            }
            Self::Silence => *frame = SILENCE,
        }
        debug_assert_eq!(frame.len(), FRAME);
    }
}
