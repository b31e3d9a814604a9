//! A mentor writes to a whole course at once.

use crate::school::{Account, School, email_of, texts};
use im_protocol::{
    BulkId, CourseId, ErrorCode, WireError,
    bulk::{Bulk, BulkSend, Bulks},
    people::Role,
    rest::Courses,
    sync::SnapshotAsk,
};
use im_server::config::Rate;
use im_testkit::ServerProcess;
use std::{path::Path, time::Duration};

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

/// Maya with a course of so many students, named by their numbers.
async fn class(school: &School, students: usize) -> (Account, CourseId) {
    let maya = school.person("Maya", Role::Mentor).await;
    let email = email_of("Maya");
    let course = school.operator.add_course("Algebra", &email, Some("ALG"));
    let course = course.await.unwrap();
    for n in 0..students {
        let name = format!("S{n}");
        let email = email_of(&name);
        let added =
            school
                .operator
                .add_person(&email, &name, Role::Student, crate::school::PASSWORD);
        added.await.unwrap();
        school.operator.enrol("ALG", &email).await.unwrap();
    }
    (maya, course)
}

fn to(course: CourseId, text: &str) -> BulkSend {
    BulkSend {
        id: BulkId::new(),
        course,
        text: text.into(),
        written_at: 5,
    }
}

/// Waits until everybody's message is written or refused.
async fn done(school: &School, maya: &Account, course: CourseId) -> Bulk {
    let path = format!("/v1/courses/{course}/bulk");
    let wait = async {
        loop {
            let bulks: Bulks = school.get(&path, maya.token()).await.unwrap();
            let last = bulks.bulks.into_iter().next().unwrap();
            if last.sent + last.refused == last.total {
                return last;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::school::SOON, wait)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_it_once_in_their_own_conversation_also_when_the_server_restarts() {
    let mut school = School::open().await;
    let (maya, course) = class(&school, 45).await;
    let desk = school.connect(&maya).await;
    let asked = to(course, "No class on Friday");
    let accepted = desk.ask(asked.clone()).await.unwrap();
    assert_eq!(accepted.total, 45);
    // As good as in the middle of it: what is left is gone on with.
    school.restart().await;
    let last = done(&school, &maya, course).await;
    assert_eq!((last.sent, last.refused), (45, 0));
    // Sent again, by whatever lost its answer, it is told and not done.
    let mut desk = school.connect(&maya).await;
    let again = desk.ask(asked.clone()).await.unwrap();
    assert_eq!(again, last);
    let other = BulkSend {
        text: "No class on Monday".into(),
        ..asked
    };
    assert_eq!(code_of(desk.ask(other).await), ErrorCode::IdReused);

    let sam = school.sign_in("S7", im_protocol::DeviceId::new()).await;
    let mut sams = school.connect(&sam).await;
    sams.sync_from_snapshot().await;
    let snapshot = sams.ask(SnapshotAsk { after: None }).await.unwrap();
    let [conversation] = &snapshot.conversations[..] else {
        panic!("one conversation");
    };
    assert_eq!((conversation.head_seq, conversation.unread), (1, 1));
    // It is answered where it is, by each alone.
    let cursor = desk.sync_from_snapshot().await;
    sams.send(conversation.id, &["Thank you"]).await.unwrap();
    let (facts, _) = desk.facts(cursor, |facts| !texts(facts).is_empty()).await;
    assert_eq!(texts(&facts), ["Thank you"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_the_midst_of_it_leaves_nobody_out_and_writes_to_nobody_twice() {
    let mut school = School::open().await;
    let (maya, course) = class(&school, 60).await;
    school.running.take().unwrap().shutdown().await;
    let program = Path::new(env!("CARGO_BIN_EXE_instantmentor-server"));
    let mut server = ServerProcess::of(program, &school.config.data).with("IM_LIMITS", "wide");
    server.start().await.unwrap();
    let address = server.url().strip_prefix("http://").unwrap();
    school.config.listen = address.parse().unwrap();
    let desk = school.connect(&maya).await;
    let asked = to(course, "No class on Friday");
    desk.ask(asked.clone()).await.unwrap();
    server.kill9().await.unwrap();
    server.start().await.unwrap();
    let last = done(&school, &maya, course).await;
    assert_eq!((last.total, last.sent), (60, 60));
    let mut desk = school.connect(&maya).await;
    assert_eq!(desk.ask(asked).await.unwrap(), last);
    desk.sync_from_snapshot().await;
    let snapshot = desk.ask(SnapshotAsk { after: None }).await.unwrap();
    assert_eq!(snapshot.conversations.len(), 60);
    assert!(snapshot.conversations.iter().all(|one| one.head_seq == 1));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_the_course_s_mentor_and_within_limits() {
    let school = School::open_with(|config| {
        config.limits.bulks = Rate {
            burst: 1,
            per_second: 0.001,
        };
    })
    .await;
    let (maya, course) = class(&school, 1).await;
    let empty = school
        .operator
        .add_course("Empty", &email_of("Maya"), None)
        .await
        .unwrap();
    let ben = school.person("Ben", Role::Mentor).await;
    let ada = school.person("Ada", Role::Admin).await;
    let sam = school.sign_in("S0", im_protocol::DeviceId::new()).await;
    for stranger in [&ben, &ada, &sam] {
        let device = school.connect(stranger).await;
        let no = device.ask(to(course, "hello")).await;
        assert_eq!(code_of(no), ErrorCode::NotFound);
        let path = format!("/v1/courses/{course}/bulk");
        let no = school.get::<Bulks>(&path, stranger.token()).await;
        assert_eq!(code_of(no), ErrorCode::NotFound);
    }
    let desk = school.connect(&maya).await;
    assert_eq!(code_of(desk.ask(to(course, " ")).await), ErrorCode::Invalid);
    let long = "x".repeat(im_protocol::limits::MESSAGE_CHARS + 1);
    let no = desk.ask(to(course, &long)).await;
    assert_eq!(code_of(no), ErrorCode::TooLarge);
    let nobody = desk.ask(to(empty, "hello")).await;
    assert_eq!(code_of(nobody), ErrorCode::Conflict);
    let asked = to(course, "hello");
    desk.ask(asked.clone()).await.unwrap();
    // Again is not anew; another one is too soon.
    desk.ask(asked).await.unwrap();
    let soon = desk.ask(to(course, "and another thing")).await;
    assert_eq!(code_of(soon), ErrorCode::RateLimited);
    let courses: Courses = school.get("/v1/courses", maya.token()).await.unwrap();
    assert_eq!(courses.courses.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_left_by_then_is_counted_and_not_written_to() {
    let school = School::open().await;
    let (maya, course) = class(&school, 2).await;
    let mut desk = school.connect(&maya).await;
    desk.ask(to(course, "one")).await.unwrap();
    done(&school, &maya, course).await;
    desk.hear_where(|told: &Bulk| told.sent == 2).await;
    school
        .operator
        .unenrol("ALG", &email_of("S0"))
        .await
        .unwrap();
    school.running().clock().advance(Duration::from_secs(1));
    let second = desk.ask(to(course, "two")).await.unwrap();
    assert_eq!(second.total, 1, "for those who are in it now");
    let last = done(&school, &maya, course).await;
    assert_eq!((last.sent, last.refused), (1, 0));
}
