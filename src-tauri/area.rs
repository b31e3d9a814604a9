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
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        i64::from(width.max(0)) * i64::from(height.max(0))
    }
}
