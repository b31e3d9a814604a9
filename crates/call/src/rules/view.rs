//! A call as others see it, and who may signal to whom.

use super::{Call, Endpoint, Refused, Rules};
use im_protocol::{
    UnixMs,
    call::{CallState, CallView},
};

/// What kind of signalling a device wants to have handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Only the offerer's.
    Offer,
    /// Only the other's.
    Answer,
    /// Both.
    Candidate,
    /// Only the one's who does not offer.
    Renegotiate,
}

impl Rules {
    /// The call as it is told at this moment.
    #[must_use]
    pub fn view(&self, call: &Call, now: UnixMs) -> CallView {
        CallView {
            id: call.id,
            rev: call.rev,
            conversation: call.conversation,
            caller: call.caller.person,
            callee: call.callee,
            caller_device: call.caller.device,
            callee_device: call.callee_device,
            offerer: call.offerer,
            about: call.about.clone(),
            state: call.state,
            outcome: call.outcome,
            reason: call.reason,
            caller_media: call.caller_media,
            callee_media: call.callee_media,
            receipt: call.receipt,
            started_at: call.started_at,
            remaining_ms: call
                .deadline
                .map(|deadline| deadline.saturating_sub(now).max(0).unsigned_abs()),
            connected_ms: call.connected_ms(now),
        }
    }
}

impl Call {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == CallState::Over
    }

    /// How long the two have been connected, or were, in milliseconds.
    #[must_use]
    pub fn connected_ms(&self, now: UnixMs) -> u64 {
        let end = self.ended_at.unwrap_or(now);
        self.connected_at
            .map_or(0, |since| end.saturating_sub(since).max(0).unsigned_abs())
    }

    /// To whom a signal of this device goes: the other device that joined, and nobody else.
    ///
    /// # Errors
    /// Where the device has not joined, the side may not send this, or the call is not at a point
    /// where two have joined.
    pub fn signal_to(&self, from: Endpoint, signal: Signal) -> Result<Endpoint, Refused> {
        let is_caller = from.person == self.caller.person;
        if !is_caller && from.person != self.callee {
            return Err(Refused::NotFound);
        }
        let peer = match self.state {
            CallState::Over => return Err(Refused::Gone),
            CallState::Ringing => return Err(Refused::Conflict),
            CallState::Accepted | CallState::Connected => {
                self.peer(from.person).ok_or(Refused::Conflict)?
            }
        };
        let joined = if is_caller {
            from == self.caller
        } else {
            self.callee_device == Some(from.device)
        };
        if !joined {
            return Err(if is_caller {
                Refused::Forbidden
            } else {
                Refused::AnsweredElsewhere
            });
        }
        let offers = from.person == self.offerer;
        match signal {
            Signal::Candidate => Ok(peer),
            Signal::Offer if offers => Ok(peer),
            Signal::Answer | Signal::Renegotiate if !offers => Ok(peer),
            _ => Err(Refused::Forbidden),
        }
    }
}
