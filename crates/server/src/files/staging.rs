//! The file that grows with each piece, on this machine's disk.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter},
};

/// Bytes that are gathered before they are given to the system.
const BUFFER: usize = 256 * 1024;

/// A file that bytes are appended to.
pub(super) struct Staged {
    file: BufWriter<File>,
}

/// What was found on the disk.
pub(super) enum Found {
    /// As many bytes as were noted, or more, which were cut off: nobody was told of them.
    AsNoted(Staged),
    /// Fewer than were noted: somebody has been at the folder.
    Less(u64),
}

impl Staged {
    /// Opens a file to go on after `received` bytes. Makes it where there are none yet.
    pub(super) async fn open(path: &Path, received: u64) -> io::Result<Found> {
        let mut options = OpenOptions::new();
        options.write(true).create(received == 0).mode(0o600);
        let mut file = match options.open(path).await {
            Ok(file) => file,
            Err(error) if received > 0 && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found::Less(0));
            }
            Err(error) => return Err(error),
        };
        let length = file.metadata().await?.len();
        if length < received {
            return Ok(Found::Less(length));
        }
        if length > received {
            file.set_len(received).await?;
        }
        if received == 0 {
            sync_folder_of(path).await?;
        }
        file.seek(SeekFrom::Start(received)).await?;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Found::AsNoted(Self { file }))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Everything that was written is on the disk.
    pub(super) async fn sync(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.get_ref().sync_data().await
    }
}

/// That there is such a file is on the disk too.
async fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    File::open(folder).await?.sync_all().await
}

/// Removes a file; that there is none is as good.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn add(path: &Path, received: u64, bytes: &[u8]) -> Staged {
        let Found::AsNoted(mut staged) = Staged::open(path, received).await.unwrap() else {
            panic!("less than noted");
        };
        staged.write(bytes).await.unwrap();
        staged
    }

    #[tokio::test]
    async fn what_was_not_noted_is_cut_off_and_what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        add(&path, 0, b"Hello").await.sync().await.unwrap();
        // Killed before five more were noted.
        add(&path, 5, b" torn").await.sync().await.unwrap();
        add(&path, 5, b", Maya").await.sync().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"Hello, Maya");
        let found = Staged::open(&path, 12).await.unwrap();
        assert!(matches!(found, Found::Less(11)));
        remove(&path).await.unwrap();
        remove(&path).await.unwrap();
        let found = Staged::open(&path, 1).await.unwrap();
        assert!(matches!(found, Found::Less(0)));
        assert!(!path.exists());
    }
}
