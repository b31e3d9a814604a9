//! Ties, courses, and what a mentor writes to a whole course.

use super::device::{Device, messages, text};
use im_contract::{
    Commands, ErrorKind,
    args::{EnrolArgs, Nothing, OpenArgs},
    courses::{AddStudentArgs, AnnounceArgs, CourseArgs, CourseStudentArgs},
    views::{ConnectionState, ConversationRow},
};
use im_core::Core;
use im_protocol::{ConversationId, CourseId, conversation::Closed, people::Role};
use im_testkit::{TestServer, server::email};

/// Waits until a conversation is closed for this reason, or open.
async fn is_closed(device: &mut Device, id: ConversationId, why: Option<Closed>) {
    device
        .until(&format!("the conversation is {why:?}"), |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows.iter().any(|row| row.id == id && row.closed == why)
            })
        })
        .await;
}

async fn names(core: &Core) -> Vec<String> {
    let people = core.people_list(Nothing {}).await.unwrap();
    people.into_iter().map(|one| one.name).collect()
}

async fn titles(core: &Core) -> Vec<String> {
    let courses = core.courses_list(Nothing {}).await.unwrap();
    courses.into_iter().map(|one| one.title).collect()
}

#[tokio::test]
async fn sam_comes_into_the_course_and_leaves_it_while_both_look() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let operator = server.operator();
    let mentor = email("Maya");
    let added = operator.add_course("Algebra", &mentor, Some("ALG"));
    let course = added.await.unwrap();
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let code = "ALG".to_owned();
    sam.core.courses_enrol(EnrolArgs { code }).await.unwrap();
    maya.until("Sam is listed with Maya", |core| {
        Box::pin(async move {
            let rows = core.conversations_list(Nothing {}).await.unwrap();
            rows.iter().any(|row| row.other.name == "Sam") && names(core).await == ["Sam"]
        })
    })
    .await;
    sam.caught_up().await;
    // "Chat with mentor" opens the one that is there, with and without a connection.
    let open = OpenArgs {
        with: maya_of(&sam).await.other.id,
        course: Some(course),
    };
    let there = sam.core.conversations_open(open).await.unwrap();
    let id = there.id;
    sam.say(id, "a question").await;
    sam.all_sent().await;
    maya.reads(id, &["a question"]).await;

    let of = CourseArgs { course };
    let roster = maya.core.courses_roster(of).await.unwrap();
    assert_eq!(roster.code.as_deref(), Some("ALG"));
    let student = roster.students[0].id;
    let out = CourseStudentArgs { course, student };
    maya.core.courses_remove_student(out).await.unwrap();
    for device in [&mut maya, &mut sam] {
        is_closed(device, id, Some(Closed::Untied)).await;
        device
            .until("nothing can be done with what was said", |core| {
                Box::pin(async move {
                    let rows = messages(core, id).await;
                    rows.iter().all(|row| !row.editable && !row.answerable) && rows.len() == 1
                })
            })
            .await;
    }
    assert!(names(&sam.core).await.is_empty());
    assert!(titles(&sam.core).await.is_empty());
    assert_eq!(titles(&maya.core).await, ["Algebra"]);
    // Its title is still known where it is read, also after a restart.
    let mut sam = sam.restart().await;
    sam.caught_up().await;
    let row = maya_of(&sam).await;
    assert_eq!(row.course.as_ref().unwrap().title, "Algebra");
    assert_eq!(row.closed, Some(Closed::Untied));
    // What was written all the same is refused with the reason, and kept.
    sam.say(id, "one more thing").await;
    sam.until("Sam is told why", |core| {
        Box::pin(async move {
            let rows = messages(core, id).await;
            let error = rows.last().and_then(|row| row.error.as_ref());
            error.is_some_and(|error| error.kind == ErrorKind::Untied)
        })
    })
    .await;

    let back = AddStudentArgs {
        course,
        email: email("Sam"),
    };
    maya.core.courses_add_student(back).await.unwrap();
    is_closed(&mut sam, id, None).await;
    let nobody = AddStudentArgs {
        course,
        email: email("Nobody"),
    };
    let unknown = maya.core.courses_add_student(nobody).await.unwrap_err();
    assert_eq!(unknown.params["field"], "student");
    let renewed = maya.core.courses_renew_code(of).await.unwrap();
    assert_ne!(renewed.code.as_deref(), Some("ALG"));
    let foreign = sam.core.courses_roster(of).await.unwrap_err();
    assert_eq!(foreign.kind, ErrorKind::NotFound);
}

async fn maya_of(device: &Device) -> ConversationRow {
    device.conversations().await.remove(0)
}

#[tokio::test]
async fn two_devices_that_press_at_once_open_one_conversation() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    server.course("Algebra", "Maya", "Sam").await;
    let laptop = Device::of("Sam", &server.url()).await;
    let mut tablet = Device::of("Sam", &server.url()).await;
    let open = OpenArgs {
        with: maya_of(&laptop).await.other.id,
        course: None,
    };
    let (one, two) = tokio::join!(
        laptop.core.conversations_open(open),
        tablet.core.conversations_open(open)
    );
    assert_eq!(one.unwrap().id, two.unwrap().id);
    tablet.caught_up().await;
    assert_eq!(tablet.conversations().await.len(), 2);
}

#[tokio::test]
async fn offline_it_says_so_and_online_it_is_made_once() {
    let mut server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    server.course("Algebra", "Maya", "Sam").await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let open = OpenArgs {
        with: maya_of(&sam).await.other.id,
        course: None,
    };
    server.down().await;
    let offline = sam.core.conversations_open(open).await.unwrap_err();
    assert_eq!(offline.kind, ErrorKind::NotConnected);
    server.up().await;
    sam.caught_up().await;
    let made = sam.core.conversations_open(open).await.unwrap();
    let again = sam.core.conversations_open(open).await.unwrap();
    assert_eq!(made.id, again.id);
}

/// Maya with a course of these students.
async fn class(server: &TestServer, students: &[&str]) -> CourseId {
    server.person("Maya", Role::Mentor).await;
    let operator = server.operator();
    let mentor = email("Maya");
    let added = operator.add_course("Algebra", &mentor, Some("ALG"));
    let course = added.await.unwrap();
    for name in students {
        server.person(name, Role::Student).await;
        operator.enrol("ALG", &email(name)).await.unwrap();
    }
    course
}

/// Waits until so many have it.
async fn reached(maya: &mut Device, course: CourseId, wanted: u32) {
    maya.until(&format!("{wanted} have it"), |core| {
        Box::pin(async move {
            let all = core.courses_announcements(CourseArgs { course }).await;
            let reach = all.unwrap().first().and_then(|one| one.reach);
            reach.is_some_and(|reach| reach.sent == wanted)
        })
    })
    .await;
}

#[tokio::test]
async fn what_maya_writes_to_all_offline_reaches_each_once_whatever_is_killed() {
    let mut server = TestServer::start().await;
    let course = class(&server, &["Sam", "Lin"]).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    server.down().await;
    maya.connection(ConnectionState::Waiting).await;
    let to_all = |text: &str| AnnounceArgs {
        course,
        text: text.to_owned(),
    };
    maya.core
        .courses_announce(to_all("No class on Friday"))
        .await
        .unwrap();
    maya.until("it is said to wait", |core| {
        Box::pin(async move { core.connection_get(Nothing {}).await.unwrap().waiting == 1 })
    })
    .await;
    let written_at: i64 = maya
        .database("outbox.db")
        .query_row("SELECT written_at FROM bulk", [], |row| row.get(0))
        .unwrap();
    // The app dies before it could send it, and the server comes back first.
    let mut maya = maya.crash().await;
    let waits = maya.core.courses_announcements(CourseArgs { course });
    let waits = waits.await.unwrap();
    assert!(waits.len() == 1 && waits[0].reach.is_none() && waits[0].error.is_none());
    server.up().await;
    reached(&mut maya, course, 2).await;
    // Acknowledged and not noted, as a kill in between leaves it: it is sent again, and told.
    let all = maya.core.courses_announcements(CourseArgs { course });
    let known = all.await.unwrap().remove(0);
    maya.core.stop().await;
    maya.database("outbox.db")
        .execute(
            "INSERT INTO bulk(id, course, text, written_at) VALUES (?1, ?2, ?3, ?4)",
            rusqlite::params![
                known.id.to_string(),
                course.to_string(),
                known.text,
                written_at
            ],
        )
        .unwrap();
    let mut maya = maya.restart().await;
    maya.until("nothing waits", |core| {
        Box::pin(async move { core.connection_get(Nothing {}).await.unwrap().waiting == 0 })
    })
    .await;
    maya.caught_up().await;
    for name in ["Sam", "Lin"] {
        let mut student = Device::of(name, &server.url()).await;
        let id = maya_of(&student).await.id;
        student.reads(id, &["No class on Friday"]).await;
        assert_eq!(maya_of(&student).await.unread, 1);
    }
    let refused = maya.core.courses_announce(to_all("  ")).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Invalid);
    let rows = maya.conversations().await;
    for row in rows {
        let said: Vec<String> = maya.messages(row.id).await.iter().map(text).collect();
        assert_eq!(said, ["No class on Friday"]);
    }
}

#[tokio::test]
async fn what_the_server_refuses_waits_for_maya_and_can_be_thrown_away() {
    let server = TestServer::start().await;
    let course = class(&server, &[]).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let text = "Is anybody there?".to_owned();
    let to_all = AnnounceArgs { course, text };
    maya.core.courses_announce(to_all).await.unwrap();
    maya.until("Maya is told why", |core| {
        Box::pin(async move {
            let all = core.courses_announcements(CourseArgs { course }).await;
            all.unwrap().first().is_some_and(|one| one.error.is_some())
        })
    })
    .await;
    maya.until("nothing is said to wait", |core| {
        Box::pin(async move { core.connection_get(Nothing {}).await.unwrap().waiting == 0 })
    })
    .await;
    let all = maya.core.courses_announcements(CourseArgs { course });
    let told = all.await.unwrap().remove(0);
    assert_eq!(told.error.unwrap().kind, ErrorKind::NobodyInCourse);
    let id = told.id;
    let which = im_contract::courses::AnnouncementArgs { id };
    // With somebody in the course it goes.
    server.person("Sam", Role::Student).await;
    server.operator().enrol("ALG", &email("Sam")).await.unwrap();
    maya.core.courses_retry_announcement(which).await.unwrap();
    reached(&mut maya, course, 1).await;
    let gone = maya.core.courses_discard_announcement(which).await;
    assert_eq!(gone.unwrap_err().kind, ErrorKind::NotFound);
}
