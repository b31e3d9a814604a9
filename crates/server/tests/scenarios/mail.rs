//! Codes by mail: a forgotten password, an address that is to be shown, and a mail server with bad
//! days.

mod bad_days;

use crate::{
    operating::program,
    school::{PASSWORD, SOON, School, email_of},
};
use im_protocol::{
    DeviceId, ErrorCode, WireError,
    account::{Forgot, Reset, Verify},
    command::Done,
    people::{Course, Me, Role},
    rest::{Device, Enrol, OpenConversation, Register, SignIn, SignedIn},
};
use im_server::{
    config::{Config, Mail, Registration, Tls},
    store::{Store, mail},
};
use im_testkit::Mailbox;
use std::time::Duration;
use tokio::time::timeout;

const NEW_PASSWORD: &str = "another long password";

fn desk() -> Device {
    Device {
        id: DeviceId::new(),
        name: "Desk".into(),
    }
}

fn mails_through(mailbox: &Mailbox) -> impl FnOnce(&mut Config) {
    let port = mailbox.port();
    move |config| {
        config.mail = Some(Mail {
            host: "127.0.0.1".into(),
            port,
            tls: Tls::None,
            login: None,
            from: "InstantMentor <mentor@school.example>".parse().unwrap(),
        });
    }
}

async fn school_with_mail() -> (School, Mailbox) {
    let mailbox = Mailbox::start().await;
    let school = School::open_with(mails_through(&mailbox)).await;
    (school, mailbox)
}

async fn register(school: &School, name: &str) -> Result<SignedIn, WireError> {
    let asked = Register {
        email: email_of(name),
        password: PASSWORD.into(),
        name: name.into(),
        device: desk(),
    };
    school.post("/v1/auth/register", None, &asked).await
}

async fn forgot(school: &School, email: &str) -> Result<Done, WireError> {
    let asked = Forgot {
        email: email.into(),
    };
    school.post("/v1/auth/forgot", None, &asked).await
}

async fn reset(school: &School, name: &str, code: &str) -> Result<SignedIn, WireError> {
    let asked = Reset {
        email: email_of(name),
        code: code.into(),
        password: NEW_PASSWORD.into(),
        device: desk(),
    };
    school.post("/v1/auth/reset", None, &asked).await
}

async fn verify(school: &School, token: &str, code: &str) -> Result<Me, WireError> {
    let asked = Verify { code: code.into() };
    school.post("/v1/auth/verify", Some(token), &asked).await
}

async fn sign_in(school: &School, name: &str, password: &str) -> Result<SignedIn, WireError> {
    let asked = SignIn {
        email: email_of(name),
        password: password.into(),
        device: desk(),
    };
    school.post("/v1/auth/sign-in", None, &asked).await
}

/// Maya's course, with a code.
async fn add_algebra(school: &School) {
    let email = email_of("Maya");
    let added = school.operator.add_course("Algebra", &email, Some("ALG"));
    added.await.unwrap();
}

/// Waits until nothing is left of all mails that were queued: each was sent, or was not to be.
async fn all_looked_at(school: &School) {
    let store = Store::open(&school.config.data).await.unwrap();
    let looked_at = async {
        loop {
            let mut reader = store.read().await.unwrap();
            if mail::due(&mut reader, i64::MAX, 1)
                .await
                .unwrap()
                .is_empty()
            {
                return;
            }
            drop(reader);
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, looked_at).await.expect("a mail is left");
}

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_forgets_the_password_gets_a_mail_and_is_back_with_all_old_sessions_ended() {
    let (school, mailbox) = school_with_mail().await;
    let sam = school.person("Sam", Role::Student).await;
    let mut device = school.connect(&sam).await;
    forgot(&school, " SAM@school.example ").await.unwrap();
    let mail = mailbox.nth_for(&email_of("Sam"), 1).await;
    assert!(mail.text.contains("Subject: Your code for a new password"));
    let code = mail.code();

    // A code of nobody else's, and typed as people type.
    school.person("Lin", Role::Student).await;
    assert_eq!(
        code_of(reset(&school, "Lin", &code).await),
        ErrorCode::NotFound
    );
    let typed = code.to_lowercase().replace('-', " ");
    let back = reset(&school, "Sam", &typed).await.unwrap();
    assert_eq!(back.me, sam.signed_in.me);
    device.gone().await;
    let me = school.get::<Me>("/v1/me", sam.token()).await;
    assert_eq!(code_of(me), ErrorCode::SessionRevoked);
    let token = &back.tokens.access_token;
    school.get::<Me>("/v1/me", token).await.unwrap();
    assert_eq!(
        code_of(sign_in(&school, "Sam", PASSWORD).await),
        ErrorCode::Unauthorized
    );
    sign_in(&school, "Sam", NEW_PASSWORD).await.unwrap();

    assert_eq!(
        code_of(reset(&school, "Sam", &code).await),
        ErrorCode::NotFound,
        "used"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_an_address_has_an_account_is_told_by_nothing() {
    let (school, mailbox) = school_with_mail().await;
    school.person("Sam", Role::Student).await;
    let nobodys = forgot(&school, &email_of("Nobody")).await;
    let sams = forgot(&school, &email_of("Sam")).await;
    assert_eq!(nobodys, sams);
    mailbox.nth_for(&email_of("Sam"), 1).await;
    all_looked_at(&school).await;
    assert_eq!(mailbox.mails().len(), 1);
    let unknown = reset(&school, "Nobody", "AAAA-AAAA-AAAA").await;
    let wrong = reset(&school, "Sam", "AAAA-AAAA-AAAA").await;
    assert_eq!(unknown.unwrap_err(), wrong.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_half_an_hour_and_five_guesses() {
    let (school, mailbox) = school_with_mail().await;
    school.person("Sam", Role::Student).await;
    let address = email_of("Sam");
    forgot(&school, &address).await.unwrap();
    let late = mailbox.nth_for(&address, 1).await.code();
    school.running().clock().advance(Duration::from_secs(1_801));
    assert_eq!(
        code_of(reset(&school, "Sam", &late).await),
        ErrorCode::NotFound
    );
    forgot(&school, &address).await.unwrap();
    let guessed = mailbox.nth_for(&address, 2).await.code();
    for _ in 0..5 {
        let wrong = reset(&school, "Sam", "2222-2222-2222").await;
        assert_eq!(code_of(wrong), ErrorCode::NotFound);
    }
    assert_eq!(
        code_of(reset(&school, "Sam", &guessed).await),
        ErrorCode::NotFound
    );
    forgot(&school, &address).await.unwrap();
    let good = mailbox.nth_for(&address, 3).await.code();
    reset(&school, "Sam", &good).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_not_flooded_whether_there_is_an_account_or_not() {
    let mailbox = Mailbox::start().await;
    let through = mails_through(&mailbox);
    let school = School::open_with(|config| {
        through(config);
        config.limits.mails_per_account = im_server::config::Rate {
            burst: 2,
            per_second: 0.001,
        };
    })
    .await;
    school.person("Sam", Role::Student).await;
    for name in ["Sam", "Nobody"] {
        for _ in 0..2 {
            forgot(&school, &email_of(name)).await.unwrap();
        }
        let refused = forgot(&school, &email_of(name)).await;
        assert_eq!(code_of(refused), ErrorCode::RateLimited);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_gives_a_code_where_no_mail_is_sent() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    assert_eq!(
        code_of(forgot(&school, &email_of("Sam")).await),
        ErrorCode::NoMail
    );
    let mut command = program(&school.config.data);
    command.args(["admin", "reset-password", "--email", &email_of("Sam")]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let code = said
        .trim()
        .strip_prefix("code for a new password: ")
        .unwrap();
    reset(&school, "Sam", code).await.unwrap();
    let me = school.get::<Me>("/v1/me", sam.token()).await;
    assert_eq!(code_of(me), ErrorCode::SessionRevoked);
    assert_eq!(
        code_of(reset(&school, "Sam", code).await),
        ErrorCode::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_registers_and_reaches_nobody_until_the_code_from_the_mail_is_entered() {
    let (school, mailbox) = school_with_mail().await;
    let maya = school.person("Maya", Role::Mentor).await;
    add_algebra(&school).await;
    let sam = register(&school, "Sam").await.unwrap();
    assert!(!sam.me.verified);
    assert!(maya.signed_in.me.verified);
    let token = sam.tokens.access_token.clone();
    let sams = crate::school::Account {
        device: DeviceId::new(),
        signed_in: sign_in(&school, "Sam", PASSWORD).await.unwrap(),
    };
    assert!(!sams.signed_in.me.verified, "signing in is allowed");
    let device = DeviceId::new();
    let mut desk = school.connect(&school.sign_in("Sam", device).await).await;
    assert!(!desk.ready.as_ref().unwrap().me.verified);

    let enrol = Enrol { code: "ALG".into() };
    let held = school
        .post::<Course>("/v1/courses/enrol", Some(&token), &enrol)
        .await;
    assert_eq!(code_of(held), ErrorCode::Unverified);
    let open = OpenConversation {
        with: maya.id(),
        course: None,
    };
    let held = school
        .post::<serde_json::Value>("/v1/conversations", Some(&token), &open)
        .await;
    assert_eq!(code_of(held), ErrorCode::Unverified);
    let conversation = school
        .operator
        .enrol("ALG", &email_of("Sam"))
        .await
        .unwrap();
    let held = desk.send(conversation, &["hello"]).await;
    assert_eq!(code_of(held), ErrorCode::Unverified);

    assert_eq!(
        code_of(verify(&school, &token, "2222-2222-2222").await),
        ErrorCode::NotFound
    );
    let code = mailbox.nth_for(&email_of("Sam"), 1).await.code();
    assert!(verify(&school, &token, &code).await.unwrap().verified);
    // The device that is connected hears of it, and goes on without a new connection.
    assert!(desk.hear::<Me>().await.verified);
    let sent = desk.send(conversation, &["hello"]).await.unwrap();
    assert_eq!(sent.accepted.len(), 1);
    let me: Me = school.get("/v1/me", &token).await.unwrap();
    assert!(me.verified);
    let again = verify(&school, &token, &code).await.unwrap();
    assert!(again.verified, "once more changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_sent_again_and_both_are_good_but_not_for_another_person() {
    let (school, mailbox) = school_with_mail().await;
    let sam = register(&school, "Sam").await.unwrap();
    let lin = register(&school, "Lin").await.unwrap();
    let first = mailbox.nth_for(&email_of("Sam"), 1).await.code();
    let token = &sam.tokens.access_token;
    let asked = school.post::<Done>("/v1/auth/verify/resend", Some(token), &());
    asked.await.unwrap();
    let second = mailbox.nth_for(&email_of("Sam"), 2).await.code();
    assert_ne!(first, second);
    let foreign = verify(&school, &lin.tokens.access_token, &first).await;
    assert_eq!(code_of(foreign), ErrorCode::NotFound);
    assert!(verify(&school, token, &first).await.unwrap().verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_a_new_password_shows_the_address_and_the_operators_does_not() {
    let (school, mailbox) = school_with_mail().await;
    register(&school, "Sam").await.unwrap();
    let code = school.operator.reset_code(&email_of("Sam")).await.unwrap();
    let back = reset(&school, "Sam", &code).await.unwrap();
    assert!(!back.me.verified);
    mailbox.nth_for(&email_of("Sam"), 1).await;
    forgot(&school, &email_of("Sam")).await.unwrap();
    let code = mailbox.nth_for(&email_of("Sam"), 2).await.code();
    assert!(reset(&school, "Sam", &code).await.unwrap().me.verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_not_asked_for_where_no_mail_is_sent_or_the_operator_does_not_want_it() {
    let school = School::open().await;
    assert!(register(&school, "Sam").await.unwrap().me.verified);

    let mailbox = Mailbox::start().await;
    let through = mails_through(&mailbox);
    let school = School::open_with(|config| {
        through(config);
        config.require_verified = Some(false);
    })
    .await;
    let maya = school.person("Maya", Role::Mentor).await;
    add_algebra(&school).await;
    let sam = register(&school, "Sam").await.unwrap();
    assert!(!sam.me.verified, "asked all the same");
    let enrol = Enrol { code: "ALG".into() };
    let token = Some(sam.tokens.access_token.as_str());
    let course: Course = school
        .post("/v1/courses/enrol", token, &enrol)
        .await
        .unwrap();
    assert_eq!(course.mentor, maya.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_where_registration_is_closed() {
    let school = School::open_with(|config| config.registration = Registration::Closed).await;
    let refused = register(&school, "Sam").await;
    assert_eq!(code_of(refused), ErrorCode::RegistrationClosed);
    let invited = school.operator.invite("ben@school.example", Role::Mentor);
    invited.await.unwrap();
}
