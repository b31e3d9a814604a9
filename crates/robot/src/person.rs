//! Who the robot is: a core with an account, and the conversations it has.

use anyhow::{Context as _, anyhow, bail};
use im_contract::{
    Commands as _, CoreEvent, ErrorKind, UiError,
    args::{Nothing, OpenArgs, SignInArgs},
    views::{Account, Connection, ConnectionState, ConversationRow, KeyringState},
};
use im_core::{
    Clock, Core, CoreConfig, Events,
    clipboard::NoClipboard,
    links::{Link, LinkOpener},
    notify::{self, Notification, NotificationId, Notifier, Ringtone},
    secrets::{KeyringSecrets, MemorySecrets, SecretStore},
};
use im_media::Engine;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// The app's name in the keyring, so that it finds what a robot signed in with.
const KEYRING: &str = "InstantMentor";
/// Some things come without an event of their own, so everything is looked at this often.
const BEAT: Duration = Duration::from_millis(100);

/// Who, and with what.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) server: String,
    pub(crate) email: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) data_dir: PathBuf,
    pub(crate) keyring: bool,
    /// How long it waits for what must come before it can begin.
    pub(crate) patience: Duration,
}

impl Who {
    /// What the sign-in is called in the person's list of devices. One that is kept in the keyring is the
    /// app's afterwards, which calls itself by the computer's name.
    fn device_name(&self) -> String {
        if self.keyring {
            gethostname::gethostname().to_string_lossy().into_owned()
        } else {
            "robot".to_owned()
        }
    }
}

/// Nobody looks at a robot's desktop.
struct NoDesktop;

impl LinkOpener for NoDesktop {
    fn open(&self, _: &Link) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn open_file(&self, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn show_file(&self, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl Notifier for NoDesktop {
    fn show(&self, _: Notification) {}
    fn withdraw(&self, _: NotificationId) {}
}

impl Ringtone for NoDesktop {
    fn start(&self) {}
    fn stop(&self) {}
}

/// A signed-in robot.
pub(crate) struct Person {
    pub(crate) core: Core,
    pub(crate) events: Events,
    /// Whether nothing of the account was on this device.
    pub(crate) fresh: bool,
    patience: Duration,
}

impl Person {
    /// Starts the core and signs in, trying again while the server is away.
    pub(crate) async fn start(who: &Who, engine: Arc<Engine>) -> anyhow::Result<Self> {
        let secrets: Arc<dyn SecretStore> = if who.keyring {
            Arc::new(KeyringSecrets::new(KEYRING)?)
        } else {
            Arc::new(MemorySecrets::default())
        };
        // Nobody acts on notifications that nobody sees.
        let (_, notification_actions) = notify::actions();
        let core = Core::start(CoreConfig {
            data_dir: who.data_dir.clone(),
            default_server: who.server.clone(),
            device_name: who.device_name(),
            app: concat!("robot/", env!("CARGO_PKG_VERSION")).to_owned(),
            secrets,
            notifier: Arc::new(NoDesktop),
            notification_actions,
            ringtone: Arc::new(NoDesktop),
            media: engine,
            links: Arc::new(NoDesktop),
            clipboard: Arc::new(NoClipboard),
            clock: Clock::system(),
        })
        .await
        .context("the data folder cannot be used")?;
        let mut person = Self {
            events: core.events(),
            core,
            fresh: false,
            patience: who.patience,
        };
        let signed_in = person.sign_in(who).await;
        if let Err(error) = signed_in {
            person.core.stop().await;
            return Err(error);
        }
        Ok(person)
    }

    async fn sign_in(&mut self, who: &Who) -> anyhow::Result<()> {
        let until = Instant::now() + who.patience;
        let mut refused = None;
        loop {
            match self.core.account_get(Nothing {}).await? {
                // Tokens in memory did not outlive the process that had them: an account that was
                // opened again is about to be locked.
                Account::SignedIn { .. } if who.keyring => return Ok(()),
                Account::SignedIn { .. } => {}
                state @ (Account::SignedOut { .. } | Account::Locked { .. }) => {
                    self.fresh = matches!(state, Account::SignedOut { .. });
                    let (Some(email), Some(password)) = (&who.email, &who.password) else {
                        bail!("nobody is signed in here: an address and a password are needed");
                    };
                    let args = SignInArgs {
                        server: who.server.clone(),
                        email: email.clone(),
                        password: password.clone(),
                    };
                    match self.core.account_sign_in(args).await {
                        Ok(_) => return Ok(()),
                        Err(error) if is_temporary(&error) => refused = Some(error),
                        Err(error) => bail!("signing in was refused: {error}"),
                    }
                }
            }
            if Instant::now() >= until {
                return Err(in_vain("signing in", refused));
            }
            self.beat().await?;
        }
    }

    /// Where the refresh token is.
    pub(crate) async fn token_is_in(&self) -> anyhow::Result<KeyringState> {
        match self.core.account_get(Nothing {}).await? {
            Account::SignedIn { keyring, .. } => Ok(keyring),
            _ => bail!("nobody is signed in"),
        }
    }

    /// The next event, or none for a moment without one.
    ///
    /// # Errors
    /// Where the core has ended.
    pub(crate) async fn beat(&mut self) -> anyhow::Result<Option<CoreEvent>> {
        match timeout(BEAT, self.events.recv()).await {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => bail!("the core has ended"),
            Err(_) => Ok(None),
        }
    }

    /// How the connection is.
    pub(crate) async fn line(&self) -> anyhow::Result<Connection> {
        Ok(self.core.connection_get(Nothing {}).await?)
    }

    /// Waits until it is connected and nothing is being fetched.
    pub(crate) async fn connected(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + self.patience;
        loop {
            let line = self.line().await?;
            match line.state {
                ConnectionState::Online if !line.catching_up => return Ok(()),
                ConnectionState::Refused => {
                    return Err(in_vain("connecting", line.problem));
                }
                _ if Instant::now() >= until => {
                    let nobody = UiError::new(ErrorKind::ServerUnreachable);
                    return Err(in_vain("connecting", line.problem.or(Some(nobody))));
                }
                _ => drop(self.beat().await?),
            }
        }
    }

    /// The conversation with somebody of this name (all of it or its first word), or with this id.
    /// Where there is none yet with somebody one may talk to, it is opened.
    pub(crate) async fn conversation(&mut self, to: &str) -> anyhow::Result<ConversationRow> {
        let until = Instant::now() + self.patience;
        loop {
            let rows = self.core.conversations_list(Nothing {}).await?;
            let known = rows
                .into_iter()
                .find(|row| row.id.to_string() == to || is_named(&row.other.name, to));
            if let Some(row) = known {
                return Ok(row);
            }
            let line = self.line().await?;
            if line.state == ConnectionState::Online && !line.catching_up {
                let people = self.core.people_list(Nothing {}).await?;
                if let Some(person) = people.iter().find(|person| is_named(&person.name, to)) {
                    let args = OpenArgs {
                        with: person.id,
                        course: None,
                    };
                    return Ok(self.core.conversations_open(args).await?);
                }
            }
            if Instant::now() >= until {
                bail!("there is nobody of that name to talk to");
            }
            self.beat().await?;
        }
    }
}

/// What was tried in vain, and why.
fn in_vain(what: &str, why: Option<UiError>) -> anyhow::Error {
    match why {
        Some(why) => anyhow!("{what} did not work: {why}"),
        None => anyhow!("{what} took too long"),
    }
}

fn is_named(name: &str, wanted: &str) -> bool {
    let first = name.split_whitespace().next().unwrap_or_default();
    let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
    name == wanted || first.to_lowercase() == wanted
}

fn is_temporary(error: &UiError) -> bool {
    // Between an account's being open and its being locked, somebody still counts as signed in.
    error.retryable || error.kind == ErrorKind::NotAServer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_known_by_the_whole_name_or_the_first() {
        assert!(is_named("Maya Lindqvist", "maya"));
        assert!(is_named("Maya Lindqvist", "Maya Lindqvist"));
        assert!(!is_named("Maya Lindqvist", "lindqvist"));
        assert!(!is_named("Maya Lindqvist", "may"));
    }
}
