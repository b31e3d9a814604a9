//! Catching up: cursors, snapshots, windows, restarts.

use crate::school::{SOON, School, texts};
use im_protocol::{
    ErrorCode, FeedEpoch, limits,
    people::Role,
    sync::{Cursor, Facts, SnapshotAsk, SyncAck, SyncMode},
};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_gets_all_it_missed_and_nothing_twice() {
    let mut school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut device = school.connect(&maya).await;
    let cursor = device.sync_from_snapshot().await;
    let sam_device = school.connect(&sam).await;
    sam_device.send(conversation, &["seen"]).await.unwrap();
    let (_, cursor) = device.facts(cursor, |facts| texts(facts).len() == 1).await;
    device.client.close().await;
    sam_device
        .send(conversation, &["missed 1", "missed 2"])
        .await
        .unwrap();
    school.restart().await;

    let mut device = school.connect(&maya).await;
    let start = device.sync(Some(cursor)).await;
    assert_eq!(start.mode, SyncMode::Feed);
    let (facts, cursor) = device.facts(cursor, |facts| texts(facts).len() == 2).await;
    assert_eq!(texts(&facts), ["missed 1", "missed 2"]);
    assert_eq!(cursor.n, start.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_worth_nothing_leads_to_a_snapshot() {
    let school = School::open().await;
    let (maya, _, _) = school.maya_and_sam().await;
    let mut device = school.connect(&maya).await;
    let good = device.sync_from_snapshot().await;
    let bad = [
        None,
        Some(Cursor {
            epoch: FeedEpoch::new(),
            n: good.n,
        }),
        Some(Cursor {
            epoch: good.epoch,
            n: good.n + 1,
        }),
    ];
    for cursor in bad {
        assert_eq!(device.sync(cursor).await.mode, SyncMode::Snapshot);
    }
    assert_eq!(device.sync(Some(good)).await.mode, SyncMode::Feed);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_a_month_are_forgotten_and_late_devices_take_a_snapshot() {
    let school = School::open().await;
    let (maya, _, _) = school.maya_and_sam().await;
    let device = school.connect(&maya).await;
    let snapshot = device.ask(SnapshotAsk { after: None }).await.unwrap();
    let late = Cursor {
        n: 0,
        ..snapshot.cursor
    };
    assert_eq!(device.sync(Some(late)).await.mode, SyncMode::Feed);
    // Its token will be a month old, and the server closes such sockets whenever it comes to it.
    drop(device);
    let month = Duration::from_secs(31 * 24 * 3_600);
    school.running().clock().advance(month);
    let maya = school.sign_in("Maya", maya.device).await;
    let pruned = async {
        let device = school.connect(&maya).await;
        while device.sync(Some(late)).await.mode == SyncMode::Feed {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, pruned).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_holds_people_courses_conversations_and_counts() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sam_device = school.connect(&sam).await;
    sam_device
        .send(conversation, &["one", "two"])
        .await
        .unwrap();
    let device = school.connect(&maya).await;
    let snapshot = device.ask(SnapshotAsk { after: None }).await.unwrap();
    let names: Vec<_> = snapshot
        .people
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["Sam"]);
    assert_eq!(snapshot.courses.len(), 1);
    assert!(!snapshot.more);
    let [seen] = snapshot.conversations.as_slice() else {
        panic!("one conversation is expected");
    };
    assert_eq!((seen.head_seq, seen.head_rev, seen.unread), (2, 2, 2));
    let after = device.ask(SnapshotAsk {
        after: Some(conversation),
    });
    assert!(after.await.unwrap().conversations.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_never_runs_further_ahead_than_the_window() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut device = school.connect(&maya).await;
    let mut cursor = device.sync_from_snapshot().await;
    let sam_device = school.connect(&sam).await;
    let batch = [""; limits::SEND_ITEMS].map(|_| "word");
    let mut total = 0;
    while total <= limits::SYNC_WINDOW {
        sam_device.send(conversation, &batch).await.unwrap();
        total += batch.len() as u64;
    }
    // Nothing is acknowledged: exactly a window comes.
    let began = cursor.n;
    while cursor.n < began + limits::SYNC_WINDOW {
        let facts: Facts = device.hear().await;
        assert_eq!(facts.after, cursor.n);
        cursor.n = facts.up_to;
    }
    assert_eq!(cursor.n, began + limits::SYNC_WINDOW);
    // The rest comes once it is.
    device.ask(SyncAck { n: cursor.n }).await.unwrap();
    while cursor.n < began + total {
        let facts: Facts = device.hear().await;
        assert_eq!(facts.after, cursor.n);
        cursor.n = facts.up_to;
        device.ask(SyncAck { n: cursor.n }).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_without_an_answer_count_and_the_newest_of_too_many_is_taken_later() {
    let school = School::open_with(|config| {
        config.limits.acks = im_server::config::Rate {
            burst: 2,
            per_second: 2.0,
        };
    })
    .await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut device = school.connect(&maya).await;
    let mut cursor = device.sync_from_snapshot().await;
    // Two are taken, and use up what may come at once.
    let quiet = SyncAck { n: cursor.n };
    for _ in 0..2 {
        device.tell(&quiet).await;
    }
    let refused = device.ask(quiet).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    let sam_device = school.connect(&sam).await;
    let batch = [""; limits::SEND_ITEMS].map(|_| "word");
    let mut total = 0;
    while total <= limits::SYNC_WINDOW {
        sam_device.send(conversation, &batch).await.unwrap();
        total += batch.len() as u64;
    }
    // Far more acknowledgements than may come: what is behind the window comes all the same.
    let end = cursor.n + total;
    while cursor.n < end {
        let facts: Facts = device.hear().await;
        assert_eq!(facts.after, cursor.n);
        cursor.n = facts.up_to;
        device.tell(&SyncAck { n: cursor.n }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_what_is_not_theirs() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let lin_device = school.connect(&lin).await;
    let snapshot = lin_device.ask(SnapshotAsk { after: None }).await.unwrap();
    assert!(snapshot.conversations.is_empty() && snapshot.people.is_empty());
    let sam_device = school.connect(&sam).await;
    sam_device
        .send(conversation, &["for Maya only"])
        .await
        .unwrap();
    let later = lin_device.sync(Some(snapshot.cursor)).await;
    assert_eq!(later.head, snapshot.cursor.n);
}
