//! Carries out what the feed's machine decides.

use super::{Outcome, Session};
use crate::{
    calls::CallInput,
    notices,
    store::{
        StoreError,
        facts::{self, Applied},
    },
    sync::{Action, Failed},
    wire::WireFailure,
};
use im_contract::{ErrorKind, UiError};
use im_protocol::{
    ConversationId, OperationId,
    conversation::{Changes, ChangesSince},
    limits::PAGE_ROWS,
    sync::{Cursor, Snapshot, SnapshotAsk, SyncAck, SyncSince, SyncStart},
};

/// What came of an action of the feed's machine. Answers of the server carry the number of their
/// connection.
pub(super) enum Fed {
    Started(u64, Result<SyncStart, Failed>),
    Page(u64, Result<Snapshot, Failed>),
    Changes(u64, ConversationId, Result<Changes, Failed>),
    StoredFacts {
        stored: Result<(Cursor, Applied), ErrorKind>,
        /// Whether nothing had been missing before: then what arrives has just been written.
        live: bool,
    },
    StoredPage(Result<Vec<(ConversationId, u64)>, ErrorKind>),
    StoredChanges {
        stored: Result<Applied, ErrorKind>,
        last: Option<u64>,
        more: bool,
    },
    StoredEnd(Result<Cursor, ErrorKind>),
}

impl Session {
    /// Starts what the machine wants to be done.
    pub(super) fn feed(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.feed_one(action);
        }
    }

    fn feed_one(&mut self, action: Action) {
        let context = self.context.clone();
        let (connection, me) = (self.connection, context.me);
        match action {
            Action::Since(cursor) => self.begin(async move {
                let answer = context.wire.request(&SyncSince { cursor }).await;
                Outcome::Fed(Fed::Started(connection, answer.map_err(unanswered)))
            }),
            Action::Page(after) => self.begin(async move {
                let answer = context.wire.request(&SnapshotAsk { after }).await;
                Outcome::Fed(Fed::Page(connection, answer.map_err(unanswered)))
            }),
            Action::Changes { conversation, rev } => self.begin(async move {
                let ask = ChangesSince {
                    conversation,
                    rev,
                    limit: PAGE_ROWS,
                };
                let answer = context.wire.request(&ask).await.map_err(unanswered);
                Outcome::Fed(Fed::Changes(connection, conversation, answer))
            }),
            Action::Ack(n) => self.begin(async move {
                context.wire.tell(&SyncAck { n }).await;
                Outcome::Nothing
            }),
            Action::StoreFacts { facts, live } => {
                self.begin(async move {
                    let write = move |tx: &rusqlite::Transaction<'_>| {
                        let applied = facts::apply(tx, &facts, me)?;
                        let cursor = Cursor {
                            epoch: facts.epoch,
                            n: facts.up_to,
                        };
                        Ok((cursor, applied))
                    };
                    let stored = context.store.cache.write(write).await;
                    let stored = stored.map_err(|error| not_stored(&error));
                    Outcome::Fed(Fed::StoredFacts { stored, live })
                });
            }
            Action::StorePage { page, first } => self.begin(async move {
                let write = move |tx: &rusqlite::Transaction<'_>| {
                    facts::snapshot_page(tx, &page, first, me)
                };
                let stored = context.store.cache.write(write).await;
                Outcome::Fed(Fed::StoredPage(stored.map_err(|error| not_stored(&error))))
            }),
            Action::StoreChanges {
                conversation: _,
                changes,
            } => self.begin(async move {
                let last = changes.messages.last().map(|message| message.rev);
                let more = changes.more;
                let write =
                    move |tx: &rusqlite::Transaction<'_>| facts::snapshot_changes(tx, &changes, me);
                let stored = context.store.cache.write(write).await;
                Outcome::Fed(Fed::StoredChanges {
                    stored: stored.map_err(|error| not_stored(&error)),
                    last,
                    more,
                })
            }),
            Action::StoreEnd { cursor, listed } => self.begin(async move {
                let write = move |tx: &rusqlite::Transaction<'_>| {
                    facts::snapshot_end(tx, cursor, &listed)?;
                    Ok(cursor)
                };
                let stored = context.store.cache.write(write).await;
                Outcome::Fed(Fed::StoredEnd(stored.map_err(|error| not_stored(&error))))
            }),
        }
    }

    /// Gives the machine what came of its actions.
    pub(super) async fn fed(&mut self, fed: Fed) {
        let now = self.now();
        let actions = match fed {
            Fed::Started(connection, _)
            | Fed::Page(connection, _)
            | Fed::Changes(connection, ..)
                if connection != self.connection =>
            {
                Vec::new()
            }
            Fed::Started(_, answer) => self.sync.started(now, answer),
            Fed::Page(_, answer) => self.sync.page(now, answer),
            Fed::Changes(_, conversation, answer) => self.sync.changes(now, conversation, answer),
            Fed::StoredFacts { stored, live } => {
                let stored = match self.kept(stored) {
                    Ok((cursor, applied)) => {
                        self.applied(applied, live).await;
                        Ok(cursor)
                    }
                    Err(failed) => Err(failed),
                };
                self.sync.stored_facts(now, stored)
            }
            Fed::StoredPage(stored) => {
                self.changes.conversations();
                self.changes.people();
                let stored = self.kept(stored);
                self.sync.stored_page(now, stored)
            }
            Fed::StoredChanges { stored, last, more } => {
                let stored = match self.kept(stored) {
                    Ok(applied) => {
                        self.applied(applied, false).await;
                        Ok((last, more))
                    }
                    Err(failed) => Err(failed),
                };
                self.sync.stored_changes(now, stored)
            }
            Fed::StoredEnd(stored) => {
                self.sweep_files();
                self.changes.conversations();
                self.changes.people();
                let stored = self.kept(stored);
                self.sync.stored_end(now, stored)
            }
        };
        self.feed(actions);
    }

    /// Notes whether what comes can be kept: the person is to know where it cannot.
    fn kept<T>(&mut self, stored: Result<T, ErrorKind>) -> Result<T, Failed> {
        self.unkept = stored.as_ref().err().copied();
        stored.map_err(|_| Failed)
    }

    /// Tells everybody whom it concerns what was stored.
    async fn applied(&mut self, applied: Applied, live: bool) {
        if applied.conversations {
            self.changes.conversations();
        }
        if applied.people {
            self.changes.people();
        }
        for conversation in &applied.messages {
            self.changes.messages(*conversation);
        }
        for message in &applied.arrived {
            self.typing.stopped(message.conversation);
        }
        self.show_typing();
        let own: Vec<OperationId> = applied.own.iter().copied().map(Into::into).collect();
        let actions = self.outbox.own_facts(&own);
        self.send(actions);
        if !applied.arrived.is_empty() || !applied.read.is_empty() {
            let context = self.context.clone();
            self.begin(async move {
                notices::arrived(&context, &applied.arrived, live).await;
                for conversation in applied.read {
                    notices::read(&context, conversation).await;
                }
                Outcome::Nothing
            });
        }
        if applied.taken_back {
            self.sweep_files();
        }
        for call in applied.calls {
            self.calls.tell(CallInput::Fact(call)).await;
        }
    }
}

fn unanswered(failure: WireFailure) -> Failed {
    tracing::debug!(%failure, "the feed is not answered");
    Failed
}

fn not_stored(error: &StoreError) -> ErrorKind {
    tracing::error!(%error, "the feed could not be stored");
    UiError::from(error).kind
}
