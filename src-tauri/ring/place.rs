//! Where rings stand on the screen.

use crate::area::Area;

/// Space between a ring and the edge of the work area, and between two rings.
pub(super) const GAP: i32 = 12;

/// The top left corners for windows of these sizes, oldest first: one under the other at the right
/// edge of the work area, then in further columns to the left. What is to be `kept_clear` is not
/// covered: a window that would, stands below it. Where even the last column is full, the rest
/// stands at its top, each a little lower, so that each can still be reached.
pub(super) fn stack(
    work: Area,
    gap: i32,
    kept_clear: Option<Area>,
    sizes: &[(i32, i32)],
) -> Vec<(i32, i32)> {
    let top = work.y + gap;
    let bottom = work.bottom() - gap;
    let mut right = work.right() - gap;
    let mut next = top;
    let mut column_width = 0;
    let mut spill = 0;
    let mut places = Vec::with_capacity(sizes.len());
    for &(width, height) in sizes {
        let corner = loop {
            let x = clamp_left(right - width, work);
            let y = below(kept_clear, gap, x, next, width, height);
            if next == top || y + height <= bottom {
                next = y + height + gap;
                column_width = column_width.max(width);
                break (x, y);
            }
            let further = right - column_width - gap;
            if further - width < work.x + gap {
                spill += 1;
                break (x, top + spill * GAP);
            }
            right = further;
            next = top;
            column_width = 0;
        };
        places.push(corner);
    }
    places
}

/// This height for a window of this size, or the first one at which it covers nothing that is to be
/// kept clear.
fn below(kept_clear: Option<Area>, gap: i32, x: i32, y: i32, width: i32, height: i32) -> i32 {
    let window = Area {
        x,
        y,
        width,
        height,
    };
    match kept_clear {
        Some(clear) if clear.overlap(window) > 0 => clear.bottom() + gap,
        _ => y,
    }
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
        assert_eq!(
            stack(SCREEN, GAP, None, &[(360, 200)]),
            [(1280 - 12 - 360, 12)]
        );
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
            stack(work, GAP, None, &[(360, 200)]),
            [(1280 + 1920 - 12 - 360, 42)]
        );
    }

    #[test]
    fn a_second_ring_stands_under_the_first_whatever_its_height() {
        assert_eq!(
            stack(SCREEN, GAP, None, &[(360, 200), (360, 300)]),
            [(908, 12), (908, 224)]
        );
    }

    #[test]
    fn a_full_column_goes_on_to_the_left() {
        let places = stack(SCREEN, GAP, None, &[(360, 350), (360, 350), (360, 350)]);
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
        let places = stack(small, GAP, None, &[(360, 200); 3]);
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
        assert_eq!(stack(narrow, GAP, None, &[(360, 200)]), [(100, 12)]);
    }

    #[test]
    fn a_ring_stands_below_the_bar_of_the_window_behind_it() {
        let bar = Area {
            x: 0,
            y: 24,
            width: 1280,
            height: 57,
        };
        let places = stack(SCREEN, GAP, Some(bar), &[(360, 200), (360, 200)]);
        assert_eq!(places, [(908, 93), (908, 305)]);
    }

    #[test]
    fn a_bar_elsewhere_moves_nothing() {
        let bar = Area {
            x: 0,
            y: 0,
            width: 908,
            height: 57,
        };
        assert_eq!(stack(SCREEN, GAP, Some(bar), &[(360, 200)]), [(908, 12)]);
    }

    #[test]
    fn a_bar_further_down_is_passed_by_the_second_ring() {
        let bar = Area {
            x: 200,
            y: 300,
            width: 1000,
            height: 57,
        };
        let places = stack(SCREEN, GAP, Some(bar), &[(360, 200), (360, 200)]);
        assert_eq!(places, [(908, 12), (908, 369)]);
    }
}
