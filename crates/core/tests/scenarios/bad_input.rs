//! Too much at once, clocks that are wrong by years, a disk without room: a clear error, nothing lost.

use super::device::{Device, text};
use futures_util::future::join_all;
use im_contract::{
    Commands, ErrorKind,
    args::{Nothing, PageArgs, SendArgs},
    views::{MessageRow, MessageState},
};
use im_core::{Clock, Core, secrets::MemorySecrets};
use im_protocol::{ConversationId, people::Role};
use im_testkit::{Limits, Rate, TestServer};
use rusqlite::Connection;
use std::{os::unix::fs::symlink, sync::Arc};

/// Messages that are written at the same moment.
const CHUNK: usize = 500;
/// Milliseconds in ten years.
const TEN_YEARS: i64 = 3_652 * 86_400_000;

async fn maya_and_sam(limits: Limits) -> (TestServer, ConversationId) {
    let server = TestServer::start_limited(limits).await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation)
}

/// A new device whose clock is so far ahead, with this person signed in.
async fn ahead(name: &str, server: &str, by: i64) -> Device {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let system = Clock::system();
    let clock = Clock::new(move || system.now() + by);
    let secrets = Arc::new(MemorySecrets::default());
    let mut device = Device::at(server, data, secrets, clock).await;
    device.sign_in(name).await.unwrap();
    device.caught_up().await;
    device
}

/// How many messages are not sent yet.
async fn waiting(core: &Core) -> u32 {
    core.connection_get(Nothing {}).await.unwrap().waiting
}

/// The number in a message's words.
fn number(text: &str) -> u32 {
    text.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The place of the newest message.
async fn newest(core: &Core) -> u64 {
    let rows = core.conversations_list(Nothing {}).await.unwrap();
    rows.first().map_or(0, |row| row.head_seq)
}

#[tokio::test]
async fn ten_thousand_messages_in_a_burst_arrive_once_and_in_their_order() {
    // More than the server takes at once: it says when to come back.
    let limits = Limits {
        messages: Rate {
            burst: 1_000,
            per_second: 3_000.0,
        },
        ..Limits::wide()
    };
    let (server, conversation) = maya_and_sam(limits).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let all: Vec<String> = (1..=10_000)
        .map(|number| format!("number {number}"))
        .collect();
    for some in all.chunks(CHUNK) {
        join_all(some.iter().map(|text| sam.say(conversation, text))).await;
    }
    // As long as it goes on it may take its time.
    loop {
        let before = (waiting(&sam.core).await, newest(&maya.core).await);
        if before == (0, 10_000) {
            break;
        }
        let what = format!("more than {before:?} are sent and there");
        sam.until(&what, |core| {
            let maya = maya.core.clone();
            Box::pin(async move { (waiting(core).await, newest(&maya).await) != before })
        })
        .await;
    }
    sam.all_sent().await;
    maya.caught_up().await;
    for device in [&sam, &maya] {
        let mut found: Vec<String> = Vec::new();
        let mut before = None;
        while found.len() < all.len() {
            let args = PageArgs {
                before,
                ..PageArgs::newest(conversation, 200)
            };
            let mut page = device.core.messages_page(args).await.unwrap().messages;
            before = page.first().unwrap().seq;
            page.reverse();
            found.extend(page.iter().map(text));
        }
        found.reverse();
        // Those of a chunk were written at the same moment.
        for (found, wanted) in found.chunks_mut(CHUNK).zip(all.chunks(CHUNK)) {
            found.sort_by_key(|text| number(text));
            assert!(*found == *wanted, "not what was written, in its order");
        }
        assert_eq!(found.len(), all.len());
    }
    assert_eq!(maya.conversations().await[0].unread, 10_000);
}

#[tokio::test]
async fn clocks_that_are_wrong_by_years_change_neither_order_nor_times() {
    let (server, conversation) = maya_and_sam(Limits::wide()).await;
    let mut maya = ahead("Maya", &server.url(), TEN_YEARS).await;
    let mut sam = ahead("Sam", &server.url(), -TEN_YEARS).await;
    let texts = ["Good morning", "Hello Maya", "What is it?", "A matrix"];
    for (number, text) in texts.iter().enumerate() {
        let author = if number % 2 == 0 { &maya } else { &sam };
        author.say(conversation, text).await;
        let until = texts.get(..=number).unwrap();
        maya.reads(conversation, until).await;
        sam.reads(conversation, until).await;
        for device in [&mut maya, &mut sam] {
            device.all_sent().await;
        }
    }
    let now = server.clock().now();
    let at = |rows: Vec<MessageRow>| -> Vec<i64> { rows.iter().map(|row| row.at).collect() };
    let (here, there) = (
        at(maya.messages(conversation).await),
        at(sam.messages(conversation).await),
    );
    assert_eq!(here, there);
    assert!(here.is_sorted() && here.iter().all(|at| (now - at).abs() < 60_000));

    // After a restart the session and everything else is there.
    let mut sam = sam.restart().await;
    sam.caught_up().await;
    sam.reads(conversation, &texts).await;
    sam.say(conversation, "and after").await;
    maya.last_is(conversation, MessageState::Received).await;
}

/// The disk takes no new row of this table.
fn fill(device: &Device, database: &str, table: &str) -> Connection {
    let database = device.database(database);
    let sql =
        "CREATE TRIGGER full BEFORE INSERT ON TABLE_NAME BEGIN SELECT RAISE(ABORT, 'full'); END";
    database
        .execute_batch(&sql.replace("TABLE_NAME", table))
        .unwrap();
    database
}

fn make_room(database: &Connection) {
    database.execute_batch("DROP TRIGGER full").unwrap();
}

#[tokio::test]
async fn on_a_full_disk_nothing_counts_as_written_and_all_goes_on_when_there_is_room() {
    let (server, conversation) = maya_and_sam(Limits::wide()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    sam.say(conversation, "before").await;
    maya.reads(conversation, &["before"]).await;
    sam.all_sent().await;

    // What cannot be written is refused, and not shown either.
    let outbox = fill(&sam, "outbox.db", "outbox");
    let args = SendArgs {
        conversation,
        text: "no room".to_owned(),
        reply_to: None,
        files: Vec::new(),
    };
    let refused = sam.core.messages_send(args).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Storage);
    sam.reads(conversation, &["before"]).await;
    make_room(&outbox);
    sam.say(conversation, "room").await;
    sam.all_sent().await;

    // What comes and cannot be kept comes again.
    let cache = fill(&sam, "cache.db", "message");
    maya.say(conversation, "meanwhile").await;
    maya.all_sent().await;
    sam.until("it is said that the disk is full", |core| {
        Box::pin(async move {
            let line = core.connection_get(Nothing {}).await.unwrap();
            line.problem
                .is_some_and(|why| why.kind == ErrorKind::Storage)
        })
    })
    .await;
    sam.reads(conversation, &["before", "room"]).await;
    make_room(&cache);
    sam.reads(conversation, &["before", "room", "meanwhile"])
        .await;
}

#[tokio::test]
async fn a_start_on_a_full_disk_says_so_and_loses_nothing() {
    let (mut server, conversation) = maya_and_sam(Limits::wide()).await;
    let sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    sam.say(conversation, "unsent").await;
    sam.core.stop().await;
    // There is room for no byte where the next change would go.
    let log = sam.account_folder().join("outbox.db-wal");
    symlink("/dev/full", &log).unwrap();
    let sam = sam.restart().await;
    let line = sam.core.connection_get(Nothing {}).await.unwrap();
    assert_eq!(line.problem.unwrap().kind, ErrorKind::Storage);
    sam.core.stop().await;

    std::fs::remove_file(&log).unwrap();
    server.up().await;
    let mut sam = sam.restart().await;
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["unsent"]).await;
}
