//! Table `block`: who wants to hear nothing from whom.

use super::{Connection, person};
use crate::error::Error;
use im_protocol::{PersonId, UnixMs, people::Person};

/// Blocks somebody. Says whether they were not blocked yet.
///
/// # Errors
/// Where the database fails.
pub async fn add(
    conn: &mut Connection,
    blocker: PersonId,
    blocked: PersonId,
    now: UnixMs,
) -> Result<bool, Error> {
    let sql = "INSERT INTO block (blocker, blocked, blocked_at) VALUES ($1, $2, $3)
        ON CONFLICT (blocker, blocked) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(blocker.to_string())
        .bind(blocked.to_string())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Blocks them no more. Says whether they were.
///
/// # Errors
/// Where the database fails.
pub async fn remove(
    conn: &mut Connection,
    blocker: PersonId,
    blocked: PersonId,
) -> Result<bool, Error> {
    let sql = "DELETE FROM block WHERE blocker = $1 AND blocked = $2";
    let done = sqlx::query(sql)
        .bind(blocker.to_string())
        .bind(blocked.to_string())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whom a person blocks, by name.
///
/// # Errors
/// Where the database fails.
pub async fn of_person(conn: &mut Connection, blocker: PersonId) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query(OF_PERSON)
        .bind(blocker.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(person::read).collect()
}

const OF_PERSON: &str = "SELECT p.id, p.name, p.role FROM block b
    JOIN person p ON p.id = b.blocked WHERE b.blocker = $1 ORDER BY p.name, p.id";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn a_block_is_there_once_and_is_the_blocker_s_own() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        assert!(add(conn, sam, maya, 1).await.unwrap());
        assert!(!add(conn, sam, maya, 2).await.unwrap());
        assert_eq!(of_person(conn, sam).await.unwrap()[0].name, "Maya");
        assert!(of_person(conn, maya).await.unwrap().is_empty());
        assert!(remove(conn, sam, maya).await.unwrap());
        assert!(!remove(conn, sam, maya).await.unwrap());
        assert_eq!(scans(conn, OF_PERSON).await, Vec::<String>::new());
    }
}
