//! Figures side by side: our server, durable, beside Node's socket.io that only relays, under the
//! same load from the same clients, taking turns within one run; and our client with many messages.
//!
//! Nothing is asserted about a figure; a run fails only where something does not work.

pub mod client;
pub mod line;
pub mod machine;
pub mod messages;
pub mod node;
pub mod people;
pub mod presence;
pub mod stats;
