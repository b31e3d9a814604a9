//! Whether what was heard is what was said: energy envelopes of 10 ms, compared at every shift.

use im_media::audio::{Frame, wav::Recording};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::path::Path;

/// 10 ms at 48 kHz.
const FRAME: usize = 480;

/// Writes a WAV file with something like speech: 7 s of noise in syllables of changing length and
/// loudness, another one for each seed.
///
/// # Errors
/// Where it cannot be written.
pub fn sentence(path: &Path, seed: u64) -> anyhow::Result<()> {
    let mut recording = Recording::create(path)?;
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut left, mut loudness, mut smooth) = (0, 0.0f32, 0.0f32);
    for _ in 0..700 {
        if left == 0 {
            left = random.random_range(6..25);
            let silent = random.random_bool(0.35);
            loudness = if silent {
                0.0
            } else {
                random.random_range(0.1..0.5)
            };
        }
        left -= 1;
        let frame: Frame = std::array::from_fn(|_| {
            smooth += (random.random_range(-1.0..1.0f32) - smooth) * 0.3;
            smooth * loudness
        });
        recording.write(&frame)?;
    }
    Ok(())
}

/// How well what was heard fits what was said: [`match_of`] of its best piece of so many frames of
/// 10 ms. Before a call there is silence, and a machine under load stumbles: the shorter the piece, the
/// likelier it is whole, and the better something else fits too.
#[must_use]
pub fn best_match_of(heard: &[f32], said: &[f32], frames: usize) -> f32 {
    let frames = frames.max(8);
    let pieces = heard.windows(frames).step_by(frames / 8);
    pieces
        .map(|piece| match_of(piece, said))
        .fold(0.0, f32::max)
}

/// The loudness of each 10 ms of a WAV file.
///
/// # Errors
/// Where it cannot be read.
pub fn envelope(path: &Path) -> anyhow::Result<Vec<f32>> {
    let samples = im_media::audio::wav::read(path)?;
    let frames = samples.chunks_exact(FRAME);
    Ok(frames
        .map(|frame| (frame.iter().map(|s| s * s).sum::<f32>() / FRAME as f32).sqrt())
        .collect())
}

/// The best normalised correlation of the envelope `heard` with an equally long piece of `said`,
/// which repeats: 1.0 where it is the same, about 0 where it has nothing to do with it.
#[must_use]
pub fn match_of(heard: &[f32], said: &[f32]) -> f32 {
    let heard = centred(heard.iter().copied());
    let power: f32 = heard.iter().map(|h| h * h).sum();
    let best = (0..said.len()).map(|shift| {
        let piece = centred(said.iter().copied().cycle().skip(shift).take(heard.len()));
        let product: f32 = heard.iter().zip(&piece).map(|(h, p)| h * p).sum();
        product / (power * piece.iter().map(|p| p * p).sum::<f32>()).sqrt()
    });
    best.filter(|value| value.is_finite()).fold(0.0, f32::max)
}

fn centred(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let values: Vec<f32> = values.collect();
    let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
    values.into_iter().map(|value| value - mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_later_and_quieter_fits_and_something_else_does_not() {
        let said: Vec<f32> = (0..300)
            .map(|i| ((i * i) as f32 * 0.013).sin().abs())
            .collect();
        let heard: Vec<f32> = said
            .iter()
            .cycle()
            .skip(120)
            .take(200)
            .map(|v| v * 0.4)
            .collect();
        assert!(match_of(&heard, &said) > 0.99);
        let other: Vec<f32> = (0..300).map(|i| f32::from(i % 37 < 9)).collect();
        assert!(match_of(&heard, &other) < 0.5);
        assert!(match_of(&[0.0; 200], &said) < 0.01);
    }
}
