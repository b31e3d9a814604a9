//! Connections that end, and what comes after.

use crate::harness::{
    Node, SOON, ask, client, connected, expect_connected, expect_disconnected, reach_state, within,
};
use im_socketio::{DisconnectReason, EmitError, Options, State, connect};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

#[tokio::test]
async fn the_server_ends_the_session_and_maya_comes_back() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    for (event, why) in [
        ("leave", DisconnectReason::ServerDisconnected),
        ("hang up", DisconnectReason::ServerDisconnected),
    ] {
        let pending = client.emit_with_ack::<Value>("unanswered", &1, SOON);
        let leave = client.emit(event, &());
        let (pending, leave) = within(async { tokio::join!(pending, leave) }).await;
        leave.unwrap();
        assert!(
            matches!(pending, Err(EmitError::Disconnected)),
            "{pending:?}"
        );
        assert_eq!(expect_disconnected(&mut events).await, why);
        expect_connected(&mut events).await;
    }
    assert_eq!(ask(&client, "echo", json!(1)).await, 1);
}

#[tokio::test]
async fn the_server_is_killed_and_comes_back() {
    let node = Node::start().await;
    let tokens = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&tokens);
    let auth = move || {
        let token = counter.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(json!({ "token": format!("token {token}") })) }
    };
    let (client, mut events, connection) = connect(Options::new(node.url()), auth).unwrap();
    tokio::spawn(connection.run());
    expect_connected(&mut events).await;

    let pending = tokio::spawn({
        let client = client.clone();
        async move { client.emit_with_ack::<Value>("unanswered", &1, SOON).await }
    });
    // The echo comes after the other in the same order, so that one is surely on its way.
    ask(&client, "echo", json!(1)).await;
    let port = node.kill().await;
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::TransportClosed);
    let pending = within(pending).await.unwrap();
    assert!(
        matches!(pending, Err(EmitError::Disconnected)),
        "{pending:?}"
    );

    let begun = Instant::now();
    let failed = client.emit_with_ack::<Value>("echo", &1, SOON).await;
    assert!(matches!(failed, Err(EmitError::NotConnected)));
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited");
    reach_state(&client, |state| {
        let refused = DisconnectReason::Unreachable(std::io::ErrorKind::ConnectionRefused);
        matches!(state, State::Waiting { reason, .. } if *reason == refused)
    })
    .await;

    let _node = Node::start_at(port).await;
    client.reconnect_soon();
    expect_connected(&mut events).await;
    let asked = tokens.load(Ordering::SeqCst);
    assert!(asked > 1);
    let me = ask(&client, "whoami", Value::Null).await;
    assert_eq!(
        me["token"],
        format!("token {asked}"),
        "the token is not fresh"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_found_when_it_comes() {
    let node = Node::start().await;
    let url = node.url();
    let port = node.kill().await;
    let (client, mut events) = client(Options::new(url));
    client.set_hurried(true);
    reach_state(
        &client,
        |state| matches!(state, State::Connecting { attempt } if *attempt > 3),
    )
    .await;
    let _node = Node::start_at(port).await;
    expect_connected(&mut events).await;
}

const QUICK: [(&str, &str); 2] = [("PING_INTERVAL", "300"), ("PING_TIMEOUT", "700")];

#[tokio::test]
async fn a_server_that_goes_silent_is_noticed_in_time() {
    let node = Node::start_with(&QUICK).await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    ask(&client, "echo", json!(1)).await;
    node.freeze().await;
    let frozen = Instant::now();
    let failed = client.emit_with_ack::<Value>("echo", &1, SOON).await;
    assert!(matches!(failed, Err(EmitError::Disconnected)), "{failed:?}");
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::PingTimeout);
    // Interval and timeout make one second, counted from the last sign of life.
    let noticed = frozen.elapsed();
    let allowed = Duration::from_millis(500)..Duration::from_millis(2_500);
    assert!(allowed.contains(&noticed), "after {noticed:?}");

    node.thaw().await;
    client.reconnect_soon();
    expect_connected(&mut events).await;
}

#[tokio::test]
async fn a_silent_server_is_noticed_also_while_much_is_being_sent() {
    let node = Node::start_with(&QUICK).await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    node.freeze().await;
    // More than the buffers of both systems and all queues hold, so that writing comes to a halt.
    let sender = tokio::spawn({
        let client = client.clone();
        async move {
            let text = "x".repeat(200_000);
            loop {
                if let Err(error) = client.emit("unanswered", &text).await {
                    return error;
                }
            }
        }
    });
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::PingTimeout);
    let error = within(sender).await.unwrap();
    assert!(matches!(error, EmitError::NotConnected), "{error:?}");
}

#[tokio::test]
async fn a_goodbye_to_a_frozen_server_does_not_hang() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    node.freeze().await;
    let begun = Instant::now();
    within(client.close()).await;
    assert!(begun.elapsed() < Duration::from_secs(3));
}
