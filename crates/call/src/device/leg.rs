//! One call as this device takes part in it: what the person does with it, and how it ends.

mod joined;
mod server;

use super::{
    ANSWER_MS, RECONNECT_MS,
    negotiation::Negotiation,
    unacknowledged::Unacknowledged,
    words::{Denied, Output, Progress, Request, RingEnding, Signal, Stage, Why},
};
use crate::{
    media::{COMMANDS, MediaCommand},
    rules::Endpoint,
};
use im_protocol::{
    CallId, ConversationId,
    call::{
        CallAccept, CallEnd, CallReceipt, CallReject, CallStart, CallState, CallView, MediaKinds,
        RejectReason, RingReceipt,
    },
};
use std::collections::VecDeque;

/// Signals kept that came before the word that both have joined.
const EARLY: usize = 64;
const _: () = assert!(
    2 * (EARLY + super::negotiation::EARLY) <= COMMANDS,
    "media takes what was kept at once"
);

/// What every step needs.
pub(super) struct Cx<'a> {
    pub(super) now: u64,
    pub(super) me: Endpoint,
    pub(super) out: &'a mut VecDeque<Output>,
}

impl<'a> Cx<'a> {
    pub(super) fn new(now: u64, me: Endpoint, out: &'a mut VecDeque<Output>) -> Self {
        Self { now, me, out }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The server was asked to ring.
    Calling,
    /// It rings at the other's.
    RingingOut,
    /// It rings here.
    RingingIn,
    /// The person took it; the server has not said yet that this device was first.
    Accepting,
    /// In it, with media.
    Joined,
    /// Over for the person; the server may have to be told still.
    Left,
}

#[derive(Debug)]
pub(super) struct Leg {
    id: CallId,
    conversation: ConversationId,
    view: Option<CallView>,
    outgoing: bool,
    phase: Phase,
    /// As the person last wanted them.
    microphone: bool,
    camera: bool,
    /// What media is opened with.
    media: MediaKinds,
    unacknowledged: Unacknowledged,
    /// Whether the server may know of our start.
    start_sent: bool,
    early: Vec<Signal>,
    negotiation: Option<Negotiation>,
    connected_told: bool,
    broken_since: Option<u64>,
    /// When the phase ends by itself.
    deadline: Option<u64>,
    told: Option<Progress>,
}

impl Leg {
    fn new(id: CallId, conversation: ConversationId, media: MediaKinds, phase: Phase) -> Self {
        Self {
            id,
            conversation,
            view: None,
            outgoing: false,
            phase,
            microphone: media.audio,
            camera: media.video,
            media,
            unacknowledged: Unacknowledged::default(),
            start_sent: false,
            early: Vec::new(),
            negotiation: None,
            connected_told: false,
            broken_since: None,
            deadline: None,
            told: None,
        }
    }

    /// This person calls.
    pub(super) fn start(call: CallStart, cx: &mut Cx<'_>) -> Self {
        let mut leg = Self::new(call.id, call.conversation, call.media, Phase::Calling);
        leg.outgoing = true;
        leg.deadline = Some(cx.now.saturating_add(ANSWER_MS));
        leg.unacknowledged.push(Request::Start(call));
        leg.tell(Stage::Calling, cx);
        leg
    }

    /// Somebody calls this person.
    pub(super) fn ring(view: CallView, cx: &mut Cx<'_>) -> Self {
        let mut leg = Self::new(
            view.id,
            view.conversation,
            MediaKinds::AUDIO,
            Phase::RingingIn,
        );
        leg.deadline = view.remaining_ms.map(|ms| cx.now.saturating_add(ms));
        leg.push_receipt(RingReceipt::Delivered);
        cx.out.push_back(Output::Ring(view.clone()));
        leg.view = Some(view);
        leg
    }

    /// The server believes this device to be in a call that this process knows nothing of.
    pub(super) fn to_end(view: &CallView, hung_up: bool) -> Self {
        let mut leg = Self::new(view.id, view.conversation, MediaKinds::AUDIO, Phase::Left);
        leg.view = Some(view.clone());
        leg.push_end(!hung_up && view.state != CallState::Ringing);
        leg
    }

    /// What was started turned out to be this call.
    pub(super) fn crossed(&mut self, view: CallView, cx: &mut Cx<'_>) {
        self.id = view.id;
        self.conversation = view.conversation;
        self.outgoing = false;
        self.unacknowledged.retain(|_| false);
        self.told = None;
        self.view(view, cx);
    }

    // ------------------------------------------------------------------ what it is

    pub(super) fn id(&self) -> CallId {
        self.id
    }

    /// The last revision known; 0 for none.
    pub(super) fn rev(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.rev)
    }

    pub(super) fn outgoing(&self) -> bool {
        self.outgoing
    }

    pub(super) fn calling(&self) -> bool {
        self.phase == Phase::Calling
    }

    pub(super) fn rings(&self) -> bool {
        self.phase == Phase::RingingIn
    }

    pub(super) fn left(&self) -> bool {
        self.phase == Phase::Left
    }

    pub(super) fn engaged(&self) -> bool {
        !self.left() && !self.rings()
    }

    pub(super) fn done(&self) -> bool {
        self.left() && !self.unacknowledged.any(|_| true)
    }

    /// Whether the server began this call after that one.
    pub(super) fn began_after(&self, other: &CallView) -> bool {
        self.view
            .as_ref()
            .is_some_and(|view| (view.started_at, view.id) > (other.started_at, other.id))
    }

    pub(super) fn due(&self, online: bool) -> Option<u64> {
        let send = online.then(|| self.unacknowledged.due()).flatten();
        let attempt = self.negotiation.as_ref().and_then(Negotiation::due);
        let give_up = self.give_up_at();
        [self.deadline, send, attempt, give_up]
            .into_iter()
            .flatten()
            .min()
    }

    fn give_up_at(&self) -> Option<u64> {
        self.broken_since
            .map(|since| since.saturating_add(RECONNECT_MS))
    }

    // ------------------------------------------------------------------ the person

    pub(super) fn accept(&mut self, media: MediaKinds, cx: &mut Cx<'_>) -> Result<(), Denied> {
        match self.phase {
            Phase::RingingIn => {}
            Phase::Accepting | Phase::Joined if !self.outgoing => return Ok(()),
            _ => return Err(Denied::NotNow),
        }
        self.media = media;
        self.microphone = media.audio;
        self.camera = media.video;
        self.phase = Phase::Accepting;
        self.deadline = Some(cx.now.saturating_add(ANSWER_MS));
        self.unacknowledged
            .push(Request::Accept(CallAccept { id: self.id, media }));
        self.ring_over(RingEnding::Accepted, cx);
        self.tell(Stage::Connecting, cx);
        Ok(())
    }

    pub(super) fn reject(&mut self, reason: RejectReason, cx: &mut Cx<'_>) -> Result<(), Denied> {
        if self.phase != Phase::RingingIn {
            return Err(Denied::NotNow);
        }
        self.stop_ringing(RingEnding::Declined, cx);
        self.unacknowledged.push(Request::Reject(CallReject {
            id: self.id,
            reason,
        }));
        Ok(())
    }

    pub(super) fn hang_up(&mut self, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::RingingIn => {
                self.stop_ringing(RingEnding::Declined, cx);
                self.unacknowledged.push(Request::Reject(CallReject {
                    id: self.id,
                    reason: RejectReason::Declined,
                }));
            }
            Phase::Left => {}
            _ => self.leave(Why::HungUp, false, cx),
        }
    }

    pub(super) fn shown(&mut self) -> Result<(), Denied> {
        if self.phase != Phase::RingingIn {
            return Err(Denied::NotNow);
        }
        self.push_receipt(RingReceipt::Shown);
        Ok(())
    }

    pub(super) fn microphone(&mut self, on: bool, cx: &mut Cx<'_>) -> Result<(), Denied> {
        self.switch(MediaCommand::Microphone(on), cx, |leg| leg.microphone = on)
    }

    pub(super) fn camera(&mut self, on: bool, cx: &mut Cx<'_>) -> Result<(), Denied> {
        self.switch(MediaCommand::Camera(on), cx, |leg| leg.camera = on)
    }

    fn switch(
        &mut self,
        command: MediaCommand,
        cx: &mut Cx<'_>,
        set: impl FnOnce(&mut Self),
    ) -> Result<(), Denied> {
        if !self.engaged() {
            return Err(Denied::NotNow);
        }
        set(self);
        if self.phase == Phase::Joined {
            cx.out.push_back(Output::Media(self.id, command));
        }
        if let Some(stage) = self.told.as_ref().map(|told| told.stage.clone()) {
            self.tell(stage, cx);
        }
        Ok(())
    }

    // ------------------------------------------------------------------ inside

    /// Over for the person, and the server has to be told.
    fn leave(&mut self, why: Why, failed: bool, cx: &mut Cx<'_>) {
        let known = !self.outgoing || self.phase != Phase::Calling || self.start_sent;
        self.finish(why, cx);
        if known {
            self.push_end(failed);
        }
    }

    /// Over for the person.
    fn finish(&mut self, why: Why, cx: &mut Cx<'_>) {
        if self.phase == Phase::Joined {
            cx.out.push_back(Output::CloseMedia(self.id));
        }
        self.clear();
        self.tell(Stage::Over(why), cx);
    }

    pub(super) fn stop_ringing(&mut self, ending: RingEnding, cx: &mut Cx<'_>) {
        self.clear();
        self.ring_over(ending, cx);
    }

    fn clear(&mut self) {
        self.phase = Phase::Left;
        self.deadline = None;
        self.broken_since = None;
        self.negotiation = None;
        self.early.clear();
        self.unacknowledged.retain(|_| false);
    }

    fn ring_over(&self, ending: RingEnding, cx: &mut Cx<'_>) {
        cx.out.push_back(Output::RingOver {
            call: self.id,
            ending,
        });
    }

    fn push_receipt(&mut self, receipt: RingReceipt) {
        self.unacknowledged.push(Request::Receipt(CallReceipt {
            id: self.id,
            receipt,
        }));
    }

    fn push_end(&mut self, failed: bool) {
        self.unacknowledged.push(Request::End(CallEnd {
            id: self.id,
            failed,
        }));
    }

    fn tell(&mut self, stage: Stage, cx: &mut Cx<'_>) {
        let progress = Progress {
            call: self.id,
            conversation: self.conversation,
            other: self.view.as_ref().map(|view| view.other(cx.me.person)),
            outgoing: self.outgoing,
            microphone: self.microphone,
            camera: self.camera,
            stage,
        };
        if self.told.as_ref() != Some(&progress) {
            self.told = Some(progress.clone());
            cx.out.push_back(Output::Progress(progress));
        }
    }
}
