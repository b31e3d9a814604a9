//! What went wrong, for a person.

use crate::catalogue::{has, words};
use im_protocol::{ErrorCode, WireError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident,)+) => {
        /// What the UI acts on. Each has its sentence in the catalogue under `error_<kind>`; a kind is
        /// added only where the UI does or says something of its own for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        #[ts(export)]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Under which the catalogue has its sentence.
            pub(crate) fn key(self) -> String {
                let kind = serde_json::to_value(self).unwrap_or_default();
                format!("error_{}", kind.as_str().unwrap_or("internal"))
            }
        }
    };
}

kinds! {
    /// E-mail or password is wrong.
    WrongPassword,
    /// The address is taken.
    EmailTaken,
    /// The invitation's code is unknown, used or expired.
    BadInvitation,
    /// The code from a mail, or from the operator, is wrong, used or expired.
    BadCode,
    /// The e-mail address has to be confirmed first, by the code from the mail.
    Unverified,
    /// Nobody can register on this server.
    RegistrationClosed,
    /// The only administrator cannot delete their account.
    OnlyAdmin,
    /// The other person has deleted their account: nothing more can be written there.
    Closed,
    /// Nothing ties the two anymore: nothing more can be written there.
    Untied,
    /// The person blocks the other.
    Blocked,
    /// The other person cannot be reached. Why is not known.
    Unreachable,
    /// The account is suspended.
    Suspended,
    /// This server sends no mail.
    NoMail,
    /// Nobody is signed in, or the session is over: sign in.
    SignInAgain,
    /// The person's account was deleted.
    AccountDeleted,
    /// The server's address is not one: `wss`/`https` outside this computer, a host, a port.
    BadServerAddress,
    /// The server did not answer.
    ServerUnreachable,
    /// The server said that it closes for a moment, such as for a restart.
    ServerRestarts,
    /// Something answered there, but it is no InstantMentor server.
    NotAServer,
    /// This app is too old for the server.
    AppTooOld,
    /// The server is too old for this app.
    ServerTooOld,
    /// The person may not do this.
    NotAllowed,
    /// It is not there (anymore).
    NotFound,
    /// Too much at once.
    TooFast,
    /// Longer than allowed.
    TooLong,
    /// Something is missing or malformed; `params.field` says where.
    Invalid,
    /// Things are not (anymore) such that it could be done.
    NotAsThingsAre,
    /// The message has as many different emoji as it can have.
    TooManyEmoji,
    /// There is nobody in the course to write to.
    NobodyInCourse,
    /// The file is empty.
    FileEmpty,
    /// There is nothing in the clipboard that can be sent.
    NothingCopied,
    /// The file is too large; `params.limit` says how large it may be.
    FileTooLarge,
    /// Too many files for one message; `params.limit` says how many there may be.
    TooManyFiles,
    /// It is a folder, or something that cannot be read.
    NoFile,
    /// The file's bytes are not what they were.
    FileBroken,
    /// The server does not have the file (anymore).
    FileGone,
    /// Files of this kind are not taken by the server, or not opened here.
    FileRefused,
    /// Programs are not opened from here.
    FileIsProgram,
    /// The server's disk is full.
    ServerFull,
    /// The call is over or was answered elsewhere.
    CallOver,
    /// Already in a call.
    InACall,
    /// Not connected right now, and this cannot wait.
    NotConnected,
    /// The disk refused: full, read-only, broken.
    Storage,
    /// What is stored on this device is broken.
    DataUnreadable,
    /// What is stored on this device was written by a newer version of this app.
    DataTooNew,
    /// The server or the core failed; trying again may help.
    Internal,
}

/// An error as the UI gets it: a kind, values for its sentence, and whether to offer "Try again".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{}", self.sentence())]
#[ts(export)]
pub struct UiError {
    /// What to act on.
    pub kind: ErrorKind,
    /// Values for the sentence.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

impl UiError {
    /// An error without values.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        let retryable = matches!(
            kind,
            ErrorKind::ServerUnreachable
                | ErrorKind::ServerRestarts
                | ErrorKind::TooFast
                | ErrorKind::NotConnected
                | ErrorKind::ServerFull
                | ErrorKind::Internal
        );
        Self {
            kind,
            params: BTreeMap::new(),
            retryable,
        }
    }

    /// Adds a value for the sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }

    /// What to tell a person: the sentence of the catalogue with its values.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.kind == ErrorKind::Invalid {
            // As the page says it.
            let field = self.params.get("field").map_or("", String::as_str);
            let key = format!("field_{field}");
            let key = if has(&key) { &key } else { "field_unknown" };
            return words("error_invalid", &[("field", &words(key, &[]))]);
        }
        let params: Vec<(&str, &str)> = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        words(&self.kind.key(), &params)
    }
}

impl From<&WireError> for UiError {
    fn from(error: &WireError) -> Self {
        let kind = match error.code {
            ErrorCode::Unauthorized | ErrorCode::TokenExpired | ErrorCode::SessionRevoked => {
                ErrorKind::SignInAgain
            }
            ErrorCode::AccountDeleted => ErrorKind::AccountDeleted,
            ErrorCode::Unverified => ErrorKind::Unverified,
            ErrorCode::RegistrationClosed => ErrorKind::RegistrationClosed,
            ErrorCode::NoMail => ErrorKind::NoMail,
            ErrorCode::Closed => ErrorKind::Closed,
            ErrorCode::Untied => ErrorKind::Untied,
            ErrorCode::Blocked => ErrorKind::Blocked,
            ErrorCode::Unreachable => ErrorKind::Unreachable,
            ErrorCode::Suspended => ErrorKind::Suspended,
            ErrorCode::UpgradeRequired => ErrorKind::AppTooOld,
            ErrorCode::Forbidden => ErrorKind::NotAllowed,
            ErrorCode::NotFound | ErrorCode::Gone => ErrorKind::NotFound,
            ErrorCode::FileUnknown | ErrorCode::FileUnfinished => ErrorKind::FileGone,
            ErrorCode::ChecksumMismatch => ErrorKind::FileBroken,
            ErrorCode::TypeRefused => ErrorKind::FileRefused,
            ErrorCode::StorageFull => ErrorKind::ServerFull,
            ErrorCode::Conflict => ErrorKind::NotAsThingsAre,
            ErrorCode::Invalid | ErrorCode::IdReused => ErrorKind::Invalid,
            ErrorCode::TooLarge => ErrorKind::TooLong,
            ErrorCode::RateLimited => ErrorKind::TooFast,
            ErrorCode::Busy => ErrorKind::InACall,
            ErrorCode::AnsweredElsewhere => ErrorKind::CallOver,
            ErrorCode::Offline | ErrorCode::Unavailable => ErrorKind::NotConnected,
            ErrorCode::UnknownEvent => ErrorKind::ServerTooOld,
            ErrorCode::Internal | ErrorCode::Other(_) => ErrorKind::Internal,
        };
        Self::new(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_sentence_for_a_person() {
        let over = UiError::new(ErrorKind::CallOver).sentence();
        assert_eq!(
            over,
            "This call is over, or was answered on another device."
        );
        let missing = UiError::new(ErrorKind::Invalid).with("field", "name");
        assert_eq!(
            missing.sentence(),
            "Something is missing or not right here: your name."
        );
        for unnamed in [
            UiError::new(ErrorKind::Invalid),
            UiError::new(ErrorKind::Invalid).with("field", "of_another_build"),
        ] {
            let said = unnamed.sentence();
            assert!(said.ends_with(": what you entered."), "{said}");
        }
    }

    #[test]
    fn what_the_server_refuses_is_said_as_it_is() {
        let kind = |code| UiError::from(&WireError::new(code, "")).kind;
        assert_eq!(kind(ErrorCode::Conflict), ErrorKind::NotAsThingsAre);
        assert_eq!(kind(ErrorCode::AccountDeleted), ErrorKind::AccountDeleted);
        assert_eq!(kind(ErrorCode::SessionRevoked), ErrorKind::SignInAgain);
    }

    #[test]
    fn every_kind_has_its_sentence() {
        for kind in ErrorKind::ALL {
            assert!(has(&kind.key()), "{} is missing", kind.key());
        }
    }
}
