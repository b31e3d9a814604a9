//! A call that this device has joined: signalling, media, time.

use super::{Cx, EARLY, Leg, Phase};
use crate::{
    device::{
        ANSWER_MS, SLACK_MS,
        negotiation::{Act, Negotiation},
        words::{Output, Request, RingEnding, Signal, Stage, Why},
    },
    media::{IceCandidate, MediaCommand, MediaEvent},
};
use im_protocol::{
    call::CallConnected,
    webrtc::{Answer, Candidate, Offer, Renegotiate},
};

impl Leg {
    pub(in crate::device) fn signal(&mut self, signal: Signal, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::Joined => {}
            // It overtook the word that both have joined.
            Phase::RingingOut | Phase::Calling | Phase::Accepting => {
                if self.early.len() < EARLY {
                    self.early.push(signal);
                }
                return;
            }
            Phase::RingingIn | Phase::Left => return,
        }
        if matches!(signal, Signal::Left(_)) {
            self.finish(Why::OtherHungUp, cx);
            return;
        }
        self.negotiate(cx, |negotiation, cx, acts| match signal {
            Signal::Offer(offer) => {
                negotiation.remote_offer(offer.generation, offer.sdp, cx.now, acts);
            }
            Signal::Answer(answer) => {
                negotiation.remote_answer(answer.generation, answer.sdp, acts);
            }
            Signal::Candidate(candidate) => {
                let generation = candidate.generation;
                let candidate = IceCandidate {
                    candidate: candidate.candidate,
                    sdp_mid: candidate.sdp_mid,
                    sdp_m_line_index: candidate.sdp_m_line_index,
                };
                negotiation.remote_candidate(generation, candidate, acts);
            }
            Signal::Renegotiate(ask) => {
                negotiation.asked(ask.generation, ask.reason, cx.now, acts);
            }
            Signal::Left(_) => {}
        });
    }

    pub(in crate::device) fn media(&mut self, event: MediaEvent, cx: &mut Cx<'_>) {
        let Some(negotiation) = &self.negotiation else {
            return;
        };
        let newest = negotiation.generation();
        let call = self.id;
        match event {
            MediaEvent::LocalOffer { generation, sdp } if generation == newest => {
                self.unacknowledged.push(Request::Offer(Offer {
                    call,
                    generation,
                    sdp,
                }));
            }
            MediaEvent::LocalAnswer { generation, sdp } if generation == newest => {
                self.unacknowledged.push(Request::Answer(Answer {
                    call,
                    generation,
                    sdp,
                }));
            }
            MediaEvent::LocalCandidate {
                generation,
                candidate,
            } if generation == newest => {
                self.unacknowledged.push(Request::Candidate(Candidate {
                    call,
                    generation,
                    candidate: candidate.candidate,
                    sdp_mid: candidate.sdp_mid,
                    sdp_m_line_index: candidate.sdp_m_line_index,
                }));
            }
            MediaEvent::Connected => self.connected(cx),
            MediaEvent::Disconnected(problem) => {
                if self.connected_told {
                    self.broken_since.get_or_insert(cx.now);
                    self.tell(Stage::Reconnecting, cx);
                }
                self.negotiate(cx, |negotiation, cx, acts| {
                    negotiation.disconnected(problem, cx.now, acts);
                });
            }
            MediaEvent::Failed { generation, .. } => self.negotiate(cx, |negotiation, cx, acts| {
                negotiation.failed(generation, cx.now, acts);
            }),
            _ => {}
        }
    }

    fn connected(&mut self, cx: &mut Cx<'_>) {
        if let Some(negotiation) = &mut self.negotiation {
            negotiation.connected();
        }
        self.broken_since = None;
        self.deadline = None;
        if !std::mem::replace(&mut self.connected_told, true) {
            self.unacknowledged
                .push(Request::Connected(CallConnected { id: self.id }));
        }
        self.tell(Stage::Connected, cx);
    }

    pub(in crate::device) fn media_lost(&mut self, cx: &mut Cx<'_>) {
        if self.phase == Phase::Joined {
            self.leave(Why::NoMedia, true, cx);
        }
    }

    pub(in crate::device) fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.give_up_at().is_some_and(|at| at <= cx.now) {
            self.leave(Why::Failed, true, cx);
            return;
        }
        if self.deadline.is_some_and(|at| at <= cx.now) {
            match self.phase {
                Phase::Calling | Phase::Accepting => self.leave(Why::Unreachable, true, cx),
                Phase::RingingOut => self.leave(Why::NoAnswer, false, cx),
                Phase::RingingIn => self.stop_ringing(RingEnding::TimedOut, cx),
                Phase::Joined => self.leave(Why::Failed, true, cx),
                Phase::Left => {}
            }
            return;
        }
        self.negotiate(cx, |negotiation, cx, acts| negotiation.tick(cx.now, acts));
    }

    pub(in crate::device) fn join(&mut self, deadline: Option<u64>, cx: &mut Cx<'_>) {
        self.phase = Phase::Joined;
        let at_most = cx.now.saturating_add(ANSWER_MS).saturating_add(SLACK_MS);
        self.deadline = deadline.or(Some(at_most));
        cx.out.push_back(Output::OpenMedia {
            call: self.id,
            send: self.media,
        });
        // Switched between the wish and the opening.
        if self.microphone != self.media.audio {
            let command = MediaCommand::Microphone(self.microphone);
            cx.out.push_back(Output::Media(self.id, command));
        }
        if self.camera != self.media.video {
            let command = MediaCommand::Camera(self.camera);
            cx.out.push_back(Output::Media(self.id, command));
        }
        self.tell(Stage::Connecting, cx);
        let offers = self
            .view
            .as_ref()
            .is_some_and(|view| view.offerer == cx.me.person);
        let mut acts = Vec::new();
        self.negotiation = Some(Negotiation::begin(offers, cx.now, &mut acts));
        self.act(acts, cx);
        for signal in std::mem::take(&mut self.early) {
            self.signal(signal, cx);
        }
    }

    pub(in crate::device) fn negotiate(
        &mut self,
        cx: &mut Cx<'_>,
        step: impl FnOnce(&mut Negotiation, &mut Cx<'_>, &mut Vec<Act>),
    ) {
        let mut acts = Vec::new();
        if let Some(negotiation) = &mut self.negotiation {
            step(negotiation, cx, &mut acts);
        }
        self.act(acts, cx);
    }

    fn act(&mut self, acts: Vec<Act>, cx: &mut Cx<'_>) {
        for act in acts {
            match act {
                Act::Media(command) => cx.out.push_back(Output::Media(self.id, command)),
                Act::Ask(generation, reason) => {
                    self.unacknowledged
                        .retain(|request| !matches!(request, Request::Renegotiate(_)));
                    self.unacknowledged.push(Request::Renegotiate(Renegotiate {
                        call: self.id,
                        generation,
                        reason,
                    }));
                }
            }
        }
        if let Some(negotiation) = &self.negotiation {
            let newest = negotiation.generation();
            self.unacknowledged
                .retain(|request| request.generation().is_none_or(|of| of >= newest));
        }
    }
}
