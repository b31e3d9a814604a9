//! What an operator does: makes the first admin, invites, adds courses, enrols. The command line
//! does it beside a running server; tests and demos within one ([`crate::Running::operator`]).

pub(crate) mod demo;
pub(crate) mod moderation;

pub use demo::{DEMO_PASSWORD, DemoPerson};

use crate::{
    auth::{
        Passwords,
        accounts::{add_invitation, add_person, new_me},
        recovery::operator_code,
    },
    conversations::add_course,
    courses::{no_course, record_purchase},
    error::Error,
    input,
    store::{course, person},
    ties::{add_enrolment, assign, remove_enrolment},
    writer::{Change, Urgency, Writer},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ConversationId, CourseId, ErrorCode, PersonId,
    courses::{Purchase, Purchased},
    people::{Course, Me, Role},
    rest::Invitation,
};

/// Changes the database with an operator's rights. What connected clients should see reaches
/// those of this process at once, those of another within a quarter of a minute.
pub struct Operator {
    writer: Writer,
    passwords: Passwords,
}

impl Operator {
    /// An operator who writes through `writer`.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn new(writer: Writer) -> Result<Self, Error> {
        Ok(Self {
            writer,
            passwords: Passwords::new()?,
        })
    }

    /// Makes an account of any role.
    ///
    /// # Errors
    /// `invalid` where address, name or password break a rule; `conflict` where the address has an
    /// account.
    pub async fn add_person(
        &self,
        email: &str,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<PersonId, Error> {
        let email = input::email(email)?;
        let name = input::name(name)?;
        input::new_password(password)?;
        let hash = self.passwords.hash(password.to_owned()).await?;
        let me = new_me(email, name, role);
        let added = self.writer.write(Urgency::Usual, move |change| {
            async move {
                add_person(change, &me, &hash).await?;
                Ok(me.person.id)
            }
            .boxed()
        });
        added.await
    }

    /// Invites a mentor or an admin.
    ///
    /// # Errors
    /// `invalid` where the address breaks a rule; `conflict` where it has an account.
    pub async fn invite(&self, email: &str, role: Role) -> Result<Invitation, Error> {
        let email = input::email(email)?;
        if role == Role::Student {
            return Err(Error::invalid("Students register by themselves."));
        }
        let invited = self.writer.write(Urgency::Usual, move |change| {
            async move { add_invitation(change, email, role, None).await }.boxed()
        });
        invited.await
    }

    /// Makes a code with which a person sets a new password within half an hour.
    ///
    /// # Errors
    /// `not_found` where the address has no account.
    pub async fn reset_code(&self, email: &str) -> Result<String, Error> {
        let email = email.to_owned();
        let made = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let me = known_to_all(change, &email).await?;
                operator_code(change, &me).await
            }
            .boxed()
        });
        made.await
    }

    /// Adds a course; with a code students can enrol by themselves.
    ///
    /// # Errors
    /// `not_found` where there is no such mentor; `conflict` where the code is taken.
    pub async fn add_course(
        &self,
        title: &str,
        mentor_email: &str,
        code: Option<&str>,
    ) -> Result<CourseId, Error> {
        let title = input::name(title)?;
        let email = mentor_email.to_owned();
        let code = code.map(|code| code.trim().to_owned());
        let added = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let mentor = known(change, &email, Role::Mentor).await?;
                let course = Course {
                    id: CourseId::new(),
                    title,
                    mentor: mentor.person.id,
                };
                add_course(change, &course, code.as_deref()).await?;
                Ok(course.id)
            }
            .boxed()
        });
        added.await
    }

    /// Enrols a student in a course, known by its id or its code, and opens the conversation of
    /// the student with the course's mentor.
    ///
    /// # Errors
    /// `not_found` where there is no such course or student.
    pub async fn enrol(&self, course: &str, student_email: &str) -> Result<ConversationId, Error> {
        let (course, email) = (course.to_owned(), student_email.to_owned());
        let enrolled = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let student = known(change, &email, Role::Student).await?;
                let course = by_id_or_code(change, &course).await?;
                add_enrolment(change, student.person.id, &course).await
            }
            .boxed()
        });
        enrolled.await
    }

    /// Takes a student out of a course, known by its id or its code. Says whether they were in it.
    ///
    /// # Errors
    /// `not_found` where there is no such course or student.
    pub async fn unenrol(&self, course: &str, student_email: &str) -> Result<bool, Error> {
        let (course, email) = (course.to_owned(), student_email.to_owned());
        let removed = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let student = known(change, &email, Role::Student).await?;
                let course = by_id_or_code(change, &course).await?;
                remove_enrolment(change, student.person.id, &course).await
            }
            .boxed()
        });
        removed.await
    }

    /// Gives a student a mentor in place of whoever was; none takes the assignment away.
    ///
    /// # Errors
    /// `not_found` where there is no such student or mentor.
    pub async fn assign(
        &self,
        student_email: &str,
        mentor_email: Option<&str>,
    ) -> Result<Option<ConversationId>, Error> {
        let student = student_email.to_owned();
        let mentor = mentor_email.map(ToOwned::to_owned);
        let assigned = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let student = known(change, &student, Role::Student).await?.person.id;
                let mentor = match mentor {
                    Some(email) => Some(known(change, &email, Role::Mentor).await?.person.id),
                    None => None,
                };
                assign(change, None, student, mentor).await
            }
            .boxed()
        });
        assigned.await
    }

    /// Enrols a student who has bought a course elsewhere; the same purchase again changes nothing.
    ///
    /// # Errors
    /// `not_found` where there is no such course or student; `id_reused` where the purchase's number
    /// stands for something else.
    pub async fn record_purchase(
        &self,
        number: &str,
        course: &str,
        student_email: &str,
    ) -> Result<Purchased, Error> {
        let (id, course) = (number.to_owned(), course.to_owned());
        let student_email = student_email.to_owned();
        let recorded = self.writer.write(Urgency::Usual, move |change| {
            async move {
                let asked = Purchase {
                    id,
                    student_email,
                    course: by_id_or_code(change, &course).await?.id,
                };
                record_purchase(change, &asked).await
            }
            .boxed()
        });
        recorded.await
    }

    /// Adds people, courses and conversations to try everything with, as far as they are not there
    /// yet. Their password is known to everybody.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn fill_with_demo(&self) -> Result<&'static [DemoPerson], Error> {
        demo::fill(self).await
    }
}

/// A person with an address.
async fn known_to_all(change: &mut Change, email: &str) -> Result<Me, Error> {
    let email = input::email(email)?;
    let found = person::by_email(change.conn()?, &email).await?;
    found.ok_or_else(|| {
        let words = "There is nobody with this e-mail address.";
        Error::refused(ErrorCode::NotFound, words)
    })
}

/// A person with an address and a role.
async fn known(change: &mut Change, email: &str, role: Role) -> Result<Me, Error> {
    let email = input::email(email)?;
    let found = person::by_email(change.conn()?, &email).await?;
    found.filter(|me| me.person.role == role).ok_or_else(|| {
        let wanted = match role {
            Role::Student => "student",
            Role::Mentor => "mentor",
            Role::Admin => "admin",
        };
        Error::refused(
            ErrorCode::NotFound,
            format!("There is no {wanted} with this e-mail address."),
        )
    })
}

async fn by_id_or_code(change: &mut Change, text: &str) -> Result<Course, Error> {
    let conn = change.conn()?;
    let found = match text.parse() {
        Ok(id) => course::get(conn, id).await?,
        Err(_) => course::by_code(conn, text).await?,
    };
    found.ok_or_else(no_course)
}
