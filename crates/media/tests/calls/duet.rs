//! Two engines and the signalling between them.

mod lossy;

pub(crate) use lossy::Badness;

use im_call::media::{MediaCall, MediaCommand, MediaEngine, MediaEvent, MediaSetup};
use im_media::{Engine, EngineConfig};
use im_protocol::{CallId, call::MediaKinds};
use lossy::Relay;
use std::{net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// Nothing in these tests takes longer.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// Who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Maya,
    Sam,
}

/// Maya makes the offers, Sam answers.
pub(crate) struct Duet {
    maya: MediaCall,
    sam: MediaCall,
    /// What was not waited for yet.
    seen: Vec<(Side, MediaEvent)>,
    relay: Option<Relay>,
    /// Offers and answers so far.
    descriptions: Vec<Description>,
    /// Whether a failed negotiation is part of the story.
    may_fail: bool,
}

/// What one of them said about a connection.
struct Description {
    side: Side,
    generation: u32,
    sdp: String,
}

impl Duet {
    /// Both on the loopback interface.
    pub(crate) fn open(maya: EngineConfig, sam: EngineConfig, send: MediaKinds) -> Self {
        let loopback: SocketAddr = ([127, 0, 0, 1], 0).into();
        let open = |config: EngineConfig| {
            let bind = Some(vec![loopback]);
            let setup = MediaSetup {
                call: CallId::new(),
                send,
                ice_servers: Vec::new(),
            };
            Engine::new(EngineConfig { bind, ..config })
                .open(setup)
                .unwrap()
        };
        Self {
            maya: open(maya),
            sam: open(sam),
            seen: Vec::new(),
            relay: None,
            descriptions: Vec::new(),
            may_fail: false,
        }
    }

    /// Lets a negotiation fail; else that ends the test.
    pub(crate) fn that_may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Puts a bad network between them. The one that was there before is cut; whoever spoke over it
    /// needs new candidates.
    pub(crate) async fn over(mut self, badness: Badness) -> Self {
        self.relay = Some(Relay::start(badness).await);
        self
    }

    /// Offers and waits until both are connected.
    pub(crate) async fn connect(&mut self) {
        self.offer(1, false, false).await;
        self.connected_again().await;
    }

    /// Makes Maya offer.
    pub(crate) async fn offer(&mut self, generation: u32, restart: bool, rebuild: bool) {
        self.tell(
            Side::Maya,
            MediaCommand::Offer {
                generation,
                restart,
                rebuild,
            },
        )
        .await;
    }

    /// Waits until both are connected.
    pub(crate) async fn connected_again(&mut self) {
        for side in [Side::Maya, Side::Sam] {
            self.wait_for(side, |event| *event == MediaEvent::Connected)
                .await;
        }
    }

    /// The name by which ICE tells this side's way of this generation from others (RFC 8839
    /// section 5.4), once it was told.
    pub(crate) fn ice_name(&self, side: Side, generation: u32) -> Option<&str> {
        self.descriptions
            .iter()
            .find(|said| said.side == side && said.generation == generation)?
            .sdp
            .lines()
            .find_map(|line| line.strip_prefix("a=ice-ufrag:"))
    }

    /// Waits until ten pictures more have reached both.
    pub(crate) async fn wait_for_more_pictures(&mut self) {
        for side in [Side::Maya, Side::Sam] {
            self.seen
                .retain(|(_, event)| !matches!(event, MediaEvent::Stats(_)));
            let mut first = None;
            self.wait_for(side, |event| match event {
                MediaEvent::Stats(stats) => {
                    let first = *first.get_or_insert(stats.video_frames_in);
                    stats.video_frames_in > first + 10
                }
                _ => false,
            })
            .await;
        }
    }

    /// Gives a command.
    pub(crate) async fn tell(&self, side: Side, command: MediaCommand) {
        let call = match side {
            Side::Maya => &self.maya,
            Side::Sam => &self.sam,
        };
        call.commands.send(command).await.unwrap();
    }

    /// Waits for an event, carrying signalling to and fro meanwhile.
    pub(crate) async fn wait_for(
        &mut self,
        side: Side,
        mut wanted: impl FnMut(&MediaEvent) -> bool,
    ) -> MediaEvent {
        let found = timeout(WAIT, async {
            loop {
                if let Some(at) = self
                    .seen
                    .iter()
                    .position(|(of, event)| *of == side && wanted(event))
                {
                    return self.seen.remove(at).1;
                }
                self.seen.retain(|(of, event)| {
                    *of != side || !matches!(event, MediaEvent::Levels(_) | MediaEvent::Stats(_))
                });
                self.step().await;
            }
        });
        match found.await {
            Ok(event) => event,
            Err(_) => panic!("{side:?} waited in vain"),
        }
    }

    async fn step(&mut self) {
        let (side, event) = tokio::select! {
            event = self.maya.events.recv() => (Side::Maya, event),
            event = self.sam.events.recv() => (Side::Sam, event),
        };
        let event = event.expect("the call goes on");
        let other = if side == Side::Maya {
            Side::Sam
        } else {
            Side::Maya
        };
        if let MediaEvent::LocalOffer { generation, sdp }
        | MediaEvent::LocalAnswer { generation, sdp } = &event
        {
            self.descriptions.push(Description {
                side,
                generation: *generation,
                sdp: sdp.clone(),
            });
        }
        match event {
            MediaEvent::Failed { generation, detail } if !self.may_fail => {
                panic!("{side:?} could not negotiate generation {generation}: {detail}");
            }
            MediaEvent::LocalOffer { generation, sdp } => {
                self.tell(other, MediaCommand::RemoteOffer { generation, sdp })
                    .await;
            }
            MediaEvent::LocalAnswer { generation, sdp } => {
                self.tell(other, MediaCommand::RemoteAnswer { generation, sdp })
                    .await;
            }
            MediaEvent::LocalCandidate {
                generation,
                mut candidate,
            } => {
                if let Some(relay) = &self.relay {
                    candidate.candidate = relay.disguise(side, &candidate.candidate);
                }
                let command = MediaCommand::RemoteCandidate {
                    generation,
                    candidate,
                };
                self.tell(other, command).await;
            }
            event => self.seen.push((side, event)),
        }
    }
}
