//! The simulated twin of media: exchanges descriptions and candidates like the real one, and
//! "connects" when an offer, its answer and a candidate of that generation have passed; no
//! devices, no network, no time of its own.
//!
//! [`Peer`] is the twin itself, stepped by hand. [`Engine`] runs it behind [`MediaEngine`].

mod peer;

pub use peer::Peer;

use crate::media::{
    COMMANDS, MediaCall, MediaCommand, MediaEngine, MediaError, MediaEvent, MediaSetup, PathProblem,
};
use im_protocol::CallId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// Orders and events that may wait.
const DEPTH: usize = 256;

/// Opens [`Peer`]s and keeps a handle to each.
#[derive(Debug, Clone)]
pub struct Engine {
    state: Arc<Mutex<State>>,
    opened: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    refuse: bool,
    fail: u32,
    calls: Vec<Call>,
}

/// A handle to one simulated call, also after it was closed.
#[derive(Debug, Clone)]
pub struct Call {
    /// As it was opened.
    pub setup: MediaSetup,
    orders: mpsc::Sender<Order>,
    commands: watch::Receiver<Vec<MediaCommand>>,
}

#[derive(Debug)]
enum Order {
    Break(PathProblem),
    Tell(MediaEvent),
    Stop,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            state: Arc::default(),
            opened: watch::Sender::new(0),
        }
    }
}

impl Engine {
    /// One that connects at the first try.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether opening fails from now on, as where not even a peer connection can be made.
    pub fn refuse(&self, refuse: bool) {
        self.lock().refuse = refuse;
    }

    /// Lets the next attempts to connect of each call opened from now on fail, with
    /// [`PathProblem::Broken`].
    pub fn fail_attempts(&self, attempts: u32) {
        self.lock().fail = attempts;
    }

    /// All calls opened so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Waits until this many calls were opened in all, and gives the last of them. None where the
    /// engine is gone.
    pub async fn opened(&self, calls: usize) -> Option<Call> {
        let mut opened = self.opened.subscribe();
        opened.wait_for(|so_far| *so_far >= calls).await.ok()?;
        self.lock().calls.get(calls.checked_sub(1)?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MediaEngine for Engine {
    fn open(&self, setup: MediaSetup) -> Result<MediaCall, MediaError> {
        let (commands, command_rx) = mpsc::channel(COMMANDS);
        let (event_tx, events) = mpsc::channel(DEPTH);
        let (orders, order_rx) = mpsc::channel(DEPTH);
        let (log, log_rx) = watch::channel(Vec::new());
        let mut state = self.lock();
        if state.refuse {
            return Err(MediaError("the simulated engine was told to refuse".into()));
        }
        let mut peer = Peer::new(setup.send);
        peer.fail_attempts(state.fail, PathProblem::Broken);
        let running = Running {
            peer,
            commands: command_rx,
            orders: order_rx,
            events: event_tx,
            log,
        };
        tokio::spawn(running.run());
        state.calls.push(Call {
            setup,
            orders,
            commands: log_rx,
        });
        self.opened.send_replace(state.calls.len());
        Ok(MediaCall { commands, events })
    }
}

impl Call {
    /// Which.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.setup.call
    }

    /// All commands so far.
    #[must_use]
    pub fn commands(&self) -> Vec<MediaCommand> {
        self.commands.borrow().clone()
    }

    /// Waits for a command like this. False where the call was closed without one.
    pub async fn command(&self, like: impl Fn(&MediaCommand) -> bool) -> bool {
        let mut commands = self.commands.clone();
        commands
            .wait_for(|commands| commands.iter().any(&like))
            .await
            .is_ok()
    }

    /// Waits until the call was closed.
    pub async fn closed(&self) {
        self.orders.closed().await;
    }

    /// Loses the way, or the keys; only this end, so do it at both.
    pub async fn lose(&self, problem: PathProblem) {
        // A closed call has nothing to lose.
        let _ = self.orders.send(Order::Break(problem)).await;
    }

    /// Lets media tell something.
    pub async fn tell(&self, event: MediaEvent) {
        let _ = self.orders.send(Order::Tell(event)).await;
    }

    /// Stops as if media had crashed.
    pub async fn stop(&self) {
        let _ = self.orders.send(Order::Stop).await;
    }
}

struct Running {
    peer: Peer,
    commands: mpsc::Receiver<MediaCommand>,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<MediaEvent>,
    log: watch::Sender<Vec<MediaCommand>>,
}

impl Running {
    /// Until the call is dropped, or told to stop.
    async fn run(mut self) {
        loop {
            let events = tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => {
                        self.log.send_modify(|log| log.push(command.clone()));
                        self.peer.command(command)
                    }
                    None => return,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Break(problem)) => self.peer.lose(problem),
                    Some(Order::Tell(event)) => vec![event],
                    Some(Order::Stop) | None => return,
                },
            };
            for event in events {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::call::MediaKinds;

    fn setup() -> MediaSetup {
        MediaSetup {
            call: CallId::new(),
            send: MediaKinds::AUDIO,
            ice_servers: Vec::new(),
        }
    }

    #[tokio::test]
    async fn two_engines_connect_and_notice_a_lost_way() {
        let (mayas, sams) = (Engine::new(), Engine::new());
        let mut maya = mayas.open(setup()).unwrap();
        let mut sam = sams.open(setup()).unwrap();
        let offer = MediaCommand::Offer {
            generation: 1,
            restart: false,
            rebuild: false,
        };
        maya.commands.send(offer.clone()).await.unwrap();
        let mut connected = 0;
        while connected < 2 {
            let (to, event) = tokio::select! {
                event = maya.events.recv() => (&sam.commands, event.unwrap()),
                event = sam.events.recv() => (&maya.commands, event.unwrap()),
            };
            match event {
                MediaEvent::LocalOffer { generation, sdp } => {
                    let command = MediaCommand::RemoteOffer { generation, sdp };
                    to.send(command).await.unwrap();
                }
                MediaEvent::LocalAnswer { generation, sdp } => {
                    let command = MediaCommand::RemoteAnswer { generation, sdp };
                    to.send(command).await.unwrap();
                }
                MediaEvent::LocalCandidate {
                    generation,
                    candidate,
                } => {
                    let command = MediaCommand::RemoteCandidate {
                        generation,
                        candidate,
                    };
                    to.send(command).await.unwrap();
                }
                MediaEvent::Connected => connected += 1,
                _ => {}
            }
        }
        let handle = mayas.opened(1).await.unwrap();
        assert!(handle.command(|command| *command == offer).await);
        handle.lose(PathProblem::KeysMissing).await;
        loop {
            let event = maya.events.recv().await.unwrap();
            if event == MediaEvent::Disconnected(PathProblem::KeysMissing) {
                break;
            }
        }
        drop(maya);
        handle.closed().await;
    }

    #[tokio::test]
    async fn an_engine_can_refuse_and_can_crash() {
        let engine = Engine::new();
        let mut call = engine.open(setup()).unwrap();
        engine.opened(1).await.unwrap().stop().await;
        assert_eq!(call.events.recv().await, None);
        engine.refuse(true);
        assert!(engine.open(setup()).is_err());
    }
}
