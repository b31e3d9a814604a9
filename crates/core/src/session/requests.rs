//! Rows of the outbox as requests to the server, and what becomes of them once it has answered.

use super::Context;
use crate::{
    faults,
    files::{self, Folder},
    outbox::{Answer, Entry, FileEntry, SendFailure},
    store::{
        Store, StoreError, facts, message,
        outbox::{self as rows, Operation, OutboxRow},
        upload::{self, Upload},
    },
    wire::{Wire, WireFailure},
};
use im_protocol::{
    ConversationId, EditId, MessageId, OperationId, PersonId, UnixMs,
    conversation::{
        Accepted, Content, Message, MessageDelete, MessageEdit, MessageReact, MessageSend,
        NewMessage,
    },
};
use rusqlite::{Connection, Transaction};

/// Bytes of a message in a request beside its text.
const AROUND: usize = 128;
/// Bytes of a file's id in a request.
const FILE: usize = 40;

/// A row with the files that it carries.
pub(super) struct Unsent {
    pub(super) row: OutboxRow,
    files: Vec<Upload>,
}

/// Reads a row, while it is there.
///
/// # Errors
/// What the disk says.
pub(super) fn row(connection: &Connection, id: OperationId) -> Result<Option<Unsent>, StoreError> {
    let Some(row) = rows::get(connection, id)? else {
        return Ok(None);
    };
    let files = upload::of_message(connection, message_of(id))?;
    Ok(Some(Unsent { row, files }))
}

/// What is unsent at the start. Rows of which the cache knows that they were accepted (the app was
/// killed before they were deleted) are deleted now.
pub(super) async fn unsent(
    store: &Store,
    folder: &Folder,
    now: UnixMs,
) -> Result<Vec<Entry>, StoreError> {
    let read = |connection: &Connection| rows::after(connection, 0, u32::MAX);
    let kept = store.outbox.read(read).await?;
    let stored = stored_already(store, &kept).await?;
    if !stored.is_empty() {
        delete(store, folder, now, stored.clone()).await?;
    }
    let read = move |connection: &Connection| {
        let mut kept = kept;
        kept.retain(|row| !stored.contains(&row.id));
        entries(connection, &kept)
    };
    store.outbox.read(read).await
}

/// Rows of the outbox that the cache shows to be on the server's disk already.
async fn stored_already(
    store: &Store,
    unsent: &[OutboxRow],
) -> Result<Vec<OperationId>, StoreError> {
    let sent = unsent
        .iter()
        .filter(|row| row.operation.changes().is_none());
    let ids: Vec<OperationId> = sent.map(|row| row.id).collect();
    store
        .cache
        .read(move |connection| {
            let mut stored = Vec::new();
            for id in ids {
                if message::exists(connection, message_of(id))? {
                    stored.push(id);
                }
            }
            Ok(stored)
        })
        .await
}

/// Rows as the machine needs to know them.
///
/// # Errors
/// What the disk says.
pub(super) fn entries(
    connection: &Connection,
    rows: &[OutboxRow],
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let files = upload::of_message(connection, message_of(row.id))?;
        entries.push(entry(row, &files));
    }
    Ok(entries)
}

fn entry(row: &OutboxRow, files: &[Upload]) -> Entry {
    let text = row.operation.text();
    // JSON writes a control character as six bytes.
    let escaped = text.chars().filter(|c| c.is_control()).count() * 5;
    let around = AROUND + files.len() * FILE;
    let changes = row.operation.changes();
    Entry {
        n: row.n,
        id: row.id,
        conversation: row.conversation,
        bytes: text.len() + text.matches(['"', '\\']).count() + escaped + around,
        failed: row.error.is_some(),
        alone: changes.is_some(),
        after: changes.map(OperationId::from),
        files: files
            .iter()
            .map(|file| FileEntry {
                id: file.id,
                size: file.size,
                whole: file.file.is_some(),
                held: file.held,
            })
            .collect(),
    }
}

/// The message whose sending this is.
pub(crate) fn message_of(sending: OperationId) -> MessageId {
    MessageId::from_uuid(sending.uuid())
}

/// An own message as the server has accepted it; none where the row is no message.
pub(super) fn as_accepted(place: &Accepted, unsent: Unsent, me: PersonId) -> Option<Message> {
    let Unsent { row, files } = unsent;
    let Operation::Send { text, reply_to } = row.operation else {
        return None;
    };
    Some(Message {
        id: place.id,
        conversation: row.conversation,
        seq: place.seq,
        rev: place.rev,
        author: me,
        content: Content::Text { text },
        written_at: row.written_at,
        accepted_at: place.accepted_at,
        reply_to,
        edited_at: None,
        reactions: Vec::new(),
        files: files.iter().map(Upload::info).collect(),
    })
}

/// Asks the server to carry out rows: messages, or one change of a message, which is stored as it
/// stands then.
pub(super) async fn carry_out(
    wire: &Wire,
    store: &Store,
    conversation: ConversationId,
    wanted: Vec<Unsent>,
) -> Result<Answer, SendFailure> {
    let mut items = Vec::with_capacity(wanted.len());
    for Unsent { row, files } in wanted {
        let changed = match row.operation {
            Operation::Send { text, reply_to } => {
                items.push(NewMessage {
                    id: message_of(row.id),
                    text,
                    written_at: row.written_at,
                    reply_to,
                    files: files.iter().map(|file| file.id).collect(),
                });
                continue;
            }
            Operation::Edit { message, text } => {
                wire.request(&MessageEdit {
                    id: EditId::from_uuid(row.id.uuid()),
                    conversation,
                    message,
                    text,
                })
                .await
            }
            Operation::Delete { message } => {
                wire.request(&MessageDelete {
                    conversation,
                    message,
                })
                .await
            }
            Operation::React { message, emoji, on } => {
                wire.request(&MessageReact {
                    conversation,
                    message,
                    emoji,
                    on,
                })
                .await
            }
        };
        let message = changed.map_err(send_failure)?;
        let write = move |tx: &Transaction<'_>| facts::store_messages(tx, &[message]);
        return match store.cache.write(write).await {
            Ok(_) => Ok(Answer::Stored),
            Err(error) => {
                tracing::error!(%error, "a change could not be stored: it is sent again");
                Err(SendFailure::Lost)
            }
        };
    }
    if items.is_empty() {
        // Nothing of it is here anymore.
        return Ok(Answer::Stored);
    }
    let send = MessageSend {
        conversation,
        items,
    };
    let sent = wire.request(&send).await.map_err(send_failure)?;
    Ok(Answer::Sent(sent))
}

/// Deletes rows of what is stored. What they carried is a copy from then on.
///
/// # Errors
/// What the disk says.
pub(super) async fn delete_rows(
    context: &Context,
    ids: Vec<OperationId>,
) -> Result<(), StoreError> {
    let now = context.clock.now();
    delete(&context.store, &context.files.folder, now, ids).await
}

async fn delete(
    store: &Store,
    folder: &Folder,
    now: UnixMs,
    ids: Vec<OperationId>,
) -> Result<(), StoreError> {
    let carried = store
        .outbox
        .write(move |tx| {
            let mut carried = Vec::new();
            for id in ids {
                let row = rows::get(tx, id)?;
                carried.extend(upload::of_message(tx, message_of(id))?);
                upload::remove_of_message(tx, message_of(id))?;
                rows::remove(tx, id)?;
                if let Some(row) = row.filter(|_| faults::doubles()) {
                    let again = OperationId::new();
                    rows::add(tx, again, row.conversation, row.operation, row.written_at)?;
                }
            }
            Ok(carried)
        })
        .await?;
    if !carried.is_empty() {
        files::keep_sent(store, folder, now, carried).await;
    }
    Ok(())
}

fn send_failure(failure: WireFailure) -> SendFailure {
    match failure {
        WireFailure::NotConnected | WireFailure::Lost => SendFailure::Lost,
        WireFailure::Refused(error) => SendFailure::Refused(error),
    }
}
