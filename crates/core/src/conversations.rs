//! The conversation list: the store's rows with what is true now.

use crate::{
    courses::failed,
    files,
    messages::{self, Gist},
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

/// What of a conversation is here alone: its last unsent message, and what was changed.
#[derive(Default)]
struct Here {
    unsent: Option<(outbox::OutboxRow, Gist)>,
    changes: Vec<outbox::OutboxRow>,
}

impl Here {
    fn read(
        connection: &Connection,
        unsent: Option<outbox::OutboxRow>,
        changes: Vec<outbox::OutboxRow>,
    ) -> Result<Self, StoreError> {
        let gist = |row: outbox::OutboxRow| {
            let id = MessageId::from_uuid(row.id.uuid());
            let carried = upload::of_message(connection, id)?;
            let gist = Gist::unsent(row.operation.text(), &carried).after(id, &changes);
            Ok::<_, StoreError>((row, gist))
        };
        Ok(Self {
            unsent: unsent.map(gist).transpose()?,
            changes,
        })
    }
}

/// The same of all conversations.
fn all_here(connection: &Connection) -> Result<HashMap<ConversationId, Here>, StoreError> {
    let mut changed: HashMap<ConversationId, Vec<outbox::OutboxRow>> = HashMap::new();
    for row in outbox::changes(connection)? {
        changed.entry(row.conversation).or_default().push(row);
    }
    let mut here = HashMap::new();
    for unsent in outbox::last_of_each(connection)? {
        let id = unsent.conversation;
        let changes = changed.remove(&id).unwrap_or_default();
        here.insert(id, Here::read(connection, Some(unsent), changes)?);
    }
    for (id, changes) in changed {
        here.insert(id, Here::read(connection, None, changes)?);
    }
    Ok(here)
}

/// All conversations, newest first.
pub(crate) async fn list(context: &Context) -> Result<Vec<ConversationRow>, UiError> {
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let read = |connection: &Connection| Ok((all_here(connection)?, draft::all(connection)?));
    let (mut here, drafts) = context.store.outbox.read(read).await?;
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
            let here = here.remove(&id).unwrap_or_default();
            row(context, found, here, drafts.get(&id))
        })
        .collect();
    // Stable: what is unsent moves up, the rest keeps the store's order.
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

/// One conversation.
async fn get(context: &Context, id: ConversationId) -> Result<ConversationRow, UiError> {
    let (here, draft) = context
        .store
        .outbox
        .read(move |connection| {
            let rows = outbox::of_conversation(connection, id)?.into_iter();
            let (changes, mut sendings): (Vec<_>, Vec<_>) =
                rows.partition(|row| row.operation.changes().is_some());
            let here = Here::read(connection, sendings.pop(), changes)?;
            Ok((here, draft::get(connection, id)?.text))
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
    Ok(row(context, found, here, draft.as_ref()))
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

fn row(context: &Context, found: Found, here: Here, draft: Option<&String>) -> ConversationRow {
    let Found {
        entry,
        other,
        course,
        last,
    } = found;
    // Between its acceptance and the deletion of its row a message is in both.
    let is_new = |unsent: &(outbox::OutboxRow, Gist)| {
        let last = last.as_ref();
        last.is_none_or(|last| unsent.0.id != last.id.into())
    };
    let unsent = here.unsent.filter(is_new);
    let at = unsent
        .as_ref()
        .map_or(entry.last_at, |(row, _)| row.written_at.max(entry.last_at));
    let line = |gist: Gist, mine, state| LastMessage {
        content: short(gist.content),
        files: gist.files,
        file: gist.file,
        mine,
        state,
    };
    let last = match unsent {
        Some((row, gist)) => Some(line(
            gist,
            true,
            messages::unsent_state(&context.live, &row),
        )),
        None => last.map(|last| {
            let gist = Gist::of(&last).after(last.id, &here.changes);
            let state = messages::state(&last, context.me, entry.other_read_seq);
            line(gist, last.author == context.me, state)
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
