//! Files on their way to the server, each before the message that carries it.
//!
//! - One file of a conversation at a time, in the order of writing, and three in all: a large one
//!   keeps nobody else waiting, and those of one conversation arrive in their order.
//! - A file begins with the question how far it is, so that a kill, a lost line and a restart of the
//!   server cost the piece that was under way and no more.
//! - Pieces grow while they are quick and shrink where they are slow or lost, so that the person
//!   sees it go on and little is sent twice.
//! - Files of a message that waits for the person wait with it. One that the person holds lets the
//!   others go on.

use super::{Pause, SendFailure, may_pass};
use im_protocol::{ConversationId, ErrorCode, FileId, OperationId, WireError, limits::CHUNK_BYTES};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// Files under way in all.
const AT_ONCE: usize = 3;
/// The first piece.
const FIRST_PIECE: u64 = 256 * 1024;
/// The smallest.
const LEAST_PIECE: u64 = 64 * 1024;
/// Pieces that are quicker than this grow.
const QUICK: Duration = Duration::from_millis(700);
/// Pieces that are slower than this shrink.
const SLOW: Duration = Duration::from_secs(3);
/// So often a file whose bytes came in otherwise is handed over anew.
const MISMATCHES: u32 = 2;

/// A file of a message that waits, as far as the machine needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileEntry {
    /// Which.
    pub(crate) id: FileId,
    /// Bytes.
    pub(crate) size: u64,
    /// The server has all of it.
    pub(crate) whole: bool,
    /// The person holds it.
    pub(crate) held: bool,
}

/// What is to be asked of the server about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// How far it is; it begins where the server does not know it.
    Ask,
    /// To take a piece.
    Put {
        /// From here on.
        offset: u64,
        /// So many bytes.
        bytes: u64,
    },
}

/// What the server said of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// It goes on from here.
    At(u64),
    /// All of it is there, and that is on this device's disk too.
    Whole,
}

/// What came of an answer for the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It goes on, or is tried again.
    Nothing,
    /// One of its files is whole.
    Whole(OperationId),
    /// One of its files was refused for good.
    Refused(OperationId, WireError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Asking,
    At(u64),
    Putting { since: Duration, offset: u64 },
    Whole,
}

#[derive(Debug)]
struct Upload {
    id: FileId,
    message: OperationId,
    conversation: ConversationId,
    size: u64,
    stage: Stage,
    /// The question that is under way.
    step: u64,
    held: bool,
    pause: Pause,
    mismatches: u32,
}

/// A message's place and the file's in it.
type Place = (u64, usize);

/// See the module.
#[derive(Debug)]
pub(super) struct Uploads {
    uploads: BTreeMap<Place, Upload>,
    places: HashMap<FileId, Place>,
    piece: u64,
    steps: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            uploads: BTreeMap::new(),
            places: HashMap::new(),
            piece: FIRST_PIECE,
            steps: 0,
        }
    }
}

impl Uploads {
    /// Files of a message that was written at this place.
    pub(super) fn add(
        &mut self,
        n: u64,
        message: OperationId,
        conversation: ConversationId,
        files: Vec<FileEntry>,
    ) {
        for (index, file) in files.into_iter().enumerate() {
            self.places.insert(file.id, (n, index));
            let upload = Upload {
                id: file.id,
                message,
                conversation,
                size: file.size,
                stage: if file.whole {
                    Stage::Whole
                } else {
                    Stage::Waiting
                },
                step: 0,
                held: file.held,
                pause: Pause::default(),
                mismatches: 0,
            };
            self.uploads.insert((n, index), upload);
        }
    }

    /// The files of a message that is at this place.
    pub(super) fn of(&self, n: u64) -> impl Iterator<Item = FileId> {
        self.range(n).map(|upload| upload.id)
    }

    /// How many of them the server does not have yet.
    pub(super) fn missing(&self, n: u64) -> usize {
        self.range(n)
            .filter(|upload| upload.stage != Stage::Whole)
            .count()
    }

    /// A message at this place is done, or thrown away.
    pub(super) fn forget(&mut self, n: u64) {
        let ids: Vec<FileId> = self.of(n).collect();
        for id in ids {
            if let Some(place) = self.places.remove(&id) {
                self.uploads.remove(&place);
            }
        }
    }

    /// The server does not know the files of this message anymore: they are handed over anew.
    pub(super) fn anew(&mut self, n: u64) {
        for upload in self.range_mut(n) {
            upload.stage = Stage::Waiting;
        }
    }

    /// The person wants a message at this place to be tried again.
    pub(super) fn retry(&mut self, n: u64) {
        for upload in self.range_mut(n) {
            upload.pause = Pause::default();
            upload.mismatches = 0;
        }
    }

    /// The person holds a file, or lets it go on. Gives whether it is here and not whole.
    pub(super) fn hold(&mut self, id: FileId, held: bool) -> bool {
        let Some(upload) = self.get_mut(id).filter(|one| one.stage != Stage::Whole) else {
            return false;
        };
        upload.held = held;
        if held {
            // Whatever is under way is no longer waited for.
            upload.stage = Stage::Waiting;
        } else {
            upload.pause.end();
        }
        true
    }

    /// A connection is there: pauses are over.
    pub(super) fn connected(&mut self) {
        for upload in self.uploads.values_mut() {
            upload.pause.end();
        }
    }

    /// The connection is gone, and with it most likely what is under way.
    pub(super) fn disconnected(&mut self) {
        for upload in self.uploads.values_mut() {
            if upload.stage != Stage::Whole {
                upload.stage = Stage::Waiting;
            }
        }
    }

    /// What is to be asked now, of files whose message may go on.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        goes_on: impl Fn(OperationId) -> bool,
    ) -> Vec<(FileId, u64, Step)> {
        let mut begun = Vec::new();
        let mut conversations = HashSet::new();
        let is_busy = |one: &&Upload| matches!(one.stage, Stage::Asking | Stage::Putting { .. });
        let mut busy = self.uploads.values().filter(is_busy).count();
        // What was overtaken and let go on again keeps its conversation until it is answered.
        conversations.extend(
            self.uploads
                .values()
                .filter(is_busy)
                .map(|one| one.conversation),
        );
        for upload in self.uploads.values_mut() {
            if upload.stage == Stage::Whole || upload.held || !goes_on(upload.message) {
                continue;
            }
            if !conversations.insert(upload.conversation)
                || busy == AT_ONCE
                || upload.pause.lasts(now)
            {
                continue;
            }
            busy += 1;
            let step = match upload.stage {
                Stage::At(offset) => {
                    upload.stage = Stage::Putting { since: now, offset };
                    let bytes = self.piece.min(upload.size.saturating_sub(offset));
                    Step::Put { offset, bytes }
                }
                _ => {
                    upload.stage = Stage::Asking;
                    Step::Ask
                }
            };
            self.steps += 1;
            upload.step = self.steps;
            begun.push((upload.id, upload.step, step));
        }
        begun
    }

    /// What came of a step.
    pub(super) fn answered(
        &mut self,
        now: Duration,
        id: FileId,
        step: u64,
        answer: Result<Uploaded, SendFailure>,
    ) -> Came {
        let mut piece = self.piece;
        let Some(upload) = self.get_mut(id).filter(|upload| upload.step == step) else {
            return Came::Nothing;
        };
        let was = upload.stage;
        if !matches!(was, Stage::Asking | Stage::Putting { .. }) {
            return Came::Nothing;
        }
        upload.stage = Stage::Waiting;
        let came = match answer {
            Ok(Uploaded::Whole) => {
                upload.stage = Stage::Whole;
                Came::Whole(upload.message)
            }
            Ok(Uploaded::At(offset)) => {
                // All bytes, and not whole: the next question says why.
                if offset < upload.size {
                    upload.stage = Stage::At(offset);
                }
                match was {
                    Stage::Putting {
                        since,
                        offset: before,
                    } if offset > before => {
                        upload.pause.forget_refusals();
                        let took = now.saturating_sub(since);
                        if took < QUICK {
                            piece = piece.saturating_mul(2);
                        } else if took > SLOW {
                            piece /= 2;
                        }
                    }
                    Stage::Putting { .. } => upload.pause.begin(now, None),
                    _ if offset >= upload.size => upload.pause.begin(now, None),
                    _ => {}
                }
                Came::Nothing
            }
            Err(SendFailure::Lost) => {
                piece /= 2;
                upload.pause.begin(now, None);
                Came::Nothing
            }
            Err(SendFailure::Refused(error)) => upload.refused(now, was, error),
        };
        self.piece = piece.clamp(LEAST_PIECE, CHUNK_BYTES);
        came
    }

    /// When a pause ends, if one is the reason that nothing is asked.
    pub(super) fn due(&self, goes_on: impl Fn(OperationId) -> bool) -> Option<Duration> {
        self.uploads
            .values()
            .filter(|upload| {
                matches!(upload.stage, Stage::Waiting | Stage::At(_))
                    && !upload.held
                    && goes_on(upload.message)
            })
            .filter_map(|upload| upload.pause.until())
            .min()
    }

    fn get_mut(&mut self, id: FileId) -> Option<&mut Upload> {
        self.uploads.get_mut(self.places.get(&id)?)
    }

    fn range(&self, n: u64) -> impl Iterator<Item = &Upload> {
        let range = self.uploads.range((n, 0)..=(n, usize::MAX));
        range.map(|(_, upload)| upload)
    }

    fn range_mut(&mut self, n: u64) -> impl Iterator<Item = &mut Upload> {
        let range = self.uploads.range_mut((n, 0)..=(n, usize::MAX));
        range.map(|(_, upload)| upload)
    }
}

impl Upload {
    fn refused(&mut self, now: Duration, was: Stage, error: WireError) -> Came {
        let asked = was == Stage::Asking;
        let again = match error.code {
            // Somebody else's piece, or one of before: the server says from where.
            ErrorCode::Conflict => {
                if let Some(offset) = error.offset.filter(|offset| *offset < self.size) {
                    self.stage = Stage::At(offset);
                }
                true
            }
            // It has died there, or the server was restored: the question begins it anew.
            ErrorCode::NotFound | ErrorCode::FileUnknown | ErrorCode::Gone => !asked,
            ErrorCode::ChecksumMismatch => {
                self.mismatches += 1;
                self.mismatches < MISMATCHES
            }
            _ => may_pass(&error),
        };
        if again {
            let at_least = error.retry_after_ms.map(Duration::from_millis);
            self.pause.begin(now, at_least);
            Came::Nothing
        } else {
            Came::Refused(self.message, error)
        }
    }
}
