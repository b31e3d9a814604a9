//! Maya and Sam in virtual time: what each says, what the room makes of it, what is left.

use super::*;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::f32::consts::{PI, TAU};

/// Frames in a second.
const SECOND: usize = 100;

/// Something like speech, at -22 dB of full scale: syllables of a buzz or a hiss through three
/// formants, and pauses.
fn speech(seed: u64, seconds: usize, pitch: f32) -> Vec<f32> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut around = move |centre: f32, by: f32| centre + by * random.random_range(-1.0..1.0f32);
    let rate = RATE as f32;
    let length = seconds * SECOND * FRAME;
    let (mut voice, mut states, mut turn) = (Vec::with_capacity(length), [[0.0f32; 2]; 3], 0.0);
    while voice.len() < length {
        let syllable = (around(0.2, 0.08) * rate) as usize;
        let long = around(0.0, 1.0) > 0.7;
        let pause = ((around(0.07, 0.05) + if long { 0.25 } else { 0.0 }) * rate) as usize;
        let formants = [
            around(500.0, 250.0),
            around(1500.0, 500.0),
            around(2600.0, 400.0),
        ];
        let (voiced, pitch) = (around(0.0, 1.0) > -0.5, pitch * around(1.0, 0.15));
        let loud = around(0.6, 0.4);
        for at in 0..syllable + pause {
            turn += pitch / rate;
            let pulse = if turn >= 1.0 { 1.0 } else { 0.0 };
            turn -= pulse;
            let hiss = around(0.0, 1.0);
            let source = if voiced {
                6.0 * pulse + 0.05 * hiss
            } else {
                0.4 * hiss
            };
            let mut sound = 0.0;
            for (k, state) in states.iter_mut().enumerate() {
                let width = (-PI * (80.0 + 40.0 * k as f32) / rate).exp();
                let turned = 2.0 * width * (TAU * formants[k] / rate).cos();
                let new = source + turned * state[0] - width * width * state[1];
                *state = [new, state[0]];
                sound += (1.0 - width) * new / (1.0 + k as f32);
            }
            let shape = if at < syllable {
                (PI * at as f32 / syllable as f32).sin()
            } else {
                0.0
            };
            voice.push(sound * shape * loud);
        }
    }
    voice.truncate(length);
    let loudness = (power(&voice)).sqrt();
    voice
        .iter()
        .map(|s| (s * 0.08 / loudness).clamp(-1.0, 1.0))
        .collect()
}

/// What a speaker's sound becomes on its way to the microphone: 80 ms later, dull, with
/// reflections that fade over 50 ms.
fn room(played: &[f32], gain: f32) -> Vec<f32> {
    let mut random = SmallRng::seed_from_u64(99);
    let taps: Vec<(usize, f32)> = std::iter::once((3_840, 1.0))
        .chain((1..60usize).map(|i| {
            let fading = 0.5 * (-(i as f32) / 15.0).exp();
            (3_840 + 40 * i, fading * random.random_range(-1.0..1.0f32))
        }))
        .collect();
    let mut dull = 0.0;
    (0..played.len())
        .map(|now| {
            let sum: f32 = taps
                .iter()
                .filter(|(delay, _)| now >= *delay)
                .map(|(delay, share)| played[now - delay] * share)
                .sum();
            dull += 0.5 * (sum - dull);
            dull * gain
        })
        .collect()
}

/// The hiss that every microphone has, at -65 dB.
fn hiss(length: usize) -> Vec<f32> {
    let mut random = SmallRng::seed_from_u64(5);
    (0..length)
        .map(|_| random.random_range(-0.001..0.001))
        .collect()
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn cleaned(heard: &[f32], played: &[f32]) -> Vec<f32> {
    let mut cleaner = Cleaner::new();
    let mut out = Vec::with_capacity(heard.len());
    for (heard, played) in heard.chunks_exact(FRAME).zip(played.chunks_exact(FRAME)) {
        let (mut heard, played): (Frame, Frame) =
            (heard.try_into().unwrap(), played.try_into().unwrap());
        cleaner.clean(&played, &mut heard);
        out.extend_from_slice(&heard);
    }
    out
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32
}

/// The part from one second to another.
fn part(sound: &[f32], from: f32, to: f32) -> &[f32] {
    let at = |second: f32| (second * RATE as f32) as usize;
    &sound[at(from)..at(to)]
}

fn decibels(a: f32, b: f32) -> f32 {
    10.0 * (a / b.max(1e-12)).log10()
}

/// How far down the echo is.
fn suppressed(heard: &[f32], cleaned: &[f32], from: f32, to: f32) -> f32 {
    decibels(power(part(heard, from, to)), power(part(cleaned, from, to)))
}

/// How well the loudness of what arrives follows what was said, in steps of 10 ms; the delay of the
/// processing does not count.
fn likeness(said: &[f32], arrived: &[f32], from: f32, to: f32) -> f32 {
    let loudness = |sound: &[f32]| -> Vec<f32> {
        sound.chunks_exact(FRAME).map(|c| power(c).sqrt()).collect()
    };
    let said = loudness(part(said, from, to));
    let arrived = loudness(part(arrived, from, to));
    (0..6)
        .map(|late| correlation(&said[..said.len() - late], &arrived[late..]))
        .fold(-1.0, f32::max)
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab / (aa * bb).sqrt().max(1e-12)
}

/// Voices of Maya and of Sam.
fn pairs() -> [(Vec<f32>, Vec<f32>); 4] {
    [(1, 2), (5, 9), (15, 29), (31, 32)].map(|(maya, sam)| {
        let (low, high) = (110.0 + maya as f32, 180.0 + sam as f32);
        (speech(maya, 10, low), speech(sam, 10, high))
    })
}

#[test]
fn with_headphones_maya_comes_through_from_the_first_word_though_sam_talks_too() {
    for (maya, sam) in pairs() {
        let sent = cleaned(&add(&maya, &hiss(maya.len())), &sam);
        let whole = likeness(&maya, &sent, 0.0, 3.0);
        assert!(whole >= 0.85, "{whole} in the first three seconds");
        for second in 1..10 {
            let from = second as f32;
            let one = likeness(&maya, &sent, from, from + 1.0);
            assert!(one >= 0.9, "{one} in second {second}");
        }
    }
}

#[test]
fn sam_does_not_hear_himself_from_mayas_speaker() {
    let mut early = Vec::new();
    for (_, sam) in pairs() {
        for gain in [0.3, 1.0] {
            let heard = add(&room(&sam, gain), &hiss(sam.len()));
            let sent = cleaned(&heard, &sam);
            let soon = suppressed(&heard, &sent, 0.6, 2.0);
            assert!(soon >= 0.0, "{soon} dB at first, gain {gain}");
            early.push(soon);
            let later = suppressed(&heard, &sent, 2.0, 10.0);
            assert!(later >= 20.0, "{later} dB after two seconds, gain {gain}");
        }
    }
    let early = early.iter().sum::<f32>() / early.len() as f32;
    assert!(early >= 20.0, "{early} dB at first on average");
}

#[test]
fn maya_comes_through_beside_the_echo() {
    for (maya, sam) in pairs() {
        let heard = add(&add(&maya, &room(&sam, 0.3)), &hiss(maya.len()));
        let sent = cleaned(&heard, &sam);
        let like = likeness(&maya, &sent, 3.0, 10.0);
        assert!(like >= 0.75, "{like}");
    }
}

#[test]
fn when_maya_pulls_the_headphones_out_the_echo_goes_away_soon() {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for (_, sam) in pairs() {
        let speaker = room(&sam, 0.5);
        let mut heard = hiss(sam.len());
        let pulled = 5 * SECOND * FRAME;
        for (heard, echo) in heard.iter_mut().zip(&speaker).skip(pulled) {
            *heard += echo;
        }
        let sent = cleaned(&heard, &sam);
        early.push(suppressed(&heard, &sent, 6.0, 7.0));
        let later = suppressed(&heard, &sent, 7.0, 10.0);
        assert!(later >= 10.0, "{later} dB after two seconds");
        late.push(later);
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (early, late) = (mean(&early), mean(&late));
    assert!(early >= 15.0, "{early} dB in the second second on average");
    assert!(late >= 30.0, "{late} dB after two seconds on average");
}

#[test]
fn when_maya_puts_headphones_on_she_comes_through_whole_again() {
    for (maya, sam) in pairs() {
        let twice = |voice: &[f32]| [voice, voice].concat();
        let (maya, sam) = (twice(&maya), twice(&sam));
        let mut heard = add(&maya, &hiss(maya.len()));
        let on = 5 * SECOND * FRAME;
        for (heard, echo) in heard.iter_mut().zip(room(&sam, 0.5)).take(on) {
            *heard += echo;
        }
        let sent = cleaned(&heard, &sam);
        let like = likeness(&maya, &sent, 10.0, 20.0);
        assert!(like >= 0.9, "{like}");
    }
}
