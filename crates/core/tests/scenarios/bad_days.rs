//! The server is away, the process is killed, files break, sessions end. Nothing is lost.

use super::device::{self, DEADLINE, Desktop, Device, text};
use futures_util::future::BoxFuture;
use im_contract::{
    Commands, ErrorKind,
    args::{Nothing, OperationArgs, SendArgs, SignOutArgs, StatusArgs, Unsent},
    views::{Account, ConnectionState, KeyringState, MessageState},
};
use im_core::{
    notify,
    secrets::{MemorySecrets, Secret, SecretError, SecretStore},
};
use im_protocol::{
    ConversationId,
    people::{Availability, Role},
};
use im_testkit::TestServer;
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

async fn maya_and_sam() -> (TestServer, ConversationId) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation)
}

#[tokio::test]
async fn without_the_server_everything_is_there_and_what_is_written_goes_later() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    sam.say(conversation, "before").await;
    sam.all_sent().await;
    sam.core.stop().await;
    server.down().await;

    let mut sam = sam.restart().await;
    sam.connection(ConnectionState::Waiting).await;
    assert!(matches!(sam.account().await, Account::SignedIn { .. }));
    sam.reads(conversation, &["before"]).await;
    for text in ["first", "second", "third"] {
        let row = sam.say(conversation, text).await;
        assert_eq!(row.state, MessageState::Waiting);
    }
    let row = &sam.conversations().await[0];
    assert_eq!(row.last.as_ref().unwrap().state, MessageState::Waiting);
    sam.until("three wait", |core| {
        Box::pin(async move { core.connection_get(Nothing {}).await.unwrap().waiting == 3 })
    })
    .await;

    server.up().await;
    sam.core.connection_retry(Nothing {}).await.unwrap();
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["before", "first", "second", "third"])
        .await;
}

#[tokio::test]
async fn a_server_that_restarts_again_and_again_loses_and_doubles_nothing() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut wanted = Vec::new();
    for round in 0..4 {
        for number in 0..10 {
            let text = format!("{round}.{number}");
            sam.say(conversation, &text).await;
            wanted.push(text);
        }
        server.down().await;
        sam.say(conversation, &format!("{round} alone")).await;
        wanted.push(format!("{round} alone"));
        server.up().await;
        sam.core.connection_retry(Nothing {}).await.unwrap();
        maya.core.connection_retry(Nothing {}).await.unwrap();
    }
    sam.all_sent().await;
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    maya.reads(conversation, &wanted).await;
    sam.reads(conversation, &wanted).await;
}

/// Not a test of its own: the process that [`killed_with_a_message_unsent`] kills.
#[tokio::test]
async fn writes_and_waits_to_be_killed() {
    let (Ok(data), Ok(server), Ok(conversation)) = (
        std::env::var("IM_TEST_DATA"),
        std::env::var("IM_TEST_SERVER"),
        std::env::var("IM_TEST_CONVERSATION"),
    ) else {
        return;
    };
    let (_actions, receiver) = notify::actions();
    let core = device::start(
        &PathBuf::from(data),
        &server,
        Arc::new(LockedKeyring),
        Arc::new(Desktop::default()),
        receiver,
    )
    .await
    .unwrap();
    let conversation: ConversationId = conversation.parse().unwrap();
    for text in ["one", "two"] {
        let text = text.to_owned();
        let args = SendArgs {
            conversation,
            text,
            reply_to: None,
            files: Vec::new(),
        };
        core.messages_send(args).await.unwrap();
    }
    // Straight to the pipe: the harness would keep it.
    use std::io::Write as _;
    writeln!(std::io::stderr(), "written").unwrap();
    tokio::time::timeout(DEADLINE * 2, std::future::pending::<()>())
        .await
        .unwrap_err();
}

/// A keyring that is locked for as long as this process lives.
struct LockedKeyring;

impl SecretStore for LockedKeyring {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Locked)))
    }
    fn put<'a>(&'a self, _: &'a str, _: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Locked)))
    }
    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Locked)))
    }
}

#[tokio::test]
async fn killed_with_a_message_unsent() {
    let (mut server, conversation) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    sam.core.stop().await;
    server.down().await;

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("scenarios::bad_days::writes_and_waits_to_be_killed")
        .env("IM_TEST_DATA", sam.data.path())
        .env("IM_TEST_SERVER", server.url())
        .env("IM_TEST_CONVERSATION", conversation.to_string())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let written = tokio::task::spawn_blocking(move || {
        stderr
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "written")
    });
    let written = tokio::time::timeout(DEADLINE, written)
        .await
        .unwrap()
        .unwrap();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    assert!(written);

    server.up().await;
    let mut sam = sam.restart().await;
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["one", "two"]).await;
    sam.reads(conversation, &["one", "two"]).await;
}

#[tokio::test]
async fn a_session_that_is_over_locks_the_account_and_the_same_person_goes_on() {
    let (mut server, conversation) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    sam.say(conversation, "unsent").await;
    sam.core.stop().await;
    // Nothing is left of the token: as without a keyring.
    let mut sam = Device::with(
        &server.url(),
        Arc::clone(&sam.data),
        Arc::new(MemorySecrets::default()),
    )
    .await;
    sam.until("the account is locked", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::Locked { unsent: 1, .. })
        })
    })
    .await;
    let list = sam.core.conversations_list(Nothing {}).await;
    assert_eq!(list.unwrap_err().kind, ErrorKind::SignInAgain);

    let mut sam = sam.restart().await;
    assert!(matches!(
        sam.account().await,
        Account::Locked { unsent: 1, .. }
    ));
    server.up().await;
    sam.sign_in("Sam").await.unwrap();
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["unsent"]).await;
}

#[tokio::test]
async fn a_locked_account_can_be_given_up() {
    let (mut server, conversation) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    sam.say(conversation, "unsent").await;
    sam.core.stop().await;
    let data = Arc::clone(&sam.data);
    let mut sam = Device::with(&server.url(), data, Arc::new(MemorySecrets::default())).await;
    sam.until("the account is locked", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::Locked { .. })
        })
    })
    .await;
    let out = |unsent| sam.core.account_sign_out(SignOutArgs { unsent });
    assert_eq!(out(Unsent::Ask).await.unwrap().unsent, 1);
    assert!(out(Unsent::Discard).await.unwrap().done);
    assert!(matches!(sam.account().await, Account::SignedOut { .. }));
}

/// Keeps what was written at first and loses everything later, as a kill right before the write
/// would.
#[derive(Default)]
struct ForgetfulKeyring {
    inner: MemorySecrets,
    written: std::sync::atomic::AtomicBool,
}

impl SecretStore for ForgetfulKeyring {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        self.inner.get(key)
    }
    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        if self.written.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.inner.put(key, secret)
    }
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        self.inner.delete(key)
    }
}

#[tokio::test]
async fn killed_between_rotation_and_keyring_write_nobody_is_signed_out() {
    let (server, _) = maya_and_sam().await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let keyring = Arc::new(ForgetfulKeyring::default());
    let mut sam = Device::with(&server.url(), data, keyring).await;
    sam.sign_in("Sam").await.unwrap();
    sam.caught_up().await;
    // The first start rotates the stored token and the new one is lost; the second one comes with
    // the stored one again.
    for _ in 0..2 {
        sam = sam.crash().await;
        sam.caught_up().await;
        assert!(matches!(sam.account().await, Account::SignedIn { .. }));
    }
}

#[tokio::test]
async fn a_broken_cache_is_rebuilt_and_what_is_unsent_is_not_touched() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    sam.say(conversation, "sent").await;
    sam.all_sent().await;
    server.down().await;
    sam.say(conversation, "unsent").await;
    sam.core.stop().await;
    let account = sam.account_folder();
    for file in ["cache.db", "cache.db-wal"] {
        std::fs::write(account.join(file), [b'x'; 8192]).unwrap();
    }
    server.up().await;
    let mut sam = sam.restart().await;
    sam.reads(conversation, &["sent", "unsent"]).await;
    maya.reads(conversation, &["sent", "unsent"]).await;
    let aside = std::fs::read_dir(&account).unwrap().any(|entry| {
        let name = entry.unwrap().file_name();
        name == "cache.db.corrupt"
    });
    assert!(aside, "the broken file is kept");
}

#[tokio::test]
async fn data_of_a_newer_app_is_left_alone_with_a_clear_word() {
    let (server, _) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    sam.core.stop().await;
    let account = sam.account_folder();
    let newer = rusqlite::Connection::open(account.join("outbox.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let sam = sam.restart().await;
    let line = sam.core.connection_get(Nothing {}).await.unwrap();
    assert_eq!(line.state, ConnectionState::Refused);
    assert_eq!(line.problem.unwrap().kind, ErrorKind::DataTooNew);
    let again = sam.sign_in("Sam").await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::DataTooNew);
}

#[tokio::test]
async fn an_outbox_that_cannot_be_read_is_said_and_never_thrown_away() {
    let (server, _) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    sam.core.stop().await;
    let outbox = sam.account_folder().join("outbox.db");
    std::fs::write(&outbox, [b'x'; 8192]).unwrap();
    let sam = sam.restart().await;
    let line = sam.core.connection_get(Nothing {}).await.unwrap();
    assert_eq!(line.problem.unwrap().kind, ErrorKind::DataUnreadable);
    let again = sam.sign_in("Sam").await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::DataUnreadable);
    assert_eq!(std::fs::read(&outbox).unwrap(), [b'x'; 8192]);
}

/// No Secret Service at all.
struct NoKeyring;

impl SecretStore for NoKeyring {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Missing)))
    }
    fn put<'a>(&'a self, _: &'a str, _: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Missing)))
    }
    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        Box::pin(std::future::ready(Err(SecretError::Missing)))
    }
}

#[tokio::test]
async fn without_a_keyring_sam_is_told_and_works_until_the_app_is_closed() {
    let (server, conversation) = maya_and_sam().await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut sam = Device::with(&server.url(), data, Arc::new(NoKeyring)).await;
    let account = sam.sign_in("Sam").await.unwrap();
    assert!(matches!(
        account,
        Account::SignedIn {
            keyring: KeyringState::Missing,
            ..
        }
    ));
    sam.caught_up().await;
    sam.say(conversation, "hello").await;
    sam.all_sent().await;
}

#[tokio::test]
async fn a_message_that_is_refused_for_good_can_be_thrown_away() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    // The server does not know this conversation: only the cache says that there is one.
    let gone = ConversationId::new();
    sam.core.stop().await;
    let account = sam.account_folder();
    let cache = rusqlite::Connection::open(account.join("cache.db")).unwrap();
    cache
        .execute(
            "INSERT INTO conversation(id, other, course, created_at, head_seq, head_rev, read_seq,
                 server_read_seq, other_read_seq, unread, last_at)
             SELECT ?1, other, course, created_at, 0, 0, 0, 0, 0, 0, last_at FROM conversation",
            [gone.to_string()],
        )
        .unwrap();
    drop(cache);
    sam = sam.restart().await;
    let row = sam.say(gone, "to nobody").await;
    sam.last_is(gone, MessageState::Failed).await;
    let failed = sam.messages(gone).await.pop().unwrap();
    assert!(failed.error.is_some());
    let args = OperationArgs { id: row.id.into() };
    sam.core.messages_retry(args).await.unwrap();
    sam.last_is(gone, MessageState::Failed).await;
    sam.core.messages_discard(args).await.unwrap();
    assert!(sam.messages(gone).await.is_empty());
    let again = sam.core.messages_discard(args).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::NotFound);
    sam.say(conversation, "to Maya").await;
    sam.all_sent().await;
    let texts: Vec<String> = sam.messages(conversation).await.iter().map(text).collect();
    assert_eq!(texts, ["to Maya"]);
}

#[tokio::test]
async fn a_token_that_expired_while_asleep_is_renewed_without_a_word() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    // An hour passes on the server: the access token is over, the device does not know.
    server.clock().advance(Duration::from_secs(3_600));
    sam.say(conversation, "good morning").await;
    sam.all_sent().await;
    assert!(matches!(sam.account().await, Account::SignedIn { .. }));
    sam.caught_up().await;
    sam.last_is(conversation, MessageState::Sent).await;
}

#[tokio::test]
async fn a_status_chosen_without_a_connection_is_set_when_there_is_one() {
    let (mut server, _) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let chosen = |availability| StatusArgs {
        availability,
        message: "Tea".to_owned(),
    };
    server.down().await;
    maya.connection(ConnectionState::Waiting).await;
    for availability in [Availability::InSession, Availability::Break] {
        maya.core.status_set(chosen(availability)).await.unwrap();
        let own = maya.core.status_get(Nothing {}).await.unwrap().unwrap();
        assert_eq!((own.availability, own.pending), (availability, true));
    }
    let mut maya = maya.crash().await;
    let own = maya.core.status_get(Nothing {}).await.unwrap().unwrap();
    assert_eq!((own.availability, own.pending), (Availability::Break, true));

    server.up().await;
    maya.core.connection_retry(Nothing {}).await.unwrap();
    sam.core.connection_retry(Nothing {}).await.unwrap();
    maya.until("the server knows it", |core| {
        Box::pin(async move {
            let own = core.status_get(Nothing {}).await.unwrap();
            own.is_some_and(|own| !own.pending && own.availability == Availability::Break)
        })
    })
    .await;
    sam.until("Sam sees it", |core| {
        Box::pin(async move {
            let mentors = core.people_mentors(Nothing {}).await.unwrap();
            let status = mentors[0].status.as_ref();
            status.is_some_and(|status| status.availability == Availability::Break)
        })
    })
    .await;
    let maya = maya.restart().await;
    let own = maya.core.status_get(Nothing {}).await.unwrap();
    assert!(own.is_none_or(|own| !own.pending), "it is sent once");
    // A student has none.
    let refused = sam.core.status_set(chosen(Availability::Break)).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::NotAllowed);
}
