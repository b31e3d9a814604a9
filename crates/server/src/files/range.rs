//! Which part of a file is wanted: `Range` and its companions (RFC 9110, sections 13.1 and 14).

use std::ops::Range;

/// What to give of so many bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Some(Range<u64>),
    /// Nothing: it ends before the part begins.
    Beyond,
}

/// Reads a `Range` field for something of `size` bytes, which is more than 0. Several ranges, other
/// units and what makes no sense are answered with the whole, as the RFC allows.
pub(super) fn part_of(field: Option<&str>, size: u64) -> Part {
    let Some(wanted) = field.and_then(in_bytes) else {
        return Part::Whole;
    };
    let (first, last) = match wanted {
        (Some(first), last) => (first, last.unwrap_or(u64::MAX)),
        (None, Some(0)) => return Part::Beyond,
        // The last so many bytes.
        (None, Some(count)) => (size.saturating_sub(count), u64::MAX),
        (None, None) => return Part::Whole,
    };
    if last < first {
        return Part::Whole;
    }
    if first >= size {
        return Part::Beyond;
    }
    Part::Some(first..last.saturating_add(1).min(size))
}

fn in_bytes(field: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let number = |text: &str| -> Option<Option<u64>> {
        match text {
            "" => Some(None),
            // `parse` would take a sign.
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(Some(digits.parse().unwrap_or(u64::MAX)))
            }
            _ => None,
        }
    };
    Some((number(first)?, number(last)?))
}

/// Whether a field of entity tags (`If-None-Match`) names this one, compared weakly.
pub(super) fn names(field: &str, tag: &str) -> bool {
    let mut tags = field.split(',').map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_rfc_says() {
        let some = |range| Part::Some(range);
        for (field, part) in [
            ("bytes=0-0", some(0..1)),
            ("bytes=0-", some(0..10)),
            ("bytes=3-5", some(3..6)),
            ("Bytes=3-99", some(3..10)),
            ("bytes=-4", some(6..10)),
            ("bytes=-99", some(0..10)),
            ("bytes=9-18446744073709551616", some(9..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=5-3", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("pages=1-2", Part::Whole),
            ("nonsense", Part::Whole),
        ] {
            assert_eq!(part_of(Some(field), 10), part, "{field}");
        }
        assert_eq!(part_of(None, 10), Part::Whole);
    }

    #[test]
    fn a_tag_is_found_in_a_list() {
        assert!(names("\"a\", W/\"b\"", "\"b\""));
        assert!(names("*", "\"b\""));
        assert!(!names("\"a\"", "\"b\""));
    }
}
