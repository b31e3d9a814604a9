//! Tables `feed` and `feed_head`: what concerns each person, under numbers without gaps.
//!
//! Messages, the most frequent rows of all, wait in `feed_tail` in the order in which they came, and
//! are merged into `feed` some thousands at a time ([`merge`]). Reading sees both.
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

/// Begins the feed of a new person.
///
/// # Errors
/// Where the database fails.
pub async fn begin(conn: &mut Connection, person: PersonId) -> Result<(), Error> {
    let sql = "INSERT INTO feed_head (person, n, pruned) VALUES ($1, 0, 0)";
    sqlx::query(sql)
        .bind(person.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives entries the next numbers in a person's feed. Says the last of them.
///
/// # Errors
/// Where the person has no feed; where the database fails.
pub async fn append(
    conn: &mut Connection,
    person: PersonId,
    entries: &[Entry],
    now: UnixMs,
) -> Result<u64, Error> {
    let row = sqlx::query(HEAD)
        .bind(person.to_string())
        .fetch_optional(&mut *conn)
        .await?;
    let row = row.ok_or(Error::Broken("a feed is missing"))?;
    let head = row.count("n")? + entries.len() as u64;
    sqlx::query(RAISE)
        .bind(column_of(head))
        .bind(person.to_string())
        .execute(&mut *conn)
        .await?;
    let first = (head + 1).saturating_sub(entries.len() as u64);
    for (n, entry) in (first..).zip(entries) {
        #[cfg(feature = "faults")]
        if crate::faults::skip_feed() {
            continue;
        }
        sqlx::query(INSERT)
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

/// In two steps: on SQLite `RETURNING` costs a table of its own.
pub(super) const HEAD: &str = "SELECT n FROM feed_head WHERE person = $1";
pub(super) const RAISE: &str = "UPDATE feed_head SET n = $1 WHERE person = $2";

const INSERT: &str =
    "INSERT INTO feed (person, n, kind, thing, rev, at) VALUES ($1, $2, $3, $4, $5, $6)";

/// Appends at the tail instead.
pub(super) const INSERT_TAIL: &str =
    "INSERT INTO feed_tail (person, n, kind, thing, rev, at) VALUES ($1, $2, $3, $4, $5, $6)";

/// How many rows wait at the tail.
pub(super) const COUNT_TAIL: &str = "SELECT count(*) FROM feed_tail";

/// Together in one transaction. Sorted, so that each page of the feed is touched once.
pub(super) const MERGE: [&str; 2] = [
    "INSERT INTO feed (person, n, kind, thing, rev, at)
    SELECT person, n, kind, thing, rev, at FROM feed_tail ORDER BY person, n",
    "DELETE FROM feed_tail",
];

/// Merges the tail into the feed.
///
/// # Errors
/// Where the database fails.
pub async fn merge(conn: &mut Connection) -> Result<(), Error> {
    for sql in MERGE {
        sqlx::query(sql).execute(&mut *conn).await?;
    }
    Ok(())
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
    "SELECT n, kind, thing FROM feed_all WHERE person = $1 AND n > $2 ORDER BY n LIMIT $3";

/// Forgets rows older than `before` in the feeds of up to `limit` people after a person. Says the
/// last of them; none once all were looked at.
///
/// # Errors
/// Where the database fails.
pub async fn prune(
    conn: &mut Connection,
    before: UnixMs,
    after: Option<PersonId>,
    limit: i64,
) -> Result<Option<PersonId>, Error> {
    merge(conn).await?;
    let rows = sqlx::query(FEEDS)
        .bind(after.map(|person| person.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    let mut last = None;
    for row in &rows {
        let person: PersonId = row.parsed("person")?;
        last = Some(person);
        let kept = sqlx::query(KEPT)
            .bind(person.to_string())
            .bind(before)
            .fetch_optional(&mut *conn)
            .await?;
        // Numbers before the first that is young enough go; all of them where none is.
        let first = match kept {
            Some(row) => row.count("n")?,
            None => row.count("n")? + 1,
        };
        if first <= row.count("pruned")? + 1 {
            continue;
        }
        for sql in [
            "DELETE FROM feed WHERE person = $1 AND n < $2",
            "UPDATE feed_head SET pruned = $2 - 1 WHERE person = $1",
        ] {
            sqlx::query(sql)
                .bind(person.to_string())
                .bind(column_of(first))
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(last)
}

const FEEDS: &str =
    "SELECT person, n, pruned FROM feed_head WHERE person > $1 ORDER BY person LIMIT $2";

/// Walks the feed from its beginning: over what is to be pruned, and no further.
const KEPT: &str = "SELECT n FROM feed WHERE person = $1 AND at >= $2 ORDER BY n LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    fn entry(thing: &str) -> Entry {
        Entry::new(Kind::Message, thing, 1)
    }

    async fn add(school: &mut School, person: PersonId, things: &[&str], now: UnixMs) -> u64 {
        let entries: Vec<_> = things.iter().map(|thing| entry(thing)).collect();
        let head = append(&mut school.conn, person, &entries, now).await;
        head.unwrap()
    }

    #[tokio::test]
    async fn numbers_have_no_gaps_and_are_each_persons_own() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        assert_eq!(add(&mut school, maya, &["a", "b"], 1).await, 2);
        assert_eq!(add(&mut school, sam, &["c"], 2).await, 1);
        assert_eq!(add(&mut school, maya, &["c"], 2).await, 3);
        let rows = after(&mut school.conn, maya, 1, 10).await.unwrap();
        let things: Vec<_> = rows.iter().map(|row| (row.n, row.thing.as_str())).collect();
        assert_eq!(things, [(2, "b"), (3, "c")]);
    }

    #[tokio::test]
    async fn what_is_pruned_is_remembered_as_such() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        add(&mut school, maya, &["old", "old"], 10).await;
        add(&mut school, maya, &["new"], 1_000).await;
        add(&mut school, sam, &["old"], 10).await;
        let conn = &mut school.conn;
        let last = prune(conn, 100, None, 50).await.unwrap();
        assert_eq!(prune(conn, 100, last, 50).await.unwrap(), None);
        let maya_s = extent(conn, maya).await.unwrap();
        assert_eq!((maya_s.head, maya_s.pruned), (3, 2));
        let sam_s = extent(conn, sam).await.unwrap();
        assert_eq!((sam_s.head, sam_s.pruned), (1, 1));
        assert_eq!(after(conn, maya, 0, 10).await.unwrap().len(), 1);
        assert_eq!(after(conn, sam, 0, 10).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [FEEDS, KEPT, HEAD, RAISE] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
        // The tail is small.
        let steps = scans(&mut school.conn, AFTER).await;
        assert_eq!(steps, ["SCAN feed_tail"]);
    }
}
