//! The two tokens of a session, and the one task that renews and keeps them.
//!
//! Refresh tokens rotate: each refresh gives a new one, and the former is only good until the new
//! one has been used, a minute at most. So there is never more than one refresh under way, and the
//! new token goes to the keyring before anybody gets the access token that came with it. A kill in
//! between leaves the former in the keyring, which the server still takes. What the server refuses
//! is not a sign-out, unless it says so: the owner locks the account and keeps everything.

use super::ServerAddress;
use crate::{
    rest::{Http, RestError},
    secrets::{Secret, SecretError, SecretStore},
};
use futures_util::future::BoxFuture;
use im_contract::views::KeyringState;
use im_protocol::{
    ErrorCode, WireError,
    rest::{Refresh, Tokens as Pair},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// An access token is not used anymore when it has less than this left.
const MARGIN: Duration = Duration::from_secs(30);
/// It is renewed when it has less than this left, or half its life if that is less.
const AHEAD: Duration = Duration::from_secs(120);
/// Until the next try of what the network or the keyring did not let happen.
const AGAIN: Duration = Duration::from_secs(15);
/// Until the person is asked to unlock the keyring again, who has just not done so.
const DISMISSED_AGAIN: Duration = Duration::from_secs(60);
/// Asks that may wait.
const QUEUE: usize = 64;

/// Why there is no access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not now: the network is away or the keyring is locked.
    #[error("no token can be had now")]
    Unavailable,
    /// The server refused the refresh token, or there is none: sign in again.
    #[error("the session is over")]
    Refused,
}

/// How a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The server takes it no more, or there is no token: what is here is kept for the person.
    Refused,
    /// The person signed this device out: what is here is to go.
    SignedOut,
    /// The account was deleted: what is here is to go.
    Deleted,
}

impl From<&WireError> for Over {
    fn from(error: &WireError) -> Self {
        if error.code == ErrorCode::AccountDeleted {
            Self::Deleted
        } else if error.is_sign_out() {
            Self::SignedOut
        } else {
            Self::Refused
        }
    }
}

/// Who takes refresh tokens: the server, or a test.
pub(crate) trait Refresher: Send + Sync + 'static {
    /// Takes a refresh token for a new pair.
    fn refresh<'a>(&'a self, token: &'a Secret) -> BoxFuture<'a, Result<Pair, RestError>>;
}

/// The server's `/v1/auth/refresh`.
#[derive(Debug)]
pub(crate) struct ServerRefresher {
    pub(crate) http: Http,
    pub(crate) server: ServerAddress,
}

impl Refresher for ServerRefresher {
    fn refresh<'a>(&'a self, token: &'a Secret) -> BoxFuture<'a, Result<Pair, RestError>> {
        Box::pin(async move {
            let body = Refresh {
                refresh_token: token.expose().to_owned(),
            };
            self.http
                .request(
                    &self.server,
                    reqwest::Method::POST,
                    "/v1/auth/refresh",
                    Some(&body),
                )
                .await
        })
    }
}

enum Ask {
    Access(oneshot::Sender<Result<Secret, TokenError>>),
    Refused(Option<Secret>),
    Over(Over),
    TryAgain,
}

/// A handle on the tokens. Cheap to clone; the task ends with the last one.
#[derive(Clone)]
pub(crate) struct Tokens {
    asks: mpsc::Sender<Ask>,
    keyring: watch::Receiver<KeyringState>,
    over: watch::Receiver<Option<Over>>,
    unread: Arc<AtomicBool>,
    newest: watch::Receiver<Option<Secret>>,
}

impl Tokens {
    /// An access token that is good for a while, renewed where needed.
    ///
    /// # Errors
    /// As [`TokenError`] tells.
    pub(crate) async fn access(&self) -> Result<Secret, TokenError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.asks.send(Ask::Access(reply)).await;
        asked.map_err(|_| TokenError::Unavailable)?;
        answer.await.unwrap_or(Err(TokenError::Unavailable))
    }

    /// The server does not take this access token (anymore): the next one asked for is a new one.
    pub(crate) fn refused(&self, token: Secret) {
        // With a full queue somebody asks already, and will hear the same from the server.
        let _ = self.asks.try_send(Ask::Refused(Some(token)));
    }

    /// The server says that the present access token has expired.
    pub(crate) fn expired(&self) {
        let _ = self.asks.try_send(Ask::Refused(None));
    }

    /// The person wants to try again: the keyring may be asked again.
    pub(crate) fn try_again(&self) {
        let _ = self.asks.try_send(Ask::TryAgain);
    }

    /// The server says that the session is over, and why.
    pub(crate) fn end(&self, why: &WireError) {
        // With a full queue somebody asks already, and will hear the same from the server.
        let _ = self.asks.try_send(Ask::Over(why.into()));
    }

    /// Where the refresh token is kept.
    pub(crate) fn keyring(&self) -> watch::Receiver<KeyringState> {
        self.keyring.clone()
    }

    /// The newest access token, as soon as it is kept; none while there has been none.
    pub(crate) fn newest(&self) -> watch::Receiver<Option<Secret>> {
        self.newest.clone()
    }

    /// Whether it is over here only because no keyring was there to give the token: the server has
    /// refused nothing, and the keyring may still come.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::SeqCst)
    }

    /// Says when the session is over, and how.
    pub(crate) fn over(&self) -> watch::Receiver<Option<Over>> {
        self.over.clone()
    }
}

/// The task behind [`Tokens`].
pub(crate) struct TokenTask {
    refresher: Arc<dyn Refresher>,
    secrets: Arc<dyn SecretStore>,
    key: String,
    asks: mpsc::Receiver<Ask>,
    keyring: watch::Sender<KeyringState>,
    over: watch::Sender<Option<Over>>,
    unread: Arc<AtomicBool>,
    newest: watch::Sender<Option<Secret>>,
    access: Option<Access>,
    refresh: Option<Secret>,
    unsaved: bool,
    again: Option<Instant>,
    /// The person did not want to unlock the keyring: not asked again before.
    dismissed_until: Option<Instant>,
}

struct Access {
    token: Secret,
    until: Instant,
    renew: Instant,
}

/// The running [`TokenTask`]. It ends with this: what is renewed after that is not kept.
pub(crate) struct Renewing(JoinHandle<()>);

impl Renewing {
    /// Ends it, and waits until it has: from then on it writes nothing into the keyring.
    pub(crate) async fn end(mut self) {
        self.0.abort();
        // That it was ended is what was wanted.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TokenTask {
    /// Starts it.
    pub(crate) fn start(self) -> Renewing {
        Renewing(tokio::spawn(self.run()))
    }

    /// Tokens kept under `key`; `fresh` are those of a sign-in that has just been, else the stored
    /// one is used.
    pub(crate) fn new(
        refresher: Arc<dyn Refresher>,
        secrets: Arc<dyn SecretStore>,
        key: String,
        fresh: Option<Pair>,
    ) -> (Tokens, Self) {
        let (asks_tx, asks) = mpsc::channel(QUEUE);
        let (keyring, keyring_rx) = watch::channel(KeyringState::Kept);
        let (over, over_rx) = watch::channel(None);
        let (newest, newest_rx) = watch::channel(None);
        let unread = Arc::new(AtomicBool::new(false));
        let mut task = Self {
            refresher,
            secrets,
            key,
            asks,
            keyring,
            over,
            unread: Arc::clone(&unread),
            newest,
            access: None,
            refresh: None,
            unsaved: false,
            again: None,
            dismissed_until: None,
        };
        if let Some(pair) = fresh {
            task.take(pair);
        }
        let tokens = Tokens {
            asks: asks_tx,
            keyring: keyring_rx,
            over: over_rx,
            unread,
            newest: newest_rx,
        };
        (tokens, task)
    }

    /// Keeps the tokens of a sign-in, before it is told to have succeeded.
    pub(crate) async fn save_first(&mut self) {
        self.save().await;
    }

    /// Runs until the last handle is gone.
    pub(crate) async fn run(mut self) {
        loop {
            let wake = self.wake();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    None => return,
                    Some(Ask::Over(over)) => self.give_up(over),
                    Some(Ask::TryAgain) => {
                        self.dismissed_until = None;
                        if self.unsaved {
                            self.save().await;
                        }
                    }
                    Some(Ask::Refused(token)) => {
                        let meant = |access: &Access| token.is_none_or(|token| token == access.token);
                        if self.access.as_ref().is_some_and(meant) {
                            self.access = None;
                        }
                    }
                    Some(Ask::Access(reply)) => {
                        let answer = self.access_now().await;
                        // Who asked may have given up.
                        let _ = reply.send(answer);
                    }
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    self.on_time().await;
                }
            }
        }
    }

    /// When something is to be done without being asked.
    fn wake(&self) -> Option<Instant> {
        let renew = self.access.as_ref().map(|access| access.renew);
        match (self.again, renew) {
            // A renewal that just failed waits as well.
            (Some(again), _) => Some(again),
            (None, renew) => renew,
        }
    }

    async fn on_time(&mut self) {
        self.again = None;
        if self.unsaved {
            self.save().await;
        }
        let due = |access: &Access| access.renew <= Instant::now();
        if self.access.as_ref().is_some_and(due) {
            // What remains of the present one is used until this succeeds.
            let _ = self.renew().await;
        }
    }

    async fn access_now(&mut self) -> Result<Secret, TokenError> {
        if self.over.borrow().is_some() {
            return Err(TokenError::Refused);
        }
        let good = |access: &&Access| access.until > Instant::now() + MARGIN;
        if let Some(access) = self.access.as_ref().filter(good) {
            return Ok(access.token.clone());
        }
        self.renew().await?;
        let access = self.access.as_ref().ok_or(TokenError::Unavailable)?;
        Ok(access.token.clone())
    }

    async fn renew(&mut self) -> Result<(), TokenError> {
        let token = self.stored().await?;
        match self.refresher.refresh(&token).await {
            Ok(pair) => {
                self.take(pair);
                self.save().await;
                // Kept first: a new access token ends the time of the former refresh token.
                let newest = self.access.as_ref().map(|access| access.token.clone());
                self.newest.send_replace(newest);
                Ok(())
            }
            Err(error) if error.is_temporary() => {
                tracing::debug!(%error, "tokens could not be renewed now");
                self.again = Some(Instant::now() + AGAIN);
                Err(TokenError::Unavailable)
            }
            Err(error) => {
                tracing::info!(%error, "the server refused to renew the session");
                self.give_up(match &error {
                    RestError::Refused(why) => why.into(),
                    _ => Over::Refused,
                });
                Err(TokenError::Refused)
            }
        }
    }

    /// The refresh token, from memory or from the keyring.
    async fn stored(&mut self) -> Result<Secret, TokenError> {
        if let Some(token) = &self.refresh {
            return Ok(token.clone());
        }
        if self
            .dismissed_until
            .is_some_and(|until| until > Instant::now())
        {
            return Err(TokenError::Unavailable);
        }
        match self.secrets.get(&self.key).await {
            Ok(Some(token)) => {
                self.tell(KeyringState::Kept);
                self.refresh = Some(token.clone());
                Ok(token)
            }
            Ok(None) => {
                self.give_up(Over::Refused);
                Err(TokenError::Refused)
            }
            Err(SecretError::Missing) => {
                self.tell(KeyringState::Missing);
                self.unread.store(true, Ordering::SeqCst);
                self.give_up(Over::Refused);
                Err(TokenError::Refused)
            }
            Err(SecretError::Locked) => {
                self.tell(KeyringState::Locked);
                Err(TokenError::Unavailable)
            }
            Err(SecretError::Dismissed) => {
                self.dismissed_until = Some(Instant::now() + DISMISSED_AGAIN);
                self.tell(KeyringState::Locked);
                Err(TokenError::Unavailable)
            }
        }
    }

    fn take(&mut self, pair: Pair) {
        let now = Instant::now();
        let life = Duration::from_millis(pair.access_expires_in_ms);
        self.access = Some(Access {
            token: Secret::new(pair.access_token),
            until: now + life,
            renew: now + life.saturating_sub(AHEAD.min(life / 2)),
        });
        self.refresh = Some(Secret::new(pair.refresh_token));
        self.unsaved = true;
        self.again = None;
    }

    async fn save(&mut self) {
        let Some(token) = self.refresh.clone() else {
            return;
        };
        let state = match self.secrets.put(&self.key, token).await {
            Ok(()) => {
                self.unsaved = false;
                KeyringState::Kept
            }
            Err(SecretError::Missing) => {
                // It may still come (a desktop that is starting), so it is tried again too.
                self.again = Some(Instant::now() + AGAIN);
                KeyringState::Missing
            }
            Err(SecretError::Locked) => {
                self.again = Some(Instant::now() + AGAIN);
                KeyringState::Locked
            }
            Err(SecretError::Dismissed) => {
                self.again = Some(Instant::now() + DISMISSED_AGAIN);
                KeyringState::Locked
            }
        };
        self.tell(state);
    }

    fn tell(&self, state: KeyringState) {
        self.keyring.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
    }

    fn give_up(&mut self, over: Over) {
        self.access = None;
        self.again = None;
        self.over.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(over);
            first
        });
    }
}

#[cfg(test)]
mod tests;
