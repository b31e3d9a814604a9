//! `sync:since`, `sync:ack` and `sync:snapshot`: how a device gets and stays up to date.

use crate::{
    dispatch::{Ctx, Table},
    error::Error,
    packet::{cut, json_bytes},
    pump::Pump,
    rates::Rated,
    store::{Connection, conversation, course, feed, person},
};
use im_protocol::{
    command::Done,
    limits,
    people::Person,
    sync::{Cursor, Snapshot, SnapshotAsk, SyncAck, SyncMode, SyncSince, SyncStart},
};
use sqlx::Connection as _;
use std::collections::HashSet;

/// Conversations in one page of a snapshot; with their people well under a packet.
const SNAPSHOT_PAGE: u32 = 200;
/// What each item of a snapshot has as JSON, at most, besides its text.
const CONVERSATION_BYTES: usize = 512;
const PERSON_BYTES: usize = 96;
const COURSE_BYTES: usize = 128;
/// What a snapshot has besides its lists, at most.
const HEAD_BYTES: usize = 1_024;

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::ByLane, since);
    table.on(Rated::Itself, ack);
    table.on(Rated::ByLane, snapshot);
}

/// `sync:since`: from here on facts flow, or the device is told to take a snapshot first.
async fn since(ctx: Ctx, asked: SyncSince) -> Result<SyncStart, Error> {
    let me = ctx.me().person;
    let mut reader = ctx.app.store.read().await?;
    let extent = feed::extent(&mut reader, me).await?;
    drop(reader);
    let usable = asked.cursor.filter(|cursor| {
        cursor.epoch == ctx.app.epoch && (extent.pruned..=extent.head).contains(&cursor.n)
    });
    // An older pump of this connection ends here, whatever follows.
    ctx.live.pump().take();
    let mode = match usable {
        Some(cursor) => {
            if let Some((pump, handle)) = Pump::new(&ctx.app, &ctx.live, cursor.n) {
                *ctx.live.pump() = Some(handle);
                ctx.app.tasks.spawn(pump.run());
            }
            SyncMode::Feed
        }
        None => SyncMode::Snapshot,
    };
    Ok(SyncStart {
        mode,
        head: extent.head,
    })
}

/// `sync:ack`: the window moves on.
async fn ack(ctx: Ctx, asked: SyncAck) -> Result<Done, Error> {
    ctx.app.rates.ack(ctx.me().person)?;
    if let Some(pump) = ctx.live.pump().as_ref() {
        pump.acknowledged(asked.n);
    }
    Ok(Done {})
}

/// `sync:snapshot`: a page of what the person has, with the cursor to go on from.
async fn snapshot(ctx: Ctx, asked: SnapshotAsk) -> Result<Snapshot, Error> {
    let me = ctx.me().person;
    let mut reader = ctx.app.store.read().await?;
    // One transaction: the cursor and what it stands for are of the same moment.
    let mut tx = reader.begin().await?;
    let snapshot = page(&ctx, &mut tx, me, asked).await;
    tx.rollback().await?;
    snapshot
}

async fn page(
    ctx: &Ctx,
    conn: &mut Connection,
    me: im_protocol::PersonId,
    asked: SnapshotAsk,
) -> Result<Snapshot, Error> {
    let extent = feed::extent(conn, me).await?;
    let mut conversations = conversation::page(conn, me, asked.after, SNAPSHOT_PAGE + 1).await?;
    let more = conversations.len() as u64 > u64::from(SNAPSHOT_PAGE);
    conversations.truncate(SNAPSHOT_PAGE as usize);
    let first = asked.after.is_none();
    let courses = if first {
        course::known_to(conn, me).await?
    } else {
        Vec::new()
    };
    let members = conversations
        .iter()
        .flat_map(|conversation| &conversation.members);
    let members: HashSet<_> = members.copied().collect();
    let tied = person::known_to(conn, me).await?;
    let (mut people, mut others): (Vec<_>, Vec<_>) = tied
        .into_iter()
        .partition(|person| members.contains(&person.id));
    if first {
        // As many as fit beside the rest. Whoever has more to talk to finds them in the later pages,
        // for each has a conversation.
        let bytes_of = |person: &Person| PERSON_BYTES + json_bytes(&person.name);
        let courses = courses.iter();
        let used = conversations.len() * CONVERSATION_BYTES
            + people.iter().map(bytes_of).sum::<usize>()
            + courses
                .map(|course| COURSE_BYTES + json_bytes(&course.title))
                .sum::<usize>();
        let mut room = (limits::PACKET_BYTES - HEAD_BYTES).saturating_sub(used);
        cut(&mut others, &mut room, bytes_of);
        people.append(&mut others);
    }
    Ok(Snapshot {
        cursor: Cursor {
            epoch: ctx.app.epoch,
            n: extent.head,
        },
        conversations,
        people,
        courses,
        more,
    })
}
