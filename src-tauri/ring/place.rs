//! Where rings stand on the screen. All lengths are in application pixels, from the top left.

/// Space between a ring and the edge of the work area, and between two rings.
pub(super) const GAP: i32 = 12;

/// A rectangle on the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    /// Left edge.
    pub(super) x: i32,
    /// Top edge.
    pub(super) y: i32,
    /// Width.
    pub(super) width: i32,
    /// Height.
    pub(super) height: i32,
}

/// The top left corners for windows of these sizes, oldest first: one under the other at the right
/// edge of the work area, then in further columns to the left. Where even the last column is full,
/// the rest stands at its top, each a little lower, so that each can still be reached.
pub(super) fn stack(work: Area, gap: i32, sizes: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let top = work.y + gap;
    let bottom = work.y + work.height - gap;
    let mut right = work.x + work.width - gap;
    let mut next = top;
    let mut column_width = 0;
    let mut spill = 0;
    let mut places = Vec::with_capacity(sizes.len());
    for &(width, height) in sizes {
        if next > top && next + height > bottom {
            let further = right - column_width - gap;
            if further - width >= work.x + gap {
                right = further;
                next = top;
                column_width = 0;
            } else {
                spill += 1;
                places.push((clamp_left(right - width, work), top + spill * GAP));
                continue;
            }
        }
        places.push((clamp_left(right - width, work), next));
        next += height + gap;
        column_width = column_width.max(width);
    }
    places
}

/// Where the screen is narrower than the window, its left edge is what has to be seen.
fn clamp_left(x: i32, work: Area) -> i32 {
    x.max(work.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Area = Area {
        x: 0,
        y: 0,
        width: 1280,
        height: 800,
    };

    #[test]
    fn one_ring_stands_at_the_top_right() {
        assert_eq!(stack(SCREEN, GAP, &[(360, 200)]), [(1280 - 12 - 360, 12)]);
    }

    #[test]
    fn on_a_second_screen_under_a_panel() {
        let work = Area {
            x: 1280,
            y: 30,
            width: 1920,
            height: 1050,
        };
        assert_eq!(
            stack(work, GAP, &[(360, 200)]),
            [(1280 + 1920 - 12 - 360, 42)]
        );
    }

    #[test]
    fn a_second_ring_stands_under_the_first_whatever_its_height() {
        assert_eq!(
            stack(SCREEN, GAP, &[(360, 200), (360, 300)]),
            [(908, 12), (908, 224)]
        );
    }

    #[test]
    fn a_full_column_goes_on_to_the_left() {
        let places = stack(SCREEN, GAP, &[(360, 350), (360, 350), (360, 350)]);
        assert_eq!(places, [(908, 12), (908, 374), (908 - 12 - 360, 12)]);
    }

    #[test]
    fn where_nothing_is_left_each_can_still_be_reached() {
        let small = Area {
            x: 0,
            y: 0,
            width: 400,
            height: 300,
        };
        let places = stack(small, GAP, &[(360, 200); 3]);
        assert_eq!(places, [(28, 12), (28, 24), (28, 36)]);
    }

    #[test]
    fn on_a_narrow_screen_the_left_edge_is_seen() {
        let narrow = Area {
            x: 100,
            y: 0,
            width: 320,
            height: 480,
        };
        assert_eq!(stack(narrow, GAP, &[(360, 200)]), [(100, 12)]);
    }
}
