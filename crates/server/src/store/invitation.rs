//! Table `invitation`: how mentors and admins come.

use super::{
    Connection,
    row::{Columns, to_word},
};
use crate::error::Error;
use im_protocol::{PersonId, UnixMs, people::Role};

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of its code, hexadecimal.
    pub code_hash: String,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: Role,
    /// By whom; none on the command line.
    pub invited_by: Option<PersonId>,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// Adds an invitation.
///
/// # Errors
/// Where the database fails.
pub async fn insert(
    conn: &mut Connection,
    invitation: &Invitation,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO invitation
        (code_hash, email, role, invited_by, created_at, expires_at, used_at)
        VALUES ($1, $2, $3, $4, $5, $6, NULL)";
    sqlx::query(sql)
        .bind(&invitation.code_hash)
        .bind(&invitation.email)
        .bind(to_word(&invitation.role)?)
        .bind(invitation.invited_by.map(|id| id.to_string()))
        .bind(now)
        .bind(invitation.expires_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses an invitation up, where it is there, unused and has not ended.
///
/// # Errors
/// Where the database fails.
pub async fn take(
    conn: &mut Connection,
    code_hash: &str,
    now: UnixMs,
) -> Result<Option<(String, Role)>, Error> {
    let sql = "UPDATE invitation SET used_at = $2
        WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING email, role";
    let row = sqlx::query(sql)
        .bind(code_hash)
        .bind(now)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.text("email")?, row.word("role")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::School;

    #[tokio::test]
    async fn an_invitation_is_good_once_and_not_for_ever() {
        let mut school = School::open().await;
        let conn = &mut school.conn;
        for code in ["one", "two"] {
            let invitation = Invitation {
                code_hash: code.into(),
                email: "maya@school.example".into(),
                role: Role::Mentor,
                invited_by: None,
                expires_at: 100,
            };
            insert(conn, &invitation, 1).await.unwrap();
        }
        assert!(take(conn, "one", 50).await.unwrap().is_some());
        assert_eq!(take(conn, "one", 51).await.unwrap(), None);
        assert_eq!(take(conn, "two", 100).await.unwrap(), None);
        assert_eq!(take(conn, "three", 1).await.unwrap(), None);
    }
}
