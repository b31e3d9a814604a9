//! Tables `found` and `search`: the index over messages.
//!
//! The index's rowid is a message's place in time, so that `ORDER BY rowid DESC` is newest first and a
//! limit ends the walk early, however many rows have a term. What was in the cache before there was an
//! index is indexed in batches, newest first, down from a mark in `meta`.

use super::{StoreError, count, id, message};
use crate::search::{findable, pieces};
use im_protocol::{
    ConversationId, MessageId, PersonId, UnixMs,
    conversation::{Content, Message},
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::ops::ControlFlow;

/// The mark: rows of `message` below it may not be indexed yet; none once all are.
const BELOW: &str = "search_below";

const MATCHING: &str = "SELECT found.place, message.id, conversation, seq, author, content, accepted_at \
     FROM search CROSS JOIN found ON found.place = search.rowid \
     CROSS JOIN message ON message.rowid = found.message \
     WHERE search MATCH ?1 AND search.rowid >= ?2 AND search.rowid < ?3 ORDER BY search.rowid DESC";
const ANY: &str = "SELECT found.place, message.id, conversation, seq, author, content, accepted_at \
     FROM found CROSS JOIN message ON message.rowid = found.message \
     WHERE found.place >= ?1 AND found.place < ?2 ORDER BY found.place DESC";
const PLACE: &str = "SELECT place FROM found WHERE message = ?1";
const TAKE: &str = "INSERT OR IGNORE INTO found(place, message) VALUES (?1, ?2)";
const LAST_PLACE: &str = "SELECT found.place, message.accepted_at
     FROM found JOIN message ON message.rowid = found.message
     WHERE found.place = (SELECT max(place) FROM found)";
const BATCH: &str = "SELECT rowid, id FROM message WHERE rowid < ?1 ORDER BY rowid DESC LIMIT ?2";

/// Places that are tried one after the other, so that what was accepted together keeps its order.
const NEAR: u32 = 64;
/// The longest step between two tries, as a power of two: about a second.
const FAR: u32 = 10;

/// What is asked for.
pub(crate) struct Asked {
    /// See [`pieces::expression`]; empty for any message.
    pub(crate) expression: String,
    /// From this time on.
    pub(crate) from: Option<UnixMs>,
    /// Before this time, or after the hit at this place.
    pub(crate) below: Option<UnixMs>,
}

/// A message that has all terms. What people write is left out of logs.
pub(crate) struct Candidate {
    /// Its place in the index.
    pub(crate) place: i64,
    /// Which.
    pub(crate) id: MessageId,
    /// Where.
    pub(crate) conversation: ConversationId,
    /// Its place there.
    pub(crate) seq: u64,
    /// Who wrote it.
    pub(crate) author: PersonId,
    /// Its words.
    pub(crate) text: String,
    /// When.
    pub(crate) accepted_at: UnixMs,
}

/// Gives what was asked for, newest first, for as long as it is wanted.
pub(crate) fn newest(
    connection: &Connection,
    asked: &Asked,
    mut take: impl FnMut(Candidate) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let (from, below) = (asked.from.unwrap_or(0), asked.below.unwrap_or(i64::MAX));
    let any = asked.expression.is_empty();
    let mut statement = connection.prepare_cached(if any { ANY } else { MATCHING })?;
    let mut rows = if any {
        statement.query(params![from, below])?
    } else {
        statement.query(params![asked.expression, from, below])?
    };
    while let Some(row) = rows.next()? {
        let content: String = row.get(5)?;
        let Ok(Content::Text { text }) = serde_json::from_str(&content) else {
            continue;
        };
        let candidate = Candidate {
            place: row.get(0)?,
            id: id(row, 1)?,
            conversation: id(row, 2)?,
            seq: count(row, 3)?,
            author: id(row, 4)?,
            text,
            accepted_at: row.get(6)?,
        };
        if take(candidate).is_break() {
            break;
        }
    }
    Ok(())
}

/// Indexes a message as it is now; `row` is its rowid.
pub(crate) fn put(connection: &Connection, row: i64, message: &Message) -> Result<(), StoreError> {
    let known: Option<i64> = connection
        .prepare_cached(PLACE)?
        .query_row([row], |row| row.get(0))
        .optional()?;
    if let Some(place) = known {
        connection
            .prepare_cached("DELETE FROM search WHERE rowid = ?1")?
            .execute([place])?;
    }
    let Some(findable) = findable(message) else {
        connection
            .prepare_cached("DELETE FROM found WHERE message = ?1")?
            .execute([row])?;
        return Ok(());
    };
    let place = match known {
        Some(place) => place,
        None => take_place(connection, row, message.accepted_at)?,
    };
    let terms = pieces::document(&findable, message.conversation, message.author);
    connection
        .prepare_cached("INSERT INTO search(rowid, terms) VALUES (?1, ?2)")?
        .execute(params![place, terms])?;
    Ok(())
}

/// The first free place from this time on. A burst fills more places than it took milliseconds, and
/// each of its messages would try all of them: what comes as it happens goes behind all others, and
/// what comes late, out of a history, goes on in longer and longer steps. Then what was accepted
/// within a few seconds of each other may be out of order.
fn take_place(connection: &Connection, row: i64, at: UnixMs) -> Result<i64, StoreError> {
    let mut insert = connection.prepare_cached(TAKE)?;
    let last: Option<(i64, UnixMs)> = connection
        .prepare_cached(LAST_PLACE)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // Beyond what a clock can say there is no order to be kept.
    let mut place = at.clamp(0, i64::MAX / 2);
    if let Some((last, accepted_at)) = last
        && accepted_at <= at
    {
        place = place.max(last.saturating_add(1));
    }
    let mut tries = 0_u32;
    while insert.execute([place, row])? == 0 {
        tries += 1;
        place += 1 << tries.saturating_sub(NEAR).min(FAR);
    }
    Ok(place)
}

/// Whether older messages are still to be indexed.
pub(crate) fn is_indexing(connection: &Connection) -> Result<bool, StoreError> {
    Ok(below(connection)?.is_some())
}

fn below(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([BELOW], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Indexes the next messages that came before there was an index. Gives whether there are more.
pub(crate) fn index_batch(connection: &Connection, limit: u32) -> Result<bool, StoreError> {
    let Some(below) = below(connection)? else {
        return Ok(false);
    };
    let rows: Vec<(i64, MessageId)> = connection
        .prepare_cached(BATCH)?
        .query_map(params![below, limit], |row| Ok((row.get(0)?, id(row, 1)?)))?
        .collect::<Result<_, _>>()?;
    let Some((lowest, _)) = rows.last().copied() else {
        forget_mark(connection)?;
        return Ok(false);
    };
    let mut batch = Vec::with_capacity(rows.len());
    for (row, id) in rows {
        // A newer revision may have come meanwhile, and was indexed as it came.
        if !connection.prepare_cached(PLACE)?.exists([row])? {
            batch.extend(message::get(connection, id)?.map(|message| (row, message)));
        }
    }
    // The index writes a segment for each row that is not after the one before.
    // Of those that were accepted together the later one gets the later place.
    batch.sort_by_key(|(_, message)| (message.accepted_at, message.seq));
    for (row, message) in &batch {
        put(connection, *row, message)?;
    }
    connection
        .prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1")?
        .execute(params![BELOW, lowest.to_string()])?;
    Ok(true)
}

fn forget_mark(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM meta WHERE key = ?1")?
        .execute([BELOW])?;
    Ok(())
}

/// Empties the index, to be filled again in the background: for when the rows of `message` get other
/// numbers, as in a copy. A cache of before there was an index has none.
pub(crate) fn begin_anew(connection: &Connection) -> Result<(), StoreError> {
    if !connection.table_exists(None, "found")? {
        return Ok(());
    }
    clear(connection)?;
    let last: Option<i64> =
        connection.query_row("SELECT max(rowid) FROM message", [], |row| row.get(0))?;
    if let Some(last) = last {
        connection.execute(
            "INSERT INTO meta(key, value) VALUES (?1, ?2)",
            params![BELOW, (last + 1).to_string()],
        )?;
    }
    Ok(())
}

/// Empties the index, before all messages are removed: row by row that would take long.
pub(crate) fn clear(connection: &Connection) -> Result<(), StoreError> {
    connection
        .execute_batch("DELETE FROM found; INSERT INTO search(search) VALUES ('delete-all');")?;
    forget_mark(connection)
}

#[cfg(test)]
mod tests;
