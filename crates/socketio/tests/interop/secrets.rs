//! Nothing that people say, and no credential, is in the logs.

use crate::harness::{Node, SOON, expect_connected, expect_event};
use im_socketio::{Options, connect};
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_holds_neither_tokens_nor_text_nor_addresses() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // For the whole process: what the other tests log may hold no secret either, and a subscriber of
    // one thread misses events that another thread met first.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let node = Node::start().await;
    let auth = || async { Ok(json!({ "token": "secret-token" })) };
    let (client, mut events, connection) = connect(Options::new(node.url()), auth).unwrap();
    tokio::spawn(connection.run());
    expect_connected(&mut events).await;
    client.emit("shout", "secret-text").await.unwrap();
    expect_event(&mut events, "heard").await;
    let _: Value = client
        .emit_with_ack("echo", "secret-text", SOON)
        .await
        .unwrap();
    client.emit("leave", &()).await.unwrap();
    while !matches!(
        events.recv().await,
        Some(im_socketio::Incoming::Disconnected { .. })
    ) {}
    expect_connected(&mut events).await;
    client.close().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("disconnected"),
        "nothing was logged, so this says nothing"
    );
    for secret in ["secret", "127.0.0.1", &node.port.to_string()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
