//! Letters without what makes no difference to who searches: case, accents, width, ligatures.

use unicode_normalization::char::decompose_compatible;

/// A text as it is searched, with where each of its characters comes from.
pub(crate) struct Folded {
    /// The characters.
    pub(crate) chars: Vec<char>,
    /// For each the number of the character of the text that it comes from, from 0.
    pub(crate) origins: Vec<usize>,
}

/// Folds a text. Control characters become blanks.
pub(crate) fn fold(text: &str) -> Folded {
    let mut folded = Folded {
        chars: Vec::with_capacity(text.len()),
        origins: Vec::with_capacity(text.len()),
    };
    for (origin, c) in text.chars().enumerate() {
        each(c, |c| {
            folded.chars.push(c);
            folded.origins.push(origin);
        });
    }
    folded
}

fn each(c: char, mut give: impl FnMut(char)) {
    if c.is_ascii() {
        give(if c.is_ascii_control() {
            ' '
        } else {
            c.to_ascii_lowercase()
        });
        return;
    }
    decompose_compatible(c, |part| {
        for small in part.to_lowercase() {
            match small {
                // Letters that are told apart from others by a stroke, or written as two.
                'ß' => "ss".chars().for_each(&mut give),
                'æ' => "ae".chars().for_each(&mut give),
                'œ' => "oe".chars().for_each(&mut give),
                'ø' => give('o'),
                'ł' => give('l'),
                'đ' | 'ð' => give('d'),
                'ħ' => give('h'),
                'ı' => give('i'),
                'ς' => give('σ'),
                'ё' => give('е'),
                // A lower-case letter may be made of several, such as that of İ.
                other if is_accent(other) || is_invisible(other) => {}
                other if other.is_control() => give(' '),
                other => give(other),
            }
        }
    });
}

/// Marks that change how a letter is read and not which letter it is: those of Latin, Greek and
/// Cyrillic, the vowel points of Hebrew and Arabic. The vowels of Indic scripts and the voicing of
/// Japanese are letters to who searches.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{487}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that are not seen: joiners, marks of direction, variations of emoji, soft hyphens.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

/// Whether a word begins at this place: after a blank, between a letter and something else, at every
/// sign, and at every character of a script that puts no blanks between its words.
pub(crate) fn begins(chars: &[char], at: usize) -> bool {
    let Some(here) = chars.get(at).filter(|c| !c.is_whitespace()) else {
        return false;
    };
    match at.checked_sub(1).and_then(|before| chars.get(before)) {
        Some(before) => !(joins(*before) && joins(*here)),
        None => true,
    }
}

/// Whether a character stands together with its neighbours as a word.
fn joins(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let unspaced = matches!(c,
        // Thai, Lao, Tibetan, Burmese, Khmer
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        // Chinese and Japanese
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}');
    !unspaced && (c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        fold(text).chars.into_iter().collect()
    }

    #[test]
    fn case_accents_width_and_ligatures_make_no_difference() {
        for (text, searched) in [
            ("Zoë", "zoe"),
            ("Zoe\u{308}", "zoe"),
            ("ÀÉÎÕÜ", "aeiou"),
            ("Straße", "strasse"),
            ("İstanbul ıssız", "istanbul issiz"),
            ("Łódź", "lodz"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("Ёлка йод", "елка иод"),
            ("ﬁne ｆｕｌｌ x²", "fine full x2"),
            ("مُحَمَّد", "محمد"),
            ("שָׁלוֹם", "שלום"),
            ("a\u{200b}b\u{ad}c", "abc"),
            ("tab\tnul\0.", "tab nul ."),
        ] {
            assert_eq!(folded(text), searched, "{text}");
        }
        // These are other letters.
        assert_ne!(folded("が"), folded("か"));
        assert_ne!(folded("कु"), folded("क"));
    }

    #[test]
    fn each_character_knows_where_it_comes_from() {
        let folded = fold("éßx");
        assert_eq!(folded.chars, ['e', 's', 's', 'x']);
        assert_eq!(folded.origins, [0, 1, 1, 2]);
    }

    #[test]
    fn words_begin_where_somebody_would_look_for_them() {
        let beginnings = |text: &str| -> Vec<usize> {
            let chars: Vec<char> = text.chars().collect();
            (0..chars.len()).filter(|at| begins(&chars, *at)).collect()
        };
        assert_eq!(beginnings("see foo_bar(x)"), [0, 4, 7, 8, 11, 12, 13]);
        assert_eq!(beginnings("你好 ab"), [0, 1, 3]);
        assert_eq!(beginnings("->"), [0, 1]);
        assert_eq!(beginnings("हिन्दी"), [0]);
    }
}
