//! Where the person is signed in, and their password.

use im_protocol::{SessionId, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A device that the person is signed in on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DeviceView {
    /// Its sign-in.
    #[ts(as = "String")]
    pub id: SessionId,
    /// What it called itself when it signed in.
    pub name: String,
    /// When it signed in.
    #[ts(type = "number")]
    pub signed_in_at: UnixMs,
    /// When it was last known to be there.
    #[ts(type = "number")]
    pub last_seen_at: UnixMs,
    /// Whether it is this one.
    pub current: bool,
    /// Whether it is connected.
    pub online: bool,
}

/// One of the person's other devices.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DeviceArgs {
    /// Its sign-in.
    #[ts(as = "String")]
    pub id: SessionId,
}

/// A person chooses another password.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChangePasswordArgs {
    /// The present one.
    pub old: String,
    /// The new one.
    pub new: String,
}

im_protocol::opaque_debug!(DeviceView, ChangePasswordArgs);
