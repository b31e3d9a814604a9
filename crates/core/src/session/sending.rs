//! Carries out what the outbox's machine decides, and sends read markers.

use super::{
    Outcome, Session,
    requests::{self, as_accepted, carry_out, delete_rows},
};
use crate::{
    faults::{self, Fault},
    outbox::{Action, Answer, Entry, SendFailure, Uploaded},
    store::{StoreError, facts, outbox as rows, read_mark, upload},
    wire::WireFailure,
};
use im_protocol::{
    ConversationId, FileId, OperationId,
    conversation::{Accepted, Message, ReadMark},
};
use rusqlite::Transaction;
use std::{collections::HashMap, time::Duration};
use tokio::sync::oneshot;

/// Rows read at once.
const ROWS: u32 = 500;
/// Until the outbox, which could not be read, is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

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
    /// An answer to a step of a file.
    Uploaded {
        id: FileId,
        step: u64,
        answer: Result<Uploaded, SendFailure>,
    },
    /// Rows were deleted, or not.
    Settled {
        conversation: Option<ConversationId>,
        ids: Vec<OperationId>,
        done: bool,
    },
    /// A row was marked, or one of its files was.
    Parked(ConversationId),
    /// A row could not be marked.
    NotParked(OperationId),
    /// Rows were thrown away with these files, and somebody waits for it.
    Discarded {
        conversation: ConversationId,
        gone: Vec<OperationId>,
        files: Vec<FileId>,
        reply: oneshot::Sender<bool>,
    },
    /// A row could not be thrown away.
    NotDiscarded(OperationId),
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
                    mut ids,
                } => {
                    if faults::is(Fault::SwapOrder) {
                        ids.reverse();
                    }
                    if faults::is(Fault::DropAck) {
                        self.forget(ids.clone());
                    }
                    self.send_request(request, conversation, ids);
                }
                Action::Settle {
                    conversation,
                    accepted,
                } => self.settle(conversation, accepted),
                Action::Forget(ids) => self.forget(ids),
                Action::Upload { id, step, what } => self.upload(id, step, what),
                Action::Anew(files) => self.hand_over_anew(files),
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
                    wanted.extend(requests::row(connection, id)?);
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
        let context = self.context.clone();
        self.begin(async move {
            let ids: Vec<OperationId> = accepted.iter().map(|one| one.id.into()).collect();
            let places: HashMap<OperationId, Accepted> = accepted
                .into_iter()
                .map(|one| (one.id.into(), one))
                .collect();
            let done = async {
                let wanted = ids.clone();
                let kept = context
                    .store
                    .outbox
                    .read(move |connection| {
                        let mut kept = Vec::new();
                        for id in wanted {
                            kept.extend(requests::row(connection, id)?);
                        }
                        Ok(kept)
                    })
                    .await?;
                let messages: Vec<Message> = kept
                    .into_iter()
                    .filter_map(|unsent| {
                        let place = places.get(&unsent.row.id)?;
                        as_accepted(place, unsent, context.me)
                    })
                    .collect();
                context
                    .store
                    .cache
                    .write(move |tx| facts::store_messages(tx, &messages))
                    .await?;
                delete_rows(&context, ids.clone()).await
            };
            settled(Some(conversation), done.await, ids)
        });
    }

    /// Deletes rows of messages that are stored.
    fn forget(&mut self, ids: Vec<OperationId>) {
        let context = self.context.clone();
        self.begin(async move { settled(None, delete_rows(&context, ids.clone()).await, ids) });
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
                self.reading = false;
                if self.written {
                    self.take_written();
                }
            }
            Sent::NotRead => {
                self.reading = false;
                self.read_again = Some(now + READ_AGAIN);
            }
            Sent::Answered {
                conversation,
                request,
                answer,
            } => {
                if answer == Ok(Answer::Stored) {
                    // It may have been taken back, and what it carried with it.
                    self.sweep_files();
                }
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
            Sent::Uploaded { id, step, answer } => self.uploaded(id, step, answer),
            Sent::Parked(conversation) => self.changes.messages(conversation),
            Sent::NotParked(id) => self.outbox.not_settled(now, &[id]),
            Sent::NotDiscarded(id) => self.outbox.not_discarded(id),
            Sent::Discarded {
                conversation,
                gone,
                files,
                reply,
            } => {
                self.outbox.settled(&gone);
                for id in files {
                    self.cut_off(id);
                    self.context.files.transfers.forget(id);
                    self.context.files.folder.remove_upload(id);
                }
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

    /// Rows were written: they are read in their order, whoever told first. One reading takes all
    /// there are, so that of thousands that are told while it goes on, one more is enough.
    pub(super) fn take_written(&mut self) {
        self.written = self.reading;
        if self.reading {
            return;
        }
        self.reading = true;
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
                    entries.extend(requests::entries(connection, &page)?);
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

    /// Throws away what is parked or waits for its files, with what waits for it: the rows first, so that it can be tried
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
                let mut files = Vec::new();
                for id in ids {
                    files.extend(upload::remove_of_message(tx, requests::message_of(id))?);
                    rows::remove(tx, id)?;
                }
                if let Some(row) = row.as_ref().filter(|row| row.operation.changes().is_none()) {
                    rows::remove_changes(tx, row.conversation, requests::message_of(id))?;
                }
                Ok(row.map(|row| (row, files)))
            };
            match store.outbox.write(write).await {
                Ok(Some((row, files))) => Outcome::Sent(Sent::Discarded {
                    conversation: row.conversation,
                    gone,
                    files,
                    reply,
                }),
                Ok(None) => {
                    let _ = reply.send(false);
                    Outcome::Nothing
                }
                Err(error) => {
                    tracing::error!(%error, "a row could not be deleted");
                    let _ = reply.send(false);
                    Outcome::Sent(Sent::NotDiscarded(id))
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
