//! Table `person`: who is known.

use super::{
    Connection, Row, feed,
    row::{Columns, to_word},
};
use crate::error::Error;
use im_protocol::{
    PersonId, UnixMs,
    moderation::AccountView,
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

/// Everybody that a person knows of: whom something ties them to, and the other one of each
/// conversation, whatever became of it. Who deleted their account is known by what they said, and
/// not where they said nothing. By name.
///
/// # Errors
/// Where the database fails.
pub async fn known_to(conn: &mut Connection, id: PersonId) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query(KNOWN_TO)
        .bind(id.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// Whom a person may talk to, and see coming and going: for a student the mentors of their courses
/// and the assigned one, for a mentor the students in theirs and those assigned to them. Without
/// those who deleted their account, who are suspended, and where one blocks the other. By name.
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

/// Whom something ties $1 to.
macro_rules! tied {
    () => {
        "SELECT c.mentor FROM enrolment e JOIN course c ON c.id = e.course WHERE e.student = $1
        UNION SELECT e.student FROM course c JOIN enrolment e ON e.course = c.id WHERE c.mentor = $1
        UNION SELECT mentor FROM assignment WHERE student = $1
        UNION SELECT student FROM assignment WHERE mentor = $1"
    };
}

const REACHABLE_BY: &str = concat!(
    "SELECT p.id, p.name, p.role FROM person p
    WHERE p.deleted_at IS NULL AND p.suspended_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM block b WHERE b.blocker = p.id AND b.blocked = $1)
        AND NOT EXISTS (SELECT 1 FROM block b WHERE b.blocker = $1 AND b.blocked = p.id)
        AND p.id IN (",
    tied!(),
    ") ORDER BY p.name, p.id"
);

const KNOWN_TO: &str = concat!(
    "SELECT p.id, p.name, p.role FROM person p WHERE p.id IN (
        SELECT t.id FROM person t WHERE t.deleted_at IS NULL AND t.id IN (",
    tied!(),
    ") UNION SELECT o.person FROM membership m
            JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
            JOIN conversation v ON v.id = m.conversation
            WHERE m.person = $1 AND (v.closed_at IS NULL OR v.head_seq > 0)
    ) ORDER BY p.name, p.id"
);

/// Keeps a person out from a moment on; none lets them in again. Says whether that is new.
///
/// # Errors
/// Where the database fails.
pub async fn set_suspended(
    conn: &mut Connection,
    id: PersonId,
    since: Option<UnixMs>,
) -> Result<bool, Error> {
    let sql = "UPDATE person SET suspended_at = $2
        WHERE id = $1 AND (suspended_at IS NULL) <> ($2 IS NULL)";
    let done = sqlx::query(sql)
        .bind(id.to_string())
        .bind(since)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a person is kept out.
///
/// # Errors
/// Where the database fails.
pub async fn is_suspended(conn: &mut Connection, id: PersonId) -> Result<bool, Error> {
    let sql = "SELECT 1 AS out FROM person WHERE id = $1 AND suspended_at IS NOT NULL";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// People whose name or address has this in it, or whose role it is, by name. There are few people, and only admins look.
///
/// # Errors
/// Where the database fails.
pub async fn accounts(
    conn: &mut Connection,
    search: &str,
    limit: u32,
) -> Result<Vec<AccountView>, Error> {
    let rows = sqlx::query(ACCOUNTS)
        .bind(search.to_lowercase())
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    let read = |row: &Row| {
        Ok(AccountView {
            person: read(row)?,
            email: row.text("email")?,
            suspended_at: row.maybe_int("suspended_at")?,
            mentor: row.maybe("mentor")?,
        })
    };
    rows.iter().map(read).collect()
}

const ACCOUNTS: &str = "SELECT p.id, p.name, p.role, p.email, p.suspended_at, a.mentor
    FROM person p LEFT JOIN assignment a ON a.student = p.id
    WHERE p.deleted_at IS NULL
        AND ($1 = '' OR p.role = $1 OR instr(lower(p.name), $1) > 0 OR instr(p.email, $1) > 0)
    ORDER BY p.name, p.id LIMIT $2";

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
    use crate::store::{
        course,
        testing::{School, scans},
        tie,
    };

    #[tokio::test]
    async fn whom_one_may_talk_to_follows_the_ties_and_whom_one_knows_stays() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        school.enrol(sam, algebra).await;
        school.conversation(sam, maya).await;
        let names = |people: Vec<Person>| people.into_iter().map(|p| p.name).collect::<Vec<_>>();
        let conn = &mut school.conn;
        assert_eq!(names(reachable_by(conn, sam).await.unwrap()), ["Maya"]);
        assert!(reachable_by(conn, lin).await.unwrap().is_empty());
        tie::assign(conn, lin, Some(maya), 1).await.unwrap();
        assert_eq!(names(reachable_by(conn, lin).await.unwrap()), ["Maya"]);
        let mayas = reachable_by(conn, maya).await.unwrap();
        assert_eq!(names(mayas), ["Lin", "Sam"]);
        course::leave(conn, sam, algebra).await.unwrap();
        tie::assign(conn, lin, None, 2).await.unwrap();
        assert!(reachable_by(conn, maya).await.unwrap().is_empty());
        // They have a conversation, so each knows who the other is.
        assert_eq!(names(known_to(conn, maya).await.unwrap()), ["Sam"]);
        assert_eq!(names(known_to(conn, sam).await.unwrap()), ["Maya"]);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [KNOWN_TO, REACHABLE_BY] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }

    #[tokio::test]
    async fn who_is_kept_out_is_nobody_to_talk_to_and_is_found_by_admins() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        school.enrol(sam, algebra).await;
        let conn = &mut school.conn;
        assert!(set_suspended(conn, sam, Some(5)).await.unwrap());
        assert!(!set_suspended(conn, sam, Some(6)).await.unwrap());
        assert!(is_suspended(conn, sam).await.unwrap());
        assert!(reachable_by(conn, maya).await.unwrap().is_empty());
        let found = accounts(conn, "SAM@", 9).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].suspended_at, Some(5));
        assert_eq!(accounts(conn, "", 9).await.unwrap().len(), 3);
        assert_eq!(accounts(conn, "mentor", 9).await.unwrap().len(), 1);
        assert_eq!(accounts(conn, "", 2).await.unwrap().len(), 2);
        assert!(set_suspended(conn, sam, None).await.unwrap());
        assert!(!set_suspended(conn, sam, None).await.unwrap());
        assert_eq!(reachable_by(conn, maya).await.unwrap().len(), 1);
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
