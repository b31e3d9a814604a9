//! Who is writing: handed on to the other's devices at once, and kept nowhere.

use super::allowed;
use crate::{
    access::Action,
    dispatch::{Ctx, Table},
    error::Error,
    rates::Rated,
};
use im_protocol::{
    ConversationId, Notice, PersonId,
    command::Done,
    conversation::{TypingStart, TypingStarted, TypingStop, TypingStopped},
};

pub(super) fn events(table: &mut Table) {
    table.on(Rated::ByLane, start);
    table.on(Rated::ByLane, stop);
}

/// `typing:start`.
async fn start(ctx: Ctx, asked: TypingStart) -> Result<Done, Error> {
    let conversation = asked.conversation;
    hand_on(ctx, conversation, |person| TypingStarted {
        conversation,
        person,
    })
    .await
}

/// `typing:stop`.
async fn stop(ctx: Ctx, asked: TypingStop) -> Result<Done, Error> {
    let conversation = asked.conversation;
    hand_on(ctx, conversation, |person| TypingStopped {
        conversation,
        person,
    })
    .await
}

async fn hand_on<N: Notice>(
    ctx: Ctx,
    conversation: ConversationId,
    notice: impl FnOnce(PersonId) -> N,
) -> Result<Done, Error> {
    let me = ctx.me();
    let mut reader = ctx.app.store.read().await?;
    let heads = allowed(&mut reader, me.actor(), Action::Write, conversation).await?;
    drop(reader);
    let other = heads.other(me.person);
    ctx.app.hub.tell_person(other, &notice(me.person));
    Ok(Done {})
}
