//! A device's side of all calls of its person.
//!
//! No input or output, no clock: what happens goes in by the methods of [`Calls`], each with the
//! time on a monotonic clock in milliseconds; what is to be done is taken out with
//! [`Calls::poll`] until there is none. [`Calls::due`] says when [`Calls::tick`] is wanted.
//!
//! | input | source |
//! |---|---|
//! | [`Calls::start`], [`Calls::accept`], [`Calls::reject`], [`Calls::hang_up`], [`Calls::shown`], [`Calls::microphone`], [`Calls::camera`] | the person |
//! | [`Calls::online`], [`Calls::offline`] | the connection: what rings right now comes with it |
//! | [`Calls::view`] | the server's word, live or by the feed, in any order, as often as it likes |
//! | [`Calls::reply`] | the answer to an [`Output::Send`] |
//! | [`Calls::signal`] | the other device, through the server |
//! | [`Calls::media`], [`Calls::media_lost`] | media |
//! | [`Calls::tick`] | time |
//!
//! What holds:
//! - Whatever was asked of the server is asked again until it is answered; all of it may be
//!   repeated. A person who has hung up has hung up, whether or not the server knows yet.
//! - The server's word on a call counts only with a higher `rev` than the last, and nothing
//!   brings a call back that was over here.
//! - Media without signalling goes on. Only the person, the other side, the server's word and media
//!   that is gone for [`RECONNECT_MS`] end a call.
//! - A call that the server believes to be on this device, and that this process knows nothing of
//!   (it was killed in the call), is ended: no microphone opens without a person.

mod leg;
mod negotiation;
#[cfg(test)]
mod tests;
mod unacknowledged;
mod words;

pub use words::{
    Denied, Failure, Output, Progress, Request, RingEnding, Signal, Stage, Ticket, Why,
};

use crate::{media::MediaEvent, rules::Endpoint};
use im_protocol::{
    CallId,
    call::{CallStart, CallState, CallView, MediaKinds, RejectReason},
};
use leg::{Cx, Leg};
use std::collections::VecDeque;

/// How long the server may take to answer a start or an accept, milliseconds.
pub const ANSWER_MS: u64 = 15_000;
/// How much longer than the server a device waits before it gives up by itself, milliseconds.
pub const SLACK_MS: u64 = 5_000;
/// How long a call that was connected looks for a new way, milliseconds.
pub const RECONNECT_MS: u64 = 60_000;
/// How long to wait before something refused for now is sent again, milliseconds.
pub const RETRY_MS: u64 = 1_000;

/// Calls remembered after their end, so that nothing late brings them back.
const REMEMBERED: usize = 128;

/// A call that is over here.
#[derive(Debug)]
struct Past {
    id: CallId,
    /// The last revision known of it.
    rev: u64,
}

/// All calls of one person on one device.
#[derive(Debug)]
pub struct Calls {
    me: Endpoint,
    online: bool,
    legs: Vec<Leg>,
    past: VecDeque<Past>,
    out: VecDeque<Output>,
    next_ticket: u64,
}

impl Calls {
    /// No calls, no connection.
    #[must_use]
    pub fn new(me: Endpoint) -> Self {
        Self {
            me,
            online: false,
            legs: Vec::new(),
            past: VecDeque::new(),
            out: VecDeque::new(),
            next_ticket: 0,
        }
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Calls::tick`] is wanted, if at all.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.legs
            .iter()
            .filter_map(|leg| leg.due(self.online))
            .min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: u64) {
        self.each(now, Leg::tick);
        self.settle(now);
    }

    /// Whether the person is in a call here, or on the way into one.
    #[must_use]
    pub fn in_call(&self) -> bool {
        self.legs.iter().any(Leg::engaged)
    }

    /// Whether the server has still to hear that a call is over here.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.legs.iter().any(Leg::left)
    }

    /// Whether there is nothing left to do for any call.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty()
    }

    // ------------------------------------------------------------------ the person

    /// Calls the other person of a conversation. Without a connection it is tried for
    /// [`ANSWER_MS`].
    ///
    /// # Errors
    /// [`Denied::InCall`].
    pub fn start(&mut self, call: CallStart, now: u64) -> Result<(), Denied> {
        if self.in_call() {
            return Err(Denied::InCall);
        }
        let leg = Leg::start(call, &mut Cx::new(now, self.me, &mut self.out));
        self.legs.push(leg);
        self.settle(now);
        Ok(())
    }

    /// Takes a call that rings.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`] where it does not ring here, [`Denied::InCall`].
    pub fn accept(&mut self, call: CallId, media: MediaKinds, now: u64) -> Result<(), Denied> {
        if self.in_call()
            && !self
                .legs
                .iter()
                .any(|leg| leg.id() == call && leg.engaged())
        {
            return Err(Denied::InCall);
        }
        self.intent(call, now, |leg, cx| leg.accept(media, cx))
    }

    /// Declines a call that rings, on all devices.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`] where it does not ring here.
    pub fn reject(&mut self, call: CallId, reason: RejectReason, now: u64) -> Result<(), Denied> {
        self.intent(call, now, |leg, cx| leg.reject(reason, cx))
    }

    /// Hangs up, cancels, or declines, whatever the call's state makes of it. Takes effect here at
    /// once, connected or not.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`].
    pub fn hang_up(&mut self, call: CallId, now: u64) -> Result<(), Denied> {
        self.intent(call, now, |leg, cx| {
            leg.hang_up(cx);
            Ok(())
        })
    }

    /// The ring is before the person's eyes; the caller is told.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`] where it does not ring here.
    pub fn shown(&mut self, call: CallId, now: u64) -> Result<(), Denied> {
        self.intent(call, now, |leg, _| leg.shown())
    }

    /// Microphone on or off, from now on or once media is open.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`].
    pub fn microphone(&mut self, call: CallId, on: bool, now: u64) -> Result<(), Denied> {
        self.intent(call, now, |leg, cx| leg.microphone(on, cx))
    }

    /// Camera on or off, from now on or once media is open.
    ///
    /// # Errors
    /// [`Denied::NoSuchCall`].
    pub fn camera(&mut self, call: CallId, on: bool, now: u64) -> Result<(), Denied> {
        self.intent(call, now, |leg, cx| leg.camera(on, cx))
    }

    // ------------------------------------------------------------------ the connection

    /// Connected to the server; these are the person's calls that are not over.
    pub fn online(&mut self, calls: Vec<CallView>, now: u64) {
        self.online = true;
        let known: Vec<CallId> = calls.iter().map(|view| view.id).collect();
        for view in calls {
            if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id() == view.id) {
                leg.refresh(&view, now);
            }
            self.apply(view, now);
        }
        self.each(now, |leg, cx| leg.online(known.contains(&leg.id()), cx));
        self.settle(now);
    }

    /// The connection to the server is gone. Calls go on.
    pub fn offline(&mut self) {
        self.online = false;
        for leg in &mut self.legs {
            leg.offline();
        }
    }

    /// The server's word on a call, from `call:changed` or from the feed.
    pub fn view(&mut self, view: CallView, now: u64) {
        self.apply(view, now);
        self.settle(now);
    }

    /// The answer to a request: the call where the answer carries one.
    pub fn reply(&mut self, ticket: Ticket, answer: Result<Option<CallView>, Failure>, now: u64) {
        match answer {
            Ok(view) => {
                let asked = self.legs.iter_mut().find_map(|leg| leg.answered(ticket));
                if let Some(view) = view {
                    self.apply(view.clone(), now);
                    // Joined to a call that is over already: the start has no call of its own.
                    if let Some(Request::Start(start)) = asked
                        && start.id != view.id
                    {
                        self.each(now, |leg, cx| {
                            if leg.id() == start.id {
                                leg.over(&view, cx);
                            }
                        });
                    }
                }
            }
            Err(failure) => self.each(now, |leg, cx| leg.not_done(ticket, &failure, cx)),
        }
        self.settle(now);
    }

    /// A signal of the other device.
    pub fn signal(&mut self, signal: Signal, now: u64) {
        let call = signal.call();
        let mut signal = Some(signal);
        self.each(now, |leg, cx| {
            if leg.id() == call
                && let Some(signal) = signal.take()
            {
                leg.signal(signal, cx);
            }
        });
        self.settle(now);
    }

    // ------------------------------------------------------------------ media

    /// What media tells. Levels, statistics and notices do not concern the machine; it leaves them
    /// alone.
    pub fn media(&mut self, call: CallId, event: MediaEvent, now: u64) {
        let mut event = Some(event);
        self.each(now, |leg, cx| {
            if leg.id() == call
                && let Some(event) = event.take()
            {
                leg.media(event, cx);
            }
        });
        self.settle(now);
    }

    /// Media could not be opened, or has stopped by itself.
    pub fn media_lost(&mut self, call: CallId, now: u64) {
        self.each(now, |leg, cx| {
            if leg.id() == call {
                leg.media_lost(cx);
            }
        });
        self.settle(now);
    }

    // ------------------------------------------------------------------ inside

    fn each(&mut self, now: u64, mut step: impl FnMut(&mut Leg, &mut Cx<'_>)) {
        let mut cx = Cx::new(now, self.me, &mut self.out);
        for leg in &mut self.legs {
            step(leg, &mut cx);
        }
    }

    fn intent(
        &mut self,
        call: CallId,
        now: u64,
        step: impl FnOnce(&mut Leg, &mut Cx<'_>) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let mut cx = Cx::new(now, self.me, &mut self.out);
        let leg = self
            .legs
            .iter_mut()
            .find(|leg| leg.id() == call && !leg.left())
            .ok_or(Denied::NoSuchCall)?;
        let done = step(leg, &mut cx);
        self.settle(now);
        done
    }

    /// Puts the server's word where it belongs.
    fn apply(&mut self, view: CallView, now: u64) {
        if self.merge_crossed(&view, now) {
            return;
        }
        let mut cx = Cx::new(now, self.me, &mut self.out);
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id() == view.id) {
            leg.view(view, &mut cx);
            return;
        }
        let past = self.past.iter().find(|past| past.id == view.id);
        if past.is_some_and(|past| past.rev >= view.rev) {
            return;
        }
        let past = past.is_some();
        let mine = view.device_of(self.me.person) == Some(self.me.device);
        match view.state {
            CallState::Over => self.remember(view.id, view.rev),
            _ if mine => self.legs.push(Leg::to_end(&view, self.hung_up_a_start())),
            CallState::Ringing if view.callee == self.me.person && !past => {
                // A person has one line: of two calls, the one that began before the other is
                // over, whether or not the word of it has come.
                if self.legs.iter().any(|leg| leg.began_after(&view)) {
                    return;
                }
                for leg in &mut self.legs {
                    leg.superseded(&mut cx);
                }
                self.legs.push(Leg::ring(view, &mut cx));
            }
            _ => {}
        }
    }

    /// Both called each other: the server joined this device's start to the other's call.
    fn merge_crossed(&mut self, view: &CallView, now: u64) -> bool {
        let joined_here = view.callee == self.me.person
            && view.callee_device == Some(self.me.device)
            && matches!(view.state, CallState::Accepted | CallState::Connected);
        let past = self.past.iter().any(|past| past.id == view.id);
        let known = |leg: &Leg| leg.id() == view.id && !leg.rings();
        if !joined_here || past || self.legs.iter().any(known) {
            return false;
        }
        let Some(place) = self.legs.iter().position(Leg::calling) else {
            return false;
        };
        let mut started = self.legs.remove(place);
        let asked = started.id();
        self.remember(asked, 0);
        let mut cx = Cx::new(now, self.me, &mut self.out);
        for rung in self.legs.iter_mut().filter(|leg| leg.id() == view.id) {
            rung.stop_ringing(RingEnding::Accepted, &mut cx);
        }
        self.legs.retain(|leg| leg.id() != view.id);
        cx.out.push_back(Output::Joined {
            asked,
            call: view.id,
        });
        started.crossed(view.clone(), &mut cx);
        self.legs.push(started);
        true
    }

    /// Whether a start that may still reach the server was taken back.
    fn hung_up_a_start(&self) -> bool {
        self.legs.iter().any(|leg| leg.left() && leg.outgoing())
    }

    fn remember(&mut self, id: CallId, rev: u64) {
        if let Some(past) = self.past.iter_mut().find(|past| past.id == id) {
            past.rev = past.rev.max(rev);
            return;
        }
        if self.past.len() >= REMEMBERED {
            self.past.pop_front();
        }
        self.past.push_back(Past { id, rev });
    }

    /// After each input: sends what can be sent, forgets what is done.
    fn settle(&mut self, now: u64) {
        if self.online {
            for leg in &mut self.legs {
                let next = &mut self.next_ticket;
                let requests = leg.send(now, || {
                    *next = next.wrapping_add(1);
                    Ticket(*next)
                });
                self.out.extend(
                    requests
                        .into_iter()
                        .map(|(ticket, request)| Output::Send(ticket, request)),
                );
            }
        }
        let (done, legs) = std::mem::take(&mut self.legs)
            .into_iter()
            .partition(Leg::done);
        self.legs = legs;
        let done: Vec<Leg> = done;
        for leg in done {
            self.remember(leg.id(), leg.rev());
        }
    }
}
