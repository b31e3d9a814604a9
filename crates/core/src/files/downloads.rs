//! What decides about fetching files: inputs and the time go in, actions come out.
//!
//! - Three files at a time, in the order in which they were wanted.
//! - What breaks off goes on from where it is, after a pause that gets longer each time, and at once
//!   when a connection comes.
//! - What came in otherwise than the server announced is fetched once more from the start, then it
//!   is left to the person.
//! - The person holds a file, lets it go on, or gives it up.

use crate::outbox::Pause;
use im_contract::UiError;
use im_protocol::{ConversationId, FileId};
use std::{collections::HashMap, time::Duration};

/// Files under way.
const AT_ONCE: usize = 3;
/// So often a file that came in otherwise than announced is fetched.
const TRIES: u32 = 2;

/// Why a file is not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FetchFailure {
    /// It broke off, or the server wants us to come back later.
    Lost,
    /// Its bytes are not those that were announced; they were thrown away.
    Broken,
    /// It cannot be had, or not be kept.
    Refused(UiError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Waiting,
    Fetching(u64),
    Held,
    Failed(UiError),
}

#[derive(Debug)]
struct Download {
    conversation: ConversationId,
    n: u64,
    stage: Stage,
    pause: Pause,
    tries: u32,
}

/// Where a file that is not whole stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It waits or comes.
    Fetching,
    /// The person holds it.
    Held,
    /// It failed for good.
    Failed(UiError),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Downloads {
    downloads: HashMap<FileId, Download>,
    online: bool,
    last: u64,
    steps: u64,
}

impl Downloads {
    /// A file is wanted; what was held or has failed goes on.
    pub(crate) fn want(&mut self, id: FileId, conversation: ConversationId) {
        self.put(id, conversation, Stage::Waiting);
    }

    /// A file that the person held before a restart.
    pub(crate) fn was_held(&mut self, id: FileId, conversation: ConversationId) {
        self.put(id, conversation, Stage::Held);
    }

    fn put(&mut self, id: FileId, conversation: ConversationId, stage: Stage) {
        self.last += 1;
        let n = self.last;
        let download = self.downloads.entry(id).or_insert(Download {
            conversation,
            n,
            stage: stage.clone(),
            pause: Pause::default(),
            tries: 0,
        });
        if !matches!(download.stage, Stage::Fetching(_)) {
            download.stage = stage;
            download.pause = Pause::default();
            download.tries = 0;
        }
    }

    /// The person holds a file.
    pub(crate) fn hold(&mut self, id: FileId) {
        if let Some(download) = self.downloads.get_mut(&id) {
            download.stage = Stage::Held;
        }
    }

    /// Nobody wants it anymore.
    pub(crate) fn give_up(&mut self, id: FileId) {
        self.downloads.remove(&id);
    }

    /// A connection is there: pauses are over.
    pub(crate) fn connected(&mut self) {
        self.online = true;
        for download in self.downloads.values_mut() {
            download.pause.end();
        }
    }

    /// The connection is gone, and with it most likely what is under way.
    pub(crate) fn disconnected(&mut self) {
        self.online = false;
        for download in self.downloads.values_mut() {
            if matches!(download.stage, Stage::Fetching(_)) {
                download.stage = Stage::Waiting;
            }
        }
    }

    /// What is to be fetched now, each with a number to be named in the answer.
    pub(crate) fn poll(&mut self, now: Duration) -> Vec<(FileId, u64)> {
        if !self.online {
            return Vec::new();
        }
        let under_way = self.downloads.values();
        let under_way = under_way.filter(|one| matches!(one.stage, Stage::Fetching(_)));
        let room = AT_ONCE.saturating_sub(under_way.count());
        let mut waiting: Vec<(&FileId, &mut Download)> = self
            .downloads
            .iter_mut()
            .filter(|(_, one)| one.stage == Stage::Waiting && !one.pause.lasts(now))
            .collect();
        waiting.sort_by_key(|(_, one)| one.n);
        let mut begun = Vec::new();
        for (id, download) in waiting.into_iter().take(room) {
            self.steps += 1;
            download.stage = Stage::Fetching(self.steps);
            begun.push((*id, self.steps));
        }
        begun
    }

    /// What came of fetching a file. Gives the conversation where that was still waited for.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        id: FileId,
        step: u64,
        answer: Result<(), FetchFailure>,
    ) -> Option<ConversationId> {
        let download = self
            .downloads
            .get_mut(&id)
            .filter(|download| download.stage == Stage::Fetching(step))?;
        let conversation = download.conversation;
        download.stage = Stage::Waiting;
        match answer {
            Ok(()) => {
                self.downloads.remove(&id);
            }
            Err(FetchFailure::Lost) => download.pause.begin(now, None),
            Err(FetchFailure::Broken) => {
                download.tries += 1;
                if download.tries == TRIES {
                    let broken = UiError::new(im_contract::ErrorKind::FileBroken);
                    download.stage = Stage::Failed(broken);
                }
            }
            Err(FetchFailure::Refused(error)) => download.stage = Stage::Failed(error),
        }
        Some(conversation)
    }

    /// When a pause ends, if one is the reason that something is not fetched.
    pub(crate) fn due(&self) -> Option<Duration> {
        if !self.online {
            return None;
        }
        let waiting = self.downloads.values();
        let waiting = waiting.filter(|one| one.stage == Stage::Waiting);
        waiting.filter_map(|one| one.pause.until()).min()
    }

    /// Where everything stands that is not whole.
    pub(crate) fn standings(&self) -> HashMap<FileId, Standing> {
        let standing = |download: &Download| match &download.stage {
            Stage::Waiting | Stage::Fetching(_) => Standing::Fetching,
            Stage::Held => Standing::Held,
            Stage::Failed(error) => Standing::Failed(error.clone()),
        };
        let all = self.downloads.iter();
        all.map(|(id, one)| (*id, standing(one))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_contract::ErrorKind;

    const NOW: Duration = Duration::from_secs(10);

    fn online(wanted: usize) -> (Downloads, Vec<FileId>) {
        let mut downloads = Downloads::default();
        let ids: Vec<FileId> = (0..wanted).map(|_| FileId::new()).collect();
        for id in &ids {
            downloads.want(*id, ConversationId::new());
        }
        assert_eq!(downloads.poll(NOW), [], "nothing comes while offline");
        downloads.connected();
        (downloads, ids)
    }

    #[test]
    fn three_at_a_time_in_the_order_of_wanting() {
        let (mut downloads, ids) = online(5);
        let begun = downloads.poll(NOW);
        let order: Vec<FileId> = begun.iter().map(|(id, _)| *id).collect();
        assert_eq!(order, ids[..3]);
        assert_eq!(downloads.poll(NOW), []);
        let answered = downloads.answered(NOW, ids[1], begun[1].1, Ok(()));
        assert!(answered.is_some());
        assert_eq!(downloads.poll(NOW)[0].0, ids[3]);
        assert_eq!(downloads.standings().len(), 4);
    }

    #[test]
    fn what_breaks_off_goes_on_later_and_at_once_with_a_new_connection() {
        let (mut downloads, ids) = online(1);
        let (id, step) = downloads.poll(NOW)[0];
        let answered = downloads.answered(NOW, id, step, Err(FetchFailure::Lost));
        assert!(answered.is_some());
        let due = downloads.due().unwrap();
        assert!(due > NOW && downloads.poll(NOW).is_empty());
        let (_, second) = downloads.poll(due)[0];
        downloads.disconnected();
        assert_eq!(downloads.due(), None);
        downloads.connected();
        let (_, third) = downloads.poll(due)[0];
        let of_before = downloads.answered(due, ids[0], second, Ok(()));
        assert_eq!(of_before, None);
        assert!(downloads.answered(due, ids[0], third, Ok(())).is_some());
        assert!(downloads.standings().is_empty());
    }

    #[test]
    fn broken_bytes_are_fetched_once_more_and_then_left_to_the_person() {
        let (mut downloads, ids) = online(1);
        for _ in 0..TRIES {
            let (id, step) = downloads.poll(NOW)[0];
            downloads.answered(NOW, id, step, Err(FetchFailure::Broken));
        }
        assert_eq!(downloads.poll(NOW), []);
        let failed = Standing::Failed(UiError::new(ErrorKind::FileBroken));
        assert_eq!(downloads.standings()[&ids[0]], failed);
        downloads.want(ids[0], ConversationId::new());
        assert_eq!(downloads.poll(NOW).len(), 1);
    }

    #[test]
    fn the_person_holds_it_lets_it_go_on_and_gives_it_up() {
        let (mut downloads, ids) = online(1);
        let (id, step) = downloads.poll(NOW)[0];
        downloads.hold(id);
        let late = downloads.answered(NOW, id, step, Err(FetchFailure::Lost));
        assert_eq!(late, None);
        assert_eq!(downloads.standings()[&id], Standing::Held);
        downloads.want(id, ConversationId::new());
        assert_eq!(downloads.poll(NOW)[0].0, id);
        downloads.give_up(id);
        downloads.hold(ids[0]);
        assert!(downloads.standings().is_empty());
    }
}
