//! What ties a student and a mentor, and what follows where nothing does anymore.

use crate::school::{Account, Device, School, email_of, new_message};
use im_protocol::{
    CallId, ConversationId, EditId, ErrorCode, WireError,
    call::{CallChanged, CallStart, CallState, MediaKinds},
    command::Done,
    conversation::{
        Closed, Conversation, MessageDelete, MessageEdit, MessageReact, MessageSend, ReadMark,
        TypingStart,
    },
    courses::AssignMentor,
    people::{Person, Presence, Role},
    rest::{History, OpenConversation, People},
    sync::{Cursor, Fact},
};

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

async fn names(school: &School, of: &Account) -> Vec<String> {
    let people: People = school.get("/v1/people", of.token()).await.unwrap();
    people.people.into_iter().map(|one| one.name).collect()
}

/// Takes facts until this conversation is closed for this reason, or open.
async fn until_closed(
    device: &mut Device,
    cursor: Cursor,
    id: ConversationId,
    why: Option<Closed>,
) -> Cursor {
    let is = |facts: &[Fact]| {
        facts.iter().any(
            |fact| matches!(fact, Fact::Conversation(seen) if seen.id == id && seen.closed == why),
        )
    };
    device.facts(cursor, is).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_leaves_the_course_and_both_can_only_read_until_sam_is_back() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (mut desk, mut sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let cursor = desk.sync_from_snapshot().await;
    let sams_cursor = sams.sync_from_snapshot().await;
    let said = sams.send(conversation, &["a question"]).await.unwrap();
    let start = |id| CallStart {
        id,
        conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    let call = sams.ask(start(CallId::new())).await.unwrap();
    assert_eq!(call.state, CallState::Ringing);

    assert!(
        school
            .operator
            .unenrol("ALG", &email_of("Sam"))
            .await
            .unwrap()
    );
    // Both see it at once, and the call is over.
    let closed = Some(Closed::Untied);
    let cursor = until_closed(&mut desk, cursor, conversation, closed).await;
    let sams_cursor = until_closed(&mut sams, sams_cursor, conversation, closed).await;
    sams.hear_where(|told: &CallChanged| told.call.state == CallState::Over)
        .await;
    desk.hear_where(|told: &Presence| told.person == sam.id() && !told.online)
        .await;
    assert!(names(&school, &maya).await.is_empty());
    assert!(names(&school, &sam).await.is_empty());

    // Whatever would change what was said is refused, with one reason.
    let message = said.accepted[0].id;
    let untied = ErrorCode::Untied;
    assert_eq!(code_of(desk.send(conversation, &["hm"]).await), untied);
    assert_eq!(code_of(sams.send(conversation, &["hm"]).await), untied);
    let edit = MessageEdit {
        id: EditId::new(),
        conversation,
        message,
        text: "another".into(),
    };
    assert_eq!(code_of(sams.ask(edit).await), untied);
    let delete = MessageDelete {
        conversation,
        message,
    };
    assert_eq!(code_of(sams.ask(delete).await), untied);
    let react = MessageReact {
        conversation,
        message,
        emoji: "👍".into(),
        on: true,
    };
    assert_eq!(code_of(desk.ask(react).await), untied);
    let typing = TypingStart { conversation };
    assert_eq!(code_of(desk.ask(typing).await), untied);
    assert_eq!(code_of(desk.ask(start(CallId::new())).await), untied);
    // Reading goes on.
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, sam.token()).await.unwrap();
    // The question and the record of the call.
    assert_eq!(history.messages.len(), 2);
    let mark = ReadMark {
        conversation,
        seq: 2,
    };
    desk.ask(mark).await.unwrap();

    // A device that comes later finds it closed too.
    let mut late = school
        .connect(&school.sign_in("Maya", im_protocol::DeviceId::new()).await)
        .await;
    late.sync_from_snapshot().await;
    let snapshot = late.ask(im_protocol::sync::SnapshotAsk { after: None });
    let snapshot = snapshot.await.unwrap();
    assert_eq!(snapshot.conversations[0].closed, closed);
    assert_eq!(snapshot.people[0].name, "Sam");
    assert!(late.ready.take().unwrap().presence.is_empty());

    // Back in the course, it is the same conversation, and open.
    let again = school.operator.enrol("ALG", &email_of("Sam")).await;
    assert_eq!(again.unwrap(), conversation);
    until_closed(&mut desk, cursor, conversation, None).await;
    until_closed(&mut sams, sams_cursor, conversation, None).await;
    desk.hear_where(|told: &Presence| told.person == sam.id() && told.online)
        .await;
    sams.send(conversation, &["I am back"]).await.unwrap();
    assert_eq!(names(&school, &maya).await, ["Sam"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_course_lost_does_not_close_what_is_about_another_or_about_none() {
    let school = School::open().await;
    let (maya, sam, algebra) = school.maya_and_sam().await;
    let email = email_of("Maya");
    let physics = school.operator.add_course("Physics", &email, Some("PHY"));
    physics.await.unwrap();
    let physics = school
        .operator
        .enrol("PHY", &email_of("Sam"))
        .await
        .unwrap();
    let asked = OpenConversation {
        with: maya.id(),
        course: None,
    };
    let path = "/v1/conversations";
    let plain: Conversation = school.post(path, Some(sam.token()), &asked).await.unwrap();
    let sams = school.connect(&sam).await;
    school
        .operator
        .unenrol("ALG", &email_of("Sam"))
        .await
        .unwrap();
    let lost = sams.send(algebra, &["hm"]).await;
    assert_eq!(code_of(lost), ErrorCode::Untied);
    for open in [physics, plain.id] {
        sams.send(open, &["still here"]).await.unwrap();
    }
    school
        .operator
        .unenrol("PHY", &email_of("Sam"))
        .await
        .unwrap();
    let lost = sams.send(plain.id, &["hm"]).await;
    assert_eq!(code_of(lost), ErrorCode::Untied);
    // It is there, so it can be opened, to read; what is not there is not made.
    let found: Conversation = school.post(path, Some(sam.token()), &asked).await.unwrap();
    assert_eq!((found.id, found.closed), (plain.id, Some(Closed::Untied)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ada_assigns_lin_a_mentor_and_then_another_one() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let ben = school.person("Ben", Role::Mentor).await;
    let lin = school.person("Lin", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    let mut desk = school.connect(&maya).await;
    let cursor = desk.sync_from_snapshot().await;
    let give = |by: &Account, student, mentor| {
        let (school, token) = (&school, by.token().to_owned());
        async move {
            let path = format!("/v1/people/{student}/mentor");
            let asked = AssignMentor { mentor };
            school.put::<Done>(&path, &token, &asked).await
        }
    };
    // Nobody but an admin does.
    for other in [&maya, &lin] {
        let no = give(other, lin.id(), Some(maya.id())).await;
        assert_eq!(code_of(no), ErrorCode::Forbidden);
    }
    let no = give(&ada, ben.id(), Some(maya.id())).await;
    assert_eq!(code_of(no), ErrorCode::NotFound);
    let no = give(&ada, lin.id(), Some(lin.id())).await;
    assert_eq!(code_of(no), ErrorCode::NotFound);

    let lins = school.connect(&lin).await;
    give(&ada, lin.id(), Some(maya.id())).await.unwrap();
    desk.hear_where(|told: &Presence| told.person == lin.id() && told.online)
        .await;
    // Lin appears with Maya at once, who they are first.
    let there = |facts: &[Fact]| {
        let mut facts = facts.iter();
        facts.any(|fact| matches!(fact, Fact::Conversation(_)))
    };
    let (facts, cursor) = desk.facts(cursor, there).await;
    assert!(matches!(&facts[0], Fact::Person(Person { name, .. }) if name == "Lin"));
    let Some(Fact::Conversation(with_maya)) = facts.last() else {
        panic!("no conversation");
    };
    assert_eq!(with_maya.closed, None);
    assert_eq!(names(&school, &maya).await, ["Lin"]);
    lins.send(with_maya.id, &["hello"]).await.unwrap();

    give(&ada, lin.id(), Some(ben.id())).await.unwrap();
    until_closed(&mut desk, cursor, with_maya.id, Some(Closed::Untied)).await;
    assert!(names(&school, &maya).await.is_empty());
    assert_eq!(names(&school, &lin).await, ["Ben"]);
    let lost = lins.send(with_maya.id, &["hm"]).await;
    assert_eq!(code_of(lost), ErrorCode::Untied);
    give(&ada, lin.id(), None).await.unwrap();
    assert!(names(&school, &lin).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_twice_at_the_same_moment_is_one_conversation() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let phone = school.sign_in("Sam", im_protocol::DeviceId::new()).await;
    let asked = OpenConversation {
        with: maya.id(),
        course: None,
    };
    let path = "/v1/conversations";
    let open = |token| school.post::<Conversation>(path, Some(token), &asked);
    let (one, two) = tokio::join!(open(sam.token()), open(phone.token()));
    assert_eq!(one.unwrap().id, two.unwrap().id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_on_its_way_while_the_tie_is_lost_is_taken_or_refused_and_never_halfway() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let item = new_message("just now");
    let ask = MessageSend {
        conversation,
        items: vec![item],
    };
    let email = email_of("Sam");
    let (sent, removed) = tokio::join!(
        sams.ask(ask.clone()),
        school.operator.unenrol("ALG", &email)
    );
    assert!(removed.unwrap());
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, sam.token()).await.unwrap();
    assert_eq!(history.messages.len(), usize::from(sent.is_ok()));
    // Sent again without an answer to the first, it is refused and not doubled.
    assert_eq!(code_of(sams.ask(ask).await), ErrorCode::Untied);
}
