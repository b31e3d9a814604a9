//! Longer pauses after each refusal in a row, and what counts as one that may pass.

use im_protocol::{ErrorCode, WireError};
use std::time::Duration;

/// The first pause after a refusal that may pass.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A pause that gets longer with each refusal in a row.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Not before.
    until: Option<Duration>,
    /// Refusals that may pass, in a row.
    refusals: u32,
}

impl Pause {
    /// A refusal: nothing is tried for a while, longer each time.
    pub(crate) fn begin(&mut self, now: Duration, at_least: Option<Duration>) {
        let factor = 2u32.checked_pow(self.refusals).unwrap_or(u32::MAX);
        let pause = PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.refusals = self.refusals.saturating_add(1);
        self.until = Some(now + pause.max(at_least.unwrap_or_default()));
    }

    /// It went well: the next pause is short again.
    pub(crate) fn forget_refusals(&mut self) {
        self.refusals = 0;
    }

    /// Something may be tried at once.
    pub(crate) fn end(&mut self) {
        self.until = None;
    }

    /// Whether it still lasts.
    pub(crate) fn lasts(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// When it ends.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.until
    }
}

/// Whether it is no fault of the message: the same may be accepted later. What is wrong with the
/// session or the version keeps everything waiting, too.
pub(crate) fn may_pass(error: &WireError) -> bool {
    let of_the_connection = matches!(
        error.code,
        ErrorCode::Unauthorized | ErrorCode::SessionRevoked | ErrorCode::UpgradeRequired
    );
    error.retryable || error.code.retryable() || of_the_connection
}
