//! Table `report`: what people report.

use super::{
    Connection, Row,
    row::{Columns, to_word},
};
use crate::error::Error;
use im_protocol::{
    PersonId, ReportId, UnixMs,
    moderation::{FileReport, Report, ReportedMessage},
    people::{Person, Role},
};

/// Keeps a report with the words of the message that it is about. Says whether it is new: the same
/// id again changes nothing.
///
/// # Errors
/// Where the database fails.
pub async fn insert(
    conn: &mut Connection,
    reporter: PersonId,
    asked: &FileReport,
    words: &str,
    now: UnixMs,
) -> Result<bool, Error> {
    let sql = "INSERT INTO report
        (id, reporter, person, conversation, message, words, reason, text, reported_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(asked.id.to_string())
        .bind(reporter.to_string())
        .bind(asked.person.to_string())
        .bind(asked.message.map(|one| one.conversation.to_string()))
        .bind(asked.message.map(|one| one.message.to_string()))
        .bind(words)
        .bind(to_word(&asked.reason)?)
        .bind(&asked.text)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Who filed a report.
///
/// # Errors
/// Where the database fails.
pub async fn reporter(conn: &mut Connection, id: ReportId) -> Result<Option<PersonId>, Error> {
    let row = sqlx::query("SELECT reporter FROM report WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.parsed("reporter")).transpose()
}

/// A report was dealt with. Gives whom it is about; none where it was before, or is not there.
///
/// # Errors
/// Where the database fails.
pub async fn close(
    conn: &mut Connection,
    id: ReportId,
    by: Option<PersonId>,
    now: UnixMs,
) -> Result<Option<PersonId>, Error> {
    let sql = "UPDATE report SET closed_at = $2, closed_by = $3
        WHERE id = $1 AND closed_at IS NULL RETURNING person";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .bind(now)
        .bind(by.map(|id| id.to_string()))
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.parsed("person")).transpose()
}

/// What is open, the oldest first, and then what was dealt with, the newest report first.
///
/// # Errors
/// Where the database fails.
pub async fn list(conn: &mut Connection, limit: u32) -> Result<Vec<Report>, Error> {
    let mut reports = Vec::new();
    for sql in [OPEN, CLOSED] {
        let rows = sqlx::query(sql)
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await?;
        for row in &rows {
            reports.push(read(row)?);
        }
    }
    Ok(reports)
}

macro_rules! columns {
    () => {
        "SELECT r.id, r.conversation, r.message, r.words, r.reason, r.text, r.reported_at,
            r.closed_at, r.reporter, who.name AS reporter_name, who.role AS reporter_role,
            r.person, whom.name AS person_name, whom.role AS person_role,
            CASE WHEN m.id IS NOT NULL AND m.deleted_at IS NULL THEN 1 ELSE 0 END AS there
        FROM report r
        JOIN person who ON who.id = r.reporter
        JOIN person whom ON whom.id = r.person
        LEFT JOIN message m ON m.id = r.message "
    };
}

const OPEN: &str = concat!(
    columns!(),
    "WHERE r.closed_at IS NULL ORDER BY r.reported_at LIMIT $1"
);
const CLOSED: &str = concat!(
    columns!(),
    "WHERE r.closed_at IS NOT NULL ORDER BY r.reported_at DESC LIMIT $1"
);

/// The name of a column.
type Column = &'static str;

fn read(row: &Row) -> Result<Report, Error> {
    let person = |id: Column, name: Column, role: Column| -> Result<Person, Error> {
        Ok(Person {
            id: row.parsed(id)?,
            name: row.text(name)?,
            role: row.word::<Role>(role)?,
        })
    };
    let message = match (row.maybe("conversation")?, row.maybe("message")?) {
        (Some(conversation), Some(message)) => Some(ReportedMessage {
            conversation,
            message,
        }),
        _ => None,
    };
    Ok(Report {
        id: row.parsed("id")?,
        reporter: person("reporter", "reporter_name", "reporter_role")?,
        person: person("person", "person_name", "person_role")?,
        message,
        words: row.text("words")?,
        message_there: row.count("there")? == 1,
        reason: row.word("reason")?,
        text: row.text("text")?,
        reported_at: row.int("reported_at")?,
        closed_at: row.maybe_int("closed_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};
    use im_protocol::moderation::ReportReason;

    #[tokio::test]
    async fn what_is_open_comes_first_and_a_report_is_kept_and_closed_once() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        let mut ids = Vec::new();
        for at in 1..=3 {
            let asked = FileReport {
                id: ReportId::new(),
                person: maya,
                message: None,
                reason: ReportReason::Spam,
                text: at.to_string(),
            };
            assert!(insert(conn, sam, &asked, "", at).await.unwrap());
            assert!(!insert(conn, sam, &asked, "", at).await.unwrap());
            ids.push(asked.id);
        }
        assert_eq!(reporter(conn, ids[0]).await.unwrap(), Some(sam));
        let closed = close(conn, ids[0], Some(maya), 9).await.unwrap();
        assert_eq!(closed, Some(maya));
        assert_eq!(close(conn, ids[0], None, 9).await.unwrap(), None);
        let reports = list(conn, 9).await.unwrap();
        let order: Vec<_> = reports.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(order, ["2", "3", "1"]);
        assert_eq!(reports[0].person.name, "Maya");
        assert_eq!(reports[0].reporter.name, "Sam");
    }

    #[tokio::test]
    async fn lists_walk_an_index() {
        let mut school = School::open().await;
        for (sql, index) in [(OPEN, "report_open"), (CLOSED, "report_by_time")] {
            for step in scans(&mut school.conn, sql).await {
                assert!(step.contains(index), "{step}");
            }
        }
    }
}
