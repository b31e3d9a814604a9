//! Messages as the UI sees them.

use super::pending::{self, Gist};
use crate::{
    conversations::short,
    files::{self, Copies, Limit, Transfers},
    live::Live,
    session::Context,
    store::{
        StoreError, message,
        outbox::{self, Operation, OutboxRow},
        person,
        upload::Upload,
    },
};
use im_contract::{
    ErrorKind, UiError,
    views::{ContentView, MessageRow, MessageState, ReactionView, ReplyView},
};
use im_protocol::{
    ErrorCode, FileId, MessageId, PersonId, WireError,
    conversation::{Content, Message, Reaction},
};
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};

/// What rows need besides their messages.
pub(super) struct Around {
    me: PersonId,
    other_read_seq: u64,
    /// Whether something may be written there.
    open: bool,
    names: HashMap<PersonId, String>,
    copies: Copies,
    answered: HashMap<MessageId, Message>,
    /// What was changed in the conversation and is not on the server yet.
    changes: Vec<OutboxRow>,
}

/// Which messages are answered, and whose names are wanted.
#[derive(Default)]
pub(super) struct Wanted {
    answered: BTreeSet<MessageId>,
    people: BTreeSet<PersonId>,
    files: BTreeSet<FileId>,
}

/// What these rows will need.
pub(super) fn wanted(stored: &[Message], unsent: &[OutboxRow]) -> Wanted {
    let mut wanted = Wanted::default();
    for message in stored {
        wanted.answered.extend(message.reply_to);
        let people = message.reactions.iter().flat_map(|one| &one.people);
        wanted.people.extend(people);
        let files = message.files.iter().map(|file| file.id);
        wanted.files.extend(files);
    }
    for row in unsent {
        if let Operation::Send { reply_to, .. } = row.operation {
            wanted.answered.extend(reply_to);
        }
    }
    wanted
}

impl Around {
    /// Looks it up. To be called within a read.
    pub(super) fn find(
        connection: &Connection,
        me: PersonId,
        (other_read_seq, open): (u64, bool),
        mut wanted: Wanted,
        changes: Vec<OutboxRow>,
    ) -> Result<Self, StoreError> {
        let mut answered = HashMap::new();
        for id in wanted.answered {
            if let Some(message) = message::get(connection, id)? {
                wanted.people.insert(message.author);
                answered.insert(id, message);
            }
        }
        let mut names = HashMap::new();
        for id in wanted.people {
            if let Some(person) = person::get(connection, id)? {
                names.insert(id, person.name);
            }
        }
        Ok(Self {
            me,
            other_read_seq,
            open,
            names,
            copies: Copies::find(connection, wanted.files)?,
            answered,
            changes,
        })
    }

    fn name(&self, person: PersonId) -> String {
        self.names.get(&person).cloned().unwrap_or_default()
    }

    fn reply(&self, id: MessageId) -> ReplyView {
        match self.answered.get(&id) {
            Some(message) => {
                let gist = Gist::of(message).after(id, &self.changes);
                ReplyView {
                    id,
                    seq: Some(message.seq),
                    author: self.name(message.author),
                    mine: message.author == self.me,
                    content: short(gist.content),
                    files: gist.files,
                    file: gist.file,
                }
            }
            None => ReplyView {
                id,
                seq: None,
                author: String::new(),
                mine: false,
                content: ContentView::Unknown,
                files: 0,
                file: String::new(),
            },
        }
    }

    /// Lays what was changed here over these rows.
    pub(super) fn overlay(&self, messages: &mut [MessageRow]) {
        pending::overlay(messages, &self.changes);
    }

    fn reaction(&self, reaction: Reaction) -> ReactionView {
        let mine = reaction.people.contains(&self.me);
        let others = reaction.people.iter().filter(|person| **person != self.me);
        ReactionView {
            count: u32::try_from(reaction.people.len()).unwrap_or(u32::MAX),
            mine,
            people: others.map(|person| self.name(*person)).collect(),
            emoji: reaction.emoji,
        }
    }
}

/// Where an accepted message stands.
pub(crate) fn state(message: &Message, me: PersonId, other_read_seq: u64) -> MessageState {
    if message.author != me {
        MessageState::Received
    } else if message.seq <= other_read_seq {
        MessageState::Read
    } else {
        MessageState::Sent
    }
}

/// Where an unsent message stands.
pub(crate) fn unsent_state(live: &Live, row: &OutboxRow) -> MessageState {
    if row.error.is_some() {
        MessageState::Failed
    } else if live.is_sending(row.id) {
        MessageState::Sending
    } else {
        MessageState::Waiting
    }
}

/// Content as the UI sees it.
pub(crate) fn content_view(content: Content) -> ContentView {
    match content {
        Content::Text { text } => ContentView::Text { text },
        Content::Call {
            call,
            outcome,
            media,
            duration_ms,
        } => ContentView::Call {
            call,
            outcome,
            video: media.video,
            duration_ms,
        },
        Content::Deleted => ContentView::Deleted,
        Content::Unknown => ContentView::Unknown,
    }
}

/// Messages that the server has accepted.
pub(super) fn accepted(
    stored: Vec<Message>,
    around: &Around,
    transfers: &Transfers,
) -> Vec<MessageRow> {
    let row = |message: Message| {
        let mine = message.author == around.me;
        let state = state(&message, around.me, around.other_read_seq);
        let reactions = message.reactions.into_iter();
        let files = message.files.into_iter();
        MessageRow {
            id: message.id,
            seq: Some(message.seq),
            author: message.author,
            mine,
            state,
            editable: around.open && mine && matches!(message.content, Content::Text { .. }),
            answerable: around.open && matches!(message.content, Content::Text { .. }),
            content: content_view(message.content),
            at: message.accepted_at,
            error: None,
            edited: message.edited_at.is_some(),
            reply: message.reply_to.map(|id| around.reply(id)),
            reactions: reactions.map(|one| around.reaction(one)).collect(),
            files: files
                .map(|file| around.copies.view(file, transfers))
                .collect(),
            pending: false,
            trouble: None,
        }
    };
    stored.into_iter().map(row).collect()
}

/// A message that is not accepted yet; none where the row is something else.
pub(super) fn unsent(
    context: &Context,
    row: &OutboxRow,
    carried: &[Upload],
    around: &Around,
) -> Option<MessageRow> {
    let Operation::Send { text, reply_to } = &row.operation else {
        return None;
    };
    Some(MessageRow {
        id: MessageId::from_uuid(row.id.uuid()),
        seq: None,
        author: around.me,
        mine: true,
        content: ContentView::Text { text: text.clone() },
        at: row.written_at,
        state: unsent_state(&context.live, row),
        error: row
            .error
            .as_ref()
            .map(|error| why(error, carried, context.files.limit())),
        edited: false,
        editable: row.error.is_none() && around.open,
        answerable: false,
        reply: reply_to.map(|id| around.reply(id)),
        reactions: Vec::new(),
        files: carried
            .iter()
            .map(|file| files::unsent(file, &context.files.transfers))
            .collect(),
        pending: false,
        trouble: None,
    })
}

/// Why a message was refused; of one with files it may be a file that is too large.
fn why(error: &WireError, carried: &[Upload], limit: Limit) -> UiError {
    if error.code == ErrorCode::TooLarge && !carried.is_empty() {
        limit.exceeded()
    } else {
        UiError::from(error)
    }
}

/// A message that was just written.
pub(super) async fn just_written(
    context: &Context,
    row: OutboxRow,
    carried: &[Upload],
) -> Result<MessageRow, UiError> {
    let wanted = wanted(&[], std::slice::from_ref(&row));
    let (me, id) = (context.me, row.conversation);
    // What it answers may be changed here.
    let changes = context
        .store
        .outbox
        .read(move |connection| outbox::changes_in(connection, id))
        .await?;
    let around = context
        .store
        .cache
        .read(move |connection| Around::find(connection, me, (0, true), wanted, changes))
        .await?;
    unsent(context, &row, carried, &around).ok_or_else(|| UiError::new(ErrorKind::Internal))
}
