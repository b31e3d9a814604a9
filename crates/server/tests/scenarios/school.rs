//! A school: the server, its people and their devices.

use im_protocol::{
    Command, ConversationId, DeviceId, MessageId, Notice, PersonId, Reply, WireError,
    conversation::{MessageSend, MessageSent, NewMessage},
    handshake::{Auth, Ready, Refused, Versions},
    people::Role,
    rest::{Device as DeviceInfo, SignIn, SignedIn},
    sync::{Cursor, Fact, Facts, SyncAck, SyncMode, SyncSince, SyncStart},
};
use im_server::{Config, Limits, Running, Server, operator::Operator};
use im_socketio::{Client, Event, Events, Incoming, Options, State};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::VecDeque, time::Duration};
use tokio::time::timeout;

/// How long anything may take before a test gives up.
pub(crate) const SOON: Duration = Duration::from_secs(15);

pub(crate) const PASSWORD: &str = "a long password";

/// The server and a client for its REST door.
pub(crate) struct School {
    pub(crate) running: Option<Running>,
    pub(crate) config: Config,
    pub(crate) http: reqwest::Client,
    pub(crate) operator: Operator,
    _folder: tempfile::TempDir,
}

impl School {
    /// A fresh one.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// A fresh one with another configuration.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        config.listen.set_port(0);
        config.limits = Limits::wide();
        change(&mut config);
        let running = Server::start(config.clone()).await.unwrap();
        // Later starts listen where clients look.
        config.listen = running.addr;
        Self {
            operator: running.operator().unwrap(),
            running: Some(running),
            config,
            http: http(),
            _folder: folder,
        }
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Stops the server cleanly and starts it again on the same port.
    pub(crate) async fn restart(&mut self) {
        self.running.take().unwrap().shutdown().await;
        self.start().await;
    }

    /// Starts the server again on the same port.
    pub(crate) async fn start(&mut self) {
        let running = Server::start(self.config.clone()).await.unwrap();
        self.operator = running.operator().unwrap();
        self.running = Some(running);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.config.listen)
    }

    /// A person with an account and a device that is signed in.
    pub(crate) async fn person(&self, name: &str, role: Role) -> Account {
        let email = email_of(name);
        let added = self.operator.add_person(&email, name, role, PASSWORD);
        added.await.unwrap();
        self.sign_in(name, DeviceId::new()).await
    }

    pub(crate) async fn sign_in(&self, name: &str, device: DeviceId) -> Account {
        self.sign_in_on(name, device, "Desk").await
    }

    /// Signs a person in on a device with this name.
    pub(crate) async fn sign_in_on(&self, name: &str, device: DeviceId, called: &str) -> Account {
        let asked = SignIn {
            email: email_of(name),
            password: PASSWORD.into(),
            device: DeviceInfo {
                id: device,
                name: called.into(),
            },
        };
        let signed_in = self.post("/v1/auth/sign-in", None, &asked).await.unwrap();
        Account { signed_in, device }
    }

    /// Maya the mentor and Sam the student, in a course and so in a conversation.
    pub(crate) async fn maya_and_sam(&self) -> (Account, Account, ConversationId) {
        let maya = self.person("Maya", Role::Mentor).await;
        let sam = self.person("Sam", Role::Student).await;
        let email = email_of("Maya");
        let course = self.operator.add_course("Algebra", &email, Some("ALG"));
        course.await.unwrap();
        let conversation = self.operator.enrol("ALG", &email_of("Sam")).await.unwrap();
        (maya, sam, conversation)
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, WireError> {
        let mut request = self.http.post(self.url(path)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        answer(request).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
    ) -> Result<T, WireError> {
        answer(self.http.get(self.url(path)).bearer_auth(token)).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        body: &impl Serialize,
    ) -> Result<T, WireError> {
        answer(self.http.put(self.url(path)).bearer_auth(token).json(body)).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
    ) -> Result<T, WireError> {
        answer(self.http.delete(self.url(path)).bearer_auth(token)).await
    }

    /// Connects a device and waits until it is ready.
    pub(crate) async fn connect(&self, account: &Account) -> Device {
        self.try_connect(account.auth()).await.unwrap()
    }

    /// Connects with this, and says what the server says.
    pub(crate) async fn try_connect(&self, auth: Auth) -> Result<Device, Refused> {
        let auth = serde_json::to_value(auth).unwrap();
        let give = move || {
            let auth = auth.clone();
            async move { Ok(auth) }
        };
        let options = Options::new(self.url(""));
        let (client, events, connection) = im_socketio::connect(options, give).unwrap();
        tokio::spawn(connection.run());
        let mut device = Device {
            client,
            events,
            seen: VecDeque::new(),
            ready: None,
        };
        let mut state = device.client.state();
        let decided = state
            .wait_for(|state| matches!(state, State::Connected { .. } | State::Refused { .. }));
        let decided = timeout(SOON, decided).await.unwrap().unwrap().clone();
        match decided {
            State::Refused { error } => Err(error.data_as().unwrap()),
            _ => {
                device.ready = Some(device.hear::<Ready>().await);
                Ok(device)
            }
        }
    }
}

/// A client for REST. Built together with the app it can speak TLS, and then wants to be told with
/// which cryptography.
pub(crate) fn http() -> reqwest::Client {
    // An error means that another test of this process has said it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) async fn answer<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
) -> Result<T, WireError> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: WireError,
    }
    let response = request.send().await.unwrap();
    let ok = response.status().is_success();
    let body = response.bytes().await.unwrap();
    if ok {
        Ok(serde_json::from_slice(&body).unwrap())
    } else {
        Err(serde_json::from_slice::<Refusal>(&body).unwrap().error)
    }
}

pub(crate) fn email_of(name: &str) -> String {
    format!("{}@school.example", name.to_lowercase())
}

/// A person who is signed in on a device.
pub(crate) struct Account {
    pub(crate) signed_in: SignedIn,
    pub(crate) device: DeviceId,
}

impl Account {
    pub(crate) fn id(&self) -> PersonId {
        self.signed_in.me.person.id
    }

    pub(crate) fn token(&self) -> &str {
        &self.signed_in.tokens.access_token
    }

    pub(crate) fn auth(&self) -> Auth {
        Auth {
            token: self.token().to_owned(),
            versions: Versions::OURS,
            app: "test/1".into(),
            features: Vec::new(),
            device: self.device,
        }
    }
}

/// A connected device.
pub(crate) struct Device {
    pub(crate) client: Client,
    events: Events,
    /// What came while something else was waited for.
    seen: VecDeque<Event>,
    pub(crate) ready: Option<Ready>,
}

impl Device {
    /// Asks, and waits for the answer.
    pub(crate) async fn ask<C: Command>(&self, asked: C) -> Result<C::Ok, WireError> {
        let reply: Reply<C::Ok> = self
            .client
            .emit_with_ack(C::EVENT, &asked, SOON)
            .await
            .unwrap();
        reply.into_result()
    }

    /// Sends without wanting an answer.
    pub(crate) async fn tell<C: Command>(&self, told: &C) {
        self.client.emit(C::EVENT, told).await.unwrap();
    }

    /// Asks with any name and payload.
    pub(crate) async fn ask_raw(
        &self,
        event: &str,
        payload: &serde_json::Value,
    ) -> Result<serde_json::Value, WireError> {
        let reply: Reply<serde_json::Value> = self
            .client
            .emit_with_ack(event, payload, SOON)
            .await
            .unwrap();
        reply.into_result()
    }

    pub(crate) async fn send(
        &self,
        conversation: ConversationId,
        texts: &[&str],
    ) -> Result<MessageSent, WireError> {
        let items = texts.iter().map(|text| new_message(text)).collect();
        self.ask(MessageSend {
            conversation,
            items,
        })
        .await
    }

    /// The next notice of a kind; others are kept for later.
    pub(crate) async fn hear<N: Notice>(&mut self) -> N {
        self.hear_where(|_: &N| true).await
    }

    /// The next notice of a kind that fits; others of the kind are dropped.
    pub(crate) async fn hear_where<N: Notice>(&mut self, fits: impl Fn(&N) -> bool) -> N {
        let mut kept = VecDeque::new();
        let found = loop {
            let event = match self.seen.pop_front() {
                Some(event) => event,
                None => self.next_event().await,
            };
            if event.name != N::EVENT {
                kept.push_back(event);
                continue;
            }
            let notice: N = event.payload().unwrap();
            if fits(&notice) {
                break notice;
            }
        };
        kept.append(&mut self.seen);
        self.seen = kept;
        found
    }

    async fn next_event(&mut self) -> Event {
        loop {
            let incoming = timeout(SOON, self.events.recv()).await;
            match incoming.expect("nothing came in time").expect("closed") {
                Incoming::Event(event) => return event,
                Incoming::Connected { .. } => {}
                Incoming::Disconnected { reason } => panic!("disconnected: {reason}"),
            }
        }
    }

    /// The names of what came while something else was waited for.
    pub(crate) fn kept(&self) -> Vec<String> {
        self.seen.iter().map(|event| event.name.clone()).collect()
    }

    /// Waits until the connection is gone.
    pub(crate) async fn gone(&mut self) {
        loop {
            let incoming = timeout(SOON, self.events.recv()).await;
            match incoming.expect("still connected") {
                Some(Incoming::Disconnected { .. }) | None => return,
                Some(_) => {}
            }
        }
    }

    /// Begins to sync from a cursor.
    pub(crate) async fn sync(&self, cursor: Option<Cursor>) -> SyncStart {
        self.ask(SyncSince { cursor }).await.unwrap()
    }

    /// Takes facts until `enough`, acknowledging them; fails where one is missing.
    pub(crate) async fn facts(
        &mut self,
        mut cursor: Cursor,
        enough: impl Fn(&[Fact]) -> bool,
    ) -> (Vec<Fact>, Cursor) {
        let mut facts = Vec::new();
        while !enough(&facts) {
            let batch: Facts = self.hear().await;
            assert_eq!(batch.epoch, cursor.epoch);
            assert_eq!(batch.after, cursor.n, "facts are missing");
            facts.extend(batch.items.iter().map(|item| item.fact().unwrap()));
            cursor.n = batch.up_to;
            self.ask(SyncAck { n: cursor.n }).await.unwrap();
        }
        (facts, cursor)
    }

    /// Syncs from the very beginning by a snapshot, and goes on live.
    pub(crate) async fn sync_from_snapshot(&mut self) -> Cursor {
        let start = self.sync(None).await;
        assert_eq!(start.mode, SyncMode::Snapshot);
        let snapshot = self.ask(im_protocol::sync::SnapshotAsk { after: None });
        let cursor = snapshot.await.unwrap().cursor;
        assert_eq!(self.sync(Some(cursor)).await.mode, SyncMode::Feed);
        cursor
    }
}

pub(crate) fn new_message(text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::new(),
        text: text.into(),
        written_at: 1_700_000_000_000,
        reply_to: None,
        files: Vec::new(),
    }
}

/// The words of message facts.
pub(crate) fn texts(facts: &[Fact]) -> Vec<String> {
    let texts = facts.iter().filter_map(|fact| match fact {
        Fact::Message(message) => match &message.message.content {
            im_protocol::conversation::Content::Text { text } => Some(text.clone()),
            _ => None,
        },
        _ => None,
    });
    texts.collect()
}
