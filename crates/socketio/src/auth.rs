//! What the owner says at each connect: a fresh credential, and what to do with a refusal.

use crate::state::Refusal;
use serde_json::Value;
use std::future::Future;

/// Why there is no credential for a connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It cannot be had now (the network is away, a keyring is locked): try again after the backoff.
    #[error("no credential can be had now")]
    Unavailable,
    /// There is none and there will be none: stop connecting.
    #[error("there is no credential")]
    SignedOut,
}

/// What to do after the server refused a connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Connect again with a credential asked anew. The first time in a row this happens at once,
    /// later with backoff, so that a server that always refuses is not stormed.
    Retry,
    /// Stay in [`State::Refused`](crate::State::Refused) until
    /// [`Client::reconnect_soon`](crate::Client::reconnect_soon).
    Stop,
}

/// Gives the credentials of each connect.
///
/// A closure that returns a future of `Result<Value, AuthError>` is an `Auth` whose every refusal
/// stops. The futures may take their time (refresh a token): they run beside the connection task
/// and are dropped when the client is closed or [`Timing::auth`](crate::Timing::auth) is over.
pub trait Auth: Send + Sync + 'static {
    /// The payload of the CONNECT packet: an object, or `Null` for none.
    fn auth(&self) -> impl Future<Output = Result<Value, AuthError>> + Send;

    /// The server refused the connect (CONNECT_ERROR). A token that has expired is refreshed here,
    /// answered with [`OnRefusal::Retry`].
    fn refused(&self, refusal: &Refusal) -> impl Future<Output = OnRefusal> + Send {
        let _ = refusal;
        async { OnRefusal::Stop }
    }
}

impl<F, Fut> Auth for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, AuthError>> + Send,
{
    fn auth(&self) -> impl Future<Output = Result<Value, AuthError>> + Send {
        self()
    }
}
