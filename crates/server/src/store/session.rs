//! Tables `session` and `refresh_token`: sign-ins and the families of their refresh tokens.

use super::{
    Connection, Row,
    row::{Columns, from_word, to_word},
};
use crate::error::Error;
use im_protocol::{DeviceId, PersonId, SessionId, UnixMs, rest::Device, sessions::Ended};
use sqlx::Row as _;

/// A session as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub person: PersonId,
    /// Where.
    pub device: DeviceId,
    /// The hash of its newest refresh token.
    pub newest_token: String,
    /// When it was ended, if it was.
    pub revoked_at: Option<UnixMs>,
    /// Why it was ended, where that was kept.
    pub ended: Option<Ended>,
}

/// A living session as the list of devices shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Living {
    /// Which.
    pub id: SessionId,
    /// Where.
    pub device: DeviceId,
    /// What the device called itself.
    pub device_name: String,
    /// When it began.
    pub created_at: UnixMs,
    /// When its device was last known to be there.
    pub last_seen_at: UnixMs,
}

/// A refresh token as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// SHA-256, hexadecimal.
    pub hash: String,
    /// Its family.
    pub session: SessionId,
    /// The token that was given for it.
    pub parent: Option<String>,
    /// When it ends by itself.
    pub expires_at: UnixMs,
    /// When it was first given for a successor.
    pub used_at: Option<UnixMs>,
}

/// Adds a session whose newest token is to be added next.
///
/// # Errors
/// Where the database fails.
pub async fn insert(
    conn: &mut Connection,
    id: SessionId,
    person: PersonId,
    device: &Device,
    newest_token: &str,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO session
        (id, person, device, device_name, created_at, newest_token, revoked_at, last_seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, NULL, $5)";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(person.to_string())
        .bind(device.id.to_string())
        .bind(&device.name)
        .bind(now)
        .bind(newest_token)
        .execute(conn)
        .await?;
    Ok(())
}

/// A session.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: SessionId) -> Result<Option<Session>, Error> {
    let sql = "SELECT id, person, device, newest_token, revoked_at, ended_because FROM session
        WHERE id = $1";
    let row = sqlx::query(sql)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Session {
        id: row.parsed("id")?,
        person: row.parsed("person")?,
        device: row.parsed("device")?,
        newest_token: row.text("newest_token")?,
        revoked_at: row.maybe_int("revoked_at")?,
        ended: ended(&row)?,
    }))
}

fn ended(row: &Row) -> Result<Option<Ended>, Error> {
    let word: Option<&str> = row.try_get("ended_because")?;
    word.map(from_word).transpose()
}

/// Ends a session. Says whether it was alive.
///
/// # Errors
/// Where the database fails.
pub async fn revoke(
    conn: &mut Connection,
    id: SessionId,
    why: Ended,
    now: UnixMs,
) -> Result<bool, Error> {
    let sql = "UPDATE session SET revoked_at = $2, ended_because = $3
        WHERE id = $1 AND revoked_at IS NULL";
    let done = sqlx::query(sql)
        .bind(id.to_string())
        .bind(now)
        .bind(to_word(&why)?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The living sessions of a person on a device.
///
/// # Errors
/// Where the database fails.
pub async fn living_on(
    conn: &mut Connection,
    person: PersonId,
    device: DeviceId,
) -> Result<Vec<SessionId>, Error> {
    let sql = "SELECT id FROM session WHERE person = $1 AND device = $2 AND revoked_at IS NULL";
    let rows = sqlx::query(sql)
        .bind(person.to_string())
        .bind(device.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.parsed("id")).collect()
}

/// All sessions of a person that were not ended, whether they could still be gone on with or not.
///
/// # Errors
/// Where the database fails.
pub async fn living_of(conn: &mut Connection, person: PersonId) -> Result<Vec<SessionId>, Error> {
    let rows = sqlx::query(LIVING_OF)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.parsed("id")).collect()
}

const LIVING_OF: &str = "SELECT id FROM session WHERE person = $1 AND revoked_at IS NULL";

/// A sign-in as its person may see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Past {
    /// Which.
    pub id: SessionId,
    /// Where.
    pub device: DeviceId,
    /// What the device was called then.
    pub device_name: String,
    /// When.
    pub created_at: UnixMs,
    /// When it was ended, if it was.
    pub ended_at: Option<UnixMs>,
}

/// All sign-ins of a person that are still known, over or not, the oldest first.
///
/// # Errors
/// Where the database fails.
pub async fn history(conn: &mut Connection, person: PersonId) -> Result<Vec<Past>, Error> {
    let rows = sqlx::query(HISTORY)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    let read = |row: &Row| {
        Ok(Past {
            id: row.parsed("id")?,
            device: row.parsed("device")?,
            device_name: row.text("device_name")?,
            created_at: row.int("created_at")?,
            ended_at: row.maybe_int("revoked_at")?,
        })
    };
    rows.iter().map(read).collect()
}

const HISTORY: &str = "SELECT id, device, device_name, created_at, revoked_at FROM session
    WHERE person = $1 ORDER BY created_at, id";

/// All sessions of a person that live and could still be gone on with.
///
/// # Errors
/// Where the database fails.
pub async fn living(
    conn: &mut Connection,
    person: PersonId,
    now: UnixMs,
) -> Result<Vec<Living>, Error> {
    let rows = sqlx::query(LIVING)
        .bind(person.to_string())
        .bind(now)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Living {
                id: row.parsed("id")?,
                device: row.parsed("device")?,
                device_name: row.text("device_name")?,
                created_at: row.int("created_at")?,
                last_seen_at: row.int("last_seen_at")?,
            })
        })
        .collect()
}

const LIVING: &str = "SELECT s.id, s.device, s.device_name, s.created_at, s.last_seen_at
    FROM session s JOIN refresh_token t ON t.hash = s.newest_token
    WHERE s.person = $1 AND s.revoked_at IS NULL AND t.expires_at > $2";

/// A session's device was there at this moment.
///
/// # Errors
/// Where the database fails.
pub async fn seen(conn: &mut Connection, id: SessionId, at: UnixMs) -> Result<(), Error> {
    let sql = "UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The sessions that were ended at a moment or later, and why.
///
/// # Errors
/// Where the database fails.
pub async fn ended_since(
    conn: &mut Connection,
    since: UnixMs,
) -> Result<Vec<(SessionId, Option<Ended>)>, Error> {
    let rows = sqlx::query(ENDED_SINCE).bind(since).fetch_all(conn).await?;
    rows.iter()
        .map(|row| Ok((row.parsed("id")?, ended(row)?)))
        .collect()
}

const ENDED_SINCE: &str = "SELECT id, ended_because FROM session WHERE revoked_at >= $1";

/// A refresh token by its hash.
///
/// # Errors
/// Where the database fails.
pub async fn token(conn: &mut Connection, hash: &str) -> Result<Option<RefreshToken>, Error> {
    let sql = "SELECT hash, session, parent, expires_at, used_at FROM refresh_token
        WHERE hash = $1";
    let row = sqlx::query(sql).bind(hash).fetch_optional(conn).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(RefreshToken {
        hash: row.text("hash")?,
        session: row.parsed("session")?,
        parent: row.maybe("parent")?,
        expires_at: row.int("expires_at")?,
        used_at: row.maybe_int("used_at")?,
    }))
}

/// Adds a token to its family as the newest one.
///
/// # Errors
/// Where the database fails.
pub async fn add_token(
    conn: &mut Connection,
    token: &RefreshToken,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO refresh_token (hash, session, parent, issued_at, expires_at, used_at)
        VALUES ($1, $2, $3, $4, $5, NULL)";
    sqlx::query(sql)
        .bind(&token.hash)
        .bind(token.session.to_string())
        .bind(&token.parent)
        .bind(now)
        .bind(token.expires_at)
        .execute(&mut *conn)
        .await?;
    // Whoever is given a token is there.
    let sql = "UPDATE session SET newest_token = $2, last_seen_at = $3 WHERE id = $1";
    sqlx::query(sql)
        .bind(token.session.to_string())
        .bind(&token.hash)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a token was given for a successor; the first time counts.
///
/// # Errors
/// Where the database fails.
pub async fn mark_used(conn: &mut Connection, hash: &str, now: UnixMs) -> Result<(), Error> {
    let sql = "UPDATE refresh_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL";
    sqlx::query(sql).bind(hash).bind(now).execute(conn).await?;
    Ok(())
}

/// Forgets tokens that have expired, up to `limit` of them. Says how many.
///
/// # Errors
/// Where the database fails.
pub async fn prune_tokens(conn: &mut Connection, now: UnixMs, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query(PRUNE)
        .bind(now)
        .bind(limit)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

const PRUNE: &str = "DELETE FROM refresh_token WHERE hash IN
    (SELECT hash FROM refresh_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn a_session_ends_once() {
        let mut school = School::open().await;
        let (maya, ..) = school.maya_sam_lin().await;
        let device = Device {
            id: DeviceId::new(),
            name: "Desk".into(),
        };
        let id = SessionId::new();
        let conn = &mut school.conn;
        insert(conn, id, maya, &device, "hash", 1).await.unwrap();
        assert_eq!(living_on(conn, maya, device.id).await.unwrap(), [id]);
        let ended = get(conn, id).await.unwrap().unwrap().ended;
        assert_eq!(ended, None);
        assert!(revoke(conn, id, Ended::SignedOut, 2).await.unwrap());
        assert!(!revoke(conn, id, Ended::TokenReused, 3).await.unwrap());
        let over = get(conn, id).await.unwrap().unwrap();
        assert_eq!(over.revoked_at, Some(2));
        assert_eq!(over.ended, Some(Ended::SignedOut));
        let since = ended_since(conn, 2).await.unwrap();
        assert_eq!(since, [(id, Some(Ended::SignedOut))]);
        assert!(living_on(conn, maya, device.id).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_list_has_what_lives_and_knows_when_it_was_there() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conn = &mut school.conn;
        let mut ids = Vec::new();
        for (person, name, expires_at) in [
            (maya, "Desk", 100),
            (maya, "Left in a drawer", 10),
            (maya, "Sold", 100),
            (sam, "Sam's", 100),
        ] {
            let device = Device {
                id: DeviceId::new(),
                name: name.into(),
            };
            let id = SessionId::new();
            insert(conn, id, person, &device, "", 1).await.unwrap();
            let token = RefreshToken {
                hash: id.to_string(),
                session: id,
                parent: None,
                expires_at,
                used_at: None,
            };
            add_token(conn, &token, 2).await.unwrap();
            ids.push(id);
        }
        revoke(conn, ids[2], Ended::SignedOut, 3).await.unwrap();
        seen(conn, ids[0], 7).await.unwrap();
        seen(conn, ids[0], 5).await.unwrap();
        let list = living(conn, maya, 50).await.unwrap();
        let told: Vec<_> = list
            .iter()
            .map(|one| (one.id, one.device_name.as_str(), one.last_seen_at))
            .collect();
        assert_eq!(told, [(ids[0], "Desk", 7)]);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [PRUNE, LIVING, LIVING_OF, HISTORY, ENDED_SINCE] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
}
