//! The faults that are built in on purpose do what they say, so that whoever checks for them checks
//! something. Only with the feature `faults`.

#![cfg(test)]

#[path = "../scenarios/school.rs"]
#[expect(dead_code, reason = "shared with the scenarios, which use the rest")]
mod school;

use im_protocol::sync::{Cursor, Facts, SyncAck};
use school::{Account, Device, School, texts};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader};

const PROGRAM: &str = env!("CARGO_BIN_EXE_instantmentor-server");

/// The school's server as a process of its own, with a fault.
struct Broken {
    school: School,
    child: Child,
    maya: Account,
    sam: Device,
    cursor: Cursor,
    conversation: im_protocol::ConversationId,
}

impl Drop for Broken {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn broken(name: &str, value: &str) -> Broken {
    let mut school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    school.running.take().unwrap().shutdown().await;
    let mut child = Command::new(PROGRAM)
        .env("IM_DATA", &school.config.data)
        .env("IM_PORT", school.config.listen.port().to_string())
        .env("IM_LIMITS", "wide")
        .env(name, value)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = tokio::process::ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
    BufReader::new(out)
        .lines()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    let mut device = school.connect(&sam).await;
    let cursor = device.sync_from_snapshot().await;
    Broken {
        school,
        child,
        maya,
        sam: device,
        cursor,
        conversation,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_wake_ups_lose_nothing() {
    let mut broken = broken("IM_FAULT_DROP_WAKEUPS", "1").await;
    for text in ["one", "two", "three"] {
        broken.sam.send(broken.conversation, &[text]).await.unwrap();
    }
    let (facts, _) = broken
        .sam
        .facts(broken.cursor, |facts| texts(facts).len() == 3)
        .await;
    assert_eq!(texts(&facts), ["one", "two", "three"]);
    assert!(broken.school.running.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_messages_are_out_of_order() {
    let mut broken = broken("SOAK_BREAK", "swap_order").await;
    let sent = broken.sam.send(broken.conversation, &["one", "two"]).await;
    assert_eq!(sent.unwrap().accepted.len(), 2);
    let (facts, _) = broken
        .sam
        .facts(broken.cursor, |facts| texts(facts).len() == 2)
        .await;
    assert_eq!(texts(&facts), ["two", "one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_feed_row_is_missing() {
    let mut broken = broken("SOAK_BREAK", "skip_feed").await;
    let sent = 150;
    for n in 0..sent {
        let text = n.to_string();
        broken
            .sam
            .send(broken.conversation, &[&text])
            .await
            .unwrap();
    }
    // Whose row it was is not said.
    let mut maya = broken.school.connect(&broken.maya).await;
    let mayas = maya.sync_from_snapshot().await;
    let start = Cursor {
        n: mayas.n - sent,
        ..mayas
    };
    maya.sync(Some(start)).await;
    let items =
        heard(&mut broken.sam, broken.cursor.n + sent).await + heard(&mut maya, mayas.n).await;
    assert_eq!(items, 2 * sent - 1);
}

/// How many facts a device hears until it is sent this number.
async fn heard(device: &mut Device, up_to: u64) -> u64 {
    let mut items = 0;
    loop {
        let facts: Facts = device.hear().await;
        items += facts.items.len() as u64;
        device.ask(SyncAck { n: facts.up_to }).await.unwrap();
        if facts.up_to >= up_to {
            return items;
        }
    }
}
