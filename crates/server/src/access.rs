//! Who may do what: decided here and nowhere else, for every event and route.

use crate::{
    error::Error,
    store::conversation::{Bars, Heads, Pair},
};
use im_protocol::{PersonId, moderation::may_be_suspended, people::Role};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub person: PersonId,
    /// Their role.
    pub role: Role,
    /// Whether their address is known to be theirs, or this server does not want that.
    pub verified: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Begin a conversation.
    Open,
    /// Read messages.
    Read,
    /// Write messages, and call.
    Write,
    /// Give a message other words, or take it back.
    Change,
    /// Give an emoji to a message.
    React,
    /// Move the own read marker.
    MarkRead,
    /// Join a course by its code.
    Enrol,
    /// See who is in a course, put students into it and take them out, give it another code.
    Run,
    /// Write to everybody in a course at once.
    Announce,
    /// Give a student a mentor, and record what was bought.
    Assign,
    /// Hear nothing from somebody.
    Block,
    /// Tell those who run the place of somebody.
    Report,
    /// Deal with reports, remove messages, read what was done.
    Moderate,
    /// Keep somebody out.
    Suspend,
    /// Say how available one is.
    SetStatus,
    /// Invite somebody.
    Invite,
    /// End a sign-in.
    EndSession,
}

/// What it is asked of, with what has to be known of it.
#[derive(Debug, Clone, Copy)]
pub enum Thing<'a> {
    /// A conversation that is there.
    Conversation(&'a Heads),
    /// A message that is there.
    Message {
        /// Of which conversation.
        heads: &'a Heads,
        /// Who wrote it.
        author: PersonId,
    },
    /// A conversation that is to be made.
    Pair {
        /// Between whom.
        pair: &'a Pair,
        /// What is between the two.
        bars: Bars,
    },
    /// A course, by who teaches it.
    Course(PersonId),
    /// Who is with whom.
    Assignments,
    /// Somebody whom one knows of, with their role.
    Person(PersonId, Role),
    /// What was reported and done.
    Moderation,
    /// One's own status.
    Status,
    /// An invitation as this role.
    Invitation(Role),
    /// A sign-in of this person.
    Session(PersonId),
}

/// Whether a person may do something with a thing. What is not allowed here is not allowed.
#[must_use]
pub fn may(actor: Actor, action: Action, thing: Thing<'_>) -> bool {
    if is_held(actor, action) {
        return false;
    }
    match (action, thing) {
        (Action::Write, Thing::Conversation(heads)) => is_open(heads, actor),
        (Action::Read | Action::MarkRead, Thing::Conversation(heads)) => heads.has(actor.person),
        (Action::Read, Thing::Message { heads, .. }) => heads.has(actor.person),
        (Action::React, Thing::Message { heads, .. }) => is_open(heads, actor),
        (Action::Change, Thing::Message { heads, author }) => {
            is_open(heads, actor) && author == actor.person
        }
        (Action::Open, Thing::Pair { pair, bars }) => {
            let takes_part = match actor.role {
                Role::Student => pair.student == actor.person,
                Role::Mentor => pair.mentor == actor.person,
                Role::Admin => false,
            };
            takes_part && bars == Bars::NONE
        }
        (Action::Enrol, Thing::Course(_)) => actor.role == Role::Student,
        (Action::Run, Thing::Course(mentor)) => actor.role == Role::Admin || teaches(actor, mentor),
        (Action::Announce, Thing::Course(mentor)) => teaches(actor, mentor),
        (Action::Assign, Thing::Assignments) => actor.role == Role::Admin,
        // Who runs the place can be reported to others who do, and is heard.
        (Action::Block, Thing::Person(other, role)) => {
            other != actor.person && role != Role::Admin && actor.role != Role::Admin
        }
        (Action::Report, Thing::Person(other, _)) => other != actor.person,
        (Action::Moderate, Thing::Moderation) => actor.role == Role::Admin,
        (Action::Suspend, Thing::Person(other, role)) => {
            actor.role == Role::Admin && other != actor.person && may_be_suspended(role)
        }
        (Action::SetStatus, Thing::Status) => actor.role == Role::Mentor,
        (Action::Invite, Thing::Invitation(role)) => {
            actor.role == Role::Admin && role != Role::Student
        }
        (Action::EndSession, Thing::Session(owner)) => owner == actor.person,
        _ => false,
    }
}

/// Whether something is written there: by one of the two, with nothing between them.
fn is_open(heads: &Heads, actor: Actor) -> bool {
    heads.has(actor.person) && heads.closed_for(actor.person).is_none()
}

fn teaches(actor: Actor, mentor: PersonId) -> bool {
    actor.role == Role::Mentor && actor.person == mentor
}

/// Whether this waits until a student has shown that their address is theirs.
fn is_held(actor: Actor, action: Action) -> bool {
    let reaches_others = matches!(
        action,
        Action::Open | Action::Write | Action::Change | Action::React | Action::Enrol
    );
    actor.role == Role::Student && !actor.verified && reaches_others
}

/// What is told to somebody who [`may`] not do this in a conversation, which may not be there.
#[must_use]
pub fn refusal_in(actor: Actor, action: Action, heads: Option<&Heads>) -> Error {
    match heads {
        // Whose it is not does not learn that it is there.
        Some(heads) if heads.has(actor.person) => match heads.closed_for(actor.person) {
            Some(why) => Error::closed(why),
            None => refusal(actor, action, Error::not_found()),
        },
        _ => refusal(actor, action, Error::not_found()),
    }
}

/// What is told to somebody who [`may`] not do this with a message of a conversation.
#[must_use]
pub fn refusal_of_message(actor: Actor, action: Action, heads: &Heads) -> Error {
    if heads.has(actor.person) && heads.closed_for(actor.person).is_none() {
        // They see it: that it is there is no secret.
        return refusal(actor, action, Error::forbidden());
    }
    refusal_in(actor, action, Some(heads))
}

/// What is told to somebody who [`may`] not begin a conversation: whom nothing ties them to they do
/// not learn about.
#[must_use]
pub fn refusal_of_pair(actor: Actor, pair: &Pair, bars: Bars) -> Error {
    let otherwise = match bars.closed_for(pair.student == actor.person) {
        Some(why) if !bars.has(Bars::UNTIED) => Error::closed(why),
        _ => Error::not_found(),
    };
    refusal(actor, Action::Open, otherwise)
}

/// What is told to somebody who [`may`] not: what they can do something about goes first. It is the
/// same whatever the thing is, so that it tells nothing of it.
#[must_use]
pub fn refusal(actor: Actor, action: Action, otherwise: Error) -> Error {
    if is_held(actor, action) {
        Error::unverified()
    } else {
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::ErrorCode;
    use std::collections::BTreeSet;

    const ACTIONS: [Action; 17] = [
        Action::Open,
        Action::Read,
        Action::Write,
        Action::Change,
        Action::React,
        Action::MarkRead,
        Action::Enrol,
        Action::Run,
        Action::Announce,
        Action::Assign,
        Action::Block,
        Action::Report,
        Action::Moderate,
        Action::Suspend,
        Action::SetStatus,
        Action::Invite,
        Action::EndSession,
    ];

    /// What may be between two who have a conversation.
    const TIES: [(&str, bool, Bars); 7] = [
        ("tied", false, Bars::NONE),
        ("untied", false, Bars::UNTIED),
        ("blocked by Sam", false, Bars::STUDENT_BLOCKS),
        ("blocked by Maya", false, Bars::MENTOR_BLOCKS),
        ("Sam suspended", false, Bars::STUDENT_SUSPENDED),
        ("Maya suspended", false, Bars::MENTOR_SUSPENDED),
        ("one of them deleted", true, Bars::NONE),
    ];

    /// Every role with every action on every thing under every tie: allowed is what this table
    /// says, word for word, and nothing else.
    #[test]
    fn the_table_of_who_may_do_what() {
        let ids: Vec<_> = (0..6).map(|_| PersonId::new()).collect();
        let [sam, maya, ada, lin, ben, new] = ids[..] else {
            unreachable!()
        };
        let pair = Pair {
            student: sam,
            mentor: maya,
            course: None,
        };
        let people = [
            ("Sam the student", sam, Role::Student, true),
            ("Sam, not verified yet", sam, Role::Student, false),
            ("Lin, a student outside", lin, Role::Student, true),
            ("Maya the mentor", maya, Role::Mentor, true),
            ("Ben, a mentor outside", ben, Role::Mentor, true),
            ("Ada the admin", ada, Role::Admin, true),
            ("Nina, a new student", new, Role::Student, false),
        ];
        let mut allowed = BTreeSet::new();
        for (tie, gone, bars) in TIES {
            let heads = Heads {
                pair,
                seq: 0,
                rev: 0,
                gone,
                bars,
            };
            let message = |author| Thing::Message {
                heads: &heads,
                author,
            };
            let things = [
                (format!("conversation ({tie})"), Thing::Conversation(&heads)),
                (format!("Sam's message ({tie})"), message(sam)),
                (format!("Maya's message ({tie})"), message(maya)),
                (format!("pair ({tie})"), Thing::Pair { pair: &pair, bars }),
                ("Maya's course".to_owned(), Thing::Course(maya)),
                ("assignments".to_owned(), Thing::Assignments),
                ("Sam himself".to_owned(), Thing::Person(sam, Role::Student)),
                ("Maya herself".to_owned(), Thing::Person(maya, Role::Mentor)),
                ("Ada herself".to_owned(), Thing::Person(ada, Role::Admin)),
                ("moderation".to_owned(), Thing::Moderation),
                ("own status".to_owned(), Thing::Status),
                (
                    "a student's invitation".to_owned(),
                    Thing::Invitation(Role::Student),
                ),
                (
                    "a mentor's invitation".to_owned(),
                    Thing::Invitation(Role::Mentor),
                ),
                (
                    "an admin's invitation".to_owned(),
                    Thing::Invitation(Role::Admin),
                ),
                ("Sam's sign-in".to_owned(), Thing::Session(sam)),
                ("Maya's sign-in".to_owned(), Thing::Session(maya)),
            ];
            for (name, person, role, verified) in people {
                let actor = Actor {
                    person,
                    role,
                    verified,
                };
                for action in ACTIONS {
                    for (what, thing) in &things {
                        // A pair is made where there is no conversation that could be gone.
                        let of_gone = gone && matches!(thing, Thing::Pair { .. });
                        if !of_gone && may(actor, action, *thing) {
                            allowed.insert(format!("{name}: {action:?} {what}"));
                        }
                    }
                }
            }
        }
        let mut wanted = BTreeSet::new();
        // What one of the two may do with what is theirs, while nothing is between them.
        for line in [
            "Sam the student: Open pair (tied)",
            "Sam the student: Write conversation (tied)",
            "Sam the student: Change Sam's message (tied)",
            "Sam the student: React Sam's message (tied)",
            "Sam the student: React Maya's message (tied)",
            "Maya the mentor: Open pair (tied)",
            "Maya the mentor: Write conversation (tied)",
            "Maya the mentor: Change Maya's message (tied)",
            "Maya the mentor: React Sam's message (tied)",
            "Maya the mentor: React Maya's message (tied)",
            "Sam the student: Enrol Maya's course",
            "Lin, a student outside: Enrol Maya's course",
            "Maya the mentor: Run Maya's course",
            "Ada the admin: Run Maya's course",
            "Maya the mentor: Announce Maya's course",
            "Ada the admin: Assign assignments",
            "Ada the admin: Moderate moderation",
            "Ada the admin: Suspend Sam himself",
            "Ada the admin: Suspend Maya herself",
            "Ada the admin: Report Sam himself",
            "Ada the admin: Report Maya herself",
            "Maya the mentor: SetStatus own status",
            "Ben, a mentor outside: SetStatus own status",
            "Ada the admin: Invite a mentor's invitation",
            "Ada the admin: Invite an admin's invitation",
            "Sam the student: EndSession Sam's sign-in",
            "Sam, not verified yet: EndSession Sam's sign-in",
            "Maya the mentor: EndSession Maya's sign-in",
        ] {
            wanted.insert(line.to_owned());
        }
        // Everybody can keep anybody away whom they know, and tell of them; but themselves, and whoever
        // runs the place is heard.
        for (name, person, role, _) in people {
            for (whom, other) in [("Sam himself", sam), ("Maya herself", maya)] {
                if person != other && role != Role::Admin {
                    wanted.insert(format!("{name}: Block {whom}"));
                    wanted.insert(format!("{name}: Report {whom}"));
                }
            }
            if person != ada {
                wanted.insert(format!("{name}: Report Ada herself"));
            }
        }
        // Whatever is between them, what was said can be read.
        for (tie, ..) in TIES {
            for name in [
                "Sam the student",
                "Sam, not verified yet",
                "Maya the mentor",
            ] {
                for what in [
                    "Read conversation",
                    "MarkRead conversation",
                    "Read Sam's message",
                    "Read Maya's message",
                ] {
                    wanted.insert(format!("{name}: {what} ({tie})"));
                }
            }
        }
        assert_eq!(allowed, wanted);
    }

    #[test]
    fn each_hears_why_as_far_as_they_may_know() {
        let (sam, maya, lin) = (PersonId::new(), PersonId::new(), PersonId::new());
        let pair = Pair {
            student: sam,
            mentor: maya,
            course: None,
        };
        let code = |person, role, gone, bars| {
            let actor = Actor {
                person,
                role,
                verified: true,
            };
            let heads = Heads {
                pair,
                seq: 0,
                rev: 0,
                gone,
                bars,
            };
            let there = refusal_in(actor, Action::Write, Some(&heads))
                .to_wire()
                .code;
            let message = refusal_of_message(actor, Action::Change, &heads);
            let message = message.to_wire().code;
            let new = refusal_of_pair(actor, &pair, bars).to_wire().code;
            (there, new, message)
        };
        let (student, mentor) = (Role::Student, Role::Mentor);
        let none = Bars::NONE;
        let untied = (ErrorCode::Untied, ErrorCode::NotFound, ErrorCode::Untied);
        let blocked = (ErrorCode::Blocked, ErrorCode::Blocked, ErrorCode::Blocked);
        let away = (
            ErrorCode::Unreachable,
            ErrorCode::Unreachable,
            ErrorCode::Unreachable,
        );
        let closed = code(sam, student, true, none);
        assert_eq!((closed.0, closed.2), (ErrorCode::Closed, ErrorCode::Closed));
        // Whose it is not, where nothing else is in the way.
        let forbidden = code(sam, student, false, none).2;
        assert_eq!(forbidden, ErrorCode::Forbidden);
        assert_eq!(code(sam, student, false, Bars::UNTIED), untied);
        assert_eq!(code(maya, mentor, false, Bars::UNTIED), untied);
        assert_eq!(code(sam, student, false, Bars::STUDENT_BLOCKS), blocked);
        assert_eq!(code(maya, mentor, false, Bars::STUDENT_BLOCKS), away);
        assert_eq!(code(maya, mentor, false, Bars::STUDENT_SUSPENDED), away);
        assert_eq!(code(sam, student, false, Bars::MENTOR_BLOCKS), away);
        // Who is neither of the two does not even learn that it is there.
        let foreign = code(lin, student, false, Bars::UNTIED);
        assert_eq!(
            (foreign.0, foreign.2),
            (ErrorCode::NotFound, ErrorCode::NotFound)
        );
    }

    #[test]
    fn who_is_held_hears_what_to_do_whatever_the_thing_is() {
        let actor = |verified| Actor {
            person: PersonId::new(),
            role: Role::Student,
            verified,
        };
        let code = |verified, action| {
            let told = refusal(actor(verified), action, Error::not_found());
            told.to_wire().code
        };
        assert_eq!(code(false, Action::Write), ErrorCode::Unverified);
        assert_eq!(code(false, Action::Read), ErrorCode::NotFound);
        assert_eq!(code(true, Action::Write), ErrorCode::NotFound);
    }
}
