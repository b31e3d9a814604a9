//! Table `code`: codes that were handed out and not used yet. Only their hashes are here.

use super::Connection;
use crate::error::Error;
use im_protocol::{PersonId, UnixMs};

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Shows the address; sent to it.
    Verify,
    /// Sets a new password; sent to the address.
    Reset,
    /// Sets a new password; shown to the operator.
    OperatorReset,
}

impl Purpose {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::OperatorReset => "operator_reset",
        }
    }
}

/// Codes of a person and purpose that are good at the same time: a mail that was sent again, or is
/// late, carries one that is good too.
const GOOD: i64 = 3;
/// Wrong tries after which a code is good for nothing.
const TRIES: i64 = 5;

/// Adds a code; the oldest beyond three are forgotten.
///
/// # Errors
/// Where the database fails.
pub async fn add(
    conn: &mut Connection,
    person: PersonId,
    purpose: Purpose,
    hash: &str,
    now: UnixMs,
    expires_at: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO code (hash, person, purpose, created_at, expires_at, tries)
        VALUES ($1, $2, $3, $4, $5, 0)";
    sqlx::query(sql)
        .bind(hash)
        .bind(person.to_string())
        .bind(purpose.as_str())
        .bind(now)
        .bind(expires_at)
        .execute(&mut *conn)
        .await?;
    sqlx::query(FORGET_OLD)
        .bind(person.to_string())
        .bind(purpose.as_str())
        .bind(GOOD)
        .execute(conn)
        .await?;
    Ok(())
}

const FORGET_OLD: &str = "DELETE FROM code WHERE hash IN (
        SELECT hash FROM code WHERE person = $1 AND purpose = $2
        ORDER BY created_at DESC, hash LIMIT -1 OFFSET $3)";

/// Whether this is a good code of the person; if so, all of the purpose are used up. A wrong one
/// counts against those that are good.
///
/// # Errors
/// Where the database fails.
pub async fn take(
    conn: &mut Connection,
    person: PersonId,
    purpose: Purpose,
    hash: &str,
    now: UnixMs,
) -> Result<bool, Error> {
    let sql = "SELECT hash FROM code
        WHERE hash = $1 AND person = $2 AND purpose = $3 AND expires_at > $4 AND tries < $5";
    let found = sqlx::query(sql)
        .bind(hash)
        .bind(person.to_string())
        .bind(purpose.as_str())
        .bind(now)
        .bind(TRIES)
        .fetch_optional(&mut *conn)
        .await?;
    if found.is_some() {
        let sql = "DELETE FROM code WHERE person = $1 AND purpose = $2";
        sqlx::query(sql)
            .bind(person.to_string())
            .bind(purpose.as_str())
            .execute(conn)
            .await?;
        return Ok(true);
    }
    sqlx::query(COUNT)
        .bind(person.to_string())
        .bind(purpose.as_str())
        .execute(conn)
        .await?;
    Ok(false)
}

const COUNT: &str = "UPDATE code SET tries = tries + 1 WHERE person = $1 AND purpose = $2";

/// Forgets all codes of a person.
///
/// # Errors
/// Where the database fails.
pub async fn forget(conn: &mut Connection, person: PersonId) -> Result<(), Error> {
    let sql = "DELETE FROM code WHERE person = $1";
    sqlx::query(sql)
        .bind(person.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the codes for a new password of a person.
///
/// # Errors
/// Where the database fails.
pub async fn forget_resets(conn: &mut Connection, person: PersonId) -> Result<(), Error> {
    let sql = "DELETE FROM code
        WHERE person = $1 AND purpose IN ('reset', 'operator_reset')";
    sqlx::query(sql)
        .bind(person.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets up to `limit` codes that have ended.
///
/// # Errors
/// Where the database fails.
pub async fn prune(conn: &mut Connection, now: UnixMs, limit: i64) -> Result<(), Error> {
    sqlx::query(PRUNE)
        .bind(now)
        .bind(limit)
        .execute(conn)
        .await?;
    Ok(())
}

const PRUNE: &str = "DELETE FROM code WHERE hash IN (
        SELECT hash FROM code WHERE expires_at <= $1 LIMIT $2)";

/// How many codes a person has, whatever for.
///
/// # Errors
/// Where the database fails.
#[cfg(test)]
pub async fn count(conn: &mut Connection, person: PersonId) -> Result<u64, Error> {
    use super::row::Columns as _;
    let sql = "SELECT count(*) AS codes FROM code WHERE person = $1";
    sqlx::query(sql)
        .bind(person.to_string())
        .fetch_one(conn)
        .await?
        .count("codes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    async fn give(conn: &mut Connection, person: PersonId, hash: &str, now: UnixMs) {
        let added = add(conn, person, Purpose::Reset, hash, now, now + 100).await;
        added.unwrap();
    }

    async fn try_it(conn: &mut Connection, person: PersonId, hash: &str, now: UnixMs) -> bool {
        let taken = take(conn, person, Purpose::Reset, hash, now).await;
        taken.unwrap()
    }

    #[tokio::test]
    async fn a_code_is_good_once_for_its_person_and_purpose_and_not_for_long() {
        let mut school = School::open().await;
        let (_, sam, lin) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        give(conn, sam, "one", 1).await;
        assert!(!try_it(conn, lin, "one", 2).await);
        let other = take(conn, sam, Purpose::Verify, "one", 2).await;
        assert!(!other.unwrap());
        assert!(!try_it(conn, sam, "one", 101).await, "too late");
        assert!(try_it(conn, sam, "one", 100).await);
        assert!(!try_it(conn, sam, "one", 100).await, "used");
    }

    #[tokio::test]
    async fn the_last_three_are_good_and_using_one_ends_all() {
        let mut school = School::open().await;
        let (_, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        for (now, hash) in [(1, "one"), (2, "two"), (3, "three"), (4, "four")] {
            give(conn, sam, hash, now).await;
        }
        assert_eq!(count(conn, sam).await.unwrap(), 3);
        assert!(!try_it(conn, sam, "one", 5).await);
        assert!(try_it(conn, sam, "two", 5).await);
        assert_eq!(count(conn, sam).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_guesses_five_times_needs_a_new_code() {
        let mut school = School::open().await;
        let (_, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        give(conn, sam, "right", 1).await;
        for _ in 0..5 {
            assert!(!try_it(conn, sam, "wrong", 2).await);
        }
        assert!(!try_it(conn, sam, "right", 2).await);
        give(conn, sam, "newer", 3).await;
        assert!(try_it(conn, sam, "newer", 4).await);
        give(conn, sam, "old", 1).await;
        prune(conn, 101, 10).await.unwrap();
        assert_eq!(count(conn, sam).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [FORGET_OLD, COUNT, PRUNE] {
            assert_eq!(
                scans(&mut school.conn, sql).await,
                Vec::<String>::new(),
                "{sql}"
            );
        }
    }
}
