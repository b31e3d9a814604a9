//! Faults on purpose. With the feature `faults` and `SOAK_BREAK` set in the environment, the client
//! loses, doubles or mixes up messages, and the soak's checker must notice. Without the feature
//! nothing here does anything.

use im_protocol::sync::FeedItem;

/// A fault of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// One message in fifty that was accepted is sent once more as another message.
    DupApply,
    /// One fact in fifty moves the cursor without being stored.
    SkipFeed,
    /// A message counts as delivered before the server has answered.
    DropAck,
    /// What is sent together is sent in reverse.
    SwapOrder,
}

#[cfg(feature = "faults")]
mod chosen {
    use super::Fault;
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };

    static CHOSEN: LazyLock<Option<Fault>> =
        LazyLock::new(|| match std::env::var("SOAK_BREAK").ok()?.as_str() {
            "dup_apply" => Some(Fault::DupApply),
            "skip_feed" => Some(Fault::SkipFeed),
            "drop_ack" => Some(Fault::DropAck),
            "swap_order" => Some(Fault::SwapOrder),
            _ => None,
        });

    pub(super) fn is(fault: Fault) -> bool {
        *CHOSEN == Some(fault)
    }

    pub(super) fn one_in_fifty() -> bool {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        COUNT.fetch_add(1, Ordering::Relaxed) % 50 == 49
    }
}

#[cfg(not(feature = "faults"))]
mod chosen {
    use super::Fault;

    pub(super) const fn is(_fault: Fault) -> bool {
        false
    }

    pub(super) const fn one_in_fifty() -> bool {
        false
    }
}

/// Whether this fault was chosen.
pub(crate) fn is(fault: Fault) -> bool {
    chosen::is(fault)
}

/// Whether this fact is to be lost.
pub(crate) fn skips(item: &FeedItem) -> bool {
    is(Fault::SkipFeed) && item.kind == "message" && chosen::one_in_fifty()
}

/// Whether this message is to be doubled.
pub(crate) fn doubles() -> bool {
    is(Fault::DupApply) && chosen::one_in_fifty()
}
