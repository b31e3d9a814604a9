//! Playing a little faster or slower without a change of pitch.
//!
//! One period of the voice is left out or repeated, faded over (as WSOLA, Verhelst and Roelands
//! 1993, and NetEQ do), and only where the sound repeats itself well enough that it is not heard.

/// Periods to look for, in samples: voices from 100 to 400 Hz.
const SHORTEST: usize = 120;
const LONGEST: usize = 480;
/// Compared samples.
const WINDOW: usize = 480;
/// How alike neighbouring periods must be.
const ALIKE: f32 = 0.85;
/// Mean square below which nobody hears what is done: about -46 dB.
const QUIET: f32 = 2.5e-5;

/// Leaves one period out of `pcm`. Returns how many samples that were; zero where it would be heard.
pub(crate) fn faster(pcm: &mut Vec<f32>) -> usize {
    let Some(period) = period(pcm) else { return 0 };
    for i in 0..period {
        let weight = i as f32 / period as f32;
        let (Some(first), Some(second)) = (pcm.get(i).copied(), pcm.get(i + period).copied())
        else {
            return 0;
        };
        if let Some(sample) = pcm.get_mut(i + period) {
            *sample = first * (1.0 - weight) + second * weight;
        }
    }
    pcm.drain(..period);
    period
}

/// Repeats one period of `pcm`. Returns how many samples that were; zero where it would be heard.
pub(crate) fn slower(pcm: &mut Vec<f32>) -> usize {
    let Some(period) = period(pcm) else { return 0 };
    let (Some(first), Some(second)) = (pcm.get(..period), pcm.get(period..2 * period)) else {
        return 0;
    };
    let faded = second.iter().zip(first).enumerate().map(|(i, (old, new))| {
        let weight = i as f32 / period as f32;
        old * (1.0 - weight) + new * weight
    });
    let mut longer = Vec::with_capacity(pcm.len() + period);
    longer.extend_from_slice(first);
    longer.extend(faded);
    longer.extend(pcm.iter().skip(period));
    *pcm = longer;
    period
}

/// The period at which `pcm` repeats itself best, if it does.
fn period(pcm: &[f32]) -> Option<usize> {
    let window = pcm.get(..WINDOW)?;
    pcm.get(..WINDOW + LONGEST)?;
    let power = dot(window, window);
    if power / (WINDOW as f32) < QUIET {
        return Some(LONGEST);
    }
    let alike = |lag: usize| {
        let other = pcm.get(lag..lag + WINDOW).unwrap_or_default();
        dot(window, other) / (power * dot(other, other)).sqrt().max(f32::MIN_POSITIVE)
    };
    let best = |lags: &mut dyn Iterator<Item = usize>| {
        lags.map(|lag| (lag, alike(lag)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (coarse, _) = best(&mut (SHORTEST..=LONGEST).step_by(4))?;
    let (lag, alike) = best(&mut (coarse.saturating_sub(3)..=(coarse + 3).min(LONGEST)))?;
    (alike > ALIKE).then_some(lag)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::PACKET;

    fn voice(hz: f32) -> Vec<f32> {
        (0..PACKET)
            .map(|i| {
                let phase = i as f32 * hz / 48_000.0 * std::f32::consts::TAU;
                0.3 * phase.sin() + 0.1 * (2.0 * phase).sin()
            })
            .collect()
    }

    fn largest_step(pcm: &[f32]) -> f32 {
        pcm.windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_voice_is_shortened_and_lengthened_by_whole_periods_without_a_click() {
        let plain = voice(200.0);
        let mut short = plain.clone();
        let left_out = faster(&mut short);
        assert!(
            (238..=242).contains(&left_out) || left_out == 480,
            "{left_out}"
        );
        assert_eq!(short.len(), PACKET - left_out);
        let mut long = plain.clone();
        let repeated = slower(&mut long);
        assert_eq!(long.len(), PACKET + repeated);
        assert!(repeated > 0);
        let step = largest_step(&plain) * 1.2;
        assert!(largest_step(&short) < step && largest_step(&long) < step);
    }

    #[test]
    fn a_click_is_left_alone() {
        let mut pcm = vec![0.0; PACKET];
        pcm[40] = 0.9;
        assert_eq!(faster(&mut pcm), 0);
    }

    #[test]
    fn silence_may_be_cut() {
        let mut pcm = vec![0.0; PACKET];
        assert_eq!(faster(&mut pcm), LONGEST);
    }
}
