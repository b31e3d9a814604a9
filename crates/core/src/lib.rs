//! The client: everything that a person's device knows and does, without a window and without
//! media.
//!
//! An app starts a [`Core`], asks it through [`im_contract::Commands`] and listens to its
//! [`Events`]. Inside:
//!
//! - [`account`] decides who is signed in; it keeps the tokens and starts
//! - `session`, one task per signed-in person, which carries out what two machines decide: `sync`
//!   (how the feed is followed) and `outbox` (how what was written here gets to the server);
//! - `store` holds it all in two files, the only truth that the UI sees;
//! - `conversations`, `messages`, `people`, `search` answer the UI from there, `devices`,
//!   `courses` and `moderation` from the server;
//! - `files` chooses, fetches, shows and saves what messages carry;
//! - `calls` drives the rules of a call between the server, media and the UI;
//! - [`notify`], [`links`], [`clipboard`] and [`secrets`] say what the core needs of the desktop.

pub mod account;
mod blocking;
mod calls;
pub mod clipboard;
pub mod clock;
mod connection;
mod conversations;
pub mod core;
mod courses;
mod devices;
pub mod events;
mod export;
mod faults;
mod files;
pub mod links;
mod live;
mod messages;
mod moderation;
mod notices;
pub mod notify;
mod outbox;
mod people;
mod rest;
mod search;
pub mod secrets;
mod session;
mod settings;
mod store;
mod sync;
mod wire;

pub use crate::core::{Core, CoreConfig};
pub use clock::Clock;
pub use events::Events;
pub use files::{Picture, PictureKind};
