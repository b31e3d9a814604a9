//! Table `outgoing_mail`: what is to be sent.

use super::{
    Connection,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::UnixMs;

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A code that shows the address.
    Verify,
    /// A code that sets a new password.
    Reset,
}

impl Kind {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }

    fn of(word: &str) -> Result<Self, Error> {
        match word {
            "verify" => Ok(Self::Verify),
            "reset" => Ok(Self::Reset),
            _ => Err(Error::Broken("a mail of an unknown kind")),
        }
    }
}

/// A mail that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: i64,
    /// To whom.
    pub recipient: String,
    /// What for.
    pub kind: Kind,
    /// How often it was tried.
    pub tries: u32,
}

/// Puts a mail into the queue, due now.
///
/// # Errors
/// Where the database fails.
pub async fn queue(
    conn: &mut Connection,
    recipient: &str,
    kind: Kind,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO outgoing_mail (recipient, kind, created_at, due_at, tries)
        VALUES ($1, $2, $3, $3, 0)";
    sqlx::query(sql)
        .bind(recipient)
        .bind(kind.as_str())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// The mails that are due, the oldest first.
///
/// # Errors
/// Where the database fails.
pub async fn due(conn: &mut Connection, now: UnixMs, limit: u64) -> Result<Vec<Waiting>, Error> {
    let rows = sqlx::query(DUE)
        .bind(now)
        .bind(column_of(limit))
        .fetch_all(conn)
        .await?;
    let read = |row: &super::Row| {
        Ok(Waiting {
            id: row.int("id")?,
            recipient: row.text("recipient")?,
            kind: Kind::of(&row.text("kind")?)?,
            tries: u32::try_from(row.count("tries")?).unwrap_or(u32::MAX),
        })
    };
    rows.iter().map(read).collect()
}

const DUE: &str = "SELECT id, recipient, kind, tries FROM outgoing_mail
    WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";

/// Notes that a mail is being tried, and when it is tried again if that is not the end of it. Says
/// whether it is still there.
///
/// # Errors
/// Where the database fails.
pub async fn tried(conn: &mut Connection, id: i64, again: UnixMs) -> Result<bool, Error> {
    let sql = "UPDATE outgoing_mail SET tries = tries + 1, due_at = $2 WHERE id = $1";
    let done = sqlx::query(sql).bind(id).bind(again).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a mail out of the queue.
///
/// # Errors
/// Where the database fails.
pub async fn remove(conn: &mut Connection, id: i64) -> Result<(), Error> {
    let sql = "DELETE FROM outgoing_mail WHERE id = $1";
    sqlx::query(sql).bind(id).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn a_mail_waits_until_it_is_due_and_is_gone_once_it_is_sent() {
        let mut school = School::open().await;
        let conn = &mut school.conn;
        queue(conn, "sam@school.example", Kind::Verify, 10)
            .await
            .unwrap();
        assert!(due(conn, 9, 5).await.unwrap().is_empty());
        let waiting = due(conn, 10, 5).await.unwrap();
        assert_eq!((waiting[0].kind, waiting[0].tries), (Kind::Verify, 0));
        assert!(tried(conn, waiting[0].id, 50).await.unwrap());
        assert!(due(conn, 49, 5).await.unwrap().is_empty());
        assert_eq!(due(conn, 50, 5).await.unwrap()[0].tries, 1);
        remove(conn, waiting[0].id).await.unwrap();
        assert!(!tried(conn, waiting[0].id, 60).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        assert_eq!(scans(&mut school.conn, DUE).await, Vec::<String>::new());
    }
}
