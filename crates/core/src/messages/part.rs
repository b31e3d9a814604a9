//! Which part of a conversation is asked for, and what of it is here.
//!
//! Places in a conversation count from 1 without gaps: where one is missing on this device there is a
//! hole, and what lies on its two sides is never shown as if it belonged together.

use im_contract::args::PageArgs;
use std::ops::Range;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The last messages.
    Newest,
    /// Those before a place.
    Before(u64),
    /// Those after a place.
    After(u64),
    /// Those around a place.
    Around(u64),
}

impl Part {
    pub(super) fn of(args: &PageArgs) -> Self {
        match (args.before, args.after, args.around) {
            (Some(place), ..) => Self::Before(place),
            (None, Some(place), _) => Self::After(place),
            (None, None, Some(place)) => Self::Around(place),
            (None, None, None) => Self::Newest,
        }
    }

    /// The places that are wanted, where `head` is the last one that there is (0 for none).
    pub(super) fn range(self, head: u64, limit: u32) -> Range<u64> {
        let (limit, end) = (u64::from(limit), head.saturating_add(1));
        let (from, to) = match self {
            Self::Newest => (end.saturating_sub(limit), end),
            Self::Before(place) => (place.saturating_sub(limit), place),
            Self::After(place) => {
                let from = place.saturating_add(1);
                (from, from.saturating_add(limit).min(end))
            }
            Self::Around(place) => {
                let from = place.min(head).saturating_sub(limit / 2).max(1);
                let to = from.saturating_add(limit).min(end);
                // Near the end as many as anywhere.
                (to.saturating_sub(limit), to)
            }
        };
        from.max(1)..to.max(from).max(1)
    }

    /// Whether what is not accepted yet belongs to it: that stands behind the last place.
    pub(super) fn goes_to_the_end(self, head: u64, limit: u32) -> bool {
        match self {
            Self::Newest => true,
            Self::Before(_) => false,
            Self::After(_) | Self::Around(_) => self.range(head, limit).end > head,
        }
    }

    /// The hole in what is wanted that is nearest to where it has to join what the person sees.
    /// `here` are the places that are on this device, by rising place.
    pub(super) fn hole(
        self,
        wanted: &Range<u64>,
        here: impl Iterator<Item = u64>,
    ) -> Option<Range<u64>> {
        let holes = holes(wanted, here);
        match self {
            Self::Newest | Self::Before(_) => holes.last().cloned(),
            Self::After(_) => holes.first().cloned(),
            Self::Around(place) => holes.into_iter().min_by_key(|hole| distance(hole, place)),
        }
    }

    /// The places from there on that are here without a hole: empty, but at its place, where the first
    /// one is missing.
    pub(super) fn run(self, wanted: &Range<u64>, here: impl Iterator<Item = u64>) -> Range<u64> {
        let holes = holes(wanted, here);
        match self {
            Self::Newest | Self::Before(_) => {
                holes.last().map_or(wanted.start, |hole| hole.end)..wanted.end
            }
            Self::After(_) => wanted.start..holes.first().map_or(wanted.end, |hole| hole.start),
            Self::Around(place) => {
                let place =
                    place.clamp(wanted.start, wanted.end.saturating_sub(1).max(wanted.start));
                let below = holes.iter().rfind(|hole| hole.end <= place);
                let above = holes.iter().find(|hole| hole.end > place);
                let from = below.map_or(wanted.start, |hole| hole.end);
                let to = above.map_or(wanted.end, |hole| hole.start);
                // Nothing to show where the place itself is missing.
                if to <= place { place..place } else { from..to }
            }
        }
    }
}

fn distance(hole: &Range<u64>, place: u64) -> u64 {
    if hole.contains(&place) {
        0
    } else {
        hole.start.abs_diff(place).min(hole.end.abs_diff(place + 1))
    }
}

/// What is wanted and not here.
fn holes(wanted: &Range<u64>, here: impl Iterator<Item = u64>) -> Vec<Range<u64>> {
    let mut holes = Vec::new();
    let mut next = wanted.start;
    for place in here
        .filter(|place| wanted.contains(place))
        .chain([wanted.end])
    {
        if place > next {
            holes.push(next..place);
        }
        next = place + 1;
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_wanted_as_there_is() {
        for (part, head, wanted) in [
            (Part::Newest, 0, 1..1),
            (Part::Newest, 3, 1..4),
            (Part::Newest, 100, 91..101),
            (Part::Before(50), 100, 40..50),
            (Part::Before(5), 100, 1..5),
            (Part::Before(0), 100, 1..1),
            (Part::After(50), 100, 51..61),
            (Part::After(95), 100, 96..101),
            (Part::After(100), 100, 101..101),
            (Part::Around(50), 100, 45..55),
            (Part::Around(2), 100, 1..11),
            (Part::Around(100), 100, 91..101),
            (Part::Around(500), 100, 91..101),
            (Part::Around(1), 0, 1..1),
            (Part::After(u64::MAX), 100, u64::MAX..u64::MAX),
        ] {
            assert_eq!(part.range(head, 10), wanted, "{part:?} of {head}");
        }
    }

    #[test]
    fn only_what_goes_to_the_end_has_what_is_not_accepted() {
        for (part, to_the_end) in [
            (Part::Newest, true),
            (Part::Before(50), false),
            (Part::Before(101), false),
            (Part::After(50), false),
            (Part::After(89), false),
            (Part::After(90), true),
            (Part::After(100), true),
            (Part::Around(50), false),
            (Part::Around(95), false),
            (Part::Around(96), true),
            (Part::Around(500), true),
        ] {
            assert_eq!(part.goes_to_the_end(100, 10), to_the_end, "{part:?}");
            // What is not the end stays so when more comes.
            assert!(to_the_end || !part.goes_to_the_end(101, 10), "{part:?}");
        }
    }

    #[test]
    fn a_page_ends_at_a_hole_and_the_nearest_hole_is_filled_first() {
        let here = || [10, 11, 14, 15, 16, 19].into_iter();
        let wanted = 10..20;
        for (part, run, hole) in [
            (Part::Before(20), 19..20, 17..19),
            (Part::After(9), 10..12, 12..14),
            (Part::Around(15), 14..17, 12..14),
            (Part::Around(11), 10..12, 12..14),
            (Part::Around(19), 19..20, 17..19),
            (Part::Around(13), 13..13, 12..14),
        ] {
            assert_eq!(part.run(&wanted, here()), run, "{part:?}");
            assert_eq!(part.hole(&wanted, here()), Some(hole), "{part:?}");
        }
        assert_eq!(Part::Newest.run(&wanted, 10..20), wanted);
        assert_eq!(Part::Newest.hole(&wanted, 10..20), None);
        assert_eq!(Part::Before(20).run(&wanted, std::iter::empty()), 20..20);
        assert_eq!(Part::After(9).run(&wanted, std::iter::empty()), 10..10);
        assert_eq!(Part::Newest.run(&(1..1), std::iter::empty()), 1..1);
    }
}
