//! Tables `course` and `enrolment`.

use super::{Connection, Row, person, row::Columns};
use crate::error::Error;
use im_protocol::{
    CourseId, PersonId, UnixMs,
    people::{Course, Person},
};

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

/// Takes a student out of a course. Says whether they were in it.
///
/// # Errors
/// Where the database fails.
pub async fn leave(
    conn: &mut Connection,
    student: PersonId,
    course: CourseId,
) -> Result<bool, Error> {
    let sql = "DELETE FROM enrolment WHERE student = $1 AND course = $2";
    let done = sqlx::query(sql)
        .bind(student.to_string())
        .bind(course.to_string())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Who is enrolled in a course, by name; those who deleted their account are not.
///
/// # Errors
/// Where the database fails.
pub async fn students(conn: &mut Connection, course: CourseId) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query(STUDENTS)
        .bind(course.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(person::read).collect()
}

const STUDENTS: &str = "SELECT p.id, p.name, p.role FROM enrolment e
    JOIN person p ON p.id = e.student
    WHERE e.course = $1 ORDER BY p.name, p.id";

/// The code with which students enrol by themselves, where there is one.
///
/// # Errors
/// Where there is no such course; where the database fails.
pub async fn code(conn: &mut Connection, id: CourseId) -> Result<Option<String>, Error> {
    let row = sqlx::query("SELECT coalesce(code, '') AS code FROM course WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let code = row.ok_or_else(Error::not_found)?.text("code")?;
    Ok(Some(code).filter(|code| !code.is_empty()))
}

/// Gives a course another code: the one before is worth nothing.
///
/// # Errors
/// Where the code is taken, as a database error of unique violation; where the database fails.
pub async fn set_code(conn: &mut Connection, id: CourseId, code: &str) -> Result<(), Error> {
    sqlx::query("UPDATE course SET code = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(code)
        .execute(conn)
        .await?;
    Ok(())
}

/// The courses that a person teaches or learns in, and those that their conversations are about:
/// whoever has left one still knows what it was called. By title.
///
/// # Errors
/// Where the database fails.
pub async fn known_to(conn: &mut Connection, person: PersonId) -> Result<Vec<Course>, Error> {
    let rows = sqlx::query(KNOWN_TO)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const KNOWN_TO: &str = "SELECT c.id, c.title, c.mentor FROM course c WHERE c.id IN (
        SELECT id FROM course WHERE mentor = $1
        UNION SELECT course FROM enrolment WHERE student = $1
        UNION SELECT v.course FROM membership m JOIN conversation v ON v.id = m.conversation
            WHERE m.person = $1 AND v.course IS NOT NULL
    ) ORDER BY c.title, c.id";

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
    use crate::store::{
        conversation,
        testing::{School, scans},
    };
    use im_protocol::ConversationId;

    #[tokio::test]
    async fn who_leaves_a_course_is_not_in_it_and_still_knows_its_title() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        school.course("Physics", maya).await;
        school.enrol(sam, algebra).await;
        school.enrol(lin, algebra).await;
        let pair = conversation::Pair {
            student: sam,
            mentor: maya,
            course: Some(algebra),
        };
        let conn = &mut school.conn;
        let (id, none) = (ConversationId::new(), conversation::Bars::NONE);
        let made = conversation::insert(conn, id, pair, none, 1);
        made.await.unwrap();
        assert!(!enrol(conn, sam, algebra, 9).await.unwrap());
        let names = |people: Vec<Person>| people.into_iter().map(|p| p.name).collect::<Vec<_>>();
        assert_eq!(
            names(students(conn, algebra).await.unwrap()),
            ["Lin", "Sam"]
        );
        assert_eq!(of_person(conn, maya).await.unwrap().len(), 2);
        assert!(leave(conn, sam, algebra).await.unwrap());
        assert!(!leave(conn, sam, algebra).await.unwrap());
        assert_eq!(names(students(conn, algebra).await.unwrap()), ["Lin"]);
        assert!(of_person(conn, sam).await.unwrap().is_empty());
        assert_eq!(known_to(conn, sam).await.unwrap()[0].id, algebra);
    }

    #[tokio::test]
    async fn a_new_code_replaces_the_old() {
        let mut school = School::open().await;
        let (maya, ..) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        let conn = &mut school.conn;
        set_code(conn, algebra, "NEW").await.unwrap();
        assert_eq!(code(conn, algebra).await.unwrap().as_deref(), Some("NEW"));
        assert!(by_code(conn, "Algebra").await.unwrap().is_none());
        assert!(code(conn, CourseId::new()).await.is_err());
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [OF_PERSON, STUDENTS, KNOWN_TO] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
}
