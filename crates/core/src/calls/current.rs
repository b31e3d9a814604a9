//! The call on this device as the UI sees it, from the wish to the moment it is put away.

use super::ended;
use crate::session::Context;
use im_call::{
    device::{Progress, Stage, Why},
    media::{DeviceNotice, MediaEvent},
};
use im_contract::{
    CoreEvent, ErrorKind, UiError,
    views::{CallLevels, CallNotice, CallPhase, CallProgress, PersonView, PictureSize, Pictures},
};
use im_protocol::{
    CallId, ErrorCode, PersonId,
    call::{CallOutcome, RejectReason, RingReceipt},
    people::{Person, Role},
};
use std::collections::HashMap;
use tokio::{
    sync::{oneshot, watch},
    time::{Duration, Instant},
};

/// How long a wish to call waits for the server's word before it is answered without.
const HOLD: Duration = Duration::from_millis(500);

type Reply = oneshot::Sender<Result<CallProgress, UiError>>;

/// A wish to call that has no answer yet.
struct Starting {
    call: CallId,
    reply: Reply,
    until: Instant,
}

/// See the module.
pub(super) struct Current {
    context: Context,
    shown: watch::Sender<Option<CallProgress>>,
    /// The other person of each call that may be shown.
    others: HashMap<CallId, PersonView>,
    starting: Option<Starting>,
}

impl Current {
    pub(super) fn new(context: Context, shown: watch::Sender<Option<CallProgress>>) -> Self {
        Self {
            context,
            shown,
            others: HashMap::new(),
            starting: None,
        }
    }

    /// The call that is shown and not over.
    pub(super) fn engaged(&self) -> Option<CallId> {
        let shown = self.shown.borrow();
        let call = shown.as_ref().filter(|call| call.phase != CallPhase::Over);
        call.map(|call| call.call)
    }

    /// Who the other one of a call is.
    pub(super) fn knows(&mut self, call: CallId, other: PersonView) {
        self.change(call, |shown| shown.other.clone_from(&other));
        self.others.insert(call, other);
    }

    /// A call that rang and was not taken needs no name anymore.
    pub(super) fn forgets(&mut self, call: CallId) {
        self.others.remove(&call);
    }

    /// A wish to call is to be answered with what becomes of it.
    pub(super) fn starts(&mut self, call: CallId, reply: Reply) {
        self.starting = Some(Starting {
            call,
            reply,
            until: Instant::now() + HOLD,
        });
    }

    /// When [`Current::on_time`] is wanted.
    pub(super) fn due(&self) -> Option<Instant> {
        self.starting.as_ref().map(|starting| starting.until)
    }

    /// The server takes its time: the wish is answered with what is known.
    pub(super) fn on_time(&mut self) {
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.answer();
        }
    }

    /// Both called each other: this call is shown in place of the one that was started.
    pub(super) fn joined(&mut self, asked: CallId, call: CallId) {
        if let Some(other) = self.others.remove(&asked) {
            self.others.insert(call, other);
        }
        if let Some(starting) = &mut self.starting
            && starting.call == asked
        {
            starting.call = call;
        }
    }

    /// The machine says how a call stands.
    pub(super) fn progress(&mut self, progress: Progress) {
        let call = progress.call;
        let asked_here = self
            .starting
            .as_ref()
            .is_some_and(|starting| starting.call == call);
        if let (true, Some(error)) = (asked_here, refusal(&progress.stage)) {
            // Whoever asked shows it; there is no call.
            if let Some(starting) = self.starting.take() {
                starting.reply.send(Err(error)).ok();
            }
            self.others.remove(&call);
            self.show(None);
            return;
        }
        let still_asking = progress.stage == Stage::Calling;
        let over = matches!(progress.stage, Stage::Over(_));
        let known = self.shown.borrow().clone();
        let known = known.filter(|known| known.call == call);
        let next = self.next(progress, known);
        if over {
            self.others.remove(&call);
        }
        tracing::info!(%call, phase = ?next.phase, outcome = ?next.outcome, "a call's step");
        self.show(Some(next));
        if asked_here && !still_asking {
            self.answer();
        }
    }

    fn next(&self, progress: Progress, known: Option<CallProgress>) -> CallProgress {
        let before = known.as_ref().map(|known| known.phase);
        let (phase, outcome, reason) = phase_of(&progress, before);
        let other = match (&known, self.others.get(&progress.call)) {
            (Some(known), _) => known.other.clone(),
            (None, Some(other)) => other.clone(),
            (None, None) => self.nameless(progress.other),
        };
        let over = phase == CallPhase::Over;
        let connected_at = known.as_ref().and_then(|known| known.connected_at);
        let connected_now = phase == CallPhase::Connected && connected_at.is_none();
        CallProgress {
            call: progress.call,
            conversation: progress.conversation,
            other,
            outgoing: progress.outgoing,
            phase,
            outcome,
            reason,
            microphone: progress.microphone,
            camera: progress.camera,
            connected_at: if connected_now {
                Some(self.context.clock.now())
            } else {
                connected_at
            },
            pictures: known
                .as_ref()
                .and_then(|known| known.pictures.clone())
                .filter(|_| !over),
            remote_size: known
                .as_ref()
                .and_then(|known| known.remote_size)
                .filter(|_| !over),
            notices: known.map(|known| known.notices).unwrap_or_default(),
        }
    }

    fn nameless(&self, id: Option<PersonId>) -> PersonView {
        self.context.live.person(Person {
            id: id.unwrap_or(self.context.me),
            name: String::new(),
            role: Role::Student,
        })
    }

    /// What media tells beyond what the machine needs.
    pub(super) fn media(&self, call: CallId, event: &MediaEvent) {
        match event {
            MediaEvent::Levels(levels) => {
                self.context.events.tell(CoreEvent::CallLevels(CallLevels {
                    microphone: levels.microphone,
                    remote: levels.remote,
                }));
            }
            MediaEvent::Pictures(urls) => self.change(call, |shown| {
                shown.pictures = Some(Pictures {
                    remote: urls.remote.clone(),
                    own: urls.own.clone(),
                });
            }),
            MediaEvent::Picture { width, height } => {
                let (width, height) = (*width, *height);
                self.change(call, |shown| {
                    shown.remote_size = Some(PictureSize { width, height });
                });
            }
            MediaEvent::Notice(notice) => {
                let notice = notice_of(*notice);
                self.change(call, |shown| {
                    if !shown.notices.contains(&notice) {
                        shown.notices.push(notice);
                    }
                });
            }
            MediaEvent::NoticeOver(notice) => {
                let notice = notice_of(*notice);
                self.change(call, |shown| shown.notices.retain(|known| *known != notice));
            }
            MediaEvent::FirstSound => tracing::info!(%call, "the other is heard"),
            _ => {}
        }
    }

    fn change(&self, call: CallId, change: impl FnOnce(&mut CallProgress)) {
        let shown = self.shown.borrow().clone();
        if let Some(mut shown) = shown.filter(|shown| shown.call == call) {
            change(&mut shown);
            self.show(Some(shown));
        }
    }

    /// Puts away a call that is over.
    pub(super) fn dismiss(&self, call: CallId) {
        let over = self
            .shown
            .borrow()
            .as_ref()
            .is_some_and(|shown| shown.call == call && shown.phase == CallPhase::Over);
        if over {
            self.show(None);
        }
    }

    /// The session ends.
    pub(super) fn clear(&mut self) {
        if let Some(starting) = self.starting.take() {
            starting.reply.send(Err(ended())).ok();
        }
        self.others.clear();
        self.show(None);
    }

    fn answer(&mut self) {
        if let Some(starting) = self.starting.take() {
            let shown = self.shown.borrow().clone();
            starting.reply.send(shown.ok_or_else(ended)).ok();
        }
    }

    fn show(&self, next: Option<CallProgress>) {
        let changed = self.shown.send_if_modified(|shown| {
            let changed = *shown != next;
            shown.clone_from(&next);
            changed
        });
        if changed {
            self.context.events.tell(CoreEvent::Call(next));
        }
    }
}

fn notice_of(notice: DeviceNotice) -> CallNotice {
    match notice {
        DeviceNotice::NoMicrophone => CallNotice::NoMicrophone,
        DeviceNotice::NoSpeaker => CallNotice::NoSpeaker,
        DeviceNotice::NoCamera => CallNotice::NoCamera,
    }
}

/// Why a start came to nothing before there was a call.
fn refusal(stage: &Stage) -> Option<UiError> {
    match stage {
        // The person's line is taken: by another device of theirs, or by a call that rings.
        Stage::Over(Why::Refused(error)) if error.code == ErrorCode::Conflict => {
            Some(UiError::new(ErrorKind::InACall))
        }
        Stage::Over(Why::Refused(error)) => Some(UiError::from(error)),
        Stage::Over(Why::Unreachable) => Some(UiError::new(ErrorKind::NotConnected)),
        _ => None,
    }
}

fn phase_of(
    progress: &Progress,
    before: Option<CallPhase>,
) -> (CallPhase, Option<CallOutcome>, Option<RejectReason>) {
    let phase = match &progress.stage {
        Stage::Calling => CallPhase::Starting,
        Stage::Ringing(RingReceipt::Sent) => CallPhase::Calling,
        Stage::Ringing(RingReceipt::Delivered) => CallPhase::Delivered,
        Stage::Ringing(RingReceipt::Shown) => CallPhase::Ringing,
        Stage::Connecting => CallPhase::Connecting,
        Stage::Connected => CallPhase::Connected,
        Stage::Reconnecting => CallPhase::Reconnecting,
        Stage::Over(why) => {
            let (outcome, reason) = outcome_of(why, before);
            return (CallPhase::Over, Some(outcome), reason);
        }
    };
    (phase, None, None)
}

fn outcome_of(why: &Why, before: Option<CallPhase>) -> (CallOutcome, Option<RejectReason>) {
    let outcome = match why {
        Why::HungUp => match before {
            Some(
                CallPhase::Starting
                | CallPhase::Calling
                | CallPhase::Delivered
                | CallPhase::Ringing,
            ) => CallOutcome::Canceled,
            _ => CallOutcome::Ended,
        },
        Why::OtherHungUp => CallOutcome::Ended,
        Why::Declined(reason) => return (CallOutcome::Rejected, Some(*reason)),
        Why::NoAnswer => CallOutcome::Missed,
        Why::Canceled => CallOutcome::Canceled,
        Why::Busy => CallOutcome::Busy,
        Why::Failed | Why::Refused(_) | Why::Unreachable | Why::NoMedia => CallOutcome::Failed,
        Why::AnsweredElsewhere | Why::Gone => CallOutcome::Other,
    };
    (outcome, None)
}
