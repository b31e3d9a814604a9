//! How a session begins: the account's files are opened, and what they hold is given to the machines.

use super::{
    Session, SessionEnd,
    bulk::Bulks,
    context::{Context, OpenAccount},
    indexing::Indexing,
    marks::Marks,
    own_status::OwnStatus,
    requests,
};
use crate::{
    account::{ServerAddress, Tokens},
    blocking::blocking,
    clock::Clock,
    connection::{self, SocketAuth},
    events::{Changes, EventHub},
    files::{self, Downloads, Files, Folder, Transfers},
    notify::{Notifier, Ringtone},
    outbox::Outbox,
    rest::{Http, Rest},
    store::{
        Store, StoreError, bulk, facts,
        file_copy::{self, CopyState},
        key::Key,
        message, meta, own_status, read_mark,
    },
    sync::Sync,
    wire::Wire,
};
use futures_util::stream::FuturesUnordered;
use im_call::media::MediaEngine;
use im_protocol::{ConversationId, DeviceId, people::Me};
use std::{path::PathBuf, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

/// Requests that may wait for the session.
const QUEUE: usize = 128;

/// What the account gives a session.
pub(crate) struct Parts {
    pub(crate) me: Me,
    pub(crate) server: ServerAddress,
    pub(crate) device: DeviceId,
    pub(crate) app: String,
    pub(crate) folder: PathBuf,
    /// Of the cache, where it is encrypted.
    pub(crate) key: Option<Key>,
    pub(crate) tokens: Tokens,
    pub(crate) http: Http,
    pub(crate) clock: Clock,
    pub(crate) events: EventHub,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) ringtone: Arc<dyn Ringtone>,
    pub(crate) media: Arc<dyn MediaEngine>,
    pub(crate) visible: watch::Receiver<Option<ConversationId>>,
}

/// A session that runs.
pub(crate) struct Running {
    /// For commands.
    pub(crate) open: Arc<OpenAccount>,
    /// The person as the server told last.
    pub(crate) me: watch::Receiver<Me>,
    /// Asks the session to stop; dropping does as well.
    pub(crate) stop: oneshot::Sender<()>,
    /// Ends with the session, its files closed.
    pub(crate) done: JoinHandle<SessionEnd>,
}

/// Opens the account's files and starts its session.
///
/// # Errors
/// Where the files cannot be opened.
pub(crate) async fn start(parts: Parts) -> Result<Running, StoreError> {
    let (account, key) = (parts.folder, parts.key);
    let opened = blocking(move || {
        let store = Store::open(&account, key.as_ref())?;
        let folder = Folder::open(&account).map_err(StoreError::Io)?;
        Ok::<_, StoreError>((store, folder))
    });
    let (store, folder) = opened.await?;
    let me = parts.me.person.id;
    let (cursor, file_bytes) = store
        .cache
        .write(move |tx| {
            facts::replay(tx, me)?;
            Ok((meta::cursor(tx)?, meta::file_bytes(tx)?))
        })
        .await?;
    let mut outbox = Outbox::default();
    outbox.add(requests::unsent(&store, &folder, parts.clock.now()).await?);
    let downloads = unfinished(&store).await?;
    if let Err(error) = files::sweep(&store, &folder, true).await {
        tracing::warn!(%error, "what a kill left of files could not be taken away");
    }
    let transfers = Transfers::new(parts.events.clone());
    transfers.set_standings(downloads.standings());
    let marks = Marks::new(store.outbox.read(read_mark::all).await?);
    let own_status = OwnStatus::new(store.outbox.read(own_status::get).await?);
    let bulks = Bulks::new(store.outbox.read(bulk::waiting).await?);

    let auth = SocketAuth::new(parts.tokens.clone(), parts.device, parts.app);
    let in_use = auth.in_use();
    let (client, incoming, socket) = im_socketio::connect(connection::options(&parts.server), auth)
        .map_err(|error| {
            tracing::error!(%error, "the socket's options are not valid");
            StoreError::Internal
        })?;
    tokio::spawn(socket.run());

    let context = Context {
        me,
        device: parts.device,
        clock: parts.clock,
        store,
        files: Files::new(folder, transfers, file_bytes),
        live: Arc::default(),
        rest: Rest {
            http: parts.http,
            server: parts.server,
            tokens: parts.tokens.clone(),
        },
        wire: Wire::new(client.clone()),
        events: parts.events,
        notifier: parts.notifier,
        ringtone: parts.ringtone,
        media: parts.media,
        visible: parts.visible,
    };
    let (calls, call_task) = crate::calls::new(context.clone());
    tokio::spawn(call_task.run());
    tokio::spawn(
        Indexing {
            cache: context.store.cache.clone(),
            events: context.events.clone(),
        }
        .run(),
    );
    let (mail, mailbox) = mpsc::channel(QUEUE);
    let (line_tx, line) = watch::channel(connection::Told::now(connection::no_line(None)));
    let (me_tx, me) = watch::channel(parts.me);
    let (stop, stopped) = oneshot::channel();
    let open = Arc::new(OpenAccount {
        context: context.clone(),
        mail,
        calls: calls.clone(),
        line,
    });
    let access = parts.tokens.newest();
    let mut session = Session {
        context,
        calls,
        mailbox,
        client,
        incoming,
        tokens: parts.tokens,
        sync: Sync::new(cursor),
        outbox,
        downloads,
        uploading: Default::default(),
        fetching: Default::default(),
        marks,
        typing: Default::default(),
        own_status,
        bulks,
        choosing: Vec::new(),
        access,
        in_use,
        renew: false,
        closing: None,
        unkept: None,
        changes: Changes::default(),
        pending: FuturesUnordered::new(),
        connection: 0,
        ready: false,
        refused_until: None,
        reading: false,
        written: false,
        read_again: None,
        line: line_tx,
        me: me_tx,
        begun: Instant::now(),
    };
    session.show_own_status();
    Ok(Running {
        open,
        me,
        stop,
        done: tokio::spawn(session.run(stopped)),
    })
}

/// Files that were being fetched when the app ended.
async fn unfinished(store: &Store) -> Result<Downloads, StoreError> {
    let read = |connection: &rusqlite::Connection| {
        let mut downloads = Downloads::default();
        for copy in file_copy::unfinished(connection)? {
            let Some(message) = message::get(connection, copy.message)? else {
                continue;
            };
            match copy.state {
                CopyState::Held => downloads.was_held(copy.id, message.conversation),
                _ => downloads.want(copy.id, message.conversation),
            }
        }
        Ok(downloads)
    };
    store.cache.read(read).await
}
