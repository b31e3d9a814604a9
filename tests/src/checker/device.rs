//! What a device has, beside what the server has.

use super::{
    Device, Findings, open,
    server::{Message, Server, reactions_of},
};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;
use std::collections::HashMap;

/// Compares a device with the server.
pub(super) fn check(
    device: &Device,
    person: &str,
    server: &Server,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let cache = open(&device.folder.join("cache.db"))?;
    let name = &device.name;
    for (conversation, members) in &server.members {
        if !members.iter().any(|member| member.person == person) {
            continue;
        }
        let messages = server.conversations.get(conversation);
        let messages = messages.map(Vec::as_slice).unwrap_or_default();
        let before = device.before.get(conversation).copied().unwrap_or(0);
        let here = read(&cache, conversation)?;
        compare(name, messages, &here, before, findings);
        check_counts(name, &cache, conversation, person, server, findings)?;
    }
    check_outbox(device, server, findings)
}

fn compare(
    device: &str,
    server: &[Message],
    here: &[Message],
    before: i64,
    findings: &mut Findings,
) {
    let mut left: HashMap<&str, &Message> = HashMap::new();
    for message in here {
        if left.insert(&message.id, message).is_some() {
            findings.doubled(format!("{} is twice at {device}", message.name()));
        }
    }
    for message in server {
        match left.remove(message.id.as_str()) {
            None if message.seq <= before => findings.not_fetched += 1,
            None => findings.lost(format!("{} is not at {device}", message.name())),
            Some(found) if !is_same(found, message) => {
                findings.differing(format!("{} is otherwise at {device}", message.name()));
            }
            Some(_) => {}
        }
    }
    for message in left.values() {
        findings.differing(format!("{} is only at {device}", message.name()));
    }
}

fn is_same(here: &Message, server: &Message) -> bool {
    let place = |message: &Message| (message.seq, message.rev);
    let rest = |message: &Message| {
        (
            message.edited_at,
            message.reply_to.clone(),
            message.reactions.clone(),
        )
    };
    place(here) == place(server)
        && here.author == server.author
        && here.text == server.text
        // Of what was taken back only that it was there is told.
        && (server.text.is_none() || rest(here) == rest(server))
}

fn read(cache: &Connection, conversation: &str) -> anyhow::Result<Vec<Message>> {
    let sql = "SELECT id, conversation, seq, rev, author, content, edited_at, reply_to, reactions
        FROM message WHERE conversation = ?1 ORDER BY seq";
    let mut statement = cache.prepare(sql)?;
    let mut rows = statement.query([conversation])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let content: String = row.get(5)?;
        let content: Value = serde_json::from_str(&content)?;
        let reactions: String = row.get(8)?;
        messages.push(Message {
            id: row.get(0)?,
            conversation: row.get(1)?,
            seq: row.get(2)?,
            rev: row.get(3)?,
            author: row.get(4)?,
            text: content
                .get("text")
                .and_then(Value::as_str)
                .map(str::to_owned),
            edited_at: row.get(6)?,
            reply_to: row.get(7)?,
            reactions: reactions_of(&reactions)?,
        });
    }
    Ok(messages)
}

/// Markers and unread counts: of the conversation's row here and of the server.
fn check_counts(
    device: &str,
    cache: &Connection,
    conversation: &str,
    person: &str,
    server: &Server,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let sql = "SELECT read_seq, unread, other_read_seq FROM conversation WHERE id = ?1";
    let here = cache
        .query_row(sql, [conversation], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })
        .optional()?;
    let Some((read_seq, unread, other_read_seq)) = here else {
        findings.lost(format!("a conversation is not at {device}"));
        return Ok(());
    };
    for member in server.members.get(conversation).into_iter().flatten() {
        if member.person != person {
            if member.read_seq != other_read_seq {
                findings.differing(format!(
                    "the other's marker is {other_read_seq} at {device}, not {}",
                    member.read_seq
                ));
            }
            continue;
        }
        if member.read_seq != read_seq {
            findings.differing(format!(
                "the marker is {read_seq} at {device}, not {}",
                member.read_seq
            ));
        } else if member.unread != unread {
            findings.miscounted(format!(
                "{device} counts {unread} unread, the server {}",
                member.unread
            ));
        }
    }
    Ok(())
}

/// Nothing waits anymore; what was refused is a change of what was taken back.
fn check_outbox(device: &Device, server: &Server, findings: &mut Findings) -> anyhow::Result<()> {
    let outbox = open(&device.folder.join("outbox.db"))?;
    let sql = "SELECT conversation, kind, target, error FROM outbox ORDER BY n";
    let mut statement = outbox.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let conversation: String = row.get(0)?;
        let kind: String = row.get(1)?;
        let target: Option<String> = row.get(2)?;
        let error: Option<String> = row.get(3)?;
        let changed = target.and_then(|id| server.message(&conversation, &id).cloned());
        let name = &device.name;
        match error {
            None => {
                findings.unsent += 1;
                findings.example(format!("a {kind} is in the outbox of {name}"));
            }
            Some(_) if kind != "send" && changed.is_none_or(|message| message.text.is_none()) => {
                findings.refused += 1;
            }
            Some(error) => findings.differing(format!("a {kind} of {name} was refused: {error}")),
        }
    }
    Ok(())
}

/// What a device has not done yet, in words.
pub(super) fn under_way(
    device: &Device,
    person: &str,
    server: &Connection,
) -> anyhow::Result<Option<String>> {
    if !device.folder.join("cache.db").exists() || !device.folder.join("outbox.db").exists() {
        return Ok(Some("not signed in".to_owned()));
    }
    let outbox = open(&device.folder.join("outbox.db"))?;
    let waiting: i64 = outbox.query_row(
        "SELECT (SELECT count(*) FROM outbox WHERE error IS NULL) + (SELECT count(*) FROM read_mark)",
        [],
        |row| row.get(0),
    )?;
    if waiting > 0 {
        return Ok(Some(format!("{waiting} to be sent")));
    }
    let cache = open(&device.folder.join("cache.db"))?;
    let cursor: Option<String> = cache
        .query_row("SELECT value FROM meta WHERE key = 'cursor'", [], |row| {
            row.get(0)
        })
        .optional()?;
    let cursor: Option<Value> = cursor.and_then(|text| serde_json::from_str(&text).ok());
    let here = cursor.and_then(|cursor| cursor.get("n")?.as_i64());
    let head: i64 = server.query_row(
        "SELECT n FROM feed_head WHERE person = ?1",
        [person],
        |row| row.get(0),
    )?;
    if here != Some(head) {
        return Ok(Some(format!("at {} of {head}", here.unwrap_or_default())));
    }
    if let Some(file) = wanted(&cache, server)? {
        return Ok(Some(format!("file {file} to be fetched")));
    }
    let gaps: i64 = cache.query_row(
        "SELECT count(*) FROM conversation WHERE synced_rev < seen_rev",
        [],
        |row| row.get(0),
    )?;
    Ok((gaps > 0).then(|| format!("{gaps} conversations with gaps")))
}

/// A file that is to be fetched, and that the server has still.
fn wanted(cache: &Connection, server: &Connection) -> anyhow::Result<Option<String>> {
    let mut wanted = cache.prepare("SELECT id FROM file_copy WHERE state = 'wanted'")?;
    let mut there = server.prepare("SELECT 1 FROM file WHERE id = ?1 AND message IS NOT NULL")?;
    for id in wanted.query_map([], |row| row.get::<_, String>(0))? {
        let id = id?;
        if there.exists([&id])? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: i64, text: &str) -> Message {
        Message {
            id: format!("{seq}"),
            conversation: "algebra".to_owned(),
            seq,
            rev: seq,
            author: "maya".to_owned(),
            text: Some(text.to_owned()),
            edited_at: None,
            reply_to: None,
            reactions: Value::Null,
        }
    }

    #[test]
    fn what_a_device_lacks_has_twice_or_has_otherwise_is_found() {
        let server = [message(1, "one"), message(2, "two")];
        let mut findings = Findings::default();
        compare("Sam", &server, &server, 0, &mut findings);
        assert!(findings.is_clean());

        compare("Sam", &server, &server[..1], 0, &mut findings);
        assert_eq!(findings.lost, 1);

        // Of before the device came one may be missing, and no other.
        compare("Sam", &server, &server[1..], 1, &mut findings);
        assert_eq!((findings.lost, findings.not_fetched), (1, 1));
        compare("Sam", &server, &server[..1], 1, &mut findings);
        assert_eq!((findings.lost, findings.not_fetched), (2, 1));

        let twice = [server[0].clone(), server[1].clone(), server[1].clone()];
        compare("Sam", &server, &twice, 0, &mut findings);
        assert_eq!(findings.doubled, 1);

        let mut changed = server.to_vec();
        changed[0].text = Some("uno".to_owned());
        changed[1].reactions = serde_json::json!([{ "emoji": "👍", "people": ["sam"] }]);
        compare("Sam", &server, &changed, 0, &mut findings);
        compare("Sam", &server[..1], &server, 0, &mut findings);
        assert_eq!(findings.differing, 3);
    }

    #[test]
    fn of_what_was_taken_back_only_the_place_counts() {
        let mut here = message(1, "one");
        here.text = None;
        let mut server = here.clone();
        server.reply_to = Some("0".to_owned());
        assert!(is_same(&here, &server));
        server.rev = 9;
        assert!(!is_same(&here, &server));
    }
}
