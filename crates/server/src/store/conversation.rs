//! Tables `conversation` and `membership`: who talks with whom, and how far each has read.

use super::{
    Connection, Row,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{
    ConversationId, CourseId, PersonId, UnixMs,
    conversation::{Closed, Conversation},
};

/// What identifies a conversation besides its id: never two of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The one who learns.
    pub student: PersonId,
    /// The one who teaches.
    pub mentor: PersonId,
    /// About what, if about a course.
    pub course: Option<CourseId>,
}

/// What is between the two of a conversation right now: the sum of what column `bars` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bars(u8);

impl Bars {
    /// Nothing is: they may talk.
    pub const NONE: Self = Self(0);
    /// Nothing ties them.
    pub const UNTIED: Self = Self(1);
    /// The student blocks the mentor.
    pub const STUDENT_BLOCKS: Self = Self(2);
    /// The mentor blocks the student.
    pub const MENTOR_BLOCKS: Self = Self(4);
    /// The student is suspended.
    pub const STUDENT_SUSPENDED: Self = Self(8);
    /// The mentor is suspended.
    pub const MENTOR_SUSPENDED: Self = Self(16);

    /// Out of the column.
    ///
    /// # Errors
    /// Where it is no such sum.
    pub fn of(column: u64) -> Result<Self, Error> {
        u8::try_from(column)
            .map(Self)
            .map_err(|_| Error::Broken("what is between two is not as known"))
    }

    /// For the column.
    #[must_use]
    pub const fn column(self) -> i64 {
        self.0 as i64
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is any of these.
    #[must_use]
    pub const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Why nothing is written, for the student or the mentor. Being blocked looks like anything
    /// else that keeps the other away.
    #[must_use]
    pub const fn closed_for(self, student: bool) -> Option<Closed> {
        let (own, others) = if student {
            (Self::STUDENT_BLOCKS, Self::MENTOR_BLOCKS)
        } else {
            (Self::MENTOR_BLOCKS, Self::STUDENT_BLOCKS)
        };
        let away = others
            .and(Self::STUDENT_SUSPENDED)
            .and(Self::MENTOR_SUSPENDED);
        if self.has(own) {
            Some(Closed::Blocked)
        } else if self.has(Self::UNTIED) {
            Some(Closed::Untied)
        } else if self.has(away) {
            Some(Closed::Unreachable)
        } else {
            None
        }
    }
}

/// A conversation as a writer needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The two.
    pub pair: Pair,
    /// The `seq` of its last message.
    pub seq: u64,
    /// The `rev` of its last change.
    pub rev: u64,
    /// Whether one of the two is gone for good.
    pub gone: bool,
    /// What is between the two.
    pub bars: Bars,
}

impl Heads {
    /// Whether a person is one of the two.
    #[must_use]
    pub fn has(&self, person: PersonId) -> bool {
        self.pair.student == person || self.pair.mentor == person
    }

    /// Why nothing is written, as one of the two may know it.
    #[must_use]
    pub fn closed_for(&self, reader: PersonId) -> Option<Closed> {
        if self.gone {
            return Some(Closed::Deleted);
        }
        self.bars.closed_for(self.pair.student == reader)
    }

    /// The other one of the two.
    #[must_use]
    pub fn other(&self, person: PersonId) -> PersonId {
        if self.pair.student == person {
            self.pair.mentor
        } else {
            self.pair.student
        }
    }
}

/// Adds a conversation with its two members, and what is between them.
///
/// # Errors
/// Where there is one of this pair already, as a unique violation; where the database fails.
pub async fn insert(
    conn: &mut Connection,
    id: ConversationId,
    pair: Pair,
    bars: Bars,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO conversation
        (id, student, mentor, course, created_at, head_seq, head_rev, bars)
        VALUES ($1, $2, $3, $4, $5, 0, 0, $6)";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(pair.student.to_string())
        .bind(pair.mentor.to_string())
        .bind(pair.course.map(|course| course.to_string()))
        .bind(now)
        .bind(bars.column())
        .execute(&mut *conn)
        .await?;
    let sql = "INSERT INTO membership (person, conversation, read_seq, unread)
        VALUES ($2, $1, 0, 0), ($3, $1, 0, 0)";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(pair.student.to_string())
        .bind(pair.mentor.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// The one conversation of a pair.
///
/// # Errors
/// Where the database fails.
pub async fn find(conn: &mut Connection, pair: Pair) -> Result<Option<ConversationId>, Error> {
    let sql = "SELECT id FROM conversation
        WHERE student = $1 AND mentor = $2 AND coalesce(course, '') = $3";
    let row = sqlx::query(sql)
        .bind(pair.student.to_string())
        .bind(pair.mentor.to_string())
        .bind(pair.course.map(|id| id.to_string()).unwrap_or_default())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.parsed("id")).transpose()
}

/// A conversation with its heads, whoever asks.
///
/// # Errors
/// Where the database fails.
pub async fn heads(conn: &mut Connection, id: ConversationId) -> Result<Option<Heads>, Error> {
    let row = sqlx::query(HEADS)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Heads {
        pair: Pair {
            student: row.parsed("student")?,
            mentor: row.parsed("mentor")?,
            course: row.maybe("course")?,
        },
        seq: row.count("head_seq")?,
        rev: row.count("head_rev")?,
        gone: row.maybe_int("closed_at")?.is_some(),
        bars: Bars::of(row.count("bars")?)?,
    }))
}

pub(super) const HEADS: &str =
    "SELECT id, student, mentor, course, head_seq, head_rev, closed_at, bars
    FROM conversation WHERE id = $1";

/// Moves the heads of a conversation after a message was added.
///
/// # Errors
/// Where the database fails.
pub async fn set_heads(
    conn: &mut Connection,
    id: ConversationId,
    seq: u64,
    rev: u64,
) -> Result<(), Error> {
    sqlx::query(SET_HEADS)
        .bind(column_of(seq))
        .bind(column_of(rev))
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) const SET_HEADS: &str =
    "UPDATE conversation SET head_seq = $1, head_rev = $2 WHERE id = $3";

/// Sets what is between the two of a conversation.
///
/// # Errors
/// Where the database fails.
pub async fn set_bars(conn: &mut Connection, id: ConversationId, bars: Bars) -> Result<(), Error> {
    sqlx::query("UPDATE conversation SET bars = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(bars.column())
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts messages that a person has not read.
///
/// # Errors
/// Where the database fails.
pub async fn add_unread(
    conn: &mut Connection,
    id: ConversationId,
    person: PersonId,
    count: u64,
) -> Result<(), Error> {
    sqlx::query(ADD_UNREAD)
        .bind(column_of(count))
        .bind(person.to_string())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) const ADD_UNREAD: &str =
    "UPDATE membership SET unread = unread + $1 WHERE person = $2 AND conversation = $3";

pub(super) const UNREAD: &str =
    "SELECT unread FROM membership WHERE person = $1 AND conversation = $2";

fn unread_of(row: &Row) -> Result<u32, Error> {
    Ok(u32::try_from(row.count("unread")?).unwrap_or(u32::MAX))
}

/// Moves a person's read marker forward and counts what is left unread. Says whether it moved.
///
/// # Errors
/// Where the database fails.
pub async fn mark_read(
    conn: &mut Connection,
    id: ConversationId,
    person: PersonId,
    seq: u64,
) -> Result<bool, Error> {
    let done = sqlx::query(MARK_READ)
        .bind(person.to_string())
        .bind(id.to_string())
        .bind(column_of(seq))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts anew what a person has not read, after messages ceased to be news.
///
/// # Errors
/// Where the database fails.
pub async fn recount(
    conn: &mut Connection,
    id: ConversationId,
    person: PersonId,
) -> Result<(), Error> {
    sqlx::query(RECOUNT)
        .bind(person.to_string())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

const RECOUNT: &str = "UPDATE membership SET unread = (
        SELECT count(*) FROM message
        WHERE message.conversation = $2 AND message.seq > membership.read_seq
            AND message.author <> $1 AND message.news = 1
    ) WHERE person = $1 AND conversation = $2";
const MARK_READ: &str = "UPDATE membership SET read_seq = $3, unread = (
        SELECT count(*) FROM message
        WHERE message.conversation = $2 AND message.seq > $3 AND message.author <> $1
            AND message.news = 1
    ) WHERE person = $1 AND conversation = $2 AND read_seq < $3";

/// A conversation as one of its people sees it; none where they are not in it.
///
/// # Errors
/// Where the database fails.
pub async fn view(
    conn: &mut Connection,
    id: ConversationId,
    reader: PersonId,
) -> Result<Option<Conversation>, Error> {
    let row = sqlx::query(VIEW)
        .bind(reader.to_string())
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

const VIEW: &str = "SELECT c.id, c.student, c.mentor, c.course, c.created_at, c.head_seq,
        c.head_rev, c.closed_at, c.bars, m.person AS reader, m.read_seq, m.unread, o.read_seq AS other_read_seq
    FROM membership m
    JOIN conversation c ON c.id = m.conversation
    JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
    WHERE m.person = $1 AND m.conversation = $2";

/// A page of a person's conversations by id, after the given one. One that is over before anything
/// was said is none.
///
/// # Errors
/// Where the database fails.
pub async fn page(
    conn: &mut Connection,
    reader: PersonId,
    after: Option<ConversationId>,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    let rows = sqlx::query(PAGE)
        .bind(reader.to_string())
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const PAGE: &str = "SELECT c.id, c.student, c.mentor, c.course, c.created_at, c.head_seq,
        c.head_rev, c.closed_at, c.bars, m.person AS reader, m.read_seq, m.unread, o.read_seq AS other_read_seq
    FROM membership m
    JOIN conversation c ON c.id = m.conversation
    JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
    WHERE m.person = $1 AND m.conversation > $2 AND (c.closed_at IS NULL OR c.head_seq > 0)
    ORDER BY m.conversation LIMIT $3";

/// A conversation out of the columns of [`view`].
///
/// # Errors
/// Where a column does not fit.
pub fn read(row: &Row) -> Result<Conversation, Error> {
    let (student, reader): (PersonId, PersonId) = (row.parsed("student")?, row.parsed("reader")?);
    let bars = Bars::of(row.count("bars")?)?;
    let closed = match row.maybe_int("closed_at")? {
        Some(_) => Some(Closed::Deleted),
        None => bars.closed_for(student == reader),
    };
    Ok(Conversation {
        id: row.parsed("id")?,
        members: vec![student, row.parsed("mentor")?],
        course: row.maybe("course")?,
        created_at: row.int("created_at")?,
        head_seq: row.count("head_seq")?,
        head_rev: row.count("head_rev")?,
        read_seq: row.count("read_seq")?,
        other_read_seq: row.count("other_read_seq")?,
        unread: unread_of(row)?,
        closed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn there_is_one_conversation_of_a_pair_and_a_course() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let pair = Pair {
            student: sam,
            mentor: maya,
            course: None,
        };
        let id = ConversationId::new();
        let none = Bars::NONE;
        insert(&mut school.conn, id, pair, none, 1).await.unwrap();
        assert_eq!(find(&mut school.conn, pair).await.unwrap(), Some(id));
        let again = insert(&mut school.conn, ConversationId::new(), pair, none, 2).await;
        assert!(again.is_err());
        let course = Some(school.course("Algebra", maya).await);
        let about = Pair { course, ..pair };
        assert_eq!(find(&mut school.conn, about).await.unwrap(), None);
        let second = ConversationId::new();
        insert(&mut school.conn, second, about, none, 3)
            .await
            .unwrap();
        assert_eq!(
            page(&mut school.conn, sam, None, 10).await.unwrap().len(),
            2
        );
        let after = page(&mut school.conn, sam, Some(id.min(second)), 10).await;
        assert_eq!(after.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_read_marker_moves_only_forward_and_unread_follows() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        for text in ["one", "two", "three"] {
            school.say(id, sam, text).await;
        }
        let conn = &mut school.conn;
        let unread = |view: Option<Conversation>| view.map(|view| (view.read_seq, view.unread));
        assert_eq!(unread(view(conn, id, maya).await.unwrap()), Some((0, 3)));
        assert!(mark_read(conn, id, maya, 2).await.unwrap());
        assert!(!mark_read(conn, id, maya, 1).await.unwrap());
        assert_eq!(unread(view(conn, id, maya).await.unwrap()), Some((2, 1)));
        let sam_sees = view(conn, id, sam).await.unwrap().unwrap();
        assert_eq!((sam_sees.unread, sam_sees.other_read_seq), (0, 2));
        assert_eq!(view(conn, id, lin).await.unwrap(), None);
    }

    #[test]
    fn why_it_is_closed_is_told_to_each_as_far_as_they_may_know() {
        let told = |bars: Bars| (bars.closed_for(true), bars.closed_for(false));
        assert_eq!(told(Bars::NONE), (None, None));
        let untied = Some(Closed::Untied);
        assert_eq!(told(Bars::UNTIED), (untied, untied));
        let (blocked, away) = (Some(Closed::Blocked), Some(Closed::Unreachable));
        assert_eq!(told(Bars::STUDENT_BLOCKS), (blocked, away));
        assert_eq!(told(Bars::MENTOR_BLOCKS), (away, blocked));
        let both = Bars::STUDENT_BLOCKS.and(Bars::MENTOR_BLOCKS);
        assert_eq!(told(both), (blocked, blocked));
        // A mentor who is suspended and one who blocks look the same.
        assert_eq!(Bars::MENTOR_SUSPENDED.closed_for(true), away);
        assert_eq!(Bars::STUDENT_SUSPENDED.closed_for(false), away);
        let left = Bars::MENTOR_BLOCKS.and(Bars::UNTIED);
        assert_eq!(told(left), (untied, blocked));
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        let all = [
            VIEW, PAGE, MARK_READ, RECOUNT, HEADS, SET_HEADS, ADD_UNREAD, UNREAD,
        ];
        for sql in all {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
}
