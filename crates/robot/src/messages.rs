//! Sending and receiving.

use crate::{
    lines::{of_stdin, tell},
    person::Person,
};
use anyhow::Context as _;
use im_contract::{
    Commands as _,
    args::{Nothing, PageArgs, SendArgs},
    views::{ConnectionState, ContentView, MessageRow, MessageState},
};
use im_protocol::{ConversationId, limits};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What is written, and how fast.
pub(crate) struct Writing {
    /// How many; with `stdin` there are as many as lines.
    pub(crate) count: u64,
    /// What each begins with; with `numbered`, its number follows.
    pub(crate) prefix: String,
    pub(crate) numbered: bool,
    pub(crate) stdin: bool,
    /// How many are written at once.
    pub(crate) burst: u64,
    /// How long nothing is written after each burst.
    pub(crate) pause: Duration,
    /// Stays connected after everything is sent.
    pub(crate) stay: bool,
}

/// Writes everything into the outbox and tells of each: `written`. Whenever the outbox or the
/// conversation has changed: `state`. Once nothing is left: `sent`.
pub(crate) async fn send(
    person: &mut Person,
    conversation: ConversationId,
    writing: Writing,
) -> anyhow::Result<()> {
    let mut told = Told::default();
    if writing.stdin {
        let mut lines = of_stdin()?;
        let mut number = 0;
        while let Some(text) = lines.recv().await {
            number += 1;
            write(person, conversation, number, text?).await?;
        }
    } else {
        let mut go_on = Instant::now();
        for number in 1..=writing.count {
            let text = if writing.numbered {
                format!("{}{number}", writing.prefix)
            } else {
                writing.prefix.clone()
            };
            write(person, conversation, number, text).await?;
            if number % writing.burst.max(1) == 0 {
                go_on += writing.pause;
                sleep_until(go_on).await;
                told.look(person, conversation).await?;
            }
        }
    }
    tell("all_written", json!({}))?;
    let mut done = false;
    loop {
        let waiting = told.look(person, conversation).await?;
        if waiting == 0 && !done {
            done = true;
            tell("sent", json!({}))?;
        }
        if done && !writing.stay {
            return Ok(());
        }
        person.beat().await?;
    }
}

async fn write(
    person: &Person,
    conversation: ConversationId,
    number: u64,
    text: String,
) -> anyhow::Result<()> {
    let said = text.clone();
    let args = SendArgs {
        conversation,
        text,
        reply_to: None,
        files: Vec::new(),
    };
    let row = person.core.messages_send(args).await?;
    tell(
        "written",
        json!({ "number": number, "id": row.id, "text": said }),
    )?;
    Ok(())
}

/// What was told last of how things stand.
#[derive(Default, PartialEq, Eq)]
struct Told {
    online: bool,
    waiting: u32,
    top: u64,
}

impl Told {
    /// Tells how things stand, where that has changed; gives how much is unsent.
    async fn look(&mut self, person: &Person, conversation: ConversationId) -> anyhow::Result<u32> {
        let line = person.line().await?;
        let rows = person.core.conversations_list(Nothing {}).await?;
        let row = rows.iter().find(|row| row.id == conversation);
        let waiting = match line.waiting {
            // Right after a start nothing may be known yet of what is on disk.
            0 => unsent(person, conversation).await?,
            known => known,
        };
        let now = Self {
            online: line.state == ConnectionState::Online && !line.catching_up,
            waiting,
            top: row.map_or(0, |row| row.head_seq),
        };
        if now != *self {
            *self = now;
            let state = json!({
                "online": self.online,
                "waiting": self.waiting,
                "top": self.top,
            });
            tell("state", state)?;
        }
        Ok(waiting)
    }
}

/// Messages of a conversation that wait on disk, those left out that were refused for good.
async fn unsent(person: &Person, conversation: ConversationId) -> anyhow::Result<u32> {
    let args = PageArgs::newest(conversation, 1);
    let page = person.core.messages_page(args).await?;
    let waits = |row: &&MessageRow| row.seq.is_none() && row.state != MessageState::Failed;
    Ok(u32::try_from(page.messages.iter().filter(waits).count())?)
}

/// Tells of every message of the other, in their order, until there were so many: `received`.
/// With `only_new` those that are there at the beginning are left out.
pub(crate) async fn receive(
    person: &mut Person,
    conversation: ConversationId,
    until: u64,
    only_new: bool,
) -> anyhow::Result<()> {
    person.connected().await?;
    let mut seen = 0;
    if only_new {
        let rows = newer(person, conversation, 0, 1).await?;
        seen = rows.last().and_then(|row| row.seq).unwrap_or(0);
    }
    let mut count = 0;
    while count < until {
        for row in newer(person, conversation, seen, limits::PAGE_ROWS).await? {
            seen = row.seq.unwrap_or(seen);
            if row.state != MessageState::Received {
                continue;
            }
            count += 1;
            let text = match row.content {
                ContentView::Text { text } => Some(text),
                _ => None,
            };
            tell(
                "received",
                json!({ "id": row.id, "seq": row.seq, "text": text }),
            )?;
            if count == until {
                return Ok(());
            }
        }
        person.beat().await?;
    }
    Ok(())
}

/// Tells of every text that is here, of all conversations, newest first: `message`; then `listed`.
pub(crate) async fn list(person: &Person) -> anyhow::Result<()> {
    for row in person.core.conversations_list(Nothing {}).await? {
        let mut before = None;
        loop {
            let args = PageArgs {
                before,
                ..PageArgs::newest(row.id, limits::PAGE_ROWS)
            };
            let page = person.core.messages_page(args).await?;
            for message in page.messages.iter().rev() {
                if let ContentView::Text { text } = &message.content {
                    tell("message", json!({ "id": message.id, "text": text }))?;
                }
            }
            before = page.messages.iter().find_map(|message| message.seq);
            if !page.more || before.is_none() {
                break;
            }
        }
    }
    tell("listed", json!({}))?;
    Ok(())
}

/// The accepted messages after a place, oldest first, as far as they are here without a hole.
async fn newer(
    person: &Person,
    conversation: ConversationId,
    seen: u64,
    limit: u32,
) -> anyhow::Result<Vec<MessageRow>> {
    let mut found: Vec<MessageRow> = Vec::new();
    let mut before = None;
    loop {
        let args = PageArgs {
            before,
            ..PageArgs::newest(conversation, limit)
        };
        let page = person
            .core
            .messages_page(args)
            .await
            .context("the page cannot be read")?;
        let rows = page.messages.into_iter().filter(|row| row.seq.is_some());
        let mut rows: Vec<MessageRow> = rows.collect();
        let lowest = rows.first().and_then(|row| row.seq);
        rows.retain(|row| row.seq.is_some_and(|seq| seq > seen));
        rows.append(&mut found);
        found = rows;
        match lowest {
            Some(lowest) if lowest > seen + 1 && page.more && limit > 1 => before = Some(lowest),
            _ => break,
        }
    }
    // Behind a hole nothing is told before the hole is filled.
    let mut next = found.first().and_then(|row| row.seq).unwrap_or(0);
    if limit > 1 && next > seen + 1 {
        return Ok(Vec::new());
    }
    found.retain(|row| {
        let follows = row.seq == Some(next);
        next += u64::from(follows);
        follows
    });
    Ok(found)
}
