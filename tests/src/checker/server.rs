//! What the server has, and whether that holds together by itself.

use super::{Findings, open};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A message as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) conversation: String,
    pub(super) seq: i64,
    pub(super) rev: i64,
    pub(super) author: String,
    /// Its words; none where it was taken back.
    pub(super) text: Option<String>,
    pub(super) edited_at: Option<i64>,
    pub(super) reply_to: Option<String>,
    /// As on the wire; null for none.
    pub(super) reactions: Value,
}

impl Message {
    /// For findings.
    pub(super) fn name(&self) -> String {
        let text = self.text.as_deref().unwrap_or("what was taken back");
        let tail: String = match text.char_indices().rev().nth(30) {
            Some((at, _)) => format!("…{}", text.get(at..).unwrap_or_default()),
            None => text.to_owned(),
        };
        format!("{tail:?} (place {})", self.seq)
    }
}

/// Somebody's part in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) person: String,
    pub(super) read_seq: i64,
    pub(super) unread: i64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// Of each conversation, by place.
    pub(super) conversations: HashMap<String, Vec<Message>>,
    /// Of each message, all words that it ever had, in their order.
    pub(super) wordings: HashMap<String, Vec<String>>,
    /// Of each conversation, the two.
    pub(super) members: HashMap<String, Vec<Membership>>,
    /// Of each conversation, the highest revision.
    pub(super) head_revs: HashMap<String, i64>,
    /// The messages that count as unread until they are read.
    news: HashSet<String>,
    /// Of each message, where it is in its conversation's list.
    indices: HashMap<String, usize>,
    /// Of each person, the numbers of the feed, in their order, and the head.
    feeds: HashMap<String, (Vec<i64>, i64)>,
}

impl Server {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let connection = open(path)?;
        let mut server = Self::default();
        server.read_conversations(&connection)?;
        server.read_messages(&connection)?;
        server.read_feeds(&connection)?;
        Ok(server)
    }

    pub(super) fn message(&self, conversation: &str, id: &str) -> Option<&Message> {
        let message = self
            .conversations
            .get(conversation)?
            .get(*self.indices.get(id)?)?;
        (message.id == id).then_some(message)
    }

    /// All of all conversations.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.conversations.values().flatten()
    }

    fn read_conversations(&mut self, connection: &Connection) -> anyhow::Result<()> {
        let mut statement = connection.prepare("SELECT id, head_rev FROM conversation")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (id, head_rev): (String, i64) = row?;
            self.conversations.insert(id.clone(), Vec::new());
            self.head_revs.insert(id, head_rev);
        }
        let sql = "SELECT conversation, person, read_seq, unread FROM membership";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let membership = Membership {
                person: row.get(1)?,
                read_seq: row.get(2)?,
                unread: row.get(3)?,
            };
            Ok((row.get::<_, String>(0)?, membership))
        })?;
        for row in rows {
            let (conversation, membership) = row?;
            self.members
                .entry(conversation)
                .or_default()
                .push(membership);
        }
        Ok(())
    }

    fn read_messages(&mut self, connection: &Connection) -> anyhow::Result<()> {
        let sql =
            "SELECT message, text FROM message_edit WHERE rev IS NOT NULL ORDER BY message, rev";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (message, text): (String, String) = row?;
            self.wordings.entry(message).or_default().push(text);
        }
        let sql = "SELECT id, conversation, seq, rev, author, body, deleted_at IS NOT NULL, edited_at, reply_to,
            reactions, news FROM message ORDER BY conversation, seq";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let body: String = row.get(5)?;
            self.wordings
                .entry(id.clone())
                .or_default()
                .push(body.clone());
            let deleted: bool = row.get(6)?;
            let reactions: String = row.get(9)?;
            if row.get(10)? {
                self.news.insert(id.clone());
            }
            let message = Message {
                id,
                conversation: row.get(1)?,
                seq: row.get(2)?,
                rev: row.get(3)?,
                author: row.get(4)?,
                text: (!deleted).then_some(body),
                edited_at: row.get(7)?,
                reply_to: row.get(8)?,
                reactions: reactions_of(&reactions)?,
            };
            let messages = self.conversations.entry(message.conversation.clone());
            let messages = messages.or_default();
            self.indices.insert(message.id.clone(), messages.len());
            messages.push(message);
        }
        Ok(())
    }

    fn read_feeds(&mut self, connection: &Connection) -> anyhow::Result<()> {
        let mut statement = connection.prepare("SELECT person, n FROM feed_head")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (person, head) = row?;
            self.feeds.insert(person, (Vec::new(), head));
        }
        let mut statement =
            connection.prepare("SELECT person, n FROM feed_all ORDER BY person, n")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (person, n): (String, i64) = row?;
            self.feeds.entry(person).or_default().0.push(n);
        }
        Ok(())
    }

    /// Whether places and numbers are without holes, and counts right.
    pub(super) fn check(&self, findings: &mut Findings) {
        findings.accepted = self.messages().count() as u64;
        let edits = self
            .wordings
            .values()
            .map(|words| words.len() - 1)
            .sum::<usize>();
        let deleted = self
            .messages()
            .filter(|message| message.text.is_none())
            .count();
        findings.changed = (edits + deleted) as u64;
        for (conversation, messages) in &self.conversations {
            self.check_conversation(conversation, messages, findings);
        }
        for (person, (numbers, head)) in &self.feeds {
            let whole = numbers.iter().zip(1..).all(|(n, place)| *n == place);
            if !whole || numbers.len() as i64 != *head {
                findings.differing(format!("the feed of {person} has a hole"));
            }
        }
    }

    fn check_conversation(
        &self,
        conversation: &str,
        messages: &[Message],
        findings: &mut Findings,
    ) {
        if let Some((message, place)) = messages
            .iter()
            .zip(1..)
            .find(|(message, place)| message.seq != *place)
        {
            let name = message.name();
            findings.differing(format!("{name} should be at place {place}"));
        }
        let head_rev = self
            .head_revs
            .get(conversation)
            .copied()
            .unwrap_or_default();
        let mut revs = HashSet::new();
        for message in messages {
            if !revs.insert(message.rev) || message.rev > head_rev {
                findings.differing(format!("the revision of {} is not its own", message.name()));
            }
        }
        let mut said = HashSet::new();
        for message in messages {
            let first = self
                .wordings
                .get(&message.id)
                .and_then(|words| words.first());
            if !said.insert((&message.author, first)) {
                findings.doubled(format!("{} is twice on the server", message.name()));
            }
        }
        for member in self.members.get(conversation).into_iter().flatten() {
            let unread = messages.iter().filter(|message| {
                message.author != member.person
                    && message.seq > member.read_seq
                    && message.text.is_some()
                    && self.news.contains(&message.id)
            });
            let unread = unread.count() as i64;
            if unread != member.unread {
                findings.miscounted(format!(
                    "the server counts {} unread where {unread} are",
                    member.unread
                ));
            }
        }
    }
}

/// As on the wire; null for none.
pub(super) fn reactions_of(text: &str) -> serde_json::Result<Value> {
    match text {
        "" => Ok(Value::Null),
        text => serde_json::from_str(text),
    }
}
