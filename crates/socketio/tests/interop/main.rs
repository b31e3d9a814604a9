//! The client against Node's `socket.io` and against servers that misbehave.
//!
//! Needs `node` and `npm`; the packages are fetched once, as `tests/node/package-lock.json` has them.

// The lints let only code that is marked as a test unwrap and panic.
#[cfg(test)]
mod breaking;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod secure;
#[cfg(test)]
mod talking;
#[cfg(test)]
mod volume;
