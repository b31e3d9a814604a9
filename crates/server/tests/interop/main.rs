//! The server with the official clients: Node's `socket.io-client` and Python's `python-socketio`.

#![cfg(test)]

#[path = "../scenarios/school.rs"]
#[expect(dead_code, reason = "shared with the scenarios, which use the rest")]
mod school;

use im_protocol::{MessageId, command::Done};
use school::School;
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdout, Command},
    time::timeout,
};

/// How long a whole conversation may take.
const DEADLINE: Duration = Duration::from_secs(90);

fn tests() -> PathBuf {
    PathBuf::from("tests")
}

/// Installs Node's packages where they are not there yet.
fn node_packages() {
    let folder = tests().join("node");
    // Two tests at once would spoil each other's work.
    let lock = File::open(folder.join("package.json")).unwrap();
    lock.lock().unwrap();
    if folder.join("node_modules/socket.io-client").is_dir() {
        return;
    }
    let npm = std::process::Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status();
    assert!(npm.unwrap().success(), "npm ci failed");
}

/// A Python with the packages of the tests: `IM_PYTHON`, or the one that `scripts/setup` makes.
fn python() -> PathBuf {
    let python = std::env::var_os("IM_PYTHON")
        .map_or_else(|| cache().join("venv/bin/python"), PathBuf::from);
    let asked = std::process::Command::new(&python)
        .args(["-c", "import socketio, requests, websocket"])
        .stderr(Stdio::null())
        .status();
    assert!(
        asked.is_ok_and(|status| status.success()),
        "{python:?} is not there or lacks packages: run `make setup`, or say in IM_PYTHON which one to take"
    );
    python
}

/// Where `scripts/setup` keeps what it makes.
fn cache() -> PathBuf {
    std::env::var_os("INSTANTMENTOR_CACHE").map_or_else(
        || std::env::home_dir().unwrap().join(".cache/instantmentor"),
        PathBuf::from,
    )
}

/// Lets a client talk, and does what it asks for between.
async fn converse(program: &Path, script: PathBuf) {
    let mut school = School::open().await;
    let (_, sam, _) = school.maya_and_sam().await;
    let ended = school.sign_in("Sam", im_protocol::DeviceId::new()).await;
    let done = school.post::<Done>("/v1/auth/sign-out", Some(ended.token()), &());
    done.await.unwrap();
    let given = serde_json::json!({
        "url": school.url(""),
        "auth": sam.auth(),
        "ended": ended.token(),
        "ids": [MessageId::new(), MessageId::new(), MessageId::new()],
    });
    let mut child = Command::new(program)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{given}\n").as_bytes())
        .await
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let talk = async {
        expect(&mut lines, "restart").await;
        school.restart().await;
        expect(&mut lines, "sign out").await;
        let done = school.post::<Done>("/v1/auth/sign-out", Some(sam.token()), &());
        done.await.unwrap();
        expect(&mut lines, "ok").await;
        assert!(child.wait().await.unwrap().success());
    };
    timeout(DEADLINE, talk).await.expect("the client hangs");
}

async fn expect(lines: &mut Lines<BufReader<ChildStdout>>, wanted: &str) {
    let line = lines.next_line().await.unwrap();
    assert_eq!(
        line.as_deref(),
        Some(wanted),
        "see the client's message above"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn node_s_official_client_gets_along() {
    node_packages();
    converse(Path::new("node"), tests().join("node/client.js")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_s_client_gets_along() {
    converse(&python(), tests().join("python/client.py")).await;
}
