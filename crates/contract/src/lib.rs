//! The door between the UI and the core: every request the UI may make ([`commands`])
//! with what it carries ([`args`]), every
//! thing the core tells ([`events`]), the shapes they carry ([`views`]), the one shape of an error
//! ([`UiError`]) and the one catalogue of words ([`catalogue`]).
//!
//! TypeScript is generated from here into `ui/src/contract` by `cargo test -p im-contract`; the
//! generated files are committed and CI fails where they are stale.

pub mod args;
pub mod catalogue;
pub mod commands;
pub mod courses;
pub mod devices;
pub mod error;
pub mod events;
pub mod files;
#[cfg(test)]
mod limits;
pub mod moderation;
pub mod views;

pub use commands::{Commands, dispatch};
pub use error::{ErrorKind, UiError};
pub use events::CoreEvent;
