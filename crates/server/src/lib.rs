//! The server: accounts, conversations, feeds, presence and calls, in one binary with one folder.
//!
//! Start reading at [`server`] (what runs), then [`socket`] (the way of an event), [`writer`] (how
//! things get on disk) and [`store`] (what is kept). [`Server::start`] runs it within any tokio
//! runtime; `docs/protocol.md` tells what it speaks.

pub mod access;
mod admin;
mod app;
pub mod auth;
mod bulk;
mod calls;
mod chores;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversations;
mod courses;
mod dispatch;
mod door;
pub mod error;
mod export;
#[cfg(feature = "faults")]
mod faults;
mod files;
pub mod hub;
pub mod input;
mod mail;
mod messages;
mod moderation;
pub mod operator;
mod packet;
mod presence;
mod pump;
mod rates;
mod rest;
pub mod server;
pub mod socket;
mod status;
pub mod store;
mod sync;
pub mod ties;
pub mod writer;

pub use clock::Clock;
pub use config::{Config, Limits};
pub use server::{Running, Server, StartError};

/// Name and version, as clients are told.
pub const SERVER: &str = concat!("instantmentor-server/", env!("CARGO_PKG_VERSION"));
