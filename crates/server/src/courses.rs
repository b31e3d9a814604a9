//! Who is in a course, and how they come into it: by its mentor or an admin, by a purchase, by its
//! code (see [`crate::conversations`]).

use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    auth::code::new_code,
    error::Error,
    input,
    store::{Connection, course, erasure, person, purchase},
    ties::{self, add_enrolment, nobody, remove_enrolment},
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    CourseId, ErrorCode, PersonId,
    courses::{AddStudent, AssignMentor, CourseCode, Purchase, Purchased, Roster},
    limits,
    people::{Course, Me, Person, Role},
};
use std::sync::Arc;

/// A course, if the asker may do this with it. Whose it is not does not learn that it is there.
pub(crate) async fn allowed(
    conn: &mut Connection,
    actor: Actor,
    action: Action,
    id: CourseId,
) -> Result<Course, Error> {
    let found = course::get(conn, id).await?;
    found
        .filter(|course| may(actor, action, Thing::Course(course.mentor)))
        .ok_or_else(Error::not_found)
}

/// Who is in a course, and its code.
pub(crate) async fn roster(
    conn: &mut Connection,
    actor: Actor,
    id: CourseId,
) -> Result<Roster, Error> {
    let course = allowed(conn, actor, Action::Run, id).await?;
    Ok(Roster {
        code: course::code(conn, id).await?,
        students: course::students(conn, id).await?,
        course,
    })
}

/// Gives a course a new code; the one before is worth nothing.
pub(crate) async fn renew_code(
    app: &Arc<App>,
    actor: Actor,
    id: CourseId,
) -> Result<CourseCode, Error> {
    let renewed = app.writer.write(Urgency::Usual, move |change| {
        async move {
            erasure::refuse_deleted(change.conn()?, actor.person).await?;
            let course = allowed(change.conn()?, actor, Action::Run, id).await?;
            let code = fresh(change).await?;
            course::set_code(change.conn()?, id, &code).await?;
            ties::tell_course(change, &course).await?;
            Ok(CourseCode { code })
        }
        .boxed()
    });
    renewed.await
}

/// A code that no course has.
async fn fresh(change: &mut Change) -> Result<String, Error> {
    loop {
        let code = new_code()?;
        if course::by_code(change.conn()?, &code).await?.is_none() {
            return Ok(code);
        }
    }
}

/// Puts a student into a course.
pub(crate) async fn add(
    app: &Arc<App>,
    actor: Actor,
    id: CourseId,
    asked: AddStudent,
) -> Result<Person, Error> {
    let email = input::email(&asked.email)?;
    let added = app.writer.write(Urgency::Usual, move |change| {
        async move {
            erasure::refuse_deleted(change.conn()?, actor.person).await?;
            let course = allowed(change.conn()?, actor, Action::Run, id).await?;
            let student = student_with(change, &email).await?;
            add_enrolment(change, student.person.id, &course).await?;
            Ok(student.person)
        }
        .boxed()
    });
    added.await
}

/// Takes a student out of a course.
pub(crate) async fn remove(
    app: &Arc<App>,
    actor: Actor,
    id: CourseId,
    student: PersonId,
) -> Result<(), Error> {
    let removed = app.writer.write(Urgency::Usual, move |change| {
        async move {
            erasure::refuse_deleted(change.conn()?, actor.person).await?;
            let course = allowed(change.conn()?, actor, Action::Run, id).await?;
            // Out is out, also for the second one who does it.
            remove_enrolment(change, student, &course).await?;
            Ok(())
        }
        .boxed()
    });
    removed.await
}

/// Enrols somebody who has bought it elsewhere.
pub(crate) async fn buy(app: &Arc<App>, actor: Actor, asked: Purchase) -> Result<Purchased, Error> {
    if !may(actor, Action::Assign, Thing::Assignments) {
        return Err(Error::forbidden());
    }
    let bought = app.writer.write(Urgency::Usual, move |change| {
        async move { record_purchase(change, &asked).await }.boxed()
    });
    bought.await
}

/// Records a purchase, once, and enrols its student.
///
/// # Errors
/// `invalid` where its number breaks a rule; `not_found` where there is no such student or course;
/// `id_reused` where the number stands for something else.
pub(crate) async fn record_purchase(
    change: &mut Change,
    asked: &Purchase,
) -> Result<Purchased, Error> {
    let number = input::line(&asked.id, limits::PURCHASE_CHARS)?;
    if number.is_empty() {
        return Err(Error::invalid("A purchase has a number."));
    }
    let email = input::email(&asked.student_email)?;
    let now = change.now();
    let course = course::get(change.conn()?, asked.course).await?;
    let course = course.ok_or_else(no_course)?;
    let student = student_with(change, &email).await?.person.id;
    let known = purchase::get(change.conn()?, &number).await?;
    match known {
        Some(known) if known != (student, course.id) => Err(Error::refused(
            ErrorCode::IdReused,
            "This purchase was recorded before, for somebody or something else.",
        )),
        // They may have been taken out of the course since: the same purchase does not undo that.
        Some(_) => {
            let conversation = ties::conversation_about(change, student, &course).await?;
            Ok(Purchased {
                conversation,
                new: false,
            })
        }
        None => {
            purchase::insert(change.conn()?, &number, student, course.id, now).await?;
            let conversation = add_enrolment(change, student, &course).await?;
            Ok(Purchased {
                conversation,
                new: true,
            })
        }
    }
}

/// Gives a student a mentor.
pub(crate) async fn assign(
    app: &Arc<App>,
    actor: Actor,
    student: PersonId,
    asked: AssignMentor,
) -> Result<(), Error> {
    if !may(actor, Action::Assign, Thing::Assignments) {
        return Err(Error::forbidden());
    }
    let assigned = app.writer.write(Urgency::Usual, move |change| {
        async move {
            ties::assign(change, Some(actor.person), student, asked.mentor).await?;
            Ok(())
        }
        .boxed()
    });
    assigned.await
}

pub(crate) fn no_course() -> Error {
    Error::refused(ErrorCode::NotFound, "There is no such course.")
}

async fn student_with(change: &mut Change, email: &str) -> Result<Me, Error> {
    let found = person::by_email(change.conn()?, email).await?;
    found
        .filter(|me| me.person.role == Role::Student)
        .ok_or_else(|| nobody(Role::Student))
}
