//! A robot and a headless Chromium call each other through the real server: Chromium's page is a
//! client of the protocol in plain JavaScript. What it gets is counted by its own `getStats`.
//!
//! The server is in production, where no page may talk to it that its operator has not listed.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
// What was measured is for whoever asks for it with `--nocapture`.
#![allow(clippy::print_stdout)]

use im_e2e::{
    browser::Browser,
    sound::{best_match_of, envelope, sentence},
};
use im_testkit::{
    RobotProcess, ServerProcess,
    server::{PASSWORD, email},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// Nothing that a test waits for takes longer.
const WAIT: Duration = Duration::from_secs(60);

/// One of the two sits before the browser, the other is a robot.
struct School {
    // Gone first, so that it is out of the folder before that goes.
    browser: Browser,
    robot: RobotProcess,
    server: ServerProcess,
    folder: TempDir,
}

impl School {
    async fn open(robot: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        sentence(&path("said-by-browser.wav"), 1).unwrap();
        sentence(&path("said-by-robot.wav"), 2).unwrap();
        let microphone = path("said-by-browser.wav");
        let browser = Browser::start(&path("browser"), &microphone).await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_soak-server"));
        let mut server = ServerProcess::of(program, &path("server"))
            .with("IM_PRODUCTION", "1")
            .with("IM_TOKEN_SECRET", "eleven purple mentors ride a tandem")
            .with("IM_ORIGINS", &browser.origins()[0]);
        server.start().await.unwrap();
        server.mentor("Maya").await.unwrap();
        server.student("Sam").await.unwrap();
        server.course("Algebra", "Maya", "Sam").await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_soak-robot"));
        let data = path("robot");
        let robot = RobotProcess::of(program, server.url(), &email(robot), PASSWORD, &data);
        Self {
            browser,
            robot,
            server,
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody signs in at the browser; gives who, by `connection:ready`.
    async fn sign_in(&mut self, name: &str) -> Value {
        let origin = self.browser.origins()[0].clone();
        let (url, email) = (self.server.url().to_owned(), email(name));
        let asked = self.browser.sign_in(&origin, &url, &email, PASSWORD);
        asked.await.unwrap();
        let online = self.browser.until(WAIT, is("online")).await.unwrap();
        assert_eq!(online["protocol"], 1);
        assert_eq!(online["me"]["name"], name);
        let synced = self.browser.until(WAIT, is("synced")).await.unwrap();
        assert_eq!(synced["mode"], "snapshot");
        online["me"].clone()
    }

    /// The robot calls or answers, with a voice and a picture, and keeps what it hears.
    fn robot_starts(&mut self, doing: &[&str]) {
        let (say, hear) = (self.file("said-by-robot.wav"), self.file("heard.wav"));
        let mut arguments = doing.to_vec();
        arguments.extend(["--video", "--show", "pattern", "--size", "640x360"]);
        arguments.extend(["--speak", say.to_str().unwrap()]);
        arguments.extend(["--record", hear.to_str().unwrap()]);
        self.robot.start(&arguments).unwrap();
    }

    /// Lets them talk until the browser has had three seconds of pictures and some sound, and then
    /// some seconds more of both; with its camera on, until the robot has told of what it got too.
    async fn talk(&mut self, camera: bool) -> Value {
        let enough = |said: &Value| {
            is("statistics")(said)
                && of(said, "inbound", "video", "framesDecoded") > 90.0
                && of(said, "inbound", "audio", "totalAudioEnergy") > 0.001
                && (!camera || of(said, "remote", "video", "roundTripTime") > 0.0)
        };
        let first = self.browser.until(WAIT, enough).await.unwrap();
        let more = |name: &str, kind: &str, by: f64| {
            let (name, kind) = (name.to_owned(), kind.to_owned());
            let before = of(&first, "inbound", &kind, &name);
            move |said: &Value| of(said, "inbound", &kind, &name) > before + by
        };
        let pictures = more("framesDecoded", "video", 60.0);
        let packets = more("packetsReceived", "audio", 200.0);
        let energy = more("totalAudioEnergy", "audio", 0.0);
        let grown = |said: &Value| {
            is("statistics")(said) && pictures(said) && packets(said) && energy(said)
        };
        self.browser.until(WAIT, grown).await.unwrap()
    }

    /// The call has ended, as both sides see it. Gives what the browser was told.
    async fn over(&mut self) -> Value {
        let over = self.browser.until(WAIT, state("over")).await.unwrap();
        assert_eq!(over["call"]["outcome"], "ended");
        let told = self.robot.until(WAIT, phase("over")).await.unwrap();
        assert_eq!(told["outcome"], "ended");
        over
    }

    /// The record of the call is in the conversation, and it is told once. Gives its id.
    async fn assert_record(&mut self, call: &Value, caller: &Value) -> Value {
        let ask = json!({ "call": call["id"] });
        self.browser.tell("record", ask).await.unwrap();
        let told = self.browser.until(WAIT, is("record")).await.unwrap();
        let record = &told["message"];
        assert_eq!(record["author"], caller["id"]);
        assert_eq!(told["unread"], 0, "both took part");
        let content = &record["content"];
        assert_eq!(content["type"], "call");
        assert_eq!(content["call"], call["id"]);
        assert_eq!(content["outcome"], "ended");
        assert_eq!(content["media"], json!({ "audio": true, "video": true }));
        assert_eq!(content["duration_ms"], call["connected_ms"]);
        let ask = json!({ "conversation": call["conversation"] });
        self.browser.tell("history", ask).await.unwrap();
        let history = self.browser.until(WAIT, is("history")).await.unwrap();
        assert_eq!(history["messages"], json!([record]));
        record["id"].clone()
    }

    /// What the robot heard and saw was the browser's.
    async fn assert_robots_summary(&mut self) {
        let summary = self.robot.until(WAIT, is("summary")).await.unwrap();
        println!("the robot: {summary}");
        assert!(
            summary["seen"]["pictures"].as_u64().unwrap() > 50,
            "{summary}"
        );
        assert!(summary["seen"]["sizes"]["640x360"].is_u64(), "{summary}");
        assert!(
            summary["heard"]["loud_seconds"].as_f64().unwrap() > 1.0,
            "{summary}"
        );
        let heard = envelope(&self.file("heard.wav")).unwrap();
        let [same, other] = ["said-by-browser.wav", "said-by-robot.wav"]
            .map(|name| best_match_of(&heard, &envelope(&self.file(name)).unwrap(), 300));
        println!("the robot heard: match {same}, with its own {other}");
        assert!(same > other + 0.1, "match {same}, with its own {other}");
    }
}

fn is(event: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == event
}

fn phase(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == "call" && said["phase"] == phase
}

fn state(state: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == "call" && said["call"]["state"] == state
}

/// A number of `getStats`; 0 where it is not there yet.
fn of(statistics: &Value, way: &str, kind: &str, name: &str) -> f64 {
    statistics[way][kind][name].as_f64().unwrap_or_default()
}

/// What is printed of `getStats`.
const FIGURES: [(&str, &[&str]); 2] = [
    (
        "audio",
        &[
            "packetsReceived",
            "packetsLost",
            "totalAudioEnergy",
            "totalSamplesReceived",
            "concealedSamples",
            "silentConcealedSamples",
        ],
    ),
    (
        "video",
        &[
            "packetsReceived",
            "packetsLost",
            "framesReceived",
            "framesDecoded",
            "framesDropped",
            "keyFramesDecoded",
            "frameWidth",
            "frameHeight",
            "framesPerSecond",
        ],
    ),
];

/// Chromium has had the robot's sound and picture whole.
fn assert_good(statistics: &Value) {
    for (kind, names) in FIGURES {
        let figure = |name: &&str| format!("{name} {}", of(statistics, "inbound", kind, name));
        let figures: Vec<String> = names.iter().map(figure).collect();
        println!("Chromium, {kind}: {}", figures.join(", "));
    }
    let audio = |name| of(statistics, "inbound", "audio", name);
    let video = |name| of(statistics, "inbound", "video", name);
    assert_eq!(video("frameWidth"), 640.0);
    assert_eq!(video("frameHeight"), 360.0);
    assert!(video("keyFramesDecoded") >= 1.0);
    assert_eq!(video("packetsLost"), 0.0);
    assert_eq!(audio("packetsLost"), 0.0);
    // Concealed is what was not there in time; with nothing lost, what a busy machine was late with.
    let concealed = audio("concealedSamples") - audio("silentConcealedSamples");
    let share = concealed / audio("totalSamplesReceived");
    assert!(share < 0.3, "a share of {share} is concealed");
}

#[tokio::test]
async fn sam_calls_from_a_browser_and_maya_offers() {
    let mut school = School::open("Maya").await;
    let me = school.sign_in("Sam").await;
    school.robot_starts(&["answer"]);
    school.robot.until(WAIT, is("ready")).await.unwrap();

    let call = json!({ "to": "Maya", "about": "Problem 7", "video": true });
    school.browser.tell("call", call).await.unwrap();
    let ring = school.robot.until(WAIT, is("ring")).await.unwrap();
    assert_eq!(ring["caller"], "Sam");
    assert_eq!(ring["about"], "Problem 7");
    assert_eq!(ring["video"], true);
    let accepted = school.browser.until(WAIT, state("accepted")).await.unwrap();
    let call = &accepted["call"];
    assert_eq!(call["caller"], me["id"]);
    assert_eq!(call["offerer"], call["callee"], "the mentor offers");
    school.robot.until(WAIT, phase("connected")).await.unwrap();
    school
        .browser
        .until(WAIT, state("connected"))
        .await
        .unwrap();

    assert_good(&school.talk(true).await);
    let hang_up = json!({ "call": ring["call"] });
    school.browser.tell("hang_up", hang_up).await.unwrap();
    let over = school.over().await;

    school.assert_robots_summary().await;
    let record = school.assert_record(&over["call"], &me).await;
    // Maya's side has it too.
    let receive = ["recv", "--from", "Sam", "--until", "1"];
    school.robot.start(&receive).unwrap();
    let received = school.robot.until(WAIT, is("received")).await.unwrap();
    assert_eq!(received["id"], record);
    school.browser.stop().await.unwrap();
}

#[tokio::test]
async fn maya_takes_sams_call_in_a_browser_and_offers() {
    let mut school = School::open("Sam").await;
    let me = school.sign_in("Maya").await;
    school.robot_starts(&["call", "--to", "Maya", "--about", "Problem 7"]);

    let ring = school.browser.until(WAIT, is("ring")).await.unwrap();
    assert_eq!(ring["call"]["about"], "Problem 7");
    // The caller sees that the ring is before Maya's eyes.
    school.robot.until(WAIT, phase("ringing")).await.unwrap();
    let accept = json!({ "call": ring["call"]["id"], "video": true });
    school.browser.tell("accept", accept).await.unwrap();
    let accepted = school.browser.until(WAIT, state("accepted")).await.unwrap();
    let call = &accepted["call"];
    assert_eq!(call["callee"], me["id"]);
    assert_eq!(call["offerer"], me["id"], "the mentor offers");
    school
        .browser
        .until(WAIT, state("connected"))
        .await
        .unwrap();
    school.robot.until(WAIT, phase("connected")).await.unwrap();

    assert_good(&school.talk(true).await);
    let hang_up = json!({ "call": call["id"] });
    school.browser.tell("hang_up", hang_up).await.unwrap();
    let over = school.over().await;

    school.assert_robots_summary().await;
    let caller = json!({ "id": over["call"]["caller"] });
    school.assert_record(&over["call"], &caller).await;

    // Sam calls again, and this time he hangs up.
    school.robot_starts(&["call", "--to", "Maya", "--for", "1"]);
    let ring = school.browser.until(WAIT, is("ring")).await.unwrap();
    let accept = json!({ "call": ring["call"]["id"], "video": true });
    school.browser.tell("accept", accept).await.unwrap();
    school.over().await;
    school.browser.stop().await.unwrap();
}

/// Somebody at the browser calls without a picture and turns the camera on later.
async fn turn_the_camera_on_later(caller: &str, callee: &str) {
    let mut school = School::open(callee).await;
    school.sign_in(caller).await;
    school.robot_starts(&["answer"]);
    school.robot.until(WAIT, is("ready")).await.unwrap();
    let call = json!({ "to": callee, "about": "", "video": false });
    school.browser.tell("call", call).await.unwrap();
    let ring = school.robot.until(WAIT, is("ring")).await.unwrap();
    assert_eq!(ring["video"], false);
    let connected = school.robot.until(WAIT, phase("connected")).await.unwrap();
    assert_eq!(connected["remote_size"], Value::Null);
    // The robot's pictures come all the same.
    assert_good(&school.talk(false).await);

    let camera = json!({ "call": ring["call"] });
    school.browser.tell("camera", camera.clone()).await.unwrap();
    let seen = |said: &Value| is("call")(said) && said["remote_size"]["width"] == 640;
    school.robot.until(WAIT, seen).await.unwrap();
    let statistics = school.talk(true).await;
    assert_eq!(statistics["generation"], 1, "nothing was negotiated");
    school.browser.tell("hang_up", camera).await.unwrap();
    let over = school.robot.until(WAIT, phase("over")).await.unwrap();
    assert_eq!(over["outcome"], "ended");
    school.browser.stop().await.unwrap();
}

#[tokio::test]
async fn maya_offers_without_a_camera_and_turns_it_on() {
    turn_the_camera_on_later("Maya", "Sam").await;
}

#[tokio::test]
async fn sam_answers_mayas_offer_without_a_camera_and_turns_it_on() {
    turn_the_camera_on_later("Sam", "Maya").await;
}

#[tokio::test]
async fn a_page_that_the_operator_has_not_listed_gets_nothing() {
    let mut school = School::open("Maya").await;
    let unlisted = school.browser.origins()[1].clone();
    let (url, sam) = (school.server.url().to_owned(), email("Sam"));
    let asked = school.browser.sign_in(&unlisted, &url, &sam, PASSWORD);
    asked.await.unwrap();
    let signed_in = school.browser.until(WAIT, is("signed_in")).await;
    let failed = signed_in.unwrap_err().to_string();
    assert!(failed.contains("Failed to fetch"), "{failed}");
    school.browser.stop().await.unwrap();
}
