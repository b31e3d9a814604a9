//! Devices, the server's rules, and a network between them that can be made bad.

mod server;

use crate::{
    chance::Chance,
    device::{Calls, Failure, Output, Progress, Request, RingEnding, Signal, Stage, Ticket},
    media::{MediaCommand, MediaEvent, PathProblem},
    rules::{Call, Endpoint, Input, Rules},
    simulated::Peer,
};
use im_protocol::{
    CallId, ConversationId, DeviceId, PersonId, UnixMs, WireError,
    call::{CallOutcome, CallStart, CallView, MediaKinds},
};
use std::collections::{BTreeMap, HashMap};

/// The server's clock when the monotonic one is 0.
const EPOCH: UnixMs = 1_800_000_000_000;
/// How often the server looks for what is due.
const SWEEP_MS: u64 = 500;
/// How often the feed makes good what was not delivered live.
const FEED_MS: u64 = 3_000;
/// After how long a device takes a request for lost.
const ACK_MS: u64 = 5_000;

/// Sam's laptop.
pub(super) const SAM: usize = 0;
/// Maya's desk.
pub(super) const MAYA: usize = 1;
/// Maya's tablet.
pub(super) const TABLET: usize = 2;

enum Packet {
    Up(usize, Ticket, Request),
    Down(usize, u32, Down),
    Local(usize, CallId, MediaEvent),
    AckLost(usize, u32, Ticket),
    NoticedAway(usize, u32),
}

enum Down {
    Ready(Vec<CallView>),
    Reply(Ticket, Result<Option<CallView>, WireError>),
    Changed(CallView),
    Signal(Signal),
}

pub(super) struct Device {
    pub(super) who: Endpoint,
    pub(super) calls: Calls,
    pub(super) up: bool,
    connection: u32,
    last_up: u64,
    ready_at: u64,
    fed: HashMap<CallId, u64>,
    pub(super) media: HashMap<CallId, Peer>,
    /// Lets the first attempts to connect fail.
    pub(super) fail: Option<(u32, PathProblem)>,
    pub(super) log: Vec<Output>,
}

pub(super) struct World {
    pub(super) now: u64,
    pub(super) rules: Rules,
    pub(super) chance: Chance,
    /// Of a hundred notices so many are lost; delays are up to so many milliseconds.
    pub(super) lost: u32,
    pub(super) delay: u32,
    pub(super) server_up: bool,
    pub(super) calls: BTreeMap<CallId, Call>,
    pub(super) active: HashMap<PersonId, CallId>,
    pub(super) records: Vec<(CallId, CallOutcome)>,
    pub(super) devices: Vec<Device>,
    conversation: ConversationId,
    wire: BTreeMap<(u64, u64), Packet>,
    count: u64,
}

impl World {
    /// Sam with one device, Maya with two, all connected, the network good.
    pub(super) fn new(seed: u64) -> Self {
        let (sam, maya) = (PersonId::new(), PersonId::new());
        let devices = [sam, maya, maya].map(|person| {
            let who = Endpoint {
                person,
                device: DeviceId::new(),
            };
            Device {
                who,
                calls: Calls::new(who),
                up: false,
                connection: 0,
                last_up: 0,
                ready_at: 0,
                fed: HashMap::new(),
                media: HashMap::new(),
                fail: None,
                log: Vec::new(),
            }
        });
        let mut world = Self {
            now: 1_000,
            rules: Rules::default(),
            chance: Chance::new(seed),
            lost: 0,
            delay: 20,
            server_up: true,
            calls: BTreeMap::new(),
            active: HashMap::new(),
            records: Vec::new(),
            devices: devices.into(),
            conversation: ConversationId::new(),
            wire: BTreeMap::new(),
            count: 0,
        };
        for device in [SAM, MAYA, TABLET] {
            world.connect(device);
        }
        world.run(100);
        world
    }

    // ------------------------------------------------------------------ what people do

    pub(super) fn start(&mut self, device: usize, media: MediaKinds) -> CallId {
        let id = CallId::new();
        let start = CallStart {
            id,
            conversation: self.conversation,
            media,
            about: String::new(),
        };
        let now = self.now;
        // Where the person is in a call already, nothing happens.
        let _ = self.devices[device].calls.start(start, now);
        self.drain(device);
        id
    }

    pub(super) fn does<T>(&mut self, device: usize, act: impl FnOnce(&mut Calls, u64) -> T) -> T {
        let now = self.now;
        let done = act(&mut self.devices[device].calls, now);
        self.drain(device);
        done
    }

    pub(super) fn lose_media(&mut self, problem: PathProblem) {
        for device in 0..self.devices.len() {
            let calls: Vec<CallId> = self.devices[device].media.keys().copied().collect();
            for call in calls {
                let events = self.devices[device]
                    .media
                    .get_mut(&call)
                    .unwrap()
                    .lose(problem);
                self.local(device, call, events);
            }
        }
    }

    // ------------------------------------------------------------------ the network

    pub(super) fn connect(&mut self, device: usize) {
        if self.devices[device].up || !self.server_up {
            return;
        }
        let who = self.devices[device].who;
        self.input_all(Input::Back(who));
        let delay = self.delay();
        let (views, now) = (self.views_of(who.person), self.now);
        let it = &mut self.devices[device];
        it.up = true;
        it.connection += 1;
        it.ready_at = now + delay;
        it.fed.clear();
        let connection = it.connection;
        self.push(
            now + delay,
            Packet::Down(device, connection, Down::Ready(views)),
        );
    }

    pub(super) fn cut(&mut self, device: usize) {
        if !self.devices[device].up {
            return;
        }
        self.devices[device].up = false;
        self.devices[device].calls.offline();
        let connection = self.devices[device].connection;
        let noticed = self.now + u64::from(self.chance.below(8_000));
        self.push(noticed, Packet::NoticedAway(device, connection));
        self.drain(device);
    }

    pub(super) fn stop_server(&mut self) {
        for device in 0..self.devices.len() {
            self.cut(device);
        }
        self.server_up = false;
        self.wire
            .retain(|_, packet| matches!(packet, Packet::Local(..)));
    }

    pub(super) fn start_server(&mut self) {
        if !self.server_up {
            self.server_up = true;
            self.input_all(Input::Restarted);
            self.input_all(Input::Deadline);
        }
    }

    /// The process of a device is killed and started again; it connects.
    pub(super) fn restart_app(&mut self, device: usize) {
        self.cut(device);
        let it = &mut self.devices[device];
        it.calls = Calls::new(it.who);
        it.media.clear();
        it.log.clear();
        self.connect(device);
    }

    fn delay(&mut self) -> u64 {
        1 + u64::from(self.chance.below(self.delay))
    }

    fn push(&mut self, at: u64, packet: Packet) {
        self.count += 1;
        self.wire.insert((at, self.count), packet);
    }

    /// To a device, in any order, but after its first word.
    fn send(&mut self, device: usize, down: Down) {
        if !self.devices[device].up {
            return;
        }
        let may_be_lost = matches!(down, Down::Changed(_) | Down::Signal(_));
        if may_be_lost && self.chance.below(100) < self.lost {
            return;
        }
        let at = (self.now + self.delay()).max(self.devices[device].ready_at);
        let connection = self.devices[device].connection;
        self.push(at, Packet::Down(device, connection, down));
    }

    // ------------------------------------------------------------------ time

    /// Runs for so many milliseconds.
    pub(super) fn run(&mut self, for_ms: u64) {
        let end = self.now + for_ms;
        loop {
            let packet = self.wire.keys().next().map(|(at, _)| *at);
            let timers = self.devices.iter().filter_map(|device| device.calls.due());
            let next = packet.into_iter().chain(timers).min().unwrap_or(u64::MAX);
            let sweep = (self.now / SWEEP_MS + 1) * SWEEP_MS;
            let next = next.max(self.now).min(sweep);
            if next > end {
                self.now = end;
                return;
            }
            if next == sweep {
                self.now = next;
                self.periodic();
            }
            self.now = next;
            while let Some(entry) = self.wire.first_entry()
                && entry.key().0 <= next
            {
                let packet = entry.remove();
                self.deliver(packet);
            }
            for device in 0..self.devices.len() {
                let due = self.devices[device].calls.due();
                if due.is_some_and(|due| due <= next) {
                    self.devices[device].calls.tick(next);
                    let again = self.devices[device].calls.due();
                    assert!(
                        again.is_none_or(|due| due > next),
                        "a timer that never rests"
                    );
                    self.drain(device);
                }
            }
        }
    }

    /// Runs until this holds.
    pub(super) fn until(&mut self, within_ms: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = self.now + within_ms;
        while !holds(self) {
            assert!(self.now < end, "not in time: {what}");
            self.run(10);
        }
    }

    fn periodic(&mut self) {
        if !self.server_up {
            return;
        }
        self.input_all(Input::Deadline);
        if !self.now.is_multiple_of(FEED_MS) {
            return;
        }
        for device in 0..self.devices.len() {
            let person = self.devices[device].who.person;
            let calls: Vec<Call> = self.calls.values().cloned().collect();
            for call in calls {
                let concerns = call.caller.person == person || call.callee == person;
                let fed = self.devices[device].fed.insert(call.id, call.rev);
                if concerns && fed != Some(call.rev) && self.devices[device].up {
                    let view = self.view(&call);
                    let at = self.now + self.delay();
                    let connection = self.devices[device].connection;
                    self.push(at, Packet::Down(device, connection, Down::Changed(view)));
                }
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let now = self.now;
        match packet {
            Packet::Up(device, ticket, request) => {
                if self.server_up {
                    let reply = self.handle(device, request);
                    self.send(device, Down::Reply(ticket, reply));
                }
            }
            Packet::Down(device, connection, down) => {
                let it = &mut self.devices[device];
                if !it.up || it.connection != connection {
                    return;
                }
                match down {
                    Down::Ready(views) => it.calls.online(views, now),
                    Down::Reply(ticket, reply) => {
                        it.calls.reply(ticket, reply.map_err(Failure::Refused), now);
                    }
                    Down::Changed(view) => it.calls.view(view, now),
                    Down::Signal(signal) => it.calls.signal(signal, now),
                }
                self.drain(device);
            }
            Packet::Local(device, call, event) => {
                if self.devices[device].media.contains_key(&call) {
                    self.devices[device].calls.media(call, event, now);
                    self.drain(device);
                }
            }
            Packet::AckLost(device, connection, ticket) => {
                let it = &mut self.devices[device];
                if it.up && it.connection == connection {
                    it.calls.reply(ticket, Err(Failure::Lost), now);
                    self.drain(device);
                }
            }
            Packet::NoticedAway(device, connection) => {
                let it = &self.devices[device];
                if !it.up && it.connection == connection && self.server_up {
                    let who = it.who;
                    self.input_all(Input::Away(who));
                }
            }
        }
    }

    // ------------------------------------------------------------------ a device's driver

    fn drain(&mut self, device: usize) {
        while let Some(output) = self.devices[device].calls.poll() {
            self.devices[device].log.push(output.clone());
            match output {
                Output::Send(ticket, request) => {
                    assert!(self.devices[device].up, "sent without a connection");
                    let delay = self.delay();
                    let it = &mut self.devices[device];
                    // What one socket sends arrives in order.
                    it.last_up = it.last_up.max(self.now + delay);
                    let (at, connection) = (it.last_up, it.connection);
                    self.push(at, Packet::Up(device, ticket, request));
                    let lost = self.now + ACK_MS;
                    self.push(lost, Packet::AckLost(device, connection, ticket));
                }
                Output::OpenMedia { call, send } => {
                    let mut peer = Peer::new(send);
                    if let Some((attempts, problem)) = self.devices[device].fail {
                        peer.fail_attempts(attempts, problem);
                    }
                    let opened = self.devices[device].media.insert(call, peer);
                    assert!(opened.is_none(), "media opened twice");
                }
                Output::Media(call, command) => self.command(device, call, command),
                Output::CloseMedia(call) => {
                    let closed = self.devices[device].media.remove(&call);
                    assert!(closed.is_some(), "media closed that was not open");
                }
                Output::Ring(_)
                | Output::RingOver { .. }
                | Output::Progress(_)
                | Output::Joined { .. } => {}
            }
        }
    }

    fn command(&mut self, device: usize, call: CallId, command: MediaCommand) {
        let peer = self.devices[device].media.get_mut(&call);
        let events = peer.expect("media is open").command(command);
        self.local(device, call, events);
    }

    fn local(&mut self, device: usize, call: CallId, events: Vec<MediaEvent>) {
        for event in events {
            let at = self.now + 2;
            self.push(at, Packet::Local(device, call, event));
        }
    }

    // ------------------------------------------------------------------ what is seen

    /// The last stage shown for any call on this device.
    pub(super) fn stage(&self, device: usize) -> Option<Stage> {
        self.progress(device).map(|progress| progress.stage)
    }

    pub(super) fn progress(&self, device: usize) -> Option<Progress> {
        let log = self.devices[device].log.iter().rev();
        log.into_iter().find_map(|output| match output {
            Output::Progress(progress) => Some(progress.clone()),
            _ => None,
        })
    }

    /// The call that rings on this device now.
    pub(super) fn rings(&self, device: usize) -> Option<CallId> {
        let mut ringing = None;
        for output in &self.devices[device].log {
            match output {
                Output::Ring(view) => {
                    assert_eq!(ringing.replace(view.id), None, "two rings at once");
                }
                Output::RingOver { call, .. } => {
                    assert_eq!(ringing.take(), Some(*call), "stopped what did not ring");
                }
                _ => {}
            }
        }
        ringing
    }

    pub(super) fn endings(&self, device: usize) -> Vec<RingEnding> {
        let log = self.devices[device].log.iter();
        log.filter_map(|output| match output {
            Output::RingOver { ending, .. } => Some(*ending),
            _ => None,
        })
        .collect()
    }

    pub(super) fn outcome(&self, call: CallId) -> Option<CallOutcome> {
        self.calls.get(&call).and_then(|call| call.outcome)
    }
}
