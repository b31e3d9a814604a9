//! Files of messages: choosing them, sending them, fetching them, showing and saving them.
//!
//! - What is chosen is copied into the account's folder at once (`choosing`), so that a file that is
//!   moved or deleted later, and a kill, lose nothing. It belongs to the draft, then to its message,
//!   whose sending waits for it in the outbox.
//! - What is fetched goes into the account's folder too (`fetching`, decided by `downloads`), piece by
//!   piece and checked at the end. There is a bound; what nobody has looked at for longest goes first.
//! - Pictures are made small here, by decoders that are written in Rust (`pictures`); only what they
//!   take is shown. Nothing else of a file ever comes into the page.
//! - What the person saves goes into their downloads, under a name that is none yet (`saving`).

mod choosing;
mod downloads;
mod fetching;
mod folder;
mod names;
mod pictures;
mod saving;
mod transfers;
mod view;

pub(crate) use choosing::{append, begin, dropped, pasted, remove};
pub(crate) use downloads::{Downloads, FetchFailure};
pub(crate) use fetching::fetch as fetch_bytes;
pub(crate) use folder::Folder;
pub(crate) use pictures::picture;
pub use pictures::{Picture, PictureKind};
pub(crate) use saving::{open, save, show};
pub(crate) use transfers::Transfers;
pub(crate) use view::{Copies, chosen, unsent};

use crate::{
    blocking::{Lost, blocking, is_file},
    session::{Context, FileMail, Mail, OpenAccount},
    store::{
        Store, StoreError,
        file_copy::{self, CopyState},
        message,
        upload::{self, Upload},
    },
};
use choosing::BeingChosen;
use im_contract::{
    ErrorKind, UiError,
    files::{FileArgs, MessageFileArgs},
};
use im_protocol::{ConversationId, FileId, UnixMs, files::FileInfo, limits::FILE_BYTES};
use rusqlite::Transaction;
use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Mutex, Semaphore};

/// Bytes in a file, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(u64);

impl Limit {
    /// # Errors
    /// Where a file of this size cannot be sent.
    fn check(self, size: u64) -> Result<(), UiError> {
        match size {
            0 => Err(UiError::new(ErrorKind::FileEmpty)),
            size if size <= self.0 => Ok(()),
            _ => Err(self.exceeded()),
        }
    }

    /// A file is larger than may be sent.
    pub(crate) fn exceeded(self) -> UiError {
        UiError::new(ErrorKind::FileTooLarge).with("limit", self)
    }
}

/// As people read it; never more than it is.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KB: u64 = 1024;
        const MB: u64 = 1024 * KB;
        match self.0 {
            bytes if bytes < KB => write!(f, "{bytes} bytes"),
            bytes if bytes < MB => write!(f, "{} kB", bytes / KB),
            bytes => write!(f, "{} MB", bytes / MB),
        }
    }
}

/// What a session keeps for files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files {
    /// Where their bytes are.
    pub(crate) folder: Folder,
    /// Bytes in a file, at most, as the server said last.
    limit: Arc<AtomicU64>,
    /// What is on its way now.
    pub(crate) transfers: Arc<Transfers>,
    /// What the page is giving bytes of.
    being_chosen: Arc<Mutex<BeingChosen>>,
    /// Pictures take much memory while they are made small: one at a time.
    drawing: Arc<Semaphore>,
}

impl Files {
    pub(crate) fn new(folder: Folder, transfers: Transfers, limit: Option<u64>) -> Self {
        Self {
            folder,
            limit: Arc::new(AtomicU64::new(limit.unwrap_or(FILE_BYTES))),
            transfers: Arc::new(transfers),
            being_chosen: Arc::default(),
            drawing: Arc::new(Semaphore::new(1)),
        }
    }

    /// How large a file may be.
    pub(crate) fn limit(&self) -> Limit {
        Limit(self.limit.load(Ordering::Relaxed))
    }

    /// The server says how large a file may be, in bytes. Gives whether that is something new.
    pub(crate) fn set_limit(&self, bytes: u64) -> bool {
        self.limit.swap(bytes, Ordering::Relaxed) != bytes
    }
}

/// Wants a file of a message to be here.
pub(crate) async fn fetch(open: &OpenAccount, args: MessageFileArgs) -> Result<(), UiError> {
    let context = &open.context;
    let (file, conversation) = of_message(context, args).await?;
    let (id, size, now) = (file.id, file.size, context.clock.now());
    let here = is_file(&context.files.folder.copy(id)).await;
    let wanted = context
        .store
        .cache
        .write(move |tx| {
            let state = file_copy::get(tx, id)?.map(|copy| copy.state);
            if here && state == Some(CopyState::Whole) {
                return Ok(false);
            }
            file_copy::put(tx, id, args.message, size, CopyState::Wanted, now)?;
            Ok(true)
        })
        .await?;
    if wanted {
        open.tell(Mail::File(FileMail::Fetch(id, conversation)))
            .await;
    }
    Ok(())
}

/// Holds a file on its way, either way, or lets it go on.
pub(crate) async fn hold(open: &OpenAccount, args: FileArgs, held: bool) -> Result<(), UiError> {
    let (context, id) = (&open.context, args.id);
    let going = context
        .store
        .outbox
        .write(move |tx| {
            let going = upload::get(tx, id)?.filter(|upload| upload.message.is_some());
            if going.is_some() {
                upload::hold(tx, id, held)?;
            }
            Ok(going)
        })
        .await?;
    if let Some(going) = going {
        let mail = FileMail::HoldUpload(id, going.conversation, held);
        open.tell(Mail::File(mail)).await;
        return Ok(());
    }
    let coming = context
        .store
        .cache
        .write(move |tx| {
            let coming = file_copy::get(tx, id)?.filter(|copy| copy.state != CopyState::Whole);
            let Some(coming) = coming else {
                return Ok(None);
            };
            let state = if held {
                CopyState::Held
            } else {
                CopyState::Wanted
            };
            file_copy::set_state(tx, id, state)?;
            message::get(tx, coming.message)
        })
        .await?;
    let Some(message) = coming else {
        return Err(UiError::new(ErrorKind::NotFound));
    };
    let mail = FileMail::HoldFetch(id, message.conversation, held);
    open.tell(Mail::File(mail)).await;
    Ok(())
}

/// Gives up fetching a file: what came of it goes.
pub(crate) async fn give_up(open: &OpenAccount, args: FileArgs) -> Result<(), UiError> {
    let id = args.id;
    let coming = open
        .context
        .store
        .cache
        .write(move |tx| {
            let coming = file_copy::get(tx, id)?.filter(|copy| copy.state != CopyState::Whole);
            let Some(coming) = coming else {
                return Ok(None);
            };
            file_copy::remove(tx, id)?;
            message::get(tx, coming.message)
        })
        .await?;
    if let Some(message) = coming {
        let mail = FileMail::GiveUp(id, message.conversation);
        open.tell(Mail::File(mail)).await;
    }
    Ok(())
}

/// The file as its message tells of it.
async fn of_message(
    context: &Context,
    args: MessageFileArgs,
) -> Result<(FileInfo, ConversationId), UiError> {
    let message = context
        .store
        .cache
        .read(move |connection| message::get(connection, args.message))
        .await?
        .ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
    let mut files = message.files.into_iter();
    let file = files.find(|file| file.id == args.id);
    let file = file.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
    Ok((file, message.conversation))
}

/// Takes away what no row speaks of anymore; with `uploads` also what was being chosen when the app
/// was killed.
pub(crate) async fn sweep(store: &Store, folder: &Folder, uploads: bool) -> Result<(), StoreError> {
    let _alone = folder.alone().await;
    let kept = if uploads {
        let ids = store.outbox.read(upload::ids).await?;
        Some(HashSet::from_iter(ids))
    } else {
        None
    };
    let copies: HashSet<FileId> = store
        .cache
        .read(file_copy::ids)
        .await?
        .into_iter()
        .collect();
    let folder = folder.clone();
    let sweep = move || folder.sweep(kept.as_ref(), &copies).map_err(StoreError::Io);
    blocking(sweep).await
}

/// Nobody fetches what they have sent: the files of messages that were accepted are copies from now
/// on. Where that cannot be, they are fetched all the same.
pub(crate) async fn keep_sent(store: &Store, folder: &Folder, now: UnixMs, sent: Vec<Upload>) {
    // Between its new name and its row, a copy belongs to nobody.
    let _alone = folder.alone().await;
    let renaming = folder.clone();
    let renamed = blocking(move || {
        let mut kept = sent;
        kept.retain(|file| renaming.keep_sent(file.id).is_ok());
        Ok::<_, Lost>(kept)
    });
    let Ok(kept) = renamed.await else { return };
    let write = move |tx: &Transaction<'_>| {
        for file in kept {
            let message = file
                .message
                .filter(|id| message::exists(tx, *id).is_ok_and(|is| is));
            if let Some(message) = message {
                file_copy::put(tx, file.id, message, file.size, CopyState::Whole, now)?;
            }
        }
        Ok(())
    };
    if let Err(error) = store.cache.write(write).await {
        tracing::warn!(%error, "what was sent could not be kept as a copy");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::files::Sha256;

    #[test]
    fn a_limit_is_said_as_people_read_it() {
        for (bytes, said) in [
            (5, "5 bytes"),
            (1_500, "1 kB"),
            (5_000_000, "4 MB"),
            (FILE_BYTES, "100 MB"),
        ] {
            assert_eq!(Limit(bytes).to_string(), said);
        }
        let kind = |size| Limit(5).check(size).unwrap_err().kind;
        assert_eq!(
            (kind(0), kind(6)),
            (ErrorKind::FileEmpty, ErrorKind::FileTooLarge)
        );
        assert_eq!(Limit(5).check(5), Ok(()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_was_sent_outlives_a_sweep_at_the_same_moment() {
        let account = tempfile::tempdir().unwrap();
        let store = Store::open(account.path(), None).unwrap();
        let folder = Folder::open(account.path()).unwrap();
        let carrier = |tx: &Transaction<'_>| Ok(file_copy::message_for_test(tx));
        let message = store.cache.write(carrier).await.unwrap();
        for _ in 0..200 {
            let id = FileId::new();
            std::fs::write(folder.upload(id), "x").unwrap();
            let sent = Upload {
                id,
                conversation: ConversationId::new(),
                message: Some(message),
                name: "x".to_owned(),
                size: 1,
                sha256: Sha256::from_bytes([0; 32]),
                picture: None,
                held: false,
                file: None,
            };
            let ((), swept) = tokio::join!(
                keep_sent(&store, &folder, 0, vec![sent]),
                sweep(&store, &folder, false),
            );
            swept.unwrap();
            assert!(folder.copy(id).is_file(), "a copy was taken away");
        }
    }
}
