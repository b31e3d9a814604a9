//! What a robot says and shows in a call, and what it hears and sees: the other side's sound goes
//! into a file, the number in each of its pictures is read.

use crate::lines::tell;
use im_media::{
    Engine, EngineConfig,
    audio::{
        Frame, RATE,
        input::AudioInput,
        output::AudioOutput,
        wav::{self, Recording},
    },
    video::{barcode, input::VideoInput, pattern, picture::Picture, y4m::Y4m},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// 10 ms pieces of sound that may wait.
const FRAMES: usize = 1_000;
/// Pictures that may wait.
const PICTURES: usize = 120;
/// What is louder is heard.
const LOUD: f32 = 0.01;
/// How long the end of a call may take to reach ears and eyes.
const ENDING: Duration = Duration::from_secs(5);

/// What is said and shown, and where the sound goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Equipment {
    /// A WAV file, over and over; silence without.
    pub(crate) speak: Option<PathBuf>,
    /// `pattern` or a YUV4MPEG2 file; no picture without.
    pub(crate) show: Option<String>,
    /// The pattern's size.
    pub(crate) size: (usize, usize),
    /// The pattern's pictures a second.
    pub(crate) frames_per_second: u32,
    /// A WAV file for what is heard.
    pub(crate) record: Option<PathBuf>,
}

/// Ears and eyes, each a thread that ends with the call.
pub(crate) struct Senses {
    engine: Arc<Engine>,
    ears: JoinHandle<io::Result<Value>>,
    eyes: JoinHandle<Value>,
}

/// An engine without any devices, for what is done without a call.
pub(crate) fn no_devices() -> Arc<Engine> {
    Arc::new(Engine::new(EngineConfig::headless()))
}

impl Senses {
    /// Opens the files and starts listening and looking. Gives the engine for the core.
    ///
    /// # Errors
    /// Where a file cannot be read or written, or the system gives no thread.
    pub(crate) fn open(equipment: Equipment) -> io::Result<(Arc<Engine>, Self)> {
        let (listener, sound) = mpsc::sync_channel(FRAMES);
        let (viewer, pictures) = mpsc::sync_channel(PICTURES);
        let mut config = EngineConfig::headless();
        if let Some(path) = equipment.speak {
            // Media goes on without a voice where there is none; who gave a file wants it heard.
            wav::read(&path).map_err(|error| unusable(&path, error))?;
            config.audio_input = AudioInput::File { path, again: true };
        }
        config.video_input = match equipment.show.as_deref() {
            None => VideoInput::None,
            Some("pattern") => VideoInput::Pattern {
                width: equipment.size.0,
                height: equipment.size.1,
                frames_per_second: equipment.frames_per_second,
            },
            Some(file) => {
                let path = PathBuf::from(file);
                Y4m::open(&path).map_err(|error| unusable(&path, error))?;
                VideoInput::File(path)
            }
        };
        config.audio_output = AudioOutput::Listener(listener);
        config.viewer = Some(viewer);
        let recording = match &equipment.record {
            Some(path) => Some(Recording::create(path).map_err(|error| unusable(path, error))?),
            None => None,
        };
        let ears = thread::Builder::new()
            .name("ears".to_owned())
            .spawn(move || listen(&sound, recording))?;
        let eyes = thread::Builder::new()
            .name("eyes".to_owned())
            .spawn(move || look(&pictures))?;
        let engine = Arc::new(Engine::new(config));
        let senses = Self {
            engine: Arc::clone(&engine),
            ears,
            eyes,
        };
        Ok((engine, senses))
    }

    /// Closes them once the call is over: the recording is whole, and what was heard and seen is
    /// summed up.
    ///
    /// # Errors
    /// Where the recording could not be written.
    pub(crate) async fn close(self) -> anyhow::Result<Value> {
        // The engine holds the last ends of both channels once the call's own are gone.
        self.engine.configure(|config| {
            config.audio_output = AudioOutput::Nowhere;
            config.viewer = None;
        });
        let joined = tokio::task::spawn_blocking(move || (self.ears.join(), self.eyes.join()));
        let (heard, seen) = tokio::time::timeout(ENDING, joined).await??;
        let broken = |_| io::Error::other("ears or eyes failed");
        let (heard, seen) = (heard.map_err(broken)??, seen.map_err(broken)?);
        Ok(json!({ "heard": heard, "seen": seen }))
    }
}

/// Names the file that cannot be used.
fn unusable(path: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {why}", path.display()))
}

/// Tells of the first sound that is not silence: `heard`.
fn listen(sound: &mpsc::Receiver<Frame>, mut recording: Option<Recording>) -> io::Result<Value> {
    let (mut frames, mut loud) = (0u64, 0u64);
    for frame in sound {
        frames += 1;
        let power = frame.iter().map(|sample| sample * sample).sum::<f32>();
        if (power / frame.len() as f32).sqrt() > LOUD {
            loud += 1;
            if loud == 1 {
                tell("heard", json!({}))?;
            }
        }
        if let Some(recording) = &mut recording {
            recording.write(&frame).map_err(io::Error::other)?;
        }
    }
    let seconds = |frames: u64| frames as f64 * 480.0 / f64::from(RATE);
    Ok(json!({ "seconds": seconds(frames), "loud_seconds": seconds(loud) }))
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    pictures: u64,
    numbered: u64,
    backwards: u64,
    first: Option<u32>,
    last: Option<u32>,
    delays_ms: u64,
    sizes: BTreeMap<String, u64>,
    began: Option<Instant>,
    ended: Option<Instant>,
}

/// Tells of the first picture with a number: `seen`.
fn look(pictures: &mpsc::Receiver<Picture>) -> Value {
    let mut seen = Seen::default();
    for picture in pictures {
        seen.take(&picture);
    }
    seen.sum()
}

impl Seen {
    fn take(&mut self, picture: &Picture) {
        let now = Instant::now();
        self.pictures += 1;
        self.began.get_or_insert(now);
        self.ended = Some(now);
        let (width, height) = (picture.width, picture.height);
        *self.sizes.entry(format!("{width}x{height}")).or_default() += 1;
        let Some(number) = barcode::read(picture.planes().y, width, height, width) else {
            return;
        };
        self.numbered += 1;
        // The pattern's number is its time of day, which only this machine's clock fits.
        let delay = pattern::now_ms().wrapping_sub(number);
        self.delays_ms += u64::from(delay);
        if self
            .last
            .is_some_and(|last| number.wrapping_sub(last) > u32::MAX / 2)
        {
            self.backwards += 1;
        }
        if self.first.is_none() {
            self.first = Some(number);
            // Who reads the lines may be gone already; the picture was seen all the same.
            tell("seen", json!({ "number": number, "delay_ms": delay })).ok();
        }
        self.last = Some(number);
    }

    fn sum(self) -> Value {
        let seconds = match (self.began, self.ended) {
            (Some(began), Some(ended)) => (ended - began).as_secs_f64(),
            _ => 0.0,
        };
        let between = self.pictures.saturating_sub(1) as f64;
        json!({
            "pictures": self.pictures,
            "numbered": self.numbered,
            "backwards": self.backwards,
            "first_number": self.first,
            "last_number": self.last,
            "delay_ms": self.delays_ms.checked_div(self.numbered),
            "seconds": seconds,
            "per_second": if seconds > 0.0 { between / seconds } else { 0.0 },
            "sizes": self.sizes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named_before_anybody_is_called() {
        for equipment in [
            Equipment {
                speak: Some("no-such-voice.wav".into()),
                ..Equipment::default()
            },
            Equipment {
                show: Some("no-such-picture.y4m".to_owned()),
                ..Equipment::default()
            },
        ] {
            let error = Senses::open(equipment).map(drop).unwrap_err().to_string();
            assert!(error.starts_with("no-such-"), "{error}");
        }
    }

    #[test]
    fn numbers_are_read_and_a_step_back_is_counted() {
        let mut seen = Seen::default();
        for number in [1_000, 1_040, 1_020, 1_060] {
            let mut picture = Picture::black(320, 180, Instant::now());
            barcode::draw(picture.planes_mut().0, 320, 180, 320, number);
            seen.take(&picture);
        }
        seen.take(&Picture::black(320, 180, Instant::now()));
        let sum = seen.sum();
        assert_eq!((&sum["pictures"], &sum["numbered"]), (&json!(5), &json!(4)));
        assert_eq!(
            (&sum["backwards"], &sum["last_number"]),
            (&json!(1), &json!(1_060))
        );
        assert_eq!(sum["sizes"], json!({ "320x180": 5 }));
    }
}
