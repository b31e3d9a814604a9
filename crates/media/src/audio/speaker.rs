//! Speakers.

use super::{
    FRAME, Frame, RATE,
    device::{DeviceError, OPENING, RING, Read, STALLED, choose, find, host, is_fatal},
    resample::Resampler,
};
use crate::pace::Stop;
use cpal::{
    Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// What a speaker is asked to take at once; sound servers hold two of these. Where it runs dry
/// again and again it is opened anew with twice as much.
const SMALLEST_GULP: Duration = Duration::from_millis(30);
const LARGEST_GULP: Duration = Duration::from_millis(60);
/// Having run dry so often in 10 s is no accident; the first half second does not count, while the
/// server settles.
const OFTEN: usize = 3;
const COUNTED: usize = 1_000;
const SETTLING: usize = 50;

/// An open speaker.
pub(crate) struct Speaker {
    _stream: Stream,
    ring: rtrb::Producer<f32>,
    resampler: Resampler,
    scratch: VecDeque<f32>,
    device: Arc<Gulps>,
    cushion: Cushion,
    id: Option<String>,
    gulp: Duration,
    /// Written so far.
    frames: usize,
}

/// What the speaker's callback tells us.
#[derive(Debug, Default)]
struct Gulps {
    /// Samples taken at once at most.
    largest: AtomicUsize,
    /// Samples that were not there when they were needed.
    missed: AtomicUsize,
    /// How often the device came so late that it must have run dry.
    dry: AtomicUsize,
    lost: AtomicBool,
}

/// Samples to keep ready beyond one gulp. Where we are woken too late it grows, and shrinks again
/// slowly.
#[derive(Debug)]
struct Cushion {
    samples: usize,
    missed: usize,
    calm: usize,
}

impl Cushion {
    const LARGEST: usize = 8 * FRAME;
    /// Frames without a miss before it shrinks: 10 s.
    const CALM: usize = 1_000;

    /// Samples of cushion, by what was missed so far; asked once per frame.
    fn samples(&mut self, missed: usize) -> usize {
        if missed == self.missed {
            self.calm += 1;
            if self.calm >= Self::CALM {
                self.calm = 0;
                self.samples = self.samples.saturating_sub(FRAME / 2);
            }
        } else {
            self.missed = missed;
            self.calm = 0;
            self.samples = (self.samples + FRAME).min(Self::LARGEST);
        }
        self.samples
    }
}

impl Speaker {
    /// Opens the speaker of this id, or the default, for the thread that writes to it.
    pub(crate) fn open(id: Option<&str>, writer: &Thread) -> Result<Self, DeviceError> {
        Self::open_with(id, writer, SMALLEST_GULP)
    }

    fn open_with(id: Option<&str>, writer: &Thread, gulp: Duration) -> Result<Self, DeviceError> {
        let host = host();
        let device = find(&host, id, host.default_output_device())?;
        let (config, format) = choose(device.supported_output_configs()?, gulp)?;
        let (ring, from) = rtrb::RingBuffer::new(RING);
        let gulps = Arc::new(Gulps::default());
        let theirs = Arc::clone(&gulps);
        let stream = match format {
            SampleFormat::I16 => speak::<i16>(&device, config, from, theirs, writer),
            SampleFormat::I32 => speak::<i32>(&device, config, from, theirs, writer),
            _ => speak::<f32>(&device, config, from, theirs, writer),
        }?;
        stream.play()?;
        Ok(Self {
            _stream: stream,
            ring,
            resampler: Resampler::new(RATE, config.sample_rate)
                .map_err(|error| DeviceError(error.to_string()))?,
            scratch: VecDeque::with_capacity(RING),
            device: gulps,
            cushion: Cushion {
                samples: 0,
                missed: 0,
                calm: 0,
            },
            id: id.map(str::to_owned),
            gulp,
            frames: 0,
        })
    }

    /// Waits until the device needs more: no more lies ready than one of its gulps, 10 ms and what
    /// we are late for.
    pub(crate) fn wait(&mut self, stop: &Stop) -> Read {
        self.reopen_if_dry();
        let began = Instant::now();
        let cushion = self.cushion.samples(self.device.missed.load(Relaxed));
        loop {
            if stop.is_set() {
                return Read::Stopped;
            }
            if self.device.lost.load(Relaxed) {
                return Read::Lost;
            }
            let queued = RING.saturating_sub(self.ring.slots());
            let wanted = self.device.largest.load(Relaxed) + cushion;
            // A device that does not play must not hold up the stream for ever.
            if queued <= wanted || began.elapsed() > STALLED {
                return Read::Frame;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn reopen_if_dry(&mut self) {
        self.frames += 1;
        if self.frames == SETTLING || self.frames.is_multiple_of(COUNTED) {
            self.device.dry.store(0, Relaxed);
        }
        let gulp = self.gulp * 2;
        if self.frames < SETTLING || self.device.dry.load(Relaxed) < OFTEN || gulp > LARGEST_GULP {
            return;
        }
        tracing::debug!(gulp_ms = gulp.as_millis(), "the speaker runs dry");
        match Self::open_with(self.id.as_deref(), &thread::current(), gulp) {
            Ok(calmer) => *self = calmer,
            // Better a speaker that runs dry than none.
            Err(_) => self.device.dry.store(0, Relaxed),
        }
    }

    /// Gives it 10 ms.
    pub(crate) fn write(&mut self, frame: &Frame) {
        self.resampler.push(frame, &mut self.scratch);
        // Where the device stands still the ring fills up and the newest is lost.
        for sample in self.scratch.drain(..) {
            if self.ring.push(sample).is_err() {
                break;
            }
        }
    }
}

fn speak<T>(
    device: &Device,
    config: StreamConfig,
    mut from: rtrb::Consumer<f32>,
    gulps: Arc<Gulps>,
    writer: &Thread,
) -> Result<Stream, DeviceError>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels).max(1);
    let writer = writer.clone();
    let errors = Arc::clone(&gulps);
    let rate = f64::from(config.sample_rate);
    let mut last: Option<Instant> = None;
    let on_data = move |data: &mut [T], _: &cpal::OutputCallbackInfo| {
        let wanted = data.len() / channels;
        gulps.largest.fetch_max(wanted.min(RING / 4), Relaxed);
        let now = Instant::now();
        let held = Duration::from_secs_f64(2.0 * wanted as f64 / rate);
        // The first ones fill the server's buffer.
        if last.is_some_and(|last| now.duration_since(last) > held.max(SMALLEST_GULP)) {
            gulps.dry.fetch_add(1, Relaxed);
        }
        last = Some(now);
        let missed = wanted.saturating_sub(from.slots());
        if missed > 0 {
            gulps.missed.fetch_add(missed, Relaxed);
        }
        for samples in data.chunks_exact_mut(channels) {
            let sample = T::from_sample(from.pop().unwrap_or(0.0));
            samples.fill(sample);
        }
        writer.unpark();
    };
    let on_error = move |error: cpal::Error| {
        if is_fatal(error.kind()) {
            errors.lost.store(true, Relaxed);
        }
    };
    Ok(device.build_output_stream(config, on_data, on_error, Some(OPENING))?)
}
