//! Table `message_edit`: the words that messages had before, and which edits are done already.

use super::{
    Connection,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{EditId, MessageId, conversation::Wording};

/// An edit that was done already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Of which message.
    pub message: MessageId,
    /// Over its new words.
    pub digest: String,
}

/// An edit by its id.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: EditId) -> Result<Option<Done>, Error> {
    let row = sqlx::query(BY_ID)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Done {
        message: row.parsed("message")?,
        digest: row.text("digest")?,
    }))
}

const BY_ID: &str = "SELECT message, digest FROM message_edit WHERE id = $1";

/// Adds an edit: with the revision that it made and the words that it replaced, or with none where the
/// message had its words already.
///
/// # Errors
/// Where the id is known; where the database fails.
pub async fn insert(
    conn: &mut Connection,
    id: EditId,
    done: &Done,
    replaced: Option<(u64, &Wording)>,
) -> Result<(), Error> {
    let sql = "INSERT INTO message_edit (id, message, rev, text, at, digest)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(done.message.to_string())
        .bind(replaced.map(|(rev, _)| column_of(rev)))
        .bind(replaced.map(|(_, before)| &before.text))
        .bind(replaced.map(|(_, before)| before.at))
        .bind(&done.digest)
        .execute(conn)
        .await?;
    Ok(())
}

/// The words that a message had before, oldest first, `most` of the newest.
///
/// # Errors
/// Where the database fails.
pub async fn trace(
    conn: &mut Connection,
    message: MessageId,
    most: u32,
) -> Result<Vec<Wording>, Error> {
    let rows = sqlx::query(TRACE)
        .bind(message.to_string())
        .bind(i64::from(most))
        .fetch_all(conn)
        .await?;
    let wording = |row: &super::Row| -> Result<Wording, Error> {
        Ok(Wording {
            text: row.text("text")?,
            at: row.int("at")?,
        })
    };
    rows.iter().rev().map(wording).collect()
}

const TRACE: &str = "SELECT text, at FROM message_edit WHERE message = $1 AND rev IS NOT NULL
    ORDER BY rev DESC LIMIT $2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn nothing_is_scanned_or_sorted() {
        let mut school = School::open().await;
        for sql in [BY_ID, TRACE] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }

    #[test]
    fn edits_of_before_are_kept_when_those_without_a_change_are_let_in() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_first.sql"))
            .unwrap();
        conn.execute_batch(include_str!("migrations/0005_message_marks.sql"))
            .unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        let edit = "INSERT INTO message_edit VALUES ('edit', 'message', 2, 'before', 7, 'digest')";
        conn.execute_batch(edit).unwrap();
        conn.execute_batch(include_str!("migrations/0038_edits_without_change.sql"))
            .unwrap();
        let kept =
            "SELECT message || rev || text || at || digest FROM message_edit WHERE id = 'edit'";
        let kept = conn.query_row(kept, [], |row| row.get::<_, String>(0));
        assert_eq!(kept.unwrap(), "message2before7digest");
        let half =
            "INSERT INTO message_edit VALUES ('half', 'message', NULL, 'words', 7, 'digest')";
        assert!(conn.execute_batch(half).is_err());
    }
}
