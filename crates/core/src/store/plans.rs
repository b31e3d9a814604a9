//! Every statement of the store finds its rows by an index. They are read from the sources, so that none
//! is left out because nobody thought of it.

use super::testing::{self, plan, walks};
use rusqlite::Connection;
use std::{collections::BTreeMap, fs, path::Path};

/// Statements that read a whole table: each is small, and all of it is wanted.
const READ_WHOLE: &[&str] = &[
    "SELECT conversation, text FROM draft WHERE text <> ''",
    "SELECT n, kind, data FROM raw_fact ORDER BY n",
    "SELECT conversation, seq FROM read_mark",
];

/// The statements in a source, without those of its tests: string literals that begin like one.
fn statements(source: &str) -> Vec<String> {
    let source = source.split("\n#[cfg(test)]").next().unwrap_or(source);
    let mut found = Vec::new();
    for (at, _) in source.match_indices('"') {
        let text = &source[at + 1..];
        let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
        if !begins.iter().any(|word| text.starts_with(word)) {
            continue;
        }
        let end = text.find('"').expect("a literal ends");
        // A line that ends with a backslash goes on with the next one's first letter.
        let mut statement = String::new();
        for line in text[..end].lines() {
            let line = line.trim();
            statement.push_str(line.strip_suffix('\\').unwrap_or(line).trim_end());
            statement.push(' ');
        }
        for one in statement.split(';').map(str::trim) {
            if !one.is_empty() {
                found.push(one.to_owned());
            }
        }
    }
    found
}

fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !["tests.rs", "plans.rs"]
                .iter()
                .any(|name| path.ends_with(name))
        {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path.display().to_string(), text);
        }
    }
}

#[test]
fn every_statement_of_the_store_finds_its_rows_by_an_index() {
    let databases: [Connection; 2] = [testing::cache(), testing::outbox()];
    let mut all = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    sources(&folder, &mut all);
    let mut looked_at = 0;
    let mut wrong = Vec::new();
    for (path, source) in &all {
        for statement in statements(source) {
            let plans = databases
                .iter()
                .find_map(|database| plan(database, &statement).ok());
            let plan = plans.unwrap_or_else(|| panic!("{path}: no database takes {statement}"));
            looked_at += 1;
            if walks(&plan) != READ_WHOLE.contains(&statement.as_str()) {
                wrong.push(format!("{path}\n{statement}\n{plan:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(
        looked_at > 60,
        "only {looked_at} statements were found in the sources"
    );
}

#[test]
fn a_statement_without_an_index_is_noticed() {
    let cache = testing::cache();
    for statement in [
        "SELECT id FROM message WHERE author = ?1",
        "SELECT id FROM message WHERE conversation = ?1 ORDER BY accepted_at",
        "DELETE FROM message WHERE rev > ?1",
        "SELECT rowid FROM search",
    ] {
        assert!(walks(&plan(&cache, statement).unwrap()), "{statement}");
    }
    let source = "const A: &str = \"SELECT id \\\n    FROM message WHERE id = ?1\";\n#[cfg(test)]\n\"SELECT 1\"";
    assert_eq!(statements(source), ["SELECT id FROM message WHERE id = ?1"]);
}
