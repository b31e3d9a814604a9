//! Sound and picture of a call, native: devices, codecs, the peer connection and the buffers that
//! even out the network.
//!
//! # How to use it
//! [`Engine`] implements [`im_call::media::MediaEngine`]: the core opens a call's media with it,
//! gives commands and takes events. [`EngineConfig`] says what is heard, played, seen and shown:
//! [`EngineConfig::devices`] for the app, [`EngineConfig::headless`] as a robot's beginning, with
//! [`AudioInput::File`](audio::input::AudioInput::File) to speak,
//! [`AudioOutput::File`](audio::output::AudioOutput::File) to record,
//! [`VideoInput::Pattern`](video::input::VideoInput::Pattern) to show and a
//! [`viewer`](EngineConfig::viewer) with [`video::barcode::read`] to see.
//!
//! # What runs
//! - One task per call owns the connection, the negotiation and the watchdog (`call`).
//! - Threads: sound out, sound in, picture out, picture in, and one that takes pictures. Dropping
//!   the call's two ends stops them.
//! - The devices' callbacks only move samples through lock-free rings.
//! - The page fetches pictures over a loopback WebSocket (`page`, `docs/media-socket.md`).
//!
//! What decides is without input or output and tested in virtual time:
//! [`audio::jitter::JitterBuffer`], [`video::receive_buffer::ReceiveBuffer`], and what is asked for
//! and sent again in [`transport`].

pub mod audio;
mod call;
mod engine;
mod log;
mod notice;
mod pace;
mod page;
pub mod rtp;
pub mod transport;
pub mod video;

pub use engine::{Engine, EngineConfig};
pub use log::LOG_RULES;
