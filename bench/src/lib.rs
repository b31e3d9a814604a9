//! Figures side by side: our server, durable, beside Node's socket.io that only relays, under the
//! same load from the same clients, taking turns within one run; a message on its way from one client
//! to another; our client with many messages, after having been away, and in its page.
//!
//! Nothing is asserted about a figure; a run fails only where something does not work.

pub mod client;
pub mod delivery;
pub mod line;
pub mod machine;
pub mod messages;
pub mod node;
pub mod ours;
pub mod people;
pub mod presence;
pub mod report;
pub mod stats;
