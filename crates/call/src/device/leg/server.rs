//! What the server says of a call, and what it answers.

use super::{Cx, Leg, Phase};
use crate::device::{
    RETRY_MS, SLACK_MS,
    words::{Failure, Request, RingEnding, Stage, Ticket, Why},
};
use im_protocol::{
    ErrorCode, WireError,
    call::{CallOutcome, CallState, CallView, RejectReason},
};

impl Leg {
    /// The word of the server; only a higher revision counts.
    pub(in crate::device) fn view(&mut self, view: CallView, cx: &mut Cx<'_>) {
        if self
            .view
            .as_ref()
            .is_some_and(|known| known.rev >= view.rev)
        {
            return;
        }
        let here = view.device_of(cx.me.person) == Some(cx.me.device);
        let state = view.state;
        let receipt = view.receipt;
        let left = view
            .remaining_ms
            .map(|ms| cx.now.saturating_add(ms).saturating_add(SLACK_MS));
        if state == CallState::Over {
            self.over(&view, cx);
            self.view = Some(view);
            return;
        }
        self.view = Some(view);
        match (self.phase, state) {
            (Phase::Calling | Phase::RingingOut, CallState::Ringing) => {
                self.phase = Phase::RingingOut;
                self.deadline = left;
                self.tell(Stage::Ringing(receipt), cx);
            }
            (Phase::RingingIn, CallState::Accepted | CallState::Connected) => {
                self.stop_ringing(RingEnding::AnsweredElsewhere, cx);
                if here {
                    // Not by this process, which would be accepting.
                    self.push_end(true);
                }
            }
            (
                Phase::Calling | Phase::RingingOut | Phase::Accepting,
                CallState::Accepted | CallState::Connected,
            ) => {
                if here {
                    self.join(left, cx);
                } else {
                    self.finish(Why::AnsweredElsewhere, cx);
                }
            }
            (Phase::Joined, _) if self.deadline.is_some() && left.is_some() => {
                self.deadline = left;
            }
            _ => {}
        }
    }

    /// At a reconnect: what a ring has left by the server's clock, which did not stop where the
    /// machine slept.
    pub(in crate::device) fn refresh(&mut self, view: &CallView, now: u64) {
        if self.phase == Phase::RingingIn
            && let (Some(deadline), Some(ms)) = (self.deadline, view.remaining_ms)
        {
            self.deadline = Some(deadline.min(now.saturating_add(ms)));
        }
    }

    /// The server says that it is over.
    pub(in crate::device) fn over(&mut self, view: &CallView, cx: &mut Cx<'_>) {
        let caller = view.caller == cx.me.person;
        match self.phase {
            Phase::Left => self.unacknowledged.retain(|_| false),
            Phase::RingingIn => {
                let ending = match view.outcome {
                    Some(CallOutcome::Rejected) => RingEnding::DeclinedElsewhere,
                    Some(CallOutcome::Canceled) => RingEnding::CallerGaveUp,
                    Some(CallOutcome::Missed) => RingEnding::TimedOut,
                    _ if view.callee_device.is_some() => RingEnding::AnsweredElsewhere,
                    _ => RingEnding::Over,
                };
                self.stop_ringing(ending, cx);
            }
            _ => {
                let why = match view.outcome {
                    Some(CallOutcome::Rejected) if caller => {
                        Why::Declined(view.reason.unwrap_or(RejectReason::Declined))
                    }
                    Some(CallOutcome::Missed) => Why::NoAnswer,
                    Some(CallOutcome::Canceled) => Why::Canceled,
                    Some(CallOutcome::Busy) => Why::Busy,
                    Some(CallOutcome::Failed) => Why::Failed,
                    Some(CallOutcome::Ended) => Why::OtherHungUp,
                    _ => Why::Gone,
                };
                self.finish(why, cx);
            }
        }
    }

    /// The server rings this person for a later call, so this one is over.
    pub(in crate::device) fn superseded(&mut self, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::Calling | Phase::Left => {}
            Phase::RingingIn => self.stop_ringing(RingEnding::Over, cx),
            _ => self.finish(Why::Gone, cx),
        }
    }

    /// Connected again; whether the server still has this call among those that are not over.
    pub(in crate::device) fn online(&mut self, alive: bool, cx: &mut Cx<'_>) {
        match self.phase {
            // The server may not have heard of it yet.
            Phase::Calling => {}
            Phase::Left if alive => {}
            Phase::Left => self.unacknowledged.retain(|_| false),
            Phase::RingingIn if !alive => self.stop_ringing(RingEnding::Over, cx),
            _ if !alive => self.finish(Why::Gone, cx),
            Phase::Joined => self.negotiate(cx, |negotiation, cx, acts| {
                negotiation.signalling_back(cx.now, acts);
            }),
            _ => {}
        }
    }

    pub(in crate::device) fn offline(&mut self) {
        self.unacknowledged.offline();
    }

    pub(in crate::device) fn send(
        &mut self,
        now: u64,
        ticket: impl FnMut() -> Ticket,
    ) -> Vec<(Ticket, Request)> {
        let sent = self.unacknowledged.send(now, ticket);
        self.start_sent |= sent
            .iter()
            .any(|(_, request)| matches!(request, Request::Start(_)));
        sent
    }

    pub(in crate::device) fn answered(&mut self, ticket: Ticket) -> Option<Request> {
        self.unacknowledged.answered(ticket)
    }

    pub(in crate::device) fn not_done(
        &mut self,
        ticket: Ticket,
        failure: &Failure,
        cx: &mut Cx<'_>,
    ) {
        let Some(request) = self.unacknowledged.get(ticket) else {
            return;
        };
        let wait = match failure {
            Failure::Lost => Some(RETRY_MS),
            // The other device is between two connections.
            Failure::Refused(error)
                if error.code == ErrorCode::Offline && request.generation().is_some() =>
            {
                Some(RETRY_MS)
            }
            Failure::Refused(error) if error.retryable => {
                Some(error.retry_after_ms.unwrap_or(RETRY_MS))
            }
            Failure::Refused(_) => None,
        };
        if let Some(wait) = wait {
            self.unacknowledged
                .later(ticket, cx.now.saturating_add(wait));
            return;
        }
        let request = self.unacknowledged.answered(ticket);
        if let (Some(request), Failure::Refused(error)) = (request, failure) {
            self.refused(&request, error, cx);
        }
    }

    fn refused(&mut self, request: &Request, error: &WireError, cx: &mut Cx<'_>) {
        match (request, self.phase) {
            (Request::Start(_), Phase::Calling) => self.finish(Why::Refused(error.clone()), cx),
            (Request::Accept(_), Phase::Accepting) => {
                let why = match error.code {
                    ErrorCode::AnsweredElsewhere => Why::AnsweredElsewhere,
                    ErrorCode::Gone | ErrorCode::NotFound | ErrorCode::Conflict => Why::Gone,
                    _ => Why::Refused(error.clone()),
                };
                self.finish(why, cx);
            }
            // The rest either changes nothing or is followed by the server's word on the call.
            _ => {}
        }
    }
}
