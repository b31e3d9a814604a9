//! A device alone, two persons' devices with the server's rules between them, and the same on a
//! bad network. All in virtual time.

mod alone;
mod together;
mod weather;
mod world;
