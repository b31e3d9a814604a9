//! Stopping, starting again, the command line.

use crate::school::{PASSWORD, SOON, School, email_of, http};
use im_protocol::{
    ErrorCode,
    handshake::ConnectionClosing,
    people::Role,
    rest::{SignIn, SignedIn},
};
use im_server::{
    Server, StartError,
    store::{Store, conversation, message, person},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_instantmentor-server");

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_the_connections_and_is_quick() {
    let mut school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let mut device = school.connect(&sam).await;
    device
        .send(conversation, &["before the stop"])
        .await
        .unwrap();
    let running = school.running.take().unwrap();
    let stopping = tokio::spawn(running.shutdown());
    let closing: ConnectionClosing = device.hear().await;
    assert_eq!(closing.error.code, ErrorCode::Unavailable);
    assert!(closing.error.retryable);
    device.gone().await;
    let ended = timeout(Duration::from_secs(5), stopping).await;
    ended.expect("it promises five seconds").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_do_not_share_a_folder() {
    let school = School::open().await;
    let mut config = school.config.clone();
    config.listen.set_port(0);
    let second = Server::start(config).await;
    assert!(matches!(second, Err(StartError::Busy(_))));
}

/// The database as one of another version would have it.
async fn of_another_version(school: &School) {
    let store = Store::open(&school.config.data).await.unwrap();
    let mut writing = store.writing().await.unwrap();
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 1")
        .execute(&mut writing)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_beside_a_running_server_says_so_and_leaves_the_database_alone() {
    let school = School::open().await;
    of_another_version(&school).await;
    let mut config = school.config.clone();
    config.listen.set_port(0);
    let second = Server::start(config).await;
    assert!(matches!(second, Err(StartError::Busy(_))));
    let mut invite = program(&school.config.data);
    invite.args(["admin", "invite", "--email", "a@b.example"]);
    invite.args(["--role", "mentor"]);
    let (ok, text) = output(invite);
    assert!(!ok && text.contains("stop it first"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_port_is_taken_leaves_nothing_running() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = im_server::Config::new(folder.path());
    config.listen = taken.local_addr().unwrap();
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let refused = Server::start(config).await;
    assert!(matches!(refused, Err(StartError::Listen { .. })));
    let over = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, over).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_a_restart() {
    let mut school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    school.restart().await;
    school.connect(&sam).await.sync(None).await;
}

/// The program with a folder, and nothing of this process's environment that could meddle.
pub(crate) fn program(folder: &std::path::Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("IM_")) {
        command.env_remove(name);
    }
    command.env("IM_DATA", folder).env("IM_PORT", "0");
    command.env("IM_LOG", "warn");
    command
}

fn output(mut command: Command) -> (bool, String) {
    let output = command.output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works_beside_a_running_server() {
    let school = School::open().await;
    let folder = &school.config.data;
    let mut create = program(folder);
    create.args(["admin", "create-admin", "--password-stdin"]);
    create.args(["--email", &email_of("Ada"), "--name", "Ada"]);
    create.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = create.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PASSWORD}").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let ada = school.sign_in("Ada", im_protocol::DeviceId::new()).await;
    assert_eq!(ada.signed_in.me.person.role, Role::Admin);

    let mut demo = program(folder);
    demo.args(["admin", "demo"]);
    let (ok, text) = output(demo);
    assert!(ok, "{text}");
    let line = text.lines().find(|line| line.contains("Maya")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    let [.., email, password] = words.as_slice() else {
        panic!("{line}");
    };
    let asked = SignIn {
        email: (*email).into(),
        password: (*password).into(),
        device: im_protocol::rest::Device {
            id: im_protocol::DeviceId::new(),
            name: "Desk".into(),
        },
    };
    let maya: SignedIn = school.post("/v1/auth/sign-in", None, &asked).await.unwrap();
    assert_eq!(maya.me.person.role, Role::Mentor);

    let mut wrong = program(folder);
    wrong.args([
        "admin",
        "enrol",
        "--course",
        "NONE",
        "--student-email",
        "a@b.example",
    ]);
    let (ok, text) = output(wrong);
    assert!(!ok);
    assert!(text.contains("There is no student"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_mentor_has_read_what_she_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = program(folder.path());
    demo.args(["admin", "demo"]);
    let (ok, text) = output(demo);
    assert!(ok, "{text}");
    let store = Store::open(folder.path()).await.unwrap();
    let mut reader = store.read().await.unwrap();
    let maya = person::by_email(&mut reader, "maya@demo.example").await;
    let maya = maya.unwrap().unwrap().person.id;
    let known = conversation::page(&mut reader, maya, None, 50).await;
    let mut unread = Vec::new();
    for talk in known.unwrap() {
        let last = message::before(&mut reader, talk.id, talk.head_seq + 1, 1).await;
        if let Some(last) = last.unwrap().first() {
            unread.push((last.author == maya, talk.unread));
        }
    }
    unread.sort_unstable();
    // Lin has the last word in one, Maya in two.
    assert_eq!(unread, [(false, 1), (true, 0), (true, 0)]);
}

#[test]
fn production_is_refused_without_a_secret_of_its_own_and_has_no_demo() {
    let folder = tempfile::tempdir().unwrap();
    for secret in ["", "tiny-one", "this-is-the-default-secret-of-everybody"] {
        let mut serve = program(folder.path());
        serve
            .env("IM_PRODUCTION", "1")
            .env("IM_TOKEN_SECRET", secret);
        let (ok, text) = output(serve);
        assert!(!ok);
        assert!(text.contains("IM_TOKEN_SECRET"), "{text}");
        assert!(secret.is_empty() || !text.contains(secret), "{text}");
    }
    let mut demo = program(folder.path());
    demo.env("IM_PRODUCTION", "1").args(["admin", "demo"]);
    let (ok, text) = output(demo);
    assert!(!ok && text.contains("not in production"), "{text}");

    let mut demo = program(folder.path());
    demo.args(["admin", "demo"]);
    let (ok, text) = output(demo);
    assert!(ok, "{text}");
    let mut serve = program(folder.path());
    serve
        .env("IM_PRODUCTION", "1")
        .env("IM_TOKEN_SECRET", "kT4v9Qm2XzR7wL0bN5cJ8hG3fD6sA1pYuEoI");
    let (ok, text) = output(serve);
    assert!(!ok && text.contains("has demo people"), "{text}");
}

#[test]
fn the_program_says_where_it_listens_and_stops_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://127.0.0.1:");
    let port: u16 = address.expect("another line").parse().unwrap();
    assert_ne!(port, 0);
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = program(folder.path());
    demo.args(["admin", "demo"]);
    assert!(output(demo).0);
    let start = || {
        let mut child = program(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        (child, url)
    };
    let http = http();
    let (mut child, url) = start();
    let asked = serde_json::json!({
        "email": "new@student.example", "password": PASSWORD, "name": "New",
        "device": { "id": im_protocol::DeviceId::new(), "name": "Desk" },
    });
    let register = http.post(format!("{url}/v1/auth/register")).json(&asked);
    assert!(register.send().await.unwrap().status().is_success());
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut child, url) = start();
    let sign_in = http.post(format!("{url}/v1/auth/sign-in")).json(&asked);
    assert!(sign_in.send().await.unwrap().status().is_success());
    child.kill().unwrap();
    child.wait().unwrap();
}
