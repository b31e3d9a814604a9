//! Pages of a conversation: what the server has accepted, then what is unsent, with what was changed
//! here and is not on the server yet.

mod rows;
mod writing;

pub(crate) use rows::{content_view, state, unsent_state};
pub(crate) use writing::{check, delete, discard, edit, react, retry, send, trace};

use crate::{
    session::{Context, OpenAccount},
    store::{conversation, facts, message, outbox},
};
use im_contract::{ErrorKind, UiError, views::MessagePage};
use im_protocol::{ConversationId, conversation::Message, limits, rest::History};
use rows::Around;

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
    let unsent = context
        .store
        .outbox
        .read(move |connection| outbox::of_conversation(connection, id))
        .await?;
    let mut fetches = 0;
    let (entry, first_unread, mut stored, lowest) = loop {
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

    stored.reverse();
    let (changes, mut sendings): (Vec<_>, Vec<_>) = unsent
        .into_iter()
        .partition(|row| row.operation.changes().is_some());
    if before.is_some() {
        sendings.clear();
    }
    let wanted = rows::wanted(&stored, &sendings);
    let me = context.me;
    let of = (entry.other_read_seq, entry.closed.is_none());
    let around = context
        .store
        .cache
        .read(move |connection| Around::find(connection, me, of, wanted))
        .await?;
    let mut messages = rows::accepted(stored, &around);
    for row in &sendings {
        // Between its acceptance and the deletion of its row a message is in both.
        if !messages.iter().any(|message| row.id == message.id.into()) {
            messages.extend(rows::unsent(&context.live, row, &around));
        }
    }
    rows::overlay(&mut messages, &changes);
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

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::{MessageId, PersonId, conversation::Content};

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
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
        };
        let stored: Vec<Message> = [9, 8, 7, 4, 3].map(message).into();
        assert_eq!(unbroken(&stored, 10), 3);
        assert_eq!(unbroken(&stored, 12), 0);
        assert_eq!(unbroken(&stored[3..], 5), 2);
        assert_eq!(unbroken(&[], 5), 0);
    }
}
