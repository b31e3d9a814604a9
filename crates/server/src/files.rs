//! Files: from the first bytes that come to the last that are fetched.
//!
//! Bytes that come are appended to a file of their own in `files/staged`, synced, and then noted in
//! the database: what was acknowledged is there, whatever is killed. With the last byte the whole is
//! looked at and put where files are kept, a folder or a bucket, and only then it is one. What
//! goes, goes from the database first; its bytes are removed afterwards, as often as it takes.
//! `docs/adr/0022-files.md` tells why.
//!
//! - [`receiving`]: taking pieces in, and making a file of them
//! - [`staging`]: the file that grows
//! - [`turns`]: one request at a time for each file
//! - [`kind`]: what a content is
//! - [`objects`]: where whole files are kept
//! - [`serving`], [`range`]: giving them out
//! - [`sweeping`]: removing what nobody has anymore

mod kind;
mod objects;
mod range;
mod receiving;
mod serving;
mod staging;
mod sweeping;
mod turns;

pub(crate) use receiving::{append, begin, state, swallow};
pub(crate) use serving::{Wanted, serve};
pub(crate) use sweeping::Sweeper;

use crate::{
    config::ConfigError,
    error::Error,
    store::{self, OpenError},
};
use im_protocol::{ErrorCode, FeedEpoch};
use std::{
    io,
    path::{Path, PathBuf},
};
use tokio::sync::Notify;
use turns::Turns;
use uuid::Uuid;

/// The parts that the server has for files.
pub(crate) struct Files {
    /// `files` in the data folder.
    folder: PathBuf,
    /// What the names of this database's objects begin with: another database that is put on the
    /// same bucket does not take them for nobody's.
    life: String,
    /// Where whole files are kept.
    kept: objects::Kept,
    /// Who is handing over what.
    turns: Turns,
    /// Rung when objects are to be removed.
    bell: Notify,
}

impl Files {
    /// Makes the folders and finds the bucket.
    ///
    /// # Errors
    /// Where the folders cannot be made, or the bucket's settings cannot be used.
    pub(crate) fn open(config: &crate::Config, epoch: FeedEpoch) -> Result<Self, OpenFilesError> {
        let folder = config.data.join("files");
        store::make_private_folder(&folder)?;
        let life = epoch.to_string();
        store::make_private_folder(&folder.join(STAGED).join(&life))?;
        let kept = match &config.files.bucket {
            Some(bucket) => objects::Kept::in_bucket(bucket)?,
            None => objects::Kept::in_folder(&folder)?,
        };
        Ok(Self {
            folder,
            life,
            kept,
            turns: Turns::default(),
            bell: Notify::new(),
        })
    }

    /// A name for a new file's bytes.
    fn new_object(&self) -> String {
        format!("{}/{}", self.life, Uuid::now_v7())
    }

    /// Where a file grows.
    fn staged(&self, object: &str) -> PathBuf {
        self.folder.join(STAGED).join(object)
    }

    /// Objects are to be removed.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Refuses what would leave too little of the disk to the database.
    fn has_room(&self, bytes: u64, keep_free: u64) -> Result<(), Error> {
        let free = free_of(&self.folder).map_err(failed)?;
        if free < bytes.saturating_add(keep_free) {
            tracing::warn!(free, "the disk is nearly full: no more files are taken");
            return Err(full());
        }
        Ok(())
    }
}

/// The folder in which files grow.
const STAGED: &str = "staged";

/// Why files cannot be kept. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFilesError {
    /// A folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// What is said of the bucket cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

fn free_of(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The disk is full: told so, everything else of a disk or a bucket is noted here and told as
/// `unavailable`, for it may be back soon.
fn failed(error: io::Error) -> Error {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        tracing::error!(kind = %error.kind(), "the disk is full");
        return full();
    }
    tracing::error!(kind = %error.kind(), "files could not be read or written");
    Error::unavailable()
}

fn full() -> Error {
    Error::refused(
        ErrorCode::StorageFull,
        "The server has no room for files right now. Please try again later.",
    )
}
