//! How a call begins: who is free, who is not, and what if both ring each other.

use super::{Call, Effect, Endpoint, Refused, Rules, Step};
use im_protocol::{
    CallId, ConversationId, PersonId, UnixMs,
    call::{CallOutcome, CallState, MediaKinds, RingReceipt},
    people::Role,
};

/// A device asks to ring somebody. Membership of the conversation, access and the length of
/// `about` have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Made by the caller's device.
    pub id: CallId,
    /// The conversation of the two.
    pub conversation: ConversationId,
    /// The device that calls.
    pub caller: Endpoint,
    /// Who is called.
    pub callee: PersonId,
    /// Who will make the offers, see [`offerer`].
    pub offerer: PersonId,
    /// What the caller will send.
    pub media: MediaKinds,
    /// What it is about; may be empty.
    pub about: String,
}

/// What the server knows of both at that moment.
#[derive(Debug, Clone, Default)]
pub struct Situation {
    /// The call with the id asked for, or the one that a start with this id was joined to.
    pub same: Option<Call>,
    /// The call that the caller takes part in or is rung by.
    pub caller: Option<Call>,
    /// The call that the callee takes part in or is rung by.
    pub callee: Option<Call>,
}

/// How a call began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// A new call rings: both get a row of active calls, and all devices are told.
    Rings(Call),
    /// A new call that is over already: the callee is in another one. Nobody gets a row of active
    /// calls; the effects show the callee who tried.
    Busy(Step),
    /// The other's ring was there first, and this device has now taken it.
    Crossed(Step),
    /// Asked before: the call as it stands now; nothing to write.
    Same(Call),
}

/// Who makes all offers: the mentor; between equals the caller.
#[must_use]
pub fn offerer(caller: (PersonId, Role), callee: (PersonId, Role)) -> PersonId {
    match (caller.1, callee.1) {
        (Role::Mentor, _) => caller.0,
        (_, Role::Mentor) => callee.0,
        _ => caller.0,
    }
}

impl Rules {
    /// Decides how a call begins.
    ///
    /// # Errors
    /// [`Refused::InCall`] where the caller's line is taken, [`Refused::IdReused`] where the id
    /// belongs to a call that this device did not ask for.
    pub fn start(
        &self,
        asked: Asked,
        situation: Situation,
        now: UnixMs,
    ) -> Result<Started, Refused> {
        if let Some(call) = situation.same {
            return if call.asked_by(&asked) {
                Ok(Started::Same(call))
            } else {
                Err(Refused::IdReused)
            };
        }
        if let Some(active) = situation.caller {
            let rings_me = active.state == CallState::Ringing
                && active.callee == asked.caller.person
                && active.caller.person == asked.callee;
            if !rings_me {
                return Err(Refused::InCall);
            }
            let mut step = self.accept(active, asked.caller, asked.media, now)?;
            step.call.crossed = Some(asked.id);
            return Ok(Started::Crossed(step));
        }
        let call = self.ringing(asked, now);
        Ok(match situation.callee {
            Some(_) => Started::Busy(self.over(call, CallOutcome::Busy, now)),
            None => Started::Rings(call),
        })
    }

    fn ringing(&self, asked: Asked, now: UnixMs) -> Call {
        Call {
            id: asked.id,
            rev: 1,
            conversation: asked.conversation,
            caller: asked.caller,
            callee: asked.callee,
            callee_device: None,
            offerer: asked.offerer,
            about: asked.about,
            state: CallState::Ringing,
            outcome: None,
            reason: None,
            caller_media: asked.media,
            callee_media: None,
            receipt: RingReceipt::Sent,
            crossed: None,
            started_at: now,
            deadline: Some(now.saturating_add(self.ring_ms)),
            caller_connected: false,
            callee_connected: false,
            caller_away: None,
            callee_away: None,
            connected_at: None,
            ended_at: None,
        }
    }
}

impl Call {
    /// Whether this very device asked for this call with this id, be it that the call was joined.
    fn asked_by(&self, asked: &Asked) -> bool {
        let straight = self.id == asked.id
            && self.caller == asked.caller
            && self.callee == asked.callee
            && self.conversation == asked.conversation;
        let crossed = self.crossed == Some(asked.id)
            && self.callee == asked.caller.person
            && self.callee_device == Some(asked.caller.device)
            && self.caller.person == asked.callee;
        straight || crossed
    }
}

impl Started {
    /// The call, however it began.
    #[must_use]
    pub fn call(&self) -> &Call {
        match self {
            Self::Rings(call) | Self::Same(call) => call,
            Self::Busy(step) | Self::Crossed(step) => &step.call,
        }
    }

    /// What the server has to do.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        match self {
            Self::Rings(_) => &[Effect::Tell],
            Self::Busy(step) | Self::Crossed(step) => &step.effects,
            Self::Same(_) => &[],
        }
    }
}
