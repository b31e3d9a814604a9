//! The client with many messages: how soon it is there, how quickly it finds, and what that costs.
//!
//! A person signs in at a real server, which then goes away. Their cache is filled with rows as the
//! server would have sent them, and left to be indexed as after an update. What is measured is asked of a
//! core in a process of its own, through the commands that the page uses.

pub mod desk;
pub mod fill;
pub mod measure;
pub mod texts;
