//! How loud it is.

use super::Frame;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A loudness that one thread measures and another reads.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU32);

impl Level {
    /// Linear root mean square over about 100 ms, 0.0..=1.0.
    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }
}

/// Measures.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    mean_square: f32,
}

/// Weight of a new frame of 10 ms: the rest is gone after about 100 ms.
const WEIGHT: f32 = 0.2;

impl Meter {
    /// Takes 10 ms into account.
    pub(crate) fn hear(&mut self, frame: &Frame, level: &Level) {
        let square = frame.iter().map(|s| s * s).sum::<f32>() / frame.len() as f32;
        self.mean_square += (square - self.mean_square) * WEIGHT;
        let loudness = self.mean_square.sqrt().clamp(0.0, 1.0);
        level.0.store(loudness.to_bits(), Relaxed);
    }
}
