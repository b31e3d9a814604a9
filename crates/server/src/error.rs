//! One error for everything that is asked of the server, and what of it is told.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use im_protocol::{ErrorCode, WireError, conversation::Closed, sessions::Ended};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Refused for a reason that the asker may know.
    #[error("refused: {}", .0.code)]
    Refused(Box<WireError>),
    /// The database failed. Told as `internal`.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database failed while messages were taken in. Told as `internal`.
    #[error("the database failed: {0}")]
    Ledger(#[from] rusqlite::Error),
    /// Something that must not be was found. Told as `internal`.
    #[error("broken: {0}")]
    Broken(&'static str),
}

impl Error {
    /// A refusal with its sentence for people.
    pub fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(WireError::new(code, message)))
    }

    /// A rule of the payload is broken; the sentence says which.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::refused(ErrorCode::Invalid, message)
    }

    /// There is no such thing, or the asker may not know of it.
    #[must_use]
    pub fn not_found() -> Self {
        Self::refused(ErrorCode::NotFound, "This is not there (anymore).")
    }

    /// The asker may not do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::refused(ErrorCode::Forbidden, "You are not allowed to do this.")
    }

    /// The token is not one of ours.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::refused(ErrorCode::Unauthorized, "Please sign in.")
    }

    /// The session was ended; why, where that was kept.
    #[must_use]
    pub fn session_revoked(why: Option<Ended>) -> Self {
        let sentence = match why {
            Some(Ended::PasswordChanged) => {
                "Your password was changed. Please sign in with the new one."
            }
            Some(Ended::Suspended) => "This account is suspended. Please ask who runs this place.",
            Some(Ended::TokenReused) => "This sign-in was ended for safety. Please sign in again.",
            _ => "You were signed out on this device. Please sign in again.",
        };
        Self::Refused(Box::new(match why {
            Some(why) => WireError::session_ended(why, sentence),
            None => WireError::new(ErrorCode::SessionRevoked, sentence),
        }))
    }

    /// The account behind the session was deleted.
    #[must_use]
    pub fn account_deleted() -> Self {
        Self::refused(
            ErrorCode::AccountDeleted,
            "This account was deleted. What this device kept of it is to go.",
        )
    }

    /// Nothing is written in a conversation anymore.
    #[must_use]
    pub fn closed(why: Closed) -> Self {
        let (code, sentence) = match why {
            Closed::Deleted => (
                ErrorCode::Closed,
                "The other person has deleted their account: nothing can be written here anymore.",
            ),
            Closed::Untied => (
                ErrorCode::Untied,
                "You two have no course in common here anymore: nothing can be written.",
            ),
            Closed::Blocked => (
                ErrorCode::Blocked,
                "You block this person. Unblock them to write and to call.",
            ),
            // The same words whatever it is: being blocked is not told.
            Closed::Unreachable | Closed::Other => (
                ErrorCode::Unreachable,
                "This person cannot be reached at the moment.",
            ),
        };
        Self::refused(code, sentence)
    }

    /// The account is suspended.
    #[must_use]
    pub fn suspended() -> Self {
        Self::refused(
            ErrorCode::Suspended,
            "This account is suspended. Please ask who runs this place.",
        )
    }

    /// The asker has not shown yet that their address is theirs.
    #[must_use]
    pub fn unverified() -> Self {
        Self::refused(
            ErrorCode::Unverified,
            "Please confirm your e-mail address first: enter the code from the mail we sent you.",
        )
    }

    /// A code from a mail that cannot be taken; the same words whatever is wrong with it.
    #[must_use]
    pub fn bad_code() -> Self {
        Self::refused(
            ErrorCode::NotFound,
            "This code is wrong, used or too old. Please ask for a new one.",
        )
    }

    /// No mail is sent here.
    #[must_use]
    pub fn no_mail() -> Self {
        Self::refused(
            ErrorCode::NoMail,
            "This server sends no mail. Please ask who runs it for a code.",
        )
    }

    /// The server is stopping or overloaded.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::Refused(Box::new(
            WireError::new(
                ErrorCode::Unavailable,
                "The server is not ready. Please try again in a moment.",
            )
            .retry_after(1_000),
        ))
    }

    /// What the asker is told. Logs what they are not.
    #[must_use]
    pub fn to_wire(&self) -> WireError {
        match self {
            Self::Refused(error) => (**error).clone(),
            Self::Database(error) => {
                tracing::error!(error = %Shape(error), "the database failed");
                internal()
            }
            Self::Ledger(error) => {
                // Only the code: what was bound must not show.
                tracing::error!(code = ?error.sqlite_error_code(), "the database failed");
                internal()
            }
            Self::Broken(what) => {
                tracing::error!(what, "something that must not be");
                internal()
            }
        }
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::Refused(Box::new(error))
    }
}

fn internal() -> WireError {
    WireError::new(
        ErrorCode::Internal,
        "The server failed. Please try again; it has noted what went wrong.",
    )
}

/// A database error without values: only its kind and the database's own code.
struct Shape<'a>(&'a sqlx::Error);

impl std::fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            // SQLite names tables and columns in its messages, never values.
            sqlx::Error::Database(error) => f.write_str(error.message()),
            sqlx::Error::RowNotFound => f.write_str("a row is missing"),
            sqlx::Error::PoolTimedOut => f.write_str("no connection became free in time"),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => f.write_str("it is closed"),
            sqlx::Error::Io(error) => write!(f, "input or output: {}", error.kind()),
            sqlx::Error::ColumnDecode { index, .. } => write!(f, "column {index} is not as known"),
            _ => f.write_str("another failure"),
        }
    }
}

/// The HTTP status that goes with a code.
fn status_of(code: &ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthorized
        | ErrorCode::TokenExpired
        | ErrorCode::SessionRevoked
        | ErrorCode::AccountDeleted => StatusCode::UNAUTHORIZED,
        ErrorCode::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
        ErrorCode::Forbidden
        | ErrorCode::Unverified
        | ErrorCode::Untied
        | ErrorCode::Blocked
        | ErrorCode::Suspended
        | ErrorCode::RegistrationClosed => StatusCode::FORBIDDEN,
        ErrorCode::NotFound | ErrorCode::UnknownEvent | ErrorCode::FileUnknown => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Gone | ErrorCode::Closed => StatusCode::GONE,
        ErrorCode::IdReused
        | ErrorCode::Conflict
        | ErrorCode::Busy
        | ErrorCode::NoMail
        | ErrorCode::Offline
        | ErrorCode::FileUnfinished
        | ErrorCode::Unreachable
        | ErrorCode::AnsweredElsewhere => StatusCode::CONFLICT,
        ErrorCode::ChecksumMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::TypeRefused => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal | ErrorCode::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let error = self.to_wire();
        let status = status_of(&error.code);
        let seconds = error.retry_after_ms.map(|ms| ms.div_ceil(1_000));
        let body = Json(serde_json::json!({ "error": error }));
        let mut response = (status, body).into_response();
        if let Some(seconds) = seconds {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_inside_is_not_told() {
        let error = Error::Broken("a conversation without members").to_wire();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(!error.message.contains("members"));
        let error = Error::from(sqlx::Error::PoolClosed).to_wire();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(error.retryable);
    }

    #[test]
    fn a_refusal_with_a_wait_carries_the_header() {
        let response = Error::unavailable().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
    }
}
