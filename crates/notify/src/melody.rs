//! The ringtone itself: three soft bell tones and a pause, made here so that nobody owns it but us.

use std::f32::consts::TAU;

/// Samples a second.
pub(crate) const RATE: u32 = 48_000;
/// One turn of the loop, in milliseconds.
const TURN_MS: u32 = 3_200;
/// When a tone begins, in milliseconds, and its pitch, in hertz: D5, F#5, A5, a friendly triad.
const TONES: [(u32, f32); 4] = [(0, 587.33), (180, 739.99), (360, 880.0), (760, 739.99)];
/// Overtones of a small bell: times the pitch, loudness, decay in 1/s.
const PARTIALS: [(f32, f32, f32); 3] = [(1.0, 1.0, 3.2), (2.0, 0.35, 5.5), (3.01, 0.12, 8.0)];
/// Loud enough to be heard in the next room, quiet enough not to startle.
const PEAK: f32 = 0.32;

/// One turn of the loop: mono, −1.0 to 1.0, at [`RATE`]; begins and ends in silence.
pub(crate) fn turn() -> Vec<f32> {
    let length = samples(TURN_MS);
    let mut out = vec![0.0_f32; length];
    for (start, pitch) in TONES {
        let start = samples(start);
        for (step, sample) in out.iter_mut().skip(start).enumerate() {
            *sample += bell(step, pitch);
        }
    }
    let loudest = out
        .iter()
        .fold(f32::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
    let fade = samples(40);
    for (index, sample) in out.iter_mut().enumerate() {
        let left = length - index;
        let end = if left < fade {
            left as f32 / fade as f32
        } else {
            1.0
        };
        *sample *= PEAK / loudest * end;
    }
    out
}

fn bell(step: usize, pitch: f32) -> f32 {
    let time = step as f32 / RATE as f32;
    let attack = (time / 0.004).min(1.0);
    PARTIALS
        .iter()
        .map(|(times, loud, decay)| {
            loud * (TAU * pitch * times * time).sin() * (-decay * time).exp()
        })
        .sum::<f32>()
        * attack
}

fn samples(milliseconds: u32) -> usize {
    usize::try_from(u64::from(milliseconds) * u64::from(RATE) / 1_000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_loops_without_a_click_and_never_clips() {
        let turn = turn();
        assert_eq!(turn.len(), 153_600);
        assert!(turn.iter().all(|sample| sample.abs() <= PEAK + 1e-6));
        assert!(turn.first().unwrap().abs() < 1e-3 && turn.last().unwrap().abs() < 1e-3);
        let loudest = turn
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((loudest - PEAK).abs() < 0.02, "it is heard");
    }
}
