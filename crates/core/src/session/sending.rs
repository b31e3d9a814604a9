//! Carries out what the outbox's machine decides, and sends read markers.

use super::{Outcome, Session};
use crate::{
    faults::{self, Fault},
    outbox::{Action, Entry, SendFailure},
    store::{Store, StoreError, facts, message, outbox as rows, read_mark},
    wire::WireFailure,
};
use im_protocol::{
    ConversationId, MessageId,
    conversation::{Accepted, Content, Message, MessageSend, MessageSent, NewMessage, ReadMark},
};
use rusqlite::Transaction;
use std::{collections::HashMap, time::Duration};
use tokio::sync::oneshot;

/// Rows read at once.
const ROWS: u32 = 500;
/// Until the outbox, which could not be read, is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Bytes of a message in a request beside its text.
const AROUND: usize = 128;

/// What came of sending.
pub(super) enum Sent {
    /// Rows that were written since.
    Written(Vec<Entry>),
    /// They could not be read.
    NotRead,
    /// An answer to a request.
    Answered {
        conversation: ConversationId,
        request: u64,
        answer: Result<MessageSent, SendFailure>,
    },
    /// Rows were deleted, or not.
    Settled {
        conversation: Option<ConversationId>,
        ids: Vec<MessageId>,
        done: bool,
    },
    /// A row was marked.
    Parked(ConversationId),
    /// A row is not marked anymore, and somebody waits for it.
    Unparked(MessageId, oneshot::Sender<bool>),
    /// A marker's way is over: whether the server knows it or will never take it.
    Marked {
        conversation: ConversationId,
        seq: u64,
        done: bool,
    },
}

impl Session {
    /// Starts what the machine wants to be done.
    pub(super) fn send(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send {
                    request,
                    conversation,
                    ids,
                } => self.send_request(request, conversation, ids),
                Action::Settle {
                    conversation,
                    accepted,
                } => self.settle(conversation, accepted),
                Action::Forget(ids) => self.forget(ids),
                Action::Park { id, error } => {
                    let store = self.context.store.clone();
                    self.begin(async move {
                        let write = move |tx: &Transaction<'_>| {
                            rows::set_error(tx, id, Some(&error))?;
                            rows::get(tx, id)
                        };
                        match store.outbox.write(write).await {
                            Ok(Some(row)) => Outcome::Sent(Sent::Parked(row.conversation)),
                            Ok(None) => Outcome::Nothing,
                            Err(error) => {
                                tracing::error!(%error, "a refusal could not be kept");
                                Outcome::Nothing
                            }
                        }
                    });
                }
            }
        }
    }

    fn send_request(&mut self, request: u64, conversation: ConversationId, ids: Vec<MessageId>) {
        let context = self.context.clone();
        self.begin(async move {
            let read = move |connection: &rusqlite::Connection| {
                let mut items = Vec::with_capacity(ids.len());
                for id in ids {
                    items.extend(rows::get(connection, id)?.map(|row| NewMessage {
                        id: row.id,
                        text: row.text,
                        written_at: row.written_at,
                    }));
                }
                Ok(items)
            };
            let answer = match context.store.outbox.read(read).await {
                Ok(items) if items.is_empty() => Ok(MessageSent {
                    accepted: Vec::new(),
                    failed: None,
                }),
                Ok(items) => {
                    let send = MessageSend {
                        conversation,
                        items,
                    };
                    context.wire.request(&send).await.map_err(send_failure)
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    Err(SendFailure::Lost)
                }
            };
            Outcome::Sent(Sent::Answered {
                conversation,
                request,
                answer,
            })
        });
    }

    /// Stores what was accepted, then deletes the rows.
    fn settle(&mut self, conversation: ConversationId, accepted: Vec<Accepted>) {
        let (store, me) = (self.context.store.clone(), self.context.me);
        self.begin(async move {
            let ids: Vec<MessageId> = accepted.iter().map(|one| one.id).collect();
            let places: HashMap<MessageId, Accepted> =
                accepted.into_iter().map(|one| (one.id, one)).collect();
            let done = async {
                let wanted = ids.clone();
                let kept = store
                    .outbox
                    .read(move |connection| {
                        let mut kept = Vec::new();
                        for id in wanted {
                            kept.extend(rows::get(connection, id)?);
                        }
                        Ok(kept)
                    })
                    .await?;
                let messages: Vec<Message> = kept
                    .into_iter()
                    .filter_map(|row| {
                        let place = places.get(&row.id)?;
                        Some(Message {
                            id: row.id,
                            conversation: row.conversation,
                            seq: place.seq,
                            rev: place.rev,
                            author: me,
                            content: Content::Text { text: row.text },
                            written_at: row.written_at,
                            accepted_at: place.accepted_at,
                        })
                    })
                    .collect();
                store
                    .cache
                    .write(move |tx| facts::store_messages(tx, &messages))
                    .await?;
                delete_rows(&store, ids.clone()).await
            };
            settled(Some(conversation), done.await, ids)
        });
    }

    /// Deletes rows of messages that are stored.
    fn forget(&mut self, ids: Vec<MessageId>) {
        let store = self.context.store.clone();
        self.begin(async move { settled(None, delete_rows(&store, ids.clone()).await, ids) });
    }

    /// Gives the machine what came of its actions.
    pub(super) fn sent(&mut self, sent: Sent) {
        let now = self.now();
        match sent {
            Sent::Written(entries) => {
                for entry in &entries {
                    self.changes.messages(entry.conversation);
                }
                self.outbox.add(entries);
            }
            Sent::NotRead => self.read_again = Some(now + READ_AGAIN),
            Sent::Answered {
                conversation,
                request,
                answer,
            } => {
                let actions = self.outbox.answered(now, conversation, request, answer);
                self.changes.messages(conversation);
                self.send(actions);
            }
            Sent::Settled {
                conversation,
                ids,
                done,
            } => {
                if done {
                    self.outbox.settled(&ids);
                    if faults::is(Fault::DupApply) {
                        self.take_written();
                    }
                } else {
                    self.outbox.not_settled(now, &ids);
                }
                if let Some(conversation) = conversation {
                    self.changes.messages(conversation);
                }
            }
            Sent::Parked(conversation) => self.changes.messages(conversation),
            Sent::Unparked(id, reply) => {
                let _ = reply.send(self.outbox.retry(id));
            }
            Sent::Marked {
                conversation,
                seq,
                done,
            } => {
                if done {
                    self.marks.settled(conversation, seq);
                } else {
                    self.marks.failed(now, conversation);
                }
            }
        }
        self.context.live.set_sending(self.outbox.sending());
    }

    /// Rows were written: they are read in their order, whoever told first.
    pub(super) fn take_written(&mut self) {
        let (store, last) = (self.context.store.clone(), self.outbox.last_place());
        self.begin(async move {
            let read = move |connection: &rusqlite::Connection| {
                let mut entries = Vec::new();
                let mut last = last;
                loop {
                    let page = rows::after(connection, last, ROWS)?;
                    let Some(end) = page.last() else {
                        return Ok(entries);
                    };
                    last = end.n;
                    entries.extend(page.iter().map(entry));
                }
            };
            match store.outbox.read(read).await {
                Ok(entries) => Outcome::Sent(Sent::Written(entries)),
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    Outcome::Sent(Sent::NotRead)
                }
            }
        });
    }

    /// Tries a parked message again: the mark goes from the disk, then the machine may send it.
    pub(super) fn retry(&mut self, id: MessageId, reply: oneshot::Sender<bool>) {
        let store = self.context.store.clone();
        if !self.outbox.is_parked(id) {
            // Who asked may have given up.
            let _ = reply.send(false);
            return;
        }
        self.begin(async move {
            let write = move |tx: &Transaction<'_>| rows::set_error(tx, id, None);
            match store.outbox.write(write).await {
                Ok(()) => Outcome::Sent(Sent::Unparked(id, reply)),
                Err(error) => {
                    tracing::error!(%error, "a mark could not be taken away");
                    let _ = reply.send(false);
                    Outcome::Nothing
                }
            }
        });
    }

    /// Throws a parked message away.
    pub(super) fn discard(&mut self, id: MessageId, reply: oneshot::Sender<bool>) {
        if !self.outbox.discard(id) {
            let _ = reply.send(false);
            return;
        }
        let store = self.context.store.clone();
        self.begin(async move {
            let write = move |tx: &Transaction<'_>| {
                let row = rows::get(tx, id)?;
                rows::remove(tx, id)?;
                Ok(row)
            };
            match store.outbox.write(write).await {
                Ok(row) => {
                    let _ = reply.send(true);
                    row.map_or(Outcome::Nothing, |row| {
                        Outcome::Sent(Sent::Parked(row.conversation))
                    })
                }
                Err(error) => {
                    tracing::error!(%error, "a row could not be deleted");
                    let _ = reply.send(false);
                    Outcome::Nothing
                }
            }
        });
    }

    /// Sends a read marker.
    pub(super) fn mark(&mut self, conversation: ConversationId, seq: u64) {
        let context = self.context.clone();
        self.begin(async move {
            let answer = context.wire.request(&ReadMark { conversation, seq }).await;
            let done = match answer {
                Ok(_) => true,
                Err(WireFailure::Refused(error)) => !error.retryable && !error.code.retryable(),
                Err(WireFailure::NotConnected | WireFailure::Lost) => false,
            };
            if done {
                let write = move |tx: &Transaction<'_>| read_mark::settled(tx, conversation, seq);
                if let Err(error) = context.store.outbox.write(write).await {
                    // It is sent once more after the next start, which changes nothing.
                    tracing::warn!(%error, "a marker could not be deleted");
                }
            }
            Outcome::Sent(Sent::Marked {
                conversation,
                seq,
                done,
            })
        });
    }
}

fn settled(
    conversation: Option<ConversationId>,
    result: Result<(), StoreError>,
    ids: Vec<MessageId>,
) -> Outcome {
    if let Err(error) = &result {
        tracing::error!(%error, "a sent message could not be stored: it is sent again");
    }
    Outcome::Sent(Sent::Settled {
        conversation,
        ids,
        done: result.is_ok(),
    })
}

async fn delete_rows(store: &Store, ids: Vec<MessageId>) -> Result<(), StoreError> {
    store
        .outbox
        .write(move |tx| {
            for id in ids {
                let row = rows::get(tx, id)?;
                rows::remove(tx, id)?;
                if let Some(row) = row.filter(|_| faults::doubles()) {
                    let again = MessageId::new();
                    rows::add(tx, again, row.conversation, &row.text, row.written_at)?;
                }
            }
            Ok(())
        })
        .await
}

fn send_failure(failure: WireFailure) -> SendFailure {
    match failure {
        WireFailure::NotConnected | WireFailure::Lost => SendFailure::Lost,
        WireFailure::Refused(error) => SendFailure::Refused(error),
    }
}

/// What is unsent at the start. Rows of which the cache knows that they were accepted (the app was
/// killed before they were deleted) are deleted now.
pub(super) async fn unsent(store: &Store) -> Result<Vec<Entry>, StoreError> {
    let kept = store
        .outbox
        .read(|connection| rows::after(connection, 0, u32::MAX))
        .await?;
    let stored = stored_already(store, &kept).await?;
    if !stored.is_empty() {
        delete_rows(store, stored.clone()).await?;
    }
    Ok(kept
        .iter()
        .filter(|row| !stored.contains(&row.id))
        .map(entry)
        .collect())
}

/// Rows of the outbox that the cache shows to be on the server's disk already.
async fn stored_already(
    store: &Store,
    unsent: &[rows::OutboxRow],
) -> Result<Vec<MessageId>, StoreError> {
    let ids: Vec<MessageId> = unsent.iter().map(|row| row.id).collect();
    store
        .cache
        .read(move |connection| {
            let mut stored = Vec::new();
            for id in ids {
                if message::exists(connection, id)? {
                    stored.push(id);
                }
            }
            Ok(stored)
        })
        .await
}

fn entry(row: &rows::OutboxRow) -> Entry {
    // JSON writes a control character as six bytes.
    let escaped = row.text.chars().filter(|c| c.is_control()).count() * 5;
    Entry {
        n: row.n,
        id: row.id,
        conversation: row.conversation,
        bytes: row.text.len() + row.text.matches(['"', '\\']).count() + escaped + AROUND,
        failed: row.error.is_some(),
    }
}
