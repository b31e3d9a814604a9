//! What the person has changed here and the server does not know yet, laid over what it knows: wherever
//! a message is shown, it stands as the person left it.

use super::rows::content_view;
use crate::store::{
    outbox::{Operation, OutboxRow},
    upload::Upload,
};
use im_contract::{
    ErrorKind, UiError,
    views::{ContentView, MessageRow, ReactionView, Trouble, TroubleKind},
};
use im_protocol::{ErrorCode, MessageId, WireError, conversation::Message};

/// What a message says, as far as a line about it shows it.
pub(crate) struct Gist {
    /// Its words, or what it is instead.
    pub(crate) content: ContentView,
    /// How many files it carries.
    pub(crate) files: u32,
    /// The name of the first of them; empty for none.
    pub(crate) file: String,
}

impl Gist {
    /// Of an accepted message, as the server knows it.
    pub(crate) fn of(message: &Message) -> Self {
        Self::with(
            content_view(message.content.clone()),
            &message.files,
            |file| &file.name,
        )
    }

    /// Of one that is not accepted yet, as it was written.
    pub(crate) fn unsent(text: &str, carried: &[Upload]) -> Self {
        let text = text.to_owned();
        Self::with(ContentView::Text { text }, carried, |file| &file.name)
    }

    fn with<T>(content: ContentView, files: &[T], name: fn(&T) -> &String) -> Self {
        Self {
            content,
            files: u32::try_from(files.len()).unwrap_or(u32::MAX),
            file: files.first().map(name).cloned().unwrap_or_default(),
        }
    }

    /// The same after these changes, as far as they are of this message.
    pub(crate) fn after(mut self, id: MessageId, changes: &[OutboxRow]) -> Self {
        for change in changes
            .iter()
            .filter(|one| one.operation.changes() == Some(id))
        {
            let Some(content) = content_after(change) else {
                continue;
            };
            if content == ContentView::Deleted {
                self.files = 0;
                self.file.clear();
            }
            self.content = content;
        }
        self
    }
}

/// What a message says after a change; none where that is what it said before.
fn content_after(change: &OutboxRow) -> Option<ContentView> {
    match &change.operation {
        // What was refused for good is told and not shown.
        _ if change.error.is_some() => None,
        Operation::Edit { text, .. } => Some(ContentView::Text { text: text.clone() }),
        Operation::Delete { .. } => Some(ContentView::Deleted),
        Operation::React { .. } | Operation::Send { .. } => None,
    }
}

/// Shows what was changed here and is not on the server yet as if it were; what was refused for good
/// is told and not shown.
pub(super) fn overlay(messages: &mut [MessageRow], changes: &[OutboxRow]) {
    for change in changes {
        let wanted = change.operation.changes();
        let Some(row) = messages.iter_mut().find(|row| Some(row.id) == wanted) else {
            continue;
        };
        if let Some(error) = &change.error {
            row.trouble.get_or_insert(Trouble {
                op: change.id,
                kind: match change.operation {
                    Operation::Edit { .. } | Operation::Send { .. } => TroubleKind::Edit,
                    Operation::Delete { .. } => TroubleKind::Delete,
                    Operation::React { .. } => TroubleKind::React,
                },
                error: why(&change.operation, error),
            });
            continue;
        }
        row.pending = true;
        if let Some(content) = content_after(change) {
            row.content = content;
        }
        match &change.operation {
            // What nobody has seen otherwise was not edited.
            Operation::Edit { .. } => row.edited = row.seq.is_some(),
            Operation::Delete { .. } => {
                row.reactions.clear();
                row.files.clear();
                row.reply = None;
                row.edited = false;
                row.editable = false;
                row.answerable = false;
            }
            Operation::React { emoji, on, .. } => react(&mut row.reactions, emoji, *on),
            Operation::Send { .. } => {}
        }
    }
}

/// Why a change was refused for good.
fn why(operation: &Operation, error: &WireError) -> UiError {
    match (operation, &error.code) {
        (Operation::React { .. }, ErrorCode::Conflict) => UiError::new(ErrorKind::TooManyEmoji),
        _ => UiError::from(error),
    }
}

/// The signed-in person gives an emoji, or takes it back.
fn react(reactions: &mut Vec<ReactionView>, emoji: &str, on: bool) {
    match reactions.iter_mut().find(|one| one.emoji == emoji) {
        Some(one) if one.mine != on => {
            one.mine = on;
            one.count = if on {
                one.count + 1
            } else {
                one.count.saturating_sub(1)
            };
            reactions.retain(|one| one.count > 0);
        }
        None if on => reactions.push(ReactionView {
            emoji: emoji.to_owned(),
            count: 1,
            mine: true,
            people: Vec::new(),
        }),
        Some(_) | None => {}
    }
}
