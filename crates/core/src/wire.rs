//! Requests over the socket, typed by the protocol.

use im_contract::{ErrorKind, UiError};
use im_protocol::{Command, ErrorCode, Lane, Reply, WireError};
use im_socketio::{Client, EmitError};
use std::time::Duration;

/// How long an answer may take: rings and answers are worth nothing later.
const CALLS: Duration = Duration::from_secs(8);
/// Data may wait behind a long queue.
const DATA: Duration = Duration::from_secs(20);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireFailure {
    /// It was surely not sent.
    #[error("not connected")]
    NotConnected,
    /// The connection went, or the time was over: it may have arrived.
    #[error("no answer")]
    Lost,
    /// The server refused.
    #[error("the server refused: {}", .0.code)]
    Refused(WireError),
}

impl From<&WireFailure> for UiError {
    fn from(failure: &WireFailure) -> Self {
        match failure {
            WireFailure::NotConnected | WireFailure::Lost => Self::new(ErrorKind::NotConnected),
            WireFailure::Refused(error) => Self::from(error),
        }
    }
}

impl From<WireFailure> for UiError {
    fn from(failure: WireFailure) -> Self {
        Self::from(&failure)
    }
}

/// A handle on the socket. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    client: Client,
}

impl Wire {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// As [`WireFailure`] tells.
    pub(crate) async fn request<C: Command + Sync>(
        &self,
        command: &C,
    ) -> Result<C::Ok, WireFailure> {
        let patience = match C::LANE {
            Lane::Calls => CALLS,
            Lane::Data => DATA,
        };
        let reply: Result<Reply<C::Ok>, EmitError> =
            self.client.emit_with_ack(C::EVENT, command, patience).await;
        match reply {
            Ok(reply) => reply.into_result().map_err(WireFailure::Refused),
            Err(error) => {
                tracing::debug!(event = C::EVENT, %error, "no answer");
                Err(failure(&error))
            }
        }
    }

    /// Sends a request of which the answer says nothing, and does not wait for it.
    pub(crate) async fn tell<C: Command + Sync>(&self, command: &C) {
        if let Err(error) = self.client.emit(C::EVENT, command).await {
            tracing::debug!(event = C::EVENT, %error, "not told");
        }
    }

    /// Whether a call is on: then no wait between two connects is long.
    pub(crate) fn set_hurried(&self, hurried: bool) {
        self.client.set_hurried(hurried);
    }

    /// Connects at once where there is no connection, and tries the one that is there.
    pub(crate) fn reconnect_soon(&self) {
        self.client.reconnect_soon();
    }
}

fn failure(error: &EmitError) -> WireFailure {
    match error {
        EmitError::NotConnected => WireFailure::NotConnected,
        EmitError::TooLarge { .. } | EmitError::TooManyAttachments => WireFailure::Refused(
            WireError::new(ErrorCode::TooLarge, "This is too large to be sent."),
        ),
        EmitError::ReservedEvent | EmitError::Encode(_) => {
            WireFailure::Refused(WireError::new(ErrorCode::Invalid, "This cannot be sent."))
        }
        _ => WireFailure::Lost,
    }
}
