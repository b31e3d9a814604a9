//! What people say, who they are and what opens their doors stays out of the logs.

#![cfg(test)]

#[path = "../scenarios/school.rs"]
#[expect(dead_code, reason = "shared with the scenarios, which use the rest")]
mod school;

use im_protocol::{
    DeviceId, ErrorCode, FileId,
    account::{DeleteMe, Forgot, Reset},
    command::Done,
    files::{FileStart, FileState, Sha256},
    handshake::{SessionEnded, SessionRenew},
    people::{Availability, StatusSet},
    rest::{Invite, Refresh, SignIn, SignedIn, Tokens},
};
use im_server::config::{Mail, Tls};
use im_testkit::{Mailbox, mailbox::Mood};
use school::{PASSWORD, School, answer, email_of};
use sha2::Digest as _;
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_nothing_private() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(
            "debug,im_server=trace,im_socketio=off,hyper=off",
        ))
        .with_writer(lines.clone())
        .with_ansi(false)
        .init();

    let secret_words = "the answer is forty-two";
    let status_words = "gone fishing until noon";
    let mailbox = Mailbox::start().await;
    let mut school = School::open_with(|config| {
        config.mail = Some(Mail {
            host: "127.0.0.1".into(),
            port: mailbox.port(),
            tls: Tls::None,
            login: None,
            from: "mentor@school.example".parse().unwrap(),
        });
    })
    .await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut device = school.connect(&sam).await;
    let cursor = device.sync_from_snapshot().await;
    device.send(conversation, &[secret_words]).await.unwrap();
    device.facts(cursor, |facts| !facts.is_empty()).await;
    let maya_device = school.connect(&maya).await;
    let status = StatusSet {
        availability: Availability::Break,
        message: status_words.into(),
    };
    maya_device.ask(status).await.unwrap();

    // A file whose place is taken when it is whole, and then not.
    let file = FileStart {
        id: FileId::new(),
        conversation,
        name: "my own diagnosis.txt".into(),
        size: 5,
        sha256: Sha256::from_bytes(sha2::Sha256::digest("words").into()),
    };
    let begun = school.post::<FileState>("/v1/files", Some(sam.token()), &file);
    begun.await.unwrap();
    let kept = school.config.data.join("files/kept");
    std::fs::write(&kept, "in the way").unwrap();
    let url = school.url(&format!("/v1/files/{}", file.id));
    let request = school.http.patch(url).bearer_auth(sam.token());
    let request = request.header("Upload-Offset", 0).body("words");
    answer::<FileState>(request).await.unwrap_err();
    std::fs::remove_file(&kept).unwrap();
    let path = format!("/v1/files/{}/upload", file.id);
    let whole: FileState = school.get(&path, sam.token()).await.unwrap();
    assert!(whole.file.is_some());

    // And now everything that goes wrong.
    let payload = serde_json::json!({ "text": secret_words });
    device.ask_raw("no:such", &payload).await.unwrap_err();
    device.ask_raw("message:send", &payload).await.unwrap_err();
    let renew = SessionRenew {
        token: maya.token().to_owned(),
    };
    let refused = device.ask(renew).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthorized);
    let mut forged = maya.auth();
    forged.token.push('x');
    assert!(school.try_connect(forged).await.is_err());
    let wrong = SignIn {
        email: email_of("Sam"),
        password: "not the password".into(),
        device: im_protocol::rest::Device {
            id: DeviceId::new(),
            name: "Sam's own desk".into(),
        },
    };
    let refused = school
        .post::<SignedIn>("/v1/auth/sign-in", None, &wrong)
        .await;
    refused.unwrap_err();
    let invite = Invite {
        email: email_of("Ben"),
        role: im_protocol::people::Role::Mentor,
    };
    let refused = school.post::<serde_json::Value>("/v1/invitations", Some(sam.token()), &invite);
    refused.await.unwrap_err();
    let first = Refresh {
        refresh_token: sam.signed_in.tokens.refresh_token.clone(),
    };
    let second: Tokens = school.post("/v1/auth/refresh", None, &first).await.unwrap();
    let second = Refresh {
        refresh_token: second.refresh_token,
    };
    let third: Tokens = school
        .post("/v1/auth/refresh", None, &second)
        .await
        .unwrap();
    let replayed = school
        .post::<Tokens>("/v1/auth/refresh", None, &first)
        .await;
    assert_eq!(replayed.unwrap_err().code, ErrorCode::SessionRevoked);
    device.hear::<SessionEnded>().await;

    // A code by mail, tried wrongly first, and the end of the account.
    mailbox.set_mood(Mood::Busy);
    let address = email_of("Sam");
    let forgot = Forgot {
        email: address.clone(),
    };
    let asked = school.post::<Done>("/v1/auth/forgot", None, &forgot);
    asked.await.unwrap();
    mailbox.connections(1).await;
    mailbox.set_mood(Mood::Takes);
    school.running().clock().advance(Duration::from_secs(11));
    let code = mailbox.nth_for(&address, 1).await.code();
    let reset = |code: &str| Reset {
        email: address.clone(),
        code: code.into(),
        password: PASSWORD.into(),
        device: wrong.device.clone(),
    };
    let guess = reset("2222-3333-4444");
    let refused = school.post::<SignedIn>("/v1/auth/reset", None, &guess);
    refused.await.unwrap_err();
    let back: SignedIn = school
        .post("/v1/auth/reset", None, &reset(&code))
        .await
        .unwrap();
    let token = Some(back.tokens.access_token.as_str());
    let asked = DeleteMe {
        password: PASSWORD.into(),
    };
    let deleted = school.post::<Done>("/v1/me/delete", token, &asked);
    deleted.await.unwrap();
    school.restart().await;

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for seen in [
        "listening",
        "stopped",
        "an old refresh token was used again",
        "connected",
        "a mail could not be sent",
        "a mail is sent",
        "an account is deleted",
        "files could not be read or written",
    ] {
        assert!(
            logged.contains(seen),
            "not even {seen:?} was logged:\n{logged}"
        );
    }
    let private = [
        secret_words,
        status_words,
        PASSWORD,
        "not the password",
        "@school.example",
        "Sam's own desk",
        "Maya",
        "Algebra",
        "diagnosis",
        maya.token(),
        sam.token(),
        &maya.signed_in.tokens.refresh_token,
        &first.refresh_token,
        &second.refresh_token,
        &third.refresh_token,
        &third.access_token,
        &code,
        "2222-3333-4444",
    ];
    for word in private {
        assert!(!logged.contains(word), "{word:?} was logged:\n{logged}");
    }
}
