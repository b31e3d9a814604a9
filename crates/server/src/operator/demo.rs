//! People, courses and conversations to try everything with.

use super::Operator;
use crate::{
    access::Actor,
    auth::accounts::{add_person, new_me},
    conversations::add_course,
    error::Error,
    messages::{self, Sending},
    store::{Store, course, person, status},
    ties::add_enrolment,
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ConversationId, CourseId, MessageId, PersonId,
    conversation::{MessageSend, NewMessage},
    people::{Availability, Course, Role, Status},
};

/// The password of all demo people.
pub const DEMO_PASSWORD: &str = "demo-password";

/// Somebody to try things as.
#[derive(Debug, Clone, Copy)]
pub struct DemoPerson {
    local: &'static str,
    /// The name shown.
    pub name: &'static str,
    /// The role.
    pub role: Role,
}

impl DemoPerson {
    const fn new(local: &'static str, name: &'static str, role: Role) -> Self {
        Self { local, name, role }
    }

    /// The address to sign in with.
    #[must_use]
    pub fn email(&self) -> String {
        address(self.local)
    }

    /// The role as a word.
    #[must_use]
    pub const fn role_name(&self) -> &'static str {
        match self.role {
            Role::Student => "student",
            Role::Mentor => "mentor",
            Role::Admin => "admin",
        }
    }
}

static PEOPLE: [DemoPerson; 7] = [
    DemoPerson::new("maya", "Maya Lindqvist", Role::Mentor),
    DemoPerson::new("ben", "Ben Okafor", Role::Mentor),
    DemoPerson::new("sam", "Sam Rivera", Role::Student),
    DemoPerson::new("lin", "Lin Zhao", Role::Student),
    DemoPerson::new("noor", "Noor Haddad", Role::Student),
    DemoPerson::new("tomas", "Tomás Vega", Role::Student),
    DemoPerson::new("ada", "Ada Berg", Role::Admin),
];

/// Title, code, the mentor, the students.
const COURSES: [(&str, &str, &str, &[&str]); 3] = [
    ("Algebra II", "ALGEBRA-2", "maya", &["sam", "noor"]),
    ("Rust for Beginners", "RUST-1", "maya", &["lin", "sam"]),
    ("Physics Lab", "PHYSICS-LAB", "ben", &["tomas", "noor"]),
];

/// Course, student, and what was said: by the student where the flag is true.
type Talk = (&'static str, &'static str, &'static [(bool, &'static str)]);

const TALKS: [Talk; 4] = [
    (
        "ALGEBRA-2",
        "sam",
        &[
            (true, "Hi Maya, I'm stuck on problem 7: x² − 5x + 6 = 0."),
            (
                false,
                "Hi Sam! Which two numbers multiply to 6 and add up to 5?",
            ),
            (true, "2 and 3?"),
            (
                false,
                "Exactly. So how can you write the left side as a product?",
            ),
            (
                true,
                "(x − 2)(x − 3) = 0, so x is 2 or 3. Oh, that was easier than I thought.",
            ),
            (
                false,
                "Nicely done. Try number 9 next, it has a minus in front of the 6.",
            ),
        ],
    ),
    (
        "ALGEBRA-2",
        "noor",
        &[
            (true, "Could we go over completing the square on Thursday?"),
            (
                false,
                "Of course. Bring the two examples from the worksheet, we start with those.",
            ),
        ],
    ),
    (
        "RUST-1",
        "lin",
        &[
            (
                true,
                "The compiler says \"borrow of moved value\". What did I move?",
            ),
            (false, "Paste the line with the for loop, please."),
            (
                true,
                "for word in words { count(word); }\nprintln!(\"{}\", words.len());",
            ),
            (
                false,
                "The loop takes words by value, so it is gone afterwards. Write `for word in &words` \
                 and it only borrows.",
            ),
            (true, "It compiles! Thank you."),
        ],
    ),
    (
        "PHYSICS-LAB",
        "tomas",
        &[
            (
                true,
                "My pendulum swings in 2.1 s, but the formula gives 2.0 s. Is that too far off?",
            ),
            (
                false,
                "What length did you measure, and from where to where?",
            ),
        ],
    ),
];

/// Adds what is not there yet; what people did with it since stays.
pub(super) async fn fill(operator: &Operator) -> Result<&'static [DemoPerson], Error> {
    for person in &PEOPLE {
        let hash = operator.passwords.hash(DEMO_PASSWORD.into()).await?;
        let me = new_me(person.email(), person.name.into(), person.role);
        let added = operator.writer.write(Urgency::Usual, move |change| {
            async move {
                let known = person::by_email(change.conn()?, &me.email).await?;
                if known.is_none() {
                    add_person(change, &me, &hash).await?;
                }
                Ok(())
            }
            .boxed()
        });
        added.await?;
    }
    let rest = operator.writer.write(Urgency::Usual, |change| {
        async move {
            courses(change).await?;
            greet(change).await
        }
        .boxed()
    });
    rest.await?;
    for talk in TALKS {
        say_all(operator, talk).await?;
    }
    Ok(&PEOPLE)
}

fn address(local: &str) -> String {
    format!("{local}@demo.example")
}

/// Whether a database has demo people.
pub(crate) async fn is_in(store: &Store) -> Result<bool, Error> {
    let mut reader = store.read().await?;
    for known in &PEOPLE {
        let found = person::by_email(&mut reader, &known.email()).await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn id_of(change: &mut Change, local: &str) -> Result<PersonId, Error> {
    let found = person::by_email(change.conn()?, &address(local)).await?;
    let found = found.ok_or(Error::Broken("a demo person is missing"))?;
    Ok(found.person.id)
}

async fn courses(change: &mut Change) -> Result<(), Error> {
    for (title, code, mentor, students) in COURSES {
        let mentor = id_of(change, mentor).await?;
        let known = course::by_code(change.conn()?, code).await?;
        let course = match known {
            Some(course) => course,
            None => {
                let course = Course {
                    id: CourseId::new(),
                    title: title.into(),
                    mentor,
                };
                add_course(change, &course, Some(code)).await?;
                course
            }
        };
        for student in students {
            let student = id_of(change, student).await?;
            add_enrolment(change, student, &course).await?;
        }
    }
    Ok(())
}

async fn say_all(operator: &Operator, (code, student, lines): Talk) -> Result<(), Error> {
    let begun = operator.writer.write(Urgency::Usual, move |change| {
        async move {
            let course = course::by_code(change.conn()?, code).await?;
            let course = course.ok_or(Error::Broken("a demo course is missing"))?;
            let student = id_of(change, student).await?;
            let id: ConversationId = add_enrolment(change, student, &course).await?;
            let begun = messages::any(change, id).await?;
            Ok((!begun).then_some((id, student, course.mentor, change.now())))
        }
        .boxed()
    });
    let Some((id, student, mentor, now)) = begun.await? else {
        return Ok(());
    };
    // As if it had been said just now, a minute apart.
    let count = i64::try_from(lines.len()).unwrap_or(0);
    for (minutes, (by_student, text)) in (0..).zip(lines) {
        let (person, role) = if *by_student {
            (student, Role::Student)
        } else {
            (mentor, Role::Mentor)
        };
        let actor = Actor {
            person,
            role,
            verified: true,
        };
        // Whoever answers has read what they answer.
        let read = operator.writer.write(Urgency::Usual, move |change| {
            async move { messages::read_up_to(change, actor, id, u64::MAX).await }.boxed()
        });
        read.await?;
        let at = now - (count - minutes) * 60_000;
        let item = NewMessage {
            id: MessageId::new(),
            text: (*text).into(),
            written_at: at,
            reply_to: None,
            files: Vec::new(),
        };
        let sending = Sending {
            actor,
            asked: MessageSend {
                conversation: id,
                items: vec![item],
            },
            at: Some(at),
            asker: None,
        };
        operator.writer.send(sending).await?;
    }
    Ok(())
}

async fn greet(change: &mut Change) -> Result<(), Error> {
    let since = change.now();
    for (mentor, message) in [("maya", "Happy to help with algebra and Rust"), ("ben", "")] {
        let status = Status {
            person: id_of(change, mentor).await?,
            availability: Availability::Available,
            message: message.into(),
            since,
        };
        status::set(change.conn()?, &status).await?;
    }
    Ok(())
}
