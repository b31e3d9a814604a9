//! What is kept on a device cannot be read without the key in its keyring; and what is when the
//! keyring is locked, not there yet, or has lost the key.

use super::device::{Device, text};
use futures_util::future::BoxFuture;
use im_contract::{
    Commands,
    args::{Nothing, SearchArgs},
    views::{Account, ConnectionState},
};
use im_core::secrets::{MemorySecrets, Secret, SecretError, SecretStore};
use im_protocol::{ConversationId, people::Role};
use im_testkit::TestServer;
use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
};

const WORDS: &str = "the square root of two is irrational";

async fn maya_and_sam() -> (TestServer, ConversationId) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation)
}

/// A keyring that can be in trouble for a while.
#[derive(Default)]
struct TroubledKeyring {
    inner: MemorySecrets,
    trouble: Mutex<Option<SecretError>>,
    /// What was kept and is not lost.
    names: Mutex<HashSet<String>>,
}

impl TroubledKeyring {
    fn is(&self, trouble: Option<SecretError>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// Forgets for good what is kept under such names.
    fn loses(&self, which: impl Fn(&str) -> bool) {
        self.names.lock().unwrap().retain(|name| !which(name));
    }

    fn refuses(&self) -> Option<SecretError> {
        *self.trouble.lock().unwrap()
    }
}

impl SecretStore for TroubledKeyring {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        match self.refuses() {
            Some(trouble) => Box::pin(std::future::ready(Err(trouble))),
            None if !self.names.lock().unwrap().contains(key) => {
                Box::pin(std::future::ready(Ok(None)))
            }
            None => self.inner.get(key),
        }
    }
    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        match self.refuses() {
            Some(trouble) => Box::pin(std::future::ready(Err(trouble))),
            None => {
                self.names.lock().unwrap().insert(key.to_owned());
                self.inner.put(key, secret)
            }
        }
    }
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        self.inner.delete(key)
    }
}

#[tokio::test]
async fn a_keyring_that_comes_after_the_app_lets_sam_in_without_a_word() {
    let (server, _) = maya_and_sam().await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let keyring = Arc::new(TroubledKeyring::default());
    let mut sam = Device::with(&server.url(), data, Arc::clone(&keyring) as _).await;
    sam.sign_in("Sam").await.unwrap();
    sam.caught_up().await;
    // At login the app is there before the keyring.
    keyring.is(Some(SecretError::Missing));
    let mut sam = sam.restart().await;
    sam.until("Sam could sign in", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::Locked { .. })
        })
    })
    .await;
    keyring.is(None);
    sam.until("Sam is there", |core| {
        Box::pin(async move {
            let line = core.connection_get(Nothing {}).await.unwrap();
            line.state == ConnectionState::Online
        })
    })
    .await;
    // And nothing of it is remembered: the next start finds the keyring at once.
    keyring.is(Some(SecretError::Missing));
    let mut sam = sam.restart().await;
    sam.connection(ConnectionState::Off).await;
    keyring.is(None);
    let mut sam = sam.restart().await;
    assert!(matches!(sam.account().await, Account::SignedIn { .. }));
    sam.caught_up().await;
}

/// Sam on a device with this keyring, who has been told [`WORDS`].
async fn sam_was_told(
    server: &TestServer,
    conversation: ConversationId,
    keyring: &Arc<TroubledKeyring>,
) -> Device {
    let maya = Device::of("Maya", &server.url()).await;
    maya.say(conversation, WORDS).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut sam = Device::with(&server.url(), data, Arc::clone(keyring) as _).await;
    sam.sign_in("Sam").await.unwrap();
    sam.reads(conversation, &[WORDS]).await;
    sam
}

async fn is_encrypted(sam: &Device) -> bool {
    match sam.account().await {
        Account::SignedIn { encrypted, .. } => encrypted,
        other => panic!("{other:?}"),
    }
}

/// Whether words can be found in a file of this folder.
fn is_in_clear(folder: &Path, words: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    files.any(|path| {
        let bytes = std::fs::read(path).unwrap();
        let words = words.as_bytes();
        bytes.windows(words.len()).any(|window| window == words)
    })
}

async fn texts(sam: &Device, conversation: ConversationId) -> Vec<String> {
    sam.messages(conversation).await.iter().map(text).collect()
}

#[tokio::test]
async fn what_was_said_is_encrypted_on_the_disk_and_there_offline_after_a_restart() {
    let (mut server, conversation) = maya_and_sam().await;
    let keyring = Arc::new(TroubledKeyring::default());
    let sam = sam_was_told(&server, conversation, &keyring).await;
    assert!(is_encrypted(&sam).await);
    assert!(!is_in_clear(&sam.account_folder(), WORDS));
    server.down().await;
    let sam = sam.restart().await;
    assert_eq!(texts(&sam, conversation).await, [WORDS]);
    sam.core.stop().await;
    assert!(!is_in_clear(&sam.account_folder(), WORDS));
}

#[tokio::test]
async fn what_was_in_clear_is_encrypted_once_there_is_a_keyring() {
    let (mut server, conversation) = maya_and_sam().await;
    let keyring = Arc::new(TroubledKeyring::default());
    keyring.is(Some(SecretError::Missing));
    let sam = sam_was_told(&server, conversation, &keyring).await;
    assert!(!is_encrypted(&sam).await);
    assert!(is_in_clear(&sam.account_folder(), WORDS));
    // The token was in memory only: Sam has to sign in again.
    keyring.is(None);
    let mut sam = sam.restart().await;
    sam.until("Sam could sign in", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::Locked { .. })
        })
    })
    .await;
    sam.sign_in("Sam").await.unwrap();
    assert!(is_encrypted(&sam).await);
    assert!(!is_in_clear(&sam.account_folder(), WORDS));
    server.down().await;
    let mut sam = sam.restart().await;
    assert_eq!(texts(&sam, conversation).await, [WORDS]);
    // What finds it has come along.
    sam.until("it is found", |core| {
        Box::pin(async move {
            let args = SearchArgs {
                words: "square".to_owned(),
                ..SearchArgs::default()
            };
            let found = core.messages_search(args).await.unwrap();
            found.hits.len() == 1
        })
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_gone_costs_a_download_and_nothing_that_is_unsent() {
    let (mut server, conversation) = maya_and_sam().await;
    let keyring = Arc::new(TroubledKeyring::default());
    let sam = sam_was_told(&server, conversation, &keyring).await;
    server.down().await;
    sam.say(conversation, "not sent yet").await;
    sam.core.stop().await;
    keyring.loses(|name| name.ends_with("/cache"));
    server.up().await;
    let mut sam = sam.restart().await;
    sam.reads(conversation, &[WORDS, "not sent yet"]).await;
    assert!(is_encrypted(&sam).await);
    assert!(!is_in_clear(&sam.account_folder(), WORDS));
}

#[tokio::test]
async fn a_locked_keyring_locks_sam_out_until_it_is_opened() {
    let (server, conversation) = maya_and_sam().await;
    let keyring = Arc::new(TroubledKeyring::default());
    let sam = sam_was_told(&server, conversation, &keyring).await;
    keyring.is(Some(SecretError::Locked));
    let mut sam = sam.restart().await;
    let account = sam.account().await;
    assert!(
        matches!(account, Account::Locked { keyring: true, .. }),
        "{account:?}"
    );
    keyring.is(None);
    sam.until("Sam is there", |core| {
        Box::pin(async move {
            let line = core.connection_get(Nothing {}).await.unwrap();
            line.state == ConnectionState::Online
        })
    })
    .await;
    assert_eq!(texts(&sam, conversation).await, [WORDS]);
}

#[tokio::test]
async fn with_the_password_sam_does_not_wait_for_a_locked_keyring() {
    let (server, conversation) = maya_and_sam().await;
    let keyring = Arc::new(TroubledKeyring::default());
    let sam = sam_was_told(&server, conversation, &keyring).await;
    keyring.is(Some(SecretError::Dismissed));
    let mut sam = sam.restart().await;
    sam.sign_in("Sam").await.unwrap();
    sam.reads(conversation, &[WORDS]).await;
    assert!(!is_encrypted(&sam).await);
}
