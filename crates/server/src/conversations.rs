//! Beginning conversations and joining courses.

use crate::{
    access::{Action, Actor, Thing, may, refusal, refusal_of_pair},
    app::App,
    error::Error,
    store::{
        conversation::{self, Bars, Pair},
        course, erasure,
        feed::{Entry, Kind},
        person, tie,
    },
    ties::{add_enrolment, tell_presence},
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ConversationId, ErrorCode,
    conversation::Conversation,
    people::{Course, Role},
    rest::OpenConversation,
};
use std::sync::Arc;

/// The one conversation with a person, made where there is none.
pub(crate) async fn open(
    app: &Arc<App>,
    actor: Actor,
    asked: OpenConversation,
) -> Result<Conversation, Error> {
    let opened = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let conn = change.conn()?;
            erasure::refuse_deleted(conn, actor.person).await?;
            let other = person::get(conn, asked.with).await?;
            let other = other.ok_or_else(Error::not_found)?;
            if erasure::is_deleted(conn, other.id).await? {
                return Err(Error::not_found());
            }
            let (student, mentor) = match (actor.role, other.role) {
                (Role::Student, Role::Mentor) => (actor.person, other.id),
                (Role::Mentor, Role::Student) => (other.id, actor.person),
                _ => return Err(Error::not_found()),
            };
            let pair = Pair {
                student,
                mentor,
                course: asked.course,
            };
            let id = match conversation::find(conn, pair).await? {
                // What is there can be read, whatever is between the two by now.
                Some(id) => id,
                None => {
                    let bars = tie::between(conn, &pair).await?;
                    let thing = Thing::Pair { pair: &pair, bars };
                    if !may(actor, Action::Open, thing) {
                        return Err(refusal_of_pair(actor, &pair, bars));
                    }
                    find_or_make(change, pair).await?
                }
            };
            let view = conversation::view(change.conn()?, id, actor.person).await?;
            view.ok_or(Error::Broken("a conversation without its member"))
        }
        .boxed()
    });
    opened.await
}

/// A student joins a course by its code.
pub(crate) async fn enrol(app: &Arc<App>, actor: Actor, code: String) -> Result<Course, Error> {
    // Whose course it is makes no difference here.
    if !may(actor, Action::Enrol, Thing::Course(actor.person)) {
        return Err(refusal(actor, Action::Enrol, Error::forbidden()));
    }
    let enrolled = app.writer.write(Urgency::Usual, move |change| {
        async move {
            erasure::refuse_deleted(change.conn()?, actor.person).await?;
            let course = course::by_code(change.conn()?, code.trim()).await?;
            let course = course.ok_or_else(|| {
                Error::refused(ErrorCode::NotFound, "There is no course with this code.")
            })?;
            add_enrolment(change, actor.person, &course).await?;
            Ok(course)
        }
        .boxed()
    });
    enrolled.await
}

/// Adds a course and tells its mentor.
///
/// # Errors
/// Where the code is taken, or the database fails.
pub async fn add_course(
    change: &mut Change,
    course: &Course,
    code: Option<&str>,
) -> Result<(), Error> {
    let now = change.now();
    if let Some(code) = code
        && course::by_code(change.conn()?, code).await?.is_some()
    {
        return Err(Error::refused(
            ErrorCode::Conflict,
            "There is a course with this code.",
        ));
    }
    course::insert(change.conn()?, course, code, now).await?;
    let entry = Entry::new(Kind::Course, course.id, 0);
    change.feed(course.mentor, &[entry]).await
}

/// The one conversation of a pair; a new one is told to both, with who the other is.
///
/// # Errors
/// Where the database fails.
pub async fn find_or_make(change: &mut Change, pair: Pair) -> Result<ConversationId, Error> {
    let now = change.now();
    if let Some(id) = conversation::find(change.conn()?, pair).await? {
        return Ok(id);
    }
    let id = ConversationId::new();
    let bars = tie::between(change.conn()?, &pair).await?;
    conversation::insert(change.conn()?, id, pair, bars, now).await?;
    for (reader, other) in [(pair.student, pair.mentor), (pair.mentor, pair.student)] {
        let entries = [
            Entry::new(Kind::Person, other, 0),
            Entry::new(Kind::Conversation, id, 0),
        ];
        change.feed(reader, &entries).await?;
    }
    tell_presence(change, pair.student, pair.mentor, bars == Bars::NONE);
    Ok(id)
}
