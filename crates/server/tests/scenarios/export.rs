//! Taking everything along.

use crate::school::School;
use im_protocol::{
    CallId, EditId, ErrorCode, WireError,
    call::{CallStart, MediaKinds},
    conversation::{MessageDelete, MessageEdit},
    people::Role,
};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn sam_gets_everything_that_is_theirs_and_nothing_of_others() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let other = school
        .operator
        .enrol("ALG", &crate::school::email_of("Lin"))
        .await
        .unwrap();
    let lins = school.connect(&lin).await;
    lins.send(other, &["a secret of Lin's"]).await.unwrap();
    let sams = school.connect(&sam).await;
    // More than a page.
    for fifty in 0..9 {
        let texts: Vec<_> = (0..50)
            .map(|n| format!("number {}", fifty * 50 + n))
            .collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        sams.send(conversation, &texts).await.unwrap();
    }
    let mayas = school.connect(&maya).await;
    mayas
        .send(conversation, &["\"quoted\" \n and 👍🏽"])
        .await
        .unwrap();
    let started = sams.ask(CallStart {
        id: CallId::new(),
        conversation,
        media: MediaKinds::AUDIO,
        about: "fractions".into(),
    });
    started.await.unwrap();

    let all: Value = school.get("/v1/me/export", sam.token()).await.unwrap();
    assert_eq!(all["complete"], true);
    assert_eq!(all["profile"]["email"], "sam@school.example");
    assert_eq!(all["courses"][0]["title"], "Algebra");
    assert_eq!(all["people"][0]["name"], "Maya");
    assert_eq!(all["sessions"][0]["device_name"], "Desk");
    let conversations = all["conversations"].as_array().unwrap();
    assert_eq!(conversations.len(), 1);
    let messages = conversations[0]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 451);
    assert_eq!(messages[449]["content"]["text"], "number 449");
    assert_eq!(messages[450]["content"]["text"], "\"quoted\" \n and 👍🏽");
    assert_eq!(conversations[0]["calls"][0]["about"], "fractions");
    let text = all.to_string();
    assert!(!text.contains("Lin") && !text.contains("argon2"), "{text}");
    assert!(
        !text.contains("maya@"),
        "addresses of others are not theirs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_has_its_earlier_words_and_what_others_took_back_has_none() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (mayas, sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let own = sams.send(conversation, &["before", "regretted"]).await;
    let own = own.unwrap().accepted;
    let hers = mayas.send(conversation, &["Maya regrets"]).await.unwrap();
    let edit = |message, text: &str| MessageEdit {
        id: EditId::new(),
        conversation,
        message,
        text: text.into(),
    };
    let delete = |message| MessageDelete {
        conversation,
        message,
    };
    sams.ask(edit(own[0].id, "after")).await.unwrap();
    sams.ask(edit(own[1].id, "regretted too")).await.unwrap();
    sams.ask(delete(own[1].id)).await.unwrap();
    let hers = hers.accepted[0].id;
    mayas.ask(edit(hers, "Maya regrets more")).await.unwrap();
    mayas.ask(delete(hers)).await.unwrap();

    let all: Value = school.get("/v1/me/export", sam.token()).await.unwrap();
    let messages = all["conversations"][0]["messages"].as_array().unwrap();
    let by_id = |id: im_protocol::MessageId| {
        let id = serde_json::json!(id);
        messages.iter().find(|one| one["id"] == id).unwrap()
    };
    let changed = by_id(own[0].id);
    assert_eq!(changed["content"]["text"], "after");
    assert_eq!(changed["wordings"][0]["text"], "before");
    let deleted = by_id(own[1].id);
    assert_eq!(deleted["taken_back"], "regretted too");
    assert_eq!(deleted["wordings"][0]["text"], "regretted");
    assert!(by_id(hers).get("taken_back").is_none());
    assert!(!all.to_string().contains("Maya regrets"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_a_few_times_and_not_for_strangers() {
    let school = School::open_with(|config| {
        config.limits.exports = im_server::config::Rate {
            burst: 1,
            per_second: 0.001,
        };
    })
    .await;
    let sam = school.person("Sam", Role::Student).await;
    let code = |result: Result<Value, WireError>| result.unwrap_err().code;
    let stranger = school.get("/v1/me/export", "no token").await;
    assert_eq!(code(stranger), ErrorCode::Unauthorized);
    let all: Value = school.get("/v1/me/export", sam.token()).await.unwrap();
    assert_eq!(all["conversations"].as_array().unwrap().len(), 0);
    let again = school.get("/v1/me/export", sam.token()).await;
    assert_eq!(code(again), ErrorCode::RateLimited);
}
