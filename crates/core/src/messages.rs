//! Pages of a conversation: what the server has accepted, then what is unsent.

use crate::{
    live::Live,
    session::{Context, Mail, OpenAccount},
    store::{conversation, facts, message, outbox},
};
use im_contract::{
    ErrorKind, UiError,
    views::{ContentView, MessagePage, MessageRow, MessageState},
};
use im_protocol::{
    ConversationId, MessageId, PersonId,
    conversation::{Content, Message},
    limits,
    rest::History,
};
use tokio::sync::oneshot;

/// Pages of history that are fetched for one page shown, at most.
const FETCHES: usize = 3;

/// A page of messages before a place; none for the newest, unsent ones included. What is missing
/// here is fetched while connected.
pub(crate) async fn page(
    open: &OpenAccount,
    id: ConversationId,
    before: Option<u64>,
    limit: u32,
) -> Result<MessagePage, UiError> {
    let context = &open.context;
    let limit = limit.clamp(1, limits::PAGE_ROWS);
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let unsent = if before.is_none() {
        context
            .store
            .outbox
            .read(move |connection| outbox::of_conversation(connection, id))
            .await?
    } else {
        Vec::new()
    };
    let mut fetches = 0;
    let (entry, first_unread, stored, lowest) = loop {
        let me = context.me;
        let (entry, first_unread, mut stored) = context
            .store
            .cache
            .read(move |connection| {
                let entry = conversation::get(connection, id)?;
                let read_seq = entry.as_ref().map_or(0, |entry| entry.read_seq);
                Ok((
                    entry,
                    message::first_unread(connection, id, read_seq, me)?,
                    message::before(connection, id, before, limit)?,
                ))
            })
            .await?;
        let entry = entry.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
        let top = before.unwrap_or_else(|| {
            let newest = stored.first().map_or(entry.head_seq, |newest| newest.seq);
            newest.saturating_add(1)
        });
        let unbroken = unbroken(&stored, top);
        let lowest = match unbroken.checked_sub(1).and_then(|last| stored.get(last)) {
            Some(message) => message.seq,
            None => top,
        };
        let complete = unbroken >= wanted || lowest <= 1;
        let gave_up = fetches == FETCHES || !context.live.is_connected();
        if complete || gave_up {
            // Behind a hole there is more, to be fetched another time.
            stored.truncate(unbroken);
            break (entry, first_unread, stored, lowest);
        }
        fetches += 1;
        if !fetch(context, id, lowest, limit).await? {
            fetches = FETCHES;
        }
    };

    let mut messages: Vec<MessageRow> = stored
        .into_iter()
        .rev()
        .map(|message| row(message, context.me, entry.other_read_seq))
        .collect();
    for row in unsent {
        // Between its acceptance and the deletion of its row a message is in both.
        if !messages.iter().any(|message| message.id == row.id) {
            messages.push(unsent_row(&context.live, &row, context.me));
        }
    }
    Ok(MessagePage {
        messages,
        more: lowest > 1,
        first_unread_seq: first_unread,
    })
}

/// How many messages, newest first, go down from `top` without a hole.
fn unbroken(messages: &[Message], top: u64) -> usize {
    messages
        .iter()
        .zip(1u64..)
        .take_while(|(message, below)| message.seq.checked_add(*below) == Some(top))
        .count()
}

/// Fetches a page of history and stores it. Gives whether it brought anything.
async fn fetch(
    context: &Context,
    id: ConversationId,
    before: u64,
    limit: u32,
) -> Result<bool, UiError> {
    let path = format!("/v1/conversations/{id}/messages?before={before}&limit={limit}");
    match context.rest.get::<History>(&path).await {
        Ok(history) => Ok(context
            .store
            .cache
            .write(move |tx| facts::store_messages(tx, &history.messages))
            .await?),
        Err(error) => {
            tracing::debug!(%error, "history is shown as far as it is here");
            Ok(false)
        }
    }
}

/// Writes a message: it is on disk when this answers.
pub(crate) async fn send(
    open: &OpenAccount,
    conversation: ConversationId,
    text: String,
) -> Result<MessageRow, UiError> {
    check(&text)?;
    let context = &open.context;
    let known = context
        .store
        .cache
        .read(move |connection| conversation::get(connection, conversation))
        .await?;
    if known.is_none() {
        return Err(UiError::new(ErrorKind::NotFound));
    }
    let (id, written_at) = (MessageId::new(), context.clock.now());
    let row = context
        .store
        .outbox
        .write(move |tx| {
            let n = outbox::add(tx, id, conversation, &text, written_at)?;
            Ok(outbox::OutboxRow {
                n,
                id,
                conversation,
                text,
                written_at,
                error: None,
            })
        })
        .await?;
    open.tell(Mail::Wrote).await;
    Ok(unsent_row(&context.live, &row, context.me))
}

/// What the server would refuse is not taken.
fn check(text: &str) -> Result<(), UiError> {
    if text.chars().count() > limits::MESSAGE_CHARS {
        return Err(UiError::new(ErrorKind::TooLong).with("limit", limits::MESSAGE_CHARS));
    }
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "text"));
    }
    Ok(())
}

/// Tries a failed message again.
pub(crate) async fn retry(open: &OpenAccount, id: MessageId) -> Result<(), UiError> {
    let (reply, answer) = oneshot::channel();
    open.tell(Mail::Retry(id, reply)).await;
    failed_before(answer.await)
}

/// Throws a failed message away.
pub(crate) async fn discard(open: &OpenAccount, id: MessageId) -> Result<(), UiError> {
    let (reply, answer) = oneshot::channel();
    open.tell(Mail::Discard(id, reply)).await;
    failed_before(answer.await)
}

fn failed_before(answer: Result<bool, oneshot::error::RecvError>) -> Result<(), UiError> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(UiError::new(ErrorKind::NotFound)),
        Err(_) => Err(UiError::new(ErrorKind::SignInAgain)),
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
pub(crate) fn unsent_state(live: &Live, row: &outbox::OutboxRow) -> MessageState {
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
        Content::Unknown => ContentView::Unknown,
    }
}

fn row(message: Message, me: PersonId, other_read_seq: u64) -> MessageRow {
    MessageRow {
        id: message.id,
        seq: Some(message.seq),
        author: message.author,
        mine: message.author == me,
        state: state(&message, me, other_read_seq),
        content: content_view(message.content),
        at: message.accepted_at,
        error: None,
    }
}

fn unsent_row(live: &Live, row: &outbox::OutboxRow, me: PersonId) -> MessageRow {
    MessageRow {
        id: row.id,
        seq: None,
        author: me,
        mine: true,
        content: ContentView::Text {
            text: row.text.clone(),
        },
        at: row.written_at,
        state: unsent_state(live, row),
        error: row.error.as_ref().map(UiError::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_a_hole() {
        let message = |seq| Message {
            id: MessageId::new(),
            conversation: ConversationId::new(),
            seq,
            rev: seq,
            author: PersonId::new(),
            content: Content::Unknown,
            written_at: 0,
            accepted_at: 0,
        };
        let stored: Vec<Message> = [9, 8, 7, 4, 3].map(message).into();
        assert_eq!(unbroken(&stored, 10), 3);
        assert_eq!(unbroken(&stored, 12), 0);
        assert_eq!(unbroken(&stored[3..], 5), 2);
        assert_eq!(unbroken(&[], 5), 0);
    }

    #[test]
    fn a_message_needs_something_to_be_seen_and_has_a_limit() {
        assert!(check("Hello").is_ok());
        assert!(check(&"ä".repeat(limits::MESSAGE_CHARS)).is_ok());
        let long = check(&"ä".repeat(limits::MESSAGE_CHARS + 1)).unwrap_err();
        assert_eq!(long.kind, ErrorKind::TooLong);
        assert_eq!(long.params.get("limit").map(String::as_str), Some("4000"));
        for empty in ["", " \n\t ", "\u{0}\u{7}"] {
            assert_eq!(check(empty).unwrap_err().kind, ErrorKind::Invalid);
        }
    }
}
