//! A headless person on the real client: sends, receives, rings, answers, talks and shows, or does
//! what it is told line by line; for demos, tests and load. It prints what it does and sees as JSON, a line each (`lines`).

mod acting;
mod call;
pub mod cli;
mod lines;
mod messages;
mod person;
mod senses;
mod status;
