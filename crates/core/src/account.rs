//! Who is signed in on this device: signing in and out, and what stays when the server refuses.
//!
//! One task owns it. A session that the server refuses is not a sign-out: the account is locked,
//! with its cache and what is unsent kept on disk, until the same person signs in again. Only where
//! the server says that the person signed this device out from another one, or that the account was
//! deleted, it is wiped.

mod address;
mod cache_key;
pub(crate) mod deletion;
mod doors;
mod ending;
mod entering;
mod installation;
mod leaving;
pub(crate) mod recovery;
mod tokens;

pub use address::{BadAddress, ServerAddress};
pub(crate) use doors::How;
pub(crate) use installation::replace;
use tokens::Renewing;
pub(crate) use tokens::{Over, TokenError, Tokens};

use crate::{
    blocking::blocking,
    clock::Clock,
    connection,
    events::EventHub,
    notify::{Ringtone, Shown},
    rest::Http,
    secrets::{SecretError, SecretStore},
    session::{OpenAccount, Running},
    store::StoreError,
};
use ending::change;
use im_call::media::MediaEngine;
use im_contract::{
    CoreEvent, ErrorKind, UiError,
    args::{SignOutResult, Unsent},
    views::{Account, Connection, KeyringState, MeView},
};
use im_protocol::{ConversationId, people::Me};
use installation::{Installation, InstallationFile};
use std::{io, path::PathBuf, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

/// Requests that may wait.
const QUEUE: usize = 16;

/// What the task is made of.
pub(crate) struct Parts {
    pub(crate) data_dir: PathBuf,
    pub(crate) default_server: String,
    pub(crate) device_name: String,
    pub(crate) app: String,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) notifier: Arc<Shown>,
    pub(crate) ringtone: Arc<dyn Ringtone>,
    pub(crate) media: Arc<dyn MediaEngine>,
    pub(crate) clock: Clock,
    pub(crate) events: EventHub,
    pub(crate) visible: watch::Receiver<Option<ConversationId>>,
}

/// What everybody may see of the account.
#[derive(Clone)]
pub(crate) struct Slot {
    /// For the UI.
    pub(crate) account: Account,
    /// For commands, while somebody is signed in.
    pub(crate) open: Option<Arc<OpenAccount>>,
    /// The connection's line while nobody is.
    pub(crate) line: Connection,
}

/// What is asked of the task.
pub(crate) enum Ask {
    /// Somebody comes in.
    SignIn(How, oneshot::Sender<Result<Account, UiError>>),
    /// The person goes.
    SignOut(Unsent, oneshot::Sender<Result<SignOutResult, UiError>>),
    /// The person's account was deleted: nothing of it stays here.
    Wipe(oneshot::Sender<()>),
    /// The app ends; answered when everything is closed.
    Stop(oneshot::Sender<()>),
}

/// A handle on the account's task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AccountDoor {
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) slot: watch::Receiver<Slot>,
    /// For what is asked of a server before anybody is signed in.
    pub(crate) http: Http,
}

/// See the module.
pub(crate) struct AccountTask {
    parts: Parts,
    http: Http,
    file: InstallationFile,
    installation: Installation,
    asks: mpsc::Receiver<Ask>,
    slot: watch::Sender<Slot>,
    signed_in: Option<SignedInHere>,
    /// When a session was begun again by itself.
    begun_again: Option<Instant>,
    /// When the keyring is looked for again, where it was not there to give the token. Until then
    /// the account is locked, of which nothing is kept: the server has refused nothing.
    keyring_at: Option<Instant>,
}

/// Why a session cannot begin.
#[derive(Debug)]
enum CannotBegin {
    /// The keyring does not give the key of the cache now.
    NoKey(SecretError),
    /// Something else.
    Other(UiError),
}

impl From<StoreError> for CannotBegin {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<CannotBegin> for UiError {
    fn from(error: CannotBegin) -> Self {
        match error {
            // Who has just signed in is not told this: see `cache_key`.
            CannotBegin::NoKey(_) => Self::new(ErrorKind::Storage),
            CannotBegin::Other(error) => error,
        }
    }
}

/// A running session with its tokens.
struct SignedInHere {
    server: ServerAddress,
    me: Me,
    tokens: Tokens,
    /// Renews them.
    renewing: Renewing,
    keyring: watch::Receiver<KeyringState>,
    /// Whether its cache is encrypted.
    encrypted: bool,
    running: Running,
}

impl AccountTask {
    /// Reads what is known of this installation and opens the account that was used last.
    ///
    /// # Errors
    /// Where the data folder cannot be used.
    pub(crate) async fn open(parts: Parts) -> Result<(AccountDoor, Self), UiError> {
        let file = InstallationFile::new(&parts.data_dir);
        let reading = file.clone();
        let load = move || reading.load().map_err(|error| storage(&error));
        let installation = blocking(load).await?;
        let (asks_tx, asks) = mpsc::channel(QUEUE);
        let (slot, slot_rx) = watch::channel(Slot {
            account: Account::SignedOut {
                server: parts.default_server.clone(),
                elsewhere: false,
            },
            open: None,
            line: connection::no_line(None),
        });
        // It reads the certificates that the system trusts.
        let http = blocking(Http::new).await?;
        let mut task = Self {
            http,
            file,
            installation,
            asks,
            slot,
            signed_in: None,
            begun_again: None,
            keyring_at: None,
            parts,
        };
        if task.finish_wiping().await.is_err() {
            tracing::error!("what is kept of who was signed out could not be wiped yet");
        }
        task.reopen().await;
        let door = AccountDoor {
            asks: asks_tx,
            slot: slot_rx,
            http: task.http.clone(),
        };
        Ok((door, task))
    }

    /// Opens the account that was used last, without asking the server.
    async fn reopen(&mut self) {
        let remembered = self.installation.person.clone();
        let Some(remembered) = remembered.filter(|remembered| !remembered.locked) else {
            self.publish(None).await;
            return;
        };
        let server = ServerAddress::parse(&self.last_server());
        let opened = match server {
            Ok(server) => self.begin(server, remembered.me, None).await,
            Err(BadAddress) => Err(CannotBegin::Other(UiError::new(
                ErrorKind::BadServerAddress,
            ))),
        };
        let opened = match opened {
            Err(CannotBegin::NoKey(why)) => {
                tracing::info!(%why, "the account waits for the keyring");
                self.wait_for_keyring(why);
                Ok(())
            }
            Err(CannotBegin::Other(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        if let Err(error) = &opened {
            tracing::error!(kind = ?error.kind, "the account cannot be opened");
        }
        self.publish(opened.err()).await;
    }

    /// Runs until the app ends.
    pub(crate) async fn run(mut self) {
        loop {
            let keyring_at = self.keyring_at;
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(Ask::SignIn(how, reply)) => {
                        let answer = self.sign_in(how).await;
                        // Who asked may have given up.
                        let _ = reply.send(answer);
                    }
                    Some(Ask::SignOut(unsent, reply)) => {
                        let answer = self.sign_out(unsent).await;
                        let _ = reply.send(answer);
                    }
                    Some(Ask::Wipe(done)) => {
                        self.wipe().await;
                        let _ = done.send(());
                    }
                    Some(Ask::Stop(done)) => {
                        self.end_session().await;
                        let _ = done.send(());
                        return;
                    }
                    None => {
                        self.end_session().await;
                        return;
                    }
                },
                change = change(&mut self.signed_in) => self.changed(change).await,
                () = sleep_until(keyring_at.unwrap_or_else(Instant::now)), if keyring_at.is_some() => {
                    self.ask_keyring().await;
                }
            }
        }
    }

    /// Tells everybody who is signed in now.
    async fn publish(&self, problem: Option<UiError>) {
        let server = self.last_server();
        let account = match (&self.signed_in, &self.installation.person) {
            (Some(here), _) => Account::SignedIn {
                server: here.server.to_string(),
                me: me_view(&here.me),
                keyring: *here.keyring.borrow(),
                encrypted: here.encrypted,
            },
            (None, Some(person)) if person.locked || self.keyring_at.is_some() => Account::Locked {
                server,
                email: person.me.email.clone(),
                unsent: self.unsent(&person.me).await.unwrap_or(0),
                keyring: !person.locked,
            },
            _ => Account::SignedOut {
                server,
                elsewhere: self.installation.signed_out_elsewhere,
            },
        };
        let open = self.signed_in.as_ref();
        let slot = Slot {
            account: account.clone(),
            open: open.map(|here| Arc::clone(&here.running.open)),
            line: connection::no_line(problem),
        };
        let off = slot.open.is_none().then(|| slot.line.clone());
        self.slot.send_replace(slot);
        self.parts.events.tell(CoreEvent::Account(account));
        if let Some(line) = off {
            self.parts.events.tell(CoreEvent::Connection(line));
        }
    }

    fn last_server(&self) -> String {
        self.installation
            .server
            .clone()
            .unwrap_or_else(|| self.parts.default_server.clone())
    }

    /// Two installations of one person on one computer have a token each.
    fn secret_key(&self, me: &Me) -> String {
        format!("{}/{}", self.installation.device, me.person.id)
    }

    /// Under which name the key of the cache is kept.
    fn cache_key(&self, me: &Me) -> String {
        format!("{}/cache", self.secret_key(me))
    }

    async fn save_installation(&self) -> Result<(), UiError> {
        let (file, installation) = (self.file.clone(), self.installation.clone());
        blocking(move || file.save(&installation).map_err(|error| storage(&error))).await
    }
}

fn me_view(me: &Me) -> MeView {
    MeView {
        id: me.person.id,
        name: me.person.name.clone(),
        email: me.email.clone(),
        role: me.person.role,
        verified: me.verified,
    }
}

fn storage(error: &io::Error) -> UiError {
    tracing::error!(kind = %error.kind(), "the data folder cannot be used");
    UiError::new(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Storage,
        _ => ErrorKind::DataUnreadable,
    })
}
