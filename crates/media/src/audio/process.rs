//! Echo canceller, noise suppression and gain for a microphone (WebRTC's audio processing).

use super::{Frame, RATE, SILENCE};
use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, NoiseSuppression,
        NoiseSuppressionLevel,
    },
};

/// Cleans what a microphone hears, knowing what the speaker plays.
pub(crate) struct Cleaner {
    inner: AudioProcessing,
}

impl Cleaner {
    pub(crate) fn new() -> Self {
        let config = Config {
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: Some(EchoCanceller::default()),
            noise_suppression: Some(NoiseSuppression {
                level: NoiseSuppressionLevel::Moderate,
                ..Default::default()
            }),
            gain_controller2: Some(GainController2 {
                adaptive_digital: Some(AdaptiveDigital::default()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mono = StreamConfig::new(RATE, 1);
        let inner = AudioProcessing::builder()
            .config(config)
            .capture_config(mono)
            .render_config(mono)
            .build();
        Self { inner }
    }

    /// 10 ms that the speaker is about to play.
    pub(crate) fn played(&mut self, frame: &Frame) {
        let mut unused = SILENCE;
        if self
            .inner
            .process_render_f32(&[frame], &mut [&mut unused])
            .is_err()
        {
            tracing::debug!("the echo canceller refused a frame that was played");
        }
    }

    /// Cleans 10 ms from the microphone.
    pub(crate) fn heard(&mut self, frame: &mut Frame) {
        let mut clean = SILENCE;
        match self.inner.process_capture_f32(&[frame], &mut [&mut clean]) {
            Ok(()) => *frame = clean,
            Err(_) => tracing::debug!("the echo canceller refused a frame that was heard"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    fn energy(frame: &Frame) -> f32 {
        frame.iter().map(|s| s * s).sum()
    }

    #[test]
    fn the_speakers_echo_is_taken_out_of_the_microphone() {
        let mut random = SmallRng::seed_from_u64(7);
        let mut cleaner = Cleaner::new();
        let (mut heard, mut left) = (0.0, 0.0);
        let mut history = vec![SILENCE; 4];
        for frame in 0..600 {
            // Noise in syllables, since steady noise would fall to noise suppression instead.
            let loud = if (frame / 20) % 2 == 0 { 0.3 } else { 0.02 };
            let played: Frame = std::array::from_fn(|_| loud * random.random_range(-1.0..1.0f32));
            history.push(played);
            cleaner.played(&played);
            // 40 ms through the air and half as loud.
            let mut echo = history.remove(0).map(|s| s * 0.5);
            let before = energy(&echo);
            cleaner.heard(&mut echo);
            if frame > 300 {
                heard += before;
                left += energy(&echo);
            }
        }
        assert!(left < heard / 100.0, "echo {heard}, left {left}");
    }
}
