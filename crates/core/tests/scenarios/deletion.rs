//! Deleting the account: every device of it keeps nothing, and the other side keeps what was said.

use super::device::{Device, messages, text};
use im_contract::{
    Commands, ErrorKind,
    args::{DeleteArgs, Nothing},
    views::Account,
};
use im_protocol::people::Role;
use im_testkit::{TestServer, server::PASSWORD};

fn with(password: &str) -> DeleteArgs {
    DeleteArgs {
        password: password.to_owned(),
    }
}

/// Waits until nobody is signed in and nothing is kept.
async fn wiped(device: &mut Device) {
    device
        .until("nothing is kept", |core| {
            Box::pin(async move {
                let account = core.account_get(Nothing {}).await.unwrap();
                matches!(account, Account::SignedOut { .. })
            })
        })
        .await;
    let mut accounts = std::fs::read_dir(device.data.path().join("accounts")).unwrap();
    assert!(accounts.next().is_none());
    let installation = device.data.path().join("installation.json");
    let installation = std::fs::read_to_string(installation).unwrap();
    assert!(!installation.contains("sam@"), "{installation}");
}

#[tokio::test]
async fn sam_saves_everything_twice_and_a_part_of_it_is_not_kept() {
    let mut server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut sam = Device::of("Sam", &server.url()).await;
    sam.say(conversation, "what I wrote").await;
    sam.all_sent().await;
    let downloads = tempfile::tempdir().unwrap();
    sam.core.set_downloads(downloads.path().to_owned());
    for name in ["instantmentor.json", "instantmentor-2.json"] {
        let exported = sam.core.account_export(Nothing {}).await.unwrap();
        let path = downloads.path().join(name);
        assert_eq!(exported.path, path.to_string_lossy());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(exported.bytes, text.len() as u64);
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(all["profile"]["email"], "sam@example.org");
        assert!(text.contains("what I wrote"));
    }
    server.down().await;
    let refused = sam.core.account_export(Nothing {}).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::ServerUnreachable);
    let files = std::fs::read_dir(downloads.path()).unwrap();
    assert_eq!(files.count(), 2);
}

#[tokio::test]
async fn sam_deletes_the_account_on_one_device_and_all_of_them_forget_it() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut laptop = Device::of("Sam", &server.url()).await;
    let mut tablet = Device::of("Sam", &server.url()).await;
    let away = Device::of("Sam", &server.url()).await;
    away.core.stop().await;
    laptop.say(conversation, "goodbye").await;
    laptop.all_sent().await;

    let wrong = laptop.core.account_delete(with("not the password")).await;
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::WrongPassword);
    assert!(matches!(laptop.account().await, Account::SignedIn { .. }));
    laptop.core.account_delete(with(PASSWORD)).await.unwrap();
    wiped(&mut laptop).await;
    wiped(&mut tablet).await;
    // One that was off meanwhile does so when it comes back.
    let mut away = away.restart().await;
    wiped(&mut away).await;

    maya.until("Maya sees that the account is gone", |core| {
        Box::pin(async move {
            let rows = core.conversations_list(Nothing {}).await.unwrap();
            rows.iter().all(|row| row.other.name == "Deleted account")
        })
    })
    .await;
    let said = messages(&maya.core, conversation).await;
    assert_eq!(said.last().map(text).as_deref(), Some("goodbye"));
    maya.say(conversation, "still there?").await;
    maya.until("Maya is told that nothing can be written", |core| {
        Box::pin(async move {
            let rows = messages(core, conversation).await;
            let error = rows.last().and_then(|row| row.error.as_ref());
            error.is_some_and(|error| error.kind == ErrorKind::Closed)
        })
    })
    .await;
}
