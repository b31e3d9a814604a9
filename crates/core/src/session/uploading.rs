//! Hands files over, as the outbox's machine wants it.

use super::{Context, Outcome, Session, sending::Sent};
use crate::{
    blocking::{Lost, blocking},
    outbox::{SendFailure, Step, Uploaded},
    rest::RestError,
    store::upload::{self, Upload},
};
use bytes::Bytes;
use futures_util::future::abortable;
use im_protocol::{
    ConversationId, ErrorCode, FileId, WireError,
    files::{FileStart, FileState},
};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

impl Session {
    /// Asks the server one thing about a file.
    pub(super) fn upload(&mut self, id: FileId, step: u64, what: Step) {
        let context = self.context.clone();
        let (asking, cut_off) = abortable(async move { ask(&context, id, what).await });
        // What was under way for it before is not waited for anymore.
        self.cut_off(id);
        self.uploading.insert(id, cut_off);
        self.begin(async move {
            match asking.await {
                Ok(answer) => Outcome::Sent(Sent::Uploaded { id, step, answer }),
                Err(_) => Outcome::Nothing,
            }
        });
    }

    /// Gives up the request for a file that is under way.
    pub(super) fn cut_off(&mut self, id: FileId) {
        if let Some(cut_off) = self.uploading.remove(&id) {
            cut_off.abort();
        }
    }

    /// The person holds a file of an unsent message, or lets it go on.
    pub(super) fn hold_upload(&mut self, id: FileId, conversation: ConversationId, held: bool) {
        if self.outbox.hold(id, held) && held {
            self.cut_off(id);
        }
        self.changes.messages(conversation);
    }

    /// What came of a step.
    pub(super) fn uploaded(
        &mut self,
        id: FileId,
        step: u64,
        answer: Result<Uploaded, SendFailure>,
    ) {
        self.uploading.remove(&id);
        if let Ok(Uploaded::At(offset)) = answer {
            self.context.files.transfers.set_done(id, offset);
        }
        let whole = answer == Ok(Uploaded::Whole);
        let actions = self.outbox.uploaded(self.now(), id, step, answer);
        if whole {
            self.context.files.transfers.forget(id);
            self.tell_of_upload(id);
        }
        self.send(actions);
    }

    fn tell_of_upload(&self, id: FileId) {
        let store = self.context.store.clone();
        self.begin(async move {
            let read = move |connection: &rusqlite::Connection| upload::get(connection, id);
            match store.outbox.read(read).await {
                Ok(Some(upload)) => Outcome::Sent(Sent::Parked(upload.conversation)),
                // It has gone with its message already, or is read again with the next change.
                Ok(None) | Err(_) => Outcome::Nothing,
            }
        });
    }

    /// The server has lost files: that is noted, so that a restart hands them over too.
    pub(super) fn hand_over_anew(&self, ids: Vec<FileId>) {
        let store = self.context.store.clone();
        self.begin(async move {
            let write = move |tx: &rusqlite::Transaction<'_>| {
                for id in ids {
                    upload::set_file(tx, id, None)?;
                }
                Ok(())
            };
            if let Err(error) = store.outbox.write(write).await {
                // After a restart the server says it once more.
                tracing::warn!(%error, "that a file goes again could not be noted");
            }
            Outcome::Nothing
        });
    }
}

async fn ask(context: &Context, id: FileId, what: Step) -> Result<Uploaded, SendFailure> {
    let read = move |connection: &rusqlite::Connection| upload::get(connection, id);
    let row = match context.store.outbox.read(read).await {
        Ok(Some(row)) => row,
        Ok(None) => return Err(SendFailure::Lost),
        Err(error) => {
            tracing::error!(%error, "the outbox could not be read");
            return Err(SendFailure::Lost);
        }
    };
    let answer = match what {
        Step::Ask => start(context, row).await,
        Step::Put { offset, bytes } => {
            let path = context.files.folder.upload(id);
            let read = move || read_piece(&path, offset, bytes).map_err(|error| unreadable(&error));
            let piece = blocking(read).await?;
            context.rest.put_piece(id, offset, piece).await
        }
    };
    let FileState { offset, file, .. } = answer.map_err(failure)?;
    let Some(file) = file else {
        return Ok(Uploaded::At(offset));
    };
    // On this disk before the machine hears of it: then the message may go.
    let write = move |tx: &rusqlite::Transaction<'_>| upload::set_file(tx, id, Some(&file));
    match context.store.outbox.write(write).await {
        Ok(()) => Ok(Uploaded::Whole),
        Err(error) => {
            tracing::error!(%error, "that a file was handed over could not be noted");
            Err(SendFailure::Lost)
        }
    }
}

async fn start(context: &Context, row: Upload) -> Result<FileState, RestError> {
    let start = FileStart {
        id: row.id,
        conversation: row.conversation,
        name: row.name,
        size: row.size,
        sha256: row.sha256,
    };
    context.rest.post("/v1/files", &start).await
}

fn read_piece(path: &Path, offset: u64, bytes: u64) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut piece = vec![0; length];
    file.read_exact(&mut piece)?;
    Ok(piece.into())
}

impl From<Lost> for SendFailure {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

/// The copy in the account's folder is gone or broken: nobody but the person has another one.
fn unreadable(error: &io::Error) -> SendFailure {
    tracing::error!(kind = %error.kind(), "a file that is to be sent cannot be read");
    let mut why = WireError::new(
        ErrorCode::ChecksumMismatch,
        "The file cannot be read anymore.",
    );
    why.retryable = false;
    SendFailure::Refused(why)
}

fn failure(error: RestError) -> SendFailure {
    match error {
        RestError::Refused(error) => SendFailure::Refused(error),
        RestError::Unreachable | RestError::NotAServer | RestError::Token(_) => SendFailure::Lost,
    }
}
