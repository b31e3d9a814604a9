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
    store::{
        StoreError,
        conversation::{self, ConversationEntry},
        facts, message,
        outbox::{self, OutboxRow},
        upload::{self, Upload},
    },
};
use im_contract::{
    ErrorKind, UiError,
    args::PageArgs,
    views::{MessagePage, MessageRow},
};
use im_protocol::{
    ConversationId, MessageId, PersonId, conversation::Message, limits, rest::History,
};
use part::Part;
use rows::Around;
use rusqlite::Connection;
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// Pages of history that are fetched for one page shown, at most.
const FETCHES: usize = 3;

/// A page of messages: unsent ones included where it goes to the end. What is missing here is fetched
/// while connected.
pub(crate) async fn page(open: &OpenAccount, args: PageArgs) -> Result<MessagePage, UiError> {
    let context = &open.context;
    let id = args.conversation;
    let part = Part::of(&args);
    let limit = args.limit.clamp(1, limits::PAGE_ROWS);
    let here = match part {
        Part::Newest | Part::Before(_) => 0,
        Part::After(_) | Part::Around(_) => {
            let head = move |connection: &Connection| head(connection, id, part);
            context.store.cache.read(head).await?
        }
    };
    // The head only rises: what does not go to the end now does not go there below either.
    let whole = part.goes_to_the_end(here, limit);
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let read = move |connection: &Connection| Unsent::find(connection, id, whole);
    let mut unsent = context.store.outbox.read(read).await?;
    let mut found = find(context, id, part, limit).await?;

    let places = found.stored.iter().map(|message| message.seq);
    let run = part.run(&found.wanted, places);
    found.stored.retain(|message| run.contains(&message.seq));
    let newer = run.end <= found.head;
    if newer {
        // Where a hole is in between.
        unsent.sendings.clear();
    }
    Ok(MessagePage {
        more: run.start > 1,
        newer,
        first_unread_seq: found.first_unread,
        messages: lay(context, found, unsent).await?,
    })
}

/// What is here of a page.
struct Found {
    entry: ConversationEntry,
    first_unread: Option<u64>,
    /// The last place.
    head: u64,
    /// The places that were asked for.
    wanted: Range<u64>,
    /// What is at them, with holes.
    stored: Vec<Message>,
}

impl Found {
    /// None where the conversation is not known.
    fn read(
        connection: &Connection,
        me: PersonId,
        id: ConversationId,
        part: Part,
        limit: u32,
    ) -> Result<Option<Self>, StoreError> {
        let Some(entry) = conversation::get(connection, id)? else {
            return Ok(None);
        };
        let head = head(connection, id, part)?;
        let wanted = part.range(head, limit);
        Ok(Some(Self {
            first_unread: message::first_unread(connection, id, entry.read_seq, me)?,
            stored: message::between(connection, id, wanted.clone())?,
            entry,
            head,
            wanted,
        }))
    }
}

/// The last place that there is; 0 for none.
fn head(connection: &Connection, id: ConversationId, part: Part) -> Result<u64, StoreError> {
    let told = conversation::get(connection, id)?.map_or(0, |entry| entry.head_seq);
    let newest = message::last(connection, id)?.map_or(told, |last| last.seq);
    Ok(match part {
        // What comes right now joins what is here: the newest page does not wait for it.
        Part::Newest => newest,
        Part::Before(_) | Part::After(_) | Part::Around(_) => newest.max(told),
    })
}

/// Looks a page up, and fetches what is missing while connected.
async fn find(
    context: &Context,
    id: ConversationId,
    part: Part,
    limit: u32,
) -> Result<Found, UiError> {
    let me = context.me;
    let mut fetches = 0;
    loop {
        let read = move |connection: &Connection| Found::read(connection, me, id, part, limit);
        let found = context.store.cache.read(read).await?;
        let found = found.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
        let places = found.stored.iter().map(|message| message.seq);
        let hole = part.hole(&found.wanted, places);
        let gave_up = fetches == FETCHES || !context.live.is_connected();
        let Some(hole) = hole.filter(|_| !gave_up) else {
            // Behind a hole there is more, to be fetched another time.
            return Ok(found);
        };
        fetches += 1;
        if !fetch(context, id, hole).await? {
            fetches = FETCHES;
        }
    }
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

/// What was written here and is not accepted yet.
struct Unsent {
    /// What changes messages.
    changes: Vec<OutboxRow>,
    /// Messages, as far as they are wanted.
    sendings: Vec<OutboxRow>,
    /// Their files.
    carried: HashMap<MessageId, Vec<Upload>>,
}

impl Unsent {
    /// There may be thousands of messages: where they are not shown they are not read.
    fn find(connection: &Connection, id: ConversationId, whole: bool) -> Result<Self, StoreError> {
        if !whole {
            return Ok(Self {
                changes: outbox::changes_in(connection, id)?,
                sendings: Vec::new(),
                carried: HashMap::new(),
            });
        }
        let (changes, sendings) = outbox::of_conversation(connection, id)?
            .into_iter()
            .partition(|row| row.operation.changes().is_some());
        let mut carried: HashMap<_, Vec<_>> = HashMap::new();
        for file in upload::of_conversation(connection, id)? {
            if let Some(message) = file.message {
                carried.entry(message).or_default().push(file);
            }
        }
        Ok(Self {
            changes,
            sendings,
            carried,
        })
    }
}

/// The accepted messages, then the unsent ones, with what was changed here laid over both.
async fn lay(context: &Context, found: Found, unsent: Unsent) -> Result<Vec<MessageRow>, UiError> {
    let wanted = rows::wanted(&found.stored, &unsent.sendings);
    let (me, changes) = (context.me, unsent.changes);
    let of = (found.entry.other_read_seq, found.entry.closed.is_none());
    let find = move |connection: &Connection| Around::find(connection, me, of, wanted, changes);
    let around = context.store.cache.read(find).await?;
    let mut messages = rows::accepted(found.stored, &around, &context.files.transfers);
    let accepted: HashSet<_> = messages.iter().map(|message| message.id).collect();
    for row in &unsent.sendings {
        let id = MessageId::from_uuid(row.id.uuid());
        // Between its acceptance and the deletion of its row a message is in both.
        if !accepted.contains(&id) {
            let carried = unsent.carried.get(&id).map_or(&[][..], Vec::as_slice);
            messages.extend(rows::unsent(context, row, carried, &around));
        }
    }
    around.overlay(&mut messages);
    Ok(messages)
}
