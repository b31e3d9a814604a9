//! Tables `course` and `enrolment`.

use super::{Connection, Row, row::Columns};
use crate::error::Error;
use im_protocol::{CourseId, PersonId, UnixMs, people::Course};

/// Adds a course.
///
/// # Errors
/// Where the code is taken, as a database error of unique violation; where the database fails.
pub async fn insert(
    conn: &mut Connection,
    course: &Course,
    code: Option<&str>,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO course (id, title, mentor, code, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(course.id.to_string())
        .bind(&course.title)
        .bind(course.mentor.to_string())
        .bind(code)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A course.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: CourseId) -> Result<Option<Course>, Error> {
    let sql = "SELECT id, title, mentor FROM course WHERE id = $1";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The course with a code.
///
/// # Errors
/// Where the database fails.
pub async fn by_code(conn: &mut Connection, code: &str) -> Result<Option<Course>, Error> {
    let sql = "SELECT id, title, mentor FROM course WHERE code = $1";
    let row = sqlx::query(sql).bind(code).fetch_optional(conn).await?;
    row.as_ref().map(read).transpose()
}

/// The course of a mentor with a title.
///
/// # Errors
/// Where the database fails.
pub async fn by_title(
    conn: &mut Connection,
    mentor: PersonId,
    title: &str,
) -> Result<Option<Course>, Error> {
    let sql = "SELECT id, title, mentor FROM course WHERE mentor = $1 AND title = $2
        ORDER BY created_at, id LIMIT 1";
    let row = sqlx::query(sql)
        .bind(mentor.to_string())
        .bind(title)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The courses that a person teaches or learns in, by title.
///
/// # Errors
/// Where the database fails.
pub async fn of_person(conn: &mut Connection, person: PersonId) -> Result<Vec<Course>, Error> {
    let rows = sqlx::query(OF_PERSON)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const OF_PERSON: &str = "SELECT c.id, c.title, c.mentor FROM course c WHERE c.id IN (
        SELECT id FROM course WHERE mentor = $1
        UNION SELECT course FROM enrolment WHERE student = $1
    ) ORDER BY c.title, c.id";

/// Enrols a student. Says whether they were not in the course yet.
///
/// # Errors
/// Where the database fails.
pub async fn enrol(
    conn: &mut Connection,
    student: PersonId,
    course: CourseId,
    now: UnixMs,
) -> Result<bool, Error> {
    let sql = "INSERT INTO enrolment (student, course, enrolled_at) VALUES ($1, $2, $3)
        ON CONFLICT (student, course) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(student.to_string())
        .bind(course.to_string())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a student is enrolled in a course of a mentor: in this one, or in any.
///
/// # Errors
/// Where the database fails.
pub async fn ties(
    conn: &mut Connection,
    student: PersonId,
    mentor: PersonId,
    course: Option<CourseId>,
) -> Result<bool, Error> {
    let sql = "SELECT 1 AS tied FROM enrolment e JOIN course c ON c.id = e.course
        WHERE e.student = $1 AND c.mentor = $2 AND ($3 = '' OR c.id = $3) LIMIT 1";
    let row = sqlx::query(sql)
        .bind(student.to_string())
        .bind(mentor.to_string())
        .bind(course.map(|id| id.to_string()).unwrap_or_default())
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// A course out of columns `id`, `title`, `mentor`.
///
/// # Errors
/// Where a column does not fit.
pub fn read(row: &Row) -> Result<Course, Error> {
    Ok(Course {
        id: row.parsed("id")?,
        title: row.text("title")?,
        mentor: row.parsed("mentor")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn enrolment_in_one_course_ties_for_it_and_for_no_other() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        let physics = school.course("Physics", maya).await;
        school.enrol(sam, algebra).await;
        let conn = &mut school.conn;
        assert!(ties(conn, sam, maya, None).await.unwrap());
        assert!(ties(conn, sam, maya, Some(algebra)).await.unwrap());
        assert!(!ties(conn, sam, maya, Some(physics)).await.unwrap());
        assert!(!ties(conn, lin, maya, None).await.unwrap());
        assert_eq!(of_person(conn, sam).await.unwrap().len(), 1);
        assert_eq!(of_person(conn, maya).await.unwrap().len(), 2);
        assert!(!enrol(conn, sam, algebra, 9).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        assert_eq!(
            scans(&mut school.conn, OF_PERSON).await,
            Vec::<String>::new()
        );
    }
}
