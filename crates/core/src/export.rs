//! Saving everything that the server has of the person to a file that they find again.

use crate::{rest::Rest, session::OpenAccount};
use im_contract::{
    CoreEvent, ErrorKind, UiError,
    views::{ExportProgress, Exported},
};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::{self, File, OpenOptions},
    io::AsyncWriteExt as _,
    time::{Instant, timeout},
};

/// Until the first byte, and from one piece to the next.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the page hears how far it is.
const TELL: Duration = Duration::from_millis(200);
/// The document's last field, so that a part of it cannot pass for the whole.
const END: &[u8] = b"\"complete\": true\n}\n";
/// Files of this name that are looked past before it is given up.
const NAMES: u32 = 1_000;

/// Saves everything into a new file in `folder`, readable by this user only. What is not whole is
/// taken away again.
///
/// # Errors
/// `storage` where the disk does not take it; what stands between here and the server.
pub(crate) async fn export(open: &OpenAccount, folder: &Path) -> Result<Exported, UiError> {
    let path = free_name(folder).await.map_err(storage)?;
    let (part, file) = begin_part(&path).await.map_err(storage)?;
    let saved = save(open, file).await;
    let done = match saved {
        Ok(bytes) => fs::rename(&part, &path)
            .await
            .map(|()| bytes)
            .map_err(storage),
        Err(error) => Err(error),
    };
    if done.is_err() {
        // Nobody can use a part of it.
        let _ = fs::remove_file(&part).await;
    }
    Ok(Exported {
        bytes: done?,
        path: path.to_string_lossy().into_owned(),
    })
}

async fn save(open: &OpenAccount, mut file: File) -> Result<u64, UiError> {
    let rest: &Rest = &open.context.rest;
    let late = |_| UiError::new(ErrorKind::ServerUnreachable);
    let mut answer = timeout(PATIENCE, rest.stream("/v1/me/export"))
        .await
        .map_err(late)??;
    let (mut bytes, mut tail) = (0_u64, Vec::new());
    let mut told = Instant::now();
    loop {
        let piece = timeout(PATIENCE, answer.chunk()).await.map_err(late)?;
        // It broke off: the server has stopped, or the network has gone.
        let piece = piece.map_err(|_| UiError::new(ErrorKind::ServerUnreachable))?;
        let Some(piece) = piece else { break };
        file.write_all(&piece).await.map_err(storage)?;
        bytes += piece.len() as u64;
        tail.extend_from_slice(&piece);
        tail.drain(..tail.len().saturating_sub(END.len()));
        if told.elapsed() >= TELL {
            told = Instant::now();
            open.context
                .events
                .tell(CoreEvent::Export(ExportProgress { bytes }));
        }
    }
    if tail != END {
        return Err(UiError::new(ErrorKind::ServerUnreachable));
    }
    file.sync_all().await.map_err(storage)?;
    Ok(bytes)
}

/// A new file beside the one that it is to become: nothing that is there is written over.
async fn begin_part(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    for number in 1..=NAMES {
        let part = path.with_extension(format!("{number}.part"));
        match options.open(&part).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((part, opened?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A name in the folder that nothing has yet: `instantmentor.json`, `instantmentor-2.json`, ...
async fn free_name(folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder).await?;
    for number in 1..=NAMES {
        let name = match number {
            1 => "instantmentor.json".to_owned(),
            _ => format!("instantmentor-{number}.json"),
        };
        let path = folder.join(name);
        if !fs::try_exists(&path).await? {
            return Ok(path);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn storage(error: io::Error) -> UiError {
    tracing::warn!(kind = %error.kind(), "the export could not be saved");
    UiError::new(ErrorKind::Storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_that_is_there_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("instantmentor.json");
        let owned_part = folder.path().join("instantmentor-2.1.part");
        for path in [&own, &owned_part] {
            std::fs::write(path, "mine").unwrap();
        }
        let path = free_name(folder.path()).await.unwrap();
        assert_eq!(path, folder.path().join("instantmentor-2.json"));
        let (part, _) = begin_part(&path).await.unwrap();
        assert!(part != owned_part && part.exists());
        for path in [own, owned_part] {
            assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
        }
    }
}
