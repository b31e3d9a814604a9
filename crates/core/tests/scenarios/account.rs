//! Coming in, going out, and what stays.

use super::device::Device;
use im_contract::{
    Commands, ErrorKind,
    args::{InvitationArgs, Nothing, RegisterArgs, SignInArgs, SignOutArgs, Unsent},
    views::{Account, ConnectionState, KeyringState},
};
use im_protocol::people::Role;
use im_testkit::{TestServer, server::email};

#[tokio::test]
async fn sam_registers_and_is_still_signed_in_after_a_restart() {
    let server = TestServer::start().await;
    let device = Device::new(&server.url()).await;
    let before = device.account().await;
    assert!(
        matches!(before, Account::SignedOut { server: s, elsewhere: false } if s == server.url())
    );
    let args = RegisterArgs {
        server: server.url(),
        name: "Sam".to_owned(),
        email: "sam@example.org".to_owned(),
        password: "long enough for Sam".to_owned(),
    };
    let account = device.core.account_register(args.clone()).await.unwrap();
    let Account::SignedIn { me, keyring, .. } = &account else {
        panic!("{account:?}");
    };
    assert_eq!((me.name.as_str(), me.role), ("Sam", Role::Student));
    assert_eq!(*keyring, KeyringState::Kept);

    let mut device = device.restart().await;
    assert_eq!(device.account().await, account);
    device.caught_up().await;

    let other = Device::new(&server.url()).await;
    let taken = other.core.account_register(args).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::EmailTaken);
}

#[tokio::test]
async fn a_mentor_comes_by_invitation_and_only_with_the_right_code() {
    let server = TestServer::start().await;
    let operator = server.running().operator().unwrap();
    let invitation = operator
        .invite("ali@example.org", Role::Mentor)
        .await
        .unwrap();
    let device = Device::new(&server.url()).await;
    let args = |code: &str| InvitationArgs {
        server: server.url(),
        code: code.to_owned(),
        name: "Ali".to_owned(),
        password: "long enough for Ali".to_owned(),
    };
    let wrong = device
        .core
        .account_accept_invitation(args("no-such-code"))
        .await;
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::BadInvitation);
    let right = device
        .core
        .account_accept_invitation(args(&invitation.code))
        .await
        .unwrap();
    assert!(matches!(right, Account::SignedIn { me, .. } if me.role == Role::Mentor));
}

#[tokio::test]
async fn a_wrong_password_says_so_and_changes_nothing() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    let device = Device::new(&server.url()).await;
    for (email, password) in [
        (email("Maya"), "wrong password"),
        (email("Nobody"), "wrong password"),
    ] {
        let args = SignInArgs {
            server: server.url(),
            email,
            password: password.to_owned(),
        };
        let error = device.core.account_sign_in(args).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::WrongPassword);
    }
    assert!(matches!(device.account().await, Account::SignedOut { .. }));
    device.sign_in("Maya").await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_or_nobodys_says_so() {
    let device = Device::new("http://127.0.0.1:1").await;
    let args = |server: &str| SignInArgs {
        server: server.to_owned(),
        email: email("Maya"),
        password: "does not matter".to_owned(),
    };
    for (server, kind) in [
        ("http://mentor.example.org", ErrorKind::BadServerAddress),
        ("not an address", ErrorKind::BadServerAddress),
        ("http://127.0.0.1:1", ErrorKind::ServerUnreachable),
    ] {
        let error = device.core.account_sign_in(args(server)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{server}");
    }
}

#[tokio::test]
async fn signing_out_asks_when_something_is_unsent_and_wipes_the_device() {
    let mut server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let mut sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    sam.say(conversation, "Are you there?").await;

    let ask = SignOutArgs {
        unsent: Unsent::Ask,
    };
    let asked = sam.core.account_sign_out(ask).await.unwrap();
    assert!(!asked.done);
    assert_eq!(asked.unsent, 1);
    assert!(matches!(sam.account().await, Account::SignedIn { .. }));

    server.up().await;
    sam.all_sent().await;
    let done = sam.core.account_sign_out(ask).await.unwrap();
    assert!(done.done);
    assert!(matches!(sam.account().await, Account::SignedOut { .. }));
    let left: Vec<_> = std::fs::read_dir(sam.data.path().join("accounts"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let list = sam.core.conversations_list(Nothing {}).await;
    assert_eq!(list.unwrap_err().kind, ErrorKind::SignInAgain);
    sam.connection(ConnectionState::Off).await;

    let mut sam = sam.restart().await;
    assert!(
        matches!(sam.account().await, Account::SignedOut { server: s, elsewhere: false } if s == server.url())
    );
    sam.sign_in("Sam").await.unwrap();
    sam.reads(conversation, &["Are you there?"]).await;
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_kept_has_not_happened_and_works_at_the_next_try() {
    let server = TestServer::start().await;
    server.person("Sam", Role::Student).await;
    let mut sam = Device::new(&server.url()).await;
    // A folder in its place: the file cannot be replaced.
    let file = sam.data.path().join("installation.json");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir_all(file.join("in the way")).unwrap();
    let refused = sam.sign_in("Sam").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::DataUnreadable);
    assert!(matches!(sam.account().await, Account::SignedOut { .. }));
    sam.connection(ConnectionState::Off).await;

    std::fs::remove_dir_all(&file).unwrap();
    sam.sign_in("Sam").await.unwrap();
    sam.caught_up().await;
    let mut sam = sam.restart().await;
    sam.caught_up().await;
}

#[tokio::test]
async fn a_sign_out_that_the_disk_refuses_leaves_a_way_forward() {
    let server = TestServer::start().await;
    server.person("Sam", Role::Student).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    // A file where the account's folder is to be deleted.
    let folder = sam.account_folder();
    let aside = sam.data.path().join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let leave = SignOutArgs {
        unsent: Unsent::Discard,
    };
    let refused = sam.core.account_sign_out(leave).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::DataUnreadable);
    assert!(matches!(sam.account().await, Account::Locked { .. }));
    sam.connection(ConnectionState::Off).await;

    std::fs::remove_file(&folder).unwrap();
    assert!(sam.core.account_sign_out(leave).await.unwrap().done);
    assert!(matches!(sam.account().await, Account::SignedOut { .. }));
}
