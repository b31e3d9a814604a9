//! No token and no message text in a log or in a file outside the databases.

use super::device::Device;
use im_contract::{
    Commands,
    args::{Nothing, SignInArgs},
    views::Account,
};
use im_protocol::people::Role;
use im_testkit::{TestServer, server::PASSWORD, server::email};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

const WORDS: &str = "the-secret-words-of-sam";

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

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[test]
fn nothing_secret_is_logged_or_left_in_a_file() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("im_core=trace,im_socketio=trace")
        .with_writer(log.clone())
        .finish();
    // One thread, so that the log of everything is this subscriber's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let guard = tracing::subscriber::set_default(subscriber);
    let (data, secrets) = runtime.block_on(async {
        let mut server = TestServer::start().await;
        server.person("Maya", Role::Mentor).await;
        let sam = server.person("Sam", Role::Student).await;
        let conversation = server.course("Algebra", "Maya", "Sam").await;
        let device = Device::new(&server.url()).await;
        let wrong = SignInArgs {
            server: server.url(),
            email: email("Sam"),
            password: "a-wrong-password".to_owned(),
        };
        device.core.account_sign_in(wrong).await.unwrap_err();
        let mut device = Device::of("Sam", &server.url()).await;
        device.say(conversation, WORDS).await;
        device.all_sent().await;
        server.down().await;
        device.say(conversation, WORDS).await;
        server.up().await;
        device.core.connection_retry(Nothing {}).await.unwrap();
        device.all_sent().await;
        let account = device.account().await;
        assert!(matches!(account, Account::SignedIn { .. }));
        device.core.stop().await;
        let file = std::fs::read_to_string(device.data.path().join("installation.json")).unwrap();
        let id = file
            .split('"')
            .skip_while(|part| *part != "device")
            .nth(2)
            .unwrap()
            .to_owned();
        let token = device.secrets.get(&format!("{id}/{sam}")).await.unwrap();
        (Arc::clone(&device.data), token.unwrap().expose().to_owned())
    });
    drop(guard);
    let log = log.0.lock().unwrap().clone();
    assert!(holds(&log, "connected"), "the log was listened to");
    for secret in [WORDS, PASSWORD, "a-wrong-password", secrets.as_str(), "eyJ"] {
        assert!(!holds(&log, secret), "in the log: {}", secret.len());
    }
    for name in ["Sam", "sam@example.org", "127.0.0.1"] {
        assert!(!holds(&log, name), "in the log: {name}");
    }
    let mut found = Vec::new();
    files(data.path(), &mut found);
    assert!(found.iter().any(|(name, _)| name.ends_with("cache.db")));
    for (name, bytes) in found {
        assert!(!holds(&bytes, &secrets), "a token in {name}");
        assert!(!holds(&bytes, "eyJ"), "a token in {name}");
        assert!(!holds(&bytes, PASSWORD), "a password in {name}");
        let database = ["cache.db", "outbox.db"]
            .iter()
            .any(|database| name.contains(database));
        assert!(database || !holds(&bytes, WORDS), "words in {name}");
    }
}
