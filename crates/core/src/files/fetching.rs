//! Fetching a file of a message: from where it broke off, and checked at the end.

use super::{FetchFailure, choosing::hash};
use crate::{
    blocking::{Lost, blocking},
    rest::{Part, RestError},
    session::Context,
    store::{
        StoreError,
        file_copy::{self, CopyState},
    },
};
use im_contract::{ErrorKind, UiError};
use im_protocol::{ErrorCode, FileId, files::Sha256};
use std::{io, path::Path, time::Duration};
use tokio::{
    fs::{self, File, OpenOptions},
    io::AsyncWriteExt as _,
    time::timeout,
};

/// Until the first byte, and from one piece to the next.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that fetched files may take on this device in all.
const KEPT: u64 = 1024 * 1024 * 1024;

/// Fetches the rest of a file, and makes room for it.
///
/// # Errors
/// As [`FetchFailure`] tells.
pub(crate) async fn fetch(context: &Context, id: FileId) -> Result<(), FetchFailure> {
    let known = context
        .store
        .cache
        .read(move |connection| file_copy::get(connection, id));
    let Some(known) = known.await.map_err(|error| disk(&error))? else {
        return Err(FetchFailure::Refused(UiError::new(ErrorKind::NotFound)));
    };
    let part = context.files.folder.copy_part(id);
    // What is there without a mark of what it is part of cannot be gone on with.
    let there = match known.etag {
        Some(_) => fs::metadata(&part).await.map_or(0, |about| about.len()),
        None => 0,
    };
    let mut etag = known.etag;
    if there == 0 || there < known.size {
        etag = read_on(context, id, known.size, there, etag).await?;
    }
    if !is_what_was_announced(&part, etag.as_deref()).await {
        // Nobody can use it; the next try begins anew.
        let _ = fs::remove_file(&part).await;
        return Err(FetchFailure::Broken);
    }
    keep(context, id, &part).await
}

/// Reads until the end. Gives the mark of what came.
async fn read_on(
    context: &Context,
    id: FileId,
    size: u64,
    there: u64,
    etag: Option<String>,
) -> Result<Option<String>, FetchFailure> {
    let path = format!("/v1/files/{id}");
    let known = etag.as_deref().filter(|_| there > 0);
    let asked = context.rest.part(&path, there, known);
    let Ok(answer) = timeout(PATIENCE, asked).await else {
        return Err(FetchFailure::Lost);
    };
    let Part {
        mut answer,
        from,
        etag,
    } = answer.map_err(refused)?;
    if from > there {
        return Err(FetchFailure::Lost);
    }
    let mark = etag.clone();
    let mark = move |tx: &rusqlite::Transaction<'_>| file_copy::set_etag(tx, id, mark.as_deref());
    let written = context.store.cache.write(mark).await;
    written.map_err(|error| disk(&error))?;
    let part = context.files.folder.copy_part(id);
    let mut file = go_on(&part, from).await.map_err(full)?;
    let mut done = from;
    loop {
        let piece = timeout(PATIENCE, answer.chunk()).await;
        // It broke off: the server has stopped, or the network has gone.
        let Ok(Ok(piece)) = piece else {
            file.flush().await.map_err(full)?;
            return Err(FetchFailure::Lost);
        };
        let Some(piece) = piece else { break };
        done += piece.len() as u64;
        if done > size {
            return Err(FetchFailure::Broken);
        }
        file.write_all(&piece).await.map_err(full)?;
        context.files.transfers.set_done(id, done);
    }
    file.sync_all().await.map_err(full)?;
    if done < size {
        return Err(FetchFailure::Lost);
    }
    Ok(etag)
}

/// The file, to be written from here on.
async fn go_on(part: &Path, from: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(part).await?;
    file.set_len(from).await?;
    Ok(file)
}

/// The mark is the SHA-256 of all bytes, in quotes (RFC 9110, section 8.8.3).
async fn is_what_was_announced(part: &Path, etag: Option<&str>) -> bool {
    let announced = etag.and_then(|etag| etag.trim_matches('"').parse::<Sha256>().ok());
    let part = part.to_owned();
    let hashed = blocking(move || hash(&std::fs::File::open(part)?)).await;
    matches!((announced, hashed), (Some(announced), Ok(hashed)) if announced == hashed)
}

/// All of it is here.
async fn keep(context: &Context, id: FileId, part: &Path) -> Result<(), FetchFailure> {
    let folder = &context.files.folder;
    fs::rename(part, folder.copy(id)).await.map_err(full)?;
    let kept = context
        .store
        .cache
        .write(move |tx| {
            let known = file_copy::set_state(tx, id, CopyState::Whole)?;
            Ok((known, file_copy::shrink(tx, KEPT)?))
        })
        .await;
    let (known, mut gone) = kept.map_err(|error| disk(&error))?;
    if !known {
        // Its message was taken back meanwhile.
        gone.push(id);
    }
    let folder = folder.clone();
    let remove = move || {
        gone.into_iter().for_each(|id| folder.remove_copy(id));
        Ok::<_, Lost>(())
    };
    // What could not be deleted goes at the next start.
    let _ = blocking(remove).await;
    Ok(())
}

fn refused(error: RestError) -> FetchFailure {
    match &error {
        error if error.is_temporary() => FetchFailure::Lost,
        RestError::Refused(why) if matches!(why.code, ErrorCode::NotFound | ErrorCode::Gone) => {
            FetchFailure::Refused(UiError::new(ErrorKind::FileGone))
        }
        error => FetchFailure::Refused(error.into()),
    }
}

fn disk(error: &StoreError) -> FetchFailure {
    tracing::warn!(%error, "a file could not be noted");
    FetchFailure::Refused(error.into())
}

fn full(error: io::Error) -> FetchFailure {
    FetchFailure::Refused(super::choosing::storage(error))
}
