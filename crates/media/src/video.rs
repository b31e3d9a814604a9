//! Pictures: where they come from, VP8, and the buffer that puts received packets together.
//!
//! A capture thread puts pictures into a slot of one, an encoder thread takes the newest
//! (`send::VideoSend`); a third thread assembles received pictures (`receive::VideoReceive`).

pub mod barcode;
#[cfg(feature = "camera")]
pub(crate) mod camera;
pub mod input;
pub mod pattern;
pub mod payload;
pub mod picture;
pub(crate) mod receive;
pub mod receive_buffer;
pub(crate) mod send;
pub(crate) mod slot;
pub mod vpx;
pub mod y4m;
