//! The conversation list: the store's rows with what is true now.

use crate::{
    courses::failed,
    files,
    messages::{self, content_view},
    people::{course_view, known_or_nameless},
    session::{Context, Mail, OpenAccount},
    store::{StoreError, conversation, course, draft, message, outbox, read_mark, upload},
};
use im_contract::{
    ErrorKind, UiError,
    args::DraftArgs,
    views::{ContentView, ConversationRow, Draft, LastMessage},
};
use im_protocol::{
    ConversationId, CourseId, MessageId, PersonId,
    conversation::{Conversation, Message, TypingStart, TypingStop},
    people::{Course, Person},
    rest::OpenConversation,
};
use rusqlite::Connection;
use std::collections::HashMap;

/// Characters of the last message in the list.
const PREVIEW: usize = 120;
/// Bytes of a draft: far more than can be sent, so that nothing is lost that is yet to be shortened.
const DRAFT_BYTES: usize = 256 * 1024;

/// A row of the store with what belongs to it.
struct Found {
    entry: conversation::ConversationEntry,
    other: Person,
    course: Option<Course>,
    last: Option<Message>,
}

/// An unsent message with what it carries, as far as the list shows it.
struct Unsent {
    row: outbox::OutboxRow,
    files: u32,
    file: String,
}

impl Unsent {
    fn read(connection: &Connection, row: outbox::OutboxRow) -> Result<Self, StoreError> {
        let carried = upload::of_message(connection, MessageId::from_uuid(row.id.uuid()))?;
        Ok(Self {
            row,
            files: messages::count(&carried),
            file: carried
                .first()
                .map(|file| file.name.clone())
                .unwrap_or_default(),
        })
    }
}

/// All conversations, newest first.
pub(crate) async fn list(context: &Context) -> Result<Vec<ConversationRow>, UiError> {
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let read = |connection: &Connection| {
        let unsent = outbox::last_of_each(connection)?.into_iter();
        let unsent = unsent.map(|row| Unsent::read(connection, row));
        let unsent = unsent.collect::<Result<Vec<_>, StoreError>>()?;
        Ok((unsent, draft::all(connection)?))
    };
    let (unsent, drafts) = context.store.outbox.read(read).await?;
    let unsent: HashMap<ConversationId, Unsent> = unsent
        .into_iter()
        .map(|unsent| (unsent.row.conversation, unsent))
        .collect();
    let found = context
        .store
        .cache
        .read(|connection| {
            conversation::by_time(connection)?
                .into_iter()
                .map(|entry| find(connection, entry))
                .collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    let mut rows: Vec<ConversationRow> = found
        .into_iter()
        .map(|found| {
            let id = found.entry.id;
            row(context, found, unsent.get(&id), drafts.get(&id))
        })
        .collect();
    // Stable: what is unsent moves up, the rest keeps the store's order.
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

/// One conversation.
async fn get(context: &Context, id: ConversationId) -> Result<ConversationRow, UiError> {
    let (unsent, draft) = context
        .store
        .outbox
        .read(move |connection| {
            let mut unsent = outbox::of_conversation(connection, id)?;
            unsent.retain(|row| row.operation.changes().is_none());
            let unsent = unsent.pop().map(|row| Unsent::read(connection, row));
            Ok((unsent.transpose()?, draft::get(connection, id)?.text))
        })
        .await?;
    let draft = Some(draft).filter(|draft| !draft.is_empty());
    let found = context
        .store
        .cache
        .read(move |connection| {
            conversation::get(connection, id)?
                .map(|entry| find(connection, entry))
                .transpose()
        })
        .await?
        .ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
    Ok(row(context, found, unsent.as_ref(), draft.as_ref()))
}

/// The one conversation with a person about a course (or none). Where this device knows it, no
/// network is needed.
pub(crate) async fn open(
    open: &OpenAccount,
    with: PersonId,
    course: Option<CourseId>,
) -> Result<ConversationRow, UiError> {
    let context = &open.context;
    let known = context
        .store
        .cache
        .read(move |connection| conversation::with(connection, with, course))
        .await?;
    if let Some(id) = known {
        return get(context, id).await;
    }
    let me = context.me;
    let made = context
        .rest
        .post::<Conversation>("/v1/conversations", &OpenConversation { with, course })
        .await
        .map_err(|error| failed(&error))?;
    let id = made.id;
    context
        .store
        .cache
        .write(move |tx| conversation::put(tx, &made, me))
        .await?;
    open.tell(Mail::Fetched(Some(id))).await;
    get(context, id).await
}

/// The person has read so far.
pub(crate) async fn read(open: &OpenAccount, id: ConversationId, seq: u64) -> Result<(), UiError> {
    let context = &open.context;
    let me = context.me;
    let further = context
        .store
        .cache
        .read(move |connection| conversation::further_read(connection, id, seq))
        .await?;
    if let Some(seq) = further {
        // Before the cache, which would say from then on that there is nothing to be told: a marker
        // too much does no harm, one too few leaves the others in the dark.
        context
            .store
            .outbox
            .write(move |tx| read_mark::put(tx, id, seq))
            .await?;
        context
            .store
            .cache
            .write(move |tx| conversation::mark_read(tx, id, seq, me))
            .await?;
        open.tell(Mail::Read(id, seq)).await;
    }
    Ok(())
}

/// The person writes, or does not anymore. Worth nothing later, so it is told or forgotten.
pub(crate) async fn typing(context: &Context, conversation: ConversationId, on: bool) {
    if !context.live.is_connected() {
        return;
    }
    if on {
        context.wire.tell(&TypingStart { conversation }).await;
    } else {
        context.wire.tell(&TypingStop { conversation }).await;
    }
}

/// What the person has begun to write in a conversation.
pub(crate) async fn draft(context: &Context, id: ConversationId) -> Result<Draft, UiError> {
    let read = move |connection: &Connection| {
        let draft = draft::get(connection, id)?;
        Ok((draft, upload::of_draft(connection, id)?))
    };
    let (draft, chosen) = context.store.outbox.read(read).await?;
    Ok(Draft {
        text: draft.text,
        reply_to: draft.reply_to,
        files: chosen.iter().map(files::chosen).collect(),
    })
}

/// Keeps what the person has begun to write.
pub(crate) async fn keep_draft(open: &OpenAccount, args: DraftArgs) -> Result<(), UiError> {
    if args.text.len() > DRAFT_BYTES {
        return Err(UiError::new(ErrorKind::TooLong).with("limit", DRAFT_BYTES));
    }
    let draft = draft::Draft {
        text: args.text,
        reply_to: args.reply_to,
    };
    let id = args.conversation;
    open.context
        .store
        .take(move |tx| draft::keep(tx, id, &draft))
        .await?;
    open.tell(Mail::Drafted).await;
    Ok(())
}

fn find(
    connection: &Connection,
    entry: conversation::ConversationEntry,
) -> Result<Found, StoreError> {
    Ok(Found {
        other: known_or_nameless(connection, entry.other)?,
        course: match entry.course {
            Some(id) => course::get(connection, id)?,
            None => None,
        },
        last: message::last(connection, entry.id)?,
        entry,
    })
}

fn row(
    context: &Context,
    found: Found,
    unsent: Option<&Unsent>,
    draft: Option<&String>,
) -> ConversationRow {
    let Found {
        entry,
        other,
        course,
        last,
    } = found;
    // Between its acceptance and the deletion of its row a message is in both.
    let is_new = |unsent: &&Unsent| {
        let last = last.as_ref();
        last.is_none_or(|last| unsent.row.id != last.id.into())
    };
    let unsent = unsent.filter(is_new);
    let at = unsent.map_or(entry.last_at, |unsent| {
        unsent.row.written_at.max(entry.last_at)
    });
    let last = match unsent {
        Some(Unsent { row, files, file }) => Some(LastMessage {
            content: ContentView::Text {
                text: preview(row.operation.text()),
            },
            files: *files,
            file: file.clone(),
            mine: true,
            state: messages::unsent_state(&context.live, row),
        }),
        None => last.map(|last| LastMessage {
            files: messages::count(&last.files),
            file: messages::first_name(&last),
            mine: last.author == context.me,
            state: messages::state(&last, context.me, entry.other_read_seq),
            content: short(content_view(last.content)),
        }),
    };
    ConversationRow {
        id: entry.id,
        other: context.live.person(other),
        course: course.map(course_view),
        last,
        unread: entry.unread,
        at,
        read_seq: entry.read_seq,
        head_seq: entry.head_seq,
        typing: context.live.is_typing(entry.id),
        draft: draft.map(|text| preview(text)),
        closed: entry.closed,
    }
}

/// The same in short: a text on one line.
pub(crate) fn short(content: ContentView) -> ContentView {
    match content {
        ContentView::Text { text } => ContentView::Text {
            text: preview(&text),
        },
        other => other,
    }
}

/// A text on one line, cut where it is long.
fn preview(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut line = words.next().unwrap_or_default().to_owned();
    for word in words {
        if line.chars().count() > PREVIEW {
            break;
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.chars().count() <= PREVIEW {
        return line;
    }
    let mut cut: String = line.chars().take(PREVIEW - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_one_line_of_at_most_120_characters() {
        assert_eq!(preview("  Hello\n\n  Maya \t!"), "Hello Maya !");
        assert_eq!(preview(""), "");
        let long = preview(&"ä".repeat(500));
        assert_eq!(long.chars().count(), PREVIEW);
        assert!(long.ends_with('…'));
        let words = preview(&"word ".repeat(100));
        assert_eq!(words.chars().count(), PREVIEW);
    }
}
