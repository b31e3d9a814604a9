//! The part of a text that is shown for a hit.

use im_contract::views::MarkRange;

/// What is marked.
pub(super) type Mark = MarkRange;

/// Characters that are shown, at most.
const LENGTH: usize = 200;
/// Of these before the first mark, where there are more.
const BEFORE: usize = 40;
/// Characters within which a cut is moved to a blank.
const NEAR: usize = 16;

/// The text around the first of the places (first character and the one after the last, by number), on
/// one line, and all marks that are in it, in UTF-16 units, in order and apart.
pub(super) fn around(text: &str, mut places: Vec<(usize, usize)>) -> (String, Vec<Mark>) {
    places.sort_unstable();
    let chars: Vec<char> = text.chars().collect();
    let first = places.first().map_or(0, |place| place.0);
    let mut from = 0;
    if chars.len() > LENGTH && first > BEFORE {
        from = first - BEFORE;
        let blank = |at: &usize| chars.get(*at).is_some_and(|c| c.is_whitespace());
        from = (from..from + NEAR).find(blank).map_or(from, |at| at + 1);
    }
    let until = chars.len().min(from + LENGTH);

    let mut excerpt = String::with_capacity(LENGTH * 2);
    if from > 0 {
        excerpt.push('…');
    }
    // Where each character begins, in UTF-16 units; and where the last one ends.
    let mut units = Vec::with_capacity(until - from + 1);
    let mut unit = u32::from(from > 0);
    for c in chars.get(from..until).unwrap_or_default() {
        units.push(unit);
        let shown = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            *c
        };
        unit += if shown.len_utf16() == 1 { 1 } else { 2 };
        excerpt.push(shown);
    }
    units.push(unit);
    if until < chars.len() {
        excerpt.push('…');
    }

    let mut marks: Vec<Mark> = Vec::new();
    let unit_of = |place: usize| units.get(place.clamp(from, until) - from).copied();
    for (start, end) in places {
        let (Some(start), Some(end)) = (unit_of(start), unit_of(end)) else {
            continue;
        };
        match marks.last_mut() {
            _ if start == end => {}
            Some(last) if start <= last.to => last.to = last.to.max(end),
            _ => marks.push(Mark {
                from: start,
                to: end,
            }),
        }
    }
    (excerpt, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_around_what_was_found() {
        let text = format!("{}\nneedle\n{}", "word ".repeat(100), "word ".repeat(100));
        let at = text.chars().position(|c| c == 'n').unwrap();
        let (excerpt, marks) = around(&text, vec![(at, at + 6), (at + 600, at + 604)]);
        assert!(
            excerpt.starts_with("…word") && excerpt.ends_with('…'),
            "{excerpt}"
        );
        assert!(excerpt.chars().count() <= LENGTH + 2);
        let [mark] = marks[..] else {
            panic!("{marks:?}")
        };
        assert_eq!(
            &excerpt.encode_utf16().collect::<Vec<_>>()[mark.from as usize..mark.to as usize],
            "needle".encode_utf16().collect::<Vec<_>>()
        );
    }

    #[test]
    fn marks_count_as_the_page_counts() {
        let (excerpt, marks) = around("👍🏽 ok\nok", vec![(3, 5), (6, 8)]);
        assert_eq!(excerpt, "👍🏽 ok ok");
        assert_eq!(marks, [Mark { from: 5, to: 7 }, Mark { from: 8, to: 10 }]);
    }
}
