//! Table `person`: who is known.

use super::{
    Connection, Row, feed,
    row::{Columns, to_word},
};
use crate::error::Error;
use im_protocol::{
    PersonId, UnixMs,
    people::{Me, Person, Role},
};

/// Adds a person, with an empty feed.
///
/// # Errors
/// Where the address is taken, as a database error of unique violation; where the database fails.
pub async fn insert(conn: &mut Connection, me: &Me, now: UnixMs) -> Result<(), Error> {
    let sql = "INSERT INTO person (id, email, name, role, created_at, verified_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(me.person.id.to_string())
        .bind(&me.email)
        .bind(&me.person.name)
        .bind(to_word(&me.person.role)?)
        .bind(now)
        .bind(me.verified.then_some(now))
        .execute(&mut *conn)
        .await?;
    feed::begin(conn, me.person.id).await
}

/// A person as others see them.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: PersonId) -> Result<Option<Person>, Error> {
    let sql = "SELECT id, name, role FROM person WHERE id = $1";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A person as they see themselves.
///
/// # Errors
/// Where the database fails.
pub async fn me(conn: &mut Connection, id: PersonId) -> Result<Option<Me>, Error> {
    let sql = "SELECT id, name, role, email, verified_at FROM person WHERE id = $1";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read_me).transpose()
}

/// The person with an address, which is to be in lower case.
///
/// # Errors
/// Where the database fails.
pub async fn by_email(conn: &mut Connection, email: &str) -> Result<Option<Me>, Error> {
    let sql = "SELECT id, name, role, email, verified_at FROM person WHERE email = $1";
    let row = sqlx::query(sql).bind(email).fetch_optional(conn).await?;
    row.as_ref().map(read_me).transpose()
}

/// Notes that a person's address is known to be theirs.
///
/// # Errors
/// Where the database fails.
pub async fn set_verified(conn: &mut Connection, id: PersonId, now: UnixMs) -> Result<(), Error> {
    let sql = "UPDATE person SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Everybody that a person has a tie with: for a student the mentors of their courses, for a
/// mentor the students in theirs, and the other one of each conversation. By name.
///
/// # Errors
/// Where the database fails.
pub async fn tied_to(conn: &mut Connection, id: PersonId) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query(TIED_TO)
        .bind(id.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// The same without those who deleted their account: whom the person may talk to.
///
/// # Errors
/// Where the database fails.
pub async fn reachable_by(conn: &mut Connection, id: PersonId) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query(REACHABLE_BY)
        .bind(id.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const REACHABLE_BY: &str = "SELECT p.id, p.name, p.role FROM person p
    WHERE p.deleted_at IS NULL AND p.id IN (
        SELECT c.mentor FROM enrolment e JOIN course c ON c.id = e.course WHERE e.student = $1
        UNION SELECT e.student FROM course c JOIN enrolment e ON e.course = c.id WHERE c.mentor = $1
        UNION SELECT o.person FROM membership m
            JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
            WHERE m.person = $1
    ) ORDER BY p.name, p.id";

const TIED_TO: &str = "SELECT p.id, p.name, p.role FROM person p WHERE p.id IN (
        SELECT c.mentor FROM enrolment e JOIN course c ON c.id = e.course WHERE e.student = $1
        UNION SELECT e.student FROM course c JOIN enrolment e ON e.course = c.id WHERE c.mentor = $1
        UNION SELECT o.person FROM membership m
            JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
            WHERE m.person = $1
    ) ORDER BY p.name, p.id";

/// A person out of columns `id`, `name`, `role`.
///
/// # Errors
/// Where a column does not fit.
pub fn read(row: &Row) -> Result<Person, Error> {
    Ok(Person {
        id: row.parsed("id")?,
        name: row.text("name")?,
        role: row.word::<Role>("role")?,
    })
}

fn read_me(row: &Row) -> Result<Me, Error> {
    Ok(Me {
        person: read(row)?,
        email: row.text("email")?,
        verified: row.maybe_int("verified_at")?.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn sam_is_tied_to_maya_and_lin_is_not() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let course = school.course("Algebra", maya).await;
        school.enrol(sam, course).await;
        let names = |people: Vec<Person>| people.into_iter().map(|p| p.name).collect::<Vec<_>>();
        let conn = &mut school.conn;
        assert_eq!(names(tied_to(conn, sam).await.unwrap()), ["Maya"]);
        assert_eq!(names(tied_to(conn, maya).await.unwrap()), ["Sam"]);
        assert!(tied_to(conn, lin).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [TIED_TO, REACHABLE_BY] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
    #[test]
    fn whoever_was_there_before_codes_were_sent_counts_as_verified() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_first.sql"))
            .unwrap();
        let sam = "INSERT INTO person VALUES ('sam', 'sam@school.example', 'Sam', 'student', 7)";
        conn.execute_batch(sam).unwrap();
        conn.execute_batch(include_str!("migrations/0031_mail.sql"))
            .unwrap();
        let verified = conn.query_row("SELECT verified_at FROM person", [], |row| row.get(0));
        assert_eq!(verified, Ok(Some(7_i64)));
    }
}
