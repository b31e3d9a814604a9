//! Ringing and answering. Each step is told: `ring`, `ring_ended`, `call` with its phase.

use crate::{lines::tell, person::Person};
use anyhow::bail;
use im_contract::{
    Commands as _, CoreEvent,
    args::{CallAcceptArgs, CallArgs, CallRejectArgs, CallStartArgs, Nothing},
    views::{CallPhase, CallProgress, Ring},
};
use im_protocol::{CallId, ConversationId, call::RejectReason};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A ring that is about to be made.
pub(crate) struct Calling {
    pub(crate) conversation: ConversationId,
    pub(crate) video: bool,
    pub(crate) about: String,
    /// Hangs up so long after both hear each other; never without.
    pub(crate) talk: Option<Duration>,
    /// Gives up ringing after so long; when the rules say so without.
    pub(crate) give_up: Option<Duration>,
}

/// What is done about a ring.
pub(crate) enum Answer {
    /// Taken, with a picture or without.
    Accept { video: bool, talk: Option<Duration> },
    /// Declined.
    Reject(RejectReason),
    /// Left ringing.
    Ignore,
}

/// Rings, and stays until the call is over.
pub(crate) async fn start(person: &mut Person, calling: Calling) -> anyhow::Result<()> {
    person.connected().await?;
    let args = CallStartArgs {
        conversation: calling.conversation,
        video: calling.video,
        about: calling.about,
    };
    let progress = person.core.calls_start(args).await?;
    let mut course = Course::new(progress.call, calling.talk);
    course.give_up = calling.give_up.map(|patience| Instant::now() + patience);
    course.told(&progress)?;
    course.follow(person).await
}

/// Waits for a ring for at most so long, answers it after a while, and stays until it is over.
pub(crate) async fn answer(
    person: &mut Person,
    within: Duration,
    after: Duration,
    answer: Answer,
) -> anyhow::Result<()> {
    person.connected().await?;
    tell("ready", json!({}))?;
    let until = Instant::now() + within;
    let ring = loop {
        if let Some(ring) = person
            .core
            .calls_rings(Nothing {})
            .await?
            .into_iter()
            .next()
        {
            break ring;
        }
        if Instant::now() >= until {
            bail!("nobody called");
        }
        person.beat().await?;
    };
    tell("ring", of_ring(&ring))?;
    let call = ring.call;
    // It may be over by a hair; then what follows says so.
    person.core.calls_shown(CallArgs { call }).await.ok();
    sleep(after).await;
    match answer {
        Answer::Accept { video, talk } => {
            tell("accepting", json!({ "call": call }))?;
            person
                .core
                .calls_accept(CallAcceptArgs { call, video })
                .await?;
            Course::new(call, talk).follow(person).await
        }
        Answer::Reject(reason) => {
            person
                .core
                .calls_reject(CallRejectArgs { call, reason })
                .await?;
            ring_ended(person, call).await
        }
        Answer::Ignore => ring_ended(person, call).await,
    }
}

async fn ring_ended(person: &mut Person, call: CallId) -> anyhow::Result<()> {
    loop {
        if let Some(CoreEvent::RingEnded { call: ended, end }) = person.beat().await?
            && ended == call
        {
            tell("ring_ended", json!({ "call": call, "end": end }))?;
            return Ok(());
        }
    }
}

fn of_ring(ring: &Ring) -> Value {
    json!({
        "call": ring.call,
        "conversation": ring.conversation,
        "caller": ring.caller.name,
        "course": ring.course,
        "about": ring.about,
        "video": ring.video,
        "waiting_ms": ring.waiting_ms,
        "remaining_ms": ring.remaining_ms,
    })
}

/// A call from here to its end.
struct Course {
    call: CallId,
    talk: Option<Duration>,
    give_up: Option<Instant>,
    hang_up: Option<Instant>,
    last: Option<Value>,
}

impl Course {
    fn new(call: CallId, talk: Option<Duration>) -> Self {
        Self {
            call,
            talk,
            give_up: None,
            hang_up: None,
            last: None,
        }
    }

    async fn follow(mut self, person: &mut Person) -> anyhow::Result<()> {
        let call = self.call;
        loop {
            let event = person.beat().await?;
            let now = match event {
                Some(CoreEvent::Call(progress)) => progress,
                Some(CoreEvent::Overflow) | None => person.core.calls_current(Nothing {}).await?,
                Some(_) => continue,
            };
            if self.is_gone(now.as_ref()) {
                bail!("the call is gone without a word on how it ended");
            }
            if let Some(progress) = now.filter(|progress| progress.call == call)
                && self.told(&progress)?
            {
                person.core.calls_dismiss(CallArgs { call }).await?;
                return Ok(());
            }
            let due = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if due(self.hang_up) || due(self.give_up) {
                (self.hang_up, self.give_up) = (None, None);
                tell("hanging_up", json!({ "call": call }))?;
                person.core.calls_hang_up(CallArgs { call }).await?;
            }
        }
    }

    /// Whether the call was there and is not anymore: put away, replaced, or of a session that is
    /// over.
    fn is_gone(&self, now: Option<&CallProgress>) -> bool {
        self.last.is_some() && now.is_none_or(|now| now.call != self.call)
    }

    /// Tells of a step that is new. Whether it was the last one.
    fn told(&mut self, progress: &CallProgress) -> anyhow::Result<bool> {
        let step = json!({
            "call": progress.call,
            "phase": progress.phase,
            "outgoing": progress.outgoing,
            "outcome": progress.outcome,
            "reason": progress.reason,
            "microphone": progress.microphone,
            "camera": progress.camera,
            "remote_size": progress.remote_size,
            "notices": progress.notices,
        });
        if self.last.as_ref() != Some(&step) {
            tell("call", step.clone())?;
            self.last = Some(step);
        }
        match progress.phase {
            CallPhase::Connecting => self.give_up = None,
            CallPhase::Connected => {
                self.give_up = None;
                if let Some(talk) = self.talk.take() {
                    self.hang_up = Some(Instant::now() + talk);
                }
            }
            CallPhase::Over => return Ok(true),
            _ => {}
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_contract::views::PersonView;
    use im_protocol::{PersonId, people::Role};

    fn with_sam(call: CallId) -> CallProgress {
        CallProgress {
            call,
            conversation: ConversationId::new(),
            other: PersonView {
                id: PersonId::new(),
                name: "Sam".to_owned(),
                role: Role::Student,
                online: Some(true),
                status: None,
            },
            outgoing: true,
            phase: CallPhase::Calling,
            outcome: None,
            reason: None,
            microphone: true,
            camera: false,
            connected_at: None,
            pictures: None,
            remote_size: None,
            notices: Vec::new(),
        }
    }

    #[test]
    fn a_call_that_was_there_and_is_not_anymore_is_not_waited_for() {
        let call = CallId::new();
        let mut course = Course::new(call, None);
        let present = with_sam(call);
        assert!(!course.is_gone(None), "it has not come yet");
        assert!(!course.is_gone(Some(&with_sam(CallId::new()))));
        course.told(&present).unwrap();
        assert!(!course.is_gone(Some(&present)));
        assert!(course.is_gone(None));
        assert!(course.is_gone(Some(&with_sam(CallId::new()))));
    }
}
