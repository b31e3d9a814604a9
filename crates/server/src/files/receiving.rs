//! Taking a file in, piece by piece, and making one of it.

use super::{
    failed,
    kind::{self, kind_of},
    staging::{self, Found, Staged},
    turns::Turn,
};
use crate::{
    access::{Action, Actor, Thing, may, refusal_in},
    app::App,
    error::Error,
    store::{
        Connection, conversation, erasure,
        file::{self, File},
    },
    writer::{Change, Urgency},
};
use axum::body::{Body, BodyDataStream};
use futures_util::{FutureExt as _, StreamExt as _};
use im_protocol::{
    ErrorCode, FileId, PersonId, WireError,
    files::{FileStart, FileState, Sha256, is_file_name},
    limits::CHUNK_BYTES,
};
use sha2::Digest as _;
use std::{
    io::{self, Read as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio_util::task::TaskTracker;

/// A person begins to hand a file over, or asks again how far it is.
pub(crate) async fn begin(
    app: &Arc<App>,
    actor: Actor,
    start: FileStart,
) -> Result<FileState, Error> {
    app.rates.file(actor.person)?;
    check(&start, app.config.files.max_bytes)?;
    let id = start.id;
    let settings = app.config.files.clone();
    let file = File {
        author: actor.person,
        object: app.files.new_object(),
        received: 0,
        kind: None,
        message: None,
        start,
    };
    let size = file.start.size;
    let known = file::get(&mut *app.store.read().await?, id)
        .await?
        .is_some();
    if !known {
        app.files.has_room(size, settings.keep_free)?;
    }
    let begun = app.writer.write(Urgency::Usual, move |change| {
        async move { begin_in(change, actor, file, &settings).await }.boxed()
    });
    let file = begun.await?;
    settled(app, file).await
}

fn check(start: &FileStart, max_bytes: u64) -> Result<(), Error> {
    let invalid = |field, sentence: &str| -> Result<(), Error> {
        Err(WireError::new(ErrorCode::Invalid, sentence)
            .about(field)
            .into())
    };
    if !is_file_name(&start.name) {
        return invalid("name", "A file's name has no path and can be read.");
    }
    if start.size == 0 {
        return invalid("size", "This file is empty.");
    }
    if start.size > max_bytes {
        let mib = max_bytes / (1024 * 1024);
        let sentence = format!("This file is too large: {mib} MiB at most.");
        return Err(Error::refused(ErrorCode::TooLarge, sentence));
    }
    Ok(())
}

async fn begin_in(
    change: &mut Change,
    actor: Actor,
    new: File,
    settings: &crate::config::Files,
) -> Result<File, Error> {
    let now = change.now();
    let conn = change.conn()?;
    erasure::refuse_deleted(conn, actor.person).await?;
    let heads = conversation::heads(conn, new.start.conversation).await?;
    let allowed = |heads| may(actor, Action::Write, Thing::Conversation(heads));
    if !heads.as_ref().is_some_and(allowed) {
        return Err(refusal_in(actor, Action::Write, heads.as_ref()));
    }
    if let Some(known) = file::get(conn, new.start.id).await? {
        if known.author == new.author && known.start == new.start {
            return Ok(known);
        }
        // The same words whosever it was: a foreign id reveals nothing.
        return Err(Error::refused(
            ErrorCode::IdReused,
            "This file's id was used before for something else.",
        ));
    }
    let open = file::open_of(conn, new.author).await?;
    if open.files >= settings.open {
        return Err(Error::refused(
            ErrorCode::RateLimited,
            "You have begun to send as many files as one can. Please wait until some are there.",
        ));
    }
    let (today, left_ms) = file::today(conn, new.author, now).await?;
    let wanted = today
        .saturating_add(open.missing)
        .saturating_add(new.start.size);
    if wanted > settings.bytes_per_day {
        let error = WireError::new(
            ErrorCode::RateLimited,
            "You have sent as much as one can on one day. Please go on tomorrow.",
        );
        return Err(error.retry_after(left_ms).into());
    }
    file::insert(conn, &new, now).await?;
    Ok(new)
}

/// How far a file of the asker's is.
pub(crate) async fn state(app: &Arc<App>, actor: Actor, id: FileId) -> Result<FileState, Error> {
    let file = own(&mut *app.store.read().await?, actor.person, id).await?;
    settled(app, file).await
}

async fn own(conn: &mut Connection, person: PersonId, id: FileId) -> Result<File, Error> {
    let file = file::get(conn, id).await?;
    file.filter(|file| file.author == person)
        .ok_or_else(Error::not_found)
}

/// How far a file is. Where all of it is here and it is none yet, it was on its way to become one
/// when something broke: that is done now.
async fn settled(app: &Arc<App>, file: File) -> Result<FileState, Error> {
    if file.kind.is_some() || file.received < file.start.size {
        return Ok(file.state());
    }
    let (app, id) = (app.clone(), file.start.id);
    let tasks = app.tasks.clone();
    let finishing = async move {
        let _turn = app.files.turns.take(id).await;
        let file = own(&mut *app.store.read().await?, file.author, id).await?;
        if file.kind.is_some() {
            return Ok(file.state());
        }
        finish(&app, file).await
    };
    finished(&tasks, finishing).await
}

/// A piece of a file. It is taken in by a task of its own, so that what has arrived is noted also
/// where the connection breaks.
pub(crate) async fn append(
    app: &Arc<App>,
    actor: Actor,
    id: FileId,
    offset: u64,
    body: Body,
) -> Result<FileState, Error> {
    let receiving = Receiving {
        within: Duration::from_millis(app.config.limits.request_ms),
        body: body.into_data_stream(),
        app: app.clone(),
        person: actor.person,
        id,
        offset,
    };
    finished(&app.tasks, receiving.run()).await
}

/// Runs something to its end, whether its asker waits or not.
async fn finished<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let done = tasks.spawn(work).await;
    done.map_err(|_| Error::Broken("taking a file in broke"))?
}

/// The task.
struct Receiving {
    app: Arc<App>,
    person: PersonId,
    id: FileId,
    /// Where its bytes go on.
    offset: u64,
    body: BodyDataStream,
    /// How long it may be without a byte.
    within: Duration,
}

/// What came of a body: so many bytes, and why there were no more, where that was not its end.
struct Came {
    bytes: u64,
    cut: Option<Error>,
}

impl Receiving {
    async fn run(mut self) -> Result<FileState, Error> {
        let turn = self.app.files.turns.take(self.id).await;
        let file = match goes_on(&self.app, self.person, self.id, self.offset).await {
            Ok(file) => file,
            Err(refused) => {
                self.swallow().await;
                return Err(refused);
            }
        };
        if file.kind.is_some() {
            self.swallow().await;
            return Ok(file.state());
        }
        let path = self.app.files.staged(&file.object);
        let mut staged = match Staged::open(&path, file.received).await.map_err(failed)? {
            Found::AsNoted(staged) => staged,
            Found::Less(there) => {
                tracing::error!(there, "a part of a file is missing in the folder");
                let file = note(&self.app, file, there, 0).await?;
                self.swallow().await;
                return Err(elsewhere(file.received));
            }
        };
        let room = file.start.size - file.received;
        let Came { bytes, cut } = match self.take_in(&mut staged, room, &turn).await {
            Ok(came) => came,
            Err(refused) => {
                self.swallow().await;
                return Err(refused);
            }
        };
        staged.sync().await.map_err(failed)?;
        let received = file.received + bytes;
        let file = if bytes > 0 {
            note(&self.app, file, received, bytes).await?
        } else {
            file
        };
        match cut {
            None if received == file.start.size => finish(&self.app, file).await,
            None => Ok(file.state()),
            Some(cut) => Err(cut),
        }
    }

    /// Writes what comes. Where writing fails, or more comes than fits, nothing of it counts.
    async fn take_in(
        &mut self,
        staged: &mut Staged,
        room: u64,
        turn: &Turn,
    ) -> Result<Came, Error> {
        let mut bytes = 0;
        let cut = loop {
            let next = tokio::select! {
                next = tokio::time::timeout(self.within, self.body.next()) => next,
                () = turn.over() => break Some(Error::refused(
                    ErrorCode::Conflict,
                    "This file goes on in another request.",
                )),
                () = self.app.stop.cancelled() => break Some(Error::unavailable()),
            };
            match next {
                Ok(None) => break None,
                Ok(Some(Ok(piece))) => {
                    bytes += piece.len() as u64;
                    if bytes > CHUNK_BYTES || bytes > room {
                        return Err(too_much());
                    }
                    staged.write(&piece).await.map_err(failed)?;
                }
                Ok(Some(Err(_))) | Err(_) => {
                    break Some(Error::invalid("The request's body did not arrive."));
                }
            }
        };
        Ok(Came { bytes, cut })
    }

    /// Reads a body that is not wanted: a client that still sends would not hear why.
    async fn swallow(&mut self) {
        drop_all(&mut self.body, self.within).await;
    }
}

/// The file, if the bytes from this place on are its next.
async fn goes_on(app: &App, person: PersonId, id: FileId, offset: u64) -> Result<File, Error> {
    let file = own(&mut *app.store.read().await?, person, id).await?;
    if file.received != offset {
        return Err(elsewhere(file.received));
    }
    let missing = file.start.size - file.received;
    let keep_free = app.config.files.keep_free;
    app.files.has_room(missing.min(CHUNK_BYTES), keep_free)?;
    Ok(file)
}

/// Reads a body that is not wanted, as much of it as may come.
pub(crate) async fn swallow(app: &App, body: Body) {
    let within = Duration::from_millis(app.config.limits.request_ms);
    drop_all(&mut body.into_data_stream(), within).await;
}

async fn drop_all(body: &mut BodyDataStream, within: Duration) {
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(piece)) = body.next().await {
            bytes += piece.len() as u64;
            if bytes > CHUNK_BYTES {
                break;
            }
        }
    };
    tokio::time::timeout(within, reading).await.ok();
}

/// Notes how much of a file is on the disk.
async fn note(app: &App, mut file: File, received: u64, came: u64) -> Result<File, Error> {
    let row = file.clone();
    let noted = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let now = change.now();
            file::receive(change.conn()?, &row, received, came, now).await
        }
        .boxed()
    });
    if !noted.await? {
        // Thrown away meanwhile: its account was deleted, or it was too old.
        let path = app.files.staged(&file.object);
        staging::remove(&path).await.map_err(failed)?;
        return Err(Error::not_found());
    }
    file.received = received;
    Ok(file)
}

fn elsewhere(offset: u64) -> Error {
    let error = WireError::new(ErrorCode::Conflict, "These are not the file's next bytes.");
    error.go_on_at(offset).into()
}

fn too_much() -> Error {
    Error::refused(
        ErrorCode::TooLarge,
        "These are more bytes than were announced, or than come at once.",
    )
}

/// Makes a file of what is all here: looks at it, puts it where files are kept, and says so. Each
/// step may be done again.
async fn finish(app: &Arc<App>, mut file: File) -> Result<FileState, Error> {
    let path = app.files.staged(&file.object);
    let looked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || look_at(&path)
    });
    let looked = looked.await;
    let looked = looked.map_err(|_| Error::Broken("a file was not looked at"))?;
    let (sha256, head) = match looked {
        Ok(looked) => looked,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::error!("a file that was all here is missing in the folder");
            return Err(elsewhere(note(app, file, 0, 0).await?.received));
        }
        Err(error) => return Err(failed(error)),
    };
    let kind = if sha256 == file.start.sha256 {
        kind_of(&head, &app.config.files.refused)
    } else {
        Err(WireError::new(
            ErrorCode::ChecksumMismatch,
            "The file did not arrive as it was sent. Please send it again.",
        ))
    };
    let kind = match kind {
        Ok(kind) => kind,
        Err(refused) => {
            throw_away(app, &file).await?;
            return Err(refused.into());
        }
    };
    app.files.kept.put(&file.object, &path).await?;
    let (object, row_kind) = (file.object.clone(), kind.clone());
    let whole = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let now = change.now();
            file::finish(change.conn()?, &object, &row_kind, now).await
        }
        .boxed()
    });
    if !whole.await? {
        // Its row has left the object's name behind: the sweeper removes both.
        app.files.ring();
        return Err(Error::not_found());
    }
    staging::remove(&path).await.map_err(failed)?;
    file.kind = Some(kind);
    Ok(file.state())
}

async fn throw_away(app: &Arc<App>, file: &File) -> Result<(), Error> {
    let object = file.object.clone();
    let thrown = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let now = change.now();
            file::forget(change.conn()?, &object, now).await
        }
        .boxed()
    });
    thrown.await?;
    app.files.ring();
    Ok(())
}

/// The checksum of a file, and its beginning.
fn look_at(path: &Path) -> io::Result<(Sha256, Vec<u8>)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut head = Vec::new();
    let mut buffer = vec![0; kind::HEAD];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(read);
        let wanted = kind::HEAD.saturating_sub(head.len()).min(read.len());
        head.extend_from_slice(read.get(..wanted).unwrap_or_default());
    }
    Ok((Sha256::from_bytes(hasher.finalize().into()), head))
}
