//! What was written to whole courses, on its way to the server: one at a time, in the order of
//! writing, until it is acknowledged. The rows are the truth; this only decides when the next is
//! sent. Sending again is harmless: the id names the whole.

use super::{Outcome, Session, gate::Gate};
use crate::{store::bulk as rows, wire::WireFailure};
use im_contract::CoreEvent;
use im_protocol::bulk::BulkSend;
use std::time::Duration;

/// The first pause after what may pass.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What came of trying to send one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// It is done, for good or for the person to look at: the next may go. With how many wait.
    Next(u32),
    /// Nothing waits.
    Nothing,
    /// It may work later.
    Later(Option<Duration>),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Bulks {
    gate: Gate,
    /// Something may wait.
    wanted: bool,
    sending: bool,
    pauses: u32,
    waiting: u32,
}

impl Bulks {
    /// With what is on disk.
    pub(super) fn new(waiting: u32) -> Self {
        Self {
            wanted: waiting > 0,
            waiting,
            ..Self::default()
        }
    }

    /// How many wait to be sent.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// One was written, or is to be tried again.
    pub(super) fn wrote(&mut self, waiting: u32) {
        self.waiting = waiting;
        self.wanted = true;
        self.gate.go_on();
    }

    /// A connection is there: pauses are over.
    pub(super) fn connected(&mut self) {
        self.gate.connected();
        self.pauses = 0;
    }

    /// The connection is gone. The answer to what is under way still comes.
    pub(super) fn disconnected(&mut self) {
        self.gate.disconnected();
    }

    /// Whether one is to be sent now; what came of it is told with [`Bulks::tried`].
    pub(super) fn poll(&mut self, now: Duration) -> bool {
        let goes = self.wanted && !self.sending && self.gate.lets_through(now);
        self.sending |= goes;
        goes
    }

    /// When a pause ends.
    pub(super) fn due(&self) -> Option<Duration> {
        let waits = self.wanted && !self.sending;
        self.gate.due().filter(|_| waits)
    }

    /// What came of it.
    pub(super) fn tried(&mut self, now: Duration, tried: Tried) {
        self.sending = false;
        match tried {
            Tried::Next(waiting) => {
                self.waiting = waiting;
                self.wanted = waiting > 0;
                self.pauses = 0;
                self.gate.go_on();
            }
            Tried::Nothing => {
                self.waiting = 0;
                self.wanted = false;
            }
            Tried::Later(wait) => {
                let doubled = PAUSE.saturating_mul(1 << self.pauses.min(6));
                self.pauses += 1;
                self.gate
                    .pause(now + wait.unwrap_or(doubled.min(LONGEST_PAUSE)));
            }
        }
    }
}

impl Session {
    /// Sends the first that waits.
    pub(super) fn send_bulk(&self) {
        let context = self.context.clone();
        self.begin(async move {
            let row = match context.store.outbox.read(rows::first).await {
                Ok(Some(row)) => row,
                Ok(None) => return Outcome::Bulk(Tried::Nothing),
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    return Outcome::Bulk(Tried::Later(None));
                }
            };
            let id = row.id;
            let asked = BulkSend {
                id,
                course: row.course,
                text: row.text,
                written_at: row.written_at,
            };
            let refusal = match context.wire.request(&asked).await {
                Ok(_) => None,
                Err(WireFailure::Refused(error)) if error.retryable || error.code.retryable() => {
                    let wait = error.retry_after_ms.map(Duration::from_millis);
                    return Outcome::Bulk(Tried::Later(wait));
                }
                Err(WireFailure::Refused(error)) => Some(error),
                Err(WireFailure::NotConnected | WireFailure::Lost) => {
                    return Outcome::Bulk(Tried::Later(None));
                }
            };
            let write = move |tx: &rusqlite::Transaction<'_>| {
                match &refusal {
                    None => rows::remove(tx, id)?,
                    Some(error) => {
                        rows::set_error(tx, id, Some(error))?;
                    }
                }
                rows::waiting(tx)
            };
            let settled = context.store.outbox.write(write).await;
            context.events.tell(CoreEvent::Bulk);
            Outcome::Bulk(match settled {
                Ok(waiting) => Tried::Next(waiting),
                Err(error) => {
                    tracing::error!(%error, "what became of a message to a course is not kept");
                    Tried::Later(None)
                }
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_at_a_time_while_there_is_a_connection() {
        let mut bulks = Bulks::new(2);
        assert!(!bulks.poll(at(0)), "offline");
        bulks.connected();
        assert!(bulks.poll(at(0)));
        assert!(!bulks.poll(at(0)), "one is on its way");
        bulks.tried(at(1), Tried::Next(1));
        assert!(bulks.poll(at(1)));
        bulks.tried(at(2), Tried::Next(0));
        assert!(!bulks.poll(at(2)));
        bulks.wrote(1);
        assert_eq!(bulks.waiting(), 1);
        assert!(bulks.poll(at(3)));
        bulks.tried(at(3), Tried::Nothing);
        assert_eq!((bulks.waiting(), bulks.poll(at(4))), (0, false));
    }

    #[test]
    fn what_may_pass_is_tried_again_later_each_time_and_at_once_after_a_reconnect() {
        let mut bulks = Bulks::new(1);
        bulks.connected();
        let mut now = at(0);
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(bulks.poll(now));
            bulks.tried(now, Tried::Later(None));
            let due = bulks.due().unwrap();
            assert_eq!(due, now + at(wait));
            assert!(!bulks.poll(due - at(1).min(due) / 1_000));
            now = due;
        }
        assert!(bulks.poll(now));
        bulks.tried(now, Tried::Later(Some(at(5))));
        assert_eq!(bulks.due(), Some(now + at(5)), "as the server says");
        bulks.disconnected();
        assert_eq!(bulks.due(), None);
        bulks.connected();
        assert!(bulks.poll(now));
    }
}
