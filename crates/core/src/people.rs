//! Whom the person may talk to, mentors with their status, and courses.

use crate::session::{Context, Mail, OpenAccount};
use crate::store::{StoreError, course, person};
use im_contract::{
    ErrorKind, UiError,
    views::{CourseView, OwnStatus, PersonView},
};
use im_protocol::{
    limits,
    people::{Availability, Course, Person, Role, StatusSet},
    rest::{Enrol, People},
};
use tokio::sync::oneshot;

/// Whom the person may talk to, by name: as the server says now, or as it said last.
pub(crate) async fn list(context: &Context) -> Result<Vec<PersonView>, UiError> {
    if context.live.is_connected() {
        match context.rest.get::<People>("/v1/people").await {
            Ok(answer) => {
                let me = context.me;
                context
                    .store
                    .cache
                    .write(move |tx| {
                        let others: Vec<Person> = answer
                            .people
                            .into_iter()
                            .filter(|person| person.id != me)
                            .collect();
                        person::put_to_talk_to(tx, &others)
                    })
                    .await?;
            }
            Err(error) => tracing::debug!(%error, "people are shown as they were known last"),
        }
    }
    let people = context.store.cache.read(person::to_talk_to).await?;
    Ok(views(context, people))
}

/// All mentors, by name.
pub(crate) async fn mentors(context: &Context) -> Result<Vec<PersonView>, UiError> {
    let mentors = context
        .store
        .cache
        .read(|connection| person::by_role(connection, Role::Mentor))
        .await?;
    Ok(views(context, mentors))
}

/// The person's courses, by title.
pub(crate) async fn courses(context: &Context) -> Result<Vec<CourseView>, UiError> {
    let me = context.me;
    let courses = context
        .store
        .cache
        .read(move |connection| course::mine(connection, me))
        .await?;
    Ok(courses.into_iter().map(course_view).collect())
}

/// Enrols in a course by its code.
pub(crate) async fn enrol(open: &OpenAccount, code: String) -> Result<CourseView, UiError> {
    let code = code.trim().to_owned();
    if code.is_empty() {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "code"));
    }
    let context = &open.context;
    let course: Course = context
        .rest
        .post("/v1/courses/enrol", &Enrol { code })
        .await?;
    let stored = course.clone();
    context
        .store
        .cache
        .write(move |tx| course::put(tx, &stored))
        .await?;
    open.tell(Mail::Fetched(None)).await;
    Ok(course_view(course))
}

/// The signed-in person's own status, where it is known.
pub(crate) fn own_status(context: &Context) -> Option<OwnStatus> {
    context.live.own_status(context.me)
}

/// Sets the signed-in person's own status. Without a connection it is kept, and sent later.
pub(crate) async fn set_status(
    open: &OpenAccount,
    availability: Availability,
    message: &str,
) -> Result<(), UiError> {
    let message = message.trim().to_owned();
    if message.chars().count() > limits::STATUS_CHARS {
        return Err(UiError::new(ErrorKind::TooLong).with("limit", limits::STATUS_CHARS));
    }
    let status = StatusSet {
        availability,
        message,
    };
    let (reply, answer) = oneshot::channel();
    open.tell(Mail::Status(status, reply)).await;
    answer
        .await
        .map_err(|_| UiError::new(ErrorKind::SignInAgain))?
}

/// A person by id, as far as they are known; to be called within a read.
pub(crate) fn known_or_nameless(
    connection: &rusqlite::Connection,
    id: im_protocol::PersonId,
) -> Result<Person, StoreError> {
    // Facts about a person may come after those about their conversation.
    Ok(person::get(connection, id)?.unwrap_or(Person {
        id,
        name: String::new(),
        role: Role::Student,
    }))
}

/// A course as the UI sees it.
pub(crate) fn course_view(course: Course) -> CourseView {
    CourseView {
        id: course.id,
        title: course.title,
        mentor: course.mentor,
    }
}

fn views(context: &Context, people: Vec<Person>) -> Vec<PersonView> {
    people
        .into_iter()
        .map(|person| context.live.person(person))
        .collect()
}
