//! End to end: robots and the real server as processes of their own.
//!
//! [`soak`] lets two robots write to each other while everything is killed at random; [`checker`]
//! then reads what is left in the databases. [`sound`] tells whether what was heard is what was
//! said; [`browser`] is a headless Chromium with a client of its own.

pub mod browser;
pub mod checker;
pub mod soak;
pub mod sound;
