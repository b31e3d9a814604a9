//! What a person does with their own account besides signing in: gets back into it, shows that the
//! address is theirs, takes everything along, deletes it. Under `/v1`, as in [`crate::rest`].
//!
//! | route | body | answer |
//! |---|---|---|
//! | `POST /v1/auth/forgot` | [`Forgot`] | `{}`, whether the address has an account or not |
//! | `POST /v1/auth/reset` | [`Reset`] | [`crate::rest::SignedIn`]; all other sessions are over |
//! | `POST /v1/auth/verify` | [`Verify`] | [`crate::people::Me`] |
//! | `POST /v1/auth/verify/resend` | | `{}` |
//! | `GET /v1/me/export` | | one JSON document, streamed |
//! | `POST /v1/me/delete` | [`DeleteMe`] | `{}` |

use crate::{opaque_debug, rest::Device};
use serde::{Deserialize, Serialize};

/// Somebody has forgotten the password: a mail with a code goes to the address, if it has an account.
#[derive(Clone, Serialize, Deserialize)]
pub struct Forgot {
    /// The address.
    pub email: String,
}

/// Sets a new password by a code, ends all sessions and signs in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Reset {
    /// The address.
    pub email: String,
    /// As in the mail; blanks, hyphens and small letters do not matter.
    pub code: String,
    /// [`crate::limits::PASSWORD_MIN_CHARS`] or more.
    pub password: String,
    /// Where.
    pub device: Device,
}

/// Shows by a code from a mail that the address is the person's own.
#[derive(Clone, Serialize, Deserialize)]
pub struct Verify {
    /// As in the mail; blanks, hyphens and small letters do not matter.
    pub code: String,
}

/// Deletes the asker's account, for good.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeleteMe {
    /// The password, so that nobody else does it at an unwatched computer.
    pub password: String,
}

opaque_debug!(Forgot, Reset, Verify, DeleteMe);
