//! Table `audit`: who did what to whom, and why. Only ever grows.

use super::{
    Connection, Row,
    row::{Columns, column_of, to_word},
};
use crate::error::Error;
use im_protocol::{
    PersonId, UnixMs,
    moderation::{AuditAction, AuditEntry},
    people::{Person, Role},
};

/// Something that was done.
#[derive(Debug, Clone)]
pub struct Done<'a> {
    /// Who; none for the operator.
    pub actor: Option<PersonId>,
    /// What.
    pub action: AuditAction,
    /// Whom it concerns.
    pub subject: Option<PersonId>,
    /// What it concerns besides, as an id.
    pub thing: String,
    /// Why.
    pub reason: &'a str,
}

/// Writes down what was done, in the transaction that does it.
///
/// # Errors
/// Where the database fails.
pub async fn note(conn: &mut Connection, done: &Done<'_>, now: UnixMs) -> Result<(), Error> {
    let sql = "INSERT INTO audit (at, actor, action, subject, thing, reason)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(now)
        .bind(done.actor.map(|id| id.to_string()))
        .bind(to_word(&done.action)?)
        .bind(done.subject.map(|id| id.to_string()))
        .bind(&done.thing)
        .bind(done.reason)
        .execute(conn)
        .await?;
    Ok(())
}

/// What was done before a number, newest first.
///
/// # Errors
/// Where the database fails.
pub async fn before(conn: &mut Connection, n: u64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
    let rows = sqlx::query(BEFORE)
        .bind(column_of(n))
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const BEFORE: &str = "SELECT a.n, a.at, a.action, a.thing, a.reason,
        a.actor, who.name AS actor_name, who.role AS actor_role,
        a.subject, whom.name AS subject_name, whom.role AS subject_role
    FROM audit a
    LEFT JOIN person who ON who.id = a.actor
    LEFT JOIN person whom ON whom.id = a.subject
    WHERE a.n < $1 ORDER BY a.n DESC LIMIT $2";

/// The name of a column.
type Column = &'static str;

fn read(row: &Row) -> Result<AuditEntry, Error> {
    let someone = |id: Column, name: Column, role: Column| -> Result<Option<Person>, Error> {
        let Some(id) = row.maybe(id)? else {
            return Ok(None);
        };
        Ok(Some(Person {
            id,
            name: row.text(name)?,
            role: row.word::<Role>(role)?,
        }))
    };
    Ok(AuditEntry {
        n: row.count("n")?,
        at: row.int("at")?,
        actor: someone("actor", "actor_name", "actor_role")?,
        action: row.word("action")?,
        subject: someone("subject", "subject_name", "subject_role")?,
        thing: row.text("thing")?,
        reason: row.text("reason")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn what_was_done_is_read_newest_first_in_pages() {
        let mut school = School::open().await;
        let (_, sam, _) = school.maya_sam_lin().await;
        let ada = school.person("Ada", Role::Admin).await;
        let conn = &mut school.conn;
        for (at, actor, action) in [
            (1, Some(ada), AuditAction::Suspend),
            (2, None, AuditAction::Unsuspend),
        ] {
            let done = Done {
                actor,
                action,
                subject: Some(sam),
                thing: String::new(),
                reason: "because",
            };
            note(conn, &done, at).await.unwrap();
        }
        let all = before(conn, u64::MAX, 9).await.unwrap();
        let actions: Vec<_> = all.iter().map(|one| one.action).collect();
        assert_eq!(actions, [AuditAction::Unsuspend, AuditAction::Suspend]);
        assert!(all[0].actor.is_none());
        assert_eq!(all[1].actor.as_ref().unwrap().name, "Ada");
        assert_eq!(all[1].subject.as_ref().unwrap().name, "Sam");
        let older = before(conn, all[0].n, 9).await.unwrap();
        assert_eq!(older.len(), 1);
        assert_eq!(scans(conn, BEFORE).await, Vec::<String>::new());
    }
}
