//! Maya and Sam write to each other.

use super::device::{Device, text};
use im_contract::{
    Commands, CoreEvent,
    args::{Nothing, OpenArgs, PageArgs, ReadArgs, StatusArgs},
    views::MessageState,
};
use im_core::notify::{Action, NotificationAction, NotificationId};
use im_protocol::{
    ConversationId,
    people::{Availability, Role},
};
use im_testkit::TestServer;

#[tokio::test]
async fn a_message_goes_from_writing_to_read() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;

    let written = sam.say(conversation, "What is a group?").await;
    assert_eq!(written.seq, None);
    maya.reads(conversation, &["What is a group?"]).await;
    sam.last_is(conversation, MessageState::Sent).await;
    let row = &maya.conversations().await[0];
    assert_eq!(row.unread, 1);
    assert_eq!(row.other.name, "Sam");
    assert_eq!(row.course.as_ref().unwrap().title, "Algebra");

    let args = ReadArgs {
        conversation,
        seq: 1,
    };
    maya.core.conversations_read(args).await.unwrap();
    assert_eq!(maya.conversations().await[0].unread, 0);
    sam.last_is(conversation, MessageState::Read).await;
}

#[tokio::test]
async fn a_flood_from_both_sides_arrives_once_and_in_order_on_all_devices() {
    const EACH: usize = 150;
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut phone = Device::of("Sam", &server.url()).await;
    for number in 0..EACH {
        maya.say(conversation, &format!("Maya {number}")).await;
        sam.say(conversation, &format!("Sam {number}")).await;
    }
    maya.all_sent().await;
    sam.all_sent().await;
    let wanted = u64::try_from(2 * EACH).unwrap();
    let mut everywhere = Vec::new();
    for device in [&mut maya, &mut sam, &mut phone] {
        device
            .until("all is there", |core| {
                Box::pin(async move {
                    let rows = core.conversations_list(Nothing {}).await.unwrap();
                    rows[0].head_seq == wanted
                })
            })
            .await;
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let args = PageArgs {
                before,
                ..PageArgs::newest(conversation, 70)
            };
            let page = device.core.messages_page(args).await.unwrap();
            before = page.messages.first().and_then(|first| first.seq);
            all.splice(0..0, page.messages.iter().map(text));
            if !page.more {
                break;
            }
        }
        everywhere.push(all);
    }
    assert_eq!(everywhere[0].len(), 2 * EACH);
    assert_eq!(everywhere[0], everywhere[1]);
    assert_eq!(everywhere[0], everywhere[2]);
    for name in ["Maya", "Sam"] {
        let theirs: Vec<&String> = everywhere[0]
            .iter()
            .filter(|text| text.starts_with(name))
            .collect();
        let wanted: Vec<String> = (0..EACH).map(|number| format!("{name} {number}")).collect();
        assert_eq!(theirs, wanted.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn presence_and_status_are_seen_at_once_and_unknown_while_offline() {
    let mut server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    server.course("Algebra", "Maya", "Sam").await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let other = |core: &im_core::Core| {
        let core = core.clone();
        async move {
            let rows = core.conversations_list(Nothing {}).await.unwrap();
            rows[0].other.clone()
        }
    };
    assert_eq!(other(&sam.core).await.online, Some(false));
    let maya = Device::of("Maya", &server.url()).await;
    sam.until("Maya is there", |core| {
        Box::pin(async move { other(core).await.online == Some(true) })
    })
    .await;
    let args = StatusArgs {
        availability: Availability::Break,
        message: "Tea".to_owned(),
    };
    maya.core.status_set(args).await.unwrap();
    sam.until("Maya has a break", |core| {
        Box::pin(async move {
            let mentors = core.people_mentors(Nothing {}).await.unwrap();
            let status = mentors[0].status.as_ref();
            status.is_some_and(|status| status.message == "Tea")
        })
    })
    .await;
    let own = maya.core.status_get(Nothing {}).await.unwrap().unwrap();
    assert_eq!(own.availability, Availability::Break);
    server.down().await;
    sam.until("nobody knows", |core| {
        Box::pin(async move { other(core).await.online.is_none() })
    })
    .await;
}

#[tokio::test]
async fn the_one_conversation_is_opened_and_never_made_twice() {
    let server = TestServer::start().await;
    let maya = server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let about_algebra = server.course("Algebra", "Maya", "Sam").await;
    let sam = Device::of("Sam", &server.url()).await;
    let people = sam.core.people_list(Nothing {}).await.unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].id, maya);
    let courses = sam.core.courses_list(Nothing {}).await.unwrap();
    let args = OpenArgs {
        with: maya,
        course: Some(courses[0].id),
    };
    let row = sam.core.conversations_open(args).await.unwrap();
    assert_eq!(row.id, about_algebra);
    let args = OpenArgs {
        with: maya,
        course: None,
    };
    let plain = sam.core.conversations_open(args).await.unwrap();
    assert_ne!(plain.id, about_algebra);
    let again = sam.core.conversations_open(args).await.unwrap();
    assert_eq!(again.id, plain.id);
}

#[tokio::test]
async fn a_new_message_is_notified_unless_it_is_looked_at_and_a_click_shows_it() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let sam = Device::of("Sam", &server.url()).await;
    let elsewhere = another_conversation(&sam).await;

    maya.core.set_visible(Some(conversation));
    sam.say(conversation, "one").await;
    maya.reads(conversation, &["one"]).await;
    // Notifications come in order: the one of a later message says that this one had none.
    sam.say(elsewhere, "something else").await;
    maya.shows(&[NotificationId::Message(elsewhere)]).await;
    maya.core.set_visible(Some(elsewhere));
    maya.shows(&[]).await;

    maya.core.set_visible(None);
    sam.say(conversation, "two").await;
    maya.shows(&[NotificationId::Message(conversation)]).await;
    let shown = maya.desktop.shown();
    assert_eq!(shown[0].title, "Sam");
    assert!(!shown[0].body.contains("two"), "the words stay inside");

    maya.told().await;
    let click = NotificationAction {
        id: shown[0].id,
        action: Action::Open,
    };
    maya.actions.send(click).await.unwrap();
    maya.shows(&[]).await;
    let opened = maya.core.view_opened(Nothing {}).await.unwrap();
    assert_eq!(opened.conversation, Some(conversation));
    let opened = maya.core.view_opened(Nothing {}).await.unwrap();
    assert_eq!(opened.conversation, None);
}

#[tokio::test]
async fn what_happened_before_is_not_notified_when_a_device_comes_back() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    maya.core.stop().await;
    sam.say(conversation, "while you were away").await;
    sam.all_sent().await;
    let mut maya = maya.restart().await;
    maya.reads(conversation, &["while you were away"]).await;
    maya.caught_up().await;
    assert_eq!(maya.conversations().await[0].unread, 1);
    let elsewhere = another_conversation(&sam).await;
    sam.say(elsewhere, "now that you are here").await;
    maya.shows(&[NotificationId::Message(elsewhere)]).await;
    let shown = |event: &CoreEvent| matches!(event, CoreEvent::ShowConversation { .. });
    assert!(!maya.told().await.iter().any(shown));
}

#[tokio::test]
async fn what_is_read_on_one_device_is_notified_on_no_other_anymore() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut desktop = Device::of("Maya", &server.url()).await;
    let mut laptop = Device::of("Maya", &server.url()).await;
    let sam = Device::of("Sam", &server.url()).await;
    sam.say(conversation, "one").await;
    sam.say(conversation, "two").await;
    for device in [&mut desktop, &mut laptop] {
        device.reads(conversation, &["one", "two"]).await;
        device.shows(&[NotificationId::Message(conversation)]).await;
    }
    let read = |seq| ReadArgs { conversation, seq };
    laptop.core.conversations_read(read(1)).await.unwrap();
    desktop
        .until("the first is read", |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows[0].unread == 1
            })
        })
        .await;
    desktop
        .shows(&[NotificationId::Message(conversation)])
        .await;
    laptop.core.conversations_read(read(2)).await.unwrap();
    desktop.shows(&[]).await;
    laptop.shows(&[]).await;
}

/// The conversation of Sam and Maya that is about no course.
async fn another_conversation(sam: &Device) -> ConversationId {
    let with = sam.conversations().await.first().unwrap().other.id;
    let args = OpenArgs { with, course: None };
    sam.core.conversations_open(args).await.unwrap().id
}
