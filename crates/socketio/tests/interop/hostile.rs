//! Servers that are none, hang, or talk nonsense.

use crate::harness::{
    client, expect_connected, expect_disconnected, expect_event, reach_state, within,
};
use futures_util::{SinkExt, StreamExt};
use im_socketio::{Client, DisconnectReason, Events, Options, State};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

async fn listen() -> (TcpListener, Options) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Options::new(format!("http://127.0.0.1:{port}")))
}

async fn first_failure(client: &Client) -> DisconnectReason {
    match reach_state(client, |state| matches!(state, State::Waiting { .. })).await {
        State::Waiting { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_web_server_without_socket_io_is_named_by_its_status() {
    let (listener, options) = listen().await;
    let (client, _events) = client(options);
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    let mut request = vec![0; 4096];
    let read = stream.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    assert!(request.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"));
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(
        first_failure(&client).await,
        DisconnectReason::HttpStatus(404)
    );
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_unreachable() {
    let (listener, options) = listen().await;
    let (client, _events) = client(options);
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    stream
        .write_all(b"220 mail.example.org ESMTP\r\n\r\n")
        .await
        .unwrap();
    assert!(matches!(
        first_failure(&client).await,
        DisconnectReason::Unreachable(_)
    ));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let (listener, mut options) = listen().await;
    options.timing.connect = Duration::from_millis(200);
    let (client, _events) = client(options);
    let _held = within(listener.accept()).await.unwrap();
    assert_eq!(
        first_failure(&client).await,
        DisconnectReason::ConnectTimeout
    );
}

#[tokio::test]
async fn a_close_while_connecting_is_honoured_at_once() {
    let (listener, options) = listen().await;
    let (client, mut events) = client(options);
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    let begun = Instant::now();
    within(client.close()).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(within(events.recv()).await.is_none());
    // The server sees the end of the stream behind the request.
    let mut rest = Vec::new();
    within(stream.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn a_credential_that_never_comes_does_not_stand_in_the_way_of_a_close() {
    let (_listener, options) = listen().await;
    let (client, _events, connection) =
        im_socketio::connect(options, std::future::pending::<Result<_, _>>).unwrap();
    let task = tokio::spawn(connection.run());
    within(client.close()).await;
    within(task).await.unwrap();
}

async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = within(listener.accept()).await.unwrap();
    within(accept_async(stream)).await.unwrap()
}

/// Takes the next client and welcomes it.
async fn welcome(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let mut server = accept(listener).await;
    let greeting = r#"0{"sid":"t","upgrades":[],"pingInterval":60000,"pingTimeout":60000}"#;
    server.send(Message::text(greeting)).await.unwrap();
    let connect = within(server.next()).await.unwrap().unwrap();
    assert_eq!(connect, Message::text(r#"40{"token":"maya"}"#));
    server
        .send(Message::text(r#"40{"sid":"s"}"#))
        .await
        .unwrap();
    server
}

/// A server that welcomed and now does as the test says.
async fn welcomed() -> (WebSocketStream<TcpStream>, Client, Events) {
    let (listener, options) = listen().await;
    let (client, events) = client(options);
    let server = welcome(&listener).await;
    reach_state(&client, State::is_connected).await;
    (server, client, events)
}

/// The next text frame of the client.
async fn next_text(server: &mut WebSocketStream<TcpStream>) -> String {
    loop {
        if let Message::Text(text) = within(server.next()).await.unwrap().unwrap() {
            return text.as_str().to_owned();
        }
    }
}

#[tokio::test]
async fn an_answer_is_sent_only_on_the_connection_that_asked() {
    let (listener, options) = listen().await;
    let (client, mut events) = client(options);
    let mut server = welcome(&listener).await;
    expect_connected(&mut events).await;
    for question in [r#"421["question"]"#, r#"422["question"]"#] {
        server.send(Message::text(question)).await.unwrap();
    }
    let first = expect_event(&mut events, "question").await;
    let second = expect_event(&mut events, "question").await;
    first.ack.unwrap().reply("in time").await.unwrap();
    assert_eq!(next_text(&mut server).await, r#"431["in time"]"#);

    drop(server);
    expect_disconnected(&mut events).await;
    let mut server = welcome(&listener).await;
    expect_connected(&mut events).await;
    // There, the same id would mean something else.
    second.ack.unwrap().reply("late").await.unwrap_err();
    client.emit("hello", &1).await.unwrap();
    assert_eq!(next_text(&mut server).await, r#"42["hello",1]"#);
}

#[tokio::test]
async fn nonsense_ends_the_connection_with_a_typed_reason_and_no_harm() {
    for nonsense in [
        Message::text("hello"),
        Message::text(""),
        Message::text("42{"),
        Message::text("49"),
        Message::binary(vec![1, 2, 3]),
    ] {
        let (mut server, client, _events) = welcomed().await;
        server.send(nonsense.clone()).await.unwrap();
        let reason = first_failure(&client).await;
        assert!(
            matches!(reason, DisconnectReason::Protocol(_)),
            "{nonsense:?}: {reason:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_sends_no_greeting_is_given_up() {
    let (listener, mut options) = listen().await;
    options.timing.connect = Duration::from_millis(300);
    let (client, _events) = client(options);
    let _server = accept(&listener).await;
    assert_eq!(
        first_failure(&client).await,
        DisconnectReason::ConnectTimeout
    );
}

#[tokio::test]
async fn pings_of_both_layers_are_answered() {
    let (mut server, _client, _events) = welcomed().await;
    server.send(Message::text("2")).await.unwrap();
    server
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    let mut pongs = 0;
    while pongs < 2 {
        match within(server.next()).await.unwrap().unwrap() {
            Message::Text(text) if text.as_str() == "3" => pongs += 1,
            Message::Pong(payload) if payload == "are you there" => pongs += 1,
            // The client's own measurement.
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_still_heard_and_emits_go_on_when_it_reads_again() {
    let (listener, mut options) = listen().await;
    options.limits.emit_queue = 8;
    // No timer of the client's may hide that the line does not say when there is room again.
    options.timing.measure_every = Duration::from_secs(600);
    let (client, mut events) = client(options);
    let mut server = welcome(&listener).await;
    expect_connected(&mut events).await;
    let text = "x".repeat(100_000);
    let mut taken = 0;
    let stuck = loop {
        let mut emit = Box::pin(client.emit("page", &text));
        match timeout(Duration::from_millis(500), &mut emit).await {
            Ok(done) => done.unwrap(),
            Err(_) => break emit,
        }
        taken += 1;
    };
    server
        .send(Message::text(r#"42["still here"]"#))
        .await
        .unwrap();
    expect_event(&mut events, "still here").await;

    let reading = async {
        for _ in 0..=taken {
            next_text(&mut server).await;
        }
    };
    let (emitted, ()) = within(async { tokio::join!(stuck, reading) }).await;
    emitted.unwrap();
}
