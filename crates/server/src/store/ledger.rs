//! The connection on which messages are taken in: the hottest path of the server.
//!
//! All other access goes through `sqlx`, whose SQLite connections live on a thread of their own:
//! each statement is a way there and back, which for a small one is most of its cost. Taking a
//! message in is about ten small statements. Here they run on the caller's thread (the writer's,
//! see [`crate::writer`]), prepared once. `docs/adr/0011-messages-on-a-connection-of-their-own.md`
//! tells why, and how PostgreSQL would do it.

mod files;

use super::{
    conversation::{self, Bars, Heads, Pair},
    feed,
    message::{self, Known},
    row::column_of,
};
use crate::error::Error;
use im_protocol::{
    ConversationId, MessageId, PersonId, UnixMs,
    conversation::{Accepted, Message},
};
use rusqlite::{OpenFlags, OptionalExtension as _, Row, params};
use std::{cell::Cell, collections::HashMap, path::Path, str::FromStr, time::Duration};
use uuid::{Uuid, fmt::Hyphenated};

/// Opens the database for taking messages in. It is to be there already, in this version.
///
/// # Errors
/// Where the file cannot be opened.
pub(super) fn open(file: &Path, busy: Duration, settings: &str) -> Result<Ledger, Error> {
    // The writer alone uses it, from one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = rusqlite::Connection::open_with_flags(file, flags)?;
    conn.busy_timeout(busy)?;
    conn.execute_batch(settings)?;
    let tail = conn.query_row(feed::COUNT_TAIL, [], |row| count(row, 0))?;
    Ok(Ledger {
        conn,
        tail: Cell::new(tail),
    })
}

/// See the module.
pub struct Ledger {
    conn: rusqlite::Connection,
    /// Rows at the tail of the feeds; more than there are where a transaction failed.
    tail: Cell<u64>,
}

/// Rows at the tail of the feeds at which they are merged. Few enough to be read as a whole.
const TAIL: u64 = 2_048;

impl Ledger {
    /// Runs `take` in a transaction of its own. When this returns well, all of it is on disk; when
    /// not, nothing of it is kept.
    ///
    /// # Errors
    /// Those of `take`; where the database fails.
    pub fn transaction<T>(
        &self,
        take: impl FnOnce(&Group<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run("BEGIN IMMEDIATE")?;
        // Rolls back where it is dropped before the end, by an error or a panic.
        let open = Open { ledger: self };
        let taken = take(&Group {
            conn: &self.conn,
            tail: &self.tail,
        })?;
        let merged = self.tail.get() >= TAIL;
        if merged {
            for sql in feed::MERGE {
                self.run(sql)?;
            }
        }
        self.run("COMMIT")?;
        if merged {
            self.tail.set(0);
        }
        std::mem::forget(open);
        Ok(taken)
    }

    fn run(&self, sql: &'static str) -> Result<(), Error> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// A transaction that has not ended.
struct Open<'l> {
    ledger: &'l Ledger,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // SQLite may have rolled back by itself already.
        if !self.ledger.conn.is_autocommit()
            && let Err(error) = self.ledger.run("ROLLBACK")
        {
            tracing::error!(error = %error, "messages could not be rolled back");
        }
    }
}

/// What is looked up and written within a transaction. Nothing in it is told to anybody before the
/// commit.
pub struct Group<'c> {
    conn: &'c rusqlite::Connection,
    tail: &'c Cell<u64>,
}

impl Group<'_> {
    /// These conversations with their heads, whoever asks. What is not there is left out.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn heads(
        &self,
        ids: impl IntoIterator<Item = ConversationId>,
    ) -> Result<HashMap<ConversationId, Heads>, Error> {
        let mut select = self.conn.prepare_cached(conversation::HEADS)?;
        let mut found = HashMap::new();
        for id in ids {
            if found.contains_key(&id) {
                continue;
            }
            let heads = select.query_row([Text::of(id.uuid()).as_str()], |row| {
                Ok(Heads {
                    pair: Pair {
                        student: parsed(row, 1)?,
                        mentor: parsed(row, 2)?,
                        course: match row.get_ref(3)?.as_str_or_null()? {
                            Some(text) => Some(parse(3, text)?),
                            None => None,
                        },
                    },
                    seq: count(row, 4)?,
                    rev: count(row, 5)?,
                    gone: row.get::<_, Option<i64>>(6)?.is_some(),
                    bars: Bars::of(count(row, 7)?)
                        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(7, 0))?,
                })
            });
            if let Some(heads) = heads.optional()? {
                found.insert(id, heads);
            }
        }
        Ok(found)
    }

    /// Which of these messages are there already, and what of them a repeated sending needs.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn known(
        &self,
        ids: impl IntoIterator<Item = MessageId>,
    ) -> Result<HashMap<MessageId, Known>, Error> {
        let mut select = self.conn.prepare_cached(message::KNOWN)?;
        let mut found = HashMap::new();
        for id in ids {
            let known = select.query_row([Text::of(id.uuid()).as_str()], |row| {
                Ok(Known {
                    author: parsed(row, 0)?,
                    digest: row.get(1)?,
                    accepted: Accepted {
                        id,
                        seq: count(row, 2)?,
                        rev: count(row, 3)?,
                        accepted_at: row.get(4)?,
                    },
                })
            });
            if let Some(known) = known.optional()? {
                found.insert(id, known);
            }
        }
        Ok(found)
    }

    /// In which conversations these messages are. What is not there is left out.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn places(
        &self,
        ids: impl IntoIterator<Item = MessageId>,
    ) -> Result<HashMap<MessageId, ConversationId>, Error> {
        let mut select = self.conn.prepare_cached(message::PLACE)?;
        let mut found = HashMap::new();
        for id in ids {
            let place = select.query_row([Text::of(id.uuid()).as_str()], |row| parsed(row, 0));
            if let Some(place) = place.optional()? {
                found.insert(id, place);
            }
        }
        Ok(found)
    }

    /// Adds messages, each with its digest. None of their ids may be known.
    ///
    /// # Errors
    /// Where an id is known; where a content is of no known kind; where the database fails.
    pub fn insert(&self, messages: &[(Message, String)]) -> Result<(), Error> {
        let mut insert = self.conn.prepare_cached(message::INSERT)?;
        for (message, digest) in messages {
            let (kind, body) = message::columns_of(&message.content)?;
            let added = insert.execute(params![
                Text::of(message.id.uuid()).as_str(),
                Text::of(message.conversation.uuid()).as_str(),
                column_of(message.seq),
                column_of(message.rev),
                Text::of(message.author.uuid()).as_str(),
                kind,
                body,
                digest,
                message.written_at,
                message.accepted_at,
                message.reply_to.map(|id| id.to_string()),
                message::files_of(message)?,
            ])?;
            if added == 0 {
                return Err(Error::Broken("a message is there already"));
            }
        }
        Ok(())
    }

    /// Moves the heads of a conversation to this `seq` and `rev`.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn set_heads(&self, id: ConversationId, seq: u64, rev: u64) -> Result<(), Error> {
        let mut update = self.conn.prepare_cached(conversation::SET_HEADS)?;
        let id = Text::of(id.uuid());
        update.execute(params![column_of(seq), column_of(rev), id.as_str()])?;
        Ok(())
    }

    /// Counts messages that a person has not read, and says how many they have not by now. None
    /// where they are no member.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn add_unread(
        &self,
        person: PersonId,
        id: ConversationId,
        added: u64,
    ) -> Result<Option<u32>, Error> {
        let (person, id) = (Text::of(person.uuid()), Text::of(id.uuid()));
        if added > 0 {
            let mut update = self.conn.prepare_cached(conversation::ADD_UNREAD)?;
            update.execute(params![column_of(added), person.as_str(), id.as_str()])?;
        }
        let mut select = self.conn.prepare_cached(conversation::UNREAD)?;
        let unread = select.query_row([person.as_str(), id.as_str()], |row| count(row, 0));
        let unread = unread.optional()?;
        Ok(unread.map(|unread| u32::try_from(unread).unwrap_or(u32::MAX)))
    }

    /// Appends messages, each with its revision, to a person's feed. Says the first number that was
    /// given.
    ///
    /// # Errors
    /// Where the person has no feed; where the database fails.
    pub fn append(
        &self,
        person: PersonId,
        messages: &[(MessageId, u64)],
        now: UnixMs,
    ) -> Result<u64, Error> {
        let person = Text::of(person.uuid());
        let mut select = self.conn.prepare_cached(feed::HEAD)?;
        let head = select.query_row([person.as_str()], |row| count(row, 0));
        let head = head.optional()?.ok_or(Error::Broken("a feed is missing"))?;
        let head = head + messages.len() as u64;
        let mut raise = self.conn.prepare_cached(feed::RAISE)?;
        raise.execute(params![column_of(head), person.as_str()])?;
        let first = (head + 1).saturating_sub(messages.len() as u64);
        let mut insert = self.conn.prepare_cached(feed::INSERT_TAIL)?;
        for (n, (id, rev)) in (first..).zip(messages) {
            #[cfg(feature = "faults")]
            if crate::faults::skip_feed() {
                continue;
            }
            insert.execute(params![
                person.as_str(),
                column_of(n),
                feed::Kind::Message.as_str(),
                Text::of(id.uuid()).as_str(),
                column_of(*rev),
                now,
            ])?;
        }
        self.tail.set(self.tail.get() + messages.len() as u64);
        Ok(first)
    }
}

/// An id as the tables have it, without a string of its own.
struct Text([u8; Hyphenated::LENGTH]);

impl Text {
    fn of(id: Uuid) -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        id.as_hyphenated().encode_lower(&mut text);
        Self(text)
    }

    fn as_str(&self) -> &str {
        // Hexadecimal digits and hyphens always are.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(column, text)
}

fn parse<T: FromStr>(column: usize, text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|_| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, "not an id".into())
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Store, conversation as conversations,
        feed::{self, Extent, extent},
        testing::School,
    };
    use im_protocol::conversation::Content;

    fn message(conversation: ConversationId, author: PersonId, seq: u64) -> (Message, String) {
        let message = Message {
            id: MessageId::new(),
            conversation,
            seq,
            rev: seq,
            author,
            content: Content::Text { text: "Hi".into() },
            written_at: 1,
            accepted_at: 2,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        };
        (message, "digest".into())
    }

    #[tokio::test]
    async fn a_commit_here_is_durable_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let ledger = store.ledger().unwrap();
        for (pragma, wanted) in [("synchronous", 2), ("foreign_keys", 1)] {
            let is: i64 = ledger
                .conn
                .pragma_query_value(None, pragma, |row| row.get(0))
                .unwrap();
            assert_eq!(is, wanted, "{pragma}");
        }
        let mode: String = ledger
            .conn
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
    }

    #[tokio::test]
    async fn a_message_is_kept_counted_and_numbered() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        let ledger = school.ledger();
        let (one, two) = (message(id, sam, 1), message(id, sam, 2));
        let ids = [(one.0.id, 1), (two.0.id, 2)];
        let (first, unread) = ledger
            .transaction(|group| {
                assert_eq!(group.heads([id, ConversationId::new()])?[&id].seq, 0);
                assert!(group.known([one.0.id])?.is_empty());
                group.insert(&[one.clone(), two.clone()])?;
                group.set_heads(id, 2, 2)?;
                assert_eq!(group.add_unread(lin, id, 1)?, None);
                assert_eq!(group.add_unread(sam, id, 0)?, Some(0));
                let unread = group.add_unread(maya, id, 2)?;
                Ok((group.append(maya, &ids, 7)?, unread))
            })
            .unwrap();
        assert_eq!((first, unread), (1, Some(2)));
        let known = ledger.transaction(|group| group.known([two.0.id])).unwrap();
        assert_eq!(known[&two.0.id].author, sam);
        assert_eq!(known[&two.0.id].accepted.seq, 2);
        let conn = &mut school.conn;
        let extent = extent(conn, maya).await.unwrap();
        assert_eq!(extent, Extent { head: 2, pruned: 0 });
        let heads = conversations::heads(conn, id).await.unwrap().unwrap();
        assert_eq!((heads.seq, heads.rev), (2, 2));
    }

    #[tokio::test]
    async fn the_tail_is_merged_and_read_like_the_rest() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        let ledger = school.ledger();
        let numbers = async |conn: &mut crate::store::Connection, after| {
            let rows = feed::after(conn, maya, after, 5_000).await.unwrap();
            rows.iter().map(|row| row.n).collect::<Vec<_>>()
        };
        let append = |count: u64| {
            let ids: Vec<_> = (0..count).map(|rev| (MessageId::new(), rev)).collect();
            ledger
                .transaction(|group| group.append(maya, &ids, 9))
                .unwrap()
        };
        append(2);
        // Of another kind, straight into the feed: in between, not before.
        let entry = feed::Entry::new(feed::Kind::Conversation, id, 1);
        let head = feed::append(&mut school.conn, maya, &[entry], 9).await;
        assert_eq!(head.unwrap(), 3);
        assert_eq!(append(1), 4);
        assert_eq!(numbers(&mut school.conn, 0).await, [1, 2, 3, 4]);
        assert_eq!(append(TAIL), 5);
        assert_eq!(ledger.tail.get(), 0);
        append(1);
        let last = TAIL + 5;
        assert_eq!(numbers(&mut school.conn, last - 2).await, [last - 1, last]);
        let all = numbers(&mut school.conn, 0).await;
        assert_eq!(all, (1..=last).collect::<Vec<_>>());
        // Pruning knows of the tail.
        feed::prune(&mut school.conn, 9, None, 50).await.unwrap();
        let kept = extent(&mut school.conn, maya).await.unwrap();
        assert_eq!((kept.head, kept.pruned), (last, 0));
        feed::prune(&mut school.conn, 10, None, 50).await.unwrap();
        let none = extent(&mut school.conn, maya).await.unwrap();
        assert_eq!((none.head, none.pruned), (last, last));
        assert_eq!(school.ledger().tail.get(), 0);
    }

    #[tokio::test]
    async fn what_fails_or_breaks_leaves_nothing() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        let ledger = school.ledger();
        let one = message(id, sam, 1);
        let known = || ledger.transaction(|group| group.known([one.0.id])).unwrap();
        let twice = ledger.transaction(|group| group.insert(&[one.clone(), one.clone()]));
        assert!(twice.is_err());
        assert!(known().is_empty());
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ledger.transaction::<()>(|group| {
                group.insert(std::slice::from_ref(&one))?;
                panic!("on purpose, in a test")
            })
        }));
        assert!(broken.is_err());
        assert!(known().is_empty());
        ledger
            .transaction(|group| group.insert(std::slice::from_ref(&one)))
            .unwrap();
        assert_eq!(known().len(), 1);
    }
}
