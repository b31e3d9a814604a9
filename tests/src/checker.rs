//! Reads the databases that server and devices left behind and finds what is lost, doubled,
//! reordered or different. It holds them against each other and against what people were told
//! ([`Book`]), never against what a program counts of itself.

mod device;
mod files;
mod server;
mod told;

use crate::soak::book::Book;
use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use server::Server;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Findings that are named one by one.
const EXAMPLES: usize = 20;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What people were told.
    pub book: &'a Book,
    /// The server's database; its files are beside it.
    pub server: &'a Path,
    /// The files that went with messages, each under the number of the act.
    pub handed: &'a Path,
    /// The ids of the plan's people, in the plan's order.
    pub people: &'a [String],
    /// The ids of the plan's conversations, in the plan's order.
    pub conversations: &'a [String],
    /// All devices that ever were, by the numbers of the book.
    pub devices: &'a [Device],
}

/// The account of a person on a device.
#[derive(Debug, Clone)]
pub struct Device {
    /// For findings.
    pub name: String,
    /// Whose, by the plan's number.
    pub person: usize,
    /// With `cache.db` and `outbox.db`.
    pub folder: PathBuf,
    /// Whether it was lost or wiped: what it had not sent is gone with it.
    pub gone: bool,
    /// For a device that came later, the last place of each conversation when it had caught up first:
    /// what is before that it fetches when somebody looks at it, so it may be missing.
    pub before: HashMap<String, i64>,
}

/// What is wrong, and what is worth knowing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Messages that the server has.
    pub accepted: u64,
    /// Changes of these messages that the server has: edits, deletions.
    pub changed: u64,
    /// Files that the server has with its messages.
    pub files: u64,
    /// Whole copies of these files on devices.
    pub copies: u64,
    /// Messages of the server that nobody was told are written: their device was killed in between.
    pub untold: u64,
    /// Told to be written or done and not on the server, or on the server and not on a device.
    pub lost: u64,
    /// Said once and there twice.
    pub doubled: u64,
    /// Places where what a device did is not in the order of doing.
    pub reordered: u64,
    /// On a device otherwise than on the server, or only there; or written by nobody.
    pub differing: u64,
    /// Unread counts that are not the number of messages after the marker.
    pub miscounted: u64,
    /// Still in an outbox, and not refused.
    pub unsent: u64,
    /// Changes of messages that were taken back in the meantime: refused, and said so.
    pub refused: u64,
    /// Messages of before a new device came, which nobody has looked at on it: counted for each device.
    pub not_fetched: u64,
    /// Messages that were taken back on the device that wrote them before they were sent.
    pub never_sent: u64,
    /// Told to be written or done on a device that was lost or wiped before it could send.
    pub wiped_unsent: u64,
    /// The first of what is wrong, in words.
    pub examples: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let wrong = [
            self.lost,
            self.doubled,
            self.reordered,
            self.differing,
            self.miscounted,
            self.unsent,
        ];
        wrong.iter().all(|count| *count == 0)
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }

    fn lost(&mut self, text: String) {
        self.lost += 1;
        self.example(text);
    }

    fn doubled(&mut self, text: String) {
        self.doubled += 1;
        self.example(text);
    }

    fn reordered(&mut self, text: String) {
        self.reordered += 1;
        self.example(text);
    }

    fn differing(&mut self, text: String) {
        self.differing += 1;
        self.example(text);
    }

    fn miscounted(&mut self, text: String) {
        self.miscounted += 1;
        self.example(text);
    }
}

/// Compares what was told with what the server has, and the server with each device.
///
/// # Errors
/// Where a database cannot be read.
pub fn check(case: &Case<'_>) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let server = Server::read(case.server).context("the server's database")?;
    server.check(&mut findings);
    told::check(case, &server, &mut findings);
    let files = files::check(case, &server, &mut findings).context("the server's files")?;
    for device in case.devices.iter().filter(|device| !device.gone) {
        let person = case.people.get(device.person).map(String::as_str);
        let person = person.context("a device of nobody")?;
        device::check(device, person, &server, &mut findings)
            .with_context(|| format!("the databases of {}", device.name))?;
        files
            .check_copies(device, &mut findings)
            .with_context(|| format!("the files of {}", device.name))?;
    }
    Ok(findings)
}

/// What is still under way: nothing once every device has all that the server has, and the other way
/// round.
///
/// # Errors
/// Where a database cannot be read.
pub fn under_way(case: &Case<'_>) -> anyhow::Result<Vec<String>> {
    let server = open(case.server)?;
    let mut under_way = Vec::new();
    for device in case.devices.iter().filter(|device| !device.gone) {
        let person = case.people.get(device.person).map(String::as_str);
        let person = person.context("a device of nobody")?;
        if let Some(what) = device::under_way(device, person, &server)? {
            under_way.push(format!("{}: {what}", device.name));
        }
    }
    Ok(under_way)
}

/// The last place of each conversation.
///
/// # Errors
/// Where the database cannot be read.
pub fn heads(server: &Path) -> anyhow::Result<HashMap<String, i64>> {
    let server = open(server)?;
    let mut statement = server.prepare("SELECT id, head_seq FROM conversation")?;
    let heads = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(heads.collect::<Result<_, _>>()?)
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

fn open(path: &Path) -> anyhow::Result<Connection> {
    // Not read-only: what a killed process left in the write-ahead log is to be seen too.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}
