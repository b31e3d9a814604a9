//! What robots do besides calling, each as a process beside the real server.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use im_e2e::checker;
use im_testkit::{
    RobotProcess, ServerProcess,
    server::{PASSWORD, email},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

/// Nothing that a test waits for takes longer.
const WAIT: Duration = Duration::from_secs(60);

async fn server(folder: &TempDir) -> ServerProcess {
    let program = Path::new(env!("CARGO_BIN_EXE_soak-server"));
    let mut server = ServerProcess::of(program, &folder.path().join("server"));
    server.start().await.unwrap();
    server
}

/// Maya, Sam, and the id of their conversation about Algebra.
async fn school(folder: &TempDir) -> (ServerProcess, String, RobotProcess, RobotProcess) {
    let server = server(folder).await;
    server.mentor("Maya").await.unwrap();
    server.student("Sam").await.unwrap();
    let conversation = server
        .course("Algebra", "Maya", "Sam")
        .await
        .unwrap()
        .to_string();
    let [maya, sam] = ["Maya", "Sam"].map(|name| robot(folder, &server, &email(name), PASSWORD));
    (server, conversation, maya, sam)
}

fn robot(folder: &TempDir, server: &ServerProcess, email: &str, password: &str) -> RobotProcess {
    let program = Path::new(env!("CARGO_BIN_EXE_soak-robot"));
    RobotProcess::of(
        program,
        server.url(),
        email,
        password,
        &folder.path().join(email),
    )
}

fn is(event: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == event
}

#[tokio::test]
async fn maya_reads_what_sam_wrote_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, _, mut maya, mut sam) = school(&folder).await;
    let said = ["--count", "5", "--numbered", "--text-prefix", "Question "];
    sam.start(&[&["send", "--to", "Maya"][..], &said].concat())
        .unwrap();
    sam.until(WAIT, is("sent")).await.unwrap();
    maya.start(&["recv", "--from", "Sam", "--until", "5"])
        .unwrap();
    for number in 1..=5 {
        let received = maya.until(WAIT, is("received")).await.unwrap();
        assert_eq!(received["text"], format!("Question {number}"));
    }
}

#[tokio::test]
async fn what_sam_writes_while_the_server_is_paused_arrives_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (server, conversation, _, mut sam) = school(&folder).await;
    sam.start(&[
        "send",
        "--to",
        "Maya",
        "--count",
        "20",
        "--numbered",
        "--pause-ms",
        "50",
    ])
    .unwrap();
    sam.until(WAIT, is("written")).await.unwrap();
    server.pause().unwrap();
    sam.until(WAIT, is("all_written")).await.unwrap();
    server.resume().unwrap();
    sam.until(WAIT, is("sent")).await.unwrap();
    let database = server.data().join("instantmentor.db");
    assert_eq!(checker::accepted(&database, &conversation).unwrap(), 20);
}

#[tokio::test]
async fn what_sam_wrote_without_a_server_is_sent_although_he_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, conversation, _, mut sam) = school(&folder).await;
    let write = [
        "send",
        "--to",
        "Maya",
        "--count",
        "20",
        "--numbered",
        "--pause-ms",
        "50",
    ];
    sam.start(&write).unwrap();
    sam.until(WAIT, is("written")).await.unwrap();
    server.kill9().await.unwrap();
    sam.until(WAIT, is("all_written")).await.unwrap();
    sam.kill9().await.unwrap();
    server.start().await.unwrap();
    sam.start(&["send", "--to", "Maya", "--count", "0"])
        .unwrap();
    sam.until(WAIT, is("sent")).await.unwrap();
    let database = server.data().join("instantmentor.db");
    assert_eq!(checker::accepted(&database, &conversation).unwrap(), 20);
}

#[tokio::test]
async fn a_demo_mentor_sets_her_status_and_a_demo_student_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = server(&folder).await;
    let people = server.demo().await.unwrap();
    let robot_of = |name: &str| {
        let person = people
            .iter()
            .find(|person| person.name.starts_with(name))
            .unwrap();
        robot(&folder, &server, &person.email, &person.password)
    };
    let (mut maya, mut sam) = (robot_of("Maya"), robot_of("Sam"));
    maya.start(&["status", "set", "in_session", "Back at noon"])
        .unwrap();
    maya.until(WAIT, is("status_set")).await.unwrap();
    sam.start(&["status"]).unwrap();
    let seen = sam.until(WAIT, is("status")).await.unwrap();
    let mentors = seen["mentors"].as_array().unwrap();
    let maya = mentors
        .iter()
        .find(|mentor| mentor["name"] == "Maya Lindqvist")
        .unwrap();
    assert_eq!(maya["status"]["availability"], json!("in_session"));
    assert_eq!(maya["status"]["message"], json!("Back at noon"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_ends_the_robot_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _, _, _) = school(&folder).await;
    let mut sam = robot(&folder, &server, &email("Sam"), "not the password");
    sam.start(&["recv", "--from", "Maya"]).unwrap();
    assert!(sam.until(WAIT, is("received")).await.is_err());
    let log = std::fs::read_to_string(sam.data().join("robot.log")).unwrap();
    assert!(
        log.contains("signing in was refused: This e-mail address and password do not belong"),
        "{log}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_the_robot_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, _, _, mut sam) = school(&folder).await;
    server.stop().await.unwrap();
    sam.start(&["recv", "--from", "Maya", "--wait", "0"])
        .unwrap();
    assert!(sam.until(WAIT, is("received")).await.is_err());
    let log = std::fs::read_to_string(sam.data().join("robot.log")).unwrap();
    assert!(
        log.contains("signing in did not work: The server does not answer."),
        "{log}"
    );
}
