//! Whole calls over real sockets.
#![cfg(test)]

mod chromium;
mod duet;
mod page_socket;
mod talk;
