//! Pages of a conversation: what the server has accepted, then what is unsent, with what was changed
//! here and is not on the server yet.

mod part;
mod pending;
mod rows;
mod writing;

pub(crate) use pending::Gist;
pub(crate) use rows::{state, unsent_state};
pub(crate) use writing::{check, delete, discard, edit, react, retry, send, trace};

use crate::{
    session::{Context, OpenAccount},
    store::{conversation, facts, message, outbox, upload},
};
use im_contract::{ErrorKind, UiError, args::PageArgs, views::MessagePage};
use im_protocol::{ConversationId, limits, rest::History};
use part::Part;
use rows::Around;
use std::ops::Range;

/// Pages of history that are fetched for one page shown, at most.
const FETCHES: usize = 3;

/// A page of messages: unsent ones included where it goes to the end. What is missing here is fetched
/// while connected.
pub(crate) async fn page(open: &OpenAccount, args: PageArgs) -> Result<MessagePage, UiError> {
    let context = &open.context;
    let id = args.conversation;
    let part = Part::of(&args);
    let limit = args.limit.clamp(1, limits::PAGE_ROWS);
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let read = move |connection: &rusqlite::Connection| {
        let unsent = outbox::of_conversation(connection, id)?;
        Ok((unsent, upload::of_conversation(connection, id)?))
    };
    let (unsent, uploads) = context.store.outbox.read(read).await?;
    let mut fetches = 0;
    let (entry, first_unread, mut stored, head, wanted) = loop {
        let me = context.me;
        let (entry, first_unread, head, wanted, stored) = context
            .store
            .cache
            .read(move |connection| {
                let entry = conversation::get(connection, id)?;
                let read_seq = entry.as_ref().map_or(0, |entry| entry.read_seq);
                let told = entry.as_ref().map_or(0, |entry| entry.head_seq);
                let newest = message::last(connection, id)?.map_or(told, |last| last.seq);
                // What comes right now joins what is here: the newest page does not wait for it.
                let head = match part {
                    Part::Newest => newest,
                    Part::Before(_) | Part::After(_) | Part::Around(_) => newest.max(told),
                };
                let wanted = part.range(head, limit);
                Ok((
                    entry,
                    message::first_unread(connection, id, read_seq, me)?,
                    head,
                    wanted.clone(),
                    message::between(connection, id, wanted)?,
                ))
            })
            .await?;
        let entry = entry.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
        let gave_up = fetches == FETCHES || !context.live.is_connected();
        let hole = part.hole(&wanted, stored.iter().map(|message| message.seq));
        match hole {
            Some(hole) if !gave_up => {
                fetches += 1;
                if !fetch(context, id, hole).await? {
                    fetches = FETCHES;
                }
            }
            // Behind a hole there is more, to be fetched another time.
            _ => break (entry, first_unread, stored, head, wanted),
        }
    };
    let run = part.run(&wanted, stored.iter().map(|message| message.seq));
    stored.retain(|message| run.contains(&message.seq));
    let newer = run.end <= head;

    let (changes, mut sendings): (Vec<_>, Vec<_>) = unsent
        .into_iter()
        .partition(|row| row.operation.changes().is_some());
    if newer || args.before.is_some() {
        sendings.clear();
    }
    let wanted = rows::wanted(&stored, &sendings);
    let me = context.me;
    let of = (entry.other_read_seq, entry.closed.is_none());
    let around = context
        .store
        .cache
        .read(move |connection| Around::find(connection, me, of, wanted, changes))
        .await?;
    let mut messages = rows::accepted(stored, &around, &context.files.transfers);
    for row in &sendings {
        // Between its acceptance and the deletion of its row a message is in both.
        if !messages.iter().any(|message| row.id == message.id.into()) {
            let its = |file: &&upload::Upload| file.message.map(Into::into) == Some(row.id);
            let carried: Vec<_> = uploads.iter().filter(its).cloned().collect();
            messages.extend(rows::unsent(context, row, &carried, &around));
        }
    }
    around.overlay(&mut messages);
    Ok(MessagePage {
        messages,
        more: run.start > 1,
        newer,
        first_unread_seq: first_unread,
    })
}

/// Fetches a hole's messages, those next to its end first, and stores them. Gives whether it brought
/// anything.
async fn fetch(context: &Context, id: ConversationId, hole: Range<u64>) -> Result<bool, UiError> {
    let limit = (hole.end - hole.start).clamp(1, limits::PAGE_ROWS.into());
    let before = hole.end;
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
