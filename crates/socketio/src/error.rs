//! What can go wrong for a caller.

/// Why an emit failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// There is no connection. The event was not sent.
    #[error("not connected")]
    NotConnected,
    /// The connection dropped before the acknowledgement came. The event may have arrived.
    #[error("the connection dropped before the answer came")]
    Disconnected,
    /// No acknowledgement within the time given. The event may have arrived.
    #[error("no answer came in time")]
    Timeout,
    /// The event is larger than the server takes (its `maxPayload`). It was not sent.
    #[error("the event has {size} bytes, the server takes {limit}")]
    TooLarge {
        /// Bytes of the largest frame of this event.
        size: usize,
        /// Bytes that the server takes in one frame.
        limit: usize,
    },
    /// More attachments than the protocol's other side takes. It was not sent.
    #[error("too many attachments")]
    TooManyAttachments,
    /// `connect`, `disconnect` and their like are not names of events. It was not sent.
    #[error("this name is reserved by the protocol")]
    ReservedEvent,
    /// The payload cannot be written as JSON. It was not sent.
    #[error("the payload cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The acknowledgement came, but in another shape than asked for.
    #[error("the answer has another shape than expected")]
    Decode(#[source] serde_json::Error),
}

impl EmitError {
    /// Whether the server may have seen the event all the same. If not, it surely has not.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Disconnected | Self::Timeout | Self::Decode(_))
    }
}

/// What is wrong with [`Options`](crate::Options).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Not `ws`, `wss`, `http` or `https` with a host.
    #[error("the address of the server is not valid")]
    Url,
    /// A namespace begins with `/` and holds no comma, question mark or control character.
    #[error("the namespace is not valid")]
    Namespace,
    /// A root certificate cannot be read.
    #[error("the root certificate cannot be read")]
    Certificate,
    /// A limit or a time of zero, or a time of more than a day.
    #[error("a limit is out of range")]
    Limit,
}
