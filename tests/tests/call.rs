//! Maya the mentor and Sam the student as two robots: they call each other through the real server,
//! with real sound and pictures over loopback.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use im_e2e::sound::{best_match_of, envelope, sentence};
use im_testkit::{
    RobotProcess, ServerProcess,
    server::{PASSWORD, email},
};
use serde_json::Value;
use std::{path::Path, time::Duration};
use tempfile::TempDir;

/// Nothing that a test waits for takes longer.
const WAIT: Duration = Duration::from_secs(60);

struct School {
    _server: ServerProcess,
    maya: RobotProcess,
    sam: RobotProcess,
    folder: TempDir,
}

impl School {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_soak-server"));
        let mut server = ServerProcess::of(program, &folder.path().join("server"));
        server.start().await.unwrap();
        server.mentor("Maya").await.unwrap();
        server.student("Sam").await.unwrap();
        server.course("Algebra", "Maya", "Sam").await.unwrap();
        let robot = |name: &str| {
            let program = Path::new(env!("CARGO_BIN_EXE_soak-robot"));
            let data = folder.path().join(name);
            RobotProcess::of(program, server.url(), &email(name), PASSWORD, &data)
        };
        let (maya, sam) = (robot("Maya"), robot("Sam"));
        Self {
            _server: server,
            maya,
            sam,
            folder,
        }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file with something like speech.
    fn sentence(&self, name: &str, seed: u64) -> String {
        let file = self.file(name);
        sentence(Path::new(&file), seed).unwrap();
        file
    }
}

fn is(event: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == event
}

fn phase(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |said| said["event"] == "call" && said["phase"] == phase
}

#[tokio::test]
async fn maya_and_sam_hear_and_see_each_other() {
    let mut school = School::open().await;
    let sentences = [
        school.sentence("maya.wav", 1),
        school.sentence("sam.wav", 2),
    ];
    let heard = [school.file("by-maya.wav"), school.file("by-sam.wav")];
    let picture = ["--video", "--show", "pattern", "--size", "640x360"];

    let mut answering = vec!["answer", "--speak", &sentences[0], "--record", &heard[0]];
    answering.extend(picture);
    school.maya.start(&answering).unwrap();
    school.maya.until(WAIT, is("ready")).await.unwrap();

    let mut calling = vec!["call", "--to", "Maya", "--about", "Problem 7", "--for", "9"];
    calling.extend(["--speak", &sentences[1], "--record", &heard[1]]);
    calling.extend(picture);
    school.sam.start(&calling).unwrap();

    let ring = school.maya.until(WAIT, is("ring")).await.unwrap();
    assert_eq!(
        (&ring["caller"], &ring["about"]),
        (&"Sam".into(), &"Problem 7".into())
    );
    assert_eq!(ring["video"], true);
    school.maya.until(WAIT, phase("connected")).await.unwrap();
    school.sam.until(WAIT, phase("connected")).await.unwrap();
    let over = school.sam.until(WAIT, phase("over")).await.unwrap();
    assert_eq!(over["outcome"], "ended");
    let over = school.maya.until(WAIT, phase("over")).await.unwrap();
    assert_eq!(over["outcome"], "ended");

    for robot in [&mut school.maya, &mut school.sam] {
        let summary = robot.until(WAIT, is("summary")).await.unwrap();
        let seen = &summary["seen"];
        let pictures = seen["pictures"].as_u64().unwrap();
        assert!(pictures > 50, "{summary}");
        assert_eq!(
            seen["numbered"], pictures,
            "each picture carries its number: {summary}"
        );
        assert_eq!(seen["backwards"], 0, "{summary}");
        assert!(seen["sizes"]["640x360"].is_u64(), "{summary}");
        assert!(
            summary["heard"]["loud_seconds"].as_f64().unwrap() > 2.0,
            "{summary}"
        );
    }
    for (side, other) in [(0, 1), (1, 0)] {
        let heard = envelope(Path::new(&heard[side])).unwrap();
        let said = sentences
            .each_ref()
            .map(|file| envelope(Path::new(file)).unwrap());
        let same = best_match_of(&heard, &said[other], 400);
        let different = best_match_of(&heard, &said[side], 400);
        assert!(
            same > 0.8 && different < 0.6,
            "match {same}, with the other {different}"
        );
    }
}

#[tokio::test]
async fn sam_is_told_why_maya_declines() {
    let mut school = School::open().await;
    school
        .maya
        .start(&["answer", "--reject", "back_soon"])
        .unwrap();
    school.maya.until(WAIT, is("ready")).await.unwrap();
    school.sam.start(&["call", "--to", "Maya"]).unwrap();
    let over = school.sam.until(WAIT, phase("over")).await.unwrap();
    assert_eq!(
        (&over["outcome"], &over["reason"]),
        (&"rejected".into(), &"back_soon".into())
    );
    let ended = school.maya.until(WAIT, is("ring_ended")).await.unwrap();
    assert_eq!(ended["end"], "declined");
}

#[tokio::test]
async fn sam_gives_up_and_mayas_ring_ends() {
    let mut school = School::open().await;
    school.maya.start(&["answer", "--ignore"]).unwrap();
    school.maya.until(WAIT, is("ready")).await.unwrap();
    school
        .sam
        .start(&["call", "--to", "Maya", "--give-up", "1"])
        .unwrap();
    let ended = school.maya.until(WAIT, is("ring_ended")).await.unwrap();
    assert_eq!(ended["end"], "caller_gave_up");
    let over = school.sam.until(WAIT, phase("over")).await.unwrap();
    assert_eq!(over["outcome"], "canceled");
}
