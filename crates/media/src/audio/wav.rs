//! Sound from and to WAV files.

use super::{FRAME, Frame, RATE, resample::Resampler};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use std::{collections::VecDeque, fs::File, io::BufWriter, path::Path};

/// A file that is no sound we can read or write.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// Not there, not readable, not WAV.
    #[error("the sound file cannot be used: {0}")]
    File(#[from] hound::Error),
    /// A rate from which none of ours can be made.
    #[error(transparent)]
    Rate(#[from] super::resample::RateError),
}

/// Reads a whole file as one channel at 48 kHz, whatever it is.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path) -> Result<Vec<f32>, WavError> {
    let mut reader = WavReader::open(path)?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let largest = 2.0f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|sample| sample as f32 / largest))
                .collect::<Result<_, _>>()?
        }
    };
    let channels = usize::from(spec.channels).max(1);
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    let mut resampler = Resampler::new(spec.sample_rate, RATE)?;
    let mut out = VecDeque::new();
    resampler.push(&mono, &mut out);
    // The last block comes out only when it is full.
    resampler.push(&vec![0.0; spec.sample_rate as usize / 50], &mut out);
    Ok(out.into())
}

/// Writes what it is given as 16 bits, one channel, 48 kHz. The file is whole once this is dropped.
pub struct Recording {
    writer: WavWriter<BufWriter<File>>,
}

impl Recording {
    /// Makes or replaces a file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path) -> Result<Self, WavError> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        Ok(Self {
            writer: WavWriter::create(path, spec)?,
        })
    }

    /// Adds 10 ms.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, frame: &Frame) -> Result<(), WavError> {
        for sample in frame {
            let sample = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16;
            self.writer.write_sample(sample)?;
        }
        Ok(())
    }
}

/// A piece of sound as frames, once or over and over.
pub(crate) struct Player {
    samples: Vec<f32>,
    position: usize,
    again: bool,
}

impl Player {
    pub(crate) fn new(samples: Vec<f32>, again: bool) -> Self {
        Self {
            samples,
            position: 0,
            again,
        }
    }

    /// The next 10 ms; silence after the end.
    pub(crate) fn next(&mut self, frame: &mut Frame) {
        for sample in frame.iter_mut() {
            if self.again && self.position >= self.samples.len() {
                self.position = 0;
            }
            *sample = self.samples.get(self.position).copied().unwrap_or_default();
            self.position += 1;
        }
        debug_assert_eq!(frame.len(), FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        let frame: Frame = std::array::from_fn(|i| (i as f32 / FRAME as f32) - 0.5);
        let mut recording = Recording::create(&path).unwrap();
        for _ in 0..10 {
            recording.write(&frame).unwrap();
        }
        drop(recording);
        let read = read(&path).unwrap();
        assert_eq!(read.len() / FRAME, 12, "with two frames of tail");
        let worst = read.iter().zip(frame).map(|(a, b)| (a - b).abs());
        assert!(worst.fold(0.0, f32::max) < 1e-3);
    }

    #[test]
    fn what_is_no_sound_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.wav");
        std::fs::write(&path, "not a sound").unwrap();
        assert!(matches!(read(&path), Err(WavError::File(_))));
    }
}
