//! Maya's tokens, on a server and a keyring that misbehave.

use super::*;
use crate::secrets::MemorySecrets;
use im_protocol::{ErrorCode, WireError};
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

const KEY: &str = "device/maya";
const LIFE: Duration = Duration::from_secs(900);

/// A server that rotates: the newest refresh token is taken, and its predecessor until the newest
/// one has been used.
#[derive(Default)]
struct Server {
    newest: Mutex<(Option<String>, String)>,
    refreshes: AtomicUsize,
    away: Mutex<bool>,
}

impl Server {
    fn new() -> Arc<Self> {
        let server = Self::default();
        server.newest.lock().unwrap().1 = "refresh-0".to_owned();
        Arc::new(server)
    }

    fn count(&self) -> usize {
        self.refreshes.load(Ordering::SeqCst)
    }

    fn pair(number: usize) -> Pair {
        Pair {
            access_token: format!("access-{number}"),
            access_expires_in_ms: u64::try_from(LIFE.as_millis()).unwrap(),
            refresh_token: format!("refresh-{number}"),
        }
    }
}

impl Refresher for Server {
    fn refresh<'a>(&'a self, token: &'a Secret) -> BoxFuture<'a, Result<Pair, RestError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if *self.away.lock().unwrap() {
                return Err(RestError::Unreachable);
            }
            let mut newest = self.newest.lock().unwrap();
            let (predecessor, current) = newest.clone();
            let taken = token.expose() == current
                || predecessor.is_some_and(|predecessor| predecessor == token.expose());
            if !taken {
                let error = WireError::new(ErrorCode::SessionRevoked, "");
                return Err(RestError::Refused(error));
            }
            let number = self.refreshes.fetch_add(1, Ordering::SeqCst) + 1;
            *newest = (Some(token.expose().to_owned()), format!("refresh-{number}"));
            Ok(Self::pair(number))
        })
    }
}

/// A keyring that can be locked, missing, or lose what is written to it.
#[derive(Default)]
struct Keyring {
    inner: MemorySecrets,
    trouble: Mutex<Option<SecretError>>,
    deaf: Mutex<bool>,
}

impl Keyring {
    fn is(&self, trouble: Option<SecretError>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    async fn kept(&self) -> Option<String> {
        let found = self.inner.get(KEY).await.unwrap();
        found.map(|secret| secret.expose().to_owned())
    }
}

impl SecretStore for Keyring {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        match *self.trouble.lock().unwrap() {
            Some(trouble) => Box::pin(std::future::ready(Err(trouble))),
            None => self.inner.get(key),
        }
    }

    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        match *self.trouble.lock().unwrap() {
            Some(trouble) => Box::pin(std::future::ready(Err(trouble))),
            None if *self.deaf.lock().unwrap() => Box::pin(std::future::ready(Ok(()))),
            None => self.inner.put(key, secret),
        }
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        self.inner.delete(key)
    }
}

async fn keyring_with(token: &str) -> Arc<Keyring> {
    let keyring = Arc::new(Keyring::default());
    let put = keyring.put(KEY, Secret::new(token.to_owned())).await;
    put.unwrap();
    keyring
}

fn start(server: &Arc<Server>, keyring: &Arc<Keyring>, fresh: Option<Pair>) -> Tokens {
    let (tokens, task) = new(server, keyring, fresh);
    tokio::spawn(task.run());
    tokens
}

fn new(server: &Arc<Server>, keyring: &Arc<Keyring>, fresh: Option<Pair>) -> (Tokens, TokenTask) {
    TokenTask::new(
        Arc::clone(server) as Arc<dyn Refresher>,
        Arc::clone(keyring) as Arc<dyn SecretStore>,
        KEY.to_owned(),
        fresh,
    )
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_cause_one_refresh() {
    let server = Server::new();
    let tokens = start(&server, &keyring_with("refresh-0").await, None);
    let asks = (0..20).map(|_| tokens.access());
    for token in futures_util::future::join_all(asks).await {
        assert_eq!(token.unwrap().expose(), "access-1");
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_expire_without_being_asked() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    let tokens = start(&server, &keyring, Some(Server::pair(0)));
    assert_eq!(tokens.access().await.unwrap().expose(), "access-0");
    tokio::time::sleep(LIFE - AHEAD + Duration::from_secs(1)).await;
    assert_eq!(server.count(), 1);
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    assert_eq!(keyring.kept().await.as_deref(), Some("refresh-1"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_server_does_not_take_is_renewed_once() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    let tokens = start(&server, &keyring, Some(Server::pair(0)));
    let old = tokens.access().await.unwrap();
    tokens.refused(old.clone());
    tokens.refused(old.clone());
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    // Somebody hears of the old one late.
    tokens.refused(old);
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    assert_eq!(server.count(), 1);
    tokens.expired();
    assert_eq!(tokens.access().await.unwrap().expose(), "access-2");
}

#[tokio::test(start_paused = true)]
async fn killed_between_the_rotation_and_the_keyring_nobody_is_signed_out() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    *keyring.deaf.lock().unwrap() = true;
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    drop(tokens);
    assert_eq!(keyring.kept().await.as_deref(), Some("refresh-0"));

    *keyring.deaf.lock().unwrap() = false;
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await.unwrap().expose(), "access-2");
    assert_eq!(keyring.kept().await.as_deref(), Some("refresh-2"));
    assert_eq!(*tokens.over().borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_is_the_end_of_the_session_and_the_token_stays() {
    let server = Server::new();
    let keyring = keyring_with("much-too-old").await;
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Refused));
    assert_eq!(*tokens.over().borrow(), Some(Over::Refused));
    assert!(!tokens.is_unread());
    assert_eq!(tokens.access().await, Err(TokenError::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_is_no_refusal() {
    let server = Server::new();
    *server.away.lock().unwrap() = true;
    let keyring = keyring_with("refresh-0").await;
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Unavailable));
    assert_eq!(*tokens.over().borrow(), None);
    *server.away.lock().unwrap() = false;
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn without_a_keyring_the_token_is_in_memory_only_and_the_app_knows() {
    let server = Server::new();
    let keyring = Arc::new(Keyring::default());
    keyring.is(Some(SecretError::Missing));
    let tokens = start(&server, &keyring, Some(Server::pair(0)));
    tokens.expired();
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    assert_eq!(*tokens.keyring().borrow(), KeyringState::Missing);
    drop(tokens);
    // After a restart there is nothing to go on with, as long as there is no keyring.
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Refused));
    assert!(tokens.is_unread(), "the server has refused nothing");
}

#[tokio::test(start_paused = true)]
async fn a_locked_keyring_is_tried_until_it_opens() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    keyring.is(Some(SecretError::Locked));
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Unavailable));
    let mut state = tokens.keyring();
    assert_eq!(*state.borrow_and_update(), KeyringState::Locked);
    assert_eq!(*tokens.over().borrow(), None, "locked is not signed out");
    keyring.is(None);
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    assert_eq!(*state.borrow_and_update(), KeyringState::Kept);

    // It is locked again when the next one is to be kept.
    keyring.is(Some(SecretError::Locked));
    tokens.expired();
    assert_eq!(tokens.access().await.unwrap().expose(), "access-2");
    assert_eq!(*state.borrow_and_update(), KeyringState::Locked);
    keyring.is(None);
    state.changed().await.unwrap();
    assert_eq!(*state.borrow_and_update(), KeyringState::Kept);
    assert_eq!(keyring.kept().await.as_deref(), Some("refresh-2"));
}

#[tokio::test(start_paused = true)]
async fn who_did_not_unlock_the_keyring_is_asked_again_when_they_wish_and_later() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    keyring.is(Some(SecretError::Dismissed));
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Unavailable));
    assert_eq!(*tokens.keyring().borrow(), KeyringState::Locked);
    assert_eq!(*tokens.over().borrow(), None, "locked is not signed out");
    // It is open by now, but would be asked for in vain again and again if it were not.
    keyring.is(None);
    assert_eq!(tokens.access().await, Err(TokenError::Unavailable));
    tokens.try_again();
    assert_eq!(tokens.access().await.unwrap().expose(), "access-1");
    assert_eq!(*tokens.keyring().borrow(), KeyringState::Kept);

    keyring.is(Some(SecretError::Dismissed));
    let tokens = start(&server, &keyring, None);
    assert_eq!(tokens.access().await, Err(TokenError::Unavailable));
    keyring.is(None);
    tokio::time::sleep(DISMISSED_AGAIN).await;
    assert_eq!(tokens.access().await.unwrap().expose(), "access-2");
}

#[tokio::test(start_paused = true)]
async fn a_new_access_token_is_told_once_its_refresh_token_is_kept() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    let tokens = start(&server, &keyring, Some(Server::pair(0)));
    let mut newest = tokens.newest();
    assert_eq!(*newest.borrow(), None);
    newest.changed().await.unwrap();
    let told = newest.borrow().clone().unwrap();
    assert_eq!(told.expose(), "access-1");
    assert_eq!(keyring.kept().await.as_deref(), Some("refresh-1"));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_renewed_while_maya_signs_out_is_not_kept() {
    let server = Server::new();
    let keyring = keyring_with("refresh-0").await;
    let (tokens, task) = new(&server, &keyring, None);
    let renewing = task.start();
    let asked = tokio::spawn(async move { tokens.access().await });
    // The server has been asked and has not answered.
    tokio::time::sleep(Duration::from_millis(25)).await;
    renewing.end().await;
    keyring.delete(KEY).await.unwrap();
    assert_eq!(asked.await.unwrap(), Err(TokenError::Unavailable));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(keyring.kept().await, None);
}
