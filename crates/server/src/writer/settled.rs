//! What follows a commit: answers, and what is to be made known.

use super::{Waiting, change::Published};
use crate::{dispatch::reply_of, error::Error, hub::Hub, messages};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot};

/// Batches that may wait to be told of; beyond it the writer waits.
const WAITING: usize = 8;

/// How an asker hears what became of it.
pub(super) type Answer = Box<dyn FnOnce(Fate) + Send>;

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    OnDisk,
    Lost,
}

/// A batch whose transaction has ended.
pub(super) struct Settled {
    pub(super) fate: Fate,
    /// Of commands.
    pub(super) answers: Vec<Answer>,
    /// Messages that are on disk.
    pub(super) sent: Vec<Sent>,
    /// To be made known if it is on disk.
    pub(super) published: Vec<Published>,
}

impl Settled {
    /// Of nothing yet, on disk unless said otherwise.
    pub(super) const fn new() -> Self {
        Self {
            fate: Fate::OnDisk,
            answers: Vec::new(),
            sent: Vec::new(),
            published: Vec::new(),
        }
    }

    fn tell(self, hub: &Hub) {
        for answer in self.answers {
            answer(self.fate);
        }
        for sent in self.sent {
            sent.tell(hub);
        }
        if self.fate == Fate::OnDisk {
            for published in self.published {
                published.publish(hub);
            }
        }
    }
}

/// Sendings that went into one transaction, and what became of each.
pub(super) struct Sent {
    pub(super) answers: Vec<(Waiting, messages::Answer)>,
    pub(super) told: messages::Told,
}

impl Sent {
    /// Answers each, and sends what the same person gets right behind it: one write to their socket
    /// takes both.
    fn tell(self, hub: &Hub) {
        let mut facts = self.told.facts(hub);
        for (waiting, answer) in self.answers {
            let answered = match (answer, waiting.sending.asker) {
                (Ok(sent), Some(asker)) => {
                    asker.answer(&reply_of(Ok(sent)));
                    if let Some((first, items)) = facts.remove(&asker.person()) {
                        hub.deliver(asker.person(), first, items);
                    }
                    Ok(None)
                }
                (answer, _) => answer.map(Some),
            };
            // The asker may have gone; what was done stays done.
            waiting.answer.send(answered).ok();
        }
        for (person, (first, items)) in facts {
            hub.deliver(person, first, items);
        }
    }
}

/// An answer for whoever waits: of its own, unless it was to be kept and was lost.
pub(super) fn answer_with<T: Send + 'static>(
    asker: oneshot::Sender<Result<T, Error>>,
    result: Result<T, Error>,
) -> Answer {
    Box::new(move |fate| {
        let told = match fate {
            // A refusal stands whatever became of the others.
            Fate::Lost if result.is_ok() => Err(Error::unavailable()),
            _ => result,
        };
        // The asker may have gone; what was done stays done.
        asker.send(told).ok();
    })
}

/// Tells of batches in their order, beside the writer.
pub(super) struct Teller {
    hub: Arc<Hub>,
    settled: mpsc::Receiver<Settled>,
}

impl Teller {
    pub(super) fn new(hub: Arc<Hub>) -> (Self, mpsc::Sender<Settled>) {
        let (sender, settled) = mpsc::channel(WAITING);
        (Self { hub, settled }, sender)
    }

    /// Runs until the writer has ended and everything was told.
    pub(super) async fn run(mut self) {
        while let Some(settled) = self.settled.recv().await {
            // What panics must not take the telling of all others along: their askers would wait
            // for ever, and their feeds would not be woken.
            let tell = AssertUnwindSafe(|| settled.tell(&self.hub));
            if catch_unwind(tell).is_err() {
                tracing::error!("telling of a batch broke; the others go on");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_breaks_does_not_keep_the_next_from_being_told() {
        let (teller, settled) = Teller::new(Arc::new(Hub::default()));
        let telling = tokio::spawn(teller.run());
        let mut broken = Settled::new();
        broken.answers.push(Box::new(|_| panic!("on purpose")));
        settled.send(broken).await.ok().unwrap();
        let (answer, answered) = oneshot::channel();
        let mut whole = Settled::new();
        whole.answers.push(answer_with(answer, Ok("Maya")));
        settled.send(whole).await.ok().unwrap();
        assert_eq!(answered.await.unwrap().unwrap(), "Maya");
        drop(settled);
        telling.await.unwrap();
    }
}
