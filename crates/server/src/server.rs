//! Starting and stopping.

use crate::{
    app::App,
    auth::{self, Keys, Passwords, sessions::Seen},
    bulk, calls,
    chores::Chores,
    clock::Clock,
    config::{Config, ConfigError},
    dispatch::Table,
    door::Door,
    error::Error,
    files::{Files, OpenFilesError, Sweeper},
    hub::Hub,
    mail::{Bell, Postman},
    operator::{Operator, demo},
    presence::{Presence, PresenceTask},
    rates::Rates,
    rest,
    store::{self, OpenError, Store},
    writer::Writer,
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long open connections and running commands get at a stop.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// Why the server did not start. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Another server uses the data folder.
    #[error("another server is running on the data folder {0}")]
    Busy(PathBuf),
    /// There are demo people in the database of a production server.
    #[error(
        "{0} has demo people, whose password everybody knows: not in production. Begin with an empty folder"
    )]
    Demo(PathBuf),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A file in the data folder cannot be used.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else failed.
    #[error("the server could not start: {0}")]
    Other(#[from] Error),
}

/// The server, to be started.
pub struct Server;

/// A server that is running in this process. [`Running::shutdown`] stops it cleanly; dropping it
/// without leaves its tasks to the runtime.
pub struct Running {
    /// Where it listens, with the real port.
    pub addr: SocketAddr,
    app: Arc<App>,
    serving: JoinHandle<()>,
    /// Hears when the writer has ended.
    writing: oneshot::Receiver<()>,
    stop_writing: CancellationToken,
    _lock: File,
}

impl Server {
    /// Opens the database, listens and serves.
    ///
    /// # Errors
    /// Where the configuration, the data folder or the address cannot be used.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        config.check()?;
        let data = config.data.clone();
        // Before the database is brought to this version: another one may be serving it.
        let lock = lock(&data)?;
        let failed = |source| StartError::Listen {
            addr: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let store = Store::open(&data).await?;
        if config.production && demo::is_in(&store).await? {
            return Err(StartError::Demo(data));
        }
        let secret = token_secret(&config)?;
        let clock = Clock::default();
        let hub = Arc::new(Hub::default());
        let (writer, task) = Writer::new(store.clone(), clock.clone(), hub.clone()).await?;
        let stop_writing = CancellationToken::new();
        let writing = task.spawn(stop_writing.clone());
        let writing = writing.map_err(|_| Error::Broken("there is no thread for the writer"))?;
        let epoch = store::meta::epoch(&mut *store.read().await?).await?;
        let files = Files::open(&config, epoch).map_err(|error| match error {
            OpenFilesError::Folder(error) => StartError::Store(error),
            OpenFilesError::Config(error) => StartError::Config(error),
        })?;
        let app = Arc::new(App {
            keys: Keys::new(secret.as_bytes()),
            passwords: Passwords::new()?,
            rates: Rates::new(&config.limits),
            files,
            bell: Bell::default(),
            bulk: bulk::Bell::default(),
            presence: Arc::new(Presence::default()),
            seen: Seen::default(),
            events: Table::new(),
            sockets: AtomicUsize::new(0),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
            clock,
            store,
            writer,
            hub,
            epoch,
        });
        #[cfg(feature = "faults")]
        crate::faults::warn();
        calls::begin_again(&app.writer, &app.store).await?;
        app.tasks.spawn(calls::Sweeper::new(app.clone()).run());
        app.tasks.spawn(Sweeper::new(app.clone()).run());
        app.tasks.spawn(Chores::new(app.clone()).run());
        app.tasks.spawn(PresenceTask::new(app.clone()).run());
        app.tasks.spawn(bulk::Deliverer::new(app.clone()).run());
        match Postman::new(&app)? {
            Some(postman) => {
                app.tasks.spawn(postman.run());
            }
            None if app.config.production => tracing::warn!(
                "no mail server is set (IM_SMTP_HOST): nobody can get a new password by mail (the \
                 operator gives a code with `admin reset-password`), and new students do not have \
                 to show that their address is theirs"
            ),
            None => {}
        }

        let door = Door {
            listener,
            router: rest::router(app.clone()),
            within: Duration::from_millis(app.config.limits.request_ms),
            stop: app.stop.clone(),
        };
        let serving = tokio::spawn(door.run());
        tracing::info!(%addr, "listening");
        Ok(Running {
            addr,
            app,
            serving,
            writing,
            stop_writing,
            _lock: lock,
        })
    }
}

impl Running {
    /// The server's clock, to be moved by tests.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.app.clock.clone()
    }

    /// The connections, for tests that look from the inside.
    #[must_use]
    pub fn hub(&self) -> Arc<Hub> {
        self.app.hub.clone()
    }

    /// Adds people and courses from within this process.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn operator(&self) -> Result<Operator, Error> {
        Operator::new(self.app.writer.clone())
    }

    /// The base address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops cleanly, within five seconds: takes nothing new, tells the connections, finishes
    /// what was begun, closes the database.
    pub async fn shutdown(self) {
        tracing::info!("stopping");
        self.app.stop.cancel();
        let why = Error::unavailable().to_wire();
        for live in self.app.hub.lives_where(|_| true) {
            live.dismiss(&why);
        }
        self.app.tasks.close();
        let over = async {
            self.serving.await.ok();
            self.app.tasks.wait().await;
        };
        if tokio::time::timeout(STOP_WITHIN, over).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        if let Err(error) = auth::sessions::keep_seen(&self.app).await {
            tracing::warn!(error = %error, "who was there last is not written down");
        }
        self.stop_writing.cancel();
        self.writing.await.ok();
        self.app.store.close().await;
        tracing::info!("stopped");
    }
}

/// One server a data folder: two would not know of each other's connections. Makes the folder where
/// it is missing.
pub(crate) fn lock(data: &Path) -> Result<File, StartError> {
    store::make_private_folder(data)?;
    let path = data.join("server.lock");
    let failed = |source| StartError::File {
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Busy(data.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The configured secret; outside production one that is made once and kept, so that sessions
/// live on when the server starts again.
fn token_secret(config: &Config) -> Result<String, StartError> {
    if let Some(secret) = &config.token_secret {
        return Ok(secret.clone());
    }
    let path = config.data.join("token-secret");
    let failed = |source| StartError::File {
        path: path.clone(),
        source,
    };
    match std::fs::read_to_string(&path) {
        Ok(secret) if !secret.is_empty() => return Ok(secret),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let secret = auth::random_code(48)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(secret.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(secret)
}
