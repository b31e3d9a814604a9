//! Carries out what the outbox's machine decides, and sends read markers.

use super::{Outcome, Session};
use crate::{
    faults::{self, Fault},
    outbox::{Action, Answer, Entry, SendFailure},
    store::{
        Store, StoreError, facts, message,
        outbox::{self as rows, Operation, OutboxRow},
        read_mark,
    },
    wire::{Wire, WireFailure},
};
use im_protocol::{
    ConversationId, EditId, MessageId, OperationId, PersonId,
    conversation::{
        Accepted, Content, Message, MessageDelete, MessageEdit, MessageReact, MessageSend,
        NewMessage, ReadMark,
    },
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
        answer: Result<Answer, SendFailure>,
    },
    /// Rows were deleted, or not.
    Settled {
        conversation: Option<ConversationId>,
        ids: Vec<OperationId>,
        done: bool,
    },
    /// A row was marked.
    Parked(ConversationId),
    /// A row could not be marked.
    NotParked(OperationId),
    /// Rows were thrown away, and somebody waits for it.
    Discarded(ConversationId, Vec<OperationId>, oneshot::Sender<bool>),
    /// A row is not marked anymore, and somebody waits for it.
    Unparked(OperationId, oneshot::Sender<bool>),
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
                                Outcome::Sent(Sent::NotParked(id))
                            }
                        }
                    });
                }
            }
        }
    }

    fn send_request(&mut self, request: u64, conversation: ConversationId, ids: Vec<OperationId>) {
        let context = self.context.clone();
        self.begin(async move {
            let read = move |connection: &rusqlite::Connection| {
                let mut wanted = Vec::with_capacity(ids.len());
                for id in ids {
                    wanted.extend(rows::get(connection, id)?);
                }
                Ok(wanted)
            };
            let answer = match context.store.outbox.read(read).await {
                Ok(wanted) => carry_out(&context.wire, &context.store, conversation, wanted).await,
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
            let ids: Vec<OperationId> = accepted.iter().map(|one| one.id.into()).collect();
            let places: HashMap<OperationId, Accepted> = accepted
                .into_iter()
                .map(|one| (one.id.into(), one))
                .collect();
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
                    .filter_map(|row| as_accepted(places.get(&row.id)?, row, me))
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
    fn forget(&mut self, ids: Vec<OperationId>) {
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
            Sent::NotParked(id) => self.outbox.not_settled(now, &[id]),
            Sent::Discarded(conversation, gone, reply) => {
                self.outbox.settled(&gone);
                self.changes.messages(conversation);
                // Who asked may have given up.
                let _ = reply.send(true);
            }
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
    pub(super) fn retry(&mut self, id: OperationId, reply: oneshot::Sender<bool>) {
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

    /// Throws away what is parked, with what waits for it: the rows first, so that it can be tried
    /// again where the disk refuses.
    pub(super) fn discard(&mut self, id: OperationId, reply: oneshot::Sender<bool>) {
        let gone = self.outbox.discards(id);
        if gone.is_empty() {
            let _ = reply.send(false);
            return;
        }
        let store = self.context.store.clone();
        self.begin(async move {
            let ids = gone.clone();
            let write = move |tx: &Transaction<'_>| {
                let row = rows::get(tx, id)?;
                for id in ids {
                    rows::remove(tx, id)?;
                }
                Ok(row)
            };
            match store.outbox.write(write).await {
                Ok(Some(row)) => Outcome::Sent(Sent::Discarded(row.conversation, gone, reply)),
                Ok(None) => {
                    let _ = reply.send(false);
                    Outcome::Nothing
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
    ids: Vec<OperationId>,
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

async fn delete_rows(store: &Store, ids: Vec<OperationId>) -> Result<(), StoreError> {
    store
        .outbox
        .write(move |tx| {
            for id in ids {
                let row = rows::get(tx, id)?;
                rows::remove(tx, id)?;
                if let Some(row) = row.filter(|_| faults::doubles()) {
                    let again = OperationId::new();
                    rows::add(tx, again, row.conversation, row.operation, row.written_at)?;
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

fn entry(row: &OutboxRow) -> Entry {
    let text = row.operation.text();
    // JSON writes a control character as six bytes.
    let escaped = text.chars().filter(|c| c.is_control()).count() * 5;
    let changes = row.operation.changes();
    Entry {
        n: row.n,
        id: row.id,
        conversation: row.conversation,
        bytes: text.len() + text.matches(['"', '\\']).count() + escaped + AROUND,
        failed: row.error.is_some(),
        alone: changes.is_some(),
        after: changes.map(OperationId::from),
    }
}

/// The message whose sending this is.
pub(crate) fn message_of(sending: OperationId) -> MessageId {
    MessageId::from_uuid(sending.uuid())
}

/// An own message as the server has accepted it; none where the row is no message.
fn as_accepted(place: &Accepted, row: OutboxRow, me: PersonId) -> Option<Message> {
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
        files: Vec::new(),
    })
}

/// Asks the server to carry out rows: messages, or one change of a message, which is stored as it
/// stands then.
async fn carry_out(
    wire: &Wire,
    store: &Store,
    conversation: ConversationId,
    wanted: Vec<OutboxRow>,
) -> Result<Answer, SendFailure> {
    let mut items = Vec::with_capacity(wanted.len());
    for row in wanted {
        let changed = match row.operation {
            Operation::Send { text, reply_to } => {
                items.push(NewMessage {
                    id: message_of(row.id),
                    text,
                    written_at: row.written_at,
                    reply_to,
                    files: Vec::new(),
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
