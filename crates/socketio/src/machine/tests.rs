//! The machine in virtual time: [`Rig`] plays the owner, the driver and the clock.

mod connecting;
mod emitting;
mod living;

use super::*;
use crate::auth::{AuthError, OnRefusal};
use serde_json::json;

const GREETING: &str =
    r#"0{"sid":"t1","upgrades":[],"pingInterval":5000,"pingTimeout":3000,"maxPayload":100000}"#;
const WELCOME: &str = r#"40{"sid":"s1"}"#;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Rig {
    machine: Machine,
    start: Instant,
    now: Instant,
    seen: Vec<Output>,
}

impl Rig {
    fn new() -> Self {
        Self::with_seed(1)
    }

    fn with_seed(seed: u64) -> Self {
        Self::with_namespace("/", seed)
    }

    fn with_namespace(namespace: &str, seed: u64) -> Self {
        let start = Instant::now();
        let mut rig = Self {
            machine: Machine::new(Config {
                namespace: namespace.to_owned(),
                max_attachments: 10,
                timing: Timing::default(),
                seed,
            }),
            start,
            now: start,
            seen: Vec::new(),
        };
        rig.tell(Input::Start);
        rig
    }

    /// A machine that is connected, with what led there forgotten.
    fn connected() -> Self {
        let mut rig = Self::new();
        rig.connect();
        rig.take();
        rig
    }

    fn connect(&mut self) {
        self.tell(Input::Auth(Ok(json!({ "token": "t" }))));
        self.tell(Input::Opened);
        self.tell(Input::Text(GREETING));
        self.tell(Input::Text(WELCOME));
        assert!(self.machine.is_connected());
    }

    fn tell(&mut self, input: Input<'_>) {
        self.machine.handle(input, self.now);
        while let Some(output) = self.machine.poll_output() {
            self.seen.push(output);
        }
    }

    /// Lets time pass as a driver would: with a tick at each time the machine asked for.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(wake) = self.machine.poll_timeout().filter(|wake| *wake <= end) {
            assert!(
                wake >= self.now || self.machine.is_due(self.now),
                "a timer in the past"
            );
            self.now = self.now.max(wake);
            self.tell(Input::Tick);
        }
        self.now = end;
    }

    /// Lets exactly the time pass that the machine wants to wait, and says how long that was.
    fn pass_wait(&mut self) -> Duration {
        let wake = self.machine.poll_timeout().expect("no timer");
        let waited = wake.saturating_duration_since(self.now);
        self.pass(waited);
        waited
    }

    fn emit(&mut self, event: &str, ack: Option<(u64, Duration)>) {
        let ack = ack.map(|(id, timeout)| Await {
            id,
            deadline: self.now + timeout,
        });
        self.tell(Input::Emit(Emit {
            json: json!([event, 1]).to_string(),
            attachments: Vec::new(),
            ack,
        }));
    }

    /// What came out since the last call.
    fn take(&mut self) -> Vec<Output> {
        mem::take(&mut self.seen)
    }

    /// The text frames sent since the last call.
    fn sent(&mut self) -> Vec<String> {
        self.take()
            .into_iter()
            .filter_map(|output| match output {
                Output::Send(Frame::Text(text)) => Some(text),
                _ => None,
            })
            .collect()
    }

    fn saw(&self, wanted: impl Fn(&Output) -> bool) -> bool {
        self.seen.iter().any(wanted)
    }

    fn saw_disconnect(&self, reason: &DisconnectReason) -> bool {
        self.saw(|output| matches!(output, Output::Disconnected(why) if why == reason))
    }

    fn last_state(&self) -> &State {
        let states = self.seen.iter().filter_map(|output| match output {
            Output::State(state) => Some(state),
            _ => None,
        });
        states.last().expect("no state")
    }

    /// The length of the wait that the last state announces, and its reason.
    fn announced_wait(&self) -> (Duration, DisconnectReason) {
        match self.last_state() {
            State::Waiting { retry_in, reason } => (*retry_in, reason.clone()),
            other => panic!("not waiting: {other:?}"),
        }
    }

    fn since_start(&self) -> Duration {
        self.now - self.start
    }
}

impl Machine {
    /// Whether something was due before `now` and waits for its tick.
    fn is_due(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|wake| wake <= now)
    }
}
