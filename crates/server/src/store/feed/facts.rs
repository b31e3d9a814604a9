//! Rows of a feed joined with what they are about.

use super::{FeedRow, Kind};
use crate::{
    error::Error,
    store::{
        Connection, Row, call, conversation, course, message, person,
        row::{Columns, column_of},
    },
};
use im_call::rules::Rules;
use im_protocol::{
    PersonId, UnixMs,
    sync::{Fact, FeedItem, GoneConversation, MessageFact},
};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The facts behind rows that follow each other in a person's feed, by rising number. Left out is
/// what the person may not know of (anymore), and what a later row of the same thing replaces.
///
/// # Errors
/// Where the database fails.
pub async fn facts(
    conn: &mut Connection,
    person: PersonId,
    rows: &[FeedRow],
    now: UnixMs,
) -> Result<Vec<FeedItem>, Error> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Vec::new());
    };
    let mut newest: HashMap<(Kind, &str), u64> = HashMap::new();
    for row in rows {
        if let Some(kind) = row.kind {
            newest.insert((kind, row.thing.as_str()), row.n);
        }
    }
    let wanted: BTreeSet<u64> = newest.values().copied().collect();
    let kinds: BTreeSet<Kind> = newest.keys().map(|(kind, _)| *kind).collect();
    let mut items = Vec::with_capacity(wanted.len());
    for kind in kinds {
        let joined = sqlx::query(join_of(kind))
            .bind(person.to_string())
            .bind(column_of(first.n))
            .bind(column_of(last.n))
            .fetch_all(&mut *conn)
            .await?;
        for row in &joined {
            let n = row.count("n")?;
            if wanted.contains(&n) {
                items.push(item(n, &read(kind, row, now)?)?);
            }
        }
    }
    let known: HashSet<u64> = items.iter().map(|item| item.n).collect();
    for (&(kind, thing), &n) in &newest {
        // What was somebody's conversation and is not there for them anymore goes on their devices.
        if kind == Kind::Conversation
            && !known.contains(&n)
            && let Ok(id) = thing.parse()
        {
            items.push(item(n, &Fact::ConversationGone(GoneConversation { id }))?);
        }
    }
    items.sort_unstable_by_key(|item| item.n);
    Ok(items)
}

fn item(n: u64, fact: &Fact) -> Result<FeedItem, Error> {
    FeedItem::new(n, fact).map_err(|_| Error::Broken("a fact is not written"))
}

fn read(kind: Kind, row: &Row, now: UnixMs) -> Result<Fact, Error> {
    Ok(match kind {
        Kind::Conversation => Fact::Conversation(conversation::read(row)?),
        Kind::Message => Fact::Message(MessageFact {
            message: message::read(row)?,
            unread: u32::try_from(row.count("unread")?).unwrap_or(u32::MAX),
        }),
        Kind::Call => Fact::Call(Rules::default().view(&call::read(row)?, now)),
        Kind::Person => Fact::Person(person::read(row)?),
        Kind::Course => Fact::Course(course::read(row)?),
    })
}

/// Each join is the access check too: what the person has lost does not come out of it.
const fn join_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Conversation => {
            "SELECT f.n, c.id, c.student, c.mentor, c.course, c.created_at, c.head_seq, c.head_rev,
                c.closed_at, c.bars, m.person AS reader, m.read_seq, m.unread, o.read_seq AS other_read_seq
            FROM feed f
            JOIN membership m ON m.person = f.person AND m.conversation = f.thing
            JOIN conversation c ON c.id = m.conversation
            JOIN membership o ON o.conversation = m.conversation AND o.person <> m.person
            WHERE f.person = $1 AND f.n >= $2 AND f.n <= $3 AND f.kind = 'conversation'
                AND (c.closed_at IS NULL OR c.head_seq > 0)"
        }
        Kind::Message => {
            "SELECT f.n, t.id, t.conversation, t.seq, t.rev, t.author, t.kind, t.body,
                t.written_at, t.accepted_at, t.reply_to, t.edited_at, t.deleted_at, t.reactions,
                t.files, m.unread
            FROM feed_all f
            JOIN message t ON t.id = f.thing
            JOIN membership m ON m.person = f.person AND m.conversation = t.conversation
            WHERE f.person = $1 AND f.n >= $2 AND f.n <= $3 AND f.kind = 'message'"
        }
        Kind::Call => {
            "SELECT f.n, t.id, t.rev, t.conversation, t.caller, t.callee, t.caller_device,
                t.callee_device, t.offerer, t.about, t.state, t.outcome, t.reason, t.caller_audio,
                t.caller_video, t.callee_audio, t.callee_video, t.receipt, t.crossed,
                t.started_at, t.deadline_at, t.caller_connected, t.callee_connected,
                t.caller_away_at, t.callee_away_at, t.connected_at, t.ended_at
            FROM feed f
            JOIN call t ON t.id = f.thing AND (t.caller = f.person OR t.callee = f.person)
            WHERE f.person = $1 AND f.n >= $2 AND f.n <= $3 AND f.kind = 'call'"
        }
        Kind::Person => {
            "SELECT f.n, p.id, p.name, p.role
            FROM feed f
            JOIN person p ON p.id = f.thing
            WHERE f.person = $1 AND f.n >= $2 AND f.n <= $3 AND f.kind = 'person'
                AND (p.id = f.person OR EXISTS (
                    SELECT 1 FROM membership a
                    JOIN membership b ON b.person = p.id AND b.conversation = a.conversation
                    JOIN conversation v ON v.id = a.conversation
                    WHERE a.person = f.person AND (v.closed_at IS NULL OR v.head_seq > 0)))"
        }
        Kind::Course => {
            "SELECT f.n, c.id, c.title, c.mentor
            FROM feed f
            JOIN course c ON c.id = f.thing
            WHERE f.person = $1 AND f.n >= $2 AND f.n <= $3 AND f.kind = 'course'
                AND (c.mentor = f.person OR EXISTS (
                    SELECT 1 FROM enrolment e WHERE e.student = f.person AND e.course = c.id)
                    OR EXISTS (
                    SELECT 1 FROM conversation v WHERE v.student = f.person AND v.mentor = c.mentor
                        AND coalesce(v.course, '') = c.id))"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        feed::{Entry, after, append},
        testing::{School, scans},
    };

    #[tokio::test]
    async fn no_join_scans_a_table() {
        let mut school = School::open().await;
        for kind in Kind::ALL {
            let found = scans(&mut school.conn, join_of(kind)).await;
            // Messages alone are at the tail too, and that is small.
            let tail = (kind == Kind::Message).then(|| "SCAN feed_tail".to_owned());
            assert_eq!(found, Vec::from_iter(tail), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_thing_comes_once_at_its_last_number_and_only_to_its_people() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        let entry = Entry::new(Kind::Conversation, id, 0);
        for person in [maya, lin] {
            let conn = &mut school.conn;
            let entries = [entry.clone(), entry.clone()];
            let head = append(conn, person, &entries, 1).await.unwrap();
            let rows = after(conn, person, head - 2, 10).await.unwrap();
            let items = facts(conn, person, &rows, 1).await.unwrap();
            let told: Vec<_> = items
                .iter()
                .map(|item| (item.n, item.kind.as_str()))
                .collect();
            // To Lin, whose it is not, it is gone.
            let kind = if person == maya {
                "conversation"
            } else {
                "conversation_gone"
            };
            assert_eq!(told, [(head, kind)]);
        }
    }
}
