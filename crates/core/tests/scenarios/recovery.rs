//! A forgotten password and an address that is to be shown, from the app to the mail and back.

use super::device::Device;
use im_contract::{
    Commands, ErrorKind,
    args::{CodeArgs, EnrolArgs, ForgotArgs, Nothing, RegisterArgs, ResetArgs},
    views::Account,
};
use im_protocol::people::Role;
use im_testkit::{Mailbox, TestServer, server::email};

fn is_verified(account: &Account) -> bool {
    matches!(account, Account::SignedIn { me, .. } if me.verified)
}

#[tokio::test]
async fn sam_forgets_the_password_and_the_other_device_is_locked_with_what_is_on_it() {
    let mailbox = Mailbox::start().await;
    let server = TestServer::start_with_mail(&mailbox).await;
    server.person("Sam", Role::Student).await;
    let mut old = Device::of("Sam", &server.url()).await;
    let new = Device::new(&server.url()).await;
    let forgot = |email: &str| ForgotArgs {
        server: server.url(),
        email: email.to_owned(),
    };
    let nobody = new.core.account_forgot(forgot("nobody@example.org")).await;
    nobody.unwrap();
    let bad = new.core.account_forgot(forgot("nobody")).await;
    assert_eq!(bad.unwrap_err().kind, ErrorKind::Invalid);
    new.core
        .account_forgot(forgot(&email("Sam")))
        .await
        .unwrap();
    let code = mailbox.nth_for(&email("Sam"), 1).await.code();

    let reset = |code: &str| ResetArgs {
        server: server.url(),
        email: email("Sam"),
        code: code.to_owned(),
        password: "another long password".to_owned(),
    };
    let wrong = new.core.account_reset(reset("2222-2222-2222")).await;
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::BadCode);
    let account = new.core.account_reset(reset(&code)).await.unwrap();
    assert!(is_verified(&account));
    old.until("the old device is locked", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::Locked { .. })
        })
    })
    .await;
    // It comes back by a code as well.
    new.core
        .account_forgot(forgot(&email("Sam")))
        .await
        .unwrap();
    let code = mailbox.nth_for(&email("Sam"), 2).await.code();
    let account = old.core.account_reset(reset(&code)).await.unwrap();
    assert!(is_verified(&account));
}

#[tokio::test]
async fn sam_registers_enters_the_code_and_both_devices_know() {
    let mailbox = Mailbox::start().await;
    let server = TestServer::start_with_mail(&mailbox).await;
    server.person("Maya", Role::Mentor).await;
    let operator = server.running().operator().unwrap();
    let mayas = email("Maya");
    let course = operator.add_course("Algebra", &mayas, Some("ALG"));
    course.await.unwrap();
    let device = Device::new(&server.url()).await;
    let args = RegisterArgs {
        server: server.url(),
        name: "Sam".to_owned(),
        email: email("Sam"),
        password: im_testkit::server::PASSWORD.to_owned(),
    };
    let account = device.core.account_register(args).await.unwrap();
    assert!(!is_verified(&account));
    let mut other = Device::of("Sam", &server.url()).await;
    let enrol = || EnrolArgs {
        code: "ALG".to_owned(),
    };
    let held = device.core.courses_enrol(enrol()).await.unwrap_err();
    assert_eq!(held.kind, ErrorKind::Unverified);

    let verify = |code: &str| CodeArgs {
        code: code.to_owned(),
    };
    let wrong = device.core.account_verify(verify("2222-2222-2222")).await;
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::BadCode);
    mailbox.nth_for(&email("Sam"), 1).await;
    device.core.account_resend_code(Nothing {}).await.unwrap();
    let code = mailbox.nth_for(&email("Sam"), 2).await.code();
    let mut device = device;
    device.core.account_verify(verify(&code)).await.unwrap();
    for device in [&mut device, &mut other] {
        device
            .until("it is known that the address is Sam's", |core| {
                Box::pin(async move { is_verified(&core.account_get(Nothing {}).await.unwrap()) })
            })
            .await;
    }
    device.core.courses_enrol(enrol()).await.unwrap();
    let device = device.restart().await;
    assert!(is_verified(&device.account().await));
}

#[tokio::test]
async fn a_server_without_mail_says_so() {
    let server = TestServer::start().await;
    let device = Device::new(&server.url()).await;
    let args = ForgotArgs {
        server: server.url(),
        email: email("Sam"),
    };
    let refused = device.core.account_forgot(args).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.retryable),
        (ErrorKind::NoMail, false)
    );
}
