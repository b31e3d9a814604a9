//! Table `assignment`, and what ties a student and a mentor, or stands between them:
//! `docs/adr/0026-ties-and-bars.md`.
//!
//! A conversation about a course is tied by the student's enrolment in it; one about none by any
//! enrolment in a course of the mentor's, or by the assignment.

use super::{
    Connection, Row,
    conversation::{Bars, Pair},
    row::Columns,
};
use crate::error::Error;
use im_protocol::{ConversationId, PersonId, UnixMs};

/// What is between a student, a mentor and a course, as a sum that [`Bars`] reads. Its columns are
/// `student`, `mentor`, `course` of `c`.
macro_rules! truth {
    () => {
        "CASE WHEN EXISTS (
            SELECT 1 FROM enrolment e JOIN course k ON k.id = e.course
            WHERE e.student = c.student AND k.mentor = c.mentor
                AND (c.course IS NULL OR k.id = c.course)
        ) OR (c.course IS NULL AND EXISTS (
            SELECT 1 FROM assignment a WHERE a.student = c.student AND a.mentor = c.mentor
        )) THEN 0 ELSE 1 END
        + CASE WHEN EXISTS (SELECT 1 FROM block b
            WHERE b.blocker = c.student AND b.blocked = c.mentor) THEN 2 ELSE 0 END
        + CASE WHEN EXISTS (SELECT 1 FROM block b
            WHERE b.blocker = c.mentor AND b.blocked = c.student) THEN 4 ELSE 0 END
        + CASE WHEN EXISTS (SELECT 1 FROM person p
            WHERE p.id = c.student AND p.suspended_at IS NOT NULL) THEN 8 ELSE 0 END
        + CASE WHEN EXISTS (SELECT 1 FROM person p
            WHERE p.id = c.mentor AND p.suspended_at IS NOT NULL) THEN 16 ELSE 0 END"
    };
}

/// What is between the two of a pair.
///
/// # Errors
/// Where the database fails.
pub async fn between(conn: &mut Connection, pair: &Pair) -> Result<Bars, Error> {
    let row = sqlx::query(BETWEEN)
        .bind(pair.student.to_string())
        .bind(pair.mentor.to_string())
        .bind(pair.course.map(|id| id.to_string()))
        .fetch_one(conn)
        .await?;
    Bars::of(row.count("bars")?)
}

const BETWEEN: &str = concat!(
    "SELECT ",
    truth!(),
    " AS bars FROM (SELECT $1 AS student, $2 AS mentor, $3 AS course) c"
);

/// A conversation whose bars are not what they should be anymore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub id: ConversationId,
    /// The two.
    pub student: PersonId,
    /// The two.
    pub mentor: PersonId,
    /// Its `rev`.
    pub rev: u64,
    /// What is between them now.
    pub bars: Bars,
}

/// The conversations of a person, with this other one or with anybody, in which something else is
/// between the two than is noted there.
///
/// # Errors
/// Where the database fails.
pub async fn changed(
    conn: &mut Connection,
    person: PersonId,
    other: Option<PersonId>,
) -> Result<Vec<Changed>, Error> {
    let rows = sqlx::query(CHANGED)
        .bind(person.to_string())
        .bind(other.map(|id| id.to_string()).unwrap_or_default())
        .fetch_all(conn)
        .await?;
    let read = |row: &Row| {
        Ok(Changed {
            id: row.parsed("id")?,
            student: row.parsed("student")?,
            mentor: row.parsed("mentor")?,
            rev: row.count("head_rev")?,
            bars: Bars::of(row.count("truth")?)?,
        })
    };
    rows.iter().map(read).collect()
}

const CHANGED: &str = concat!(
    "SELECT id, student, mentor, head_rev, truth FROM (
        SELECT c.id, c.student, c.mentor, c.head_rev, c.bars, ",
    truth!(),
    " AS truth
        FROM membership m JOIN conversation c ON c.id = m.conversation
        WHERE m.person = $1 AND ($2 = '' OR c.student = $2 OR c.mentor = $2)
    ) found WHERE truth <> bars ORDER BY id"
);

/// The mentor who is assigned to a student.
///
/// # Errors
/// Where the database fails.
pub async fn assigned(conn: &mut Connection, student: PersonId) -> Result<Option<PersonId>, Error> {
    let row = sqlx::query(ASSIGNED)
        .bind(student.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.parsed("mentor")).transpose()
}

const ASSIGNED: &str = "SELECT mentor FROM assignment WHERE student = $1";

/// Assigns a mentor to a student in place of whoever was; none takes the assignment away.
///
/// # Errors
/// Where the database fails.
pub async fn assign(
    conn: &mut Connection,
    student: PersonId,
    mentor: Option<PersonId>,
    now: UnixMs,
) -> Result<(), Error> {
    let Some(mentor) = mentor else {
        sqlx::query("DELETE FROM assignment WHERE student = $1")
            .bind(student.to_string())
            .execute(conn)
            .await?;
        return Ok(());
    };
    let sql = "INSERT INTO assignment (student, mentor, assigned_at) VALUES ($1, $2, $3)
        ON CONFLICT (student) DO UPDATE SET mentor = $2, assigned_at = $3";
    sqlx::query(sql)
        .bind(student.to_string())
        .bind(mentor.to_string())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        conversation::{heads, set_bars},
        course,
        testing::{School, scans},
    };

    #[tokio::test]
    async fn a_course_ties_for_itself_and_for_what_is_about_none() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        let physics = school.course("Physics", maya).await;
        school.enrol(sam, algebra).await;
        let pair = |student, course| Pair {
            student,
            mentor: maya,
            course,
        };
        let conn = &mut school.conn;
        for (student, course, untied) in [
            (sam, None, false),
            (sam, Some(algebra), false),
            (sam, Some(physics), true),
            (lin, None, true),
            (lin, Some(algebra), true),
        ] {
            let bars = between(conn, &pair(student, course)).await.unwrap();
            assert_eq!(bars.has(Bars::UNTIED), untied);
        }
        // The assignment ties without a course, and not in one.
        assign(conn, lin, Some(maya), 1).await.unwrap();
        assert_eq!(assigned(conn, lin).await.unwrap(), Some(maya));
        let bars = between(conn, &pair(lin, None)).await.unwrap();
        assert_eq!(bars, Bars::NONE);
        let bars = between(conn, &pair(lin, Some(algebra))).await.unwrap();
        assert_eq!(bars, Bars::UNTIED);
        assign(conn, lin, None, 2).await.unwrap();
        assert_eq!(assigned(conn, lin).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_changed_is_found_until_it_is_noted() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        school.enrol(sam, algebra).await;
        let with_sam = school.conversation(sam, maya).await;
        let with_lin = school.conversation(lin, maya).await;
        let conn = &mut school.conn;
        let lins = changed(conn, lin, None).await.unwrap();
        assert_eq!(lins.len(), 1);
        set_bars(conn, with_lin, lins[0].bars).await.unwrap();
        assert!(changed(conn, maya, None).await.unwrap().is_empty());
        course::leave(conn, sam, algebra).await.unwrap();
        assert!(changed(conn, maya, Some(lin)).await.unwrap().is_empty());
        let sams = changed(conn, maya, Some(sam)).await.unwrap();
        assert_eq!((sams[0].id, sams[0].bars), (with_sam, Bars::UNTIED));
        set_bars(conn, with_sam, sams[0].bars).await.unwrap();
        let heads = heads(conn, with_sam).await.unwrap().unwrap();
        assert_eq!(heads.bars, Bars::UNTIED);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [CHANGED, ASSIGNED] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
        // One row of what is asked.
        for step in scans(&mut school.conn, BETWEEN).await {
            assert_eq!(step, "SCAN c");
        }
    }
}
