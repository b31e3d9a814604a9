//! Choosing files: their bytes are copied into the account's folder before anything is said to be
//! chosen.

use super::{Folder, Limit, pictures};
use crate::{
    blocking::{Lost, blocking},
    clipboard::Copied,
    session::{Context, Mail, OpenAccount},
    store::{conversation, upload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use im_contract::{
    ErrorKind, UiError,
    files::{AppendFileArgs, BeginFileArgs, Begun, Choosing, FileArgs, NotChosen, Pasted},
};
use im_protocol::{
    ConversationId, FileId,
    files::{Sha256, file_name},
    limits::MESSAGE_FILES,
};
use sha2::{Digest as _, Sha256 as Hasher};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Bytes that are hashed at once.
const HASHED: usize = 64 * 1024;
/// Characters of Base64 in one piece from the page: 4 MiB of bytes.
const PIECE: usize = 4 * 1024 * 1024 / 3 * 4 + 4;

/// Files that the page gives the bytes of, until all are here.
pub(super) type BeingChosen = HashMap<FileId, BeginFileArgs>;

/// What a file turned out to be.
struct Known {
    size: u64,
    sha256: Sha256,
    picture: Option<(u32, u32)>,
}

/// Chooses files of this computer.
pub(crate) async fn dropped(
    open: &OpenAccount,
    conversation: ConversationId,
    paths: Vec<PathBuf>,
) -> Result<Choosing, UiError> {
    let context = &open.context;
    known(context, conversation).await?;
    let mut refused = Vec::new();
    let limit = context.files.limit();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = file_name(&name.unwrap_or_default());
        let chosen = choose(context, conversation, &name, move |part| {
            copy(&path, part, limit)
        })
        .await;
        if let Err(error) = chosen {
            refused.push(NotChosen { name, error });
        }
    }
    open.tell(Mail::Drafted).await;
    Ok(Choosing { refused })
}

/// Chooses what was copied in another program.
pub(crate) async fn pasted(
    open: &OpenAccount,
    conversation: ConversationId,
    copied: Copied,
) -> Result<Pasted, UiError> {
    let (bytes, ending) = match copied {
        Copied::Words(text) => return Ok(Pasted::Words { text }),
        Copied::Files(paths) => {
            let Choosing { refused } = dropped(open, conversation, paths).await?;
            return Ok(Pasted::Chosen { refused });
        }
        Copied::Picture { bytes, ending } => (bytes, ending),
    };
    let context = &open.context;
    known(context, conversation).await?;
    // As browsers call it.
    let name = format!("image.{ending}");
    let limit = context.files.limit();
    let write = move |part: &Path| {
        limit.check(bytes.len() as u64)?;
        let mut file = create(part).map_err(storage)?;
        file.write_all(&bytes).map_err(storage)
    };
    let chosen = choose(context, conversation, &name, write).await;
    open.tell(Mail::Drafted).await;
    let refused = chosen.err().map(|error| NotChosen { name, error });
    Ok(Pasted::Chosen {
        refused: Vec::from_iter(refused),
    })
}

/// Chooses a file whose bytes `write` puts where it is told.
async fn choose(
    context: &Context,
    conversation: ConversationId,
    name: &str,
    write: impl FnOnce(&Path) -> Result<(), UiError> + Send + 'static,
) -> Result<(), UiError> {
    room(context, conversation).await?;
    let (folder, id) = (context.files.folder.clone(), FileId::new());
    let limit = context.files.limit();
    let known = blocking(move || {
        write(&folder.upload_part(id))?;
        finish(&folder, id, limit)
    });
    keep(context, conversation, id, name, known.await).await
}

/// The page will give the bytes of a file.
pub(crate) async fn begin(open: &OpenAccount, args: BeginFileArgs) -> Result<Begun, UiError> {
    let context = &open.context;
    context.files.limit().check(args.size)?;
    known(context, args.conversation).await?;
    room(context, args.conversation).await?;
    let id = FileId::new();
    let part = context.files.folder.upload_part(id);
    blocking(move || create(&part).map(drop).map_err(storage)).await?;
    context.files.being_chosen.lock().await.insert(id, args);
    Ok(Begun { id })
}

/// The page gives the next bytes of a file; with the last ones it is chosen.
pub(crate) async fn append(open: &OpenAccount, args: AppendFileArgs) -> Result<(), UiError> {
    let context = &open.context;
    let invalid = |field: &str| UiError::new(ErrorKind::Invalid).with("field", field);
    if args.data.len() > PIECE {
        return Err(invalid("data"));
    }
    let bytes = STANDARD.decode(args.data).map_err(|_| invalid("data"))?;
    let id = args.id;
    // Held until it is written: pieces are taken in their order.
    let mut being_chosen = context.files.being_chosen.lock().await;
    let begun = being_chosen
        .get(&id)
        .ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
    let (size, limit) = (begun.size, context.files.limit());
    let folder = context.files.folder.clone();
    let written = blocking(move || {
        let part = folder.upload_part(id);
        let written = extend(&part, &bytes).map_err(storage)?;
        if written < size {
            return Ok(None);
        }
        if written > size {
            return Err(UiError::new(ErrorKind::Invalid).with("field", "data"));
        }
        finish(&folder, id, limit).map(Some)
    });
    let known = match written.await {
        Ok(None) => return Ok(()),
        Ok(Some(known)) => Ok(known),
        Err(error) => Err(error),
    };
    let Some(begun) = being_chosen.remove(&id) else {
        return Err(UiError::new(ErrorKind::NotFound));
    };
    drop(being_chosen);
    keep(
        context,
        begun.conversation,
        id,
        &file_name(&begun.name),
        known,
    )
    .await?;
    open.tell(Mail::Drafted).await;
    Ok(())
}

/// Takes a file out of the draft, or does not choose it after all.
pub(crate) async fn remove(open: &OpenAccount, args: FileArgs) -> Result<(), UiError> {
    let (context, id) = (&open.context, args.id);
    let begun = context.files.being_chosen.lock().await.remove(&id);
    let removed = context
        .store
        .outbox
        .write(move |tx| upload::remove_from_draft(tx, id))
        .await?;
    if !removed && begun.is_none() {
        return Err(UiError::new(ErrorKind::NotFound));
    }
    discard(context, id).await;
    open.tell(Mail::Drafted).await;
    Ok(())
}

/// What was copied belongs to the draft from here on; where it cannot, nothing of it stays.
async fn keep(
    context: &Context,
    conversation: ConversationId,
    id: FileId,
    name: &str,
    known: Result<Known, UiError>,
) -> Result<(), UiError> {
    let kept = match known {
        Ok(known) => {
            let chosen = upload::Upload {
                id,
                conversation,
                message: None,
                name: name.to_owned(),
                size: known.size,
                sha256: known.sha256,
                picture: known.picture,
                held: false,
                file: None,
            };
            let added = context
                .store
                .take(move |tx| {
                    let full = upload::of_draft(tx, conversation)?.len() >= MESSAGE_FILES;
                    if !full {
                        upload::add(tx, &chosen)?;
                    }
                    Ok(!full)
                })
                .await;
            match added {
                Ok(true) => Ok(()),
                Ok(false) => Err(too_many()),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error),
    };
    if kept.is_err() {
        discard(context, id).await;
    }
    kept
}

async fn discard(context: &Context, id: FileId) {
    let folder = context.files.folder.clone();
    // What could not be deleted goes at the next start.
    let _ = blocking(move || {
        folder.remove_upload(id);
        Ok::<_, Lost>(())
    })
    .await;
}

async fn known(context: &Context, id: ConversationId) -> Result<(), UiError> {
    let known = context
        .store
        .cache
        .read(move |connection| conversation::get(connection, id));
    match known.await? {
        Some(_) => Ok(()),
        None => Err(UiError::new(ErrorKind::NotFound)),
    }
}

/// Before much is copied in vain.
async fn room(context: &Context, id: ConversationId) -> Result<(), UiError> {
    let chosen = context
        .store
        .outbox
        .read(move |connection| upload::of_draft(connection, id));
    if chosen.await?.len() >= MESSAGE_FILES {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> UiError {
    UiError::new(ErrorKind::TooManyFiles).with("limit", MESSAGE_FILES)
}

/// Copies a file, by the file system's own means where it can share bytes until one of the two is
/// changed. A link would not do: whoever writes to the file would change what is sent.
fn copy(from: &Path, part: &Path, limit: Limit) -> Result<(), UiError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => storage(error),
        _ => UiError::new(ErrorKind::NoFile),
    };
    let about = fs::metadata(from).map_err(unreadable)?;
    if !about.is_file() {
        return Err(UiError::new(ErrorKind::NoFile));
    }
    limit.check(about.len())?;
    fs::copy(from, part).map_err(unreadable)?;
    private(part).map_err(storage)
}

/// A copy takes the rights of what it is a copy of, which are not for here.
fn private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Gives how many bytes there are now.
fn extend(path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(bytes)?;
    Ok(file.metadata()?.len())
}

/// All bytes are here: they are read once and put on disk for good.
fn finish(folder: &Folder, id: FileId, limit: Limit) -> Result<Known, UiError> {
    let part = folder.upload_part(id);
    let finish = || -> io::Result<Known> {
        let file = OpenOptions::new().read(true).write(true).open(&part)?;
        let sha256 = hash(&file)?;
        let size = file.metadata()?.len();
        file.sync_all()?;
        fs::rename(&part, folder.upload(id))?;
        Ok(Known {
            size,
            sha256,
            picture: pictures::size(&folder.upload(id)),
        })
    };
    let known = finish().map_err(storage)?;
    // It may have grown while it was copied.
    limit.check(known.size)?;
    Ok(known)
}

/// The SHA-256 of a file, from where it is read on.
///
/// # Errors
/// What the file system says.
pub(super) fn hash(mut file: &File) -> io::Result<Sha256> {
    let (mut hasher, mut bytes) = (Hasher::new(), vec![0; HASHED]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(Sha256::from_bytes(hasher.finalize().into())),
            read => hasher.update(bytes.get(..read).unwrap_or_default()),
        }
    }
}

pub(super) fn storage(error: io::Error) -> UiError {
    tracing::warn!(kind = %error.kind(), "a file could not be kept");
    UiError::new(ErrorKind::Storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit(1_000_000);

    #[test]
    fn what_is_chosen_is_a_copy_of_its_own_and_cannot_be_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let account = tempfile::tempdir().unwrap();
        let folder = Folder::open(account.path()).unwrap();
        let (from, id) = (account.path().join("essay.txt"), FileId::new());
        fs::write(&from, "abc").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o755)).unwrap();
        copy(&from, &folder.upload_part(id), LIMIT).unwrap();
        let known = finish(&folder, id, LIMIT).unwrap();
        // FIPS 180-4, the example of one block.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((known.size, known.sha256.to_string().as_str()), (3, abc));
        assert_eq!(known.picture, None);
        fs::write(&from, "changed").unwrap();
        fs::remove_file(&from).unwrap();
        assert_eq!(fs::read(folder.upload(id)).unwrap(), b"abc");
        let mode = fs::metadata(folder.upload(id)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_an_empty_file_and_a_large_one_are_not_chosen() {
        let account = tempfile::tempdir().unwrap();
        let part = account.path().join("part");
        let kind = |path: &Path| copy(path, &part, LIMIT).unwrap_err().kind;
        assert_eq!(kind(account.path()), ErrorKind::NoFile);
        assert_eq!(kind(Path::new("/nowhere")), ErrorKind::NoFile);
        let empty = account.path().join("empty");
        fs::write(&empty, "").unwrap();
        assert_eq!(kind(&empty), ErrorKind::FileEmpty);
        let large = account.path().join("large");
        File::create(&large).unwrap().set_len(LIMIT.0 + 1).unwrap();
        assert_eq!(kind(&large), ErrorKind::FileTooLarge);
        assert!(!part.exists());
    }
}
