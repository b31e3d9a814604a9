//! The mail server is away, busy or slow, and the server is killed at the wrong moment.

use super::{
    all_looked_at, code_of, desk, forgot, mails_through, register, reset, school_with_mail, verify,
};
use crate::school::{School, answer, email_of, http};
use im_protocol::{
    ErrorCode,
    account::Verify,
    people::{Me, Role},
    rest::{SignIn, SignedIn},
};
use im_testkit::{Mailbox, ServerProcess, mailbox::Mood};
use std::{path::Path, time::Duration};

const PROGRAM: &str = env!("CARGO_BIN_EXE_instantmentor-server");

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_waits_while_the_mail_server_is_down_and_comes_when_it_is_back() {
    let mut mailbox = Mailbox::start().await;
    mailbox.down().await;
    let mut school = School::open_with(mails_through(&mailbox)).await;
    let sam = register(&school, "Sam").await.unwrap();
    // Nor does it matter that our server is stopped meanwhile.
    school.restart().await;
    mailbox.up().await;
    school.running().clock().advance(Duration::from_secs(11));
    let code = mailbox.nth_for(&email_of("Sam"), 1).await.code();
    let token = &sam.tokens.access_token;
    assert!(verify(&school, token, &code).await.unwrap().verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_that_is_held_up_holds_up_no_other() {
    let (school, mailbox) = school_with_mail().await;
    school.person("Sam", Role::Student).await;
    school.person("Lin", Role::Student).await;
    mailbox.set_mood(Mood::Silent);
    forgot(&school, &email_of("Sam")).await.unwrap();
    mailbox.connections(1).await;
    mailbox.set_mood(Mood::Takes);
    // It is due again, and is on its way still.
    school.running().clock().advance(Duration::from_secs(11));
    for nth in 1..=3 {
        forgot(&school, &email_of("Lin")).await.unwrap();
        mailbox.nth_for(&email_of("Lin"), nth).await;
    }
    assert_eq!(mailbox.waiting(), 1, "Sam's is waited for all the while");
    assert_eq!(mailbox.mails().len(), 3, "and not sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_mail_server_is_asked_again_and_one_that_knows_nobody_is_not() {
    let (school, mailbox) = school_with_mail().await;
    school.person("Sam", Role::Student).await;
    mailbox.set_mood(Mood::Busy);
    forgot(&school, &email_of("Sam")).await.unwrap();
    mailbox.connections(1).await;
    mailbox.set_mood(Mood::Takes);
    school.running().clock().advance(Duration::from_secs(11));
    mailbox.nth_for(&email_of("Sam"), 1).await;

    mailbox.set_mood(Mood::KnowsNobody);
    let seen = 3;
    forgot(&school, &email_of("Sam")).await.unwrap();
    mailbox.connections(seen).await;
    all_looked_at(&school).await;
    mailbox.set_mood(Mood::Takes);
    school.person("Lin", Role::Student).await;
    school.running().clock().advance(Duration::from_secs(3_600));
    forgot(&school, &email_of("Lin")).await.unwrap();
    mailbox.nth_for(&email_of("Lin"), 1).await;
    let sams = mailbox.mails();
    let sams = sams.iter().filter(|mail| mail.to == email_of("Sam"));
    assert_eq!(sams.count(), 1, "the refused one is not sent after all");
}

fn server(mailbox: &Mailbox, folder: &Path) -> ServerProcess {
    ServerProcess::of(Path::new(PROGRAM), folder)
        .with("IM_SMTP_HOST", "127.0.0.1")
        .with("IM_SMTP_PORT", &mailbox.port().to_string())
        .with("IM_SMTP_TLS", "none")
        .with("IM_MAIL_FROM", "mentor@school.example")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_queued_is_sent_although_the_server_was_killed_before() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::start().await;
    mailbox.set_mood(Mood::Silent);
    let mut server = server(&mailbox, folder.path());
    server.start().await.unwrap();
    server.student("Sam").await.unwrap();
    mailbox.connections(1).await;
    server.kill9().await.unwrap();
    assert!(mailbox.mails().is_empty());
    mailbox.set_mood(Mood::Takes);
    server.start().await.unwrap();
    let code = mailbox.nth_for("sam@example.org", 1).await.code();
    assert_eq!(code.len(), 14);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_sending_and_noting_it_sends_twice_and_both_codes_are_good() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::start().await;
    let mut server = server(&mailbox, folder.path());
    mailbox.set_mood(Mood::TakesInSilence);
    server.start().await.unwrap();
    server.student("Sam").await.unwrap();
    let first = mailbox.nth_for("sam@example.org", 1).await.code();
    server.kill9().await.unwrap();
    mailbox.set_mood(Mood::Takes);
    server.start().await.unwrap();
    let second = mailbox.nth_for("sam@example.org", 2).await.code();
    assert_ne!(first, second);
    server.stop().await.unwrap();
    for code in [first, second] {
        assert!(shows_address(&mailbox, folder.path(), &code).await);
    }
}

/// Whether this code shows that Sam's address is theirs, tried on a copy of what the server has: it can
/// be used once, and the others with it.
async fn shows_address(mailbox: &Mailbox, folder: &Path, code: &str) -> bool {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let mut server = server(mailbox, copy.path());
    server.start().await.unwrap();
    let post = |path: &str| http().post(format!("{}{path}", server.url()));
    let sam = SignIn {
        email: "sam@example.org".into(),
        password: im_testkit::server::PASSWORD.into(),
        device: desk(),
    };
    let sam: SignedIn = answer(post("/v1/auth/sign-in").json(&sam)).await.unwrap();
    assert!(!sam.me.verified);
    let shown = post("/v1/auth/verify").bearer_auth(&sam.tokens.access_token);
    let shown = answer::<Me>(shown.json(&Verify { code: code.into() })).await;
    server.stop().await.unwrap();
    shown.is_ok_and(|me| me.verified)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_server_without_mail_starts_and_says_what_does_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServerProcess::of(Path::new(PROGRAM), folder.path())
        .with("IM_PRODUCTION", "1")
        .with("IM_TOKEN_SECRET", "q7mXk0Zr5v8yB2nWc4uT9pLs1dFg6hJk");
    server.start().await.unwrap();
    server.stop().await.unwrap();
    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(log.contains("no mail server is set"), "{log}");
    assert!(log.contains("reset-password"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_sent_for_hours_is_given_up() {
    let (school, mailbox) = school_with_mail().await;
    school.person("Sam", Role::Student).await;
    mailbox.set_mood(Mood::Busy);
    forgot(&school, &email_of("Sam")).await.unwrap();
    for tries in 1..=8 {
        mailbox.connections(tries).await;
        school.running().clock().advance(Duration::from_secs(4_201));
    }
    // The next look drops it: what comes to the mailbox from now on is another one.
    all_looked_at(&school).await;
    mailbox.set_mood(Mood::Takes);
    school.person("Lin", Role::Student).await;
    forgot(&school, &email_of("Lin")).await.unwrap();
    mailbox.nth_for(&email_of("Lin"), 1).await;
    assert_eq!(mailbox.mails().len(), 1);
    let refused = reset(&school, "Sam", "2222-2222-2222").await;
    assert_eq!(code_of(refused), ErrorCode::NotFound);
}
