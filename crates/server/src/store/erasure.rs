//! Erasing a person from all tables at once. `docs/adr/0021-what-stays-of-a-deleted-account.md`
//! tells what goes, what stays, and why.

use super::{Connection, row::Columns};
use crate::error::Error;
use im_protocol::{ConversationId, PersonId, UnixMs, people::Role};

/// The name that stands where the person's was.
pub const NAME: &str = "Deleted account";

/// What is erased, in this order. $1 is the person, $2 the time, $3 the person's address.
const ERASE: [&str; 23] = [
    "DELETE FROM credential WHERE person = $1",
    "DELETE FROM code WHERE person = $1",
    "DELETE FROM outgoing_mail WHERE recipient = $3",
    "UPDATE invitation SET email = '' WHERE email = $3",
    "DELETE FROM status WHERE person = $1",
    // Devices hear why from their sessions, as long as they hold a refresh token.
    "UPDATE session SET device_name = '' WHERE person = $1",
    "DELETE FROM enrolment WHERE student = $1",
    "DELETE FROM assignment WHERE student = $1",
    "DELETE FROM assignment WHERE mentor = $1",
    // What was written to a whole course is where it was written to.
    "UPDATE bulk SET text = '' WHERE author = $1",
    "DELETE FROM block WHERE blocker = $1",
    "DELETE FROM block WHERE blocked = $1",
    // Nobody joins a course without a mentor; who is in it stays.
    "UPDATE course SET code = NULL WHERE mentor = $1",
    "UPDATE conversation SET closed_at = $2 WHERE closed_at IS NULL AND id IN (
        SELECT conversation FROM membership WHERE person = $1)",
    // What they took back was kept for moderation and is with nobody.
    "DELETE FROM message_edit WHERE message IN (
        SELECT id FROM message WHERE author = $1 AND deleted_at IS NOT NULL)",
    "UPDATE message SET body = '', digest = '' WHERE author = $1 AND deleted_at IS NOT NULL",
    // What they had not sent with a message yet is with nobody.
    "INSERT INTO file_gone (object, at)
        SELECT object, $2 FROM file WHERE author = $1 AND message IS NULL",
    "DELETE FROM file WHERE author = $1 AND message IS NULL",
    "DELETE FROM file_day WHERE person = $1",
    "UPDATE membership SET unread = 0 WHERE person = $1",
    "DELETE FROM feed_tail WHERE person = $1",
    "DELETE FROM feed WHERE person = $1",
    "UPDATE feed_head SET pruned = n WHERE person = $1",
];

/// What is left is no address, so nobody can register or sign in with it.
const TOMBSTONE: &str = "UPDATE person SET name = $2, email = 'deleted:' || id,
    verified_at = NULL, deleted_at = $3 WHERE id = $1";

/// Erases a person. What they wrote stays where it is, without their name.
///
/// # Errors
/// Where the database fails.
pub async fn erase(
    conn: &mut Connection,
    person: PersonId,
    email: &str,
    now: UnixMs,
) -> Result<(), Error> {
    for sql in ERASE {
        sqlx::query(sql)
            .bind(person.to_string())
            .bind(now)
            .bind(email)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query(TOMBSTONE)
        .bind(person.to_string())
        .bind(NAME)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A person's conversations, each with the other one.
///
/// # Errors
/// Where the database fails.
pub async fn partners(
    conn: &mut Connection,
    person: PersonId,
) -> Result<Vec<(PersonId, ConversationId)>, Error> {
    let rows = sqlx::query(PARTNERS)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.parsed("person")?, row.parsed("conversation")?)))
        .collect()
}

const PARTNERS: &str = "SELECT o.person, o.conversation FROM membership m
    JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
    WHERE m.person = $1";

/// Whether a person has deleted their account.
///
/// # Errors
/// Where the database fails.
pub async fn is_deleted(conn: &mut Connection, person: PersonId) -> Result<bool, Error> {
    let sql = "SELECT 1 AS deleted FROM person WHERE id = $1 AND deleted_at IS NOT NULL";
    let row = sqlx::query(sql)
        .bind(person.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Refuses whose account was deleted while they waited for the writer.
///
/// # Errors
/// `account_deleted`; where the database fails.
pub async fn refuse_deleted(conn: &mut Connection, person: PersonId) -> Result<(), Error> {
    if is_deleted(conn, person).await? {
        return Err(Error::account_deleted());
    }
    Ok(())
}

/// Whether there is an admin besides this person. There are few people, and this is asked seldom.
///
/// # Errors
/// Where the database fails.
pub async fn other_admin(conn: &mut Connection, person: PersonId) -> Result<bool, Error> {
    let sql = "SELECT 1 AS other FROM person
        WHERE role = $1 AND id <> $2 AND deleted_at IS NULL LIMIT 1";
    let row = sqlx::query(sql)
        .bind(super::row::to_word(&Role::Admin)?)
        .bind(person.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        credential, file, message, message_edit, person,
        testing::{School, scans},
    };
    use im_protocol::{EditId, conversation::Wording};
    use sqlx::{AssertSqlSafe, Row as _};

    #[tokio::test]
    async fn what_sam_took_back_is_erased_and_what_maya_took_back_is_not() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conversation = school.conversation(sam, maya).await;
        school.say(conversation, sam, "regretted").await;
        school.say(conversation, maya, "hers").await;
        let conn = &mut school.conn;
        for message in message::before(conn, conversation, 9, 9).await.unwrap() {
            let done = message_edit::Done {
                message: message.id,
                digest: String::new(),
            };
            let before = Wording {
                text: format!("earlier of {}", message.author),
                at: 1,
            };
            let id = EditId::new();
            let edit = message_edit::insert(conn, id, &done, Some((3, &before)));
            edit.await.unwrap();
            let deleted = message::set_deleted(conn, message.id, message.seq + 3, 2);
            deleted.await.unwrap();
        }
        erase(conn, sam, "sam@school.example", 9).await.unwrap();
        let left = everything(conn).await;
        assert!(!left.contains("regretted") && !left.contains(&format!("earlier of {sam}")));
        assert!(left.contains("hers") && left.contains(&format!("earlier of {maya}")));
    }

    /// Every text in the database, for a look at what is left.
    async fn everything(conn: &mut Connection) -> String {
        let tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
            AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'";
        let mut found = String::new();
        for table in sqlx::query(tables).fetch_all(&mut *conn).await.unwrap() {
            let table: String = table.get("name");
            let columns = AssertSqlSafe(format!(
                "SELECT group_concat('ifnull(\"' || name || '\", '''')', ' || '' '' || ') AS c
                FROM pragma_table_info('{table}')"
            ));
            let columns: String = sqlx::query(columns)
                .fetch_one(&mut *conn)
                .await
                .unwrap()
                .get("c");
            let rows = AssertSqlSafe(format!("SELECT {columns} AS row FROM \"{table}\""));
            for row in sqlx::query(rows).fetch_all(&mut *conn).await.unwrap() {
                found.push_str(&row.get::<String, _>("row"));
                found.push('\n');
            }
        }
        found
    }

    #[tokio::test]
    async fn nothing_of_sam_is_left_but_what_was_said_to_maya() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let course = school.course("Algebra", maya).await;
        school.enrol(sam, course).await;
        let conversation = school.conversation(sam, maya).await;
        school.say(conversation, sam, "hello Maya").await;
        school.say(conversation, maya, "hello there").await;
        let sent = school.file(conversation, sam, "told Maya.txt").await;
        let said = message::before(&mut school.conn, conversation, 9, 9).await;
        let message = said.unwrap()[1].id;
        let carried = sqlx::query("UPDATE file SET message = $1, place = 0 WHERE object = $2")
            .bind(message.to_string())
            .bind(&sent.object);
        carried.execute(&mut school.conn).await.unwrap();
        let waiting = school.file(conversation, sam, "Sam alone.txt").await;
        let conn = &mut school.conn;
        credential::set(conn, sam, "a hash", 1).await.unwrap();
        assert_eq!(partners(conn, sam).await.unwrap(), [(maya, conversation)]);
        let email = "sam@school.example";
        assert!(everything(conn).await.contains(email));
        erase(conn, sam, email, 9).await.unwrap();
        let left = everything(conn).await;
        assert!(!left.contains("Sam") && !left.contains("sam@"), "{left}");
        assert!(left.contains("hello Maya") && left.contains("hello there"));
        assert!(!left.contains("a hash"));
        // What Maya was sent is hers; the bytes of what she was not are to be removed.
        assert!(left.contains("told Maya.txt"));
        assert_eq!(file::gone(conn, 9).await.unwrap(), [waiting.object]);
        assert!(person::by_email(conn, email).await.unwrap().is_none());
        let name = person::get(conn, sam).await.unwrap().unwrap().name;
        assert_eq!(name, NAME);
        assert!(is_deleted(conn, sam).await.unwrap());
        assert!(!is_deleted(conn, lin).await.unwrap());
        let said = message::before(conn, conversation, 9, 9).await.unwrap();
        assert_eq!(said.len(), 2);
        // A second person may go as well.
        erase(conn, lin, "lin@school.example", 9).await.unwrap();
        let broken = sqlx::query("PRAGMA foreign_key_check")
            .fetch_all(conn)
            .await
            .unwrap();
        assert!(broken.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_scanned_but_the_small_tail() {
        let mut school = School::open().await;
        for sql in ERASE.into_iter().chain([TOMBSTONE, PARTNERS]) {
            let found = scans(&mut school.conn, sql).await;
            let found: Vec<_> = found.iter().filter(|step| !step.contains("tail")).collect();
            assert!(found.is_empty(), "{sql}: {found:?}");
        }
    }
}
