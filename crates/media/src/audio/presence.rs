//! Whether a microphone hears the speaker at all.
//!
//! What the speaker plays is looked for in what the microphone hears by cross-correlation with
//! phase transform (Knapp and Carter, "The generalized correlation method for estimation of time
//! delay", 1976): an echo stands out as one sharp peak at its delay, under somebody talking
//! too, while two people who only talk at the same time give none.

use super::Frame;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};
use std::sync::Arc;

/// Samples that become one: 8 kHz are enough to know a voice again.
const DECIMATION: usize = 6;
/// Weights of the low-pass before it: a triangle over two of the new samples.
const LOW_PASS: [f32; 11] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
/// Samples of the microphone that are compared: 512 ms, and the longest delay that is found.
const NEAR: usize = 4_096;
/// Samples of the speaker they are compared with.
const FAR: usize = 2 * NEAR;
/// Frequencies that count, in bins of the transform: 200 to 3,400 Hz.
const BAND: std::ops::RangeInclusive<usize> = FAR * 200 / 8_000..=FAR * 3_400 / 8_000;
/// New samples over which the microphone's are faded in and out: 32 ms.
const FADE: f32 = 256.0;
/// Frames of 10 ms between two looks.
const EVERY: usize = 5;
/// What of the looks before still counts in the next one.
const MEMORY: f32 = 0.9;
/// A mean square under which the speaker is taken to be silent, as the echo canceller does:
/// -50 dB of full scale.
const SILENT: f32 = 1e-5;
/// A peak so many times the correlation's root mean square is an echo, where the next look sees it
/// at the same delay. Over 44 pairs of voices that had nothing to do with each other none stayed
/// over 15 after a quarter of a second and over 12 after half a second; an echo alone reached 21
/// after a quarter of a second in 19 of 20, and one 10 dB under the voice beside it 24 after half
/// a second in half of them.
const PEAK: f32 = 14.0;
/// How far two looks' delays may lie apart: 1 ms.
const SAME_DELAY: usize = 8;
/// Looks at a speaker that plays before an echo is believed.
const FIRST: usize = 5;
/// Looks without an echo until there is none anymore: 3 s of a speaker that plays.
const GONE: usize = 60;

/// Looks for the speaker in the microphone, twenty times a second.
pub(super) struct EchoPresence {
    near: Decimated,
    far: Decimated,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    near_spectrum: Vec<Complex<f32>>,
    far_spectrum: Vec<Complex<f32>>,
    /// Phases of the looks so far.
    phases: Vec<Complex<f32>>,
    frames: usize,
    /// Whether there is an echo.
    present: bool,
    /// Where the last look saw a peak.
    suspect: Option<usize>,
    /// Looks that saw the speaker play.
    looks: usize,
    /// Those of them since an echo was seen.
    without: usize,
}

impl EchoPresence {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(FAR);
        let inverse = planner.plan_fft_inverse(FAR);
        let spectrum = forward.make_output_vec();
        Self {
            near: Decimated::new(NEAR),
            far: Decimated::new(FAR),
            time: vec![0.0; FAR],
            near_spectrum: spectrum.clone(),
            far_spectrum: spectrum.clone(),
            phases: spectrum,
            forward,
            inverse,
            frames: 0,
            present: false,
            suspect: None,
            looks: 0,
            without: 0,
        }
    }

    /// Takes 10 ms that the speaker was given and the 10 ms that the microphone heard meanwhile, and
    /// says whether there is an echo. It takes a quarter of a second to find one and three to
    /// believe that it is gone.
    pub(super) fn hear(&mut self, played: &Frame, heard: &Frame) -> bool {
        self.far.push(played);
        self.near.push(heard);
        self.frames += 1;
        if self.frames.is_multiple_of(EVERY) {
            self.look();
        }
        self.present
    }

    fn look(&mut self) {
        if self.far.mean_square(NEAR) < SILENT {
            return;
        }
        self.looks += 1;
        let peak = self.peak();
        let seen = match (self.suspect, peak) {
            (Some(before), Some(now)) => before.abs_diff(now) <= SAME_DELAY,
            _ => false,
        };
        self.suspect = peak;
        // With less of both voices than this, some syllables look alike.
        if self.looks < FIRST {
            return;
        }
        if seen {
            self.without = 0;
            self.present = true;
            return;
        }
        self.without += 1;
        if self.without >= GONE {
            self.present = false;
        }
    }

    /// The delay at which the speaker is found in the microphone, in samples, if it is.
    fn peak(&mut self) -> Option<usize> {
        self.near.windowed(&mut self.time);
        self.forward
            .process(&mut self.time, &mut self.near_spectrum)
            .ok()?;
        self.far.copy(&mut self.time);
        self.forward
            .process(&mut self.time, &mut self.far_spectrum)
            .ok()?;
        let pairs = self.near_spectrum.iter().zip(&self.far_spectrum);
        for (bin, (phase, (near, far))) in self.phases.iter_mut().zip(pairs).enumerate() {
            let cross = near * far.conj();
            let length = cross.norm();
            *phase *= MEMORY;
            if BAND.contains(&bin) && length > f32::MIN_POSITIVE {
                *phase += cross / length;
            }
        }
        // Spent by the transform, which the next look does not mind.
        self.far_spectrum.copy_from_slice(&self.phases);
        self.inverse
            .process(&mut self.far_spectrum, &mut self.time)
            .ok()?;
        let square = self.time.iter().map(|v| v * v).sum::<f32>() / FAR as f32;
        let (delay, height) = self
            .time
            .iter()
            .take(NEAR)
            .map(|v| v.abs())
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        (height > PEAK * square.sqrt() && square > 0.0).then_some(delay)
    }
}

/// The newest samples of a stream at 8 kHz.
struct Decimated {
    newest: Vec<f32>,
    /// What the low-pass still needs of the stream.
    rest: Vec<f32>,
}

impl Decimated {
    fn new(samples: usize) -> Self {
        Self {
            newest: vec![0.0; samples],
            rest: Vec::with_capacity(2 * super::FRAME),
        }
    }

    fn push(&mut self, frame: &Frame) {
        self.rest.extend_from_slice(frame);
        let ready = self.rest.windows(LOW_PASS.len()).step_by(DECIMATION).len();
        self.newest.drain(..ready.min(self.newest.len()));
        let total: f32 = LOW_PASS.iter().sum();
        self.newest.extend(
            self.rest
                .windows(LOW_PASS.len())
                .step_by(DECIMATION)
                .map(|window| {
                    let sum: f32 = window.iter().zip(LOW_PASS).map(|(s, w)| s * w).sum();
                    sum / total
                }),
        );
        self.rest.drain(..ready * DECIMATION);
    }

    /// Of the newest samples.
    fn mean_square(&self, samples: usize) -> f32 {
        let newest = self.newest.iter().rev().take(samples);
        newest.map(|s| s * s).sum::<f32>() / samples as f32
    }

    fn copy(&self, to: &mut [f32]) {
        to.copy_from_slice(&self.newest);
    }

    /// Puts them at the end, faded in and out, and silence before.
    fn windowed(&self, to: &mut [f32]) {
        to.fill(0.0);
        let length = self.newest.len();
        for (at, (to, sample)) in to
            .iter_mut()
            .rev()
            .zip(self.newest.iter().rev())
            .enumerate()
        {
            let edge = at.min(length.saturating_sub(at + 1)) as f32;
            let turn = std::f32::consts::PI * (edge / FADE).min(1.0);
            *to = sample * (0.5 - 0.5 * turn.cos());
        }
    }
}
