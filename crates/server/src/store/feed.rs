//! Tables `feed` and `feed_head`: what concerns each person, under numbers without gaps.
//!
//! A row holds no content. [`facts`] joins it with the thing as it stands now, and only where the
//! person may (still) know of it, so that deletion and lost access hold for late devices too.

mod facts;

pub use facts::facts;

use super::{
    Connection,
    bulk::Bulk,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{PersonId, UnixMs};
use std::{collections::HashMap, fmt::Display};

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

/// Gives the entries of each person the next numbers in their feed. Says the first number that was
/// given to each, in the same order. No person comes twice.
///
/// # Errors
/// Where the database fails.
pub async fn append(
    conn: &mut Connection,
    feeds: &[(PersonId, Vec<Entry>)],
    now: UnixMs,
) -> Result<Vec<u64>, Error> {
    let mut heads = HashMap::with_capacity(feeds.len());
    for (sql, rows) in RAISE.filled(feeds) {
        let mut query = sqlx::query(sql);
        for (person, entries) in rows {
            query = query
                .bind(person.to_string())
                .bind(column_of(entries.len() as u64));
        }
        for row in query.fetch_all(&mut *conn).await? {
            heads.insert(row.parsed::<PersonId>("person")?, row.count("n")?);
        }
    }
    let mut firsts = Vec::with_capacity(feeds.len());
    let mut rows = Vec::new();
    for (person, entries) in feeds {
        let head = heads
            .get(person)
            .ok_or(Error::Broken("a feed is missing"))?;
        let first = (head + 1).saturating_sub(entries.len() as u64);
        firsts.push(first);
        rows.extend((first..).zip(entries).map(|(n, entry)| (*person, n, entry)));
    }
    #[cfg(feature = "faults")]
    rows.retain(|_| !crate::faults::skip_feed());
    for (sql, rows) in INSERT.exactly(&rows) {
        let mut query = sqlx::query(sql);
        for (person, n, entry) in rows {
            query = query
                .bind(person.to_string())
                .bind(column_of(*n))
                .bind(entry.kind.as_str())
                .bind(&entry.thing)
                .bind(column_of(entry.rev))
                .bind(now);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(firsts)
}

static RAISE: Bulk = Bulk::new(
    "UPDATE feed_head SET n = feed_head.n + given.column2 FROM (VALUES ",
    &["", "BIGINT"],
    ") AS given WHERE feed_head.person = given.column1 RETURNING feed_head.person, feed_head.n",
);

static INSERT: Bulk = Bulk::new(
    "INSERT INTO feed (person, n, kind, thing, rev, at) VALUES ",
    &["", "", "", "", "", ""],
    "",
);

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
        let entries = things.iter().map(|thing| entry(thing)).collect();
        let firsts = append(&mut school.conn, &[(person, entries)], now).await;
        firsts.unwrap()[0]
    }

    #[tokio::test]
    async fn numbers_have_no_gaps_and_are_each_persons_own() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        assert_eq!(add(&mut school, maya, &["a", "b"], 1).await, 1);
        assert_eq!(add(&mut school, maya, &["c"], 2).await, 3);
        let both = [
            (sam, vec![entry("c")]),
            (maya, vec![entry("d"), entry("e")]),
        ];
        let firsts = append(&mut school.conn, &both, 3).await.unwrap();
        assert_eq!(firsts, [1, 4]);
        let rows = after(&mut school.conn, maya, 1, 10).await.unwrap();
        let things: Vec<_> = rows.iter().map(|row| (row.n, row.thing.as_str())).collect();
        assert_eq!(things, [(2, "b"), (3, "c"), (4, "d"), (5, "e")]);
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
        for sql in [AFTER, FEEDS, KEPT] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
        // The rows given are read as a whole, the table is not.
        let steps = scans(&mut school.conn, RAISE.example()).await;
        assert_eq!(steps, ["SCAN given"]);
    }
}
