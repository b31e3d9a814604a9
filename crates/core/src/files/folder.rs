//! Where an account keeps the bytes of files: what was chosen to be sent, what was fetched, and
//! small pictures of both. Names are ids, never what somebody called a file.

use crate::store;
use im_protocol::FileId;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The ending of what is not whole.
const PART: &str = "part";

/// The folders of an account. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: Arc<Path>,
    /// See [`Folder::alone`].
    alone: Arc<Mutex<()>>,
}

impl Folder {
    /// The folders below an account's own, made where there are none.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn open(account: &Path) -> io::Result<Self> {
        let folder = Self {
            root: Arc::from(account),
            alone: Arc::default(),
        };
        for path in [folder.uploads(), folder.copies(), folder.small()] {
            store::make_private(&path)?;
        }
        Ok(folder)
    }

    /// Held by who takes away what no row speaks of, from reading the rows on, and by who makes a
    /// copy before its row is there: the one would take away what the other has just made.
    pub(crate) async fn alone(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.alone).lock_owned().await
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    fn copies(&self) -> PathBuf {
        self.root.join("files")
    }

    fn small(&self) -> PathBuf {
        self.root.join("thumbnails")
    }

    /// A file that was chosen to be sent.
    pub(crate) fn upload(&self, id: FileId) -> PathBuf {
        self.uploads().join(id.to_string())
    }

    /// The same while it is being copied.
    pub(crate) fn upload_part(&self, id: FileId) -> PathBuf {
        self.upload(id).with_extension(PART)
    }

    /// A file that was fetched.
    pub(crate) fn copy(&self, id: FileId) -> PathBuf {
        self.copies().join(id.to_string())
    }

    /// The same while it is being fetched.
    pub(crate) fn copy_part(&self, id: FileId) -> PathBuf {
        self.copy(id).with_extension(PART)
    }

    /// A small picture of it.
    pub(crate) fn thumbnail(&self, id: FileId) -> PathBuf {
        self.small().join(id.to_string())
    }

    /// The bytes of a file, wherever they are whole.
    pub(crate) fn whole(&self, id: FileId) -> Option<PathBuf> {
        [self.copy(id), self.upload(id)]
            .into_iter()
            .find(|path| path.is_file())
    }

    /// A file that was sent is a copy from now on, so that nobody fetches what they have.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn keep_sent(&self, id: FileId) -> io::Result<()> {
        fs::rename(self.upload(id), self.copy(id))
    }

    /// Takes away what was chosen to be sent.
    pub(crate) fn remove_upload(&self, id: FileId) {
        let copied = self.whole(id).is_some_and(|path| path == self.copy(id));
        remove(&self.upload(id));
        remove(&self.upload_part(id));
        if !copied {
            remove(&self.thumbnail(id));
        }
    }

    /// Takes away what was fetched.
    pub(crate) fn remove_copy(&self, id: FileId) {
        remove(&self.copy(id));
        remove(&self.copy_part(id));
        remove(&self.thumbnail(id));
    }

    /// Takes away what no row speaks of: what a kill left, and what belonged to messages that are
    /// gone. Files that are being chosen are not to be looked at: `uploads` is none while any may be.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn sweep(
        &self,
        uploads: Option<&HashSet<FileId>>,
        copies: &HashSet<FileId>,
    ) -> io::Result<()> {
        if let Some(uploads) = uploads {
            keep_only(&self.uploads(), |id| uploads.contains(&id))?;
        }
        keep_only(&self.copies(), |id| copies.contains(&id))?;
        keep_only(&self.small(), |id| {
            copies.contains(&id) || self.upload(id).is_file()
        })
    }
}

fn keep_only(folder: &Path, kept: impl Fn(FileId) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let id = stem.and_then(|stem| stem.parse().ok());
        if !id.is_some_and(&kept) {
            remove(&path);
        }
    }
    Ok(())
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            // The next sweep tries again.
            tracing::warn!(kind = %error.kind(), "a file could not be deleted");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_spoken_of_stays() {
        let account = tempfile::tempdir().unwrap();
        let folder = Folder::open(account.path()).unwrap();
        let (sent, fetched, gone) = (FileId::new(), FileId::new(), FileId::new());
        for path in [
            folder.upload(sent),
            folder.upload(gone),
            folder.upload_part(gone),
            folder.copy_part(fetched),
            folder.copy(gone),
            folder.thumbnail(sent),
            folder.thumbnail(gone),
            folder.copies().join("no id"),
        ] {
            fs::write(path, "x").unwrap();
        }
        let (uploads, copies) = (HashSet::from([sent]), HashSet::from([fetched]));
        folder.sweep(None, &copies).unwrap();
        assert!(folder.upload_part(gone).exists() && !folder.copy(gone).exists());
        folder.sweep(Some(&uploads), &copies).unwrap();
        let left: Vec<bool> = [
            folder.upload(sent),
            folder.copy_part(fetched),
            folder.thumbnail(sent),
            folder.upload(gone),
            folder.upload_part(gone),
            folder.thumbnail(gone),
        ]
        .iter()
        .map(|path| path.exists())
        .collect();
        assert_eq!(left, [true, true, true, false, false, false]);
        assert_eq!(fs::read_dir(folder.copies()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_sent_is_a_copy() {
        let account = tempfile::tempdir().unwrap();
        let folder = Folder::open(account.path()).unwrap();
        let id = FileId::new();
        fs::write(folder.upload(id), "x").unwrap();
        assert_eq!(folder.whole(id), Some(folder.upload(id)));
        folder.keep_sent(id).unwrap();
        assert_eq!(folder.whole(id), Some(folder.copy(id)));
        fs::write(folder.thumbnail(id), "x").unwrap();
        folder.remove_upload(id);
        assert!(folder.thumbnail(id).exists());
        folder.remove_copy(id);
        assert_eq!(folder.whole(id), None);
    }
}
