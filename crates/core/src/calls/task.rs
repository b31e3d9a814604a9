//! The calls' task: what comes in, and what the machine wants done.

use super::{
    CallInput, Now, Wish,
    current::Current,
    denied,
    media::{Lost, Medias},
    requests::{self, Answer},
    rings::{self, Described, Description, Rings, RingsShown},
};
use crate::{
    notify::{Action, NotificationAction, NotificationId},
    session::Context,
};
use futures_util::{
    StreamExt as _,
    future::{self, BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use im_call::{
    device::{Calls as Machine, Output, Request, Signal, Ticket},
    media::MediaEvent,
    rules::Endpoint,
};
use im_contract::{UiError, views::CallProgress};
use im_protocol::{
    CallId,
    call::{CallStart, MediaKinds, RejectReason},
    rest::IceServers,
};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout_at},
};

/// How long the end of a call may take to be told when the session ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// What came of something that took time.
pub(super) enum Happened {
    /// The server answered, or did not.
    Answered(Ticket, Answer),
    /// It is known who calls, as far as it is in time.
    Described(CallId, Description),
    /// And then it is known better.
    Named(CallId, Described),
    /// The servers for ICE are known, or cannot be.
    Ice(Option<IceServers>),
    /// Media told something; none where it has stopped.
    Media(CallId, Option<MediaEvent>, mpsc::Receiver<MediaEvent>),
    /// It does not matter anymore.
    Nothing,
}

/// See the module.
pub(crate) struct CallTask {
    context: Context,
    inputs: mpsc::Receiver<CallInput>,
    machine: Machine,
    rings: Rings,
    current: Current,
    medias: Medias,
    pending: FuturesUnordered<BoxFuture<'static, Happened>>,
    hurried: bool,
    begun: Instant,
}

impl CallTask {
    pub(super) fn new(
        context: Context,
        inputs: mpsc::Receiver<CallInput>,
        rings: watch::Sender<RingsShown>,
        current: watch::Sender<Option<CallProgress>>,
    ) -> Self {
        let me = Endpoint {
            person: context.me,
            device: context.device,
        };
        Self {
            machine: Machine::new(me),
            rings: Rings::new(context.clone(), rings),
            current: Current::new(context.clone(), current),
            medias: Medias::new(context.clone()),
            pending: FuturesUnordered::new(),
            hurried: false,
            begun: Instant::now(),
            context,
            inputs,
        }
    }

    /// Runs until the session has ended.
    pub(crate) async fn run(mut self) {
        loop {
            let due = self.due();
            tokio::select! {
                input = self.inputs.recv() => match input {
                    Some(CallInput::Closed(done)) => {
                        self.close().await;
                        // Whoever waited may have given up.
                        done.send(()).ok();
                        return;
                    }
                    Some(input) => self.input(input),
                    None => return self.close().await,
                },
                Some(happened) = self.pending.next() => self.happened(happened),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.machine.tick(self.now());
                    self.current.on_time();
                }
            }
            self.carry_out();
        }
    }

    /// The machine's clock, milliseconds.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn due(&self) -> Option<Instant> {
        // The machine's clock has whole milliseconds: a little late is not too early.
        let machine = self
            .machine
            .due()
            .map(|ms| self.begun + Duration::from_millis(ms));
        machine.into_iter().chain(self.current.due()).min()
    }

    fn input(&mut self, input: CallInput) {
        let now = self.now();
        match input {
            CallInput::Ready(calls) => self.machine.online(calls, now),
            CallInput::Changed(call) | CallInput::Fact(call) => self.machine.view(call, now),
            CallInput::Offer(offer) => self.machine.signal(Signal::Offer(offer), now),
            CallInput::Answer(answer) => self.machine.signal(Signal::Answer(answer), now),
            CallInput::Candidate(candidate) => {
                self.machine.signal(Signal::Candidate(candidate), now);
            }
            CallInput::Renegotiate(ask) => self.machine.signal(Signal::Renegotiate(ask), now),
            CallInput::Left(left) => self.machine.signal(Signal::Left(left.call), now),
            CallInput::Disconnected => self.machine.offline(),
            CallInput::Acted(acted) => self.acted(acted),
            CallInput::Asked(Wish::Start { call, other, reply }) => {
                self.start(call, other, reply);
            }
            CallInput::Asked(Wish::Now(wish, reply)) => {
                let done = self.now_do(wish);
                reply.send(done).ok();
            }
            // Taken by the loop.
            CallInput::Closed(_) => {}
        }
    }

    fn start(
        &mut self,
        call: CallStart,
        other: im_contract::views::PersonView,
        reply: oneshot::Sender<Result<CallProgress, UiError>>,
    ) {
        let id = call.id;
        if let Err(error) = self.machine.start(call, self.now()) {
            reply.send(Err(denied(error))).ok();
            return;
        }
        self.current.knows(id, other);
        self.current.starts(id, reply);
        self.pending.extend(self.medias.prepare());
    }

    fn now_do(&mut self, wish: Now) -> Result<(), UiError> {
        let now = self.now();
        let engaged = self.current.engaged();
        let switch = |machine: &mut Machine, how: fn(&mut Machine, CallId, bool, u64) -> _, on| {
            let call = engaged.ok_or(im_call::device::Denied::NoSuchCall)?;
            how(machine, call, on, now)
        };
        let done = match wish {
            Now::Accept(call, media) => self.machine.accept(call, media, now),
            Now::Reject(call, reason) => self.machine.reject(call, reason, now),
            Now::Shown(call) => self.machine.shown(call, now),
            Now::HangUp(call) => self.machine.hang_up(call, now),
            Now::Dismiss(call) => {
                self.current.dismiss(call);
                Ok(())
            }
            Now::Microphone(on) => switch(&mut self.machine, Machine::microphone, on),
            Now::Camera(on) => switch(&mut self.machine, Machine::camera, on),
        };
        done.map_err(denied)
    }

    /// The person acted on a ring's notification.
    fn acted(&mut self, acted: NotificationAction) {
        let NotificationId::Ring(call) = acted.id else {
            return;
        };
        let now = self.now();
        let done = match acted.action {
            // As the caller wants it: who calls with picture is answered with picture.
            Action::Accept => {
                let media = self.rings.media(call).unwrap_or(MediaKinds::AUDIO);
                self.machine.accept(call, media, now)
            }
            Action::Decline => self.machine.reject(call, RejectReason::Declined, now),
            Action::Open => {
                self.rings.show_again(call);
                Ok(())
            }
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a notification of a call that is over");
        }
    }

    fn happened(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Answered(ticket, answer) => self.machine.reply(ticket, answer, now),
            Happened::Described(call, Description { now, later }) => {
                self.described(call, now);
                self.pending.extend(later.map(|later| {
                    let named = later.map(move |named| match named {
                        Some(named) => Happened::Named(call, named),
                        None => Happened::Nothing,
                    });
                    named.boxed()
                }));
            }
            Happened::Named(call, described) => self.described(call, described),
            Happened::Ice(servers) => {
                for opened in self.medias.prepared(servers) {
                    self.opened(opened);
                }
            }
            Happened::Media(call, None, _) => self.lost(Lost(call)),
            Happened::Media(call, Some(event), events) => {
                // An event of media that was closed meanwhile leads nowhere.
                if let Some(next) = self.medias.read_on(call, events) {
                    self.pending.push(next);
                    self.current.media(call, &event);
                    if matches!(event, MediaEvent::Disconnected(_)) {
                        // What broke the way of media has often broken the socket too, which is
                        // needed first.
                        self.context.wire.reconnect_soon();
                    }
                    self.machine.media(call, event, now);
                }
            }
            Happened::Nothing => {}
        }
    }

    fn described(&mut self, call: CallId, described: Described) {
        let caller = described.caller.clone();
        // A ring may have been taken before the name came.
        if self.rings.show(call, described) || self.current.engaged() == Some(call) {
            self.current.knows(call, caller);
        }
    }

    fn opened(&mut self, opened: Result<BoxFuture<'static, Happened>, Lost>) {
        match opened {
            Ok(next) => self.pending.push(next),
            Err(lost) => self.lost(lost),
        }
    }

    fn lost(&mut self, Lost(call): Lost) {
        let now = self.now();
        self.machine.media_lost(call, now);
    }

    /// Does what the machine wants done.
    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Send(ticket, request) => self.send(ticket, request),
                Output::Ring(view) => {
                    self.rings.begin(view.clone());
                    let context = self.context.clone();
                    let describe = async move {
                        let described = rings::describe(context, &view).await;
                        Happened::Described(view.id, described)
                    };
                    self.pending.push(describe.boxed());
                    self.pending.extend(self.medias.prepare());
                }
                Output::RingOver { call, ending } => {
                    self.rings.end(call, ending);
                    if ending != im_call::device::RingEnding::Accepted {
                        self.current.forgets(call);
                    }
                }
                Output::OpenMedia { call, send } => {
                    if let Some(opened) = self.medias.open(call, send) {
                        self.opened(opened);
                    }
                }
                Output::Media(call, command) => {
                    if let Err(lost) = self.medias.command(call, command) {
                        self.lost(lost);
                    }
                }
                Output::CloseMedia(call) => self.medias.close(call),
                Output::Progress(progress) => self.current.progress(progress),
                Output::Joined { asked, call } => self.current.joined(asked, call),
            }
        }
        let hurried = self.machine.in_call();
        if hurried != self.hurried {
            self.hurried = hurried;
            self.context.wire.set_hurried(hurried);
        }
    }

    fn send(&self, ticket: Ticket, request: Request) {
        let wire = self.context.wire.clone();
        let mut answer = async move {
            let answer = requests::send(&wire, &request).await;
            Happened::Answered(ticket, answer)
        }
        .boxed();
        // Begun here, so that requests get into the socket's queue in their order.
        match (&mut answer).now_or_never() {
            Some(happened) => self.pending.push(future::ready(happened).boxed()),
            None => self.pending.push(answer),
        }
    }

    /// Hangs up, tells the server as long as there is a connection, frees the devices.
    async fn close(&mut self) {
        self.rings.end_all();
        if let Some(call) = self.current.engaged() {
            let now = self.now();
            // It may be over by a hair, which is as well.
            self.machine.hang_up(call, now).ok();
        }
        self.carry_out();
        self.medias.close_all();
        let until = Instant::now() + GOODBYE;
        while self.machine.is_leaving() && self.context.live.is_connected() {
            let Ok(Some(happened)) = timeout_at(until, self.pending.next()).await else {
                break;
            };
            if let Happened::Answered(ticket, answer) = happened {
                let now = self.now();
                self.machine.reply(ticket, answer, now);
                self.carry_out();
            }
        }
        self.current.clear();
    }
}
