//! From one fixed rate to another.

use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSlice};
use std::collections::VecDeque;

/// The rates cannot be converted into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sound at {from} Hz cannot be converted to {to} Hz")]
pub struct RateError {
    from: u32,
    to: u32,
}

/// Takes samples in any number at one rate and gives them at another, one channel.
pub(crate) struct Resampler {
    inner: Option<Fft<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Resampler {
    /// From `from` to `to` samples a second; with both the same it only passes on.
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, RateError> {
        let inner = if from == to {
            None
        } else {
            let chunk = (from / 100) as usize;
            let fft = Fft::new(from as usize, to as usize, chunk, 1, FixedSync::Both)
                .map_err(|_| RateError { from, to })?;
            Some(fft)
        };
        Ok(Self {
            inner,
            input: Vec::new(),
            output: Vec::new(),
        })
    }

    /// Converts, into `out`; what does not fill a block yet is kept.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut VecDeque<f32>) {
        let Some(inner) = &mut self.inner else {
            out.extend(samples);
            return;
        };
        self.input.extend_from_slice(samples);
        let (need, give) = (inner.input_frames_next(), inner.output_frames_next());
        self.output.resize(give, 0.0);
        let mut used = 0;
        while let Some(block) = self.input.get(used..used + need) {
            let (Ok(from), Ok(mut to)) = (
                SequentialSlice::new(block, 1, need),
                SequentialSlice::new_mut(&mut self.output, 1, give),
            ) else {
                break;
            };
            used += need;
            if inner.process_into_buffer(&from, &mut to, None).is_ok() {
                out.extend(&self.output);
            }
        }
        self.input.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_pitch_and_loudness() {
        let from = 22_050;
        let mut resampler = Resampler::new(from, 48_000).unwrap();
        let mut out = VecDeque::new();
        let tone: Vec<f32> = (0..from * 2)
            .map(|i| (i as f32 * 440.0 / from as f32 * std::f32::consts::TAU).sin())
            .collect();
        for piece in tone.chunks(333) {
            resampler.push(piece, &mut out);
        }
        let settled: Vec<f32> = out.iter().skip(10_000).take(48_000).copied().collect();
        assert_eq!(settled.len(), 48_000);
        let crossings = settled.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0);
        assert!((439..=441).contains(&crossings.count()));
        let power: f32 = settled.iter().map(|s| s * s).sum::<f32>() / 48_000.0;
        assert!((power - 0.5).abs() < 0.02, "power {power}");
    }
}
