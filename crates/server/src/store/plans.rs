//! Every statement of the store finds its rows by an index. Sorting what was found so is fine: it is a
//! person's or a conversation's.

use super::{Connection, testing::School};
use sqlx::{AssertSqlSafe, Row as _};
use std::path::Path;

/// Statements that walk a table all the same, and why.
const WALKS: &[(&str, &str)] = &[(
    "SELECT 1 AS other FROM person WHERE role = $1 AND id <> $2 AND deleted_at IS NULL LIMIT 1",
    "asked once when an administrator deletes their account",
)];
/// Kept so short that it is walked wherever the feed is read; see `feed.rs`.
const SHORT: &str = "SCAN feed_tail";

/// The steps of a statement's plan that walk a table.
async fn walks(conn: &mut Connection, statement: &str) -> sqlx::Result<Vec<String>> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(conn).await?;
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    // Rows that are given are no table.
    let given = |step: &str| step.contains("CONSTANT ROW") || step.contains("VALUES CLAUSE");
    let walks = |step: &String| {
        step.starts_with("SCAN ") && !step.contains("USING") && step != SHORT && !given(step)
    };
    Ok(steps.filter(walks).collect())
}

#[tokio::test]
async fn every_statement_of_the_store_finds_its_rows_by_an_index() {
    let mut school = School::open().await;
    let folder = Path::new("src/store");
    let statements = im_testkit::sql::statements(folder);
    let mut wrong = Vec::new();
    for (path, statement) in &statements {
        let walks = match walks(&mut school.conn, statement).await {
            Ok(walks) => walks,
            Err(error) => panic!("{}: {statement}\n{error}", path.display()),
        };
        let known = WALKS.iter().any(|(known, _)| known == statement);
        if walks.is_empty() == known {
            wrong.push(format!("{}\n{statement}\n{walks:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(
        statements.len() > 60,
        "only {} were found",
        statements.len()
    );
}

#[tokio::test]
async fn a_statement_without_an_index_is_noticed() {
    let mut school = School::open().await;
    for statement in [
        "SELECT id FROM message WHERE author = $1",
        "DELETE FROM message WHERE rev > $1",
    ] {
        let walks = walks(&mut school.conn, statement).await.unwrap();
        assert_eq!(walks.len(), 1, "{statement}");
    }
}
