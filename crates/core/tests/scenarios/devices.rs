//! One person on two devices: each has everything, and what is done of one leaves the other alone.

use super::device::Device;
use im_contract::{
    Commands, CoreEvent, ErrorKind, UiError,
    args::{Nothing, ReadArgs, SignOutArgs, Unsent},
    devices::{ChangePasswordArgs, DeviceArgs, DeviceView},
    views::{Account, ConnectionState, MessageState},
};
use im_core::notify::NotificationId;
use im_protocol::{ConversationId, people::Role};
use im_testkit::{TestServer, server::PASSWORD};

/// Maya and Sam with a conversation, and Sam on a desk and a laptop.
pub(super) async fn sam_on_two() -> (TestServer, ConversationId, Device, Device) {
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
pub(super) async fn own(device: &Device) -> DeviceView {
    let found = list(device).await.into_iter().find(|one| one.current);
    found.unwrap()
}

pub(super) async fn sign_out(by: &Device, device: &Device) {
    let id = own(device).await.id;
    let args = DeviceArgs { id };
    by.core.devices_sign_out(args).await.unwrap();
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
