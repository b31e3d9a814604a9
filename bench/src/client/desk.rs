//! A core without a desktop, on a folder that outlives the process.

use anyhow::Context as _;
use im_call::simulated;
use im_contract::{Commands as _, args::Nothing, views::ConnectionState};
use im_core::{
    Clock, Core, CoreConfig,
    clipboard::NoClipboard,
    links::{Link, LinkOpener},
    notify::{self, Notification, NotificationId, Notifier, Ringtone},
    secrets::{Secret, SecretError, SecretStore},
};
use std::{
    collections::BTreeMap,
    fs,
    future::ready,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// How long a core may take to have everything, on a busy machine.
const CATCHING_UP: Duration = Duration::from_secs(60);

/// Nobody looks at it.
struct NoDesktop;

impl LinkOpener for NoDesktop {
    fn open(&self, _: &Link) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open_file(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn show_file(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
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

/// How the cache is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtRest {
    /// As on a desktop with a keyring.
    Encrypted,
    /// In clear, so that it can be filled from outside (ADR 0028 says what encryption costs).
    Clear,
}

/// Keeps the secrets of a person who exists for the length of a run, so that the next process has them.
struct Kept {
    file: PathBuf,
    at_rest: AtRest,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SecretError>> + Send + 'a>>;

impl Kept {
    fn all(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn keep(&self, all: &BTreeMap<String, String>) -> Result<(), SecretError> {
        let text = serde_json::to_string(all).map_err(|_| SecretError::Missing)?;
        fs::write(&self.file, text).map_err(|_| SecretError::Missing)
    }
}

impl SecretStore for Kept {
    /// It always does; who says no gets a cache in clear.
    fn outlives_the_process(&self) -> bool {
        self.at_rest == AtRest::Encrypted
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Secret>> {
        Box::pin(ready(Ok(self.all().remove(key).map(Secret::new))))
    }

    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> Answer<'a, ()> {
        let mut all = self.all();
        all.insert(key.to_owned(), secret.expose().to_owned());
        Box::pin(ready(self.keep(&all)))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        let mut all = self.all();
        all.remove(key);
        Box::pin(ready(self.keep(&all)))
    }
}

/// Starts a core on this folder, which is made where there is none.
///
/// # Errors
/// Where the folder cannot be used.
pub async fn start(folder: &Path, server: &str, at_rest: AtRest) -> anyhow::Result<Core> {
    fs::create_dir_all(folder)?;
    // Nobody acts on notifications that nobody sees.
    let (_, notification_actions) = notify::actions();
    Core::start(CoreConfig {
        data_dir: folder.to_owned(),
        default_server: server.to_owned(),
        device_name: "bench".to_owned(),
        app: concat!("bench/", env!("CARGO_PKG_VERSION")).to_owned(),
        secrets: Arc::new(Kept {
            file: folder.join("secrets.json"),
            at_rest,
        }),
        notifier: Arc::new(NoDesktop),
        notification_actions,
        ringtone: Arc::new(NoDesktop),
        media: Arc::new(simulated::Engine::new()),
        links: Arc::new(NoDesktop),
        clipboard: Arc::new(NoClipboard),
        clock: Clock::system(),
    })
    .await
    .context("the core does not start")
}

/// Waits until it is connected and has everything that it missed.
///
/// # Errors
/// Where it does not come so far in time.
pub async fn caught_up(core: &Core) -> anyhow::Result<()> {
    // Before the first look, so that nothing is missed between the two.
    let mut events = core.events();
    let has_all = async {
        loop {
            let line = core.connection_get(Nothing {}).await?;
            if line.state == ConnectionState::Online && !line.catching_up {
                return anyhow::Ok(());
            }
            events.recv().await.context("the core has stopped")?;
        }
    };
    timeout(CATCHING_UP, has_all)
        .await
        .context("the core does not catch up")?
}
