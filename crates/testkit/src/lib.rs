//! What tests share: the real server within the test's process ([`TestServer`]) or as a process of
//! its own that can be killed and paused ([`ServerProcess`]), a line to it that can be pulled ([`Cable`]),
//! robots ([`RobotProcess`]), a mail server that keeps what it gets ([`Mailbox`]), and the statements in a
//! crate's sources ([`sql`]).
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod cable;
pub mod mailbox;
pub mod process;
pub mod robot_process;
pub mod server;
pub mod server_process;
pub mod sql;

pub use cable::Cable;
pub use im_server::{Limits, config::Rate};
pub use mailbox::{Mail, Mailbox};
pub use robot_process::RobotProcess;
pub use server::TestServer;
pub use server_process::ServerProcess;
