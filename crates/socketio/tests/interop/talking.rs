//! Connecting, refusals, events and acknowledgements, binary, namespaces.

use crate::harness::{
    Node, SOON, ask, client, connected, expect_connected, expect_disconnected, expect_event,
    reach_state, within,
};
use im_socketio::{
    Attachment, Auth, AuthError, DisconnectReason, EmitError, Incoming, OnRefusal, Options,
    Refusal, State, connect,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

#[tokio::test]
async fn maya_connects_with_her_token() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    assert!(client.state().borrow().is_connected());
    let me = ask(&client, "whoami", Value::Null).await;
    assert_eq!(me, json!({ "token": "maya", "namespace": "/" }));
}

#[tokio::test]
async fn maya_joins_a_namespace() {
    let node = Node::start().await;
    let mut options = Options::new(node.url());
    options.namespace = "/mentor".to_owned();
    let (client, mut events) = connected(options).await;
    let me = ask(&client, "whoami", Value::Null).await;
    assert_eq!(me, json!({ "token": "maya", "namespace": "/mentor" }));
    client.emit("shout", "hello").await.unwrap();
    let heard = expect_event(&mut events, "heard").await;
    assert_eq!(heard.payload::<String>().unwrap(), "hello");
}

#[tokio::test]
async fn an_unknown_namespace_is_refused() {
    let node = Node::start().await;
    let mut options = Options::new(node.url());
    options.namespace = "/nowhere".to_owned();
    let (client, _events) = client(options);
    let state = reach_state(&client, |state| matches!(state, State::Refused { .. })).await;
    let State::Refused { error } = state else {
        panic!("{state:?}");
    };
    assert_eq!(error.message, "Invalid namespace");
}

#[tokio::test]
async fn a_refused_token_is_seen_with_the_servers_data() {
    let node = Node::start().await;
    let auth = || async { Ok(json!({ "token": "forbidden" })) };
    let (client, mut events, connection) = connect(Options::new(node.url()), auth).unwrap();
    let task = tokio::spawn(connection.run());
    let state = reach_state(&client, |state| matches!(state, State::Refused { .. })).await;
    let State::Refused { error } = state else {
        panic!("{state:?}");
    };
    #[derive(Deserialize)]
    struct Details {
        retry_after_ms: u64,
    }
    assert_eq!(
        (error.message.as_str(), error.code.as_str()),
        ("not let in", "forbidden")
    );
    assert_eq!(error.data_as::<Details>().unwrap().retry_after_ms, 250);
    let emit = client.emit("shout", "hello").await;
    assert!(matches!(emit, Err(EmitError::NotConnected)));

    within(client.close()).await;
    within(task).await.unwrap();
    assert!(
        within(events.recv()).await.is_none(),
        "it never was connected"
    );
}

/// Has an old token; refreshes it when told so.
struct Refreshing {
    asked: AtomicU32,
    refreshed: AtomicU32,
}

impl Auth for &'static Refreshing {
    async fn auth(&self) -> Result<Value, AuthError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fresh = self.refreshed.load(Ordering::SeqCst) > 0;
        Ok(json!({ "token": if fresh { "fresh" } else { "expired" } }))
    }

    async fn refused(&self, refusal: &Refusal) -> OnRefusal {
        assert_eq!(refusal.code, "expired");
        self.refreshed.fetch_add(1, Ordering::SeqCst);
        OnRefusal::Retry
    }
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_the_connect_repeated() {
    static AUTH: Refreshing = Refreshing {
        asked: AtomicU32::new(0),
        refreshed: AtomicU32::new(0),
    };
    let node = Node::start().await;
    let (client, mut events, connection) = connect(Options::new(node.url()), &AUTH).unwrap();
    tokio::spawn(connection.run());
    expect_connected(&mut events).await;
    assert_eq!(ask(&client, "whoami", Value::Null).await["token"], "fresh");
    assert_eq!(AUTH.asked.load(Ordering::SeqCst), 2);
    assert_eq!(AUTH.refreshed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn events_go_both_ways() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    let payload = json!({ "text": "Grüße 🔔", "n": [1, 2.5, null, true] });
    client.emit("shout", &payload).await.unwrap();
    let heard = expect_event(&mut events, "heard").await;
    assert_eq!(heard.payload::<Value>().unwrap(), payload);
    assert_eq!(heard.args.json[1].get(), r#""second""#);
    assert!(heard.ack.is_none());
}

#[tokio::test]
async fn acknowledgements_go_both_ways() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    assert_eq!(ask(&client, "echo", json!(["a"])).await, json!(["a"]));
    let nothing: () = client.emit_with_ack("nothing", &(), SOON).await.unwrap();
    let () = nothing;

    let () = client.emit_with_ack("ask me", &(), SOON).await.unwrap();
    let question = expect_event(&mut events, "question").await;
    assert_eq!(question.payload::<Value>().unwrap()["about"], "fractions");
    let answer = json!({ "text": "halves first" });
    question.ack.unwrap().reply(&answer).await.unwrap();
    let thanks = expect_event(&mut events, "thanks").await;
    assert_eq!(thanks.payload::<Value>().unwrap(), answer);
}

#[tokio::test]
async fn an_answer_that_never_comes_or_does_not_fit_is_an_error_of_its_own() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    let timeout = Duration::from_millis(50);
    let error = client
        .emit_with_ack::<Value>("unanswered", &1, timeout)
        .await
        .unwrap_err();
    assert!(matches!(error, EmitError::Timeout) && error.may_have_arrived());

    let error = client
        .emit_with_ack::<u32>("echo", "text", SOON)
        .await
        .unwrap_err();
    assert!(matches!(error, EmitError::Decode(_)));

    let error = client.emit("disconnect", &1).await.unwrap_err();
    assert!(matches!(error, EmitError::ReservedEvent) && !error.may_have_arrived());
    assert!(client.state().borrow().is_connected());
}

#[tokio::test]
async fn binary_goes_both_ways() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    #[derive(Deserialize)]
    struct File {
        data: Attachment,
    }
    let payload = json!({ "name": "notes", "data": Attachment(0) });
    let bytes: Vec<u8> = (0..=255).collect();
    let reply = client
        .emit_binary_with_ack("reverse", &payload, vec![bytes.clone().into()], SOON)
        .await
        .unwrap();
    let reversed: Vec<u8> = bytes.into_iter().rev().collect();
    assert_eq!(reply.payload::<Value>().unwrap()["size"], 256);
    let answered: File = reply.payload().unwrap();
    assert_eq!(reply.args.attachment(answered.data).unwrap(), &reversed);

    let event = expect_event(&mut events, "reversed").await;
    let emitted: File = event.payload().unwrap();
    assert_eq!(event.args.attachment(emitted.data).unwrap(), &reversed);
    assert!(event.args.attachment(Attachment(1)).is_none());
}

#[tokio::test]
async fn a_goodbye_reaches_the_server() {
    let node = Node::start().await;
    let (_sam, mut sams_events) = connected(Options::new(node.url())).await;
    let (maya, mut mayas_events) = connected(Options::new(node.url())).await;
    within(maya.close()).await;
    let left = expect_event(&mut sams_events, "left").await;
    assert_eq!(
        left.payload::<String>().unwrap(),
        "client namespace disconnect"
    );

    assert_eq!(*maya.state().borrow(), State::Closed);
    assert_eq!(
        expect_disconnected(&mut mayas_events).await,
        DisconnectReason::Closed
    );
    assert!(within(mayas_events.recv()).await.is_none());
    let emit = maya.emit("shout", &1).await;
    assert!(matches!(emit, Err(EmitError::NotConnected)));
    // A second close has nothing to wait for.
    within(maya.close()).await;
}

#[tokio::test]
async fn when_the_last_client_is_gone_the_connection_ends() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    let other = client.clone();
    drop(client);
    assert_eq!(ask(&other, "echo", json!(1)).await, 1);
    drop(other);
    assert_eq!(
        expect_disconnected(&mut events).await,
        DisconnectReason::Closed
    );
    assert!(within(events.recv()).await.is_none());
}

#[tokio::test]
async fn the_round_trip_is_measured() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    let mut latency = client.latency();
    let measured = within(latency.wait_for(Option::is_some))
        .await
        .unwrap()
        .unwrap();
    assert!(measured > Duration::ZERO && measured < SOON);
}

#[tokio::test]
async fn what_came_before_the_events_were_read_is_still_in_order() {
    let node = Node::start().await;
    let (client, mut events) = client(Options::new(node.url()));
    reach_state(&client, State::is_connected).await;
    client.emit("shout", &1).await.unwrap();
    client.emit("leave", &()).await.unwrap();
    reach_state(&client, |state| matches!(state, State::Waiting { .. })).await;
    expect_connected(&mut events).await;
    expect_event(&mut events, "heard").await;
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::ServerDisconnected);
    assert!(matches!(
        within(events.recv()).await,
        Some(Incoming::Connected { .. })
    ));
}
