//! Removing what nobody has anymore. The rows went first and left the names of their objects; what
//! is removed is noted afterwards, so that a crash in between only removes it again.

use super::{STAGED, failed, staging};
use crate::{app::App, error::Error, store::file, writer::Urgency};
use futures_util::{FutureExt as _, StreamExt as _};
use im_protocol::{UnixMs, limits::FILE_WAITS_MS};
use std::{io, sync::Arc, time::Duration};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked for rows that are too old, and for objects that could not be removed.
const SWEEP_EVERY_MS: i64 = 600_000;
/// How often it is looked for objects that no row knows of, besides at the start: after the database
/// was put back from a copy, say.
const SEARCH_EVERY_MS: i64 = 24 * 3_600_000;
/// Objects that are removed before they are noted.
const BATCH: i64 = 100;

/// The task.
pub(crate) struct Sweeper {
    app: Arc<App>,
    swept_at: UnixMs,
    searched_at: UnixMs,
}

impl Sweeper {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            app,
            swept_at: 0,
            searched_at: 0,
        }
    }

    /// Runs until the server stops.
    pub(crate) async fn run(mut self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(async move {
            loop {
                if let Err(error) = self.look().await {
                    tracing::error!(error = %error, "files were not swept");
                }
                let rung = self.app.files.bell.notified();
                if tokio::time::timeout(LOOK, rung).await.is_ok() {
                    // What has just gone is removed at once.
                    self.swept_at = 0;
                }
            }
        })
        .await;
    }

    async fn look(&mut self) -> Result<(), Error> {
        let now = self.app.clock.now();
        if now - self.swept_at >= SWEEP_EVERY_MS {
            self.swept_at = now;
            self.expire().await?;
            self.remove().await?;
        }
        if now - self.searched_at >= SEARCH_EVERY_MS {
            self.searched_at = now;
            self.search(now - FILE_WAITS_MS).await?;
        }
        Ok(())
    }

    async fn expire(&self) -> Result<(), Error> {
        let expired = self.app.writer.write(Urgency::Usual, |change| {
            async move {
                let now = change.now();
                file::expire(change.conn()?, now - FILE_WAITS_MS, now).await
            }
            .boxed()
        });
        expired.await
    }

    async fn remove(&self) -> Result<(), Error> {
        loop {
            let gone = file::gone(&mut *self.app.store.read().await?, BATCH).await?;
            if gone.is_empty() {
                return Ok(());
            }
            let (mut removed, mut left) = (Vec::with_capacity(gone.len()), None);
            for object in gone {
                match self.remove_one(&object).await {
                    Ok(()) => removed.push(object),
                    // The others are not to wait for it.
                    Err(error) => left = Some(error),
                }
            }
            let noted = self.app.writer.write(Urgency::Usual, move |change| {
                async move {
                    for object in &removed {
                        file::removed(change.conn()?, object).await?;
                    }
                    Ok(())
                }
                .boxed()
            });
            noted.await?;
            if let Some(error) = left {
                return Err(error);
            }
        }
    }

    async fn remove_one(&self, object: &str) -> Result<(), Error> {
        let files = &self.app.files;
        staging::remove(&files.staged(object))
            .await
            .map_err(failed)?;
        files.kept.remove(object).await
    }

    /// Removes what was put there before a moment and has no row.
    async fn search(&self, before: UnixMs) -> Result<(), Error> {
        let files = &self.app.files;
        let mut kept = files.kept.all_of(&files.life);
        while let Some(found) = kept.next().await {
            let found = found?;
            if found.at < before {
                self.remove_unknown(&found.object).await?;
            }
        }
        let folder = files.folder.join(STAGED).join(&files.life);
        let mut staged = tokio::fs::read_dir(folder).await.map_err(failed)?;
        while let Some(entry) = staged.next_entry().await.map_err(failed)? {
            let name = entry.file_name();
            let object = format!("{}/{}", files.life, name.to_string_lossy());
            if file::is_whole(&mut *self.app.store.read().await?, &object).await? {
                // A crash has kept it from going when it was put where it is kept.
                staging::remove(&entry.path()).await.map_err(failed)?;
            } else if changed_at(&entry).await.map_err(failed)? < before {
                self.remove_unknown(&object).await?;
            }
        }
        Ok(())
    }

    async fn remove_unknown(&self, object: &str) -> Result<(), Error> {
        let known = file::is_known(&mut *self.app.store.read().await?, object).await?;
        if !known {
            tracing::info!("a file that nobody has is removed");
            self.remove_one(object).await?;
        }
        Ok(())
    }
}

async fn changed_at(entry: &tokio::fs::DirEntry) -> io::Result<UnixMs> {
    let changed = entry.metadata().await?.modified()?;
    let since = changed.duration_since(std::time::UNIX_EPOCH);
    let since = since.unwrap_or_default().as_millis();
    Ok(i64::try_from(since).unwrap_or(i64::MAX))
}
