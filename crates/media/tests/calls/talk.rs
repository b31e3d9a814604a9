//! Maya the mentor and Sam the student in one program, over real sockets: they hear and see each
//! other.

use crate::duet::{Badness, Duet, Side, WAIT};
use im_call::media::{DeviceNotice, MediaCommand, MediaEvent};
use im_media::{
    EngineConfig,
    audio::{FRAME, Frame, input::AudioInput, output::AudioOutput, wav::Recording},
    video::{barcode, input::VideoInput},
};
use im_protocol::call::MediaKinds;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    path::Path,
    sync::mpsc,
    time::{Duration, Instant},
};

/// Something like speech: noise in syllables of changing length and loudness. Other seeds give
/// other sentences.
fn speech(seed: u64, frames: usize) -> Vec<Frame> {
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut left, mut loudness, mut smooth) = (0, 0.0f32, 0.0f32);
    (0..frames)
        .map(|_| {
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
            std::array::from_fn(|_| {
                smooth += (random.random_range(-1.0..1.0f32) - smooth) * 0.3;
                smooth * loudness
            })
        })
        .collect()
}

fn save(path: &Path, sound: &[Frame]) {
    let mut recording = Recording::create(path).unwrap();
    sound
        .iter()
        .for_each(|frame| recording.write(frame).unwrap());
}

fn envelope(sound: &[Frame]) -> Vec<f32> {
    sound
        .iter()
        .map(|frame| (frame.iter().map(|s| s * s).sum::<f32>() / FRAME as f32).sqrt())
        .collect()
}

/// The best normalised correlation of `heard` with any equally long piece of `spoken`, which
/// repeats.
fn match_of(heard: &[f32], spoken: &[f32]) -> f32 {
    let centred = |of: &[f32]| -> Vec<f32> {
        let mean = of.iter().sum::<f32>() / of.len() as f32;
        of.iter().map(|value| value - mean).collect()
    };
    let heard = centred(heard);
    let power = heard.iter().map(|h| h * h).sum::<f32>();
    (0..spoken.len())
        .map(|shift| {
            let piece: Vec<f32> = (0..heard.len())
                .map(|i| spoken[(shift + i) % spoken.len()])
                .collect();
            let piece = centred(&piece);
            let product: f32 = heard.iter().zip(&piece).map(|(h, p)| h * p).sum();
            product / (power * piece.iter().map(|p| p * p).sum::<f32>()).sqrt()
        })
        .fold(0.0, f32::max)
}

#[tokio::test(flavor = "multi_thread")]
async fn maya_and_sam_hear_and_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let sentences = [speech(1, 700), speech(2, 700)];
    let mut ears = Vec::new();
    let mut eyes = Vec::new();
    let configs: Vec<EngineConfig> = sentences
        .iter()
        .enumerate()
        .map(|(number, sentence)| {
            let path = folder.path().join(format!("{number}.wav"));
            save(&path, sentence);
            let (listener, ear) = mpsc::sync_channel(4_000);
            let (viewer, eye) = mpsc::sync_channel(1_000);
            ears.push(ear);
            eyes.push(eye);
            EngineConfig {
                audio_input: AudioInput::File { path, again: true },
                audio_output: AudioOutput::Listener(listener),
                video_input: VideoInput::Pattern {
                    width: 640,
                    height: 360,
                    frames_per_second: 30,
                },
                viewer: Some(viewer),
                ..EngineConfig::headless()
            }
        })
        .collect();
    let [maya, sam] = <[EngineConfig; 2]>::try_from(configs).unwrap();
    let began = Instant::now();
    let mut duet = Duet::open(maya, sam, MediaKinds::VIDEO);
    duet.connect().await;
    for side in [Side::Maya, Side::Sam] {
        duet.wait_for(side, |event| matches!(event, MediaEvent::FirstSound))
            .await;
        duet.wait_for(side, |event| {
            *event
                == MediaEvent::Picture {
                    width: 640,
                    height: 360,
                }
        })
        .await;
    }
    assert!(began.elapsed() < WAIT);
    // Five seconds of statistics are five seconds of call.
    for _ in 0..5 {
        duet.wait_for(Side::Maya, |event| matches!(event, MediaEvent::Stats(_)))
            .await;
    }
    for (side, other) in [(0, 1), (1, 0)] {
        let heard: Vec<Frame> = ears[side].try_iter().collect();
        let heard = envelope(&heard[heard.len() - 400..]);
        let same = match_of(&heard, &envelope(&sentences[other]));
        let different = match_of(&heard, &envelope(&sentences[side]));
        // Any two sentences have pauses that fit here and there: how well depends on which of their
        // seconds were heard.
        assert!(
            same > 0.9 && different < same - 0.3,
            "match {same}, other {different}"
        );
        let numbers: Vec<u32> = eyes[side]
            .try_iter()
            .map(|picture| {
                let read = barcode::read(
                    picture.planes().y,
                    picture.width,
                    picture.height,
                    picture.width,
                );
                read.expect("every picture carries a number")
            })
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(numbers.len() > 100, "{} pictures in 5 s", numbers.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_is_muted_and_turns_his_camera_on_later() {
    let (listener, ear) = mpsc::sync_channel(4_000);
    let maya = EngineConfig {
        audio_output: AudioOutput::Listener(listener),
        ..EngineConfig::headless()
    };
    let sam = EngineConfig {
        audio_input: AudioInput::Tone { hertz: 440.0 },
        video_input: VideoInput::Pattern {
            width: 320,
            height: 180,
            frames_per_second: 15,
        },
        ..EngineConfig::headless()
    };
    let mut duet = Duet::open(maya, sam, MediaKinds::AUDIO);
    duet.tell(Side::Sam, MediaCommand::Microphone(false)).await;
    duet.connect().await;
    duet.wait_for(Side::Maya, |event| matches!(event, MediaEvent::FirstSound))
        .await;
    let loudest = |frames: Vec<Frame>| {
        frames
            .iter()
            .flatten()
            .fold(0.0f32, |loudest, sample| loudest.max(sample.abs()))
    };
    assert!(loudest(ear.try_iter().collect()) < 0.01, "Sam is muted");
    // He sees that his microphone works all the same.
    duet.wait_for(
        Side::Sam,
        |event| matches!(event, MediaEvent::Levels(levels) if levels.microphone > 0.1),
    )
    .await;
    duet.tell(Side::Sam, MediaCommand::Microphone(true)).await;
    duet.tell(Side::Sam, MediaCommand::Camera(true)).await;
    duet.wait_for(
        Side::Maya,
        |event| matches!(event, MediaEvent::Levels(levels) if levels.remote > 0.1),
    )
    .await;
    let picture = MediaEvent::Picture {
        width: 320,
        height: 180,
    };
    duet.wait_for(Side::Maya, |event| *event == picture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_camera_the_call_goes_on_and_sam_is_told() {
    let mut duet = Duet::open(
        EngineConfig::headless(),
        EngineConfig::headless(),
        MediaKinds::VIDEO,
    );
    let notice = MediaEvent::Notice(DeviceNotice::NoCamera);
    duet.wait_for(Side::Sam, |event| *event == notice).await;
    duet.connect().await;
    duet.wait_for(Side::Sam, |event| matches!(event, MediaEvent::FirstSound))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_ice_restart_and_after_a_rebuild_they_still_see_each_other() {
    let pattern = || EngineConfig {
        video_input: VideoInput::Pattern {
            width: 320,
            height: 180,
            frames_per_second: 30,
        },
        ..EngineConfig::headless()
    };
    let network = |seed| Badness {
        loss: 0.0,
        delay: Duration::from_millis(1),
        seed,
    };
    let duet = Duet::open(pattern(), pattern(), MediaKinds::VIDEO);
    let mut duet = duet.over(network(1)).await;
    duet.connect().await;
    duet.wait_for_more_pictures().await;
    // The old way is cut: from here on pictures come over a new one or not at all.
    let mut duet = duet.over(network(2)).await;
    duet.offer(2, true, false).await;
    duet.wait_for_more_pictures().await;
    for side in [Side::Maya, Side::Sam] {
        let names: Vec<&str> = [1, 2]
            .iter()
            .filter_map(|generation| duet.ice_name(side, *generation))
            .collect();
        assert!(
            matches!(names[..], [before, after] if before != after),
            "{side:?}: {names:?}"
        );
    }
    duet.offer(3, false, true).await;
    duet.connected_again().await;
    duet.wait_for_more_pictures().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_description_fails_and_a_stale_one_is_left_alone() {
    let mut duet = Duet::open(
        EngineConfig::headless(),
        EngineConfig::headless(),
        MediaKinds::AUDIO,
    )
    .that_may_fail();
    let garbage = || "v=0\r\nthis is no description\r\n".to_owned();
    duet.tell(
        Side::Sam,
        MediaCommand::RemoteOffer {
            generation: 1,
            sdp: garbage(),
        },
    )
    .await;
    duet.wait_for(Side::Sam, |event| {
        matches!(event, MediaEvent::Failed { generation: 1, .. })
    })
    .await;
    duet.tell(
        Side::Sam,
        MediaCommand::RemoteOffer {
            generation: 0,
            sdp: garbage(),
        },
    )
    .await;
    duet.offer(2, false, false).await;
    duet.connected_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_network_that_loses_one_in_twenty_the_call_does_not_collapse() {
    let party = || EngineConfig {
        audio_input: AudioInput::Tone { hertz: 300.0 },
        video_input: VideoInput::Pattern {
            width: 640,
            height: 360,
            frames_per_second: 30,
        },
        ..EngineConfig::headless()
    };
    let badness = Badness {
        loss: 0.05,
        delay: Duration::from_millis(20),
        seed: 11,
    };
    let duet = Duet::open(party(), party(), MediaKinds::VIDEO);
    let mut duet = duet.over(badness).await;
    duet.connect().await;
    // Statistics come once a second: let the first three pass, then count five seconds.
    let mut counted = Vec::new();
    for _ in 0..8 {
        let event = duet
            .wait_for(Side::Maya, |event| matches!(event, MediaEvent::Stats(_)))
            .await;
        if let MediaEvent::Stats(stats) = event {
            counted.push(stats);
        }
    }
    let (first, last) = (counted[2], counted[7]);
    let pictures = last.video_frames_in - first.video_frames_in;
    let packets = last.audio_packets_in - first.audio_packets_in;
    let concealed = last.audio_concealed - first.audio_concealed;
    // A collapse, as the stack's own pacing makes one, is seconds of delay and nearly nothing heard; a busy
    // machine makes up a few frames of its own.
    assert!(pictures > 60, "{pictures} pictures in 5 s");
    assert!(last.audio_packets_lost > 0, "nothing was lost");
    assert!(packets > 200, "{packets} sound packets in 5 s");
    assert!(concealed < 75, "{concealed} of 250 frames made up");
}
