//! Search in everything that is on this device.
//!
//! A message is indexed by pieces of its words, see [`pieces`]: what is typed is cut in the same way,
//! so that one or two characters find beginnings of words and three or more are found anywhere, in
//! words, code and every script. What has all the pieces is read and looked at in full, newest first,
//! until a page is full. The index is in `store::search`.

mod excerpt;
pub(crate) mod folding;
pub(crate) mod pieces;
mod query;

use crate::{
    session::Context,
    store::{
        StoreError, conversation, message,
        outbox::{self, Operation, OutboxRow},
        search::{self, Asked, Candidate},
    },
};
use im_contract::{
    UiError,
    args::{SearchArgs, SearchBy},
    views::{SearchHit, SearchPage},
};
use im_protocol::{
    ConversationId, MessageId, PersonId,
    conversation::{Content, Message},
};
use query::Query;
use rusqlite::Connection;
use std::{collections::HashMap, ops::ControlFlow};

/// Hits on a page.
const PAGE: usize = 50;
/// Candidates that are looked at for one page: what has all the pieces and not the words is rare, but
/// who types must not wait for all of it.
const LOOKED_AT: usize = 3_000;
/// Rows of the outbox that are looked through.
const UNSENT: u32 = 1_000;

/// A page of hits, newest first.
pub(crate) async fn page(context: &Context, args: SearchArgs) -> Result<SearchPage, UiError> {
    let search = Search {
        me: context.me,
        query: Query::of(&args.words),
        args,
    };
    if !search.asks() {
        return Ok(SearchPage::default());
    }
    // Before the accepted ones, or a message that is accepted meanwhile would be in neither.
    let unsent = context
        .store
        .outbox
        .read(|connection| outbox::after(connection, 0, UNSENT))
        .await?;
    let page = move |connection: &Connection| search.page(connection, unsent);
    Ok(context.store.cache.read(page).await?)
}

/// What the outbox makes of a message: these words, or nothing.
enum Changed {
    To(String),
    Gone,
}

struct Search {
    me: PersonId,
    query: Query,
    args: SearchArgs,
}

impl Search {
    /// Whether there is anything to search for.
    fn asks(&self) -> bool {
        let args = &self.args;
        !self.query.is_empty()
            || args.person.is_some()
            || args.by.is_some()
            || args.from.is_some()
            || args.until.is_some()
            || args.files
    }

    fn page(
        &self,
        connection: &Connection,
        unsent: Vec<OutboxRow>,
    ) -> Result<SearchPage, StoreError> {
        let conversations = match self.args.person {
            Some(person) => Some(conversation::with_person(connection, person)?),
            None => None,
        };
        let mut page = SearchPage {
            indexing: search::is_indexing(connection)?,
            ..SearchPage::default()
        };
        if conversations.as_ref().is_some_and(Vec::is_empty) {
            return Ok(page);
        }
        let changed = changed(&unsent);
        if self.args.before.is_none() {
            page.hits = self.unsent(connection, &unsent, &changed, conversations.as_deref())?;
        }
        let expression = pieces::expression(
            self.query.pieces(),
            conversations.as_deref(),
            self.args
                .by
                .filter(|by| *by == SearchBy::Me)
                .map(|_| self.me),
            self.args.files,
        );
        let asked = Asked {
            expression,
            from: self.args.from,
            below: match (self.args.until, self.args.before) {
                (Some(until), Some(before)) => Some(until.min(before)),
                (until, before) => until.or(before),
            },
        };
        let mut looked_at = 0;
        let mut next = None;
        search::newest(connection, &asked, |found| {
            looked_at += 1;
            let place = found.place;
            if !changed.contains_key(&found.id) {
                page.hits.extend(self.hit(found));
            }
            if page.hits.len() < PAGE && looked_at < LOOKED_AT {
                return ControlFlow::Continue(());
            }
            next = Some(place);
            ControlFlow::Break(())
        })?;
        page.next = next;
        Ok(page)
    }

    fn hit(&self, found: Candidate) -> Option<SearchHit> {
        let mine = found.author == self.me;
        if self.args.by.is_some_and(|by| (by == SearchBy::Me) != mine) {
            return None;
        }
        let (text, marks) = self.query.excerpt(&found.text)?;
        Some(SearchHit {
            message: found.id,
            conversation: found.conversation,
            seq: Some(found.seq),
            mine,
            at: found.accepted_at,
            text,
            marks,
        })
    }

    /// What was written or changed here and is not on the server yet, newest first. There is little of
    /// it, so it is looked through.
    fn unsent(
        &self,
        connection: &Connection,
        rows: &[OutboxRow],
        changed: &HashMap<MessageId, Changed>,
        conversations: Option<&[ConversationId]>,
    ) -> Result<Vec<SearchHit>, StoreError> {
        let mut hits: Vec<SearchHit> = Vec::new();
        if self.args.files || self.args.by == Some(SearchBy::Other) {
            return Ok(hits);
        }
        for row in rows {
            let id = match &row.operation {
                Operation::Send { .. } => MessageId::from_uuid(row.id.uuid()),
                Operation::Edit { message, .. } if row.error.is_none() => *message,
                _ => continue,
            };
            let elsewhere = conversations.is_some_and(|some| !some.contains(&row.conversation));
            if elsewhere || hits.iter().any(|hit| hit.message == id) {
                continue;
            }
            let stored = message::get(connection, id)?;
            let text = match (changed.get(&id), &stored) {
                (Some(Changed::To(text)), _) => text,
                (None, None) => row.operation.text(),
                // Taken back, or accepted meanwhile and found there.
                (Some(Changed::Gone), _) | (None, Some(_)) => continue,
            };
            let at = stored
                .as_ref()
                .map_or(row.written_at, |one| one.accepted_at);
            let early = self.args.from.is_some_and(|from| at < from);
            if early || self.args.until.is_some_and(|until| at >= until) {
                continue;
            }
            if let Some((text, marks)) = self.query.excerpt(text) {
                hits.push(SearchHit {
                    message: id,
                    conversation: row.conversation,
                    seq: stored.map(|one| one.seq),
                    mine: true,
                    at,
                    text,
                    marks,
                });
            }
        }
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
        Ok(hits)
    }
}

/// What the outbox says of messages, by the last word on each. What was refused changes nothing.
fn changed(rows: &[OutboxRow]) -> HashMap<MessageId, Changed> {
    let mut changed = HashMap::new();
    for row in rows.iter().filter(|row| row.error.is_none()) {
        match &row.operation {
            Operation::Edit { message, text } => {
                changed.insert(*message, Changed::To(text.clone()));
            }
            Operation::Delete { message } => {
                changed.insert(*message, Changed::Gone);
            }
            Operation::Send { .. } | Operation::React { .. } => {}
        }
    }
    changed
}

/// What of a message can be found.
pub(crate) struct Findable<'a> {
    /// Its words.
    pub(crate) text: &'a str,
    /// Whether it has files.
    pub(crate) files: bool,
}

/// What of a message can be found: nothing of a call, of what was taken back, and of what this build
/// does not know. The one place that says so.
pub(crate) fn findable(message: &Message) -> Option<Findable<'_>> {
    match &message.content {
        Content::Text { text } => Some(Findable {
            text,
            files: !message.files.is_empty(),
        }),
        Content::Call { .. } | Content::Deleted | Content::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
