//! The pieces of words by which a message is found: what stands in the index, one term for each.
//!
//! Of each run of characters between blanks: every three in a row; and where a word begins, its first
//! one and its first two. Terms differ in length, so all of them live in one index, and what is asked
//! for is one expression over it. Whose and where a message is are terms too, longer than any piece: so
//! a rare person and a common word are found as quickly as a rare word. The index keeps no positions
//! (`detail=none`): that three pieces stand in a row is seen in the words themselves.

use super::{
    Findable,
    folding::{begins, fold},
};
use im_protocol::{ConversationId, PersonId};
use std::fmt::Write as _;

/// Of a message with files.
const FILES: &str = "files";
/// Terms that are asked for at most; the words themselves decide in the end.
const TERMS: usize = 32;

/// One to three characters, as a number: sorted and compared quickly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Piece(u64);

impl Piece {
    fn of(chars: &[char]) -> Self {
        // A character has 21 bits. None is NUL, which is a blank when folded.
        let shift = |number: u64, c: &char| number << 21 | u64::from(u32::from(*c));
        Self(chars.iter().fold(0, shift))
    }

    /// Writes it as the tokenizer leaves it whole: signs of ASCII are moved to where there are no
    /// signs. (A text that uses those characters itself is found in vain, and left out when read.)
    fn write(self, to: &mut String) {
        for place in [42, 21, 0] {
            let number = u32::try_from(self.0 >> place & 0x1f_ffff).unwrap_or(0);
            match char::from_u32(number) {
                None | Some('\0') => {}
                Some(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => {
                    to.extend(char::from_u32(0xe000 + number));
                }
                Some(c) => to.push(c),
            }
        }
    }
}

/// The terms of a message, for the index.
pub(crate) fn document(
    findable: &Findable<'_>,
    conversation: ConversationId,
    author: PersonId,
) -> String {
    let folded = fold(findable.text);
    let mut pieces = Vec::with_capacity(folded.chars.len() * 3 / 2);
    for at in 0..folded.chars.len() {
        let run = run(&folded.chars, at);
        if let Some(three) = run.get(..3) {
            pieces.push(Piece::of(three));
        }
        if begins(&folded.chars, at) {
            for length in 1..=run.len().min(2) {
                pieces.extend(run.get(..length).map(Piece::of));
            }
        }
    }
    pieces.sort_unstable();
    pieces.dedup();
    let mut terms = String::with_capacity(pieces.len() * 5 + 80);
    for piece in pieces {
        piece.write(&mut terms);
        terms.push(' ');
    }
    let _ = write!(terms, "{} {}", at(conversation), by(author));
    if findable.files {
        terms.push(' ');
        terms.push_str(FILES);
    }
    terms
}

/// Up to three characters from here on, as far as there is no blank.
fn run(chars: &[char], at: usize) -> &[char] {
    let run = chars.get(at..chars.len().min(at + 3)).unwrap_or_default();
    let length = run.iter().take_while(|c| !c.is_whitespace()).count();
    run.get(..length).unwrap_or_default()
}

/// The pieces of a word that is searched for.
pub(crate) fn of_word(word: &[char]) -> Vec<Piece> {
    if word.len() < 3 {
        return vec![Piece::of(word)];
    }
    word.windows(3).map(Piece::of).collect()
}

/// What is asked of the index: all of these pieces, in one of these conversations, by this person, with
/// files. Empty where nothing of it is given.
pub(crate) fn expression(
    pieces: &[Piece],
    conversations: Option<&[ConversationId]>,
    author: Option<PersonId>,
    files: bool,
) -> String {
    let mut all = Vec::new();
    if let Some(conversations) = conversations {
        let any: Vec<String> = conversations.iter().map(|one| quoted(&at(*one))).collect();
        all.push(format!("({})", any.join(" OR ")));
    }
    if files {
        all.push(quoted(FILES));
    }
    all.extend(author.map(|author| quoted(&by(author))));
    // Spread over the words: neighbours say much the same.
    let step = pieces.len().div_ceil(TERMS).max(1);
    for piece in pieces.iter().step_by(step) {
        let mut term = String::new();
        piece.write(&mut term);
        all.push(quoted(&term));
    }
    all.join(" AND ")
}

fn quoted(term: &str) -> String {
    // Terms are letters, digits and what is beyond ASCII: nothing in them ends a string.
    format!("\"{term}\"")
}

fn at(conversation: ConversationId) -> String {
    format!("in{}", conversation.uuid().simple())
}

fn by(person: PersonId) -> String {
    format!("by{}", person.uuid().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let findable = Findable { text, files: false };
        let document = document(&findable, ConversationId::new(), PersonId::new());
        let mut terms: Vec<String> = document.split(' ').map(str::to_owned).collect();
        terms.truncate(terms.len() - 2);
        terms.sort();
        terms
    }

    #[test]
    fn a_text_has_each_of_its_pieces_once() {
        assert_eq!(terms("Anna ann"), ["a", "an", "ann", "nna"]);
        assert_eq!(terms("a b"), ["a", "b"]);
        assert_eq!(
            terms("你好吗"),
            ["你", "你好", "你好吗", "吗", "好", "好吗"]
        );
        assert_eq!(terms(" \n\0 "), Vec::<String>::new());
    }

    #[test]
    fn signs_are_pieces_that_the_tokenizer_leaves_whole() {
        for term in terms("a->b; \"x\" * NEAR(") {
            let plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric();
            assert!(term.chars().all(plain), "{term:?}");
        }
    }

    #[test]
    fn however_much_is_asked_for_the_expression_is_short() {
        let word: Vec<char> = "abcdefghij".chars().cycle().take(10_000).collect();
        let expression = expression(&of_word(&word), None, None, false);
        assert!(expression.matches(" AND ").count() < TERMS);
        assert!(!expression.is_empty());
    }
}
