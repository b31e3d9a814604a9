//! Much at once, too much at once, and too large.

use crate::harness::{
    Node, SOON, ask, connected, expect_connected, expect_disconnected, expect_event, reach_state,
    within,
};
use im_socketio::{DisconnectReason, EmitError, Options, State};
use serde_json::{Value, json};

const MANY: u32 = 5_000;

#[tokio::test]
async fn five_thousand_emits_arrive_in_order() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    for n in 0..MANY {
        client.emit("count", &n).await.unwrap();
    }
    let counted = client
        .emit_with_ack::<Vec<u32>>("counted", &(), SOON)
        .await
        .unwrap();
    assert!(counted.into_iter().eq(0..MANY));
}

#[tokio::test]
async fn five_thousand_acknowledgements_find_their_emits() {
    let node = Node::start().await;
    let (client, _events) = connected(Options::new(node.url())).await;
    let asked: Vec<_> = (0..MANY)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.emit_with_ack::<u32>("echo", &n, SOON).await })
        })
        .collect();
    for (n, answer) in (0..).zip(asked) {
        assert_eq!(within(answer).await.unwrap().unwrap(), n);
    }
}

#[tokio::test]
async fn five_thousand_events_are_taken_in_order() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    client.emit("flood", &MANY).await.unwrap();
    for n in 0..MANY {
        let event = expect_event(&mut events, "drop").await;
        assert_eq!(event.payload::<u32>().unwrap(), n);
    }
}

#[tokio::test]
async fn who_takes_events_too_slowly_is_told_and_connected_anew() {
    let node = Node::start().await;
    let mut options = Options::new(node.url());
    options.limits.event_queue = 16;
    let (client, mut events) = connected(options).await;
    client.emit("flood", &100).await.unwrap();
    // Nothing is taken until the connection is given up for it.
    let state = reach_state(&client, |state| !state.is_connected()).await;
    assert!(
        matches!(
            &state,
            State::Waiting {
                reason: DisconnectReason::ConsumerTooSlow,
                ..
            }
        ),
        "{state:?}"
    );
    // What had found room is there without a gap, then the end, then the new beginning.
    for n in 0..16 {
        let event = expect_event(&mut events, "drop").await;
        assert_eq!(event.payload::<u32>().unwrap(), n);
    }
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::ConsumerTooSlow);
    expect_connected(&mut events).await;
    assert_eq!(ask(&client, "echo", json!(1)).await, 1);
}

#[tokio::test]
async fn beginnings_and_ends_are_told_in_turn_even_where_only_one_has_room() {
    let node = Node::start().await;
    let mut options = Options::new(node.url());
    options.limits.event_queue = 1;
    let (client, mut events) = connected(options).await;
    client.emit("leave", &()).await.unwrap();
    // The end lies in the queue, so there is no room for the next beginning.
    reach_state(&client, |state| {
        let slow = DisconnectReason::ConsumerTooSlow;
        matches!(state, State::Waiting { reason, .. } if *reason == slow)
    })
    .await;
    let reason = expect_disconnected(&mut events).await;
    assert_eq!(reason, DisconnectReason::ServerDisconnected);
    expect_connected(&mut events).await;
    assert_eq!(ask(&client, "echo", json!(1)).await, 1);
}

#[tokio::test]
async fn a_slow_consumer_does_not_block_the_acknowledgements() {
    let node = Node::start().await;
    let (client, mut events) = connected(Options::new(node.url())).await;
    client.emit("flood", &500).await.unwrap();
    // The events lie in the queue, and the answer overtakes them.
    assert_eq!(ask(&client, "echo", json!(1)).await, 1);
    for _ in 0..500 {
        expect_event(&mut events, "drop").await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection_with_that_reason() {
    let node = Node::start().await;
    let mut options = Options::new(node.url());
    options.limits.max_incoming = 10_000;
    let (client, mut events) = connected(options).await;
    client.emit("big", &9_000).await.unwrap();
    let blob = expect_event(&mut events, "blob").await;
    assert_eq!(blob.payload::<String>().unwrap().len(), 9_000);
    client.emit("big", &11_000).await.unwrap();
    assert_eq!(
        expect_disconnected(&mut events).await,
        DisconnectReason::TooLarge
    );
    expect_connected(&mut events).await;
}

#[tokio::test]
async fn an_emit_that_the_server_would_not_take_is_not_sent() {
    let node = Node::start_with(&[("MAX_PAYLOAD", "10000")]).await;
    let (client, _events) = connected(Options::new(node.url())).await;
    let fits = "x".repeat(9_900);
    assert_eq!(ask(&client, "echo", json!(fits)).await, fits);
    let error = client
        .emit_with_ack::<Value>("echo", &"x".repeat(10_000), SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EmitError::TooLarge { limit: 10_000, .. }),
        "{error:?}"
    );
    let error = client
        .emit_binary("reverse", &1, vec![vec![0; 10_001].into()])
        .await
        .unwrap_err();
    assert!(
        matches!(error, EmitError::TooLarge { size: 10_001, .. }),
        "{error:?}"
    );
    let error = client
        .emit_binary("reverse", &1, vec![Vec::new().into(); 11])
        .await
        .unwrap_err();
    assert!(matches!(error, EmitError::TooManyAttachments));
    assert!(client.state().borrow().is_connected());
}
