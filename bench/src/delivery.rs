//! A message on its way: from the moment when somebody writes it to when it is on the other's page.
//!
//! People in pairs write at a steady rate, whatever becomes of what they wrote before: a server that
//! stalls makes nobody write later ([`post`]). The same letters go to three kinds of desks: our whole core
//! on both sides ([`desks`]), and bare connections ([`lines`]) to our server and to one that only relays.

pub mod desks;
pub mod letters;
pub mod lines;
pub mod post;
pub mod summary;
