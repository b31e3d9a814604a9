//! The server: the rules, two persons' lines, and who is told.

use super::{Down, EPOCH, MAYA, SAM, World};
use crate::{
    device::{Request, Signal},
    rules::{self, Asked, Call, Effect, Endpoint, Input, Refused, Situation, Started},
};
use im_protocol::{
    CallId, ErrorCode, PersonId, UnixMs, WireError,
    call::{CallStart, CallView},
};

impl World {
    pub(super) fn server_now(&self) -> UnixMs {
        EPOCH + i64::try_from(self.now).unwrap()
    }

    pub(in crate::device::tests) fn view(&self, call: &Call) -> CallView {
        self.rules.view(call, self.server_now())
    }

    pub(super) fn views_of(&self, person: PersonId) -> Vec<CallView> {
        let live = self.calls.values().filter(|call| {
            !call.is_over() && (call.caller.person == person || call.callee == person)
        });
        live.map(|call| self.view(call)).collect()
    }

    pub(super) fn find(&self, id: CallId) -> Option<Call> {
        let crossed = || self.calls.values().find(|call| call.crossed == Some(id));
        self.calls.get(&id).or_else(crossed).cloned()
    }

    pub(super) fn active(&self, person: PersonId) -> Option<Call> {
        self.active
            .get(&person)
            .and_then(|id| self.calls.get(id))
            .cloned()
    }

    pub(super) fn input_all(&mut self, input: Input) {
        let calls: Vec<Call> = self.calls.values().cloned().collect();
        for call in calls {
            let step = self.rules.step(call, input, self.server_now()).unwrap();
            self.write(step.call, step.effects);
        }
    }

    pub(super) fn handle(
        &mut self,
        device: usize,
        request: Request,
    ) -> Result<Option<CallView>, WireError> {
        let from = self.devices[device].who;
        let (id, input) = match request {
            Request::Start(start) => {
                let call = self.handle_start(from, start)?;
                return Ok(Some(self.view(&call)));
            }
            Request::Receipt(it) => (it.id, Input::Receipt(from, it.receipt)),
            Request::Accept(it) => (it.id, Input::Accept(from, it.media)),
            Request::Reject(it) => (it.id, Input::Reject(from, it.reason)),
            Request::Connected(it) => (it.id, Input::Connected(from)),
            Request::End(it) => (
                it.id,
                Input::End {
                    by: from,
                    failed: it.failed,
                },
            ),
            Request::Offer(it) => {
                return self.hand_on(from, rules::Signal::Offer, Signal::Offer(it));
            }
            Request::Answer(it) => {
                return self.hand_on(from, rules::Signal::Answer, Signal::Answer(it));
            }
            Request::Candidate(it) => {
                return self.hand_on(from, rules::Signal::Candidate, Signal::Candidate(it));
            }
            Request::Renegotiate(it) => {
                return self.hand_on(from, rules::Signal::Renegotiate, Signal::Renegotiate(it));
            }
        };
        let call = self.find(id).ok_or(Refused::NotFound)?;
        let step = self.rules.step(call, input, self.server_now())?;
        let view = self.view(&step.call);
        self.write(step.call, step.effects);
        let has_view = !matches!(input, Input::Receipt(..) | Input::Connected(_));
        Ok(has_view.then_some(view))
    }

    pub(super) fn handle_start(
        &mut self,
        from: Endpoint,
        start: CallStart,
    ) -> Result<Call, Refused> {
        let maya = self.devices[MAYA].who.person;
        let sam = self.devices[SAM].who.person;
        let callee = if from.person == maya { sam } else { maya };
        let situation = Situation {
            same: self.find(start.id),
            caller: self.active(from.person),
            callee: self.active(callee),
        };
        let asked = Asked {
            id: start.id,
            conversation: start.conversation,
            caller: from,
            callee,
            offerer: maya,
            media: start.media,
            about: start.about,
        };
        let started = self.rules.start(asked, situation, self.server_now())?;
        let (call, effects) = (started.call().clone(), started.effects().to_vec());
        match started {
            Started::Rings(_) => {
                self.active.insert(from.person, call.id);
                self.active.insert(callee, call.id);
                self.write(call.clone(), effects);
            }
            Started::Busy(_) | Started::Crossed(_) => self.write(call.clone(), effects),
            Started::Same(_) => {}
        }
        Ok(call)
    }

    pub(super) fn hand_on(
        &mut self,
        from: Endpoint,
        kind: rules::Signal,
        signal: Signal,
    ) -> Result<Option<CallView>, WireError> {
        let call = self.find(signal.call()).ok_or(Refused::NotFound)?;
        let to = call.signal_to(from, kind)?;
        let device = self
            .devices
            .iter()
            .position(|device| device.who == to)
            .unwrap();
        if !self.devices[device].up {
            return Err(WireError::new(ErrorCode::Offline, "Not connected."));
        }
        self.send(device, Down::Signal(signal));
        Ok(None)
    }

    pub(super) fn write(&mut self, call: Call, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell => {
                    let view = self.view(&call);
                    for device in 0..self.devices.len() {
                        let person = self.devices[device].who.person;
                        if person == call.caller.person || person == call.callee {
                            self.send(device, Down::Changed(view.clone()));
                        }
                    }
                }
                Effect::Free => {
                    for person in [call.caller.person, call.callee] {
                        assert_eq!(self.active.remove(&person), Some(call.id));
                    }
                }
                Effect::Write(_) => self.records.push((call.id, call.outcome.unwrap())),
                Effect::Left(to) => {
                    let device = self.devices.iter().position(|device| device.who == to);
                    self.send(device.unwrap(), Down::Signal(Signal::Left(call.id)));
                }
            }
        }
        self.calls.insert(call.id, call);
    }
}
