//! A person's device: a core with a data folder, a keyring and notifications that can be looked at.

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use im_call::{media::MediaEngine, simulated};
use im_contract::{
    Commands, CoreEvent, UiError,
    args::{Nothing, PageArgs, SendArgs, SignInArgs},
    views::{Account, ConnectionState, ContentView, ConversationRow, MessageRow, MessageState},
};
use im_core::{
    Clock, Core, CoreConfig, Events,
    clipboard::{Clipboard, Copied, NoClipboard},
    links::{Link, LinkOpener},
    notify::{self, Notification, NotificationAction, NotificationId, Notifier, Ringtone},
    secrets::{MemorySecrets, SecretStore},
};
use im_protocol::ConversationId;
use im_testkit::server::{PASSWORD, email};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

/// Nothing that a test waits for takes longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What is shown right now, and what is in the clipboard until it is pasted.
#[derive(Default)]
pub(crate) struct Desktop {
    shown: Mutex<Vec<Notification>>,
    copied: Mutex<Option<Copied>>,
}

impl Desktop {
    pub(crate) fn shown(&self) -> Vec<Notification> {
        self.shown.lock().unwrap().clone()
    }

    /// The person copies something in another program.
    pub(crate) fn copy(&self, copied: Copied) {
        *self.copied.lock().unwrap() = Some(copied);
    }
}

impl Clipboard for Desktop {
    fn copied(&self) -> BoxFuture<'_, Option<Copied>> {
        ready(self.copied.lock().unwrap().take()).boxed()
    }
}

impl Notifier for Desktop {
    fn show(&self, notification: Notification) {
        let mut shown = self.shown.lock().unwrap();
        shown.retain(|known| known.id != notification.id);
        shown.push(notification);
    }

    fn withdraw(&self, id: NotificationId) {
        self.shown.lock().unwrap().retain(|known| known.id != id);
    }
}

/// A ringtone that is not heard but can be asked.
#[derive(Default)]
pub(crate) struct Bell(AtomicBool);

impl Bell {
    pub(crate) fn rings(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Ringtone for Bell {
    fn start(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
    fn stop(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// See the module.
pub(crate) struct Device {
    pub(crate) core: Core,
    pub(crate) events: Events,
    pub(crate) data: Arc<TempDir>,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) desktop: Arc<Desktop>,
    pub(crate) actions: mpsc::Sender<NotificationAction>,
    pub(crate) media: simulated::Engine,
    pub(crate) bell: Arc<Bell>,
    server: String,
    clock: Clock,
}

impl Device {
    /// A new device that nobody has used.
    pub(crate) async fn new(server: &str) -> Self {
        let data = Arc::new(tempfile::tempdir().unwrap());
        Self::with(server, data, Arc::new(MemorySecrets::default())).await
    }

    /// A device with what was left on it.
    pub(crate) async fn with(
        server: &str,
        data: Arc<TempDir>,
        secrets: Arc<dyn SecretStore>,
    ) -> Self {
        Self::at(server, data, secrets, Clock::system()).await
    }

    /// The same with this clock.
    pub(crate) async fn at(
        server: &str,
        data: Arc<TempDir>,
        secrets: Arc<dyn SecretStore>,
        clock: Clock,
    ) -> Self {
        let desktop = Arc::new(Desktop::default());
        let (actions, notification_actions) = notify::actions();
        let (media, bell) = (simulated::Engine::new(), Arc::new(Bell::default()));
        let core = start_with(
            data.path(),
            server,
            Arc::clone(&secrets),
            Arc::clone(&desktop) as Arc<dyn Notifier>,
            notification_actions,
            Around {
                media: Arc::new(media.clone()),
                ringtone: Arc::clone(&bell) as Arc<dyn Ringtone>,
                clipboard: Arc::clone(&desktop) as Arc<dyn Clipboard>,
                clock: clock.clone(),
            },
        )
        .await
        .unwrap();
        Self {
            events: core.events(),
            core,
            data,
            secrets,
            desktop,
            actions,
            media,
            bell,
            server: server.to_owned(),
            clock,
        }
    }

    /// A new device with this person signed in and everything fetched.
    pub(crate) async fn of(name: &str, server: &str) -> Self {
        let mut device = Self::new(server).await;
        device.sign_in(name).await.unwrap();
        device.caught_up().await;
        device
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Result<Account, UiError> {
        self.sign_in_with(name, PASSWORD).await
    }

    pub(crate) async fn sign_in_with(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Account, UiError> {
        let args = SignInArgs {
            server: self.server.clone(),
            email: email(name),
            password: password.to_owned(),
        };
        self.core.account_sign_in(args).await
    }

    /// The app is closed and opened again.
    pub(crate) async fn restart(self) -> Self {
        self.core.stop().await;
        self.again().await
    }

    /// The process dies without a word, and the app is opened again.
    pub(crate) async fn crash(self) -> Self {
        // The handle goes without a stop; what its tasks still do is cut off by the new core's
        // opening of the same files only as far as SQLite's locks say, as after a real crash.
        self.again().await
    }

    async fn again(self) -> Self {
        let Self {
            core,
            data,
            secrets,
            server,
            clock,
            ..
        } = self;
        drop(core);
        Self::at(&server, data, secrets, clock).await
    }

    /// Waits until it holds, looking at every event.
    pub(crate) async fn until<F>(&mut self, what: &str, mut holds: F)
    where
        F: for<'a> FnMut(&'a Core) -> BoxFuture<'a, bool>,
    {
        let wait = async {
            loop {
                if holds(&self.core).await {
                    return;
                }
                // Some things (a notification, a file) come without an event of their own.
                let beat = Duration::from_millis(100);
                if let Ok(None) = timeout(beat, self.events.recv()).await {
                    panic!("the core is gone");
                }
            }
        };
        if timeout(DEADLINE, wait).await.is_err() {
            panic!("waited in vain until {what}");
        }
    }

    /// Where the one account of this device has its files.
    pub(crate) fn account_folder(&self) -> PathBuf {
        let mut accounts = std::fs::read_dir(self.data.path().join("accounts")).unwrap();
        accounts.next().unwrap().unwrap().path()
    }

    /// A file of the account, opened beside the core.
    pub(crate) fn database(&self, name: &str) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.account_folder().join(name)).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        database
    }

    /// Waits until these notifications are shown, whatever their order, and no other.
    pub(crate) async fn shows(&mut self, wanted: &[NotificationId]) {
        let desktop = Arc::clone(&self.desktop);
        let wanted: HashSet<NotificationId> = wanted.iter().copied().collect();
        self.until(&format!("{} notifications are shown", wanted.len()), |_| {
            let shown: HashSet<_> = desktop.shown().iter().map(|one| one.id).collect();
            let holds = shown == wanted;
            Box::pin(async move { holds })
        })
        .await;
    }

    pub(crate) async fn account(&self) -> Account {
        self.core.account_get(Nothing {}).await.unwrap()
    }

    /// Waits until the connection has this state.
    pub(crate) async fn connection(&mut self, state: ConnectionState) {
        self.until(&format!("the connection is {state:?}"), |core| {
            Box::pin(async move { core.connection_get(Nothing {}).await.unwrap().state == state })
        })
        .await;
    }

    /// Waits until it is online and nothing is being fetched.
    pub(crate) async fn caught_up(&mut self) {
        self.until("everything is fetched", |core| {
            Box::pin(async move {
                let line = core.connection_get(Nothing {}).await.unwrap();
                line.state == ConnectionState::Online && !line.catching_up
            })
        })
        .await;
    }

    /// Waits until nothing is unsent, as the disk says and as the line says, which follows it.
    pub(crate) async fn all_sent(&mut self) {
        self.until("everything is sent", |core| {
            Box::pin(async move {
                let line = core.connection_get(Nothing {}).await.unwrap();
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                let unsent = |row: &ConversationRow| {
                    row.last.as_ref().is_some_and(|last| {
                        matches!(last.state, MessageState::Waiting | MessageState::Sending)
                    })
                };
                line.waiting == 0 && !rows.iter().any(unsent)
            })
        })
        .await;
    }

    pub(crate) async fn conversations(&self) -> Vec<ConversationRow> {
        self.core.conversations_list(Nothing {}).await.unwrap()
    }

    pub(crate) async fn say(&self, conversation: ConversationId, text: &str) -> MessageRow {
        let text = text.to_owned();
        let args = SendArgs {
            conversation,
            text,
            reply_to: None,
            files: Vec::new(),
        };
        self.core.messages_send(args).await.unwrap()
    }

    /// The newest page.
    pub(crate) async fn messages(&self, conversation: ConversationId) -> Vec<MessageRow> {
        messages(&self.core, conversation).await
    }

    /// Waits until the newest page says this.
    pub(crate) async fn reads(&mut self, conversation: ConversationId, texts: &[&str]) {
        let what = format!("{} messages are there", texts.len());
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        self.until(&what, |core| {
            let texts = texts.clone();
            Box::pin(async move {
                let page = messages(core, conversation).await;
                page.iter().map(text).eq(texts)
            })
        })
        .await;
    }

    /// Waits for a state of the last message.
    pub(crate) async fn last_is(&mut self, conversation: ConversationId, state: MessageState) {
        self.until(&format!("the last message is {state:?}"), |core| {
            Box::pin(async move {
                let page = messages(core, conversation).await;
                page.last().is_some_and(|last| last.state == state)
            })
        })
        .await;
    }

    /// Waits until this is told.
    pub(crate) async fn until_told(&mut self, what: &str, wanted: CoreEvent) {
        let wait = async { while self.events.recv().await.expect("the core is gone") != wanted {} };
        if timeout(DEADLINE, wait).await.is_err() {
            panic!("waited in vain until it was told that {what}");
        }
    }

    /// Everything that was told until now.
    pub(crate) async fn told(&mut self) -> Vec<CoreEvent> {
        let mut told = Vec::new();
        while let Ok(Some(event)) = timeout(Duration::from_millis(10), self.events.recv()).await {
            told.push(event);
        }
        told
    }
}

/// A desktop without programs that open links.
struct NoLinks;

impl LinkOpener for NoLinks {
    fn open(&self, _: &Link) -> std::io::Result<()> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn open_file(&self, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn show_file(&self, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// A core on this folder.
pub(crate) async fn start(
    data: &Path,
    server: &str,
    secrets: Arc<dyn SecretStore>,
    notifier: Arc<dyn Notifier>,
    notification_actions: mpsc::Receiver<NotificationAction>,
) -> Result<Core, UiError> {
    start_with(
        data,
        server,
        secrets,
        notifier,
        notification_actions,
        Around {
            media: Arc::new(simulated::Engine::new()),
            ringtone: Arc::new(Bell::default()),
            clipboard: Arc::new(NoClipboard),
            clock: Clock::system(),
        },
    )
    .await
}

/// What a device is among.
struct Around {
    media: Arc<dyn MediaEngine>,
    ringtone: Arc<dyn Ringtone>,
    clipboard: Arc<dyn Clipboard>,
    clock: Clock,
}

async fn start_with(
    data: &Path,
    server: &str,
    secrets: Arc<dyn SecretStore>,
    notifier: Arc<dyn Notifier>,
    notification_actions: mpsc::Receiver<NotificationAction>,
    around: Around,
) -> Result<Core, UiError> {
    Core::start(CoreConfig {
        data_dir: data.to_owned(),
        default_server: server.to_owned(),
        device_name: "test".to_owned(),
        app: "test/0".to_owned(),
        secrets,
        notifier,
        notification_actions,
        ringtone: around.ringtone,
        media: around.media,
        links: Arc::new(NoLinks),
        clipboard: around.clipboard,
        clock: around.clock,
    })
    .await
}

pub(crate) async fn messages(core: &Core, conversation: ConversationId) -> Vec<MessageRow> {
    match core
        .messages_page(PageArgs::newest(conversation, 200))
        .await
    {
        Ok(page) => page.messages,
        Err(_) => Vec::new(),
    }
}

pub(crate) fn text(row: &MessageRow) -> String {
    match &row.content {
        ContentView::Text { text } => text.clone(),
        other => format!("{other:?}"),
    }
}
