//! Echo canceller, noise suppression and gain for a microphone (WebRTC's audio processing).

use super::{FRAME, Frame, RATE, SILENCE, presence::EchoPresence};
use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, NoiseSuppression,
        NoiseSuppressionLevel,
    },
};

/// What the gain begins with, in decibels. With the usual 15 a voice of common loudness begins 10 dB
/// too loud and sinks for three seconds.
const FIRST_GAIN: f32 = 5.0;

/// Cleans what a microphone hears, knowing what the speaker plays.
///
/// The echo canceller takes whatever comes while the speaker plays for an echo until it knows
/// better, which takes seconds: somebody with headphones who talks at once would come through in
/// pieces. So it is only there while the speaker is really heard, and comes anew each time, knowing
/// nothing of a room that may be another one. The price is the first quarter of a second or so of
/// an echo, and a canceller that has to learn it then; one that is there all along has learned it
/// by that time, and may well take more of it out.
pub(crate) struct Cleaner {
    presence: EchoPresence,
    canceller: Option<AudioProcessing>,
    voice: AudioProcessing,
}

impl Cleaner {
    pub(crate) fn new() -> Self {
        Self {
            presence: EchoPresence::new(),
            canceller: None,
            voice: processing(Config {
                high_pass_filter: Some(HighPassFilter::default()),
                noise_suppression: Some(NoiseSuppression {
                    level: NoiseSuppressionLevel::Moderate,
                    ..Default::default()
                }),
                gain_controller2: Some(GainController2 {
                    adaptive_digital: Some(AdaptiveDigital {
                        initial_gain_db: FIRST_GAIN,
                        ..Default::default()
                    }),
                    ..Default::default()
                }),
                ..Default::default()
            }),
        }
    }

    /// 10 ms from the microphone, cleaned in place, and the 10 ms that the speaker is about to
    /// play.
    pub(crate) fn clean(&mut self, played: &Frame, heard: &mut Frame) {
        let present = self.presence.hear(played, heard);
        let raw = *heard;
        match &mut self.canceller {
            Some(canceller) => {
                cancel(canceller, played, heard);
                if !present {
                    tracing::debug!("the speaker is not heard anymore");
                    self.canceller = None;
                    fade(heard, &raw);
                }
            }
            None if present => {
                tracing::debug!("the speaker is heard");
                let mut canceller = processing(Config {
                    echo_canceller: Some(EchoCanceller::default()),
                    ..Default::default()
                });
                let mut cancelled = raw;
                cancel(&mut canceller, played, &mut cancelled);
                self.canceller = Some(canceller);
                fade(heard, &cancelled);
            }
            None => {}
        }
        capture(&mut self.voice, heard);
    }
}

fn processing(config: Config) -> AudioProcessing {
    let mono = StreamConfig::new(RATE, 1);
    AudioProcessing::builder()
        .config(config)
        .capture_config(mono)
        .render_config(mono)
        .build()
}

fn cancel(canceller: &mut AudioProcessing, played: &Frame, heard: &mut Frame) {
    let mut unused = SILENCE;
    if canceller
        .process_render_f32(&[played], &mut [&mut unused])
        .is_err()
    {
        tracing::debug!("the echo canceller refused a frame that was played");
    }
    capture(canceller, heard);
}

fn capture(processing: &mut AudioProcessing, heard: &mut Frame) {
    let mut clean = SILENCE;
    match processing.process_capture_f32(&[heard], &mut [&mut clean]) {
        Ok(()) => *heard = clean,
        Err(_) => tracing::debug!("a frame that was heard was refused"),
    }
}

/// From one to the other within the frame.
fn fade(from: &mut Frame, to: &Frame) {
    for (at, (from, to)) in from.iter_mut().zip(to).enumerate() {
        let share = at as f32 / FRAME as f32;
        *from += (to - *from) * share;
    }
}

#[cfg(test)]
mod tests;
