//! What files go through on the walk: pieces get lost on the way there or back, arrive late, in part
//! or twice; the server is full, refuses, forgets; the person holds them and throws them away.

use super::*;
use std::collections::BTreeSet;

/// What the server has of files.
#[derive(Default)]
pub(super) struct OnServer {
    /// How far each is, and how far it has to be.
    files: HashMap<FileId, (u64, u64)>,
}

impl OnServer {
    /// Why a message with these cannot be accepted, where it cannot.
    pub(super) fn missing<'a>(
        &self,
        mut carried: impl Iterator<Item = &'a FileId>,
    ) -> Option<ErrorCode> {
        carried.find_map(|id| match self.files.get(id) {
            None => Some(ErrorCode::FileUnknown),
            Some((offset, size)) if offset < size => Some(ErrorCode::FileUnfinished),
            Some(_) => None,
        })
    }

    fn take(&mut self, rng: &mut StdRng, id: FileId, size: u64, what: Step) -> Said {
        if rng.random_ratio(1, 15) {
            return Err(WireError::new(ErrorCode::StorageFull, ""));
        }
        match what {
            Step::Ask => {
                self.files.entry(id).or_insert((0, size));
            }
            Step::Put { offset, bytes } => {
                let Some((known, _)) = self.files.get_mut(&id) else {
                    return Err(WireError::new(ErrorCode::NotFound, ""));
                };
                if *known != offset {
                    return Err(WireError::new(ErrorCode::Conflict, "").go_on_at(*known));
                }
                assert!(bytes > 0, "a piece of nothing");
                *known += bytes;
                assert!(*known <= size, "more than there is");
                if *known == size && rng.random_ratio(1, 20) {
                    self.files.remove(&id);
                    return Err(WireError::new(ErrorCode::ChecksumMismatch, ""));
                }
            }
        }
        let (offset, _) = self.files[&id];
        Ok(if offset == size {
            Uploaded::Whole
        } else {
            Uploaded::At(offset)
        })
    }
}

type Said = Result<Uploaded, WireError>;

struct Piece {
    id: FileId,
    step: u64,
    what: Step,
}

/// Pieces on their way, and answers.
#[derive(Default)]
pub(super) struct Bytes {
    on_way: Vec<Piece>,
    late: Vec<Piece>,
    answers: Vec<(FileId, u64, Result<Uploaded, SendFailure>)>,
}

impl Bytes {
    /// The app is gone: nobody waits for answers, and some pieces arrive all the same.
    pub(super) fn killed(&mut self, rng: &mut StdRng) {
        for piece in std::mem::take(&mut self.on_way) {
            if rng.random_ratio(1, 2) {
                self.late.push(piece);
            }
        }
        self.answers.clear();
    }
}

/// One or two files.
pub(super) fn chosen(rng: &mut StdRng) -> Vec<FileEntry> {
    (0..rng.random_range(1..3))
        .map(|_| FileEntry {
            id: FileId::new(),
            size: rng.random_range(1..900_000),
            whole: false,
            held: false,
        })
        .collect()
}

impl Walk {
    /// The file's row, while it is there.
    fn file(&self, id: FileId) -> Option<(&Row, &FileEntry)> {
        let of = |row: &'_ Row| row.files.iter().position(|file| file.id == id);
        let mut rows = self.disk.rows.values();
        rows.find_map(|row| Some((row, &row.files[of(row)?])))
    }

    pub(super) fn mark_whole(&mut self, ids: &[FileId], whole: bool) {
        let files = self.disk.rows.values_mut().flat_map(|row| &mut row.files);
        for file in files.filter(|file| ids.contains(&file.id)) {
            file.whole = whole;
        }
    }

    pub(super) fn begin_bytes(&mut self, id: FileId, step: u64, what: Step) {
        let (row, file) = self.file(id).expect("a file that is on disk");
        assert!(!file.held);
        let conversation = row.conversation;
        // An earlier step that was overtaken is cut off by the driver.
        self.bytes.on_way.retain(|piece| piece.id != id);
        let others = self.bytes.on_way.iter();
        let places: Vec<ConversationId> = others
            .filter_map(|piece| Some(self.file(piece.id)?.0.conversation))
            .collect();
        assert!(!places.contains(&conversation), "two files at once");
        self.bytes.on_way.push(Piece { id, step, what });
    }

    pub(super) fn bytes_arrive(&mut self) {
        if self.bytes.on_way.is_empty() {
            return;
        }
        let Piece { id, step, what } = self.bytes.on_way.remove(0);
        let Some(size) = self.file(id).map(|(_, file)| file.size) else {
            return;
        };
        let what = self.cut(what);
        let said = self.server.files.take(&mut self.rng, id, size, what);
        let lost = self.rng.random_ratio(1, 6);
        let answer = match said {
            _ if lost => Err(SendFailure::Lost),
            Ok(said) => {
                if said == Uploaded::Whole {
                    // The driver notes it before it tells.
                    self.mark_whole(&[id], true);
                }
                Ok(said)
            }
            Err(error) => {
                if error.code == ErrorCode::ChecksumMismatch {
                    let row = self.file(id).expect("its row").0.id;
                    self.server.refused.insert(row);
                }
                Err(SendFailure::Refused(error))
            }
        };
        self.bytes.answers.push((id, step, answer));
    }

    /// A piece may break off on its way.
    fn cut(&mut self, what: Step) -> Step {
        match what {
            Step::Put { offset, bytes } if bytes > 1 && self.rng.random_ratio(1, 8) => Step::Put {
                offset,
                bytes: self.rng.random_range(1..bytes),
            },
            what => what,
        }
    }

    pub(super) fn bytes_arrive_late(&mut self) {
        if self.bytes.late.is_empty() {
            return;
        }
        let Piece { id, what, .. } = self.bytes.late.remove(0);
        if let Some(size) = self.file(id).map(|(_, file)| file.size) {
            let what = self.cut(what);
            // Nobody hears it.
            let _ = self.server.files.take(&mut self.rng, id, size, what);
        }
    }

    pub(super) fn bytes_are_answered(&mut self) {
        if self.bytes.answers.is_empty() {
            return;
        }
        let (id, step, answer) = self.bytes.answers.remove(0);
        let actions = self.outbox.uploaded(self.now, id, step, answer.clone());
        self.take(actions);
        let again = self.outbox.uploaded(self.now, id, step, answer);
        assert_eq!(again, [], "an answer counts once");
    }

    pub(super) fn bytes_are_lost(&mut self) {
        for piece in std::mem::take(&mut self.bytes.on_way) {
            let lost = (piece.id, piece.step, Err(SendFailure::Lost));
            self.bytes.answers.push(lost);
            if self.rng.random_ratio(1, 2) {
                self.bytes.late.push(piece);
            }
        }
    }

    /// Files that are not accepted with their message yet.
    fn unsent_files(&self) -> BTreeSet<FileId> {
        let files = self.disk.rows.values().flat_map(|row| &row.files);
        files.map(|file| file.id).collect()
    }

    fn some_file(&mut self) -> Option<FileId> {
        let files: Vec<FileId> = self.unsent_files().into_iter().collect();
        let some = files.len();
        (some > 0).then(|| files[self.rng.random_range(0..some)])
    }

    pub(super) fn hold_or_let_go(&mut self) {
        let Some(id) = self.some_file() else { return };
        let held = self.rng.random_ratio(1, 2);
        self.set_held(id, held);
    }

    pub(super) fn let_all_go(&mut self) {
        for id in self.unsent_files() {
            self.set_held(id, false);
        }
    }

    fn set_held(&mut self, id: FileId, held: bool) {
        if self.outbox.hold(id, held) {
            if held {
                self.bytes.on_way.retain(|piece| piece.id != id);
            }
            let files = self.disk.rows.values_mut().flat_map(|row| &mut row.files);
            for file in files.filter(|file| file.id == id) {
                file.held = held;
            }
        }
    }

    /// The person throws away a message that waits for its files: it was never sent, and never is.
    pub(super) fn throw_away(&mut self) {
        let Some(file) = self.some_file() else { return };
        let Some((row, _)) = self.file(file) else {
            return;
        };
        let (id, conversation) = (row.id, row.conversation);
        let goes = self.outbox.discards(id);
        if goes.is_empty() {
            return;
        }
        if self.rng.random_ratio(1, 4) {
            self.outbox.not_discarded(id);
            return;
        }
        let here = self.server.messages.get(&conversation);
        let sent = here.is_some_and(|sent| sent.contains(&id));
        // What was refused after a lost answer may be there all the same, or come yet.
        if sent || self.late.iter().any(|way| way.ids.contains(&id)) {
            self.outbox.not_discarded(id);
            return;
        }
        let carried = self.server.carry.get(&id).into_iter().flatten();
        let carried: Vec<FileId> = carried.copied().collect();
        self.bytes
            .on_way
            .retain(|piece| !carried.contains(&piece.id));
        // Its changes go with it, also those that the machine was not told of yet.
        let rows = self.disk.rows.values();
        let changes = rows.filter(|row| row.changes == Some(id)).map(|row| row.id);
        let gone: Vec<OperationId> = goes.iter().copied().chain(changes).collect();
        self.disk.rows.retain(|_, row| !gone.contains(&row.id));
        self.outbox.settled(&goes);
        if let Some(written) = self.written.get_mut(&conversation) {
            written.retain(|id| !gone.contains(id));
        }
    }

    /// It is restored from a backup, or the file was there too long.
    pub(super) fn server_loses_a_file(&mut self) {
        let Some(id) = self.some_file() else { return };
        self.server.files.files.remove(&id);
    }
}
