//! What a mentor writes to everybody in a course at once (`docs/adr/0027-bulk-messages.md`).
//!
//! The command keeps the words and who is to get them, in one transaction, and is answered. A task
//! then writes the messages, some at a time between what else waits for the writer: each student's
//! message and the note that they have it are one transaction, so that whatever is killed, nobody
//! is left out and nobody gets it twice.

use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    conversations::find_or_make,
    courses,
    dispatch::{Ctx, Table},
    error::Error,
    input,
    messages::own::{self, Own},
    rates::Rated,
    store::{
        Connection,
        bulk::{self, Accepted, Outcome},
        conversation::{self, Pair},
        course, erasure,
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    BulkId, CourseId, ErrorCode, PersonId,
    bulk::{Bulk, BulkSend, Bulks},
    conversation::Content,
    limits,
    people::Role,
};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Messages in one transaction: few enough that nobody who waits for the writer notices.
const CHUNK: u64 = 20;
/// How often it is looked without being told, and after a failure.
const LOOK: Duration = Duration::from_secs(5);
/// What is listed of a course.
const LISTED: u32 = 20;

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::ByLane, send);
}

/// Told when something is to be written.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

/// `message:bulk`.
async fn send(ctx: Ctx, asked: BulkSend) -> Result<Bulk, Error> {
    input::message(&asked.text)?;
    let actor = ctx.me().actor();
    let app = ctx.app.clone();
    let accepted = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move { accept(&app, change, actor, asked).await }.boxed()
    });
    let view = accepted.await?;
    ctx.app.bulk.0.notify_one();
    Ok(view)
}

async fn accept(
    app: &App,
    change: &mut Change,
    actor: Actor,
    asked: BulkSend,
) -> Result<Bulk, Error> {
    let now = change.now();
    let conn = change.conn()?;
    erasure::refuse_deleted(conn, actor.person).await?;
    let course = courses::allowed(conn, actor, Action::Announce, asked.course).await?;
    let digest = digest_of(&asked);
    match bulk::get(conn, asked.id).await? {
        Some(known) if known.author == actor.person && known.digest == digest => {}
        // The same words whosever it was: a foreign id reveals nothing.
        Some(_) => {
            return Err(Error::refused(
                ErrorCode::IdReused,
                "This id was used before for something else.",
            ));
        }
        None => {
            let students = course::students(conn, course.id).await?.len();
            if students == 0 {
                return Err(Error::refused(
                    ErrorCode::Conflict,
                    "There is nobody in this course yet.",
                ));
            }
            if students > limits::BULK_STUDENTS {
                return Err(Error::refused(
                    ErrorCode::TooLarge,
                    "There are too many students in this course to write to all of them at once.",
                ));
            }
            // Not where it is sent again.
            app.rates.bulk(actor.person)?;
            let bulk = Accepted {
                author: actor.person,
                course: course.id,
                text: asked.text,
                digest,
                written_at: asked.written_at,
                accepted_at: now,
            };
            bulk::insert(conn, asked.id, &bulk).await?;
        }
    }
    bulk::view(conn, asked.id).await
}

fn digest_of(asked: &BulkSend) -> String {
    let mut hasher = Sha256::new();
    hasher.update(asked.course.uuid().as_bytes());
    hasher.update(asked.written_at.to_be_bytes());
    hasher.update(asked.text.as_bytes());
    hex::encode(hasher.finalize())
}

/// What was written to a course.
pub(crate) async fn list(
    conn: &mut Connection,
    actor: Actor,
    course: CourseId,
) -> Result<Bulks, Error> {
    courses::allowed(conn, actor, Action::Announce, course).await?;
    let bulks = bulk::of_course(conn, course, LISTED).await?;
    Ok(Bulks { bulks })
}

/// The task that writes the messages.
pub(crate) struct Deliverer {
    app: Arc<App>,
}

impl Deliverer {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Runs until the server stops; what is left then is gone on with at the next start.
    pub(crate) async fn run(self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(async move {
            loop {
                match self.chunk().await {
                    Ok(true) => {}
                    Ok(false) => self.wait().await,
                    Err(error) => {
                        tracing::error!(error = %error, "a message to a course waits");
                        self.wait().await;
                    }
                }
            }
        })
        .await;
    }

    async fn wait(&self) {
        let told = self.app.bulk.0.notified();
        tokio::time::timeout(LOOK, told).await.ok();
    }

    /// Writes some of what waits. Says whether there was anything.
    async fn chunk(&self) -> Result<bool, Error> {
        let mut reader = self.app.store.read().await?;
        let waiting = bulk::waiting(&mut reader, CHUNK).await?;
        drop(reader);
        if waiting.is_empty() {
            return Ok(false);
        }
        let mut by_bulk: BTreeMap<BulkId, Vec<PersonId>> = BTreeMap::new();
        for (id, student) in waiting {
            by_bulk.entry(id).or_default().push(student);
        }
        for (id, students) in by_bulk {
            let written = self.app.writer.write(Urgency::Usual, move |change| {
                async move { deliver(change, id, students).await }.boxed()
            });
            written.await?;
        }
        Ok(true)
    }
}

/// Writes it to some students, and tells the author how far it is.
async fn deliver(change: &mut Change, id: BulkId, students: Vec<PersonId>) -> Result<(), Error> {
    let bulk = bulk::get(change.conn()?, id).await?;
    let bulk = bulk.ok_or(Error::Broken("a message to a course is missing"))?;
    for student in students {
        let outcome = if write_to(change, &bulk, student).await? {
            Outcome::Sent
        } else {
            Outcome::Refused
        };
        if !bulk::settle(change.conn()?, id, student, outcome).await? {
            // Another node was first: nothing of this is kept, and the rest is looked up again.
            return Err(Error::unavailable());
        }
    }
    let view = bulk::view(change.conn()?, id).await?;
    change.tell_person(bulk.author, view);
    Ok(())
}

/// Writes the message into a student's conversation. Says whether that may still be done.
async fn write_to(change: &mut Change, bulk: &Accepted, student: PersonId) -> Result<bool, Error> {
    let author = bulk.author;
    let pair = Pair {
        student,
        mentor: author,
        course: Some(bulk.course),
    };
    if erasure::is_deleted(change.conn()?, student).await? {
        return Ok(false);
    }
    let id = find_or_make(change, pair).await?;
    let conn = change.conn()?;
    let heads = conversation::heads(conn, id).await?;
    let heads = heads.ok_or(Error::Broken("a conversation is missing"))?;
    let actor = Actor {
        person: author,
        role: Role::Mentor,
        verified: true,
    };
    if !may(actor, Action::Write, Thing::Conversation(&heads)) {
        return Ok(false);
    }
    let own = Own {
        conversation: id,
        author,
        content: Content::Text {
            text: bulk.text.clone(),
        },
        written_at: bulk.written_at,
        news: true,
    };
    own::write(change, &heads, own).await?;
    Ok(true)
}
