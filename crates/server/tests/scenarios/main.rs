//! What people do with the server, through its real doors: HTTP and Socket.IO on a port of this
//! machine, SQLite in a folder of its own.

#![cfg(test)]

mod accounts;
mod bad_input;
mod bulk;
mod calls;
mod changes;
mod connections;
mod conversations;
mod courses;
mod deletion;
mod devices;
mod export;
mod files;
mod mail;
mod moderation;
mod operating;
mod presence;
mod school;
mod sync;
mod ties;
