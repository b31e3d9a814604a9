//! The SQL in a crate's sources, for tests that hold something of every statement: what is read from the
//! sources cannot be left out because nobody thought of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files of tests, whose statements nobody runs elsewhere.
const OF_TESTS: [&str; 3] = ["tests.rs", "testing.rs", "plans.rs"];

/// A statement and the file that it stands in.
pub type Found = (PathBuf, String);

/// The statements in all sources of a folder: string literals that begin like one, without those of
/// tests. What is put together by macros is left out: its pieces are no statements, and the test of its file
/// knows the whole.
///
/// # Panics
/// Where the folder cannot be read.
#[must_use]
pub fn statements(folder: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(statements(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !OF_TESTS.iter().any(|name| path.ends_with(name))
        {
            let source = fs::read_to_string(&path).expect("a source");
            found.extend(
                in_source(&source)
                    .into_iter()
                    .map(|one| (path.clone(), one)),
            );
        }
    }
    found
}

fn in_source(source: &str) -> Vec<String> {
    let product = source
        .split("\n#[cfg(test)]\nmod ")
        .next()
        .unwrap_or(source);
    let whole = without_pieces(product);
    let mut found = Vec::new();
    let mut rest = whole.as_str();
    while let Some((_, after)) = rest.split_once('"') {
        rest = after;
        let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "FROM "];
        if !begins.iter().any(|word| after.starts_with(word)) {
            continue;
        }
        let Some((literal, after)) = after.split_once('"') else {
            break;
        };
        rest = after;
        // A line that ends with a backslash goes on with the next one's first letter.
        let lines = literal
            .lines()
            .map(|line| line.trim().trim_end_matches('\\').trim_end());
        let text = lines.collect::<Vec<_>>().join(" ");
        for one in text.split(';').map(str::trim) {
            // Columns that several statements begin with; and what such a one goes on with.
            if one.starts_with("FROM ") {
                found.push(format!("SELECT * {one}"));
            } else if !one.starts_with("SELECT ") || one.contains(" FROM ") {
                found.extend((!one.is_empty()).then(|| one.to_owned()));
            }
        }
    }
    found
}

/// The source without what stands in a `concat!` and in a macro: pieces.
fn without_pieces(source: &str) -> String {
    let source = without(source, "macro_rules!", ('{', '}'));
    without(&source, "concat!", ('(', ')'))
}

/// The source without what stands in these brackets after this word.
fn without(source: &str, word: &str, (open, close): (char, char)) -> String {
    let mut kept = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once(word) {
        kept.push_str(before);
        let (mut depth, mut in_text) = (0, false);
        let end = after.find(|letter| {
            if letter == '"' {
                in_text = !in_text;
            }
            depth += i32::from(!in_text && letter == open);
            depth -= i32::from(!in_text && letter == close);
            !in_text && letter == close && depth == 0
        });
        rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_wherever_they_stand() {
        let source = "const A: &str = \"SELECT id \\\n    FROM a\";\n\
                      fn b() { run(\"DELETE FROM a; DELETE FROM b;\") }\n\
                      const C: &str = select!(\"FROM c WHERE d = $1\");\n\
                      fn c() { say(\"nothing\") }\n\
                      const D: &str = concat!(\"SELECT id FROM d WHERE (\", tied!(\"x\"), \")\");\n\
                      #[cfg(test)]\nmod tests { const B: &str = \"SELECT 1\"; }";
        assert_eq!(
            in_source(source),
            [
                "SELECT id FROM a",
                "DELETE FROM a",
                "DELETE FROM b",
                "SELECT * FROM c WHERE d = $1",
            ]
        );
    }
}
