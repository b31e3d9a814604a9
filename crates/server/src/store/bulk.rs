//! Tables `bulk` and `bulk_recipient`: what a mentor writes to a whole course, and who has it.

use super::{
    Connection, Row,
    row::{Columns, column_of, to_word},
};
use crate::error::Error;
use im_protocol::{BulkId, CourseId, PersonId, UnixMs, bulk::Bulk};
use serde::Serialize;

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Who wrote it.
    pub author: PersonId,
    /// To which course.
    pub course: CourseId,
    /// The words.
    pub text: String,
    /// Over course and words.
    pub digest: String,
    /// The author's clock.
    pub written_at: UnixMs,
    /// The server's clock.
    pub accepted_at: UnixMs,
}

/// What became of it for a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in their conversation.
    Sent,
    /// They could not be written to anymore.
    Refused,
}

/// Keeps it, for those who are in the course now.
///
/// # Errors
/// Where the id is known; where the database fails.
pub async fn insert(conn: &mut Connection, id: BulkId, bulk: &Accepted) -> Result<(), Error> {
    let sql = "INSERT INTO bulk (id, author, course, text, digest, written_at, accepted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(bulk.author.to_string())
        .bind(bulk.course.to_string())
        .bind(&bulk.text)
        .bind(&bulk.digest)
        .bind(bulk.written_at)
        .bind(bulk.accepted_at)
        .execute(&mut *conn)
        .await?;
    sqlx::query(RECIPIENTS)
        .bind(id.to_string())
        .bind(bulk.course.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

const RECIPIENTS: &str = "INSERT INTO bulk_recipient (bulk, student, outcome)
    SELECT $1, student, 'waiting' FROM enrolment WHERE course = $2";

/// What was accepted under an id.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: BulkId) -> Result<Option<Accepted>, Error> {
    let row = sqlx::query(BY_ID)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Accepted {
        author: row.parsed("author")?,
        course: row.parsed("course")?,
        text: row.text("text")?,
        digest: row.text("digest")?,
        written_at: row.int("written_at")?,
        accepted_at: row.int("accepted_at")?,
    }))
}

const BY_ID: &str = "SELECT author, course, text, digest, written_at, accepted_at FROM bulk
    WHERE id = $1";

/// How far it has come.
///
/// # Errors
/// Where there is none; where the database fails.
pub async fn view(conn: &mut Connection, id: BulkId) -> Result<Bulk, Error> {
    let row = sqlx::query(VIEW)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    read(&row.ok_or_else(Error::not_found)?)
}

macro_rules! columns {
    () => {
        "SELECT b.id, b.course, b.text, b.accepted_at,
        (SELECT count(*) FROM bulk_recipient r WHERE r.bulk = b.id) AS total,
        (SELECT count(*) FROM bulk_recipient r WHERE r.bulk = b.id AND r.outcome = 'sent') AS sent,
        (SELECT count(*) FROM bulk_recipient r WHERE r.bulk = b.id AND r.outcome = 'refused')
            AS refused
        FROM bulk b "
    };
}

const VIEW: &str = concat!(columns!(), "WHERE b.id = $1");

/// The last ones that were written to a course, newest first.
///
/// # Errors
/// Where the database fails.
pub async fn of_course(
    conn: &mut Connection,
    course: CourseId,
    limit: u32,
) -> Result<Vec<Bulk>, Error> {
    let rows = sqlx::query(OF_COURSE)
        .bind(course.to_string())
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const OF_COURSE: &str = concat!(
    columns!(),
    "WHERE b.course = $1 ORDER BY b.accepted_at DESC LIMIT $2"
);

fn read(row: &Row) -> Result<Bulk, Error> {
    let count = |column| Ok::<_, Error>(u32::try_from(row.count(column)?).unwrap_or(u32::MAX));
    Ok(Bulk {
        id: row.parsed("id")?,
        course: row.parsed("course")?,
        text: row.text("text")?,
        accepted_at: row.int("accepted_at")?,
        total: count("total")?,
        sent: count("sent")?,
        refused: count("refused")?,
    })
}

/// Students who wait for something, some of them: what, and who.
///
/// # Errors
/// Where the database fails.
pub async fn waiting(conn: &mut Connection, limit: u64) -> Result<Vec<(BulkId, PersonId)>, Error> {
    let rows = sqlx::query(WAITING)
        .bind(column_of(limit))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.parsed("bulk")?, row.parsed("student")?)))
        .collect()
}

const WAITING: &str = "SELECT bulk, student FROM bulk_recipient WHERE outcome = 'waiting'
    ORDER BY bulk, student LIMIT $1";

/// Notes what became of it for a student who waits. Says whether they did.
///
/// # Errors
/// Where the database fails.
pub async fn settle(
    conn: &mut Connection,
    id: BulkId,
    student: PersonId,
    outcome: Outcome,
) -> Result<bool, Error> {
    let sql = "UPDATE bulk_recipient SET outcome = $3
        WHERE bulk = $1 AND student = $2 AND outcome = 'waiting'";
    let done = sqlx::query(sql)
        .bind(id.to_string())
        .bind(student.to_string())
        .bind(to_word(&outcome)?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn it_is_for_those_who_are_in_the_course_and_settled_once_for_each() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let course = school.course("Algebra", maya).await;
        school.enrol(sam, course).await;
        let bulk = Accepted {
            author: maya,
            course,
            text: "No class on Friday".into(),
            digest: "digest".into(),
            written_at: 1,
            accepted_at: 2,
        };
        let id = BulkId::new();
        insert(&mut school.conn, id, &bulk).await.unwrap();
        school.enrol(lin, course).await;
        let conn = &mut school.conn;
        assert!(insert(conn, id, &bulk).await.is_err());
        assert_eq!(get(conn, id).await.unwrap(), Some(bulk));
        assert_eq!(waiting(conn, 9).await.unwrap(), [(id, sam)]);
        let counts = |bulk: Bulk| (bulk.total, bulk.sent, bulk.refused);
        assert_eq!(counts(view(conn, id).await.unwrap()), (1, 0, 0));
        assert!(settle(conn, id, sam, Outcome::Sent).await.unwrap());
        assert!(!settle(conn, id, sam, Outcome::Refused).await.unwrap());
        assert!(!settle(conn, id, lin, Outcome::Sent).await.unwrap());
        assert!(waiting(conn, 9).await.unwrap().is_empty());
        let of_course = of_course(conn, course, 9).await.unwrap();
        assert_eq!(
            of_course.into_iter().map(counts).collect::<Vec<_>>(),
            [(1, 1, 0)]
        );
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [RECIPIENTS, BY_ID, VIEW, OF_COURSE] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
        // The index holds what waits and nothing else.
        let steps = scans(&mut school.conn, WAITING).await;
        assert!(
            steps
                .iter()
                .all(|step| step.contains("bulk_recipient_waiting"))
        );
    }
}
