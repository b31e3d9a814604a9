//! Tries this machine's microphone and speaker: calls itself, plays a file to the speaker on one
//! end and records on the other what the microphone hears.
//!
//! `cargo run -p im-media --example device -- said.wav heard.wav [seconds]`

use anyhow::Context;
use im_call::media::{MediaCall, MediaCommand, MediaEngine, MediaEvent, MediaSetup};
use im_media::{
    Engine, EngineConfig,
    audio::{device, input::AudioInput, output::AudioOutput},
    video::input::VideoInput,
};
use im_protocol::{CallId, call::MediaKinds};
use std::{io::Write, path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

fn open(config: EngineConfig) -> anyhow::Result<MediaCall> {
    let setup = MediaSetup {
        call: CallId::new(),
        send: MediaKinds::AUDIO,
        ice_servers: Vec::new(),
    };
    Ok(Engine::new(config).open(setup)?)
}

/// Carries signalling and shows the rest.
async fn carry(name: &str, event: MediaEvent, to: &MediaCall) -> anyhow::Result<()> {
    let command = match event {
        MediaEvent::LocalOffer { generation, sdp } => MediaCommand::RemoteOffer { generation, sdp },
        MediaEvent::LocalAnswer { generation, sdp } => {
            MediaCommand::RemoteAnswer { generation, sdp }
        }
        MediaEvent::LocalCandidate {
            generation,
            candidate,
        } => MediaCommand::RemoteCandidate {
            generation,
            candidate,
        },
        MediaEvent::Levels(_) => return Ok(()),
        event => return Ok(writeln!(std::io::stdout(), "{name}: {event:?}")?),
    };
    Ok(to.commands.send(command).await?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .init();
    let mut words = std::env::args().skip(1);
    let said: PathBuf = words.next().context("which file shall be said?")?.into();
    let heard: PathBuf = words.next().context("where shall be recorded?")?.into();
    let seconds: u64 = words.next().map_or(Ok(10), |word| word.parse())?;
    let mut out = std::io::stdout();
    writeln!(out, "microphones: {:#?}", device::microphones())?;
    writeln!(out, "speakers: {:#?}", device::speakers())?;
    let mut room = open(EngineConfig {
        video_input: VideoInput::None,
        page: false,
        ..EngineConfig::devices()
    })?;
    let mut afar = open(EngineConfig {
        audio_input: AudioInput::File {
            path: said,
            again: true,
        },
        audio_output: AudioOutput::File(heard),
        ..EngineConfig::headless()
    })?;
    let offer = MediaCommand::Offer {
        generation: 1,
        restart: false,
        rebuild: false,
    };
    room.commands.send(offer).await?;
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        tokio::select! {
            Some(event) = room.events.recv() => carry("room", event, &afar).await?,
            Some(event) = afar.events.recv() => carry("afar", event, &room).await?,
            () = sleep_until(end) => break,
            else => break,
        }
    }
    // The recording is whole once its thread has ended.
    for mut call in [room, afar] {
        drop(call.commands);
        let ended = async { while call.events.recv().await.is_some() {} };
        timeout(Duration::from_secs(2), ended)
            .await
            .context("the call did not end")?;
    }
    Ok(())
}
