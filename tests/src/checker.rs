//! Reads the databases that server and devices left behind and finds what is lost, doubled,
//! reordered or different. Knows nothing of how it came to be there.

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

/// Findings that are named one by one.
const EXAMPLES: usize = 20;

/// A message that somebody was told is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Who wrote it.
    pub author: String,
    /// Its words: unlike any other, and ending in `<run>-<number>`, both of which only grow.
    pub text: String,
}

/// The folder of an account on a device.
#[derive(Debug, Clone)]
pub struct Device {
    /// For findings.
    pub name: String,
    /// With `cache.db` and `outbox.db`.
    pub folder: PathBuf,
}

/// What is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Messages that the server has.
    pub accepted: u64,
    /// Of them those that nobody was told are written: whoever wrote them was killed in between.
    pub untold: u64,
    /// Written and not on the server, or on the server and not on a device.
    pub lost: u64,
    /// Said once and there twice.
    pub doubled: u64,
    /// Places where somebody's messages are not in the order of writing.
    pub reordered: u64,
    /// On a device otherwise than on the server, or only there.
    pub differing: u64,
    /// Still in an outbox.
    pub unsent: u64,
    /// The first of them, in words.
    pub examples: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.differing + self.unsent == 0
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: String,
    seq: i64,
    rev: i64,
    author: String,
    text: String,
}

/// Compares what was written with what the server has in this conversation, and the server with
/// each device.
///
/// # Errors
/// Where a database cannot be read.
pub fn check(
    written: &[Written],
    server: &Path,
    conversation: &str,
    devices: &[Device],
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let rows = server_rows(server, conversation).context("the server's database")?;
    findings.accepted = rows.len() as u64;
    let there: HashSet<(&str, &str)> = rows
        .iter()
        .map(|row| (row.author.as_str(), row.text.as_str()))
        .collect();
    for one in written {
        if !there.contains(&(&one.author, &one.text)) {
            findings.lost += 1;
            findings.example(format!(
                "{:?} was written and is not on the server",
                one.text
            ));
        }
    }
    untold(written, &rows, &mut findings);
    doubled("the server", &rows, &mut findings);
    reordered(&rows, &mut findings);
    places(&rows, &mut findings);
    for device in devices {
        let read = || cache_rows(&device.folder.join("cache.db"), conversation);
        let here = read().with_context(|| format!("the cache of {}", device.name))?;
        doubled(&device.name, &here, &mut findings);
        compare(&device.name, &rows, &here, &mut findings);
        let outbox = open(&device.folder.join("outbox.db"))?;
        let unsent: i64 = outbox.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
        if unsent > 0 {
            findings.example(format!("{unsent} are in the outbox of {}", device.name));
        }
        findings.unsent += u64::try_from(unsent).unwrap_or_default();
    }
    Ok(findings)
}

/// How many messages the server has in this conversation.
///
/// # Errors
/// Where its database cannot be read.
pub fn accepted(server: &Path, conversation: &str) -> anyhow::Result<u64> {
    let count: i64 = open(server)?.query_row(
        "SELECT count(*) FROM message WHERE conversation = ?1",
        [conversation],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count)?)
}

/// A kill may come between a message's being on disk and its being told of: that is the one after
/// the last that was told in this run, and no other.
fn untold(written: &[Written], rows: &[Row], findings: &mut Findings) {
    let told: HashSet<(&str, &str)> = written
        .iter()
        .map(|one| (one.author.as_str(), one.text.as_str()))
        .collect();
    let mut last: HashMap<(&str, u64), u64> = HashMap::new();
    for one in written {
        if let Some((run, number)) = number(&one.text) {
            let known = last.entry((&one.author, run)).or_default();
            *known = number.max(*known);
        }
    }
    for row in rows {
        if told.contains(&(&row.author, &row.text)) {
            continue;
        }
        findings.untold += 1;
        let Some((run, number)) = number(&row.text) else {
            continue;
        };
        if last.get(&(row.author.as_str(), run)).copied().unwrap_or(0) + 1 != number {
            findings.differing += 1;
            findings.example(format!("{:?} was written by nobody", row.text));
        }
    }
}

fn doubled(place: &str, rows: &[Row], findings: &mut Findings) {
    let mut seen = HashSet::new();
    for row in rows {
        if !seen.insert((&row.author, &row.text)) {
            findings.doubled += 1;
            findings.example(format!("{:?} is twice at {place}", row.text));
        }
    }
}

/// `<run>-<number>` at the end of a text.
fn number(text: &str) -> Option<(u64, u64)> {
    let (run, number) = text.rsplit(' ').next()?.split_once('-')?;
    Some((run.parse().ok()?, number.parse().ok()?))
}

fn reordered(rows: &[Row], findings: &mut Findings) {
    let mut last: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let Some(number) = number(&row.text) else {
            findings.differing += 1;
            findings.example(format!("{:?} was written by nobody", row.text));
            continue;
        };
        let before = last.insert(&row.author, number);
        if before.is_some_and(|before| before > number) {
            findings.reordered += 1;
            findings.example(format!("{:?} comes after a later one", row.text));
        }
    }
}

/// Places on the server are 1, 2, 3 … without a hole.
fn places(rows: &[Row], findings: &mut Findings) {
    for (row, place) in rows.iter().zip(1..) {
        if row.seq != place {
            findings.differing += 1;
            findings.example(format!(
                "{:?} is at place {}, not {place}",
                row.text, row.seq
            ));
            return;
        }
    }
}

fn compare(device: &str, server: &[Row], here: &[Row], findings: &mut Findings) {
    let mut left: HashMap<&str, &Row> = here.iter().map(|row| (row.id.as_str(), row)).collect();
    for row in server {
        match left.remove(row.id.as_str()) {
            None => {
                findings.lost += 1;
                findings.example(format!("{:?} is not at {device}", row.text));
            }
            Some(found) if found != row => {
                findings.differing += 1;
                findings.example(format!("{:?} is otherwise at {device}", row.text));
            }
            Some(_) => {}
        }
    }
    for row in left.values() {
        findings.differing += 1;
        findings.example(format!("{:?} is only at {device}", row.text));
    }
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    // Not read-only: what a killed process left in the write-ahead log is to be seen too.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

fn server_rows(path: &Path, conversation: &str) -> anyhow::Result<Vec<Row>> {
    let sql = "SELECT id, seq, rev, author, body FROM message
        WHERE conversation = ?1 ORDER BY seq";
    rows(path, sql, conversation, Ok)
}

fn cache_rows(path: &Path, conversation: &str) -> anyhow::Result<Vec<Row>> {
    let sql = "SELECT id, seq, rev, author, content FROM message
        WHERE conversation = ?1 ORDER BY seq";
    rows(path, sql, conversation, |content| {
        let content: serde_json::Value = serde_json::from_str(&content)?;
        let text = content.get("text").and_then(|text| text.as_str());
        Ok(text.unwrap_or_default().to_owned())
    })
}

fn rows(
    path: &Path,
    sql: &str,
    conversation: &str,
    text: impl Fn(String) -> anyhow::Result<String>,
) -> anyhow::Result<Vec<Row>> {
    let connection = open(path)?;
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([conversation], |row| {
        Ok(Row {
            id: row.get(0)?,
            seq: row.get(1)?,
            rev: row.get(2)?,
            author: row.get(3)?,
            text: row.get(4)?,
        })
    })?;
    let mut rows = Vec::new();
    for row in found {
        let mut row = row?;
        row.text = text(row.text)?;
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64, author: &str, text: &str) -> Row {
        Row {
            id: format!("{author}{text}{seq}"),
            seq,
            rev: seq,
            author: author.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_later_run_comes_after_an_earlier_one_and_two_people_do_not_mix() {
        let rows = [
            row(1, "maya", "Maya 1-9"),
            row(2, "sam", "Sam 1-1"),
            row(3, "maya", "Maya 2-1"),
            row(4, "maya", "Maya 1-10"),
        ];
        let mut findings = Findings::default();
        reordered(&rows[..3], &mut findings);
        assert_eq!(findings.reordered, 0);
        reordered(&rows, &mut findings);
        assert_eq!(findings.reordered, 1);
    }

    #[test]
    fn only_the_message_after_the_last_told_one_may_be_untold() {
        let written = ["Maya 1-1", "Maya 1-2", "Maya 2-1"].map(|text| Written {
            author: "maya".to_owned(),
            text: text.to_owned(),
        });
        let mut rows = ["Maya 1-1", "Maya 1-2", "Maya 1-3", "Maya 2-1", "Maya 3-1"]
            .map(|text| row(1, "maya", text))
            .to_vec();
        let mut findings = Findings::default();
        untold(&written, &rows, &mut findings);
        assert_eq!((findings.untold, findings.differing), (2, 0));
        rows.push(row(1, "maya", "Maya 2-3"));
        untold(&written, &rows, &mut findings);
        assert_eq!(findings.differing, 1);
    }

    #[test]
    fn what_a_device_lacks_has_twice_or_has_otherwise_is_found() {
        let server = [row(1, "maya", "Maya 1-1"), row(2, "maya", "Maya 1-2")];
        let mut findings = Findings::default();
        compare("Sam", &server, &server, &mut findings);
        doubled("Sam", &server, &mut findings);
        places(&server, &mut findings);
        assert!(findings.is_clean());

        compare("Sam", &server, &server[..1], &mut findings);
        assert_eq!(findings.lost, 1);

        let mut changed = server.to_vec();
        changed[0].rev = 7;
        compare("Sam", &server, &changed, &mut findings);
        compare("Sam", &server[..1], &server, &mut findings);
        assert_eq!(findings.differing, 2);

        doubled(
            "Sam",
            &[row(1, "a", "A 1-1"), row(2, "a", "A 1-1")],
            &mut findings,
        );
        assert_eq!(findings.doubled, 1);

        places(&[row(2, "a", "A 1-1")], &mut findings);
        assert_eq!(findings.differing, 3);
    }
}
