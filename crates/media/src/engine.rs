//! The door of this crate: makes calls' media as the core asks for it.

use crate::{
    audio::{input::AudioInput, output::AudioOutput},
    call::Call,
    transport::Certificate,
    video::{input::VideoInput, picture::Picture},
};
use im_call::media::{COMMANDS, MediaCall, MediaEngine, MediaError, MediaSetup};
use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError, mpsc::SyncSender},
};
use tokio::{runtime::Handle, sync::mpsc};

/// Events that may wait.
const EVENTS: usize = 256;

/// What an engine hears, plays, sees and shows, and where packets go.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// What is sent as sound.
    pub audio_input: AudioInput,
    /// Where the other side's sound goes.
    pub audio_output: AudioOutput,
    /// What is sent as picture.
    pub video_input: VideoInput,
    /// Whether pictures are offered to a page ([`im_call::media::MediaEvent::Pictures`]).
    pub page: bool,
    /// Who gets the other side's pictures decoded. What does not fit into the channel is lost.
    pub viewer: Option<SyncSender<Picture>>,
    /// Local addresses to use, as for [`TransportConfig::bind`](crate::transport::TransportConfig).
    pub bind: Option<Vec<SocketAddr>>,
}

impl EngineConfig {
    /// Default microphone, speaker and camera, pictures to a page, every interface.
    pub fn devices() -> Self {
        Self {
            audio_input: AudioInput::Microphone(None),
            audio_output: AudioOutput::Speaker(None),
            #[cfg(feature = "camera")]
            video_input: VideoInput::Camera {
                index: 0,
                width: 640,
                height: 360,
            },
            #[cfg(not(feature = "camera"))]
            video_input: VideoInput::None,
            page: true,
            viewer: None,
            bind: None,
        }
    }

    /// No devices at all: silence, no picture, no page. For robots and tests to build on.
    pub fn headless() -> Self {
        Self {
            audio_input: AudioInput::Silence,
            audio_output: AudioOutput::Nowhere,
            video_input: VideoInput::None,
            page: false,
            viewer: None,
            bind: None,
        }
    }
}

/// Makes calls' media with real devices and packets.
#[derive(Debug)]
pub struct Engine {
    config: Mutex<EngineConfig>,
}

impl Engine {
    /// An engine; nothing is opened before a call.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            config: Mutex::new(config),
        }
    }

    /// What the next call is made with, such as another microphone.
    pub fn configure(&self, change: impl FnOnce(&mut EngineConfig)) {
        change(&mut self.config.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl MediaEngine for Engine {
    fn open(&self, setup: MediaSetup) -> Result<MediaCall, MediaError> {
        let runtime =
            Handle::try_current().map_err(|_| MediaError("it needs a tokio runtime".to_owned()))?;
        let config = self
            .config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let certificate = Certificate::generate().map_err(|error| MediaError(error.to_string()))?;
        let (command_sender, commands) = mpsc::channel(COMMANDS);
        let (events, event_receiver) = mpsc::channel(EVENTS);
        let call = Call::new(setup, config, certificate, commands, events)
            .map_err(|error| MediaError(error.to_string()))?;
        runtime.spawn(call.run());
        Ok(MediaCall {
            commands: command_sender,
            events: event_receiver,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_call::media::{IceCandidate, MediaCommand};
    use im_protocol::{CallId, call::MediaKinds};

    #[tokio::test]
    async fn an_offer_and_seventy_candidates_that_came_while_it_opened_are_taken_at_once() {
        let setup = MediaSetup {
            call: CallId::new(),
            send: MediaKinds::AUDIO,
            ice_servers: Vec::new(),
        };
        let call = Engine::new(EngineConfig::headless()).open(setup).unwrap();
        let offer = MediaCommand::RemoteOffer {
            generation: 1,
            sdp: String::new(),
        };
        let candidates = (0..70).map(|port| MediaCommand::RemoteCandidate {
            generation: 1,
            candidate: IceCandidate {
                candidate: format!("candidate:1 1 udp 1 192.0.2.1 {} typ host", 5_000 + port),
                sdp_mid: None,
                sdp_m_line_index: Some(0),
            },
        });
        for command in std::iter::once(offer).chain(candidates) {
            call.commands.try_send(command).unwrap();
        }
    }
}
