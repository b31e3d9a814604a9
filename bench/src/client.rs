//! The client with many messages: how soon it is there, how quickly it finds, and what that costs.
//!
//! A person signs in at a real server, which then goes away. Their cache is filled with rows as the
//! server would have sent them, and left to be indexed as after an update. What is measured is asked of a
//! core in a process of its own, through the commands that the page uses.
//!
//! Besides: a device that comes back to a server that knows more than it ([`away`]), and the built page
//! in a browser in front of such a core ([`page`], through a [`door`]).

pub mod away;
pub mod desk;
pub mod door;
pub mod fill;
pub mod measure;
pub mod page;
pub mod texts;
