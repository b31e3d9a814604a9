//! Courses and the own status.

use im_protocol::people::Availability;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A course's code.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EnrolArgs {
    /// As the mentor gave it.
    pub code: String,
}

/// A mentor's new status.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StatusArgs {
    /// What they choose.
    #[ts(type = "'available' | 'in_session' | 'break' | 'offline'")]
    pub availability: Availability,
    /// Own words; may be empty.
    pub message: String,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(EnrolArgs, StatusArgs);
