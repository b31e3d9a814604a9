//! Long absences, many facts, and sessions that end elsewhere.

use super::device::Device;
use im_contract::{
    Commands, ErrorKind,
    args::{Nothing, PageArgs, SendArgs, SignOutArgs, Unsent},
    views::Account,
};
use im_core::secrets::Secret;
use im_protocol::{
    people::Role,
    rest::{Refresh, Tokens},
};
use im_testkit::{Cable, TestServer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// More than the server sends ahead of a confirmation, twice.
const MANY: usize = 1_100;

#[tokio::test]
async fn more_than_a_window_of_facts_is_caught_up_in_order() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let maya = Device::of("Maya", &server.url()).await;
    maya.core.stop().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    for number in 0..MANY {
        sam.say(conversation, &number.to_string()).await;
    }
    sam.all_sent().await;
    let mut maya = maya.restart().await;
    let newest = (MANY - 1).to_string();
    maya.until("the newest is there", |core| {
        let newest = newest.clone();
        Box::pin(async move {
            let page = super::device::messages(core, conversation).await;
            page.last().map(super::device::text) == Some(newest)
        })
    })
    .await;
    maya.caught_up().await;
    // A new device begins with the newest part and fetches the rest when it is looked at.
    let tablet = Device::of("Maya", &server.url()).await;
    for device in [&maya, &tablet] {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let args = PageArgs {
                before,
                ..PageArgs::newest(conversation, 200)
            };
            let page = device.core.messages_page(args).await.unwrap();
            before = page.messages.first().and_then(|first| first.seq);
            all.splice(0..0, page.messages.iter().map(super::device::text));
            if !page.more {
                break;
            }
        }
        let wanted: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
        assert_eq!(all, wanted);
    }
}

async fn refresh(server: &str, token: &str) -> Result<Tokens, String> {
    let host = server.trim_start_matches("http://");
    let body = serde_json::to_string(&Refresh {
        refresh_token: token.to_owned(),
    })
    .unwrap();
    let request = format!(
        "POST /v1/auth/refresh HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).map_err(|_| body.to_owned())
}

#[tokio::test]
async fn a_stolen_token_that_is_replayed_ends_the_session_and_keeps_what_is_unsent() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    let sam = server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let cable = Cable::to(&server.url()).await;
    let mut device = Device::of("Sam", &cable.url()).await;
    device.say(conversation, "hello").await;
    device.all_sent().await;
    cable.pull();
    device.say(conversation, "not sent yet").await;
    let file = std::fs::read(device.data.path().join("installation.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let key = format!("{}/{sam}", file["device"].as_str().unwrap());
    let stolen: Secret = device.secrets.get(&key).await.unwrap().unwrap();

    let first = refresh(&server.url(), stolen.expose()).await.unwrap();
    refresh(&server.url(), &first.refresh_token).await.unwrap();
    let replayed = refresh(&server.url(), stolen.expose()).await;
    assert!(replayed.unwrap_err().contains("session_revoked"));

    cable.put_in();
    device
        .until("the account is locked", |core| {
            Box::pin(async move {
                let account = core.account_get(Nothing {}).await.unwrap();
                matches!(account, Account::Locked { unsent: 1, .. })
            })
        })
        .await;
    let list = device.core.conversations_list(Nothing {}).await;
    assert_eq!(list.unwrap_err().kind, ErrorKind::SignInAgain);
    device.sign_in("Sam").await.unwrap();
    device.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["hello", "not sent yet"]).await;
}

#[tokio::test]
async fn what_is_written_while_signing_out_is_refused_or_asked_about_and_never_lost() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    let cable = Cable::to(&server.url()).await;
    let mut sam = Device::of("Sam", &cable.url()).await;
    // Telling the server takes as long as it may.
    cable.pull();
    let core = sam.core.clone();
    let leaving = tokio::spawn(async move {
        let args = SignOutArgs {
            unsent: Unsent::Ask,
        };
        core.account_sign_out(args).await.unwrap()
    });
    let mut confirmed = 0_usize;
    loop {
        let args = SendArgs {
            conversation,
            text: "one more thing".to_owned(),
            reply_to: None,
            files: Vec::new(),
        };
        match sam.core.messages_send(args).await {
            Ok(_) => confirmed += 1,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::SignInAgain);
                break;
            }
        }
        if leaving.is_finished() {
            break;
        }
    }
    let left = leaving.await.unwrap();
    cable.put_in();
    let mut written = vec!["one more thing"; confirmed];
    if !left.done {
        assert!(left.unsent > 0 && confirmed >= usize::try_from(left.unsent).unwrap());
        // The person has been asked: what is written now is taken.
        sam.say(conversation, "and another").await;
        written.push("and another");
        sam.core.connection_retry(Nothing {}).await.unwrap();
        sam.all_sent().await;
    }
    // What was confirmed has come, and nothing else.
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &written).await;
}
