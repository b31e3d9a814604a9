//! What breaks the rules: each gets an answer that says so, and nothing falls over.

use crate::school::{Account, SOON, School, new_message};
use futures_util::{SinkExt as _, StreamExt as _};
use im_protocol::{ErrorCode, limits, people::Role};
use serde_json::json;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// A connection that speaks frames, right or wrong.
pub(crate) struct Raw {
    stream: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Raw {
    /// An Engine.IO connection without a CONNECT packet.
    pub(crate) async fn open(school: &School) -> Self {
        let url = school.url("/socket.io/?EIO=4&transport=websocket");
        let url = url.replacen("http", "ws", 1);
        let (stream, _) = connect_async(url.into_client_request().unwrap())
            .await
            .unwrap();
        let mut raw = Self { stream };
        assert!(raw.text().await.starts_with("0{"));
        raw
    }

    /// A connection that is ready.
    pub(crate) async fn connect(school: &School, account: &Account) -> Self {
        let mut raw = Self::open(school).await;
        let auth = serde_json::to_string(&account.auth()).unwrap();
        raw.say(&format!("40{auth}")).await;
        raw.until("42[\"connection:ready\"").await;
        raw
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next packet that is no ping; empty where the connection has closed.
    async fn text(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(SOON, self.stream.next());
            match next.await.expect("nothing came in time") {
                Some(Ok(Message::Text(text))) if text == "2" => self.say("3").await,
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return String::new(),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next packet that begins like this; others are dropped.
    pub(crate) async fn until(&mut self, head: &str) -> String {
        loop {
            let text = self.text().await;
            assert!(!text.is_empty(), "closed before {head}");
            if text.starts_with(head) {
                return text;
            }
        }
    }

    async fn closed(&mut self) {
        while !self.text().await.is_empty() {}
    }

    /// Goes without a word.
    pub(crate) fn vanish(self) {
        drop(self);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_events_and_payloads_are_answered() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    let wrong = [
        ("nonsense:event", json!({}), ErrorCode::UnknownEvent),
        ("message:send", json!({}), ErrorCode::Invalid),
        ("message:send", json!("text"), ErrorCode::Invalid),
        (
            "message:send",
            json!({"conversation": "x", "items": []}),
            ErrorCode::Invalid,
        ),
        (
            "message:send",
            json!({"conversation": conversation, "items": []}),
            ErrorCode::Invalid,
        ),
        (
            "sync:since",
            json!({"cursor": {"epoch": 5, "n": -1}}),
            ErrorCode::Invalid,
        ),
        (
            "conversation:changes",
            json!({"conversation": conversation, "rev": 0, "limit": 0}),
            ErrorCode::Invalid,
        ),
        (
            "status:set",
            json!({"availability": "asleep"}),
            ErrorCode::Invalid,
        ),
    ];
    for (event, payload, code) in wrong {
        let refused = device.ask_raw(event, &payload).await.unwrap_err();
        assert_eq!(refused.code, code, "{event}");
        assert!(!refused.message.is_empty());
    }
    // Unknown fields are no offence: newer clients send them.
    let item = serde_json::to_value(new_message("hello")).unwrap();
    let newer = json!({"conversation": conversation, "items": [item], "mood": "good"});
    device.ask_raw("message:send", &newer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_packets_do_not_spoil_the_connection_where_it_can_be_told() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    let mut raw = Raw::connect(&school, &sam).await;
    raw.say(r#"4217["message:send",{"#).await;
    assert!(raw.until("4317[").await.contains("\"invalid\""));
    raw.say(r#"4518-["file",{"_placeholder":true,"num":0}]"#)
        .await;
    raw.say(r#"451-19["file",{"_placeholder":true,"num":0}]"#)
        .await;
    assert!(raw.until("4319[").await.contains("\"invalid\""));
    raw.say(r#"4220["sync:since",{}]"#).await;
    assert!(raw.until("4320[").await.contains("\"ok\""));
    raw.say("4what is this").await;
    raw.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_is_told_where_the_frame_fits_and_closes_where_not() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    let mut raw = Raw::connect(&school, &sam).await;
    let large = "x".repeat(limits::PACKET_BYTES);
    raw.say(&format!("421[\"message:send\",{{\"pad\":\"{large}\"}}]"))
        .await;
    assert!(raw.until("431[").await.contains("\"too_large\""));
    let huge = "x".repeat(3 * limits::PACKET_BYTES);
    // The server may close before all of it is written.
    let text = Message::text(format!("422[\"message:send\",{{\"pad\":\"{huge}\"}}]"));
    raw.stream.send(text).await.ok();
    raw.closed().await;
    let again = school.connect(&sam).await;
    again.sync(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_before_the_handshake_and_other_namespaces_are_refused() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    let mut early = Raw::open(&school).await;
    early.say(r#"421["sync:since",{}]"#).await;
    early.closed().await;

    let mut other = Raw::open(&school).await;
    other.say("40/admin,{}").await;
    let refused = other.until("44/admin,").await;
    assert!(refused.contains("Invalid namespace"), "{refused}");
    other.say("40").await;
    assert!(other.until("44{").await.contains("\"invalid\""));
    // The same connection may try again, better.
    let auth = serde_json::to_string(&sam.auth()).unwrap();
    other.say(&format!("40{auth}")).await;
    other.until("42[\"connection:ready\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_told_when_to_come_back() {
    let school = School::open_with(|config| {
        config.limits.messages = im_server::config::Rate {
            burst: 50,
            per_second: 1.0,
        };
    })
    .await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    device.send(conversation, &["word"; 50]).await.unwrap();
    let refused = device.send(conversation, &["one more"; 10]).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(refused.retryable && refused.retry_after_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_is_not_known_counts_like_any_request() {
    let school = School::open_with(|config| {
        config.limits.requests = im_server::config::Rate {
            burst: 6,
            per_second: 0.1,
        };
    })
    .await;
    let sam = school.person("Sam", Role::Student).await;
    let mut raw = Raw::connect(&school, &sam).await;
    let bad = [
        r#"["no:such"]"#,
        r#"["message:send",{"#,
        r#"["sync:since",{"cursor":7}]"#,
    ];
    let mut codes = Vec::new();
    for n in 0..9 {
        raw.say(&format!("42{n}{}", bad[n % 3])).await;
        let answer = raw.until(&format!("43{n}[")).await;
        codes.push(answer.contains("\"rate_limited\""));
    }
    assert_eq!(
        codes,
        [false, false, false, false, false, false, true, true, true]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_says_what_is_wrong_too() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    let post = |path: &str| school.http.post(school.url(path)).bearer_auth(sam.token());
    let large = "x".repeat(limits::BODY_BYTES + 1);
    for (request, status, code) in [
        (post("/v1/courses/enrol").body("{"), 400, "invalid"),
        (post("/v1/courses/enrol").body(large), 413, "too_large"),
        (post("/v1/nothing"), 404, "unknown_event"),
        (
            school.http.delete(school.url("/v1/me")),
            404,
            "unknown_event",
        ),
        (school.http.get(school.url("/v1/me")), 401, "unauthorized"),
        (
            school.http.get(school.url("/v1/me")).bearer_auth("forged"),
            401,
            "unauthorized",
        ),
        (
            school
                .http
                .get(school.url("/v1/version"))
                .header("origin", "https://evil.example"),
            403,
            "forbidden",
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_cannot_open_a_socket() {
    let school = School::open().await;
    let url = school.url("/socket.io/?EIO=4&transport=websocket");
    let url = url.replacen("http", "ws", 1);
    for (origin, welcome) in [
        ("https://evil.example", false),
        ("http://localhost:5173", true),
    ] {
        let mut request = url.as_str().into_client_request().unwrap();
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        assert_eq!(connect_async(request).await.is_ok(), welcome, "{origin}");
    }
}
