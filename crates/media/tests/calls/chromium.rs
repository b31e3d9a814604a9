//! Maya's engine calls Sam, who sits before a headless Chromium, and he calls her. What each of them
//! gets is counted by Chromium's own `getStats`.

use im_call::media::{
    IceCandidate, MediaCall, MediaCommand, MediaEngine, MediaEvent, MediaSetup, MediaStats,
};
use im_media::{
    Engine, EngineConfig,
    audio::input::AudioInput,
    video::{input::VideoInput, picture::Picture},
};
use im_protocol::{CallId, call::MediaKinds};
use serde_json::{Value, json};
use std::{process::Stdio, sync::mpsc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{interval, timeout},
};

/// A browser takes its time to start where others work too.
const WAIT: Duration = Duration::from_secs(60);

struct Browser {
    // Killed with this.
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    async fn start() -> Self {
        let mut process = Command::new("node")
            .arg("browser.mjs")
            .current_dir("tests/node")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut browser = Self {
            _process: process,
            input,
            output,
        };
        let ready = timeout(WAIT, browser.says()).await.expect("a browser");
        assert_eq!(ready["ready"], true);
        browser
    }

    async fn tell(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    async fn says(&mut self) -> Value {
        let line = self.output.next_line().await.unwrap();
        serde_json::from_str(&line.expect("the browser goes on")).unwrap()
    }
}

/// Maya's end.
struct Maya {
    call: MediaCall,
    eye: mpsc::Receiver<Picture>,
    generation: u32,
    heard: bool,
    louder: f32,
    size: Option<(u32, u32)>,
    stats: MediaStats,
}

impl Maya {
    fn open() -> Self {
        let (viewer, eye) = mpsc::sync_channel(2_000);
        let config = EngineConfig {
            audio_input: AudioInput::Tone { hertz: 440.0 },
            video_input: VideoInput::Pattern {
                width: 640,
                height: 360,
                frames_per_second: 30,
            },
            viewer: Some(viewer),
            ..EngineConfig::headless()
        };
        let setup = MediaSetup {
            call: CallId::new(),
            send: MediaKinds::VIDEO,
            ice_servers: Vec::new(),
        };
        Self {
            call: Engine::new(config).open(setup).unwrap(),
            eye,
            generation: 1,
            heard: false,
            louder: 0.0,
            size: None,
            stats: MediaStats::default(),
        }
    }

    async fn command(&self, command: MediaCommand) {
        self.call.commands.send(command).await.unwrap();
    }

    /// Takes an event in, or hands it on to the browser.
    async fn event(&mut self, event: MediaEvent, browser: &mut Browser) {
        match event {
            MediaEvent::LocalOffer { sdp, .. } => browser.tell(json!({ "offer": sdp })).await,
            MediaEvent::LocalAnswer { sdp, .. } => browser.tell(json!({ "answer": sdp })).await,
            MediaEvent::LocalCandidate { candidate, .. } => {
                let candidate = json!({ "candidate": {
                    "candidate": candidate.candidate,
                    "sdpMid": candidate.sdp_mid,
                    "sdpMLineIndex": candidate.sdp_m_line_index,
                }});
                browser.tell(candidate).await;
            }
            MediaEvent::FirstSound => self.heard = true,
            MediaEvent::Levels(levels) => self.louder = self.louder.max(levels.remote),
            MediaEvent::Picture { width, height } => self.size = Some((width, height)),
            MediaEvent::Stats(stats) => self.stats = stats,
            MediaEvent::Failed { detail, .. } => panic!("{detail}"),
            _ => {}
        }
    }

    /// Takes in what the browser says; gives its statistics.
    async fn hears(&self, said: Value) -> Option<Value> {
        let generation = self.generation;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(sdp) = text(&said["offer"]) {
            self.command(MediaCommand::RemoteOffer { generation, sdp })
                .await;
        } else if let Some(sdp) = text(&said["answer"]) {
            self.command(MediaCommand::RemoteAnswer { generation, sdp })
                .await;
        } else if let Some(candidate) = said.get("candidate") {
            let candidate = IceCandidate {
                candidate: text(&candidate["candidate"]).unwrap(),
                sdp_mid: text(&candidate["sdpMid"]),
                sdp_m_line_index: candidate["sdpMLineIndex"]
                    .as_u64()
                    .map(|index| index as u16),
            };
            self.command(MediaCommand::RemoteCandidate {
                generation,
                candidate,
            })
            .await;
        }
        said.get("stats").cloned()
    }
}

/// Lets them talk until both have had enough sound and picture of each other.
async fn talk(maya: &mut Maya, browser: &mut Browser) -> Value {
    let mut asking = interval(Duration::from_millis(500));
    let enough = async {
        loop {
            tokio::select! {
                event = maya.call.events.recv() => {
                    maya.event(event.expect("the call goes on"), browser).await;
                }
                said = browser.says() => {
                    if let Some(stats) = maya.hears(said).await
                        && enough(maya, &stats)
                    {
                        return stats;
                    }
                }
                _ = asking.tick() => browser.tell(json!({ "stats": true })).await,
            }
        }
    };
    timeout(WAIT, enough)
        .await
        .expect("sound and picture both ways")
}

fn number(stats: &Value, way: &str, kind: &str, name: &str) -> f64 {
    stats[way][kind][name].as_f64().unwrap_or_default()
}

fn enough(maya: &Maya, stats: &Value) -> bool {
    number(stats, "inbound", "video", "framesDecoded") > 90.0
        && number(stats, "inbound", "audio", "totalAudioEnergy") > 0.01
        && maya.stats.video_frames_in > 90
        && maya.heard
        && maya.louder > 0.01
        && maya.stats.round_trip_ms.is_some()
        && number(stats, "remote", "video", "roundTripTime") > 0.0
}

fn assert_good(maya: &Maya, stats: &Value) {
    assert_eq!(number(stats, "inbound", "video", "frameWidth"), 640.0);
    assert_eq!(number(stats, "inbound", "video", "frameHeight"), 360.0);
    assert!(number(stats, "inbound", "video", "keyFramesDecoded") >= 1.0);
    assert_eq!(number(stats, "inbound", "video", "packetsLost"), 0.0);
    assert_eq!(number(stats, "inbound", "audio", "packetsLost"), 0.0);
    assert_eq!(maya.stats.audio_packets_lost, 0);
    assert!(maya.size.is_some());
    // Every picture that came whole was decoded, natively too.
    let decoded = maya.eye.try_iter().count() as u64;
    assert!(decoded >= 90, "{decoded} of {}", maya.stats.video_frames_in);
}

#[tokio::test(flavor = "multi_thread")]
async fn maya_offers_and_the_browser_answers() {
    let mut browser = Browser::start().await;
    let mut maya = Maya::open();
    maya.command(MediaCommand::Offer {
        generation: 1,
        restart: false,
        rebuild: false,
    })
    .await;
    let stats = talk(&mut maya, &mut browser).await;
    assert_good(&maya, &stats);
    // Turning the camera off and on again needs no negotiation.
    maya.command(MediaCommand::Camera(false)).await;
    maya.command(MediaCommand::Camera(true)).await;
    let frames = number(&stats, "inbound", "video", "framesDecoded");
    let pictures = async {
        loop {
            let stats = talk(&mut maya, &mut browser).await;
            if number(&stats, "inbound", "video", "framesDecoded") > frames + 30.0 {
                return;
            }
        }
    };
    timeout(WAIT, pictures).await.expect("pictures again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_offers_and_maya_answers() {
    let mut browser = Browser::start().await;
    let mut maya = Maya::open();
    browser.tell(json!({ "make": "offer" })).await;
    let stats = talk(&mut maya, &mut browser).await;
    assert_good(&maya, &stats);
}
