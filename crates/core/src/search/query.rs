//! What somebody has typed, and where a text has it.

use super::{
    excerpt::{self, Mark},
    folding::{Folded, begins, fold},
    pieces::{self, Piece},
};

/// The words that were typed. All of them have to be there.
pub(super) struct Query {
    words: Vec<Vec<char>>,
    pieces: Vec<Piece>,
}

impl Query {
    /// Whatever it is, it is words and never a language of its own.
    pub(super) fn of(typed: &str) -> Self {
        let folded = fold(typed).chars;
        let mut words: Vec<Vec<char>> = folded
            .split(|c| c.is_whitespace())
            .filter(|word| !word.is_empty())
            .map(<[char]>::to_vec)
            .collect();
        words.sort_unstable();
        words.dedup();
        // Half of all messages have a word that begins with this letter: beside other words it says next
        // to nothing, and its list is long.
        let tells = |word: &&Vec<char>| !matches!(word[..], [c] if c.is_ascii_alphabetic());
        let telling: Vec<&Vec<char>> = words.iter().filter(tells).collect();
        let asked = if telling.is_empty() {
            words.iter().collect()
        } else {
            telling
        };
        let mut pieces: Vec<Piece> = asked
            .into_iter()
            .flat_map(|word| pieces::of_word(word))
            .collect();
        let mut seen = std::collections::HashSet::new();
        pieces.retain(|piece| seen.insert(*piece));
        Self { words, pieces }
    }

    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The pieces that a text must have.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The part of a text around the first place that was found, with the marks in it; none where a
    /// word is not there.
    pub(super) fn excerpt(&self, text: &str) -> Option<(String, Vec<Mark>)> {
        let folded = fold(text);
        let mut found = Vec::new();
        for word in &self.words {
            let before = found.len();
            found.extend(places(&folded, word));
            if found.len() == before {
                return None;
            }
        }
        Some(excerpt::around(text, found))
    }
}

/// Where a word is: the numbers of the first character of the text and of the one after the last.
fn places<'a>(folded: &'a Folded, word: &'a [char]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let short = word.len() < 3;
    let ends = folded.chars.windows(word.len()).enumerate();
    ends.filter(move |(at, here)| *here == word && (!short || begins(&folded.chars, *at)))
        .filter_map(move |(at, _)| {
            let first = folded.origins.get(at)?;
            let last = folded.origins.get(at + word.len() - 1)?;
            Some((*first, *last + 1))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are marked.
    fn marked(typed: &str, text: &str) -> Option<Vec<String>> {
        let (text, marks) = Query::of(typed).excerpt(text)?;
        let units: Vec<u16> = text.encode_utf16().collect();
        let words = marks.iter().map(|mark| {
            let (from, to) = (mark.from as usize, mark.to as usize);
            String::from_utf16(&units[from..to]).unwrap()
        });
        Some(words.collect())
    }

    fn found(typed: &str, text: &str, words: &[&str]) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(marked(typed, text), Some(words), "{typed:?} in {text:?}");
    }

    fn not_found(typed: &str, text: &str) {
        assert_eq!(marked(typed, text), None, "{typed:?} in {text:?}");
    }

    #[test]
    fn short_words_are_beginnings_and_long_ones_are_anywhere() {
        found("co", "a compiler in coq", &["co", "co"]);
        not_found("om", "a compiler");
        found("omp", "a compiler", &["omp"]);
        found("ring", "String, strings", &["ring", "ring"]);
        found("e", "é is E", &["é", "E"]);
        not_found("e", "the");
    }

    #[test]
    fn all_words_have_to_be_there_in_any_order() {
        found("over the", "the moon, over", &["the", "over"]);
        not_found("over the", "over");
        found("the the", "the", &["the"]);
    }

    #[test]
    fn code_and_every_script_are_found() {
        found("vec<u8>", "let x: Vec<u8> = ", &["Vec<u8>"]);
        found("->", "fn a()->b", &["->"]);
        found("x²", "y + x2 = x² · x", &["x2", "x²"]);
        found("好", "你好吗", &["好"]);
        found("好吗", "你好吗", &["好吗"]);
        found("strasse", "Die Straße", &["Straße"]);
        found("👍", "ok 😀👍", &["👍"]);
        found("нет", "Интернет", &["нет"]);
    }

    #[test]
    fn a_letter_is_looked_for_in_the_index_only_where_there_is_nothing_else() {
        let pieces = |typed: &str| Query::of(typed).pieces().len();
        assert_eq!(pieces("i"), 1);
        assert_eq!(pieces("a i"), 2);
        assert_eq!(pieces("i see"), 1);
        assert_eq!(pieces("i 好"), 1);
        not_found("i see", "you see");
        found("i see", "I see", &["I", "see"]);
    }

    #[test]
    fn marks_that_touch_or_overlap_are_one() {
        found("anan nana", "banana", &["anana"]);
        found("ss", "ß", &["ß"]);
    }

    #[test]
    fn whatever_is_typed_is_only_words() {
        for typed in [
            "\"",
            "*",
            "NEAR(a, 2)",
            "a\0b",
            "'; DROP TABLE",
            "^x",
            "{a} : b",
            "\\",
            "-",
        ] {
            not_found(typed, "zz");
            assert!(marked(typed, typed).is_some(), "{typed:?}");
        }
        assert!(Query::of(" \0\n\u{200b} ").is_empty());
        let long = "word ".repeat(2_000);
        assert_eq!(Query::of(&long).words.len(), 1);
        not_found(&"x".repeat(10_000), "xxx");
    }
}
