//! Against floods: token buckets per person, per address and per account.

use crate::config::{Limits, Rate};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use im_protocol::{ErrorCode, Lane, PersonId, WireError};
use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

/// How an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rated {
    /// By itself where it is handled, by what is in it.
    Itself,
    /// As one of its lane.
    ByLane,
}

/// All buckets.
pub(crate) struct Rates {
    connects: Bucket<IpAddr>,
    sign_ins: Bucket<IpAddr>,
    accounts: Bucket<[u8; 32]>,
    refreshes: Bucket<IpAddr>,
    messages: Bucket<PersonId>,
    signals: Bucket<PersonId>,
    requests: Bucket<PersonId>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            connects: Bucket::new(limits.connects),
            sign_ins: Bucket::new(limits.sign_ins),
            accounts: Bucket::new(limits.sign_ins_per_account),
            refreshes: Bucket::new(limits.refreshes),
            messages: Bucket::new(limits.messages),
            signals: Bucket::new(limits.signals),
            requests: Bucket::new(limits.requests),
        }
    }

    /// An event of a person.
    pub(crate) fn event(
        &self,
        rated: Rated,
        lane: Lane,
        person: PersonId,
    ) -> Result<(), WireError> {
        match (rated, lane) {
            (Rated::Itself, _) => Ok(()),
            (Rated::ByLane, Lane::Calls) => self.signals.check(&person, 1),
            (Rated::ByLane, Lane::Data) => self.request(person),
        }
    }

    /// A REST request of a person.
    pub(crate) fn request(&self, person: PersonId) -> Result<(), WireError> {
        self.requests.check(&person, 1)
    }

    /// Messages of a person.
    pub(crate) fn messages(&self, person: PersonId, count: u32) -> Result<(), WireError> {
        self.messages.check(&person, count)
    }

    /// A new connection from an address.
    pub(crate) fn connect(&self, from: IpAddr) -> Result<(), WireError> {
        self.connects.check(&from, 1)
    }

    /// A sign-in, registration or invitation from an address.
    pub(crate) fn sign_in(&self, from: IpAddr) -> Result<(), WireError> {
        self.sign_ins.check(&from, 1)
    }

    /// A sign-in to an account, known by a digest of its address.
    pub(crate) fn account(&self, digest: [u8; 32]) -> Result<(), WireError> {
        self.accounts.check(&digest, 1)
    }

    /// A refresh from an address.
    pub(crate) fn refresh(&self, from: IpAddr) -> Result<(), WireError> {
        self.refreshes.check(&from, 1)
    }

    /// Forgets those whose buckets are full again.
    pub(crate) fn tidy(&self) {
        self.connects.0.retain_recent();
        self.sign_ins.0.retain_recent();
        self.accounts.0.retain_recent();
        self.refreshes.0.retain_recent();
        self.messages.0.retain_recent();
        self.signals.0.retain_recent();
        self.requests.0.retain_recent();
    }
}

struct Bucket<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Bucket<K> {
    fn new(rate: Rate) -> Self {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let period = Duration::try_from_secs_f64(1.0 / rate.per_second.max(0.001));
        let period = period
            .unwrap_or(Duration::from_secs(1))
            .max(Duration::from_nanos(1));
        let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        Self(RateLimiter::keyed(quota.allow_burst(burst)))
    }

    fn check(&self, key: &K, count: u32) -> Result<(), WireError> {
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(());
        };
        let wait = match self.0.check_key_n(key, count) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_until)) => not_until.wait_time_from(DefaultClock::default().now()),
            // More at once than the bucket ever holds; the limits of a packet are below it unless
            // an operator chose otherwise.
            Err(_) => Duration::from_secs(60),
        };
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let error = WireError::new(
            ErrorCode::RateLimited,
            "This was too much at once. Please wait a moment.",
        );
        Err(error.retry_after(milliseconds.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_told_when_to_come_back_and_does_not_stop_others() {
        let limits = Limits {
            messages: Rate {
                burst: 3,
                per_second: 1.0,
            },
            ..Limits::default()
        };
        let rates = Rates::new(&limits);
        let (sam, lin) = (PersonId::new(), PersonId::new());
        rates.messages(sam, 3).unwrap();
        let error = rates.messages(sam, 1).unwrap_err();
        assert_eq!(error.code, ErrorCode::RateLimited);
        let wait = error.retry_after_ms.unwrap();
        assert!((1..=1_000).contains(&wait), "{wait}");
        rates.messages(lin, 1).unwrap();
    }
}
