//! Every statement of the store finds its rows by an index.

use super::testing::{self, plan, walks};
use std::path::Path;

/// Statements that read a whole table: each is small, and all of it is wanted.
const READ_WHOLE: &[&str] = &[
    "SELECT conversation, text FROM draft WHERE text <> ''",
    "SELECT n, kind, data FROM raw_fact ORDER BY n",
    "SELECT conversation, seq FROM read_mark",
];

#[test]
fn every_statement_of_the_store_finds_its_rows_by_an_index() {
    let databases = [testing::cache(), testing::outbox()];
    let folder = Path::new("src/store");
    let statements = im_testkit::sql::statements(folder);
    let mut wrong = Vec::new();
    for (path, statement) in &statements {
        let plans = databases
            .iter()
            .find_map(|database| plan(database, statement).ok());
        let plan = plans.unwrap_or_else(|| panic!("{}: {statement}", path.display()));
        if walks(&plan) != READ_WHOLE.contains(&statement.as_str()) {
            wrong.push(format!("{}\n{statement}\n{plan:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(
        statements.len() > 60,
        "only {} were found",
        statements.len()
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
        "SELECT rowid FROM search ORDER BY rowid DESC",
    ] {
        assert!(walks(&plan(&cache, statement).unwrap()), "{statement}");
    }
}
