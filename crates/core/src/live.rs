//! What is true only while connected: who is there, mentors' statuses, what is on its way. Written
//! by the session, read by whoever answers the UI.

use im_contract::views::{OwnStatus, PersonView, StatusView};
use im_protocol::{
    ConversationId, OperationId, PersonId,
    handshake::Ready,
    people::{Person, Presence, Status, StatusSet},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Live {
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    connected: bool,
    online: HashSet<PersonId>,
    statuses: HashMap<PersonId, StatusView>,
    sending: HashSet<OperationId>,
    /// Where the other is writing, as the session knows it.
    typing: HashSet<ConversationId>,
    /// The own status that the server does not know yet.
    pending: Option<StatusSet>,
}

impl Live {
    /// A connection begins with a snapshot.
    pub(crate) fn ready(&self, ready: &Ready) {
        let mut now = self.write();
        now.connected = true;
        now.online = ready
            .presence
            .iter()
            .filter(|presence| presence.online)
            .map(|presence| presence.person)
            .collect();
        now.statuses = ready
            .statuses
            .iter()
            .map(|status| (status.person, view(status)))
            .collect();
    }

    /// The connection is gone: who is there cannot be known.
    pub(crate) fn disconnected(&self) {
        let mut now = self.write();
        now.connected = false;
        now.online.clear();
        now.statuses.clear();
    }

    /// Whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.read().connected
    }

    /// Somebody came or went.
    pub(crate) fn presence(&self, presence: Presence) {
        let mut now = self.write();
        if presence.online {
            now.online.insert(presence.person);
        } else {
            now.online.remove(&presence.person);
        }
    }

    /// A mentor's status has changed.
    pub(crate) fn status(&self, status: &Status) {
        self.write().statuses.insert(status.person, view(status));
    }

    /// The own status that was chosen and not sent, if there is one.
    pub(crate) fn set_pending(&self, pending: Option<StatusSet>) {
        self.write().pending = pending;
    }

    /// The own status: what was chosen, else what the server said while it can be known.
    pub(crate) fn own_status(&self, me: PersonId) -> Option<OwnStatus> {
        let now = self.read();
        if let Some(chosen) = &now.pending {
            return Some(OwnStatus {
                availability: chosen.availability,
                message: chosen.message.clone(),
                pending: true,
            });
        }
        now.statuses.get(&me).map(|status| OwnStatus {
            availability: status.availability,
            message: status.message.clone(),
            pending: false,
        })
    }

    /// What is on its way now.
    pub(crate) fn set_sending(&self, sending: HashSet<OperationId>) {
        self.write().sending = sending;
    }

    /// Where the other is writing now. Gives whether that is news.
    pub(crate) fn set_typing(&self, typing: HashSet<ConversationId>) -> bool {
        let mut now = self.write();
        let news = now.typing != typing;
        now.typing = typing;
        news
    }

    /// Whether the other of a conversation is writing.
    pub(crate) fn is_typing(&self, conversation: ConversationId) -> bool {
        self.read().typing.contains(&conversation)
    }

    /// Whether it is on its way now.
    pub(crate) fn is_sending(&self, operation: OperationId) -> bool {
        self.read().sending.contains(&operation)
    }

    /// A person with what is known of them now.
    pub(crate) fn person(&self, person: Person) -> PersonView {
        let now = self.read();
        PersonView {
            id: person.id,
            online: now.connected.then(|| now.online.contains(&person.id)),
            status: now.statuses.get(&person.id).cloned(),
            name: person.name,
            role: person.role,
        }
    }

    // A panic while the lock was held leaves the maps whole: each write is a single step.
    fn read(&self) -> RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Now> {
        self.now.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(status: &Status) -> StatusView {
    StatusView {
        availability: status.availability,
        message: status.message.clone(),
        since: status.since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::{
        SessionId,
        people::{Availability, Me, Role},
    };

    #[test]
    fn presence_is_known_while_connected_and_unknown_otherwise() {
        let live = Live::default();
        let person = |name: &str, role| Person {
            id: PersonId::new(),
            name: name.to_owned(),
            role,
        };
        let (maya, sam) = (person("Maya", Role::Mentor), person("Sam", Role::Student));
        assert_eq!(live.person(maya.clone()).online, None);
        live.ready(&Ready {
            protocol: 1,
            server: "test/1".to_owned(),
            now: 0,
            me: Me {
                person: sam.clone(),
                email: "sam@example.org".to_owned(),
                verified: true,
            },
            session: SessionId::new(),
            file_bytes: 1,
            calls: Vec::new(),
            presence: vec![Presence {
                person: maya.id,
                online: true,
            }],
            statuses: vec![Status {
                person: maya.id,
                availability: Availability::Break,
                message: "Tea".to_owned(),
                since: 5,
            }],
        });
        let seen = live.person(maya.clone());
        assert_eq!(seen.online, Some(true));
        assert_eq!(seen.status.unwrap().message, "Tea");
        assert_eq!(live.person(sam).online, Some(false));
        live.presence(Presence {
            person: maya.id,
            online: false,
        });
        assert_eq!(live.person(maya.clone()).online, Some(false));
        live.disconnected();
        let seen = live.person(maya);
        assert_eq!((seen.online, seen.status), (None, None));
    }
}
