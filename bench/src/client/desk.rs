//! A core without a desktop, on a folder that outlives the process.

use anyhow::Context as _;
use im_call::simulated;
use im_core::{
    Clock, Core, CoreConfig,
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
};

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

/// Keeps the token of a person who exists for the length of a run, so that the next process has it.
struct Kept(PathBuf);

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SecretError>> + Send + 'a>>;

impl Kept {
    fn all(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn keep(&self, all: &BTreeMap<String, String>) -> Result<(), SecretError> {
        let text = serde_json::to_string(all).map_err(|_| SecretError::Missing)?;
        fs::write(&self.0, text).map_err(|_| SecretError::Missing)
    }
}

impl SecretStore for Kept {
    /// It does; but the cache is filled from outside, so it is in clear. What encryption costs is
    /// measured apart (ADR 0028).
    fn outlives_the_process(&self) -> bool {
        false
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

/// Starts a core on this folder.
///
/// # Errors
/// Where the folder cannot be used.
pub async fn start(folder: &Path, server: &str) -> anyhow::Result<Core> {
    // Nobody acts on notifications that nobody sees.
    let (_, notification_actions) = notify::actions();
    Core::start(CoreConfig {
        data_dir: folder.to_owned(),
        default_server: server.to_owned(),
        device_name: "bench".to_owned(),
        app: concat!("bench/", env!("CARGO_PKG_VERSION")).to_owned(),
        secrets: Arc::new(Kept(folder.join("secrets.json"))),
        notifier: Arc::new(NoDesktop),
        notification_actions,
        ringtone: Arc::new(NoDesktop),
        media: Arc::new(simulated::Engine::new()),
        links: Arc::new(NoDesktop),
        clock: Clock::system(),
    })
    .await
    .context("the core does not start")
}
