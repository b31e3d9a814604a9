//! Every further step of a call.

use super::{Call, Effect, Endpoint, Input, Record, Refused, Rules, Step};
use im_protocol::{
    PersonId, UnixMs,
    call::{CallOutcome, CallState, MediaKinds, RejectReason, RingReceipt},
    conversation::Content,
};

/// What an endpoint is to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The device that called.
    Caller,
    /// Another device of the caller.
    BesideCaller,
    /// A device of the callee, while none has accepted.
    Rung,
    /// The device that accepted.
    Callee,
    /// A device of the callee that did not accept, after another one did.
    BesideCallee,
}

impl Rules {
    /// Decides what an input does to a call.
    ///
    /// A repeated input, and one whose wish is fulfilled already, is no error: the step then has
    /// no effects and the call is as it was.
    ///
    /// # Errors
    /// Where the input does not count; the call is unchanged.
    pub fn step(&self, call: Call, input: Input, now: UnixMs) -> Result<Step, Refused> {
        match input {
            Input::Receipt(by, receipt) => receipt_of(call, by, receipt),
            Input::Accept(by, media) => self.accept(call, by, media, now),
            Input::Reject(by, reason) => self.reject(call, by, reason, now),
            Input::End { by, failed } => self.end(call, by, failed, now),
            Input::Connected(by) => self.connected(call, by, now),
            Input::Away(who) => Ok(Step::quiet(away(call, who, now))),
            Input::Back(who) => Ok(Step::quiet(self.back(call, who, now))),
            Input::Restarted => Ok(Step::quiet(self.restarted(call, now))),
            Input::Deadline => Ok(self.deadline(call, now)),
        }
    }

    pub(super) fn accept(
        &self,
        mut call: Call,
        by: Endpoint,
        media: MediaKinds,
        now: UnixMs,
    ) -> Result<Step, Refused> {
        match (call.place(by)?, call.state) {
            (Place::Caller | Place::BesideCaller, _) => Err(Refused::Forbidden),
            (_, CallState::Over) => Err(Refused::Gone),
            (Place::BesideCallee, _) => Err(Refused::AnsweredElsewhere),
            (Place::Callee, _) => Ok(Step::quiet(call)),
            (Place::Rung, _) => {
                call.state = CallState::Accepted;
                call.callee_device = Some(by.device);
                call.callee_media = Some(media);
                call.deadline = Some(now.saturating_add(self.connect_ms));
                Ok(Step::told(call))
            }
        }
    }

    fn reject(
        &self,
        mut call: Call,
        by: Endpoint,
        reason: RejectReason,
        now: UnixMs,
    ) -> Result<Step, Refused> {
        match (call.place(by)?, call.state) {
            (Place::Caller | Place::BesideCaller, _) => Err(Refused::Forbidden),
            (_, CallState::Over) => Ok(Step::quiet(call)),
            (Place::BesideCallee, _) => Err(Refused::AnsweredElsewhere),
            (Place::Callee, _) => Err(Refused::Conflict),
            (Place::Rung, _) => {
                call.reason = Some(reason);
                Ok(self.over(call, CallOutcome::Rejected, now))
            }
        }
    }

    fn end(
        &self,
        mut call: Call,
        by: Endpoint,
        failed: bool,
        now: UnixMs,
    ) -> Result<Step, Refused> {
        let place = call.place(by)?;
        match (place, call.state) {
            (_, CallState::Over) => Ok(Step::quiet(call)),
            (Place::BesideCaller, _) => Err(Refused::Forbidden),
            (Place::BesideCallee, _) => Err(Refused::AnsweredElsewhere),
            (Place::Rung, _) => {
                call.reason = Some(RejectReason::Declined);
                Ok(self.over(call, CallOutcome::Rejected, now))
            }
            (Place::Caller, CallState::Ringing) => Ok(self.over(call, CallOutcome::Canceled, now)),
            (Place::Caller | Place::Callee, _) => {
                let stays = call.peer(by.person);
                let outcome = if failed {
                    CallOutcome::Failed
                } else {
                    CallOutcome::Ended
                };
                let mut step = self.over(call, outcome, now);
                step.effects.extend(stays.map(Effect::Left));
                Ok(step)
            }
        }
    }

    fn connected(&self, mut call: Call, by: Endpoint, now: UnixMs) -> Result<Step, Refused> {
        let place = call.place(by)?;
        match (place, call.state) {
            (Place::BesideCaller, _) => Err(Refused::Forbidden),
            (Place::BesideCallee, _) => Err(Refused::AnsweredElsewhere),
            (_, CallState::Over) => Err(Refused::Gone),
            (_, CallState::Ringing) => Err(Refused::Conflict),
            (_, CallState::Connected) => Ok(Step::quiet(call)),
            (_, CallState::Accepted) => {
                let told = match place {
                    Place::Caller => &mut call.caller_connected,
                    _ => &mut call.callee_connected,
                };
                if std::mem::replace(told, true) {
                    return Ok(Step::quiet(call));
                }
                if call.caller_connected && call.callee_connected {
                    call.state = CallState::Connected;
                    call.connected_at = Some(now);
                    call.deadline = None;
                } else {
                    // The slower of the two gets its full time from here.
                    call.deadline = Some(now.saturating_add(self.connect_ms));
                }
                Ok(Step::told(call))
            }
        }
    }

    fn back(&self, mut call: Call, who: Endpoint, now: UnixMs) -> Call {
        if call.is_over() {
            return call;
        }
        let was_silent = call.silent_and_away();
        if let Some(away) = call.away_of(who) {
            *away = None;
        }
        if was_silent && !call.silent_and_away() {
            // It can tell again; the deadline that was suspended runs anew.
            call.deadline = Some(now.saturating_add(self.connect_ms));
        }
        call
    }

    fn restarted(&self, mut call: Call, now: UnixMs) -> Call {
        if call.state == CallState::Over {
            return call;
        }
        call.caller_away = Some(now);
        if call.callee_device.is_some() {
            call.callee_away = Some(now);
        }
        if call.state == CallState::Accepted {
            // Media may have come up while nobody could tell.
            let grace = now.saturating_add(self.caller_gone_ms);
            call.deadline = call.deadline.map(|deadline| deadline.max(grace));
        }
        call
    }

    fn deadline(&self, call: Call, now: UnixMs) -> Step {
        if self.due(&call).is_none_or(|due| due > now) {
            return Step::quiet(call);
        }
        match call.state {
            CallState::Over => Step::quiet(call),
            CallState::Ringing => {
                let gone = self.caller_gone(&call).filter(|gone| *gone <= now);
                let ring = call.deadline.filter(|ring| *ring <= now);
                let outcome = match (gone, ring) {
                    (Some(gone), Some(ring)) if gone < ring => CallOutcome::Canceled,
                    (Some(_), None) => CallOutcome::Canceled,
                    _ => CallOutcome::Missed,
                };
                self.over(call, outcome, now)
            }
            CallState::Accepted => self.over(call, CallOutcome::Failed, now),
            CallState::Connected => {
                let last_seen = call.caller_away.max(call.callee_away).unwrap_or(now);
                self.over(call, CallOutcome::Ended, last_seen)
            }
        }
    }

    /// When the sweeper has to look at this call again, if ever. To be kept beside the row, with
    /// an index, as what is due at any time is asked of all calls.
    #[must_use]
    pub fn due(&self, call: &Call) -> Option<UnixMs> {
        match call.state {
            CallState::Over => None,
            CallState::Ringing => earlier(call.deadline, self.caller_gone(call)),
            CallState::Accepted if call.silent_and_away() => self.abandoned(call),
            CallState::Accepted => call.deadline,
            CallState::Connected => self.abandoned(call),
        }
    }

    fn caller_gone(&self, call: &Call) -> Option<UnixMs> {
        let since = call.caller_away?;
        Some(since.saturating_add(self.caller_gone_ms))
    }

    fn abandoned(&self, call: &Call) -> Option<UnixMs> {
        let since = call.caller_away?.max(call.callee_away?);
        Some(since.saturating_add(self.abandoned_ms))
    }

    /// The last step of a call.
    pub(super) fn over(&self, mut call: Call, outcome: CallOutcome, at: UnixMs) -> Step {
        // One that is busy from the start was never active.
        let was_active = outcome != CallOutcome::Busy;
        call.state = CallState::Over;
        call.outcome = Some(outcome);
        call.deadline = None;
        // What was connected has a length, however short: that tells it from what never was.
        let least = call
            .connected_at
            .map_or(at, |since| since.saturating_add(1));
        call.ended_at = Some(at.max(least));
        let record = Record {
            conversation: call.conversation,
            author: call.caller.person,
            content: Content::Call {
                call: call.id,
                outcome,
                media: call.caller_media,
                duration_ms: call.connected_ms(at),
            },
            unread: matches!(
                outcome,
                CallOutcome::Missed | CallOutcome::Busy | CallOutcome::Canceled
            ),
        };
        let mut step = if was_active {
            Step::told(call)
        } else {
            Step {
                call,
                effects: vec![Effect::Tell],
            }
        };
        step.effects.extend(was_active.then_some(Effect::Free));
        step.effects.push(Effect::Write(record));
        step
    }
}

fn receipt_of(mut call: Call, by: Endpoint, receipt: RingReceipt) -> Result<Step, Refused> {
    if matches!(call.place(by)?, Place::Caller | Place::BesideCaller) {
        return Err(Refused::Forbidden);
    }
    // One that comes after the ring says nothing that matters still.
    if call.state != CallState::Ringing || receipt <= call.receipt {
        return Ok(Step::quiet(call));
    }
    call.receipt = receipt;
    Ok(Step::told(call))
}

fn away(mut call: Call, who: Endpoint, now: UnixMs) -> Call {
    if call.state != CallState::Over
        && let Some(away) = call.away_of(who)
    {
        away.get_or_insert(now);
    }
    call
}

fn earlier(one: Option<UnixMs>, other: Option<UnixMs>) -> Option<UnixMs> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Step {
    /// A step that the two are told of.
    fn told(mut call: Call) -> Self {
        call.rev = call.rev.saturating_add(1);
        Self {
            call,
            effects: vec![Effect::Tell],
        }
    }

    /// One that makes no difference to the two.
    fn quiet(call: Call) -> Self {
        Self {
            call,
            effects: Vec::new(),
        }
    }
}

impl Call {
    fn place(&self, who: Endpoint) -> Result<Place, Refused> {
        if who == self.caller {
            Ok(Place::Caller)
        } else if who.person == self.caller.person {
            Ok(Place::BesideCaller)
        } else if who.person != self.callee {
            Err(Refused::NotFound)
        } else {
            Ok(match self.callee_device {
                None => Place::Rung,
                Some(device) if device == who.device => Place::Callee,
                Some(_) => Place::BesideCallee,
            })
        }
    }

    /// The device that joined for the other person.
    pub(super) fn peer(&self, me: PersonId) -> Option<Endpoint> {
        if me == self.caller.person {
            let device = self.callee_device?;
            Some(Endpoint {
                person: self.callee,
                device,
            })
        } else {
            Some(self.caller)
        }
    }

    fn away_of(&mut self, who: Endpoint) -> Option<&mut Option<UnixMs>> {
        match self.place(who) {
            Ok(Place::Caller) => Some(&mut self.caller_away),
            Ok(Place::Callee) => Some(&mut self.callee_away),
            _ => None,
        }
    }

    /// Whether one has told that it is connected and the other has no socket to tell by.
    fn silent_and_away(&self) -> bool {
        self.state == CallState::Accepted
            && match (self.caller_connected, self.callee_connected) {
                (true, false) => self.callee_away.is_some(),
                (false, true) => self.caller_away.is_some(),
                _ => false,
            }
    }
}
