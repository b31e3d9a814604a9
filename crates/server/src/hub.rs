//! Who is connected to this node right now, and the ways to reach them.

mod recent;

use crate::{
    packet,
    pump::Fresh,
    socket::{Live, Text},
};
use im_protocol::{DeviceId, Notice, PersonId, SessionId, WireError, people::Role};
use recent::Recent;
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{broadcast, watch};

/// Attachments that a slow listener may be behind before it has to look for itself.
const ATTACHMENTS: usize = 1_024;

/// A device got its first connection, or lost its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub device: DeviceId,
    /// Whether it has a connection now.
    pub attached: bool,
    /// Whether the person has any device with a connection now.
    pub person_attached: bool,
}

/// All living connections of this node, by person.
pub struct Hub {
    people: Mutex<HashMap<PersonId, Attached>>,
    attachments: broadcast::Sender<Attachment>,
}

/// A person with at least one connection.
struct Attached {
    lives: Vec<Arc<Live>>,
    /// The highest known number of the person's feed; pumps wait for it to rise.
    head: watch::Sender<u64>,
    recent: Recent,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            people: Mutex::default(),
            attachments: broadcast::channel(ATTACHMENTS).0,
        }
    }
}

impl Hub {
    fn people(&self) -> MutexGuard<'_, HashMap<PersonId, Attached>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, unless its person has `most` already. Says whether it was added.
    pub(crate) fn attach(&self, live: &Arc<Live>, most: usize) -> bool {
        let mut people = self.people();
        let attached = people.entry(live.person()).or_insert_with(|| Attached {
            lives: Vec::new(),
            head: watch::Sender::new(0),
            recent: Recent::default(),
        });
        if attached.lives.len() >= most {
            return false;
        }
        let first = !attached.lives.iter().any(|other| same_device(other, live));
        attached.lives.push(live.clone());
        drop(people);
        if first {
            self.publish(live, true, true);
        }
        true
    }

    /// Takes a connection out. Says whether it was there.
    pub(crate) fn detach(&self, live: &Arc<Live>) -> bool {
        let mut people = self.people();
        let Some(attached) = people.get_mut(&live.person()) else {
            return false;
        };
        let before = attached.lives.len();
        attached.lives.retain(|other| !Arc::ptr_eq(other, live));
        let found = attached.lives.len() < before;
        let last = !attached.lives.iter().any(|other| same_device(other, live));
        let person_attached = !attached.lives.is_empty();
        if !person_attached {
            people.remove(&live.person());
        }
        drop(people);
        if found && last {
            self.publish(live, false, person_attached);
        }
        found
    }

    fn publish(&self, live: &Live, attached: bool, person_attached: bool) {
        // Nobody listening is fine.
        self.attachments
            .send(Attachment {
                person: live.person(),
                device: live.device(),
                attached,
                person_attached,
            })
            .ok();
    }

    /// Devices coming and going, from now on. A listener that lags behind looks at
    /// [`Hub::has_device`] instead.
    #[must_use]
    pub fn attachments(&self) -> broadcast::Receiver<Attachment> {
        self.attachments.subscribe()
    }

    /// Whether a device has a connection.
    #[must_use]
    pub fn has_device(&self, person: PersonId, device: DeviceId) -> bool {
        self.people().get(&person).is_some_and(|attached| {
            let mut lives = attached.lives.iter();
            lives.any(|live| live.device() == device)
        })
    }

    /// Whether a person has any connection.
    #[must_use]
    pub fn has_person(&self, person: PersonId) -> bool {
        self.people().contains_key(&person)
    }

    /// Bytes on their way to a person's devices that their connections have not taken yet.
    #[must_use]
    pub fn outgoing(&self, person: PersonId) -> usize {
        let lives = self.lives_where(|live| live.person() == person);
        lives.iter().map(|live| live.outgoing()).sum()
    }

    /// Tells all devices of a person.
    pub fn tell_person<N: Notice>(&self, person: PersonId, notice: &N) {
        self.tell_people(&[person], notice);
    }

    /// Tells all devices of some people; written once for all of them.
    pub fn tell_people<N: Notice>(&self, people: &[PersonId], notice: &N) {
        let attached = self.people();
        let lives: Vec<_> = people
            .iter()
            .filter_map(|person| attached.get(person))
            .flat_map(|attached| attached.lives.iter().cloned())
            .collect();
        drop(attached);
        tell(&lives, notice);
    }

    /// Tells one device of a person.
    pub fn tell_device<N: Notice>(&self, person: PersonId, device: DeviceId, notice: &N) {
        let lives: Vec<_> = match self.people().get(&person) {
            Some(attached) => {
                let of_device = attached.lives.iter().filter(|live| live.device() == device);
                of_device.cloned().collect()
            }
            None => return,
        };
        tell(&lives, notice);
    }

    /// Tells all devices of a person but this one.
    pub fn tell_others<N: Notice>(&self, person: PersonId, device: DeviceId, notice: &N) {
        let lives: Vec<_> = match self.people().get(&person) {
            Some(attached) => {
                let others = attached.lives.iter().filter(|live| live.device() != device);
                others.cloned().collect()
            }
            None => return,
        };
        tell(&lives, notice);
    }

    /// The sessions of a person that have a connection.
    pub(crate) fn sessions_of(&self, person: PersonId) -> Vec<SessionId> {
        match self.people().get(&person) {
            Some(attached) => attached.lives.iter().map(|live| live.session()).collect(),
            None => Vec::new(),
        }
    }

    /// Tells everybody who has one of these roles; written once for all of them.
    pub fn tell_roles<N: Notice>(&self, roles: &[Role], notice: &N) {
        tell(
            &self.lives_where(|live| roles.contains(&live.role())),
            notice,
        );
    }

    /// Ends the connections of a session: tells them why, then closes them.
    pub fn end_session(&self, session: SessionId, why: &WireError) {
        for live in self.lives_where(|live| live.session() == session) {
            live.end(why);
        }
    }

    /// Connections that a condition holds for.
    pub(crate) fn lives_where(&self, holds: impl Fn(&Live) -> bool) -> Vec<Arc<Live>> {
        let people = self.people();
        let all = people.values().flat_map(|attached| &attached.lives);
        all.filter(|live| holds(live)).cloned().collect()
    }

    /// Makes known that a person's feed goes up to `head` at least, by something else than new
    /// messages: what is remembered of those may have changed by it.
    pub(crate) fn wake(&self, person: PersonId, head: u64) {
        if let Some(attached) = self.people().get_mut(&person) {
            attached.recent.forget();
        }
        #[cfg(feature = "faults")]
        if crate::faults::drop_wakeup() {
            return;
        }
        self.raise(person, head, true);
    }

    fn raise(&self, person: PersonId, head: u64, wake: bool) {
        if let Some(attached) = self.people().get(&person) {
            attached.head.send_if_modified(|known| {
                let rises = head > *known;
                *known = head.max(*known);
                rises && wake
            });
        }
    }

    /// Sends facts that were just written, from number `first` on, to a person's connections, and
    /// keeps them for a while: saves them the way to the database. Where a connection cannot take
    /// them right now its pump is woken.
    pub(crate) fn deliver(&self, person: PersonId, first: u64, items: Vec<Arc<RawValue>>) {
        let head = (first + items.len() as u64).saturating_sub(1);
        #[cfg(feature = "faults")]
        if crate::faults::is_broken() {
            self.wake(person, head);
            return;
        }
        let lives = match self.people().get_mut(&person) {
            Some(attached) => {
                attached.recent.add(first, items.clone());
                attached.lives.clone()
            }
            None => return,
        };
        #[cfg(feature = "faults")]
        if crate::faults::drop_wakeup() {
            return;
        }
        let fresh = Fresh::new(first, &items);
        let mut behind = false;
        for live in lives {
            let pump = live.pump();
            behind |= pump.as_ref().is_some_and(|pump| !pump.push(&live, &fresh));
        }
        self.raise(person, head, behind);
    }

    /// The facts right after a number, up to `limit` of them; none where they are not remembered
    /// without a gap.
    pub(crate) fn recent(
        &self,
        person: PersonId,
        after: u64,
        limit: usize,
    ) -> Option<Vec<Arc<RawValue>>> {
        self.people().get(&person)?.recent.after(after, limit)
    }

    /// The rising head of a person's feed; none where the person has just gone.
    pub(crate) fn head_of(&self, person: PersonId) -> Option<watch::Receiver<u64>> {
        let people = self.people();
        people
            .get(&person)
            .map(|attached| attached.head.subscribe())
    }
}

fn same_device(one: &Live, other: &Live) -> bool {
    one.device() == other.device()
}

fn tell<N: Notice>(lives: &[Arc<Live>], notice: &N) {
    if lives.is_empty() {
        return;
    }
    match packet::told(N::EVENT, notice) {
        Ok(text) => {
            let text = Text::from(text);
            for live in lives {
                live.tell(text.clone());
            }
        }
        Err(_) => tracing::error!(event = N::EVENT, "a notice cannot be written"),
    }
}
