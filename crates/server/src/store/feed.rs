//! Tables `feed` and `feed_head`: what concerns each person, under numbers without gaps.
//!
//! A row holds no content. [`facts`] joins it with the thing as it stands now, and only where the
//! person may (still) know of it, so that deletion and lost access hold for late devices too.

mod facts;

pub use facts::facts;

use super::{
    Connection,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{PersonId, UnixMs};
use std::fmt::Display;

/// What kind of thing a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A conversation, its markers and counts.
    Conversation,
    /// A message.
    Message,
    /// A call.
    Call,
    /// A person.
    Person,
    /// A course.
    Course,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Conversation,
        Self::Message,
        Self::Call,
        Self::Person,
        Self::Course,
    ];

    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Message => "message",
            Self::Call => "call",
            Self::Person => "person",
            Self::Course => "course",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A row to be appended to each of some feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// About what kind of thing.
    pub kind: Kind,
    /// Which; its id as text.
    pub thing: String,
    /// The revision that was reached; 0 for things without.
    pub rev: u64,
}

impl Entry {
    /// An entry about a thing.
    pub fn new(kind: Kind, thing: impl Display, rev: u64) -> Self {
        Self {
            kind,
            thing: thing.to_string(),
            rev,
        }
    }
}

/// A row as it is read, before it is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Its number.
    pub n: u64,
    /// About what kind of thing; none for a kind of a newer node.
    pub kind: Option<Kind>,
    /// Which.
    pub thing: String,
}

/// How far a feed goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The last number given.
    pub head: u64,
    /// The last number pruned: a cursor before it is worth nothing.
    pub pruned: u64,
}

/// Gives entries the next numbers in a person's feed. Says the new head.
///
/// # Errors
/// Where the database fails.
pub async fn append(
    conn: &mut Connection,
    person: PersonId,
    entries: &[Entry],
    now: UnixMs,
) -> Result<u64, Error> {
    let count = entries.len() as u64;
    let sql = "INSERT INTO feed_head (person, n, pruned) VALUES ($1, $2, 0)
        ON CONFLICT (person) DO UPDATE SET n = feed_head.n + $2 RETURNING n";
    let row = sqlx::query(sql)
        .bind(person.to_string())
        .bind(column_of(count))
        .fetch_one(&mut *conn)
        .await?;
    let head = row.count("n")?;
    let first = head.saturating_sub(count) + 1;
    for (n, entry) in (first..).zip(entries) {
        #[cfg(feature = "faults")]
        if crate::faults::skip_feed() {
            continue;
        }
        let sql = "INSERT INTO feed (person, n, kind, thing, rev, at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(person.to_string())
            .bind(column_of(n))
            .bind(entry.kind.as_str())
            .bind(&entry.thing)
            .bind(column_of(entry.rev))
            .bind(now)
            .execute(&mut *conn)
            .await?;
    }
    Ok(head)
}

/// How far a person's feed goes.
///
/// # Errors
/// Where the database fails.
pub async fn extent(conn: &mut Connection, person: PersonId) -> Result<Extent, Error> {
    let sql = "SELECT n, pruned FROM feed_head WHERE person = $1";
    let row = sqlx::query(sql)
        .bind(person.to_string())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else {
        return Ok(Extent::default());
    };
    Ok(Extent {
        head: row.count("n")?,
        pruned: row.count("pruned")?,
    })
}

/// The rows after a number.
///
/// # Errors
/// Where the database fails.
pub async fn after(
    conn: &mut Connection,
    person: PersonId,
    n: u64,
    limit: u64,
) -> Result<Vec<FeedRow>, Error> {
    let rows = sqlx::query(AFTER)
        .bind(person.to_string())
        .bind(column_of(n))
        .bind(column_of(limit))
        .fetch_all(conn)
        .await?;
    let read = |row: &super::Row| {
        Ok(FeedRow {
            n: row.count("n")?,
            kind: Kind::of(&row.text("kind")?),
            thing: row.text("thing")?,
        })
    };
    rows.iter().map(read).collect()
}

const AFTER: &str =
    "SELECT n, kind, thing FROM feed WHERE person = $1 AND n > $2 ORDER BY n LIMIT $3";

/// Forgets rows older than `before`, up to `limit` of them. Says how many.
///
/// # Errors
/// Where the database fails.
pub async fn prune(conn: &mut Connection, before: UnixMs, limit: i64) -> Result<u64, Error> {
    let rows = sqlx::query(PRUNE)
        .bind(before)
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    for row in &rows {
        let sql = "UPDATE feed_head SET pruned = $2 WHERE person = $1 AND pruned < $2";
        sqlx::query(sql)
            .bind(row.text("person")?)
            .bind(row.int("n")?)
            .execute(&mut *conn)
            .await?;
    }
    Ok(rows.len() as u64)
}

const PRUNE: &str = "DELETE FROM feed WHERE (person, n) IN
    (SELECT person, n FROM feed WHERE at < $1 ORDER BY at LIMIT $2) RETURNING person, n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    fn entry(thing: &str) -> Entry {
        Entry::new(Kind::Message, thing, 1)
    }

    #[tokio::test]
    async fn numbers_have_no_gaps_and_are_each_persons_own() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        let before = extent(conn, maya).await.unwrap().head;
        append(conn, maya, &[entry("a"), entry("b")], 1)
            .await
            .unwrap();
        let head = append(conn, maya, &[entry("c")], 2).await.unwrap();
        assert_eq!(head, before + 3);
        assert_eq!(
            append(conn, sam, &[entry("a")], 3).await.unwrap(),
            before + 1
        );
        let rows = after(conn, maya, before + 1, 10).await.unwrap();
        let numbers: Vec<_> = rows.iter().map(|row| row.n).collect();
        assert_eq!(numbers, [before + 2, before + 3]);
    }

    #[tokio::test]
    async fn what_is_pruned_is_remembered_as_such() {
        let mut school = School::open().await;
        let (maya, ..) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        let start = extent(conn, maya).await.unwrap().head;
        append(conn, maya, &[entry("old"), entry("old")], 10)
            .await
            .unwrap();
        append(conn, maya, &[entry("new")], 1_000).await.unwrap();
        assert_eq!(prune(conn, 100, 50).await.unwrap(), start + 2);
        let extent = extent(conn, maya).await.unwrap();
        assert_eq!((extent.head, extent.pruned), (start + 3, start + 2));
        assert_eq!(after(conn, maya, 0, 10).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [AFTER, PRUNE] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
}
