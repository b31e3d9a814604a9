//! Leases without input, output or clock.

use im_protocol::{DeviceId, PersonId};
use std::collections::{HashMap, HashSet};

/// A device's claim to be there.
struct Lease {
    device: DeviceId,
    connections: usize,
    /// When it ends, once there is no connection; by a clock that is never set back.
    until: i64,
}

/// All leases, and what was last told of them.
#[derive(Default)]
pub(super) struct Leases {
    people: HashMap<PersonId, Vec<Lease>>,
    /// People with a lease that runs out by itself.
    running_out: HashSet<PersonId>,
    /// People whose state may differ from what was told.
    touched: HashSet<PersonId>,
    /// People who were told to be online.
    online: HashSet<PersonId>,
}

impl Leases {
    /// A device has a connection more.
    pub(super) fn came(&mut self, person: PersonId, device: DeviceId) {
        let leases = self.people.entry(person).or_default();
        match leases.iter_mut().find(|lease| lease.device == device) {
            Some(lease) => lease.connections += 1,
            None => leases.push(Lease {
                device,
                connections: 1,
                until: 0,
            }),
        }
        self.touched.insert(person);
    }

    /// A device has a connection less; without any its lease runs until `until`.
    pub(super) fn left(&mut self, person: PersonId, device: DeviceId, until: i64) {
        let leases = self.people.entry(person).or_default();
        if let Some(lease) = leases.iter_mut().find(|lease| lease.device == device) {
            lease.connections = lease.connections.saturating_sub(1);
            lease.until = until;
        }
        self.running_out.insert(person);
    }

    /// Whether a person has a live lease, as of the last look at the clock.
    pub(super) fn is_online(&self, person: PersonId) -> bool {
        self.people.contains_key(&person)
    }

    /// Ends what has run out, and says who came or went since this was last asked.
    pub(super) fn changes(&mut self, now: i64) -> Vec<(PersonId, bool)> {
        let Self {
            people,
            running_out,
            touched,
            online,
        } = self;
        running_out.retain(|person| {
            let Some(leases) = people.get_mut(person) else {
                return false;
            };
            leases.retain(|lease| lease.connections > 0 || lease.until > now);
            let still = leases.iter().any(|lease| lease.connections == 0);
            if leases.is_empty() {
                people.remove(person);
            }
            touched.insert(*person);
            still
        });
        let touched = touched.drain();
        touched
            .filter_map(|person| {
                let is = people.contains_key(&person);
                let changed = if is {
                    online.insert(person)
                } else {
                    online.remove(&person)
                };
                changed.then_some((person, is))
            })
            .collect()
    }

    /// What [`Leases::changes`] said of a person could not be told: it is to be said again, unless
    /// it has changed back by then.
    pub(super) fn untold(&mut self, person: PersonId) {
        if !self.online.remove(&person) {
            self.online.insert(person);
        }
        self.touched.insert(person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_break_is_not_told_and_a_long_one_is() {
        let (maya, desk) = (PersonId::new(), DeviceId::new());
        let mut leases = Leases::default();
        leases.came(maya, desk);
        assert_eq!(leases.changes(0), [(maya, true)]);
        leases.left(maya, desk, 8_000);
        assert_eq!(leases.changes(1_000), []);
        leases.came(maya, desk);
        assert_eq!(leases.changes(9_000), []);
        leases.left(maya, desk, 17_000);
        assert_eq!(leases.changes(16_999), []);
        assert_eq!(leases.changes(17_000), [(maya, false)]);
        assert!(!leases.is_online(maya));
    }

    #[test]
    fn a_person_is_there_while_any_device_is() {
        let (maya, desk, phone) = (PersonId::new(), DeviceId::new(), DeviceId::new());
        let mut leases = Leases::default();
        leases.came(maya, desk);
        leases.came(maya, phone);
        assert_eq!(leases.changes(0), [(maya, true)]);
        leases.left(maya, desk, 0);
        assert_eq!(leases.changes(1), []);
        leases.left(maya, phone, 0);
        assert_eq!(leases.changes(1), [(maya, false)]);
    }

    #[test]
    fn a_change_that_could_not_be_told_is_told_later_unless_it_is_over() {
        let (maya, desk) = (PersonId::new(), DeviceId::new());
        let mut leases = Leases::default();
        leases.came(maya, desk);
        assert_eq!(leases.changes(0), [(maya, true)]);
        leases.untold(maya);
        assert_eq!(leases.changes(0), [(maya, true)]);
        leases.left(maya, desk, 0);
        assert_eq!(leases.changes(1), [(maya, false)]);
        leases.untold(maya);
        assert_eq!(leases.changes(2), [(maya, false)]);
        leases.untold(maya);
        leases.came(maya, desk);
        assert_eq!(leases.changes(3), [], "she was never told to have gone");
    }

    #[test]
    fn a_second_connection_of_a_device_keeps_its_lease() {
        let (maya, desk) = (PersonId::new(), DeviceId::new());
        let mut leases = Leases::default();
        leases.came(maya, desk);
        leases.came(maya, desk);
        leases.left(maya, desk, 0);
        assert_eq!(leases.changes(1), [(maya, true)]);
    }
}
