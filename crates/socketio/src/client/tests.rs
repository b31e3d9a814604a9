//! What cannot be brought about from outside.

use super::*;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Welcomes the next client.
async fn welcome(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut server = accept_async(stream).await.unwrap();
    let greeting = r#"0{"sid":"t","upgrades":[],"pingInterval":5000,"pingTimeout":5000}"#;
    server.send(Message::text(greeting)).await.unwrap();
    server.next().await.unwrap().unwrap();
    let welcome = Message::text(r#"40{"sid":"s"}"#);
    server.send(welcome).await.unwrap();
    server
}

#[tokio::test]
async fn what_was_queued_for_an_earlier_connection_is_never_sent_on_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let auth = || async { Ok(json!({})) };
    let (client, mut events, connection) = connect(Options::new(url), auth).unwrap();
    tokio::spawn(connection.run());
    drop(welcome(&listener).await);
    let mut server = welcome(&listener).await;
    for _ in 0..3 {
        events.recv().await.unwrap();
    }

    let outgoing = || Outgoing::new("late", &1, Vec::new()).unwrap();
    let (reply, answer) = oneshot::channel();
    let request = Call::Request {
        outgoing: outgoing(),
        deadline: Instant::now() + Duration::from_secs(10),
        reply,
    };
    let answers = Call::Reply {
        id: 1,
        json: "[]".to_owned(),
    };
    for call in [
        request,
        answers,
        Call::Emit {
            outgoing: outgoing(),
        },
    ] {
        let connection = 1;
        client.mail.send(Mail { connection, call }).await.unwrap();
    }
    assert!(matches!(answer.await, Ok(Err(EmitError::NotConnected))));
    client.emit("present", &1).await.unwrap();
    loop {
        if let Message::Text(text) = server.next().await.unwrap().unwrap() {
            assert_eq!(text.as_str(), r#"42["present",1]"#);
            break;
        }
    }
}
