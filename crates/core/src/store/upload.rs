//! Table `upload`: files that were chosen to be sent.

use super::{StoreError, count, id, int, maybe_id};
use im_protocol::{
    ConversationId, FileId, MessageId,
    files::{FileInfo, OPAQUE_TYPE, Sha256},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A row. What people call their files is left out of logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    /// Which.
    pub(crate) id: FileId,
    /// Where to.
    pub(crate) conversation: ConversationId,
    /// The message that carries it; none while it belongs to the draft.
    pub(crate) message: Option<MessageId>,
    /// A name without a path, as the server takes it.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Of all of them.
    pub(crate) sha256: Sha256,
    /// An image's, in pixels.
    pub(crate) picture: Option<(u32, u32)>,
    /// The person holds it.
    pub(crate) held: bool,
    /// As the server told it, once the server has all of it.
    pub(crate) file: Option<FileInfo>,
}

impl Upload {
    /// The file as others will see it, as far as it is known here.
    pub(crate) fn info(&self) -> FileInfo {
        self.file.clone().unwrap_or_else(|| FileInfo {
            id: self.id,
            name: self.name.clone(),
            size: self.size,
            media_type: OPAQUE_TYPE.to_owned(),
            width: self.picture.map(|(width, _)| width),
            height: self.picture.map(|(_, height)| height),
        })
    }
}

const OF_MESSAGE: &str = "SELECT id, conversation, message, name, size, sha256, width, height, held, \
                          file FROM upload WHERE message = ?1 ORDER BY n";
const OF_CONVERSATION: &str = "SELECT id, conversation, message, name, size, sha256, width, height, \
                               held, file FROM upload WHERE conversation = ?1 ORDER BY n";
const BY_ID: &str = "SELECT id, conversation, message, name, size, sha256, width, height, held, \
                     file FROM upload WHERE id = ?1";

/// Keeps a file that was chosen, at the end.
pub(crate) fn add(connection: &Connection, upload: &Upload) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO upload(id, conversation, message, name, size, sha256, width, height)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            upload.id.to_string(),
            upload.conversation.to_string(),
            upload.message.map(|message| message.to_string()),
            upload.name,
            int(upload.size),
            upload.sha256.to_string(),
            upload.picture.map(|(width, _)| width),
            upload.picture.map(|(_, height)| height),
        ])?;
    Ok(())
}

/// The files of a message, in the order of choosing.
pub(crate) fn of_message(
    connection: &Connection,
    message: MessageId,
) -> Result<Vec<Upload>, StoreError> {
    collect(connection, OF_MESSAGE, [message.to_string()])
}

/// The files of a conversation, of unsent messages and of the draft.
pub(crate) fn of_conversation(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Upload>, StoreError> {
    collect(connection, OF_CONVERSATION, [conversation.to_string()])
}

/// The files of what the person has begun to write.
pub(crate) fn of_draft(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Upload>, StoreError> {
    let mut uploads = of_conversation(connection, conversation)?;
    uploads.retain(|upload| upload.message.is_none());
    Ok(uploads)
}

/// One file.
pub(crate) fn get(connection: &Connection, id: FileId) -> Result<Option<Upload>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// All ids, in no order: for what the folder may hold.
pub(crate) fn ids(connection: &Connection) -> Result<Vec<FileId>, StoreError> {
    let ids = connection
        .prepare_cached("SELECT id FROM upload")?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

/// A file of the draft goes with a message. Gives whether it was one.
pub(crate) fn carry(
    connection: &Connection,
    id: FileId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE upload SET message = ?3
             WHERE id = ?1 AND conversation = ?2 AND message IS NULL",
        )?
        .execute(params![
            id.to_string(),
            conversation.to_string(),
            message.to_string()
        ])?;
    Ok(changed == 1)
}

/// The person holds a file, or lets it go on.
pub(crate) fn hold(connection: &Connection, id: FileId, held: bool) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE upload SET held = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), held])?;
    Ok(())
}

/// The server has all of it; none where it does not anymore.
pub(crate) fn set_file(
    connection: &Connection,
    id: FileId,
    file: Option<&FileInfo>,
) -> Result<(), StoreError> {
    let file = file.and_then(|file| serde_json::to_string(file).ok());
    connection
        .prepare_cached("UPDATE upload SET file = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), file])?;
    Ok(())
}

/// Removes a file of the draft. Gives whether it was one.
pub(crate) fn remove_from_draft(connection: &Connection, id: FileId) -> Result<bool, StoreError> {
    let removed = connection
        .prepare_cached("DELETE FROM upload WHERE id = ?1 AND message IS NULL")?
        .execute([id.to_string()])?;
    Ok(removed == 1)
}

/// Removes the files of a message. Gives which.
pub(crate) fn remove_of_message(
    connection: &Connection,
    message: MessageId,
) -> Result<Vec<FileId>, StoreError> {
    let removed = connection
        .prepare_cached("DELETE FROM upload WHERE message = ?1 RETURNING id")?
        .query_map([message.to_string()], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(removed)
}

fn collect(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Upload>, StoreError> {
    let rows = connection
        .prepare_cached(sql)?
        .query_map(params, read)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Upload> {
    let (width, height): (Option<u32>, Option<u32>) = (row.get(6)?, row.get(7)?);
    let file: Option<String> = row.get(9)?;
    Ok(Upload {
        id: id(row, 0)?,
        conversation: id(row, 1)?,
        message: maybe_id(row, 2)?,
        name: row.get(3)?,
        size: count(row, 4)?,
        sha256: id(row, 5)?,
        picture: width.zip(height),
        held: row.get(8)?,
        file: file.and_then(|file| serde_json::from_str(&file).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};

    fn chosen(conversation: ConversationId, name: &str) -> Upload {
        Upload {
            id: FileId::new(),
            conversation,
            message: None,
            name: name.to_owned(),
            size: 9,
            sha256: Sha256::from_bytes([7; 32]),
            picture: Some((4, 3)),
            held: false,
            file: None,
        }
    }

    #[test]
    fn a_file_is_chosen_for_a_draft_and_goes_with_one_message() {
        let connection = testing::outbox();
        let (maya, message) = (ConversationId::new(), MessageId::new());
        let (one, two) = (chosen(maya, "a.png"), chosen(maya, "b.pdf"));
        add(&connection, &one).unwrap();
        add(&connection, &two).unwrap();
        assert!(of_draft(&connection, maya).unwrap() == [one.clone(), two.clone()]);
        assert!(!carry(&connection, one.id, ConversationId::new(), message).unwrap());
        assert!(carry(&connection, one.id, maya, message).unwrap());
        assert!(!carry(&connection, one.id, maya, MessageId::new()).unwrap());
        assert!(of_draft(&connection, maya).unwrap() == [two.clone()]);
        assert_eq!(of_message(&connection, message).unwrap().len(), 1);
        assert!(!remove_from_draft(&connection, one.id).unwrap());
        assert!(remove_from_draft(&connection, two.id).unwrap());
        assert_eq!(remove_of_message(&connection, message).unwrap(), [one.id]);
        assert!(ids(&connection).unwrap().is_empty());
    }

    #[test]
    fn what_becomes_of_a_file_is_kept() {
        let connection = testing::outbox();
        let mut one = chosen(ConversationId::new(), "a.png");
        add(&connection, &one).unwrap();
        let mut told = one.info();
        told.media_type = "image/png".to_owned();
        hold(&connection, one.id, true).unwrap();
        set_file(&connection, one.id, Some(&told)).unwrap();
        one.held = true;
        one.file = Some(told);
        assert!(get(&connection, one.id).unwrap() == Some(one.clone()));
        assert_eq!(one.info().media_type, "image/png");
        set_file(&connection, one.id, None).unwrap();
        assert!(get(&connection, one.id).unwrap().unwrap().file.is_none());
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::outbox();
        for sql in [OF_MESSAGE, OF_CONVERSATION, BY_ID] {
            assert_no_scan(&connection, sql);
        }
    }
}
