//! Tables `file`, `file_gone` and `file_day`: what people hand over, and which message carries it.
//!
//! A row that goes leaves its object's name in `file_gone`, in the same transaction: whatever
//! happens then, `crate::files` finds it there and removes the bytes.

use super::{
    Connection, Row,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{
    FileId, MessageId, PersonId, UnixMs,
    files::{FileInfo, FileStart, FileState, Sha256},
};

/// A file as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As it was announced.
    pub start: FileStart,
    /// Who hands it over.
    pub author: PersonId,
    /// Where its bytes are.
    pub object: String,
    /// So many bytes from the first on are on disk.
    pub received: u64,
    /// What it is, once it is whole.
    pub kind: Option<Kind>,
    /// The message that carries it.
    pub message: Option<MessageId>,
}

/// What a file is, by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its media type.
    pub media_type: String,
    /// Width and height of an image, in pixels.
    pub pixels: Option<(u32, u32)>,
}

impl File {
    /// As people see it; none while it is not whole.
    #[must_use]
    pub fn info(&self) -> Option<FileInfo> {
        let kind = self.kind.as_ref()?;
        Some(FileInfo {
            id: self.start.id,
            name: self.start.name.clone(),
            size: self.start.size,
            media_type: kind.media_type.clone(),
            width: kind.pixels.map(|(width, _)| width),
            height: kind.pixels.map(|(_, height)| height),
        })
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> FileState {
        FileState {
            offset: self.received,
            size: self.start.size,
            file: self.info(),
        }
    }
}

/// A file by its id.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: FileId) -> Result<Option<File>, Error> {
    let row = sqlx::query(BY_ID)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Also what the ledger looks up for messages that carry files.
pub(super) const BY_ID: &str = "SELECT id, author, conversation, name, size, sha256, object,
        received, media_type, width, height, message
    FROM file WHERE id = $1";

fn read(row: &Row) -> Result<File, Error> {
    let pixels = |column| -> Result<Option<u32>, Error> {
        Ok(row.maybe_int(column)?.and_then(|n| u32::try_from(n).ok()))
    };
    let media_type: Option<String> = row.maybe("media_type")?;
    let kind = match media_type {
        Some(media_type) => Some(Kind {
            media_type,
            pixels: pixels("width")?.zip(pixels("height")?),
        }),
        None => None,
    };
    Ok(File {
        start: FileStart {
            id: row.parsed("id")?,
            conversation: row.parsed("conversation")?,
            name: row.text("name")?,
            size: row.count("size")?,
            sha256: row.parsed::<Sha256>("sha256")?,
        },
        author: row.parsed("author")?,
        object: row.text("object")?,
        received: row.count("received")?,
        kind,
        message: row.maybe("message")?,
    })
}

/// Adds a file of which nothing has come yet.
///
/// # Errors
/// Where the id is known; where the database fails.
pub async fn insert(conn: &mut Connection, file: &File, now: UnixMs) -> Result<(), Error> {
    let sql = "INSERT INTO file
        (id, author, conversation, name, size, sha256, object, received, touched_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(file.start.id.to_string())
        .bind(file.author.to_string())
        .bind(file.start.conversation.to_string())
        .bind(&file.start.name)
        .bind(column_of(file.start.size))
        .bind(file.start.sha256.to_string())
        .bind(&file.object)
        .bind(column_of(file.received))
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a person has begun and not sent, and may still hand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Files that are not whole.
    pub files: u64,
    /// Bytes of them that are to come.
    pub missing: u64,
}

/// What a person has begun.
///
/// # Errors
/// Where the database fails.
pub async fn open_of(conn: &mut Connection, author: PersonId) -> Result<Open, Error> {
    let row = sqlx::query(OPEN)
        .bind(author.to_string())
        .fetch_one(conn)
        .await?;
    Ok(Open {
        files: row.count("files")?,
        missing: row.count("missing")?,
    })
}

const OPEN: &str = "SELECT count(*) AS files, coalesce(sum(size - received), 0) AS missing
    FROM file WHERE author = $1 AND message IS NULL AND media_type IS NULL";

/// What a person has handed over and no message carries, with where it is meant to go.
///
/// # Errors
/// Where the database fails.
pub async fn waiting_of(conn: &mut Connection, author: PersonId) -> Result<Vec<File>, Error> {
    let rows = sqlx::query(WAITING)
        .bind(author.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const WAITING: &str = "SELECT id, author, conversation, name, size, sha256, object,
        received, media_type, width, height, message
    FROM file WHERE author = $1 AND message IS NULL";

/// A day has so many milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// Bytes that a person has handed over today (UTC), and how long that day lasts.
///
/// # Errors
/// Where the database fails.
pub async fn today(
    conn: &mut Connection,
    person: PersonId,
    now: UnixMs,
) -> Result<(u64, u64), Error> {
    let row = sqlx::query(TODAY)
        .bind(person.to_string())
        .bind(now.div_euclid(DAY_MS))
        .fetch_optional(conn)
        .await?;
    let bytes = row.map_or(Ok(0), |row| row.count("bytes"))?;
    let left = DAY_MS - now.rem_euclid(DAY_MS);
    Ok((bytes, u64::try_from(left).unwrap_or(1)))
}

const TODAY: &str = "SELECT bytes FROM file_day WHERE person = $1 AND day = $2";

/// Notes how much of a file is on disk, and that this many bytes have come. Says whether the file is
/// still to be handed over.
///
/// # Errors
/// Where the database fails.
pub async fn receive(
    conn: &mut Connection,
    file: &File,
    received: u64,
    came: u64,
    now: UnixMs,
) -> Result<bool, Error> {
    let done = sqlx::query(RECEIVE)
        .bind(&file.object)
        .bind(column_of(received))
        .bind(now)
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(COUNT)
        .bind(file.author.to_string())
        .bind(now.div_euclid(DAY_MS))
        .bind(column_of(came))
        .execute(conn)
        .await?;
    Ok(true)
}

const RECEIVE: &str = "UPDATE file SET received = $2, touched_at = $3
    WHERE object = $1 AND media_type IS NULL";
const COUNT: &str = "INSERT INTO file_day (person, day, bytes) VALUES ($1, $2, $3)
    ON CONFLICT (person, day) DO UPDATE SET bytes = bytes + excluded.bytes";

/// The file is whole, and this is what it is. Says whether it was still to be handed over.
///
/// # Errors
/// Where the database fails.
pub async fn finish(
    conn: &mut Connection,
    object: &str,
    kind: &Kind,
    now: UnixMs,
) -> Result<bool, Error> {
    let done = sqlx::query(FINISH)
        .bind(object)
        .bind(&kind.media_type)
        .bind(kind.pixels.map(|(width, _)| i64::from(width)))
        .bind(kind.pixels.map(|(_, height)| i64::from(height)))
        .bind(now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

const FINISH: &str = "UPDATE file SET media_type = $2, width = $3, height = $4, touched_at = $5
    WHERE object = $1 AND received = size AND media_type IS NULL";

/// Gives a file to a message, under its place there. For the ledger, which numbers parameters as they
/// come.
pub(super) const CARRY: &str =
    "UPDATE file SET message = $1, place = $2 WHERE id = $3 AND message IS NULL";

/// Forgets rows, and notes their objects first. $1 says which, $2 is the time.
const FORGET: [&str; 2] = [
    "INSERT INTO file_gone (object, at) SELECT object, $2 FROM file WHERE object = $1",
    "DELETE FROM file WHERE object = $1",
];
const FORGET_OF_MESSAGE: [&str; 2] = [
    "INSERT INTO file_gone (object, at) SELECT object, $2 FROM file WHERE message = $1",
    "DELETE FROM file WHERE message = $1",
];
const FORGET_WAITING: [&str; 2] = [
    "INSERT INTO file_gone (object, at)
        SELECT object, $2 FROM file WHERE message IS NULL AND touched_at < $1",
    "DELETE FROM file WHERE message IS NULL AND touched_at < $1",
];

/// Throws a file away.
///
/// # Errors
/// Where the database fails.
pub async fn forget(conn: &mut Connection, object: &str, now: UnixMs) -> Result<(), Error> {
    for sql in FORGET {
        sqlx::query(sql)
            .bind(object)
            .bind(now)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Throws the files of a message away.
///
/// # Errors
/// Where the database fails.
pub async fn forget_of(
    conn: &mut Connection,
    message: MessageId,
    now: UnixMs,
) -> Result<(), Error> {
    for sql in FORGET_OF_MESSAGE {
        sqlx::query(sql)
            .bind(message.to_string())
            .bind(now)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Throws away what no message carries and was not touched since; and what is no longer asked of
/// days before.
///
/// # Errors
/// Where the database fails.
pub async fn expire(conn: &mut Connection, before: UnixMs, now: UnixMs) -> Result<(), Error> {
    for sql in FORGET_WAITING {
        sqlx::query(sql)
            .bind(before)
            .bind(now)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query(FORGET_DAYS)
        .bind(now.div_euclid(DAY_MS))
        .execute(conn)
        .await?;
    Ok(())
}

const FORGET_DAYS: &str = "DELETE FROM file_day WHERE day < $1";

/// Objects that are to be removed, `limit` at most.
///
/// # Errors
/// Where the database fails.
pub async fn gone(conn: &mut Connection, limit: i64) -> Result<Vec<String>, Error> {
    let rows = sqlx::query("SELECT object FROM file_gone LIMIT $1")
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.text("object")).collect()
}

/// An object is removed.
///
/// # Errors
/// Where the database fails.
pub async fn removed(conn: &mut Connection, object: &str) -> Result<(), Error> {
    sqlx::query(REMOVED).bind(object).execute(conn).await?;
    Ok(())
}

const REMOVED: &str = "DELETE FROM file_gone WHERE object = $1";

/// Whether an object belongs to a file, or waits to be removed.
///
/// # Errors
/// Where the database fails.
pub async fn is_known(conn: &mut Connection, object: &str) -> Result<bool, Error> {
    let row = sqlx::query(KNOWN).bind(object).fetch_optional(conn).await?;
    Ok(row.is_some())
}

const KNOWN: &str = "SELECT object FROM file WHERE object = $1
    UNION ALL SELECT object FROM file_gone WHERE object = $1";

/// Whether an object is a file that is whole already: nothing of it is to be staged anymore.
///
/// # Errors
/// Where the database fails.
pub async fn is_whole(conn: &mut Connection, object: &str) -> Result<bool, Error> {
    let row = sqlx::query(WHOLE).bind(object).fetch_optional(conn).await?;
    Ok(row.is_some())
}

const WHOLE: &str = "SELECT object FROM file WHERE object = $1 AND media_type IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};
    use im_protocol::ConversationId;

    fn file(author: PersonId, conversation: ConversationId, size: u64) -> File {
        let id = FileId::new();
        File {
            start: FileStart {
                id,
                conversation,
                name: "Problem 7.png".into(),
                size,
                sha256: Sha256::from_bytes([7; 32]),
            },
            author,
            object: format!("life/{id}"),
            received: 0,
            kind: None,
            message: None,
        }
    }

    fn png() -> Kind {
        Kind {
            media_type: "image/png".into(),
            pixels: Some((640, 480)),
        }
    }

    #[tokio::test]
    async fn a_file_grows_counts_for_its_day_and_is_whole_once() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conversation = school.conversation(sam, maya).await;
        let mut begun = file(sam, conversation, 10);
        let conn = &mut school.conn;
        insert(conn, &begun, 1).await.unwrap();
        assert!(!finish(conn, &begun.object, &png(), 2).await.unwrap());
        assert!(receive(conn, &begun, 4, 4, 2).await.unwrap());
        assert_eq!(
            open_of(conn, sam).await.unwrap(),
            Open {
                files: 1,
                missing: 6
            }
        );
        assert!(receive(conn, &begun, 10, 6, DAY_MS - 1).await.unwrap());
        assert_eq!(today(conn, sam, DAY_MS - 2).await.unwrap(), (10, 2));
        assert_eq!(today(conn, sam, DAY_MS).await.unwrap().0, 0);
        assert!(!is_whole(conn, &begun.object).await.unwrap());
        assert!(finish(conn, &begun.object, &png(), 3).await.unwrap());
        assert!(is_whole(conn, &begun.object).await.unwrap());
        assert!(!finish(conn, &begun.object, &png(), 3).await.unwrap());
        assert!(
            !receive(conn, &begun, 3, 3, 3).await.unwrap(),
            "it is whole"
        );
        assert_eq!(open_of(conn, sam).await.unwrap(), Open::default());
        begun.received = 10;
        begun.kind = Some(png());
        let found = get(conn, begun.start.id).await.unwrap().unwrap();
        assert_eq!(found, begun);
        assert_eq!(found.info().unwrap().height, Some(480));
        assert_eq!(waiting_of(conn, sam).await.unwrap(), [begun]);
    }

    #[tokio::test]
    async fn what_goes_leaves_the_name_of_its_object() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conversation = school.conversation(sam, maya).await;
        let (old, young) = (file(sam, conversation, 1), file(sam, conversation, 1));
        let conn = &mut school.conn;
        insert(conn, &old, 10).await.unwrap();
        insert(conn, &young, 20).await.unwrap();
        expire(conn, 20, 99).await.unwrap();
        assert!(get(conn, old.start.id).await.unwrap().is_none());
        let left = gone(conn, 9).await.unwrap();
        assert_eq!(left, std::slice::from_ref(&old.object));
        assert!(is_known(conn, &old.object).await.unwrap());
        removed(conn, &old.object).await.unwrap();
        assert!(!is_known(conn, &old.object).await.unwrap());
        assert!(is_known(conn, &young.object).await.unwrap());
        forget(conn, &young.object, 99).await.unwrap();
        assert!(get(conn, young.start.id).await.unwrap().is_none());
        assert_eq!(gone(conn, 9).await.unwrap(), [young.object]);
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        let forget = FORGET
            .into_iter()
            .chain(FORGET_OF_MESSAGE)
            .chain(FORGET_WAITING);
        let others = [
            BY_ID,
            OPEN,
            WAITING,
            TODAY,
            RECEIVE,
            COUNT,
            FINISH,
            CARRY,
            FORGET_DAYS,
            REMOVED,
            WHOLE,
            KNOWN,
        ];
        for sql in forget.chain(others) {
            let found = scans(&mut school.conn, sql).await;
            assert_eq!(found, Vec::<String>::new(), "{sql}");
        }
    }
}
