//! Sound: devices and files, echo and noise, Opus, and the buffer that evens out the network.
//!
//! Two threads of our own do the work: `send::AudioSend` from the microphone to packets,
//! `receive::AudioReceive` from packets to the speaker. The devices' callbacks only move samples
//! in and out of lock-free rings.

pub mod codec;
pub mod device;
pub mod input;
pub mod jitter;
pub(crate) mod level;
pub mod looped;
pub mod output;
pub(crate) mod presence;
pub(crate) mod process;
pub(crate) mod receive;
pub(crate) mod reopening;
pub(crate) mod resample;
pub(crate) mod send;
pub(crate) mod speaker;
pub(crate) mod stretch;
pub mod wav;

/// Samples a second everywhere inside this crate.
pub const RATE: u32 = 48_000;
/// Samples in 10 ms, one channel.
pub const FRAME: usize = 480;
/// Samples in a packet of 20 ms, one channel.
pub const PACKET: usize = 2 * FRAME;

/// 10 ms of sound, one channel, -1.0..=1.0.
pub type Frame = [f32; FRAME];

/// Nothing to hear.
pub const SILENCE: Frame = [0.0; FRAME];
