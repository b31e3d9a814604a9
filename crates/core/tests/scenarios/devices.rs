//! One person on two devices: each has everything, and signing one out from the other wipes it and
//! nothing else.

use super::device::{self, DEADLINE, Desktop, Device};
use futures_util::future::BoxFuture;
use im_contract::{
    Commands, CoreEvent, ErrorKind, UiError,
    commands::{Nothing, ReadArgs, SignOutArgs, Unsent},
    devices::{ChangePasswordArgs, DeviceArgs, DeviceView},
    views::{Account, ConnectionState, MessageState},
};
use im_core::{
    notify::{self, NotificationId},
    secrets::{MemorySecrets, Secret, SecretError, SecretStore},
};
use im_protocol::{ConversationId, people::Role};
use im_testkit::{TestServer, server::PASSWORD};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// Maya and Sam with a conversation, and Sam on a desk and a laptop.
async fn sam_on_two() -> (TestServer, ConversationId, Device, Device) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let desk = Device::of("Sam", &server.url()).await;
    let laptop = Device::of("Sam", &server.url()).await;
    (server, conversation, desk, laptop)
}

async fn list(device: &Device) -> Vec<DeviceView> {
    device.core.devices_list(Nothing {}).await.unwrap()
}

/// The sign-in of a device, as it sees it itself.
async fn own(device: &Device) -> DeviceView {
    let found = list(device).await.into_iter().find(|one| one.current);
    found.unwrap()
}

async fn sign_out(by: &Device, device: &Device) {
    let id = own(device).await.id;
    let args = DeviceArgs { id };
    by.core.devices_sign_out(args).await.unwrap();
}

async fn is_wiped(device: &mut Device) {
    device
        .until("it was signed out from elsewhere", |core| {
            Box::pin(async move {
                let account = core.account_get(Nothing {}).await.unwrap();
                matches!(
                    account,
                    Account::SignedOut {
                        elsewhere: true,
                        ..
                    }
                )
            })
        })
        .await;
    assert_eq!(left(device.data.path()), Vec::<PathBuf>::new());
    let token = device.secrets.get(&key(device.data.path())).await;
    assert_eq!(token, Ok(None));
}

async fn is_locked(device: &mut Device) {
    device
        .until("the account is locked", |core| {
            Box::pin(async move {
                let account = core.account_get(Nothing {}).await.unwrap();
                matches!(account, Account::Locked { .. })
            })
        })
        .await;
}

/// Folders of accounts.
fn left(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("accounts")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Under which the keyring has the token of whoever was signed in here; the person's id is kept by
/// the test while the file does not know it anymore.
fn key(data: &Path) -> String {
    let file = std::fs::read(data.join("installation.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let person = std::fs::read_to_string(data.join("person-of-the-test")).unwrap_or_default();
    let device = file["device"].as_str().unwrap();
    format!("{device}/{person}")
}

/// Notes whose account this is.
fn note_person(device: &Device) {
    let folder = device.account_folder();
    let person = folder.file_name().unwrap().to_str().unwrap();
    std::fs::write(device.data.path().join("person-of-the-test"), person).unwrap();
}

#[tokio::test]
async fn what_sam_does_on_one_device_is_seen_on_the_other() {
    let (server, conversation, mut desk, mut laptop) = sam_on_two().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    desk.say(conversation, "from the desk").await;
    laptop.reads(conversation, &["from the desk"]).await;
    laptop.last_is(conversation, MessageState::Sent).await;
    laptop.say(conversation, "from the laptop").await;
    desk.reads(conversation, &["from the desk", "from the laptop"])
        .await;
    maya.reads(conversation, &["from the desk", "from the laptop"])
        .await;
    maya.say(conversation, "to both").await;
    let notified = NotificationId::Message(conversation);
    for device in [&mut desk, &mut laptop] {
        device.shows(&[notified]).await;
        assert_eq!(device.conversations().await[0].unread, 1);
    }
    let args = ReadArgs {
        conversation,
        seq: 3,
    };
    desk.core.conversations_read(args).await.unwrap();
    laptop.shows(&[]).await;
    laptop
        .until("it is read there too", |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows[0].unread == 0
            })
        })
        .await;
    // Maya sees one person, whichever device of theirs it was.
    maya.last_is(conversation, MessageState::Read).await;
}

#[tokio::test]
async fn signing_out_on_one_device_leaves_the_other_alone() {
    let (server, conversation, desk, laptop) = sam_on_two().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let out = SignOutArgs {
        unsent: Unsent::Ask,
    };
    assert!(desk.core.account_sign_out(out).await.unwrap().done);
    let account = desk.account().await;
    let here = matches!(
        account,
        Account::SignedOut {
            elsewhere: false,
            ..
        }
    );
    assert!(here, "{account:?}");
    laptop.say(conversation, "still here").await;
    maya.reads(conversation, &["still here"]).await;
    assert_eq!(list(&laptop).await.len(), 1);
    let state = laptop.core.connection_get(Nothing {}).await.unwrap().state;
    assert_eq!(state, ConnectionState::Online);
}

#[tokio::test]
async fn the_list_is_told_to_have_changed_wherever_that_happened() {
    let (server, _, mut desk, laptop) = sam_on_two().await;
    assert_eq!(list(&desk).await.len(), 2);
    assert!(list(&desk).await[0].current);
    desk.told().await;
    sign_out(&laptop, &laptop).await;
    desk.until_told("the list has changed", CoreEvent::Devices)
        .await;
    desk.until("one is left", |core| {
        Box::pin(async move { core.devices_list(Nothing {}).await.unwrap().len() == 1 })
    })
    .await;
    desk.told().await;
    let _tablet = Device::of("Sam", &server.url()).await;
    desk.until_told("the list has changed again", CoreEvent::Devices)
        .await;
    assert_eq!(list(&desk).await.len(), 2);
}

#[tokio::test]
async fn a_device_that_is_signed_out_from_another_one_is_wiped_at_once() {
    let (server, conversation, desk, mut laptop) = sam_on_two().await;
    note_person(&laptop);
    let maya = Device::of("Maya", &server.url()).await;
    maya.say(conversation, "on both").await;
    laptop.shows(&[NotificationId::Message(conversation)]).await;
    sign_out(&desk, &laptop).await;
    is_wiped(&mut laptop).await;
    laptop.shows(&[]).await;
    laptop.connection(ConnectionState::Off).await;
    let rows = laptop.core.conversations_list(Nothing {}).await;
    assert_eq!(rows.unwrap_err().kind, ErrorKind::SignInAgain);
    assert!(matches!(desk.account().await, Account::SignedIn { .. }));

    // It is said until somebody signs in, also after a restart.
    let mut laptop = laptop.restart().await;
    is_wiped(&mut laptop).await;
    laptop.sign_in("Sam").await.unwrap();
    laptop.reads(conversation, &["on both"]).await;
    let out = SignOutArgs {
        unsent: Unsent::Ask,
    };
    laptop.core.account_sign_out(out).await.unwrap();
    let account = laptop.account().await;
    let here = matches!(
        account,
        Account::SignedOut {
            elsewhere: false,
            ..
        }
    );
    assert!(here, "{account:?}");
}

#[tokio::test]
async fn a_device_that_was_away_is_wiped_at_the_next_contact_with_what_was_unsent() {
    let (mut server, conversation, desk, laptop) = sam_on_two().await;
    note_person(&laptop);
    let id = own(&laptop).await.id;
    let data = Arc::clone(&laptop.data);
    let secrets = Arc::clone(&laptop.secrets);
    laptop.core.stop().await;
    let args = DeviceArgs { id };
    desk.core.devices_sign_out(args).await.unwrap();
    server.down().await;
    // Without the server nothing is known of it.
    let mut laptop = Device::with(&server.url(), data, secrets).await;
    laptop.say(conversation, "never to be sent").await;
    laptop.connection(ConnectionState::Waiting).await;
    assert!(matches!(laptop.account().await, Account::SignedIn { .. }));
    server.up().await;
    laptop.core.connection_retry(Nothing {}).await.unwrap();
    is_wiped(&mut laptop).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.caught_up().await;
    assert_eq!(maya.messages(conversation).await, []);
}

#[tokio::test]
async fn all_others_go_and_this_one_stays() {
    let (server, conversation, desk, mut laptop) = sam_on_two().await;
    note_person(&laptop);
    let mut tablet = Device::of("Sam", &server.url()).await;
    note_person(&tablet);
    desk.core.devices_sign_out_others(Nothing {}).await.unwrap();
    is_wiped(&mut laptop).await;
    is_wiped(&mut tablet).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    desk.say(conversation, "alone again").await;
    maya.reads(conversation, &["alone again"]).await;
}

#[tokio::test]
async fn a_new_password_locks_the_other_device_and_loses_nothing_there() {
    let (mut server, conversation, desk, mut laptop) = sam_on_two().await;
    let change = async |old: &str, new: &str| -> Result<Nothing, UiError> {
        let args = ChangePasswordArgs {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        desk.core.account_change_password(args).await
    };
    let field = |refused: Result<Nothing, UiError>| {
        let error = refused.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        error.params.get("field").cloned().unwrap()
    };
    let new = "another long password";
    assert_eq!(field(change("not it at all", new).await), "old_password");
    assert_eq!(field(change(PASSWORD, "short").await), "new_password");

    server.down().await;
    laptop.connection(ConnectionState::Waiting).await;
    laptop.say(conversation, "unsent").await;
    laptop.core.stop().await;
    server.up().await;
    change(PASSWORD, new).await.unwrap();
    let mut laptop = laptop.restart().await;
    is_locked(&mut laptop).await;
    assert!(matches!(
        laptop.account().await,
        Account::Locked { unsent: 1, .. }
    ));
    let old = laptop.sign_in("Sam").await.unwrap_err();
    assert_eq!(old.kind, ErrorKind::WrongPassword);
    laptop.sign_in_with("Sam", new).await.unwrap();
    laptop.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["unsent"]).await;
    assert!(matches!(desk.account().await, Account::SignedIn { .. }));
}

#[tokio::test]
async fn a_server_with_another_database_signs_nobody_out() {
    let (mut server, conversation, desk, laptop) = sam_on_two().await;
    desk.core.stop().await;
    server.down().await;
    laptop.say(conversation, "unsent").await;
    laptop.core.stop().await;
    let other = TestServer::start_in_place_of(server).await;
    other.person("Sam", Role::Student).await;
    let mut laptop = laptop.restart().await;
    is_locked(&mut laptop).await;
    assert!(matches!(
        laptop.account().await,
        Account::Locked { unsent: 1, .. }
    ));
}

/// A keyring in which nothing can be deleted for as long as this process lives: the wiping hangs in
/// it.
struct Stuck(MemorySecrets);

impl SecretStore for Stuck {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        self.0.get(key)
    }
    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        self.0.put(key, secret)
    }
    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        // Straight to the pipe: the harness would keep it.
        writeln!(std::io::stderr(), "wiping").unwrap();
        Box::pin(std::future::pending())
    }
}

/// Not a test of its own: the process that [`killed_while_it_was_being_wiped`] kills.
#[tokio::test]
async fn is_signed_out_and_killed() {
    let (Ok(data), Ok(server), Ok(token)) = (
        std::env::var("IM_TEST_DATA"),
        std::env::var("IM_TEST_SERVER"),
        std::env::var("IM_TEST_TOKEN"),
    ) else {
        return;
    };
    let data = PathBuf::from(data);
    let secrets = Stuck(MemorySecrets::default());
    let token = Secret::new(token);
    secrets.put(&key(&data), token).await.unwrap();
    let (_actions, receiver) = notify::actions();
    let desktop = Arc::new(Desktop::default());
    let _core = device::start(&data, &server, Arc::new(secrets), desktop, receiver)
        .await
        .unwrap();
    tokio::time::timeout(DEADLINE * 2, std::future::pending::<()>())
        .await
        .unwrap_err();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn killed_while_it_was_being_wiped() {
    let (server, conversation, desk, laptop) = sam_on_two().await;
    note_person(&laptop);
    laptop.say(conversation, "on the disk").await;
    let id = own(&laptop).await.id;
    let (data, secrets) = (Arc::clone(&laptop.data), Arc::clone(&laptop.secrets));
    laptop.core.stop().await;
    let folder = left(data.path()).remove(0);
    let aside = TempDir::new().unwrap();
    copy(&folder, aside.path());
    let args = DeviceArgs { id };
    desk.core.devices_sign_out(args).await.unwrap();

    let token = secrets.get(&key(data.path())).await.unwrap().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("scenarios::devices::is_signed_out_and_killed")
        .env("IM_TEST_DATA", data.path())
        .env("IM_TEST_SERVER", server.url())
        .env("IM_TEST_TOKEN", token.expose())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let wiping = tokio::task::spawn_blocking(move || {
        stderr
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "wiping")
    });
    let wiping = tokio::time::timeout(DEADLINE, wiping)
        .await
        .unwrap()
        .unwrap();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    assert!(wiping);
    assert_eq!(left(data.path()), Vec::<PathBuf>::new());

    // As if it had been killed a moment earlier, before anything was deleted.
    copy(aside.path(), &folder);
    // The server is not asked again.
    drop(desk);
    drop(server);
    let mut laptop = Device::with("http://127.0.0.1:1", data, secrets).await;
    is_wiped(&mut laptop).await;
}
