//! Files as the page sees them.

use super::{Transfers, downloads::Standing};
use crate::store::{
    StoreError,
    file_copy::{self, CopyState, FileCopy},
    upload::Upload,
};
use im_contract::files::{FileState, FileView};
use im_protocol::{
    FileId,
    files::{FileInfo, OPAQUE_TYPE},
};
use rusqlite::Connection;
use std::collections::HashMap;

/// What is on this device of some files.
#[derive(Default)]
pub(crate) struct Copies(HashMap<FileId, FileCopy>);

impl Copies {
    /// Looks them up. To be called within a read.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn find(
        connection: &Connection,
        ids: impl IntoIterator<Item = FileId>,
    ) -> Result<Self, StoreError> {
        let mut copies = HashMap::new();
        for id in ids {
            if let Some(copy) = file_copy::get(connection, id)? {
                copies.insert(id, copy);
            }
        }
        Ok(Self(copies))
    }

    /// A file of a message that the server has accepted.
    pub(crate) fn view(&self, file: FileInfo, transfers: &Transfers) -> FileView {
        let copy = self.0.get(&file.id);
        let standing = transfers.standing(file.id);
        let (state, error) = match (copy.map(|copy| copy.state), standing) {
            (Some(CopyState::Whole), _) => (FileState::Here, None),
            (_, Some(Standing::Failed(error))) => (FileState::FetchFailed, Some(error)),
            (Some(CopyState::Held), _) | (_, Some(Standing::Held)) => (FileState::FetchHeld, None),
            (Some(CopyState::Wanted), _) => (FileState::Fetching, None),
            (None, _) => (FileState::There, None),
        };
        let mut view = plain(file, state);
        view.done = transfers.done(view.id);
        view.error = error;
        view.saved = copy.is_some_and(|copy| copy.saved.is_some());
        view
    }
}

/// A file of a message that is not sent yet.
pub(crate) fn unsent(upload: &Upload, transfers: &Transfers) -> FileView {
    let state = if upload.file.is_some() {
        FileState::Uploaded
    } else if upload.held {
        FileState::UploadHeld
    } else {
        FileState::Uploading
    };
    let mut view = plain(upload.info(), state);
    view.done = match state {
        FileState::Uploaded => view.size,
        _ => transfers.done(view.id),
    };
    view
}

/// A file of a draft.
pub(crate) fn chosen(upload: &Upload) -> FileView {
    plain(upload.info(), FileState::Chosen)
}

fn plain(file: FileInfo, state: FileState) -> FileView {
    let picture = is_shown(&file.media_type);
    FileView {
        id: file.id,
        width: file.width.filter(|_| picture),
        height: file.height.filter(|_| picture),
        name: file.name,
        size: file.size,
        state,
        done: 0,
        error: None,
        saved: false,
    }
}

/// Whether it may be a picture that is shown here. What this device chose itself has been looked at.
fn is_shown(media_type: &str) -> bool {
    matches!(
        media_type,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | OPAQUE_TYPE
    )
}
