//! Who is signed in on this device: signing in and out, and what stays when the server refuses.
//!
//! One task owns it. A session that the server refuses is not a sign-out: the account is locked,
//! with its cache and what is unsent kept on disk, until the same person signs in again.

mod address;
pub(crate) mod deletion;
mod doors;
mod installation;
pub(crate) mod recovery;
mod tokens;

pub use address::{BadAddress, ServerAddress};
pub(crate) use doors::How;
pub(crate) use installation::replace;
pub(crate) use tokens::{TokenError, Tokens};

use crate::{
    clock::Clock,
    connection,
    events::EventHub,
    notify::{Notifier, Ringtone},
    rest::{Http, Rest},
    secrets::{SecretError, SecretStore},
    session::{self, OpenAccount, Running, SessionEnd},
    store::{self, Database, StoreError, outbox},
};
use im_call::media::MediaEngine;
use im_contract::{
    CoreEvent, ErrorKind, UiError,
    commands::{SignOutResult, Unsent},
    views::{Account, Connection, KeyringState, MeView},
};
use im_protocol::{
    ConversationId,
    people::Me,
    rest::{SignedIn, Tokens as Pair},
};
use installation::{Installation, InstallationFile, Remembered};
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tokens::{ServerRefresher, TokenTask};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};

/// Requests that may wait.
const QUEUE: usize = 16;
/// How long a session may take to end before its files are closed under it.
const ENDING: Duration = Duration::from_secs(5);
/// Until a keyring that was not there is looked for again.
const KEYRING_AGAIN: Duration = Duration::from_secs(5);
/// The same where the person did not want to unlock it.
const DISMISSED_AGAIN: Duration = Duration::from_secs(60);
/// A session that fails is begun again by itself once in this time; a second failure is shown.
const AGAIN: Duration = Duration::from_secs(60);
/// How long telling the server of a sign-out may take.
const SIGN_OUT: Duration = Duration::from_secs(5);

/// What the task is made of.
pub(crate) struct Parts {
    pub(crate) data_dir: PathBuf,
    pub(crate) default_server: String,
    pub(crate) device_name: String,
    pub(crate) app: String,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) notifier: Arc<dyn Notifier>,
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

/// A running session with its tokens.
struct SignedInHere {
    server: ServerAddress,
    me: Me,
    tokens: Tokens,
    keyring: watch::Receiver<KeyringState>,
    running: Running,
}

/// What happens to a session without being asked for.
enum Change {
    Ended(SessionEnd),
    Me,
    Keyring,
}

impl AccountTask {
    /// Reads what is known of this installation and opens the account that was used last.
    ///
    /// # Errors
    /// Where the data folder cannot be used.
    pub(crate) async fn open(parts: Parts) -> Result<(AccountDoor, Self), UiError> {
        let file = InstallationFile::new(&parts.data_dir);
        let installation = file.load().map_err(|error| storage(&error))?;
        let (asks_tx, asks) = mpsc::channel(QUEUE);
        let (slot, slot_rx) = watch::channel(Slot {
            account: Account::SignedOut {
                server: parts.default_server.clone(),
            },
            open: None,
            line: connection::no_line(None),
        });
        let mut task = Self {
            http: Http::new()?,
            file,
            installation,
            asks,
            slot,
            signed_in: None,
            begun_again: None,
            keyring_at: None,
            parts,
        };
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
            Ok(server) => self
                .begin(server, remembered.me, None)
                .await
                .map_err(UiError::from),
            Err(BadAddress) => Err(UiError::new(ErrorKind::BadServerAddress)),
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

    async fn sign_in(&mut self, how: How) -> Result<Account, UiError> {
        if self.signed_in.is_some() {
            return Err(UiError::new(ErrorKind::Invalid).with("field", "account"));
        }
        let device = im_protocol::rest::Device {
            id: self.installation.device,
            name: self.parts.device_name.clone(),
        };
        let (server, answer) = doors::enter(&self.http, how, device).await?;
        let SignedIn { me, tokens, .. } = answer;
        if let Err(error) = self.begin(server.clone(), me.clone(), Some(tokens)).await {
            // Nobody will use this token.
            let _ = self.parts.secrets.delete(&self.secret_key(&me)).await;
            return Err(error.into());
        }
        let before = self.installation.clone();
        self.installation.server = Some(server.to_string());
        let key = self.secret_key(&me);
        self.installation.person = Some(Remembered { me, locked: false });
        if let Err(error) = self.save_installation() {
            // What would be forgotten at the next start has not happened.
            self.end_session().await;
            let _ = self.parts.secrets.delete(&key).await;
            self.installation = before;
            self.publish(None).await;
            return Err(error);
        }
        self.keyring_at = None;
        self.publish(None).await;
        Ok(self.slot.borrow().account.clone())
    }

    /// Starts the session of a person, with the tokens of a sign-in or the stored ones.
    async fn begin(
        &mut self,
        server: ServerAddress,
        me: Me,
        fresh: Option<Pair>,
    ) -> Result<(), StoreError> {
        let refresher = ServerRefresher {
            http: self.http.clone(),
            server: server.clone(),
        };
        let is_fresh = fresh.is_some();
        let (tokens, mut task) = TokenTask::new(
            Arc::new(refresher),
            Arc::clone(&self.parts.secrets),
            self.secret_key(&me),
            fresh,
        );
        if is_fresh {
            task.save_first().await;
        }
        tokio::spawn(task.run());
        self.begin_with(server, me, tokens).await
    }

    async fn begin_with(
        &mut self,
        server: ServerAddress,
        me: Me,
        tokens: Tokens,
    ) -> Result<(), StoreError> {
        let running = session::start(session::Parts {
            me: me.clone(),
            server: server.clone(),
            device: self.installation.device,
            app: self.parts.app.clone(),
            folder: self.file.account_folder(me.person.id),
            tokens: tokens.clone(),
            http: self.http.clone(),
            clock: self.parts.clock.clone(),
            events: self.parts.events.clone(),
            notifier: Arc::clone(&self.parts.notifier),
            ringtone: Arc::clone(&self.parts.ringtone),
            media: Arc::clone(&self.parts.media),
            visible: self.parts.visible.clone(),
        })
        .await?;
        self.signed_in = Some(SignedInHere {
            server,
            me,
            keyring: tokens.keyring(),
            tokens,
            running,
        });
        Ok(())
    }

    async fn changed(&mut self, change: Change) {
        match change {
            Change::Keyring => self.publish(None).await,
            Change::Me => {
                if let Some(here) = &mut self.signed_in {
                    here.me = here.running.me.borrow_and_update().clone();
                    let me = here.me.clone();
                    self.installation.person = Some(Remembered { me, locked: false });
                    if self.save_installation().is_err() {
                        tracing::warn!("the person's new name could not be kept");
                    }
                }
                self.publish(None).await;
            }
            Change::Ended(SessionEnd::Corrupt) => {
                let Some(here) = self.signed_in.take() else {
                    return;
                };
                let cache = store::cache_path(&self.file.account_folder(here.me.person.id));
                if let Err(error) = store::open::set_aside(&cache) {
                    tracing::error!(kind = %error.kind(), "a broken cache could not be set aside");
                }
                self.begin_again(here, ErrorKind::DataUnreadable).await;
            }
            Change::Ended(SessionEnd::Refused) => {
                let here = self.signed_in.take();
                if here.as_ref().is_some_and(|here| here.tokens.is_deleted()) {
                    self.wipe().await;
                } else if here.is_some_and(|here| here.tokens.is_unread()) {
                    self.keyring_at = Some(Instant::now() + KEYRING_AGAIN);
                } else {
                    self.lock();
                }
                self.publish(None).await;
            }
            Change::Ended(SessionEnd::Stopped) => {
                tracing::error!("the session ended without being asked to");
                let Some(here) = self.signed_in.take() else {
                    return;
                };
                // Where its task failed, its files are still open.
                here.running.open.context.store.close().await;
                self.begin_again(here, ErrorKind::Internal).await;
            }
        }
    }

    /// Nobody but the person can go on with this account.
    fn lock(&mut self) {
        self.keyring_at = None;
        if let Some(person) = &mut self.installation.person {
            person.locked = true;
        }
        if self.save_installation().is_err() {
            tracing::warn!("that the session is over could not be kept");
        }
    }

    /// Looks whether the keyring has come that was not there to give the token, and goes on with it.
    async fn ask_keyring(&mut self) {
        let Some(person) = &self.installation.person else {
            self.keyring_at = None;
            return;
        };
        let key = self.secret_key(&person.me);
        let wait = match self.parts.secrets.get(&key).await {
            Ok(Some(_)) => {
                self.keyring_at = None;
                self.reopen().await;
                return;
            }
            Ok(None) => {
                // It is there and has nothing: locked as before, and for good.
                self.lock();
                return;
            }
            Err(SecretError::Missing | SecretError::Locked) => KEYRING_AGAIN,
            Err(SecretError::Dismissed) => DISMISSED_AGAIN,
        };
        self.keyring_at = Some(Instant::now() + wait);
    }

    /// Begins a session that has failed again, unless that has happened just before: then `why` is
    /// shown.
    async fn begin_again(&mut self, failed: SignedInHere, why: ErrorKind) {
        let now = Instant::now();
        let lately = |at: Instant| now.saturating_duration_since(at) < AGAIN;
        if self.begun_again.replace(now).is_some_and(lately) {
            self.publish(Some(UiError::new(why))).await;
            return;
        }
        let begun = self
            .begin_with(failed.server, failed.me, failed.tokens)
            .await;
        self.publish(begun.err().map(UiError::from)).await;
    }

    async fn sign_out(&mut self, unsent: Unsent) -> Result<SignOutResult, UiError> {
        let Some(person) = self.installation.person.clone() else {
            return Ok(SignOutResult {
                done: true,
                unsent: 0,
            });
        };
        let waiting = self.unsent(&person.me).await?;
        if waiting > 0 && unsent == Unsent::Ask {
            return Ok(SignOutResult {
                done: false,
                unsent: waiting,
            });
        }
        if let Some(here) = &self.signed_in {
            // While there is a connection to say so.
            here.running.open.calls.close().await;
            let rest = Rest {
                http: self.http.clone(),
                server: here.server.clone(),
                tokens: here.tokens.clone(),
            };
            let nothing = serde_json::json!({});
            let told = rest.post::<serde_json::Value>("/v1/auth/sign-out", &nothing);
            // Without the network the server finds out when the session is not renewed.
            if !matches!(timeout(SIGN_OUT, told).await, Ok(Ok(_))) {
                tracing::info!("the server could not be told of the sign-out");
            }
        }
        self.leave(person).await?;
        Ok(SignOutResult {
            done: true,
            unsent: 0,
        })
    }

    /// Ends the session and takes everything of a person off this device.
    async fn leave(&mut self, person: Remembered) -> Result<(), UiError> {
        self.end_session().await;
        let key = self.secret_key(&person.me);
        if let Err(error) = self.parts.secrets.delete(&key).await {
            tracing::warn!(%error, "the token could not be deleted from the keyring");
        }
        self.keyring_at = None;
        let forgotten = self.forget(&person);
        if forgotten.is_err() {
            // The session is over all the same. What is left of it goes when it is tried again.
            self.installation.person = Some(Remembered {
                locked: true,
                ..person
            });
        }
        self.publish(None).await;
        forgotten
    }

    /// Deletes what this device keeps of a person.
    fn forget(&mut self, person: &Remembered) -> Result<(), UiError> {
        let folder = self.file.account_folder(person.me.person.id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(&error)),
            _ => {}
        }
        self.installation.person = None;
        self.save_installation()
    }

    async fn end_session(&mut self) {
        let Some(here) = self.signed_in.take() else {
            return;
        };
        // Gone where the session has ended already.
        let _ = here.running.stop.send(());
        if timeout(ENDING, here.running.done).await.is_err() {
            tracing::warn!("the session did not end in time");
            here.running.open.context.store.close().await;
        }
    }

    /// Messages not sent yet, failed ones included, whether the account is locked or not.
    async fn unsent(&self, me: &Me) -> Result<u32, UiError> {
        if let Some(here) = &self.signed_in {
            let store = &here.running.open.context.store;
            return Ok(store.outbox.read(outbox::len).await?);
        }
        let path = store::outbox_path(&self.file.account_folder(me.person.id));
        if !path.exists() {
            return Ok(0);
        }
        let database = Database::open(&path, store::OUTBOX, 1)?;
        let count = database.read(outbox::len).await;
        database.close().await;
        Ok(count?)
    }

    /// Tells everybody who is signed in now.
    async fn publish(&self, problem: Option<UiError>) {
        let server = self.last_server();
        let account = match (&self.signed_in, &self.installation.person) {
            (Some(here), _) => Account::SignedIn {
                server: here.server.to_string(),
                me: me_view(&here.me),
                keyring: *here.keyring.borrow(),
            },
            (None, Some(person)) if person.locked || self.keyring_at.is_some() => Account::Locked {
                server,
                email: person.me.email.clone(),
                unsent: self.unsent(&person.me).await.unwrap_or(0),
            },
            _ => Account::SignedOut { server },
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

    fn save_installation(&self) -> Result<(), UiError> {
        self.file
            .save(&self.installation)
            .map_err(|error| storage(&error))
    }
}

/// Waits for what happens to the session, for ever where there is none.
async fn change(signed_in: &mut Option<SignedInHere>) -> Change {
    let Some(here) = signed_in else {
        return std::future::pending().await;
    };
    tokio::select! {
        ended = &mut here.running.done => Change::Ended(ended.unwrap_or(SessionEnd::Stopped)),
        Ok(()) = here.running.me.changed() => Change::Me,
        Ok(()) = here.keyring.changed() => Change::Keyring,
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
    UiError::new(ErrorKind::Storage)
}
