//! Table `credential`: hashes of passwords.

use super::{Connection, row::Columns};
use crate::error::Error;
use im_protocol::{PersonId, UnixMs};

/// Sets a person's password hash, a PHC string.
///
/// # Errors
/// Where the database fails.
pub async fn set(
    conn: &mut Connection,
    person: PersonId,
    hash: &str,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO credential (person, hash, changed_at) VALUES ($1, $2, $3)
        ON CONFLICT (person) DO UPDATE SET hash = $2, changed_at = $3";
    sqlx::query(sql)
        .bind(person.to_string())
        .bind(hash)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A person's password hash.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, person: PersonId) -> Result<Option<String>, Error> {
    let sql = "SELECT hash FROM credential WHERE person = $1";
    let row = sqlx::query(sql)
        .bind(person.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.text("hash")).transpose()
}
