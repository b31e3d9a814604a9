//! What a server says of the connection itself: scripted, since a real one lets a token live for a
//! quarter of an hour.

use super::device::{DEADLINE, Device};
use futures_util::{SinkExt as _, StreamExt as _};
use im_contract::{
    Commands, ErrorKind,
    args::Nothing,
    views::{Account, ConnectionState},
};
use im_protocol::{
    PersonId, SessionId, WireError,
    handshake::{ConnectionClosing, Ready},
    people::{Me, Person, Role},
    rest::{ServerVersion, SignedIn, Tokens},
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// An access token's life: it is renewed after half of it.
const LIFE_MS: u64 = 400;

/// What the script hears, with the number of the connection.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// A connection began with this token.
    Connected(usize, String),
    /// `session:renew` with this token.
    Renewed(usize, String),
}

/// A server that follows a script.
struct Script {
    url: String,
    heard: mpsc::Receiver<Heard>,
    /// Says and does this on the connection that is there.
    closing: mpsc::Sender<WireError>,
}

struct State {
    me: Me,
    tokens: AtomicUsize,
    connections: AtomicUsize,
    tell: mpsc::Sender<Heard>,
    closing: tokio::sync::Mutex<mpsc::Receiver<WireError>>,
}

impl Script {
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, heard) = mpsc::channel(64);
        let (closing, closings) = mpsc::channel(1);
        let state = Arc::new(State {
            me: Me {
                person: Person {
                    id: PersonId::new(),
                    name: "Sam".to_owned(),
                    role: Role::Student,
                },
                email: im_testkit::server::email("Sam"),
                verified: true,
            },
            tokens: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            tell,
            closing: tokio::sync::Mutex::new(closings),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&state).serve(stream));
            }
        });
        Self {
            url,
            heard,
            closing,
        }
    }

    async fn hears(&mut self) -> Heard {
        let heard = timeout(DEADLINE, self.heard.recv()).await;
        heard.expect("nothing was heard").unwrap()
    }
}

/// The text at a place (RFC 6901) of what was sent.
fn said(sent: &Value, place: &str) -> String {
    let text = sent.pointer(place).and_then(Value::as_str);
    text.unwrap().to_owned()
}

impl State {
    fn pair(&self) -> Tokens {
        let number = self.tokens.fetch_add(1, Ordering::SeqCst);
        Tokens {
            access_token: format!("access-{number}"),
            access_expires_in_ms: LIFE_MS,
            refresh_token: format!("refresh-{number}"),
        }
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut head = [0; 4096];
        let length = stream.peek(&mut head).await.unwrap_or(0);
        let line = String::from_utf8_lossy(head.get(..length).unwrap_or_default()).into_owned();
        if line.starts_with("GET /socket.io/") {
            if let Ok(socket) = accept_async(stream).await {
                self.socket(socket).await;
            }
            return;
        }
        let answer = if line.starts_with("GET /v1/version") {
            json!(ServerVersion {
                versions: im_protocol::handshake::Versions::OURS,
                server: "script/1".to_owned(),
            })
        } else if line.starts_with("POST /v1/auth/refresh") {
            json!(self.pair())
        } else {
            json!(SignedIn {
                me: self.me.clone(),
                session: SessionId::new(),
                tokens: self.pair(),
            })
        }
        .to_string();
        let mut rest = [0; 4096];
        let _ = stream.read(&mut rest).await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    async fn socket(&self, mut socket: WebSocketStream<TcpStream>) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let open = json!({ "sid": "s", "upgrades": [], "pingInterval": 25_000,
            "pingTimeout": 20_000, "maxPayload": 1_000_000 });
        let _ = socket.send(Message::text(format!("0{open}"))).await;
        let mut closing = self.closing.lock().await;
        loop {
            tokio::select! {
                Some(error) = closing.recv() => {
                    let told = json!(["connection:closing", ConnectionClosing { error }]);
                    let _ = socket.send(Message::text(format!("42{told}"))).await;
                    let _ = socket.close(None).await;
                    return;
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.packet(&mut socket, number, &text).await,
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    }

    async fn packet(&self, socket: &mut WebSocketStream<TcpStream>, number: usize, text: &str) {
        if let Some(auth) = text.strip_prefix("40") {
            let auth: Value = serde_json::from_str(auth).unwrap();
            let token = said(&auth, "/token");
            self.tell
                .send(Heard::Connected(number, token))
                .await
                .unwrap();
            let ready = Ready {
                protocol: 1,
                server: "script/1".to_owned(),
                now: 0,
                me: self.me.clone(),
                session: SessionId::new(),
                file_bytes: 1,
                calls: Vec::new(),
                presence: Vec::new(),
                statuses: Vec::new(),
            };
            let told = json!(["connection:ready", ready]);
            for packet in [r#"40{"sid":"c"}"#.to_owned(), format!("42{told}")] {
                let _ = socket.send(Message::text(packet)).await;
            }
            return;
        }
        let Some(event) = text.strip_prefix("42") else {
            return;
        };
        let (ack, event) = event.split_at(event.find('[').unwrap());
        let event: Value = serde_json::from_str(event).unwrap();
        let answer = match said(&event, "/0").as_str() {
            "session:renew" => {
                let token = said(&event, "/1/token");
                self.tell.send(Heard::Renewed(number, token)).await.unwrap();
                json!({})
            }
            "sync:since" => json!({ "mode": "feed", "head": 0 }),
            _ => json!({}),
        };
        let answer = json!([{ "ok": answer }]);
        let _ = socket.send(Message::text(format!("43{ack}{answer}"))).await;
    }
}

#[tokio::test]
async fn a_connection_outlives_its_token_by_renewing_it() {
    let mut script = Script::begin().await;
    let sam = Device::new(&script.url).await;
    sam.sign_in("Sam").await.unwrap();
    let Heard::Connected(1, mut before) = script.hears().await else {
        panic!("there was no connection");
    };
    for _ in 0..3 {
        let Heard::Renewed(1, token) = script.hears().await else {
            panic!("the connection was not renewed but made anew");
        };
        assert_ne!(token, before, "each time with a newer one");
        before = token;
    }
    assert!(matches!(sam.account().await, Account::SignedIn { .. }));
}

#[tokio::test]
async fn a_server_that_says_that_it_closes_is_come_back_to() {
    let mut script = Script::begin().await;
    let mut sam = Device::new(&script.url).await;
    sam.sign_in("Sam").await.unwrap();
    sam.connection(ConnectionState::Online).await;
    sam.told().await;
    let why = WireError::new(im_protocol::ErrorCode::Unavailable, "A restart.").retry_after(50);
    script.closing.send(why).await.unwrap();
    let mut reasons = Vec::new();
    let back = async {
        while let Some(event) = sam.events.recv().await {
            let im_contract::CoreEvent::Connection(line) = event else {
                continue;
            };
            if line.state == ConnectionState::Online && !reasons.is_empty() {
                assert_eq!(line.problem, None);
                return;
            }
            reasons.extend(line.problem.map(|problem| problem.kind));
        }
    };
    timeout(DEADLINE, back)
        .await
        .expect("it does not come back");
    assert!(
        reasons
            .iter()
            .all(|kind| *kind == ErrorKind::ServerRestarts)
    );
    let line = sam.core.connection_get(Nothing {}).await.unwrap();
    assert_eq!(line.state, ConnectionState::Online);
    let mut connections = 0;
    while connections < 2 {
        if let Heard::Connected(number, _) = script.hears().await {
            connections = number;
        }
    }
}
