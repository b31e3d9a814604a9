//! A test pattern that moves and carries the time.

use super::{barcode, picture::Picture};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Paints one picture after another.
pub(crate) struct Pattern {
    width: usize,
    height: usize,
    count: usize,
    slope: Vec<u8>,
}

impl Pattern {
    /// Pictures of this size.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width.max(2) & !1, height.max(2) & !1);
        // Two periods of a triangle, so that any start up to one period in is there.
        let slope = (0..2 * width)
            .map(|x| {
                let x = x % width;
                let up = x.min(width - x) * 2;
                40 + (up * 160 / width) as u8
            })
            .collect();
        Self {
            width,
            height,
            count: 0,
            slope,
        }
    }

    /// The next one: a slope that wanders, a ball that bounces, and the [`now_ms`] of `at` as a
    /// barcode.
    pub(crate) fn paint(&mut self, at: Instant) -> Picture {
        let (width, height, count) = (self.width, self.height, self.count);
        self.count += 1;
        let mut picture = Picture::black(width, height, at);
        let (y, u, v) = picture.planes_mut();
        let wander = count * 3 % width;
        for (row, line) in y.chunks_exact_mut(width).enumerate() {
            let start = (wander + row / 4) % width;
            if let Some(slope) = self.slope.get(start..start + width) {
                line.copy_from_slice(slope);
            }
        }
        u.fill(96 + bounce(count, 64) as u8);
        v.fill(160 - bounce(count + 40, 64) as u8);
        let side = height / 6;
        let (left, top) = (
            bounce(count * 5, width.saturating_sub(side)),
            height / 4 + bounce(count * 3, (height * 3 / 4).saturating_sub(side)),
        );
        for line in y.chunks_exact_mut(width).skip(top).take(side) {
            if let Some(ball) = line.get_mut(left..left + side) {
                ball.fill(225);
            }
        }
        barcode::draw(y, width, height, width, now_ms());
        picture
    }
}

/// Goes up to `range` and back again.
fn bounce(step: usize, range: usize) -> usize {
    let range = range.max(1);
    let step = step % (2 * range);
    step.min(2 * range - step)
}

/// Milliseconds since 1970, the lower 32 bits: what the pattern's barcode says.
pub fn now_ms() -> u32 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_millis() as u32
}
