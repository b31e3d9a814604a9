//! How the two devices of a call come to a connection, and come back to it.
//!
//! One side makes all offers. Each offer has a generation, and everything that belongs to it
//! carries it; what is of an older one is dropped. The side that does not offer asks for a new
//! offer instead. Whatever gets lost in between is healed by a new generation: after a while
//! without success, and after each reconnect of the signalling while there is no media.

use crate::media::{IceCandidate, MediaCommand, PathProblem};
use im_protocol::webrtc::RenegotiateReason;
use std::collections::VecDeque;

/// Candidates kept that came before their description; more than any real device gathers.
pub(super) const EARLY: usize = 64;
/// For this long after a new generation, what is said of a broken path is taken as said of the
/// one before; milliseconds.
const SETTLE_MS: u64 = 1_000;
/// How long an attempt of the offering side may take before it makes another, milliseconds.
const ATTEMPT_MS: u64 = 6_000;
/// The same of the other side, which asks: later, so that not both act on one loss.
const ASK_MS: u64 = 8_000;
/// Restarts without success before everything is built anew.
const RESTARTS: u32 = 2;

/// What follows from a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// To media.
    Media(MediaCommand),
    /// To the other device: ask for a new offer. The generation seen.
    Ask(u32, RenegotiateReason),
}

#[derive(Debug)]
pub(super) struct Negotiation {
    offers: bool,
    /// Of the newest offer made or seen; 0 for none.
    generation: u32,
    /// Whether media has the other's description of this generation.
    described: bool,
    early: VecDeque<(u32, IceCandidate)>,
    connected: bool,
    /// Attempts since there was a connection.
    attempts: u32,
    /// When the present generation, or the asking for a new one, began.
    began_at: u64,
    attempt_due: Option<u64>,
}

impl Negotiation {
    /// Begins; the offering side with its first offer.
    pub(super) fn begin(offers: bool, now: u64, acts: &mut Vec<Act>) -> Self {
        let mut this = Self {
            offers,
            generation: 0,
            described: false,
            early: VecDeque::new(),
            connected: false,
            attempts: 0,
            began_at: now,
            attempt_due: Some(now.saturating_add(ASK_MS)),
        };
        if offers {
            this.offer(false, false, now, acts);
        }
        this
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn due(&self) -> Option<u64> {
        self.attempt_due
    }

    pub(super) fn remote_offer(
        &mut self,
        generation: u32,
        sdp: String,
        now: u64,
        acts: &mut Vec<Act>,
    ) {
        if self.offers || generation <= self.generation {
            return;
        }
        self.generation = generation;
        self.began_at = now;
        if !self.connected {
            self.attempt_due = Some(now.saturating_add(ASK_MS));
        }
        acts.push(Act::Media(MediaCommand::RemoteOffer { generation, sdp }));
        self.described(acts);
    }

    pub(super) fn remote_answer(&mut self, generation: u32, sdp: String, acts: &mut Vec<Act>) {
        if !self.offers || generation != self.generation || self.described {
            return;
        }
        acts.push(Act::Media(MediaCommand::RemoteAnswer { generation, sdp }));
        self.described(acts);
    }

    pub(super) fn remote_candidate(
        &mut self,
        generation: u32,
        candidate: IceCandidate,
        acts: &mut Vec<Act>,
    ) {
        if generation < self.generation || (self.offers && generation > self.generation) {
            return;
        }
        if generation == self.generation && self.described {
            acts.push(Act::Media(MediaCommand::RemoteCandidate {
                generation,
                candidate,
            }));
            return;
        }
        if self.early.len() >= EARLY {
            self.early.pop_front();
        }
        self.early.push_back((generation, candidate));
    }

    /// The other side asks for a new offer, having seen this generation.
    pub(super) fn asked(
        &mut self,
        seen: u32,
        reason: RenegotiateReason,
        now: u64,
        acts: &mut Vec<Act>,
    ) {
        if !self.offers || (seen < self.generation && self.settling(now)) {
            return;
        }
        self.again(reason, now, acts);
    }

    /// Media is there.
    pub(super) fn connected(&mut self) {
        self.attempts = 0;
        self.attempt_due = None;
        self.connected = true;
    }

    /// Media is not there anymore, or was not to be had.
    pub(super) fn disconnected(&mut self, problem: PathProblem, now: u64, acts: &mut Vec<Act>) {
        self.connected = false;
        let reason = match problem {
            PathProblem::Broken => RenegotiateReason::Restart,
            PathProblem::KeysMissing => RenegotiateReason::Rebuild,
        };
        self.unless_settling(reason, now, acts);
    }

    /// Media could not carry out a command of this generation.
    pub(super) fn failed(&mut self, generation: u32, now: u64, acts: &mut Vec<Act>) {
        if generation == self.generation && !self.connected {
            self.unless_settling(RenegotiateReason::Rebuild, now, acts);
        }
    }

    /// Signalling is back; what was sent in between may be lost.
    pub(super) fn signalling_back(&mut self, now: u64, acts: &mut Vec<Act>) {
        let just_begun = self.began_at == now;
        if !self.connected && !just_begun {
            let reason = self.reason();
            self.again(reason, now, acts);
        }
    }

    pub(super) fn tick(&mut self, now: u64, acts: &mut Vec<Act>) {
        if self.attempt_due.is_none_or(|due| due > now) {
            return;
        }
        if self.connected {
            // The other side's trouble only: it will ask again if this did not help.
            self.attempt_due = None;
        } else {
            let reason = self.reason();
            self.again(reason, now, acts);
        }
    }

    fn reason(&self) -> RenegotiateReason {
        if self.described {
            RenegotiateReason::Restart
        } else {
            RenegotiateReason::Rebuild
        }
    }

    fn settling(&self, now: u64) -> bool {
        self.generation > 0 && now < self.began_at.saturating_add(SETTLE_MS)
    }

    fn unless_settling(&mut self, reason: RenegotiateReason, now: u64, acts: &mut Vec<Act>) {
        if !self.settling(now) {
            self.again(reason, now, acts);
        } else if self.attempt_due.is_none() {
            self.attempt_due = Some(self.began_at.saturating_add(SETTLE_MS));
        }
    }

    fn again(&mut self, reason: RenegotiateReason, now: u64, acts: &mut Vec<Act>) {
        self.attempts = self.attempts.saturating_add(1);
        let rebuild = reason == RenegotiateReason::Rebuild || self.attempts > RESTARTS;
        if self.offers {
            self.offer(!rebuild, rebuild, now, acts);
        } else {
            self.began_at = now;
            self.attempt_due = Some(now.saturating_add(ASK_MS));
            let reason = if rebuild {
                RenegotiateReason::Rebuild
            } else {
                RenegotiateReason::Restart
            };
            acts.push(Act::Ask(self.generation, reason));
        }
    }

    fn offer(&mut self, restart: bool, rebuild: bool, now: u64, acts: &mut Vec<Act>) {
        self.generation = self.generation.saturating_add(1);
        self.described = false;
        self.early.clear();
        self.began_at = now;
        self.attempt_due = Some(now.saturating_add(ATTEMPT_MS));
        acts.push(Act::Media(MediaCommand::Offer {
            generation: self.generation,
            restart,
            rebuild,
        }));
    }

    fn described(&mut self, acts: &mut Vec<Act>) {
        self.described = true;
        let generation = self.generation;
        self.early.retain(|(of, _)| *of >= generation);
        // Those of an offer that is still on its way stay.
        let (now, later) = std::mem::take(&mut self.early)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(of, _)| *of == generation);
        self.early = later;
        acts.extend(now.into_iter().map(|(_, candidate)| {
            Act::Media(MediaCommand::RemoteCandidate {
                generation,
                candidate,
            })
        }));
    }
}
