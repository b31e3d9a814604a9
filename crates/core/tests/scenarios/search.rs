//! Everything that is on a device is found there: offline, as it is shown, and whatever happened to the
//! index.

use super::device::Device;
use im_contract::{
    Commands,
    args::{EditArgs, MessageArgs, SearchArgs, SearchBy},
    views::{ConnectionState, SearchPage},
};
use im_protocol::{ConversationId, people::Role};
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

fn words(words: &str) -> SearchArgs {
    SearchArgs {
        words: words.to_owned(),
        ..SearchArgs::default()
    }
}

async fn search(device: &Device, args: SearchArgs) -> SearchPage {
    device.core.messages_search(args).await.unwrap()
}

async fn found(device: &Device, typed: &str) -> Vec<String> {
    let page = search(device, words(typed)).await;
    page.hits.into_iter().map(|hit| hit.text).collect()
}

impl Device {
    async fn finds(&mut self, typed: &'static str, texts: &'static [&'static str]) {
        self.until(&format!("{typed} finds {texts:?}"), |core| {
            Box::pin(async move {
                let page = core.messages_search(words(typed)).await.unwrap();
                page.hits
                    .iter()
                    .map(|hit| hit.text.as_str())
                    .eq(texts.iter().copied())
            })
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_said_is_found_without_a_connection_as_it_is_shown() {
    let (mut server, conversation, mut maya, mut sam) = maya_and_sam().await;
    sam.say(conversation, "Is the répétition here?").await;
    sam.say(conversation, "let n = xs.iter().map(|x| x * 2);")
        .await;
    let third = sam.say(conversation, "Forget what I said").await;
    sam.all_sent().await;
    maya.finds("forget", &["Forget what I said"]).await;
    let args = EditArgs {
        conversation,
        id: third.id,
        text: "Remember what I said".to_owned(),
    };
    sam.core.messages_edit(args).await.unwrap();
    maya.finds("remember", &["Remember what I said"]).await;
    server.down().await;
    maya.connection(ConnectionState::Waiting).await;

    assert_eq!(found(&maya, "forget").await, [""; 0]);
    assert_eq!(found(&maya, "petit").await, ["Is the répétition here?"]);
    assert_eq!(
        found(&maya, ".map(|x|").await,
        ["let n = xs.iter().map(|x| x * 2);"]
    );
    let page = search(&maya, words("he")).await;
    let [hit] = &page.hits[..] else {
        panic!("{page:?}")
    };
    assert_eq!(
        (hit.seq, hit.mine, hit.conversation),
        (Some(1), false, conversation)
    );
    assert_eq!(
        hit.marks.len(),
        1,
        "the beginning of here, and not what is in the"
    );

    // What Maya writes now is found before anybody has it.
    maya.say(conversation, "I remember too").await;
    assert_eq!(
        found(&maya, "remember").await,
        ["I remember too", "Remember what I said"]
    );
    let by_sam = SearchArgs {
        by: Some(SearchBy::Other),
        ..words("remember")
    };
    assert_eq!(search(&maya, by_sam).await.hits.len(), 1);

    server.up().await;
    sam.finds("too", &["I remember too"]).await;
    let args = MessageArgs {
        conversation,
        id: third.id,
    };
    sam.core.messages_delete(args).await.unwrap();
    maya.finds("remember", &["I remember too"]).await;
}

#[tokio::test]
async fn an_index_that_was_begun_is_finished_after_a_crash() {
    let (_server, conversation, mut maya, mut sam) = maya_and_sam().await;
    for text in ["one apple", "two apples", "three apples"] {
        sam.say(conversation, text).await;
    }
    sam.all_sent().await;
    maya.finds("apple", &["three apples", "two apples", "one apple"])
        .await;
    maya.core.stop().await;
    // As an update from a version without a search leaves it.
    maya.database("cache.db")
        .execute_batch(
            "DELETE FROM found; INSERT INTO search(search) VALUES ('delete-all');
             INSERT INTO meta(key, value) SELECT 'search_below', CAST(max(rowid) + 1 AS TEXT) FROM message;",
        )
        .unwrap();
    let mut maya = maya.crash().await;
    maya.until("everything is indexed", |core| {
        Box::pin(async move { !core.messages_search(words("x")).await.unwrap().indexing })
    })
    .await;
    maya.finds("apple", &["three apples", "two apples", "one apple"])
        .await;
}

#[tokio::test]
async fn a_cache_that_was_thrown_away_comes_back_with_its_index() {
    let (_server, conversation, mut maya, sam) = maya_and_sam().await;
    sam.say(conversation, "found again").await;
    maya.finds("again", &["found again"]).await;
    maya.core.stop().await;
    std::fs::remove_file(maya.account_folder().join("cache.db")).unwrap();
    let mut maya = maya.restart().await;
    maya.finds("again", &["found again"]).await;
    sam.say(conversation, "and again").await;
    maya.finds("again", &["and again", "found again"]).await;
}
