//! Against floods: token buckets per person, per address and per account.

use crate::config::{Limits, Rate};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use im_protocol::{ErrorCode, Lane, PersonId, WireError};
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

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
    connects: Bucket<Network>,
    sign_ins: Bucket<Network>,
    accounts: Bucket<([u8; 32], Network)>,
    accounts_anywhere: Bucket<[u8; 32]>,
    refreshes: Bucket<Network>,
    mails: Bucket<Network>,
    mails_to: Bucket<[u8; 32]>,
    exports: Bucket<PersonId>,
    files: Bucket<PersonId>,
    bulks: Bucket<PersonId>,
    reports: Bucket<PersonId>,
    messages: Bucket<PersonId>,
    calls: Bucket<PersonId>,
    signals: Bucket<PersonId>,
    acks: Bucket<PersonId>,
    requests: Bucket<PersonId>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            connects: Bucket::new(limits.connects),
            sign_ins: Bucket::new(limits.sign_ins),
            accounts: Bucket::new(limits.sign_ins_per_account),
            accounts_anywhere: Bucket::new(limits.sign_ins_per_account_anywhere),
            refreshes: Bucket::new(limits.refreshes),
            mails: Bucket::new(limits.mails),
            mails_to: Bucket::new(limits.mails_per_account),
            exports: Bucket::new(limits.exports),
            files: Bucket::new(limits.files),
            bulks: Bucket::new(limits.bulks),
            reports: Bucket::new(limits.reports),
            messages: Bucket::new(limits.messages),
            calls: Bucket::new(limits.calls),
            signals: Bucket::new(limits.signals),
            acks: Bucket::new(limits.acks),
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

    /// A call that a person starts, besides being an event.
    pub(crate) fn call(&self, person: PersonId) -> Result<(), WireError> {
        self.calls.check(&person, 1)
    }

    /// A person's device has stored facts.
    pub(crate) fn ack(&self, person: PersonId) -> Result<(), WireError> {
        self.acks.check(&person, 1)
    }

    /// A new connection from an address.
    pub(crate) fn connect(&self, from: IpAddr) -> Result<(), WireError> {
        self.connects.check(&Network::of(from), 1)
    }

    /// A sign-in, registration or invitation from an address.
    pub(crate) fn sign_in(&self, from: IpAddr) -> Result<(), WireError> {
        self.sign_ins.check(&Network::of(from), 1)
    }

    /// A sign-in from an address to an account, which is known by a digest of its e-mail address.
    /// Who guesses elsewhere uses up little of what its owner has.
    pub(crate) fn account(&self, digest: [u8; 32], from: IpAddr) -> Result<(), WireError> {
        self.accounts.check(&(digest, Network::of(from)), 1)?;
        self.accounts_anywhere.check(&digest, 1)
    }

    /// A refresh from an address.
    pub(crate) fn refresh(&self, from: IpAddr) -> Result<(), WireError> {
        self.refreshes.check(&Network::of(from), 1)
    }

    /// A mail that is asked for from an address, to an e-mail address, which is known by its
    /// digest. Counts whether there is an account or not.
    pub(crate) fn mail(&self, digest: [u8; 32], from: IpAddr) -> Result<(), WireError> {
        self.mails.check(&Network::of(from), 1)?;
        self.mails_to.check(&digest, 1)
    }

    /// An export of everything, besides being a request.
    pub(crate) fn export(&self, person: PersonId) -> Result<(), WireError> {
        self.exports.check(&person, 1)
    }

    /// A file that a person begins to hand over, or fetches, besides being a request.
    pub(crate) fn file(&self, person: PersonId) -> Result<(), WireError> {
        self.files.check(&person, 1)
    }

    /// Something that is written to a whole course, besides being an event.
    pub(crate) fn bulk(&self, person: PersonId) -> Result<(), WireError> {
        self.bulks.check(&person, 1)
    }

    /// A report of a person, besides being a request.
    pub(crate) fn report(&self, person: PersonId) -> Result<(), WireError> {
        self.reports.check(&person, 1)
    }

    /// Forgets those whose buckets are full again.
    pub(crate) fn tidy(&self) {
        self.connects.0.retain_recent();
        self.sign_ins.0.retain_recent();
        self.accounts.0.retain_recent();
        self.accounts_anywhere.0.retain_recent();
        self.refreshes.0.retain_recent();
        self.mails.0.retain_recent();
        self.mails_to.0.retain_recent();
        self.exports.0.retain_recent();
        self.files.0.retain_recent();
        self.bulks.0.retain_recent();
        self.reports.0.retain_recent();
        self.messages.0.retain_recent();
        self.calls.0.retain_recent();
        self.signals.0.retain_recent();
        self.acks.0.retain_recent();
        self.requests.0.retain_recent();
    }
}

/// Where somebody comes from: an IPv4 address, or the /64 of an IPv6 one, all of which a single
/// customer has (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl Network {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = v6.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(prefix))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
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
            // More at once than the bucket ever holds, which the configuration rules out.
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

    #[test]
    fn who_has_a_whole_ipv6_network_is_one_and_its_neighbours_are_others() {
        let rates = Rates::new(&Limits {
            sign_ins: Rate {
                burst: 1,
                per_second: 0.1,
            },
            ..Limits::default()
        });
        let sign_in = |from: &str| rates.sign_in(from.parse().unwrap());
        sign_in("2001:db8:1:2::1").unwrap();
        let again = sign_in("2001:db8:1:2:ffff:ffff:ffff:ffff").unwrap_err();
        assert_eq!(again.code, ErrorCode::RateLimited);
        sign_in("2001:db8:1:3::1").unwrap();
        sign_in("192.0.2.1").unwrap();
        // The same, as a socket that takes both kinds tells it.
        assert!(sign_in("::ffff:192.0.2.1").is_err());
        sign_in("192.0.2.2").unwrap();
    }

    #[test]
    fn guesses_from_elsewhere_do_not_keep_an_account_s_owner_out_until_they_come_from_everywhere() {
        let rates = Rates::new(&Limits::default());
        let guess = |from: [u8; 4]| rates.account([7; 32], from.into());
        for _ in 0..10 {
            guess([192, 0, 2, 1]).unwrap();
        }
        assert!(guess([192, 0, 2, 1]).is_err());
        guess([192, 0, 2, 2]).unwrap();
        let refused = (0..=255).any(|host| guess([198, 51, 100, host]).is_err());
        assert!(refused, "many who guess once each are slowed down too");
    }
}
