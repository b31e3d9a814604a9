//! One end of a simulated connection.

use crate::media::{IceCandidate, MediaCommand, MediaEvent, PathProblem};
use im_protocol::call::MediaKinds;

/// What has passed of a generation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Passed {
    generation: u32,
    local: bool,
    remote: bool,
    candidate: bool,
}

/// One end: commands in, events out, nothing else.
#[derive(Debug)]
pub struct Peer {
    send: MediaKinds,
    passed: Passed,
    remote_video: bool,
    up: bool,
    was_up: bool,
    failures: u32,
    failure: PathProblem,
}

impl Peer {
    /// One that sends this.
    #[must_use]
    pub fn new(send: MediaKinds) -> Self {
        Self {
            send,
            passed: Passed::default(),
            remote_video: false,
            up: false,
            was_up: false,
            failures: 0,
            failure: PathProblem::Broken,
        }
    }

    /// Lets the next attempts to connect fail like this.
    pub fn fail_attempts(&mut self, attempts: u32, problem: PathProblem) {
        self.failures = attempts;
        self.failure = problem;
    }

    /// Whether the way is open.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Loses the way: another generation is needed.
    pub fn lose(&mut self, problem: PathProblem) -> Vec<MediaEvent> {
        self.up = false;
        let generation = self.passed.generation;
        self.passed = Passed {
            generation,
            ..Passed::default()
        };
        vec![MediaEvent::Disconnected(problem)]
    }

    /// Carries out a command.
    pub fn command(&mut self, command: MediaCommand) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        match command {
            MediaCommand::Offer { generation, .. } => {
                self.begin(generation);
                let sdp = self.describe("offer");
                self.local(MediaEvent::LocalOffer { generation, sdp }, &mut events);
            }
            MediaCommand::RemoteOffer { generation, sdp } => {
                self.begin(generation);
                if self.read("offer", generation, &sdp, &mut events) {
                    let sdp = self.describe("answer");
                    self.local(MediaEvent::LocalAnswer { generation, sdp }, &mut events);
                }
            }
            MediaCommand::RemoteAnswer { generation, sdp } => {
                if generation == self.passed.generation {
                    self.read("answer", generation, &sdp, &mut events);
                }
            }
            MediaCommand::RemoteCandidate {
                generation,
                candidate,
            } => {
                if generation == self.passed.generation && !candidate.candidate.is_empty() {
                    self.passed.candidate = true;
                }
            }
            MediaCommand::Microphone(on) => self.send.audio = on,
            MediaCommand::Camera(on) => self.send.video = on,
        }
        self.try_to_connect(&mut events);
        events
    }

    fn begin(&mut self, generation: u32) {
        self.passed = Passed {
            generation,
            ..Passed::default()
        };
    }

    fn describe(&self, kind: &str) -> String {
        let video = if self.send.video { "video" } else { "no-video" };
        format!("simulated {kind} {} {video}", self.passed.generation)
    }

    fn read(
        &mut self,
        kind: &str,
        generation: u32,
        sdp: &str,
        events: &mut Vec<MediaEvent>,
    ) -> bool {
        let good = format!("simulated {kind} {generation} ");
        match sdp.strip_prefix(&good) {
            Some(rest) => {
                self.passed.remote = true;
                self.remote_video = rest == "video";
                true
            }
            None => {
                events.push(MediaEvent::Failed {
                    generation,
                    detail: "not a description of the simulated twin".into(),
                });
                false
            }
        }
    }

    fn local(&mut self, description: MediaEvent, events: &mut Vec<MediaEvent>) {
        self.passed.local = true;
        events.push(description);
        let generation = self.passed.generation;
        for line in ["candidate:simulated", ""] {
            events.push(MediaEvent::LocalCandidate {
                generation,
                candidate: IceCandidate {
                    candidate: line.into(),
                    sdp_mid: Some("0".into()),
                    sdp_m_line_index: Some(0),
                },
            });
        }
    }

    fn try_to_connect(&mut self, events: &mut Vec<MediaEvent>) {
        let Passed {
            local,
            remote,
            candidate,
            ..
        } = self.passed;
        if self.up || !(local && remote && candidate) {
            return;
        }
        if self.failures > 0 {
            self.failures -= 1;
            let failure = self.failure;
            events.extend(self.lose(failure));
            return;
        }
        self.up = true;
        events.push(MediaEvent::Connected);
        if !std::mem::replace(&mut self.was_up, true) {
            events.push(MediaEvent::FirstSound);
            if self.remote_video {
                events.push(MediaEvent::Picture {
                    width: 640,
                    height: 360,
                });
            }
        }
    }
}
