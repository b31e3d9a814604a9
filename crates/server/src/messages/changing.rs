//! What may become of a message after it was accepted: other words, taken back, emoji.
//!
//! Each change raises the conversation's `rev` and becomes the message's, and both people get the
//! message as a fact again.

use super::allowed;
use crate::{
    access::{Action, Actor, Thing, may, refusal_of_message},
    dispatch::{Ctx, Table},
    error::Error,
    input,
    rates::Rated,
    store::{
        Connection,
        conversation::{self, Heads},
        feed::{Entry, Kind},
        message,
        message_edit::{self, Done},
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ConversationId, ErrorCode, MessageId, PersonId,
    conversation::{
        Content, Message, MessageDelete, MessageEdit, MessageReact, MessageTrace, Reaction, Trace,
        Wording,
    },
    limits,
};
use sha2::{Digest as _, Sha256};

pub(super) fn events(table: &mut Table) {
    table.on(Rated::ByLane, edit);
    table.on(Rated::ByLane, delete);
    table.on(Rated::ByLane, react);
    table.on(Rated::ByLane, trace);
}

/// Wordings in one answer.
const WORDINGS: u32 = 50;

/// A message that somebody may do something with, and its conversation.
async fn found(
    conn: &mut Connection,
    actor: Actor,
    action: Action,
    conversation: ConversationId,
    id: MessageId,
) -> Result<(Heads, Message), Error> {
    let heads = allowed(conn, actor, Action::Read, conversation).await?;
    let message = message::get(conn, conversation, id).await?;
    let message = message.ok_or_else(Error::not_found)?;
    let thing = Thing::Message {
        heads: &heads,
        author: message.author,
    };
    if may(actor, action, thing) {
        Ok((heads, message))
    } else {
        Err(refusal_of_message(actor, action, &heads))
    }
}

/// Makes a change known to both, and gives the message as it stands then.
async fn publish(
    change: &mut Change,
    heads: &Heads,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Message, Error> {
    let rev = heads.rev + 1;
    conversation::set_heads(change.conn()?, conversation, heads.seq, rev).await?;
    let entry = Entry::new(Kind::Message, id, rev);
    for person in [heads.pair.student, heads.pair.mentor] {
        change.feed(person, std::slice::from_ref(&entry)).await?;
    }
    let message = message::get(change.conn()?, conversation, id).await?;
    message.ok_or(Error::Broken("a changed message is missing"))
}

/// `message:edit`.
async fn edit(ctx: Ctx, asked: MessageEdit) -> Result<Message, Error> {
    let actor = ctx.me().actor();
    let edited = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move { set_words(change, actor, &asked).await }.boxed()
    });
    edited.await
}

async fn set_words(
    change: &mut Change,
    actor: Actor,
    asked: &MessageEdit,
) -> Result<Message, Error> {
    let MessageEdit {
        id,
        conversation,
        message,
        ref text,
    } = *asked;
    let (heads, before) =
        found(change.conn()?, actor, Action::Change, conversation, message).await?;
    input::words(text, !before.files.is_empty())?;
    let done = Done {
        message,
        digest: hex::encode(Sha256::digest(text.as_bytes())),
    };
    match message_edit::get(change.conn()?, id).await? {
        Some(known) if known == done => return Ok(before),
        // The same words whosever it was: a foreign id reveals nothing.
        Some(_) => {
            return Err(Error::refused(
                ErrorCode::IdReused,
                "This edit's id was used before for something else.",
            ));
        }
        None => {}
    }
    let words = match &before.content {
        Content::Text { text: words } if words == text => {
            // Its answer may be lost, and the words be others by the time that it comes again.
            message_edit::insert(change.conn()?, id, &done, None).await?;
            return Ok(before);
        }
        Content::Text { text: words } => words.clone(),
        Content::Deleted => return Err(gone()),
        Content::Call { .. } | Content::Unknown => {
            return Err(Error::invalid("Only what somebody wrote can be changed."));
        }
    };
    let (now, rev) = (change.now(), heads.rev + 1);
    let replaced = Wording {
        text: words,
        at: before.edited_at.unwrap_or(before.accepted_at),
    };
    let conn = change.conn()?;
    message_edit::insert(conn, id, &done, Some((rev, &replaced))).await?;
    message::set_words(conn, message, rev, text, now).await?;
    publish(change, &heads, conversation, message).await
}

/// `message:delete`.
async fn delete(ctx: Ctx, asked: MessageDelete) -> Result<Message, Error> {
    let actor = ctx.me().actor();
    let deleted = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move { take_back(change, actor, asked).await }.boxed()
    });
    let deleted = deleted.await?;
    // What it carried is to be removed.
    ctx.app.files.ring();
    Ok(deleted)
}

async fn take_back(
    change: &mut Change,
    actor: Actor,
    asked: MessageDelete,
) -> Result<Message, Error> {
    let (conversation, id) = (asked.conversation, asked.message);
    let (heads, before) = found(change.conn()?, actor, Action::Change, conversation, id).await?;
    match before.content {
        Content::Deleted => return Ok(before),
        Content::Call { .. } => {
            return Err(Error::invalid("The record of a call cannot be taken back."));
        }
        Content::Text { .. } | Content::Unknown => {}
    }
    let now = change.now();
    let conn = change.conn()?;
    message::set_deleted(conn, id, heads.rev + 1, now).await?;
    conversation::recount(conn, conversation, heads.other(actor.person)).await?;
    publish(change, &heads, conversation, id).await
}

/// Takes a message from both, whoever wrote it: its words stay for those who moderate alone. Gives its
/// author; none where it was taken back before.
///
/// # Errors
/// `not_found` where there is no such message; `invalid` where it is the record of a call.
pub(crate) async fn remove(
    change: &mut Change,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<PersonId>, Error> {
    let now = change.now();
    let conn = change.conn()?;
    let heads = conversation::heads(conn, conversation).await?;
    let heads = heads.ok_or_else(Error::not_found)?;
    let before = message::get(conn, conversation, id).await?;
    let before = before.ok_or_else(Error::not_found)?;
    match before.content {
        Content::Deleted => return Ok(None),
        Content::Call { .. } => {
            return Err(Error::invalid("The record of a call cannot be removed."));
        }
        Content::Text { .. } | Content::Unknown => {}
    }
    message::set_deleted(conn, id, heads.rev + 1, now).await?;
    conversation::recount(conn, conversation, heads.other(before.author)).await?;
    publish(change, &heads, conversation, id).await?;
    Ok(Some(before.author))
}

/// `message:react`.
async fn react(ctx: Ctx, asked: MessageReact) -> Result<Message, Error> {
    input::emoji(&asked.emoji)?;
    let actor = ctx.me().actor();
    let reacted = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move { set_reaction(change, actor, &asked).await }.boxed()
    });
    reacted.await
}

async fn set_reaction(
    change: &mut Change,
    actor: Actor,
    asked: &MessageReact,
) -> Result<Message, Error> {
    let (conversation, id) = (asked.conversation, asked.message);
    let (heads, mut message) =
        found(change.conn()?, actor, Action::React, conversation, id).await?;
    if message.content == Content::Deleted {
        return Err(gone());
    }
    let before = message.reactions.clone();
    give(&mut message.reactions, actor.person, &asked.emoji, asked.on);
    if message.reactions == before {
        return Ok(message);
    }
    if message.reactions.len() > limits::EMOJIS {
        return Err(Error::refused(
            ErrorCode::Conflict,
            "This message has as many different reactions as it can have.",
        ));
    }
    let conn = change.conn()?;
    message::set_reactions(conn, id, heads.rev + 1, &message.reactions).await?;
    publish(change, &heads, conversation, id).await
}

/// Gives an emoji, or takes it back; either again changes nothing.
fn give(reactions: &mut Vec<Reaction>, person: PersonId, emoji: &str, on: bool) {
    let place = reactions.iter().position(|one| one.emoji == emoji);
    let found = place.and_then(|place| reactions.get_mut(place));
    match (found, on) {
        (Some(one), true) if !one.people.contains(&person) => one.people.push(person),
        (Some(_), true) | (None, false) => {}
        (Some(one), false) => {
            one.people.retain(|other| *other != person);
            reactions.retain(|one| !one.people.is_empty());
        }
        (None, true) => reactions.push(Reaction {
            emoji: emoji.to_owned(),
            people: vec![person],
        }),
    }
}

/// `message:trace`.
async fn trace(ctx: Ctx, asked: MessageTrace) -> Result<Trace, Error> {
    let actor = ctx.me().actor();
    let mut reader = ctx.app.store.read().await?;
    let (conversation, id) = (asked.conversation, asked.message);
    let (_, message) = found(&mut reader, actor, Action::Read, conversation, id).await?;
    if message.content == Content::Deleted {
        return Err(gone());
    }
    let wordings = message_edit::trace(&mut reader, message.id, WORDINGS).await?;
    Ok(Trace { wordings })
}

fn gone() -> Error {
    Error::refused(ErrorCode::Gone, "This message was deleted.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_given_once_by_each_and_goes_with_the_last_who_gave_it() {
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let mut reactions = Vec::new();
        let counts = |reactions: &[Reaction]| -> Vec<(String, usize)> {
            let count = |one: &Reaction| (one.emoji.clone(), one.people.len());
            reactions.iter().map(count).collect()
        };
        for person in [maya, maya, sam] {
            give(&mut reactions, person, "👍", true);
        }
        give(&mut reactions, sam, "🎉", true);
        assert_eq!(counts(&reactions), [("👍".into(), 2), ("🎉".into(), 1)]);
        give(&mut reactions, sam, "👍", false);
        give(&mut reactions, sam, "❤️", false);
        assert_eq!(counts(&reactions), [("👍".into(), 1), ("🎉".into(), 1)]);
        give(&mut reactions, maya, "👍", false);
        assert_eq!(counts(&reactions), [("🎉".into(), 1)]);
    }
}
