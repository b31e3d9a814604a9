//! The core's handle: how an app starts it, listens to it and stops it.

mod commands;

use crate::{
    account::{AccountDoor, AccountTask, Ask, Parts, Slot},
    blocking::blocking,
    clipboard::Clipboard,
    clock::Clock,
    events::{EventHub, Events},
    files::{self, Picture, PictureKind},
    links::LinkOpener,
    notify::{NotificationAction, Notifier, Ringtone, Shown},
    secrets::SecretStore,
    session::{Mail, OpenAccount},
    settings::SettingsFile,
};
use im_call::media::MediaEngine;
use im_contract::{
    CoreEvent, ErrorKind, UiError,
    views::{Connection, Desktop},
};
use im_protocol::{ConversationId, FileId};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

/// What an app gives the core.
pub struct CoreConfig {
    /// Where the core keeps its files; made where there is none. One core at a time.
    pub data_dir: PathBuf,
    /// The server that is offered where none was used before.
    pub default_server: String,
    /// What this installation is called in the person's list of devices, such as the computer's
    /// name.
    pub device_name: String,
    /// Name and version of the app, such as `desktop/0.1.0`, for the server's statistics.
    pub app: String,
    /// Where refresh tokens are kept.
    pub secrets: Arc<dyn SecretStore>,
    /// The desktop's notifications.
    pub notifier: Arc<dyn Notifier>,
    /// What the person does on notifications, see [`crate::notify::actions`].
    pub notification_actions: mpsc::Receiver<NotificationAction>,
    /// The ringtone.
    pub ringtone: Arc<dyn Ringtone>,
    /// Sound and picture of calls.
    pub media: Arc<dyn MediaEngine>,
    /// The programs that links are opened with.
    pub links: Arc<dyn LinkOpener>,
    /// The desktop's clipboard, for what the page is not given of it.
    pub clipboard: Arc<dyn Clipboard>,
    /// The time of day.
    pub clock: Clock,
}

/// The core. Cheap to clone; it lives until [`Core::stop`], or until the last handle is gone.
#[derive(Clone)]
pub struct Core {
    inner: Arc<Inner>,
}

struct Inner {
    account: AccountDoor,
    events: EventHub,
    visible: watch::Sender<Option<ConversationId>>,
    settings: SettingsFile,
    desktop: watch::Sender<Desktop>,
    downloads: watch::Sender<PathBuf>,
    quit: watch::Sender<bool>,
    links: Arc<dyn LinkOpener>,
    clipboard: Arc<dyn Clipboard>,
    dropped: Mutex<Dropped>,
}

/// What was dropped on the window last. The page is told of a drop by its number, so that it can
/// choose no file that the person has not.
#[derive(Default)]
struct Dropped {
    drop: u64,
    paths: Vec<PathBuf>,
}

impl Core {
    /// Starts the core on the present tokio runtime. The account that was used last is open when
    /// this returns, whether the server can be reached or not.
    ///
    /// # Errors
    /// Where the data folder cannot be used.
    pub async fn start(config: CoreConfig) -> Result<Self, UiError> {
        let events = EventHub::new();
        let (visible, visible_rx) = watch::channel(None);
        let (folder, telling) = (config.data_dir.clone(), events.clone());
        let open = move || Ok::<_, UiError>(SettingsFile::open(&folder, telling));
        let settings = blocking(open).await?;
        let downloads = config.data_dir.clone();
        let (account, task) = AccountTask::open(Parts {
            data_dir: config.data_dir,
            default_server: config.default_server,
            device_name: config.device_name,
            app: config.app,
            secrets: config.secrets,
            notifier: Arc::new(Shown::new(config.notifier)),
            ringtone: config.ringtone,
            media: config.media,
            clock: config.clock,
            events: events.clone(),
            visible: visible_rx,
        })
        .await?;
        tokio::spawn(task.run());
        tokio::spawn(
            Acting {
                actions: config.notification_actions,
                slot: account.slot.clone(),
            }
            .run(),
        );
        Ok(Self {
            inner: Arc::new(Inner {
                account,
                events,
                visible,
                settings,
                desktop: watch::channel(Desktop::default()).0,
                downloads: watch::channel(downloads).0,
                quit: watch::channel(false).0,
                links: config.links,
                clipboard: config.clipboard,
                dropped: Mutex::default(),
            }),
        })
    }

    /// Everything that happens from now on. The first thing a listener does is read what it shows.
    #[must_use]
    pub fn events(&self) -> Events {
        self.inner.events.listen()
    }

    /// Says goodbye to the server and closes all files. Commands afterwards are refused.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.inner.account.asks.send(Ask::Stop(done)).await.is_ok() {
            // An error means that the task is gone, which is as stopped as can be.
            let _ = stopped.await;
        }
    }

    /// The conversation that the person looks at right now: the window is shown, has the focus and
    /// is there. No notifications are shown for its messages.
    pub fn set_visible(&self, conversation: Option<ConversationId>) {
        let changed = self.inner.visible.send_if_modified(|known| {
            let changed = *known != conversation;
            *known = conversation;
            changed
        });
        if changed && let Some(open) = self.opened() {
            // With a full queue the session finds the new one at its next notification.
            let _ = open.mail.try_send(Mail::Looks);
        }
    }

    /// What the desktop around the app offers, as the shell found it.
    pub fn set_desktop(&self, desktop: Desktop) {
        let changed = self.inner.desktop.send_if_modified(|known| {
            let changed = *known != desktop;
            *known = desktop;
            changed
        });
        if changed {
            self.inner.events.tell(CoreEvent::Desktop(desktop));
        }
    }

    /// Where the person looks for what they save; until told, the core's own folder.
    pub fn set_downloads(&self, folder: PathBuf) {
        self.inner.downloads.send_replace(folder);
    }

    /// Files are being dragged over the window, or not anymore.
    pub fn set_files_over(&self, over: bool) {
        self.inner.events.tell(CoreEvent::FilesOver { over });
    }

    /// The person dropped files on the window: the page says what they are for.
    pub fn files_dropped(&self, paths: Vec<PathBuf>) {
        let mut dropped = self.dropped();
        dropped.drop += 1;
        dropped.paths = paths;
        let drop = dropped.drop;
        std::mem::drop(dropped);
        self.inner.events.tell(CoreEvent::FilesDropped { drop });
    }

    /// A picture of a file that is on this device; none where it is not, or is no picture that is
    /// shown.
    pub async fn picture(&self, kind: PictureKind, id: FileId) -> Option<Picture> {
        let open = self.opened()?;
        files::picture(&open.context, kind, id).await
    }

    /// Waits until the person wants the app to end. Dropping it is harmless.
    pub async fn quit_asked(&self) {
        let mut quit = self.inner.quit.subscribe();
        // The sender lives as long as this handle.
        let _ = quit.wait_for(|quit| *quit).await;
    }

    /// Somebody asked, from the tray or a link, to see a conversation.
    pub fn show_conversation(&self, conversation: ConversationId) {
        self.inner.events.show(conversation);
    }

    fn dropped(&self) -> std::sync::MutexGuard<'_, Dropped> {
        // A panic while it was held leaves it whole: each write is a single step.
        let dropped = self.inner.dropped.lock();
        dropped.unwrap_or_else(PoisonError::into_inner)
    }

    /// What was dropped, once.
    fn take_dropped(&self, drop: u64) -> Result<Vec<PathBuf>, UiError> {
        let mut dropped = self.dropped();
        if dropped.drop != drop || dropped.paths.is_empty() {
            return Err(UiError::new(ErrorKind::NotFound));
        }
        Ok(std::mem::take(&mut dropped.paths))
    }

    fn opened(&self) -> Option<Arc<OpenAccount>> {
        self.inner.account.slot.borrow().open.clone()
    }

    fn open(&self) -> Result<Arc<OpenAccount>, UiError> {
        self.opened()
            .ok_or_else(|| UiError::new(ErrorKind::SignInAgain))
    }

    fn line(&self) -> Connection {
        let slot = self.inner.account.slot.borrow();
        match &slot.open {
            Some(open) => open.line.borrow().as_of(Instant::now()),
            None => slot.line.clone(),
        }
    }
}

/// Brings what the person does on notifications to the session that is open.
struct Acting {
    actions: mpsc::Receiver<NotificationAction>,
    slot: watch::Receiver<Slot>,
}

impl Acting {
    async fn run(mut self) {
        while let Some(action) = self.actions.recv().await {
            let open = self.slot.borrow().open.clone();
            match open {
                Some(open) => open.tell(Mail::Acted(action)).await,
                None => tracing::info!("a notification of somebody who is signed out"),
            }
        }
    }
}
