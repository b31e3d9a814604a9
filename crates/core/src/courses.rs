//! A course as its mentor sees it: who is in it, asked of the server each time since students come
//! and go by themselves; and what is written to all of them at once.

use crate::{
    messages::check,
    people::course_view,
    rest::RestError,
    session::{Context, Mail, OpenAccount},
    store::bulk::{self, BulkRow},
};
use im_contract::{
    ErrorKind, UiError,
    courses::{
        AddStudentArgs, AnnounceArgs, AnnouncementView, CourseStudentArgs, ReachView, RosterView,
    },
    views::PersonView,
};
use im_protocol::{
    BulkId, CourseId, ErrorCode,
    bulk::Bulks,
    command::Done,
    courses::{AddStudent, CourseCode, Roster},
    people::Person,
};
use rusqlite::{Connection, Transaction};

/// A course with its code and its students.
///
/// # Errors
/// Where the server cannot be asked, or the course is not one of the person's own.
pub(crate) async fn roster(context: &Context, course: CourseId) -> Result<RosterView, UiError> {
    let path = format!("/v1/courses/{course}");
    let told = context.rest.get::<Roster>(&path).await;
    let told = told.map_err(|error| failed(&error))?;
    let students = told.students.into_iter();
    Ok(RosterView {
        course: course_view(told.course),
        code: told.code,
        students: students.map(|one| context.live.person(one)).collect(),
    })
}

/// Gives it another code; the one before is worth nothing. Gives the course as it is then.
///
/// # Errors
/// As [`roster`].
pub(crate) async fn renew_code(context: &Context, course: CourseId) -> Result<RosterView, UiError> {
    let path = format!("/v1/courses/{course}/code");
    let renewed = context.rest.post::<CourseCode>(&path, &Done {}).await;
    renewed.map_err(|error| failed(&error))?;
    roster(context, course).await
}

/// Puts a student into it.
///
/// # Errors
/// `invalid` with the field `email` where nobody has that address; else as [`roster`].
pub(crate) async fn add(context: &Context, args: AddStudentArgs) -> Result<PersonView, UiError> {
    let path = format!("/v1/courses/{}/students", args.course);
    let asked = AddStudent {
        email: args.email.trim().to_owned(),
    };
    match context.rest.post::<Person>(&path, &asked).await {
        Ok(student) => Ok(context.live.person(student)),
        Err(RestError::Refused(error))
            if matches!(error.code, ErrorCode::Invalid | ErrorCode::NotFound) =>
        {
            Err(UiError::new(ErrorKind::Invalid).with("field", "student"))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Takes a student out of it.
///
/// # Errors
/// As [`roster`].
pub(crate) async fn remove(context: &Context, args: CourseStudentArgs) -> Result<(), UiError> {
    let path = format!("/v1/courses/{}/students/{}", args.course, args.student);
    let done = context.rest.delete::<Done>(&path).await;
    done.map(drop).map_err(|error| failed(&error))
}

/// Writes to everybody in a course: it is on disk when this answers.
///
/// # Errors
/// Where the words break a rule, or the disk refuses.
pub(crate) async fn announce(open: &OpenAccount, args: AnnounceArgs) -> Result<(), UiError> {
    check(&args.text)?;
    let row = BulkRow {
        id: BulkId::new(),
        course: args.course,
        text: args.text,
        written_at: open.context.clock.now(),
        error: None,
    };
    let write = move |tx: &Transaction<'_>| {
        bulk::add(tx, &row)?;
        bulk::waiting(tx)
    };
    let waiting = open.context.store.take(write).await?;
    open.tell(Mail::Announced(waiting)).await;
    Ok(())
}

/// What was written to a course, newest first: what is unsent, then what the server knows of, as far
/// as it can be asked.
///
/// # Errors
/// Where the disk refuses, or the server does.
pub(crate) async fn announcements(
    context: &Context,
    course: CourseId,
) -> Result<Vec<AnnouncementView>, UiError> {
    let read = move |connection: &Connection| bulk::of_course(connection, course);
    // Before the server's: what it accepts meanwhile would be in neither.
    let unsent = context.store.outbox.read(read).await?;
    let path = format!("/v1/courses/{course}/bulk");
    let known = match context.rest.get::<Bulks>(&path).await {
        Ok(told) => told.bulks,
        Err(RestError::Refused(error)) => return Err(UiError::from(&error)),
        Err(error) => {
            tracing::debug!(%error, "only what is unsent is shown of a course");
            Vec::new()
        }
    };
    let unsent = unsent
        .into_iter()
        .rev()
        .filter(|row| known.iter().all(|one| one.id != row.id))
        .map(|row| AnnouncementView {
            id: row.id,
            text: row.text,
            at: row.written_at,
            reach: None,
            error: row.error.as_ref().map(|error| match error.code {
                ErrorCode::Conflict => UiError::new(ErrorKind::NobodyInCourse),
                _ => UiError::from(error),
            }),
        });
    let known = known.iter().map(|one| AnnouncementView {
        id: one.id,
        text: one.text.clone(),
        at: one.accepted_at,
        reach: Some(ReachView {
            total: one.total,
            sent: one.sent,
            refused: one.refused,
        }),
        error: None,
    });
    Ok(unsent.chain(known).collect())
}

/// Tries again what the server refused.
///
/// # Errors
/// `not_found` where it is not there; where the disk refuses.
pub(crate) async fn retry(open: &OpenAccount, id: BulkId) -> Result<(), UiError> {
    let write = move |tx: &Transaction<'_>| {
        let there = bulk::set_error(tx, id, None)?;
        Ok(there.then_some(bulk::waiting(tx)?))
    };
    changed(open, open.context.store.outbox.write(write).await?).await
}

/// Throws it away.
///
/// # Errors
/// `not_found` where it is not there, or was not refused; where the disk refuses.
pub(crate) async fn discard(open: &OpenAccount, id: BulkId) -> Result<(), UiError> {
    let write = move |tx: &Transaction<'_>| {
        let gone = bulk::discard(tx, id)?;
        Ok(gone.then_some(bulk::waiting(tx)?))
    };
    changed(open, open.context.store.outbox.write(write).await?).await
}

async fn changed(open: &OpenAccount, waiting: Option<u32>) -> Result<(), UiError> {
    let waiting = waiting.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
    open.tell(Mail::Announced(waiting)).await;
    Ok(())
}

/// The address was good at the sign-in: who cannot reach it now is not connected.
pub(crate) fn failed(error: &RestError) -> UiError {
    match error {
        RestError::Unreachable => UiError::new(ErrorKind::NotConnected),
        error => error.into(),
    }
}
