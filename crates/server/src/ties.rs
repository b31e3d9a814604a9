//! What ties people, and what follows where it changes: conversations open and close, devices hear
//! of it at once, calls end. `docs/adr/0026-ties-and-bars.md` tells the rules.

use crate::{
    calls,
    conversations::find_or_make,
    error::Error,
    store::{
        audit::{self, Done},
        conversation::{self, Bars, Pair},
        course, erasure,
        feed::{Entry, Kind},
        person, tie,
    },
    writer::Change,
};
use im_protocol::{
    ConversationId, ErrorCode, PersonId,
    moderation::AuditAction,
    people::{Course, Person, Presence, Role},
};

/// Notes what is between a person and another one (or everybody) in their conversations, and tells
/// both. To be called after anything that [`tie`] reads has changed.
///
/// # Errors
/// Where the database fails.
pub async fn settle(
    change: &mut Change,
    person: PersonId,
    other: Option<PersonId>,
) -> Result<(), Error> {
    for changed in tie::changed(change.conn()?, person, other).await? {
        conversation::set_bars(change.conn()?, changed.id, changed.bars).await?;
        let entry = [Entry::new(Kind::Conversation, changed.id, changed.rev)];
        let open = changed.bars == Bars::NONE;
        for reader in [changed.student, changed.mentor] {
            change.feed(reader, &entry).await?;
        }
        tell_presence(change, changed.student, changed.mentor, open);
        if !open {
            calls::end_in(change, changed.id, changed.student).await?;
        }
    }
    Ok(())
}

/// Whom one may talk to one sees coming and going, and nobody else: tells each of two whether the
/// other is there, as far as they may know.
pub fn tell_presence(change: &mut Change, one: PersonId, other: PersonId, open: bool) {
    for (reader, person) in [(one, other), (other, one)] {
        change.after(move |hub| {
            let online = open && hub.has_person(person);
            hub.tell_person(reader, &Presence { person, online });
        });
    }
}

/// Enrols a student and opens the conversation with the mentor, so that each appears with the
/// other at once.
///
/// # Errors
/// Where the database fails.
pub async fn add_enrolment(
    change: &mut Change,
    student: PersonId,
    course: &Course,
) -> Result<ConversationId, Error> {
    let now = change.now();
    let new = course::enrol(change.conn()?, student, course.id, now).await?;
    let id = conversation_about(change, student, course).await?;
    if new {
        tell_roster(change, student, course).await?;
    }
    Ok(id)
}

/// The conversation of a student with the mentor of a course about it.
///
/// # Errors
/// Where the database fails.
pub async fn conversation_about(
    change: &mut Change,
    student: PersonId,
    course: &Course,
) -> Result<ConversationId, Error> {
    let pair = Pair {
        student,
        mentor: course.mentor,
        course: Some(course.id),
    };
    find_or_make(change, pair).await
}

/// A student has come into a course, or has left it.
async fn tell_roster(change: &mut Change, student: PersonId, course: &Course) -> Result<(), Error> {
    settle(change, student, Some(course.mentor)).await?;
    let entry = [Entry::new(Kind::Course, course.id, 0)];
    change.feed(student, &entry).await?;
    tell_course(change, course).await
}

/// The mentor's devices read a course anew.
///
/// # Errors
/// Where the database fails.
pub async fn tell_course(change: &mut Change, course: &Course) -> Result<(), Error> {
    let entry = [Entry::new(Kind::Course, course.id, 0)];
    change.feed(course.mentor, &entry).await
}

/// Takes a student out of a course: what was said about it can still be read. Says whether they
/// were in it.
///
/// # Errors
/// Where the database fails.
pub async fn remove_enrolment(
    change: &mut Change,
    student: PersonId,
    course: &Course,
) -> Result<bool, Error> {
    if !course::leave(change.conn()?, student, course.id).await? {
        return Ok(false);
    }
    tell_roster(change, student, course).await?;
    Ok(true)
}

/// Gives a student a mentor in place of whoever was, and opens their conversation; none takes the
/// assignment away. `actor` is none for the operator.
///
/// # Errors
/// `not_found` where they are not a student and a mentor; where the database fails.
pub async fn assign(
    change: &mut Change,
    actor: Option<PersonId>,
    student: PersonId,
    mentor: Option<PersonId>,
) -> Result<Option<ConversationId>, Error> {
    known(change, student, Role::Student).await?;
    if let Some(mentor) = mentor {
        known(change, mentor, Role::Mentor).await?;
    }
    let now = change.now();
    let before = tie::assigned(change.conn()?, student).await?;
    if before != mentor {
        tie::assign(change.conn()?, student, mentor, now).await?;
        let done = Done {
            actor,
            action: AuditAction::Assign,
            subject: Some(student),
            thing: mentor.map(|id| id.to_string()).unwrap_or_default(),
            reason: "",
        };
        audit::note(change.conn()?, &done, now).await?;
    }
    let Some(mentor) = mentor else {
        settle(change, student, before).await?;
        return Ok(None);
    };
    let pair = Pair {
        student,
        mentor,
        course: None,
    };
    let id = find_or_make(change, pair).await?;
    // Both: who was assigned before loses the tie, unless there is another one.
    settle(change, student, None).await?;
    Ok(Some(id))
}

/// Somebody of this role who is there and has not gone for good.
///
/// # Errors
/// `not_found` where there is no such person; where the database fails.
pub async fn known(change: &mut Change, id: PersonId, role: Role) -> Result<Person, Error> {
    let conn = change.conn()?;
    let found = person::get(conn, id).await?.filter(|one| one.role == role);
    let found = found.ok_or_else(|| nobody(role))?;
    if erasure::is_deleted(conn, id).await? {
        return Err(nobody(role));
    }
    Ok(found)
}

/// There is nobody of this role there.
#[must_use]
pub fn nobody(role: Role) -> Error {
    let sentence = match role {
        Role::Student => "There is no such student.",
        Role::Mentor => "There is no such mentor.",
        Role::Admin => "There is no such administrator.",
    };
    Error::refused(ErrorCode::NotFound, sentence)
}
