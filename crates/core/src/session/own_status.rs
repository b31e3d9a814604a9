//! The mentor's own status on its way to the server. What was chosen is on disk first, then shown,
//! then sent: without a connection it waits, and only the last choice counts.

use super::{Outcome, Session, gate::Gate};
use crate::{
    clock::Clock,
    live::Live,
    store::own_status::{self as row, Chosen},
    wire::WireFailure,
};
use im_contract::{ErrorKind, UiError};
use im_protocol::{
    PersonId, WireError,
    people::{Role, Status, StatusSet},
};
use rusqlite::Transaction;
use std::time::Duration;
use tokio::sync::oneshot;

/// Until a choice that could not be sent is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Who chose waits here for what becomes of it.
pub(crate) type Reply = oneshot::Sender<Result<(), UiError>>;

/// What came of a choice.
pub(super) enum Stood {
    /// It is on disk, or could not be put there.
    Kept(Chosen, Reply, Result<(), UiError>),
    /// The server answered, or did not.
    Answered(Chosen, Result<(), WireFailure>),
}

/// What decides: no input, no output.
#[derive(Debug, Default)]
pub(super) struct OwnStatus {
    last: u64,
    waiting: Option<Chosen>,
    /// The choice that is on its way.
    sending: Option<u64>,
    gate: Gate,
}

/// What an answer means for a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// The server has it.
    Known,
    /// The server will never take it.
    Never(WireError),
    /// Not now.
    Later,
}

impl OwnStatus {
    /// With the choice that is on disk, if one is.
    pub(super) fn new(kept: Option<Chosen>) -> Self {
        Self {
            last: kept.as_ref().map_or(0, |chosen| chosen.n),
            waiting: kept,
            ..Self::default()
        }
    }

    /// The number of the next choice.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A choice is on disk.
    fn kept(&mut self, chosen: Chosen) {
        if self.waiting.as_ref().is_none_or(|known| known.n < chosen.n) {
            self.waiting = Some(chosen);
            self.gate.go_on();
        }
    }

    /// A connection is there.
    pub(super) fn connected(&mut self) {
        self.gate.connected();
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self) {
        self.gate.disconnected();
    }

    /// What is to be sent now.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Chosen> {
        if self.sending.is_some() || !self.gate.lets_through(now) {
            return None;
        }
        let chosen = self.waiting.clone()?;
        self.sending = Some(chosen.n);
        Some(chosen)
    }

    /// When a pause ends.
    pub(super) fn due(&self) -> Option<Duration> {
        self.gate.due().filter(|_| self.waiting.is_some())
    }

    /// What became of what was sent.
    fn answered(&mut self, now: Duration, n: u64, answer: Result<(), WireFailure>) -> Verdict {
        self.sending = None;
        let verdict = match answer {
            Ok(()) => Verdict::Known,
            Err(WireFailure::Refused(error)) if !error.retryable && !error.code.retryable() => {
                Verdict::Never(error)
            }
            Err(failure) => {
                let asked = match &failure {
                    WireFailure::Refused(error) => error.retry_after_ms.map(Duration::from_millis),
                    WireFailure::NotConnected | WireFailure::Lost => None,
                };
                self.gate.pause(now + asked.unwrap_or(AGAIN));
                Verdict::Later
            }
        };
        let settled = verdict != Verdict::Later;
        if settled && self.waiting.as_ref().is_some_and(|known| known.n <= n) {
            self.waiting = None;
        }
        verdict
    }

    /// The choice that the server does not know.
    fn pending(&self) -> Option<StatusSet> {
        self.waiting.as_ref().map(|chosen| chosen.status.clone())
    }
}

impl Session {
    /// A mentor has chosen.
    pub(super) fn choose(&mut self, status: StatusSet, reply: Reply) {
        if self.me.borrow().person.role != Role::Mentor {
            let _ = reply.send(Err(UiError::new(ErrorKind::NotAllowed)));
            return;
        }
        let n = self.own_status.next();
        let chosen = Chosen { n, status };
        let store = self.context.store.clone();
        self.begin(async move {
            let kept = chosen.clone();
            let write = move |tx: &Transaction<'_>| row::put(tx, &kept);
            let written = store.outbox.write(write).await.map_err(UiError::from);
            Outcome::Status(Stood::Kept(chosen, reply, written))
        });
    }

    /// Sends a choice.
    pub(super) fn send_status(&self, chosen: Chosen) {
        let wire = self.context.wire.clone();
        self.begin(async move {
            let answer = wire.request(&chosen.status).await.map(|_| ());
            Outcome::Status(Stood::Answered(chosen, answer))
        });
    }

    /// Takes what came of it.
    pub(super) fn stood(&mut self, stood: Stood) {
        match stood {
            Stood::Kept(_, reply, Err(error)) => {
                let _ = reply.send(Err(error));
            }
            Stood::Kept(chosen, reply, Ok(())) => {
                if self.ready {
                    self.choosing.push((chosen.n, reply));
                } else {
                    let _ = reply.send(Ok(()));
                }
                self.own_status.kept(chosen);
            }
            Stood::Answered(chosen, answer) => {
                let now = self.now();
                let verdict = self.own_status.answered(now, chosen.n, answer);
                self.settle_status(chosen, verdict);
            }
        }
        self.show_own_status();
    }

    fn settle_status(&mut self, chosen: Chosen, verdict: Verdict) {
        let n = chosen.n;
        let told = match &verdict {
            Verdict::Never(error) => {
                tracing::warn!(code = %error.code, "the server does not take this status");
                Err(UiError::from(error))
            }
            Verdict::Known | Verdict::Later => Ok(()),
        };
        if verdict == Verdict::Known {
            known(
                &self.context.live,
                &self.context.clock,
                self.context.me,
                chosen.status,
            );
        }
        if verdict != Verdict::Later {
            let store = self.context.store.clone();
            self.begin(async move {
                let write = move |tx: &Transaction<'_>| row::settled(tx, n);
                if let Err(error) = store.outbox.write(write).await {
                    // It is sent once more after the next start.
                    tracing::warn!(%error, "a status could not be deleted from the outbox");
                }
                Outcome::Nothing
            });
        }
        let (asked, later) = std::mem::take(&mut self.choosing)
            .into_iter()
            .partition(|(asked, _)| *asked <= n);
        self.choosing = later;
        let asked: Vec<(u64, Reply)> = asked;
        for (_, reply) in asked {
            // Who asked may have given up.
            let _ = reply.send(told.clone());
        }
    }

    /// Whoever waits for the server's word on a choice need not: it is on disk.
    pub(super) fn status_waits(&mut self) {
        for (_, reply) in self.choosing.drain(..) {
            let _ = reply.send(Ok(()));
        }
    }

    /// Tells what the mentor has chosen, sent or not.
    pub(super) fn show_own_status(&mut self) {
        self.context.live.set_pending(self.own_status.pending());
        self.changes.people();
    }
}

/// The server has taken it: known here before its own word comes.
fn known(live: &Live, clock: &Clock, me: PersonId, status: StatusSet) {
    live.status(&Status {
        person: me,
        availability: status.availability,
        message: status.message,
        since: clock.now(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::{ErrorCode, people::Availability};

    fn chosen(n: u64) -> Chosen {
        Chosen {
            n,
            status: StatusSet {
                availability: Availability::Break,
                message: n.to_string(),
            },
        }
    }

    #[test]
    fn what_was_chosen_offline_goes_when_connected_and_only_the_last() {
        let now = Duration::from_secs(1);
        let mut own = OwnStatus::new(Some(chosen(4)));
        assert_eq!(own.next(), 5);
        assert_eq!(own.poll(now), None);
        own.kept(chosen(6));
        // Written before it, told after it.
        own.kept(chosen(5));
        assert_eq!(own.pending(), Some(chosen(6).status));
        own.connected();
        assert_eq!(own.poll(now), Some(chosen(6)));
        assert_eq!(own.poll(now), None);
        own.kept(chosen(7));
        assert_eq!(own.answered(now, 6, Ok(())), Verdict::Known);
        assert_eq!(own.poll(now), Some(chosen(7)));
        assert_eq!(own.answered(now, 7, Ok(())), Verdict::Known);
        assert_eq!((own.pending(), own.poll(now)), (None, None));
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_and_a_refusal_for_good_is_not() {
        let now = Duration::from_secs(1);
        let mut own = OwnStatus::new(None);
        own.kept(chosen(1));
        own.connected();
        assert!(own.poll(now).is_some());
        assert_eq!(own.answered(now, 1, Err(WireFailure::Lost)), Verdict::Later);
        assert_eq!(own.poll(now), None);
        assert_eq!(own.due(), Some(now + AGAIN));
        assert!(own.poll(now + AGAIN).is_some());
        let busy = WireError::new(ErrorCode::RateLimited, "").retry_after(200);
        let wait = Duration::from_millis(200);
        let refused = Err(WireFailure::Refused(busy));
        assert_eq!(own.answered(now, 1, refused), Verdict::Later);
        assert_eq!(own.due(), Some(now + wait));
        assert!(own.poll(now + wait).is_some());
        let never = WireError::new(ErrorCode::Forbidden, "");
        let refused = Err(WireFailure::Refused(never.clone()));
        assert_eq!(own.answered(now, 1, refused), Verdict::Never(never));
        assert_eq!((own.pending(), own.due()), (None, None));
    }
}
