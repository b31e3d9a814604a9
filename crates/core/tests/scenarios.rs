//! Named people on real cores with the real server.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scenarios {
    mod account;
    mod at_rest;
    mod bad_days;
    mod bad_input;
    mod calls;
    mod changes;
    mod connection;
    mod conversation;
    mod courses;
    mod deletion;
    mod device;
    mod devices;
    mod files;
    mod holes;
    mod keyring;
    mod moderation;
    mod presence;
    mod privacy;
    mod recovery;
    mod search;
    mod sessions;
    mod versions;
    mod wiping;
}
