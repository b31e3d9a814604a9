//! Fetches files, as their machine wants it.

use super::{FileMail, Outcome, Session};
use crate::{
    files::{self, FetchFailure},
    store::file_copy,
};
use futures_util::future::abortable;
use im_protocol::{ConversationId, FileId};

/// What came of fetching a file.
pub(super) struct Fetched {
    id: FileId,
    step: u64,
    answer: Result<(), FetchFailure>,
}

impl Session {
    /// The person wants something of a file.
    pub(super) fn file_mail(&mut self, mail: FileMail) {
        match mail {
            FileMail::HoldUpload(id, conversation, held) => {
                self.hold_upload(id, conversation, held);
            }
            FileMail::Fetch(id, conversation) | FileMail::HoldFetch(id, conversation, false) => {
                self.downloads.want(id, conversation);
                self.file_changed(conversation);
            }
            FileMail::HoldFetch(id, conversation, true) => {
                self.downloads.hold(id);
                self.stop_fetching(id);
                self.file_changed(conversation);
            }
            FileMail::GiveUp(id, conversation) => {
                self.downloads.give_up(id);
                self.stop_fetching(id);
                self.context.files.transfers.forget(id);
                self.file_changed(conversation);
                self.sweep_files();
            }
        }
    }

    /// Starts what the machine wants to be fetched now.
    pub(super) fn fetch_files(&mut self) {
        for (id, step) in self.downloads.poll(self.now()) {
            let context = self.context.clone();
            let (fetching, stop) = abortable(async move { files::fetch_bytes(&context, id).await });
            self.stop_fetching(id);
            self.fetching.insert(id, stop);
            self.begin(async move {
                match fetching.await {
                    Ok(answer) => Outcome::Fetched(Fetched { id, step, answer }),
                    Err(_) => Outcome::Nothing,
                }
            });
        }
    }

    /// What came of it.
    pub(super) fn fetched(&mut self, Fetched { id, step, answer }: Fetched) {
        self.fetching.remove(&id);
        let refused = matches!(answer, Err(FetchFailure::Refused(_)));
        let over = answer.is_ok() || refused;
        let Some(conversation) = self.downloads.answered(self.now(), id, step, answer) else {
            return;
        };
        if over {
            self.context.files.transfers.forget(id);
        }
        if refused {
            // It is not tried by itself at the next start; what came of it goes.
            let store = self.context.store.clone();
            self.begin(async move {
                let gone = store.cache.write(move |tx| file_copy::remove(tx, id)).await;
                if let Err(error) = gone {
                    tracing::warn!(%error, "a file that cannot be had is still noted");
                }
                Outcome::Nothing
            });
        }
        self.file_changed(conversation);
    }

    /// Takes away the bytes of what is not spoken of anymore.
    pub(super) fn sweep_files(&self) {
        let (store, folder) = (
            self.context.store.clone(),
            self.context.files.folder.clone(),
        );
        self.begin(async move {
            if let Err(error) = files::sweep(&store, &folder, false).await {
                // The next start tries again.
                tracing::warn!(%error, "files that nobody speaks of could not be taken away");
            }
            Outcome::Nothing
        });
    }

    fn stop_fetching(&mut self, id: FileId) {
        if let Some(stop) = self.fetching.remove(&id) {
            stop.abort();
        }
    }

    fn file_changed(&mut self, conversation: ConversationId) {
        let standings = self.downloads.standings();
        self.context.files.transfers.set_standings(standings);
        self.changes.messages(conversation);
    }
}
