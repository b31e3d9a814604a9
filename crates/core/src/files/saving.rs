//! Saving files into the person's downloads, and opening them from there.

use super::{choosing::storage, names, of_message};
use crate::{
    blocking::{blocking, is_file},
    links::LinkOpener,
    session::{Context, OpenAccount},
    store::file_copy,
};
use im_contract::{
    ErrorKind, UiError,
    files::{MessageFileArgs, SavedFile},
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Names that are tried before it is given up.
const NAMES: u32 = 1_000;

/// Saves a file that is here, under a name that nothing has yet.
pub(crate) async fn save(
    open: &OpenAccount,
    downloads: &Path,
    args: MessageFileArgs,
) -> Result<SavedFile, UiError> {
    let path = save_to(&open.context, downloads, args).await?;
    Ok(SavedFile {
        path: path.to_string_lossy().into_owned(),
    })
}

/// Opens a file with the system's own programs.
pub(crate) async fn open(
    open: &OpenAccount,
    downloads: &Path,
    links: Arc<dyn LinkOpener>,
    args: MessageFileArgs,
) -> Result<(), UiError> {
    let path = saved(&open.context, downloads, args).await?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    if names::is_program(&name.unwrap_or_default()) {
        return Err(UiError::new(ErrorKind::FileIsProgram));
    }
    let opened = blocking(move || links.open_file(&path));
    opened.await.map_err(not_opened)
}

/// Shows where a file is saved.
pub(crate) async fn show(
    open: &OpenAccount,
    downloads: &Path,
    links: Arc<dyn LinkOpener>,
    args: MessageFileArgs,
) -> Result<(), UiError> {
    let path = saved(&open.context, downloads, args).await?;
    let shown = blocking(move || links.show_file(&path));
    shown.await.map_err(not_opened)
}

fn not_opened(error: io::Error) -> UiError {
    tracing::warn!(kind = %error.kind(), "a file could not be opened");
    UiError::new(ErrorKind::Internal)
}

/// Where it was saved, if it is still there; else it is saved now.
async fn saved(
    context: &Context,
    downloads: &Path,
    args: MessageFileArgs,
) -> Result<PathBuf, UiError> {
    let copy = context
        .store
        .cache
        .read(move |connection| file_copy::get(connection, args.id))
        .await?;
    let known = copy.and_then(|copy| copy.saved).map(PathBuf::from);
    match known {
        Some(path) if is_file(&path).await => Ok(path),
        _ => save_to(context, downloads, args).await,
    }
}

async fn save_to(
    context: &Context,
    downloads: &Path,
    args: MessageFileArgs,
) -> Result<PathBuf, UiError> {
    let (file, _) = of_message(context, args).await?;
    let (folder, downloads) = (context.files.folder.clone(), downloads.to_owned());
    let path = blocking(move || {
        let from = folder.copy(file.id);
        if !from.is_file() {
            return Err(UiError::new(ErrorKind::NotFound));
        }
        copy(&from, &downloads, &names::safe(&file.name)).map_err(storage)
    })
    .await?;
    let (id, text) = (args.id, path.to_string_lossy().into_owned());
    context
        .store
        .cache
        .write(move |tx| file_copy::saved(tx, id, &text))
        .await?;
    Ok(path)
}

/// Copies the bytes alone, so that nothing else comes along: the new file can be read and written,
/// not run. What is not whole is taken away again.
fn copy(from: &Path, folder: &Path, name: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let (mut to, path) = create(folder, name)?;
    let copied = File::open(from)
        .and_then(|mut from| io::copy(&mut from, &mut to))
        .and_then(|_| to.sync_all());
    if let Err(error) = copied {
        // Nobody can use a part of it.
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}

fn create(folder: &Path, name: &str) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o644);
    }
    for n in 1..=NAMES {
        let path = folder.join(names::numbered(name, n));
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn nothing_is_overwritten_or_followed_and_nothing_can_be_run() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let from = elsewhere.path().join("bytes");
        fs::write(&from, "new").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("Exam.pdf"), "old").unwrap();
        // A link that leads to nothing would be written through.
        let target = elsewhere.path().join("target");
        symlink(&target, folder.path().join("Exam (2).pdf")).unwrap();
        let path = copy(&from, folder.path(), "Exam.pdf").unwrap();
        assert_eq!(path, folder.path().join("Exam (3).pdf"));
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(folder.path().join("Exam.pdf")).unwrap(), b"old");
        assert!(!target.exists());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0);
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(copy(Path::new("/nowhere"), folder.path(), "a.txt").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
