//! The rules of a call, without input or output, written once for the server and the devices;
//! and the trait of the media behind it, with a simulated twin for tests.
//!
//! - [`rules`]: what the server decides: one row per call, one step per input.
//! - [`device`]: what one device does for its person: rings, asks, joins, negotiates, recovers.
//! - [`media`]: what a device needs from microphone, camera and network.
//! - [`simulated`]: media without hardware, deterministic, for tests of what stands above it.

#[cfg(test)]
mod chance;
pub mod device;
pub mod media;
pub mod rules;
pub mod simulated;
