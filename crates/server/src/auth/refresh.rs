//! What a refresh token is good for, decided without input or output.
//!
//! Tokens of a session form a chain: each is given for the next. The newest is good. Its immediate
//! predecessor is good too, as long as the newest itself was not used and for at most a minute: a
//! client may have been killed between our answer and its keyring. Anything older was stolen or
//! copied, and the whole family ends.

use crate::store::session::{RefreshToken, Session};
use im_protocol::UnixMs;

/// How long a token holds without being used, milliseconds: 30 days.
pub const REFRESH_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// How long a predecessor stays good after its first use, milliseconds.
pub const GRACE_MS: i64 = 60_000;

/// What to do with a token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Give a successor for it.
    Rotate,
    /// Its time is over: sign in again.
    Expired,
    /// The session was ended before.
    Ended,
    /// It was used before and should not be anywhere anymore: end the session.
    Stolen,
}

/// Judges a token of a session. `newest` is the session's newest token.
#[must_use]
pub fn judge(
    session: &Session,
    newest: &RefreshToken,
    presented: &RefreshToken,
    now: UnixMs,
) -> Verdict {
    if session.revoked_at.is_some() {
        return Verdict::Ended;
    }
    if presented.expires_at <= now {
        return Verdict::Expired;
    }
    if presented.hash == newest.hash {
        return Verdict::Rotate;
    }
    let predecessor = newest.parent.as_deref() == Some(presented.hash.as_str());
    let unused = newest.used_at.is_none();
    let fresh = presented
        .used_at
        .is_some_and(|used_at| now - used_at <= GRACE_MS);
    if predecessor && unused && fresh {
        Verdict::Rotate
    } else {
        Verdict::Stolen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::{DeviceId, PersonId, SessionId};

    /// A family as the store would keep it.
    struct Family {
        session: Session,
        tokens: Vec<RefreshToken>,
    }

    impl Family {
        fn new() -> Self {
            let session = Session {
                id: SessionId::new(),
                person: PersonId::new(),
                device: DeviceId::new(),
                newest_token: "0".into(),
                revoked_at: None,
                ended: None,
            };
            let mut family = Self {
                session,
                tokens: Vec::new(),
            };
            family.add(None);
            family
        }

        fn add(&mut self, parent: Option<usize>) {
            let hash = self.tokens.len().to_string();
            self.session.newest_token.clone_from(&hash);
            self.tokens.push(RefreshToken {
                hash,
                session: self.session.id,
                parent: parent.map(|index| index.to_string()),
                expires_at: REFRESH_MS,
                used_at: None,
            });
        }

        fn present(&mut self, index: usize, now: UnixMs) -> Verdict {
            let newest: usize = self.session.newest_token.parse().unwrap();
            let verdict = judge(
                &self.session,
                &self.tokens[newest],
                &self.tokens[index],
                now,
            );
            match verdict {
                Verdict::Rotate => {
                    self.tokens[index].used_at.get_or_insert(now);
                    self.add(Some(index));
                }
                Verdict::Stolen => self.session.revoked_at = Some(now),
                Verdict::Expired | Verdict::Ended => {}
            }
            verdict
        }
    }

    #[test]
    fn one_after_the_other_is_the_usual_way() {
        let mut family = Family::new();
        for index in 0..5 {
            assert_eq!(family.present(index, 1_000), Verdict::Rotate);
        }
    }

    #[test]
    fn killed_before_the_keyring_was_written_even_twice_signs_nobody_out() {
        let mut family = Family::new();
        assert_eq!(family.present(0, 0), Verdict::Rotate);
        assert_eq!(family.present(0, 30_000), Verdict::Rotate);
        assert_eq!(family.present(0, GRACE_MS), Verdict::Rotate);
        assert_eq!(family.present(3, GRACE_MS + 1), Verdict::Rotate);
    }

    #[test]
    fn the_minute_counts_from_the_first_use() {
        let mut family = Family::new();
        family.present(0, 0);
        family.present(0, 59_000);
        assert_eq!(family.present(0, GRACE_MS + 1), Verdict::Stolen);
        assert_eq!(family.present(2, GRACE_MS + 2), Verdict::Ended);
    }

    #[test]
    fn once_the_successor_was_used_the_predecessor_is_stolen() {
        let mut family = Family::new();
        family.present(0, 0);
        family.present(1, 1);
        assert_eq!(family.present(0, 2), Verdict::Stolen);
        assert_eq!(family.present(2, 3), Verdict::Ended);
    }

    #[test]
    fn a_lost_answer_that_turns_up_later_is_stolen() {
        let mut family = Family::new();
        family.present(0, 0);
        // The answer with token 1 got lost; 2 was given instead.
        family.present(0, 1);
        assert_eq!(family.present(1, 2), Verdict::Stolen);
    }

    #[test]
    fn a_month_without_use_ends_it() {
        let mut family = Family::new();
        assert_eq!(family.present(0, REFRESH_MS), Verdict::Expired);
    }
}
