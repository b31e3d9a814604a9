//! What a device does not have (yet), and what its disk does not take for a while: nothing is passed
//! over, and nothing stays behind.

use super::device::{Device, text};
use im_contract::{
    Commands, ErrorKind, UiError,
    args::{EditArgs, Nothing, OperationArgs, PageArgs, ReadArgs},
    views::{ConnectionState, MessagePage, MessageState},
};
use im_protocol::{ConversationId, MessageId, people::Role};
use im_testkit::TestServer;

async fn maya_and_sam() -> (TestServer, ConversationId, Device, Device) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let maya = Device::of("Maya", &server.url()).await;
    let sam = Device::of("Sam", &server.url()).await;
    (server, conversation, maya, sam)
}

async fn page_before(
    device: &Device,
    conversation: ConversationId,
    before: Option<u64>,
) -> Result<MessagePage, UiError> {
    let args = PageArgs {
        before,
        ..PageArgs::newest(conversation, 50)
    };
    device.core.messages_page(args).await
}

/// The texts of a page, and whether there is more before it.
async fn page(
    device: &Device,
    conversation: ConversationId,
    before: Option<u64>,
) -> (Vec<String>, bool) {
    let page = page_before(device, conversation, before).await.unwrap();
    (page.messages.iter().map(text).collect(), page.more)
}

#[tokio::test]
async fn without_a_connection_a_page_ends_at_a_hole_and_says_that_there_is_more() {
    const ALL: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
    let (mut server, conversation, mut maya, mut sam) = maya_and_sam().await;
    for text in ALL {
        sam.say(conversation, text).await;
    }
    sam.all_sent().await;
    maya.reads(conversation, &ALL).await;
    maya.core.stop().await;
    server.down().await;
    let forget = |device: &Device, which: &str| {
        let sql = format!("DELETE FROM message WHERE {which}");
        device.database("cache.db").execute(&sql, []).unwrap();
    };
    forget(&maya, "seq IN (3, 4)");
    let mut maya = maya.restart().await;
    maya.connection(ConnectionState::Waiting).await;
    let newest = page(&maya, conversation, None).await;
    assert_eq!(newest, (vec!["five".to_owned(), "six".to_owned()], true));
    let before = page(&maya, conversation, Some(5)).await;
    assert_eq!(before, (Vec::new(), true), "what is below the hole waits");
    let below = page(&maya, conversation, Some(3)).await;
    assert_eq!(below, (vec!["one".to_owned(), "two".to_owned()], false));

    forget(&maya, "TRUE");
    let nothing = page(&maya, conversation, None).await;
    assert_eq!(nothing, (Vec::new(), true), "it is not that nobody wrote");

    server.up().await;
    maya.core.connection_retry(Nothing {}).await.unwrap();
    maya.reads(conversation, &ALL).await;
}

#[tokio::test]
async fn what_lies_on_two_sides_of_a_hole_is_never_shown_as_one() {
    let (mut server, conversation, mut maya, mut sam) = maya_and_sam().await;
    let all: Vec<String> = (1..=12).map(|seq| format!("message {seq}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for text in &all {
        sam.say(conversation, text).await;
    }
    sam.all_sent().await;
    maya.reads(conversation, &all).await;
    maya.core.stop().await;
    server.down().await;
    maya.database("cache.db")
        .execute("DELETE FROM message WHERE seq IN (3, 8, 9)", [])
        .unwrap();
    let mut maya = maya.restart().await;
    maya.connection(ConnectionState::Waiting).await;
    let seqs = async |maya: &Device, after, around| {
        let args = PageArgs {
            after,
            around,
            ..PageArgs::newest(conversation, 50)
        };
        let page = maya.core.messages_page(args).await.unwrap();
        let seqs: Vec<u64> = page.messages.iter().filter_map(|row| row.seq).collect();
        (seqs, page.more, page.newer)
    };
    assert_eq!(
        seqs(&maya, None, Some(5)).await,
        (vec![4, 5, 6, 7], true, true)
    );
    assert_eq!(
        seqs(&maya, Some(3), None).await,
        (vec![4, 5, 6, 7], true, true)
    );
    assert_eq!(seqs(&maya, Some(7), None).await, (Vec::new(), true, true));
    assert_eq!(seqs(&maya, None, Some(8)).await, (Vec::new(), true, true));
    assert_eq!(
        seqs(&maya, Some(9), None).await,
        (vec![10, 11, 12], true, false)
    );
    maya.say(conversation, "Still here?").await;
    let end = page(&maya, conversation, None).await.0;
    assert_eq!(end.last().map(String::as_str), Some("Still here?"));
    let args = PageArgs {
        after: Some(9),
        ..PageArgs::newest(conversation, 50)
    };
    let to_the_end = maya.core.messages_page(args).await.unwrap();
    assert_eq!(
        to_the_end.messages.last().map(text).as_deref(),
        Some("Still here?")
    );

    server.up().await;
    maya.core.connection_retry(Nothing {}).await.unwrap();
    maya.all_sent().await;
    let whole: Vec<u64> = (1..=13).collect();
    assert_eq!(
        seqs(&maya, None, Some(5)).await,
        (whole.clone(), false, false)
    );
    assert_eq!(seqs(&maya, Some(0), None).await, (whole, false, false));
}

#[tokio::test]
async fn older_pages_show_what_was_changed_here_and_only_the_end_what_is_unsent() {
    let (mut server, conversation, _maya, mut sam) = maya_and_sam().await;
    let first = sam.say(conversation, "one").await.id;
    sam.say(conversation, "two").await;
    sam.say(conversation, "three").await;
    sam.all_sent().await;
    server.down().await;
    sam.connection(ConnectionState::Waiting).await;
    let edit = EditArgs {
        conversation,
        id: first,
        text: "One!".to_owned(),
    };
    sam.core.messages_edit(edit).await.unwrap();
    sam.say(conversation, "four").await;
    let newest = PageArgs::newest(conversation, 2);
    let (before, after, around) = (Some(3), Some(0), Some(1));
    for older in [
        PageArgs { before, ..newest },
        PageArgs { after, ..newest },
        PageArgs { around, ..newest },
    ] {
        let page = sam.core.messages_page(older).await.unwrap();
        let texts: Vec<String> = page.messages.iter().map(text).collect();
        assert_eq!(texts, ["One!", "two"], "{older:?}");
        assert!(page.newer && page.messages[0].pending, "{older:?}");
    }
    let (after, around) = (Some(1), Some(3));
    for last in [
        newest,
        PageArgs { after, ..newest },
        PageArgs { around, ..newest },
    ] {
        let page = sam.core.messages_page(last).await.unwrap();
        let texts: Vec<String> = page.messages.iter().map(text).collect();
        assert_eq!(texts, ["two", "three", "four"], "{last:?}");
        assert!(!page.newer, "{last:?}");
    }
}

#[tokio::test]
async fn how_far_maya_read_is_told_once_a_full_disk_takes_it() {
    let (_server, conversation, mut maya, mut sam) = maya_and_sam().await;
    sam.say(conversation, "Have you seen this?").await;
    maya.reads(conversation, &["Have you seen this?"]).await;
    let outbox = maya.database("outbox.db");
    outbox
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON read_mark BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .unwrap();
    let args = ReadArgs {
        conversation,
        seq: 1,
    };
    assert!(maya.core.conversations_read(args).await.is_err());
    assert_eq!(maya.conversations().await[0].unread, 1);
    outbox.execute_batch("DROP TRIGGER full").unwrap();
    maya.core.conversations_read(args).await.unwrap();
    assert_eq!(maya.conversations().await[0].unread, 0);
    sam.last_is(conversation, MessageState::Read).await;
}

#[tokio::test]
async fn what_was_written_while_the_outbox_could_not_be_read_is_sent_by_itself() {
    let (_server, conversation, mut maya, mut sam) = maya_and_sam().await;
    let outbox = sam.database("outbox.db");
    outbox
        .execute(
            "INSERT INTO outbox(id, conversation, text, written_at) VALUES ('torn', ?1, 'x', 0)",
            [conversation.to_string()],
        )
        .unwrap();
    sam.say(conversation, "good morning").await;
    // The session answers in order, and the one reader of the file reads in order: after these it
    // has tried and failed.
    for _ in 0..3 {
        let id = MessageId::new();
        let nothing = sam
            .core
            .messages_discard(OperationArgs { id: id.into() })
            .await;
        assert_eq!(nothing.unwrap_err().kind, ErrorKind::NotFound);
        assert!(page_before(&sam, conversation, None).await.is_err());
    }
    outbox
        .execute("DELETE FROM outbox WHERE id = 'torn'", [])
        .unwrap();
    maya.reads(conversation, &["good morning"]).await;
    sam.all_sent().await;
}
