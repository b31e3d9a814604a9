//! Deleting an account: what goes, what stays for the others, and what devices hear.

use crate::school::{PASSWORD, School, email_of, texts};
use im_protocol::{
    CallId, EditId, ErrorCode, MessageId, WireError,
    account::DeleteMe,
    call::{CallChanged, CallOutcome, CallStart, CallState, MediaKinds},
    command::Done,
    conversation::{
        Closed, Content, MessageDelete, MessageEdit, MessageReact, MessageSend, TypingStart,
    },
    handshake::SessionEnded,
    people::{Availability, Course, Me, Person, Role, Status, StatusSet},
    rest::{Courses, Enrol, History, People, Refresh, Register, SignIn, SignedIn, Tokens},
    sync::{Fact, SnapshotAsk},
};

async fn delete(school: &School, token: &str, password: &str) -> Result<Done, WireError> {
    let asked = DeleteMe {
        password: password.into(),
    };
    school.post("/v1/me/delete", Some(token), &asked).await
}

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_goes_and_maya_keeps_what_was_said_without_the_name() {
    let mut school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut desk = school.connect(&maya).await;
    let cursor = desk.sync_from_snapshot().await;
    let mut sams = school.connect(&sam).await;
    sams.send(conversation, &["hello Maya"]).await.unwrap();
    let wrong = delete(&school, sam.token(), "not the password").await;
    assert_eq!(code_of(wrong), ErrorCode::Forbidden);
    delete(&school, sam.token(), PASSWORD).await.unwrap();

    // Sam's devices hear why, at once and whenever they come back.
    let ended: SessionEnded = sams.hear().await;
    assert_eq!(ended.error.code, ErrorCode::AccountDeleted);
    sams.gone().await;
    let me = school.get::<Me>("/v1/me", sam.token()).await;
    assert_eq!(code_of(me), ErrorCode::AccountDeleted);
    let refresh = Refresh {
        refresh_token: sam.signed_in.tokens.refresh_token.clone(),
    };
    let refreshed = school.post::<Tokens>("/v1/auth/refresh", None, &refresh);
    assert_eq!(code_of(refreshed.await), ErrorCode::AccountDeleted);
    let refused = school.try_connect(sam.auth()).await.err().unwrap();
    assert_eq!(refused.error.code, ErrorCode::AccountDeleted);

    // Maya's device gets the person as they are now.
    let renamed = |facts: &[Fact]| {
        facts.iter().any(
            |fact| matches!(fact, Fact::Person(who) if who.id == sam.id() && who.name == "Deleted account"),
        )
    };
    let (facts, _) = desk.facts(cursor, renamed).await;
    assert_eq!(texts(&facts), ["hello Maya"]);
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, maya.token()).await.unwrap();
    assert_eq!(history.messages.len(), 1);
    let closed = desk.send(conversation, &["still there?"]).await;
    assert_eq!(code_of(closed), ErrorCode::Closed);
    let rung = desk
        .ask(CallStart {
            id: CallId::new(),
            conversation,
            media: MediaKinds::AUDIO,
            about: String::new(),
        })
        .await;
    assert_eq!(code_of(rung), ErrorCode::Closed);
    let people: People = school.get("/v1/people", maya.token()).await.unwrap();
    assert_eq!(people.people, []);

    // The address is free, and whoever comes with it is somebody else.
    let asked = SignIn {
        email: email_of("Sam"),
        password: PASSWORD.into(),
        device: im_protocol::rest::Device {
            id: sam.device,
            name: "Desk".into(),
        },
    };
    let signed_in = school.post::<SignedIn>("/v1/auth/sign-in", None, &asked);
    assert_eq!(code_of(signed_in.await), ErrorCode::Unauthorized);
    let asked = Register {
        email: email_of("Sam"),
        password: PASSWORD.into(),
        name: "Sam".into(),
        device: asked.device,
    };
    let new: SignedIn = school
        .post("/v1/auth/register", None, &asked)
        .await
        .unwrap();
    assert_ne!(new.me.person.id, sam.id());
    let token = &new.tokens.access_token;
    let courses: Courses = school.get("/v1/courses", token).await.unwrap();
    assert_eq!(courses.courses, []);

    // It still holds after a restart, for a device that begins anew.
    school.restart().await;
    let again = school.connect(&maya).await;
    let all = again.ask(SnapshotAsk { after: None }).await.unwrap();
    let named = |who: &Person| (who.id == sam.id()).then(|| who.name.clone());
    let named: Vec<String> = all.people.iter().filter_map(named).collect();
    assert_eq!(named, ["Deleted account"]);
    let between: Vec<_> = all.conversations.iter().map(|one| one.id).collect();
    assert_eq!(between, [conversation]);
    assert_eq!(all.conversations[0].closed, Some(Closed::Deleted));
    let history: History = school.get(&path, maya.token()).await.unwrap();
    assert_eq!(history.messages.len(), 1);
    let refused = school.try_connect(sam.auth()).await.err().unwrap();
    assert_eq!(refused.error.code, ErrorCode::AccountDeleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_what_was_said_once_sam_is_gone() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (desk, sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let said = sams.send(conversation, &["a question"]).await.unwrap();
    let answered = desk.send(conversation, &["an answer"]).await.unwrap();
    let react = |on| MessageReact {
        conversation,
        message: said.accepted[0].id,
        emoji: "👍".into(),
        on,
    };
    sams.ask(react(true)).await.unwrap();
    delete(&school, sam.token(), PASSWORD).await.unwrap();
    let (message, text) = (answered.accepted[0].id, "other words".to_owned());
    let edit = MessageEdit {
        id: EditId::new(),
        conversation,
        message,
        text,
    };
    assert_eq!(code_of(desk.ask(edit).await), ErrorCode::Closed);
    let taken_back = MessageDelete {
        conversation,
        message,
    };
    assert_eq!(code_of(desk.ask(taken_back).await), ErrorCode::Closed);
    assert_eq!(code_of(desk.ask(react(true)).await), ErrorCode::Closed);
    let typing = TypingStart { conversation };
    assert_eq!(code_of(desk.ask(typing).await), ErrorCode::Closed);
    // Whose reaction it was has no name anymore.
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, maya.token()).await.unwrap();
    let kept = history.messages.iter().flat_map(|one| &one.reactions);
    let kept: Vec<_> = kept.flat_map(|one| &one.people).collect();
    assert_eq!(kept, [&sam.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mentor_who_goes_leaves_the_course_and_its_students_without_a_way_in() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut desk = school.connect(&sam).await;
    let mayas = school.connect(&maya).await;
    let status = StatusSet {
        availability: Availability::Available,
        message: "gone fishing".into(),
    };
    mayas.ask(status).await.unwrap();
    mayas.send(conversation, &["hello Sam"]).await.unwrap();
    delete(&school, maya.token(), PASSWORD).await.unwrap();
    let gone = |status: &Status| status.availability == Availability::Offline;
    let status: Status = desk.hear_where(gone).await;
    assert_eq!((status.person, status.message.as_str()), (maya.id(), ""));
    let courses: Courses = school.get("/v1/courses", sam.token()).await.unwrap();
    assert_eq!(courses.courses.len(), 1, "it stays for who is in it");
    let lin = school.person("Lin", Role::Student).await;
    let enrol = Enrol { code: "ALG".into() };
    let joined = school.post::<Course>("/v1/courses/enrol", Some(lin.token()), &enrol);
    assert_eq!(code_of(joined.await), ErrorCode::NotFound);
    let late = school.connect(&sam).await;
    assert_eq!(late.ready.unwrap().statuses, []);
    let sending = MessageSend {
        conversation,
        items: vec![im_protocol::conversation::NewMessage {
            id: MessageId::new(),
            text: "hello?".into(),
            written_at: 1,
            reply_to: None,
            files: Vec::new(),
        }],
    };
    assert_eq!(code_of(desk.ask(sending).await), ErrorCode::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_when_one_of_the_two_deletes_the_account_and_its_record_stays() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut desk = school.connect(&maya).await;
    let sams = school.connect(&sam).await;
    let started = sams.ask(CallStart {
        id: CallId::new(),
        conversation,
        media: MediaKinds::AUDIO,
        about: "fractions".into(),
    });
    started.await.unwrap();
    delete(&school, sam.token(), PASSWORD).await.unwrap();
    let over = |told: &CallChanged| told.call.state == CallState::Over;
    let told: CallChanged = desk.hear_where(over).await;
    assert_eq!(told.call.outcome, Some(CallOutcome::Canceled));
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&path, maya.token()).await.unwrap();
    let record = history.messages.last().unwrap();
    assert!(matches!(record.content, Content::Call { .. }), "{record:?}");
    // Maya's line is free.
    let lin = school.person("Lin", Role::Student).await;
    let other = school
        .operator
        .enrol("ALG", &email_of("Lin"))
        .await
        .unwrap();
    let lins = school.connect(&lin).await;
    let rings = lins.ask(CallStart {
        id: CallId::new(),
        conversation: other,
        media: MediaKinds::AUDIO,
        about: String::new(),
    });
    assert_eq!(rings.await.unwrap().state, CallState::Ringing);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_admin_stays() {
    let school = School::open().await;
    let ada = school.person("Ada", Role::Admin).await;
    let alone = delete(&school, ada.token(), PASSWORD).await;
    assert_eq!(code_of(alone), ErrorCode::Conflict);
    school.person("Eve", Role::Admin).await;
    delete(&school, ada.token(), PASSWORD).await.unwrap();
}
