//! Who may do what: decided here and nowhere else, for every event and route.

use crate::{
    error::Error,
    store::conversation::{Heads, Pair},
};
use im_protocol::{PersonId, people::Role};

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
    /// Begin, or find, a conversation.
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
    /// A conversation that may have to be made.
    Pair {
        /// Between whom.
        pair: &'a Pair,
        /// Whether something ties the two: enrolment in a course of the mentor's, and in the
        /// course of the conversation where it is about one.
        tied: bool,
    },
    /// A course.
    Course,
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
        (Action::Write, Thing::Conversation(heads)) => heads.has(actor.person) && !heads.closed,
        (Action::Read | Action::MarkRead, Thing::Conversation(heads)) => heads.has(actor.person),
        (Action::Read, Thing::Message { heads, .. }) => heads.has(actor.person),
        (Action::React, Thing::Message { heads, .. }) => heads.has(actor.person) && !heads.closed,
        (Action::Change, Thing::Message { heads, author }) => {
            heads.has(actor.person) && author == actor.person && !heads.closed
        }
        (Action::Open, Thing::Pair { pair, tied }) => {
            let takes_part = match actor.role {
                Role::Student => pair.student == actor.person,
                Role::Mentor => pair.mentor == actor.person,
                Role::Admin => false,
            };
            takes_part && tied
        }
        (Action::Enrol, Thing::Course) => actor.role == Role::Student,
        (Action::SetStatus, Thing::Status) => actor.role == Role::Mentor,
        (Action::Invite, Thing::Invitation(role)) => {
            actor.role == Role::Admin && role != Role::Student
        }
        (Action::EndSession, Thing::Session(owner)) => owner == actor.person,
        _ => false,
    }
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
        Some(heads) if heads.has(actor.person) && heads.closed => Error::closed(),
        // Whose it is not does not learn that it is there.
        _ => refusal(actor, action, Error::not_found()),
    }
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

    const ACTIONS: [Action; 10] = [
        Action::Open,
        Action::Read,
        Action::Write,
        Action::Change,
        Action::React,
        Action::MarkRead,
        Action::Enrol,
        Action::SetStatus,
        Action::Invite,
        Action::EndSession,
    ];

    /// Every role with every action on every thing: allowed is what this table says, word for
    /// word, and nothing else.
    #[test]
    fn the_table_of_who_may_do_what() {
        let (sam, maya, ada, lin) = (
            PersonId::new(),
            PersonId::new(),
            PersonId::new(),
            PersonId::new(),
        );
        let pair = Pair {
            student: sam,
            mentor: maya,
            course: None,
        };
        let heads = Heads {
            pair,
            seq: 0,
            rev: 0,
            closed: false,
        };
        let closed = Heads {
            closed: true,
            ..heads
        };
        let people = [
            ("Sam the student", sam, Role::Student, true),
            ("Sam, not verified yet", sam, Role::Student, false),
            ("Lin, a student outside", lin, Role::Student, true),
            ("Maya the mentor", maya, Role::Mentor, true),
            ("Ben, a mentor outside", PersonId::new(), Role::Mentor, true),
            ("Ada the admin", ada, Role::Admin, true),
        ];
        let things = [
            ("their conversation", Thing::Conversation(&heads)),
            ("their closed one", Thing::Conversation(&closed)),
            (
                "Sam's message",
                Thing::Message {
                    heads: &heads,
                    author: sam,
                },
            ),
            (
                "Maya's message",
                Thing::Message {
                    heads: &heads,
                    author: maya,
                },
            ),
            (
                "a closed message of Sam's",
                Thing::Message {
                    heads: &closed,
                    author: sam,
                },
            ),
            (
                "their tie",
                Thing::Pair {
                    pair: &pair,
                    tied: true,
                },
            ),
            (
                "their pair, untied",
                Thing::Pair {
                    pair: &pair,
                    tied: false,
                },
            ),
            ("a course", Thing::Course),
            ("own status", Thing::Status),
            ("a student's invitation", Thing::Invitation(Role::Student)),
            ("a mentor's invitation", Thing::Invitation(Role::Mentor)),
            ("an admin's invitation", Thing::Invitation(Role::Admin)),
            ("Sam's sign-in", Thing::Session(sam)),
            ("Maya's sign-in", Thing::Session(maya)),
        ];
        let mut allowed = BTreeSet::new();
        for (name, person, role, verified) in people {
            let actor = Actor {
                person,
                role,
                verified,
            };
            for action in ACTIONS {
                for (what, thing) in things {
                    if may(actor, action, thing) {
                        allowed.insert(format!("{name}: {action:?} {what}"));
                    }
                }
            }
        }
        let wanted = [
            "Sam the student: Open their tie",
            "Sam the student: Read their conversation",
            "Sam the student: Write their conversation",
            "Sam the student: MarkRead their conversation",
            "Sam the student: Change Sam's message",
            "Sam the student: Read Sam's message",
            "Sam the student: React Sam's message",
            "Sam the student: Read Maya's message",
            "Sam the student: React Maya's message",
            "Sam the student: Read a closed message of Sam's",
            "Maya the mentor: Change Maya's message",
            "Maya the mentor: Read Sam's message",
            "Maya the mentor: React Sam's message",
            "Maya the mentor: Read Maya's message",
            "Maya the mentor: React Maya's message",
            "Maya the mentor: Read a closed message of Sam's",
            "Sam the student: Read their closed one",
            "Sam the student: MarkRead their closed one",
            "Sam the student: Enrol a course",
            "Sam the student: EndSession Sam's sign-in",
            "Sam, not verified yet: Read their conversation",
            "Sam, not verified yet: MarkRead their conversation",
            "Sam, not verified yet: Read their closed one",
            "Sam, not verified yet: MarkRead their closed one",
            "Sam, not verified yet: Read Sam's message",
            "Sam, not verified yet: Read Maya's message",
            "Sam, not verified yet: Read a closed message of Sam's",
            "Sam, not verified yet: EndSession Sam's sign-in",
            "Lin, a student outside: Enrol a course",
            "Maya the mentor: Open their tie",
            "Maya the mentor: Read their conversation",
            "Maya the mentor: Write their conversation",
            "Maya the mentor: MarkRead their conversation",
            "Maya the mentor: Read their closed one",
            "Maya the mentor: MarkRead their closed one",
            "Maya the mentor: SetStatus own status",
            "Maya the mentor: EndSession Maya's sign-in",
            "Ben, a mentor outside: SetStatus own status",
            "Ada the admin: Invite a mentor's invitation",
            "Ada the admin: Invite an admin's invitation",
        ];
        assert_eq!(allowed, wanted.into_iter().map(str::to_owned).collect());
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
