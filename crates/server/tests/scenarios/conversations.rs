//! Messages, read markers, history, who may.

use crate::school::{School, new_message, texts};
use im_protocol::{
    ConversationId, ErrorCode,
    conversation::{ChangesSince, Conversation, MessageSend, ReadMark},
    people::{Course, Role},
    rest::{Courses, Enrol, History, OpenConversation, People},
    sync::Fact,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_sam_writes_reaches_all_of_maya_s_devices_once_and_in_order() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let phone = school.sign_in("Maya", im_protocol::DeviceId::new()).await;
    let mut devices = Vec::new();
    for account in [&maya, &phone, &sam] {
        let mut device = school.connect(account).await;
        let cursor = device.sync_from_snapshot().await;
        devices.push((device, cursor));
    }
    let from_sam = school.connect(&sam).await;
    let sent = from_sam.send(conversation, &["one", "two"]).await.unwrap();
    assert_eq!(sent.failed, None);
    let seqs: Vec<_> = sent.accepted.iter().map(|one| one.seq).collect();
    assert_eq!(seqs, [1, 2]);
    from_sam.send(conversation, &["three"]).await.unwrap();
    for (device, cursor) in &mut devices {
        let (facts, _) = device.facts(*cursor, |facts| texts(facts).len() == 3).await;
        assert_eq!(texts(&facts), ["one", "two", "three"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_again_gives_the_first_result_again() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sam_device = school.connect(&sam).await;
    let item = new_message("Is 7 prime?");
    let ask = |item| MessageSend {
        conversation,
        items: vec![item],
    };
    let first = sam_device.ask(ask(item.clone())).await.unwrap();
    let second = sam_device.ask(ask(item.clone())).await.unwrap();
    assert_eq!(first, second);

    let mut other_words = item.clone();
    other_words.text = "Is 8 prime?".into();
    let failed = sam_device.ask(ask(other_words)).await.unwrap().failed;
    assert_eq!(failed.unwrap().error.code, ErrorCode::IdReused);

    // Whose id it is makes no difference to what is told.
    let maya_device = school.connect(&maya).await;
    let failed = maya_device.ask(ask(item.clone())).await.unwrap().failed;
    assert_eq!(failed.unwrap().error.code, ErrorCode::IdReused);

    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, maya.token()).await.unwrap();
    assert_eq!(history.messages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sending_stops_at_the_first_refusal_and_keeps_what_came_before() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    let sent = device
        .send(conversation, &["one", "  ", "three"])
        .await
        .unwrap();
    assert_eq!(sent.accepted.len(), 1);
    assert_eq!(sent.failed.unwrap().error.code, ErrorCode::Invalid);
    let long = "x".repeat(im_protocol::limits::MESSAGE_CHARS + 1);
    let sent = device.send(conversation, &[&long]).await.unwrap();
    assert_eq!(sent.failed.unwrap().error.code, ErrorCode::TooLarge);
    let sent = device.send(conversation, &["two"]).await.unwrap();
    assert_eq!(sent.accepted[0].seq, 2);
    let too_many = vec!["x"; im_protocol::limits::SEND_ITEMS + 1];
    let refused = device.send(conversation, &too_many).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_follows_the_marker_and_the_other_sees_it() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sam_device = school.connect(&sam).await;
    let mut maya_device = school.connect(&maya).await;
    let cursor = maya_device.sync_from_snapshot().await;
    sam_device
        .send(conversation, &["a", "b", "c"])
        .await
        .unwrap();
    let (facts, cursor) = maya_device
        .facts(cursor, |facts| texts(facts).len() == 3)
        .await;
    let Some(Fact::Message(last)) = facts.last() else {
        panic!("no message");
    };
    assert_eq!(last.unread, 3);

    let mut sam_sees = school.connect(&sam).await;
    let sam_cursor = sam_sees.sync_from_snapshot().await;
    let mark = |seq| ReadMark { conversation, seq };
    maya_device.ask(mark(2)).await.unwrap();
    // Back is not a way to go, and beyond the end is the end.
    maya_device.ask(mark(1)).await.unwrap();
    maya_device.ask(mark(99)).await.unwrap();
    let read = |facts: &[Fact], seq: u64, of_other: bool| {
        facts.iter().any(|fact| match fact {
            Fact::Conversation(seen) if of_other => seen.other_read_seq == seq,
            Fact::Conversation(seen) => seen.read_seq == seq && seen.unread == 0,
            _ => false,
        })
    };
    maya_device
        .facts(cursor, |facts| read(facts, 3, false))
        .await;
    sam_sees
        .facts(sam_cursor, |facts| read(facts, 3, true))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conversation_of_a_student_a_mentor_and_a_course_is_made_once() {
    let school = School::open().await;
    let (maya, sam, enrolled) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let courses: Courses = school.get("/v1/courses", sam.token()).await.unwrap();
    let course = courses.courses.first().unwrap().id;
    let path = "/v1/conversations";
    let about = |with, course| OpenConversation { with, course };

    let by_sam: Conversation = school
        .post(path, Some(sam.token()), &about(maya.id(), Some(course)))
        .await
        .unwrap();
    let by_maya: Conversation = school
        .post(path, Some(maya.token()), &about(sam.id(), Some(course)))
        .await
        .unwrap();
    assert_eq!((by_sam.id, by_maya.id), (enrolled, enrolled));
    let plain: Conversation = school
        .post(path, Some(sam.token()), &about(maya.id(), None))
        .await
        .unwrap();
    assert_ne!(plain.id, enrolled);

    // Lin has no tie, and does not even learn who is there.
    for with in [maya.id(), sam.id(), im_protocol::PersonId::new()] {
        let asked = about(with, None);
        let no = school.post::<Conversation>(path, Some(lin.token()), &asked);
        assert_eq!(no.await.unwrap_err().code, ErrorCode::NotFound);
    }
    let people: People = school.get("/v1/people", maya.token()).await.unwrap();
    let names: Vec<_> = people.people.iter().map(|person| &person.name).collect();
    assert_eq!(names, ["Sam"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lin_enrols_by_code_and_appears_at_maya_s_at_once() {
    let school = School::open().await;
    let (maya, _, _) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let mut maya_device = school.connect(&maya).await;
    let cursor = maya_device.sync_from_snapshot().await;
    let asked = Enrol { code: "ALG".into() };
    let path = "/v1/courses/enrol";
    let course: Course = school.post(path, Some(lin.token()), &asked).await.unwrap();
    assert_eq!(course.title, "Algebra");
    let (facts, _) = maya_device
        .facts(cursor, |facts| {
            let mut facts = facts.iter();
            facts.any(|fact| matches!(fact, Fact::Conversation(_)))
        })
        .await;
    // Who comes before what they are in.
    assert!(matches!(&facts[0], Fact::Person(person) if person.name == "Lin"));

    let no = school
        .post::<Course>(path, Some(maya.token()), &asked)
        .await;
    assert_eq!(no.unwrap_err().code, ErrorCode::Forbidden);
    let unknown = Enrol {
        code: "NONE".into(),
    };
    let no = school
        .post::<Course>(path, Some(lin.token()), &unknown)
        .await;
    assert_eq!(no.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_read_write_or_mark() {
    let school = School::open().await;
    let (maya, _, conversation) = school.maya_and_sam().await;
    let maya_device = school.connect(&maya).await;
    maya_device.send(conversation, &["private"]).await.unwrap();
    school.person("Ada", Role::Admin).await;
    for (name, role) in [("Lin", Role::Student), ("Ben", Role::Mentor)] {
        let stranger = school.person(name, role).await;
        let device = school.connect(&stranger).await;
        for conversation in [conversation, ConversationId::new()] {
            let no = device.send(conversation, &["hello"]).await.unwrap_err();
            assert_eq!(no.code, ErrorCode::NotFound);
            let no = device
                .ask(ReadMark {
                    conversation,
                    seq: 1,
                })
                .await;
            assert_eq!(no.unwrap_err().code, ErrorCode::NotFound);
            let asked = ChangesSince {
                conversation,
                rev: 0,
                limit: 10,
            };
            let no = device.ask(asked).await.unwrap_err();
            assert_eq!(no.code, ErrorCode::NotFound);
            let path = format!("/v1/conversations/{conversation}/messages");
            let no = school.get::<History>(&path, stranger.token()).await;
            assert_eq!(no.unwrap_err().code, ErrorCode::NotFound);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_goes_back_in_pages_and_changes_forward() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    let words: Vec<String> = (1..=45).map(|n| format!("line {n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    device.send(conversation, &words).await.unwrap();

    let mut before = String::new();
    let mut seen = Vec::new();
    loop {
        let path = format!("/v1/conversations/{conversation}/messages?limit=20{before}");
        let page: History = school.get(&path, maya.token()).await.unwrap();
        let seqs: Vec<_> = page.messages.iter().map(|message| message.seq).collect();
        before = format!("&before={}", seqs[0]);
        seen.splice(0..0, seqs);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (1..=45).collect::<Vec<_>>());

    let asked = ChangesSince {
        conversation,
        rev: 40,
        limit: 3,
    };
    let changes = device.ask(asked).await.unwrap();
    let revs: Vec<_> = changes.messages.iter().map(|one| one.rev).collect();
    assert_eq!((revs, changes.more), (vec![41, 42, 43], true));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_messages_come_in_pages_that_fit_a_packet() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    let long = "ж".repeat(im_protocol::limits::MESSAGE_CHARS);
    for _ in 0..3 {
        device
            .send(conversation, &[long.as_str(); 30])
            .await
            .unwrap();
    }
    let (mut rev, mut pages) = (0, 0);
    loop {
        let asked = ChangesSince {
            conversation,
            rev,
            limit: 200,
        };
        let changes = device.ask(asked).await.unwrap();
        pages += 1;
        rev = changes.messages.last().unwrap().rev;
        if !changes.more {
            break;
        }
    }
    assert_eq!(rev, 90);
    assert!(pages > 1, "90 long messages do not fit one packet");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_write_at_once_get_places_without_gaps_and_all_of_it_arrives() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut listening = school.connect(&maya).await;
    let cursor = listening.sync_from_snapshot().await;
    let lin = school.person("Lin", Role::Student).await;
    let mut writers = Vec::new();
    for account in [&maya, &sam, &lin].into_iter().cycle().take(18) {
        let device = school.connect(account).await;
        let outside = account.id() == lin.id();
        writers.push(tokio::spawn(async move {
            let mut places = Vec::new();
            for n in 0..10 {
                let ask = MessageSend {
                    conversation,
                    items: vec![new_message(&format!("{n}")), new_message("and more")],
                };
                let first = device.ask(ask.clone()).await;
                let again = device.ask(ask).await;
                assert_eq!(first, again);
                // Those who may not are refused in the midst of those who may.
                assert_eq!(first.is_err(), outside);
                places.extend(first.into_iter().flat_map(|sent| sent.accepted));
            }
            places
        }));
    }
    let mut seqs = Vec::new();
    for writer in writers {
        seqs.extend(writer.await.unwrap().into_iter().map(|one| one.seq));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=240).collect::<Vec<_>>());

    let (facts, _) = listening
        .facts(cursor, |facts| texts(facts).len() >= 240)
        .await;
    let of_message = |fact: &Fact| match fact {
        Fact::Message(fact) => Some(fact.message.seq),
        _ => None,
    };
    let told: Vec<_> = facts.iter().filter_map(of_message).collect();
    assert_eq!(told, (1..=240).collect::<Vec<_>>());
}
