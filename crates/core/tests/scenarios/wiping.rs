//! A device that is signed out from another one: what it keeps is wiped, whatever happens meanwhile.

use super::{
    device::{self, DEADLINE, Desktop, Device},
    devices::{own, sam_on_two, sign_out},
};
use futures_util::future::BoxFuture;
use im_contract::{
    Commands, ErrorKind,
    args::{Nothing, SignOutArgs, Unsent},
    devices::DeviceArgs,
    views::{Account, ConnectionState},
};
use im_core::{
    notify::{self, NotificationId},
    secrets::{MemorySecrets, Secret, SecretError, SecretStore},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

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
    let file = std::fs::read_to_string(device.data.path().join("installation.json")).unwrap();
    assert!(!file.to_lowercase().contains("sam"), "{file}");
    let token = device.secrets.get(&key(device.data.path())).await;
    assert_eq!(token, Ok(None));
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
    let device = file.pointer("/device").unwrap().as_str().unwrap();
    format!("{device}/{person}")
}

/// Notes whose account this is.
fn note_person(device: &Device) {
    let folder = device.account_folder();
    let person = folder.file_name().unwrap().to_str().unwrap();
    std::fs::write(device.data.path().join("person-of-the-test"), person).unwrap();
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
        let mut pipe = std::io::stderr();
        writeln!(pipe, "wiping").unwrap();
        Box::pin(std::future::pending())
    }
}

/// Not a test of its own: the process that [`killed_while_it_was_being_wiped`] kills.
#[tokio::test]
#[ignore = "the process that another test kills"]
async fn is_signed_out_and_killed() {
    let given = |name| std::env::var(name).expect("what the test that kills it gives");
    let data = given("IM_TEST_DATA");
    let (server, token) = (given("IM_TEST_SERVER"), given("IM_TEST_TOKEN"));
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
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
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
        .args(["--exact", "--nocapture", "--ignored"])
        .arg("scenarios::wiping::is_signed_out_and_killed")
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
