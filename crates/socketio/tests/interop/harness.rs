//! Starts Node's server, stops it in many ways, and waits for things with a deadline.

use im_socketio::{Client, Events, Incoming, Options, State, connect};
use serde_json::{Value, json};
use std::{fs::File, future::Future, path::Path, process::Stdio, sync::OnceLock, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// For acknowledgements that must come.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what)
        .await
        .unwrap_or_else(|_| panic!("it did not happen in time"))
}

/// Fetches the packages of the lock file, once, also where several test runs begin together.
fn fetch_packages() {
    static FETCHED: OnceLock<()> = OnceLock::new();
    FETCHED.get_or_init(|| {
        let folder = Path::new("tests/node");
        let lock = File::open(folder.join("package.json")).unwrap();
        lock.lock().unwrap();
        let age = |file: &str| {
            folder
                .join(file)
                .metadata()
                .and_then(|data| data.modified())
        };
        // npm writes the inner one last.
        let fetched = age("node_modules/.package-lock.json");
        if fetched.is_ok_and(|fetched| fetched >= age("package-lock.json").unwrap()) {
            return;
        }
        let done = std::process::Command::new("npm")
            .arg("ci")
            .current_dir(folder)
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "npm ci failed");
    });
}

/// A running server; killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) port: u16,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings of its environment, see `tests/node/server.js`.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        tokio::task::spawn_blocking(fetch_packages).await.unwrap();
        let mut child = Command::new("node")
            .arg("server.js")
            .current_dir("tests/node")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let line = within(BufReader::new(output).lines().next_line()).await;
        let line = line.unwrap().unwrap();
        let port = line.strip_prefix("listening ").unwrap().parse().unwrap();
        Self { child, port }
    }

    /// The same address again, after [`Node::kill`].
    pub(crate) async fn start_at(port: u16) -> Self {
        Self::start_with(&[("PORT", &port.to_string())]).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> u16 {
        self.child.kill().await.unwrap();
        self.port
    }

    /// The process is there, its sockets are open, and nothing happens any more.
    pub(crate) async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    pub(crate) async fn thaw(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let done = Command::new("kill").args([signal, &pid]).status().await;
        assert!(done.unwrap().success());
    }
}

/// A client with its task running, and a valid token.
pub(crate) fn client(options: Options) -> (Client, Events) {
    let (client, events, connection) =
        connect(options, || async { Ok(json!({ "token": "maya" })) }).unwrap();
    tokio::spawn(connection.run());
    (client, events)
}

/// A client that is connected; the notice of it is taken from the events.
pub(crate) async fn connected(options: Options) -> (Client, Events) {
    let (client, mut events) = client(options);
    expect_connected(&mut events).await;
    (client, events)
}

pub(crate) async fn expect_connected(events: &mut Events) {
    match within(events.recv()).await {
        Some(Incoming::Connected { .. }) => {}
        other => panic!("not connected: {other:?}"),
    }
}

pub(crate) async fn expect_event(events: &mut Events, name: &str) -> im_socketio::Event {
    match within(events.recv()).await {
        Some(Incoming::Event(event)) if event.name == name => event,
        other => panic!("not {name}: {other:?}"),
    }
}

pub(crate) async fn expect_disconnected(events: &mut Events) -> im_socketio::DisconnectReason {
    match within(events.recv()).await {
        Some(Incoming::Disconnected { reason }) => reason,
        other => panic!("not disconnected: {other:?}"),
    }
}

pub(crate) async fn reach_state(client: &Client, wanted: impl FnMut(&State) -> bool) -> State {
    let mut state = client.state();
    within(state.wait_for(wanted)).await.unwrap().clone()
}

pub(crate) async fn ask(client: &Client, event: &str, payload: Value) -> Value {
    client.emit_with_ack(event, &payload, SOON).await.unwrap()
}
