//! Microphones and speakers.
//!
//! The systems' callbacks come on threads that must never wait, so they only move samples between
//! the device's buffer and a lock-free ring, and nudge our thread.

use super::{FRAME, Frame, RATE, SILENCE, resample::Resampler};
use crate::pace::Stop;
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Host, HostId, Sample, SampleFormat, SizedSample,
    Stream, StreamConfig, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Half a second between a callback and us: far more than is ever used.
pub(super) const RING: usize = RATE as usize / 2;
/// What a microphone is asked to give at once.
const GULPS: Duration = Duration::from_millis(20);
/// How long a device may take to open.
pub(super) const OPENING: Duration = Duration::from_secs(3);
/// A microphone that gives nothing for so long is sent as silence, and a speaker that takes nothing
/// does not hold up the stream.
pub(super) const STALLED: Duration = Duration::from_millis(60);
/// Samples that may wait for us before old ones are thrown away: 100 ms, then 40 are left.
const WAITING_TOO_LONG: usize = RATE as usize / 10;
const WAITING_LEFT: usize = RATE as usize / 25;
/// The sound server's stand-in where there is no device at all.
const NO_DEVICE: &str = "auto_null";

/// There is no such device, or it may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sound device cannot be used: {0}")]
pub struct DeviceError(pub(super) String);

impl From<cpal::Error> for DeviceError {
    fn from(error: cpal::Error) -> Self {
        Self(error.kind().to_string())
    }
}

/// A device that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioDevice {
    /// Stays the same over restarts.
    pub id: String,
    /// For people.
    pub name: String,
}

/// Microphones there are now.
pub fn microphones() -> Vec<AudioDevice> {
    host()
        .input_devices()
        .map(|found| found.filter_map(|device| describe(&device)).collect())
        .unwrap_or_default()
}

/// Speakers there are now.
pub fn speakers() -> Vec<AudioDevice> {
    host()
        .output_devices()
        .map(|found| found.filter_map(|device| describe(&device)).collect())
        .unwrap_or_default()
}

fn describe(device: &Device) -> Option<AudioDevice> {
    Some(AudioDevice {
        id: device.id().ok()?.to_string(),
        name: device.description().ok()?.name().to_owned(),
    })
}

/// The sound server where there is one, else the system's own way.
pub(super) fn host() -> Host {
    let served = cpal::available_hosts()
        .into_iter()
        .find(|id| id.name().eq_ignore_ascii_case("pulseaudio"));
    served
        .and_then(|id: HostId| cpal::host_from_id(id).ok())
        .unwrap_or_else(cpal::default_host)
}

pub(super) fn find(
    host: &Host,
    id: Option<&str>,
    default: Option<Device>,
) -> Result<Device, DeviceError> {
    let none = || DeviceError("there is none".to_owned());
    let device = match id {
        Some(id) => {
            let id = id.parse().map_err(DeviceError::from)?;
            host.device_by_id(&id)
        }
        None => default,
    };
    let device = device.ok_or_else(none)?;
    let stand_in = device
        .id()
        .is_ok_and(|id| id.to_string().contains(NO_DEVICE));
    if stand_in { Err(none()) } else { Ok(device) }
}

/// The format to open a device with: 48 kHz, floating point, one channel, or what is nearest.
pub(super) fn choose(
    ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    gulps: Duration,
) -> Result<(StreamConfig, SampleFormat), DeviceError> {
    let best = ranges
        .filter(|range| {
            matches!(
                range.sample_format(),
                SampleFormat::F32 | SampleFormat::I16 | SampleFormat::I32
            )
        })
        .min_by_key(|range| {
            (
                rate_of(range).abs_diff(RATE),
                range.channels(),
                range.sample_format() != SampleFormat::F32,
            )
        })
        .ok_or_else(|| DeviceError("no usable format".to_owned()))?;
    let rate = rate_of(&best);
    let config = StreamConfig {
        channels: best.channels(),
        sample_rate: rate,
        // A wish: from a twentieth to twice of it comes.
        buffer_size: BufferSize::Fixed((gulps.as_secs_f64() * f64::from(rate)) as u32),
    };
    Ok((config, best.sample_format()))
}

fn rate_of(range: &SupportedStreamConfigRange) -> u32 {
    RATE.clamp(range.min_sample_rate(), range.max_sample_rate())
}

/// Whether an error means that nothing will come anymore.
pub(super) fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied
    )
}

/// What a device's read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// 10 ms.
    Frame,
    /// The device is gone.
    Lost,
    /// It is time to end.
    Stopped,
}

/// An open microphone.
pub(crate) struct Microphone {
    _stream: Stream,
    ring: rtrb::Consumer<f32>,
    resampler: Resampler,
    ready: VecDeque<f32>,
    lost: Arc<AtomicBool>,
}

impl Microphone {
    /// Opens the microphone of this id, or the default, for the thread that reads it.
    pub(crate) fn open(id: Option<&str>, reader: &Thread) -> Result<Self, DeviceError> {
        let host = host();
        let device = find(&host, id, host.default_input_device())?;
        let (config, format) = choose(device.supported_input_configs()?, GULPS)?;
        let (into, ring) = rtrb::RingBuffer::new(RING);
        let lost = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&lost);
        let stream = match format {
            SampleFormat::I16 => listen::<i16>(&device, config, into, theirs, reader),
            SampleFormat::I32 => listen::<i32>(&device, config, into, theirs, reader),
            _ => listen::<f32>(&device, config, into, theirs, reader),
        }?;
        stream.play()?;
        Ok(Self {
            _stream: stream,
            ring,
            resampler: Resampler::new(config.sample_rate, RATE)
                .map_err(|error| DeviceError(error.to_string()))?,
            ready: VecDeque::with_capacity(RING),
            lost,
        })
    }

    /// Waits for the next 10 ms.
    pub(crate) fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Read {
        let began = Instant::now();
        loop {
            if let Ok(chunk) = self.ring.read_chunk(self.ring.slots()) {
                let (first, second) = chunk.as_slices();
                self.resampler.push(first, &mut self.ready);
                self.resampler.push(second, &mut self.ready);
                chunk.commit_all();
            }
            if self.ready.len() > WAITING_TOO_LONG {
                self.ready.drain(..self.ready.len() - WAITING_LEFT);
            }
            if self.ready.len() >= FRAME {
                for (sample, heard) in frame.iter_mut().zip(self.ready.drain(..FRAME)) {
                    *sample = heard;
                }
                return Read::Frame;
            }
            if stop.is_set() {
                return Read::Stopped;
            }
            if self.lost.load(Relaxed) {
                return Read::Lost;
            }
            if began.elapsed() > STALLED {
                *frame = SILENCE;
                return Read::Frame;
            }
            thread::park_timeout(Duration::from_millis(10));
        }
    }
}

fn listen<T>(
    device: &Device,
    config: StreamConfig,
    mut into: rtrb::Producer<f32>,
    lost: Arc<AtomicBool>,
    reader: &Thread,
) -> Result<Stream, DeviceError>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    let share = 1.0 / channels as f32;
    let reader = reader.clone();
    let on_data = move |data: &[T], _: &cpal::InputCallbackInfo| {
        for samples in data.chunks_exact(channels) {
            let sum: f32 = samples.iter().map(|s| f32::from_sample(*s)).sum();
            if into.push(sum * share).is_err() {
                break;
            }
        }
        reader.unpark();
    };
    let on_error = move |error: cpal::Error| {
        if is_fatal(error.kind()) {
            lost.store(true, Relaxed);
        }
    };
    Ok(device.build_input_stream(config, on_data, on_error, Some(OPENING))?)
}
