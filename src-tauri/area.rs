//! Rectangles on the desktop. All lengths are in application pixels, from the top left.

use serde::{Deserialize, Serialize};

/// A rectangle on the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) x: i32,
    /// Top edge.
    pub(crate) y: i32,
    /// Width.
    pub(crate) width: i32,
    /// Height.
    pub(crate) height: i32,
}

impl Area {
    /// The edge beyond the right.
    pub(crate) fn right(self) -> i32 {
        self.x.saturating_add(self.width)
    }

    /// The edge beyond the bottom.
    pub(crate) fn bottom(self) -> i32 {
        self.y.saturating_add(self.height)
    }

    /// How many pixels the two have in common.
    pub(crate) fn overlap(self, other: Self) -> i64 {
        let length = |from: i32, to: i32| i64::from(to.saturating_sub(from).max(0));
        let width = length(self.x.max(other.x), self.right().min(other.right()));
        let height = length(self.y.max(other.y), self.bottom().min(other.bottom()));
        width * height
    }
}
