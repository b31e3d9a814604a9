//! `im-bench`: measures the server beside Node's socket.io and writes what it found as JSON.

use anyhow::Context as _;
use clap::Parser;
use im_bench::{
    line::Seat,
    machine::{Disk, Machine, journal_mode},
    messages::{self, Length},
    node::Node,
    people, presence,
};
use im_testkit::{ServerProcess, process};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The server's program, as a child is called.
const OURS: &str = "instantmentor-server";

/// Our server, durable, beside Node's socket.io that only relays.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to write the figures.
    #[arg(long)]
    out: PathBuf,
    /// A folder on a real disk, in which the server's data is made and deleted again.
    #[arg(long)]
    work: PathBuf,
    /// Node's server.
    #[arg(long, default_value = "bench/node/server.js")]
    node: PathBuf,
    /// Clients that send; an even number.
    #[arg(long, default_value_t = 100)]
    clients: usize,
    /// Rounds of each server, taking turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that count in a round; 2 more come before.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Sockets that are told of a status.
    #[arg(long, default_value_t = 2_000)]
    sockets: usize,
    /// Measured changes of a status in a visit.
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Visits at each server, taking turns.
    #[arg(long, default_value_t = 2)]
    visits: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let machine = Machine::here();
    fs::create_dir_all(&cli.work)?;
    let disk = Disk::of(&cli.work)?;
    let folder = tempfile::tempdir_in(&cli.work)?;
    let program = process::program("IM_SERVER_BIN", OURS, "im-server")?;
    let mut server = ServerProcess::of(&program, folder.path());
    server.start().await.context("our server")?;
    let node = Node::start(&cli.node).await?;

    eprintln!("making {} people", cli.clients);
    let ours = people::pairs(&server, cli.clients / 2).await?;
    let theirs = people::at_node(&ours, node.url());
    let messages = take_turns(&cli, &ours, &theirs).await?;
    let presence = tell_everybody(&cli, &ours, &theirs).await?;

    let report = json!({
        "machine": machine,
        "disk": disk,
        "beside": node.version(),
        "server": {
            "build": build_of(&program),
            "sqlite": {
                "synchronous": "FULL",
                "synchronous_is": "set on every connection of the server; a test of im-server reads it back as 2",
                "journal_mode": journal_mode(&folder.path().join("instantmentor.db"))?,
                "journal_mode_is": "read from the database's file after the run",
            },
            "limits": "IM_LIMITS=wide: limits on rates are raised by configuration for this run, since all clients \
                       come from one address and never pause; nothing else is changed",
        },
        "load": "im-socketio clients in one process on the same machine, so clients and server share its cores; \
                 the same code and the same payloads for both servers",
        "emit_with_acknowledgement": messages,
        "status_to_everybody": presence,
    });
    write(&cli.out, &report)?;
    node.stop().await?;
    server.stop().await?;
    Ok(())
}

/// Rounds of messages, A B A B.
async fn take_turns(cli: &Cli, ours: &[Seat], theirs: &[Seat]) -> anyhow::Result<Value> {
    let length = Length {
        warm_up: Duration::from_secs(2),
        measured: Duration::from_secs(cli.seconds),
        at_most: 200_000,
    };
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for number in 1..=cli.rounds {
        eprintln!("messages, round {number} of {}", cli.rounds);
        a.push(messages::round(ours, length, OURS).await.context("ours")?);
        b.push(
            messages::round(theirs, length, "node")
                .await
                .context("node")?,
        );
    }
    let (a, b) = (messages::Summary::of(a), messages::Summary::of(b));
    Ok(json!({
        "how": "each client sends one message, waits for its acknowledgement and sends the next; clients in pairs, \
                each pair a conversation. Ours answers when the message is on disk, and sends it to both people's \
                devices by their feeds, which they confirm. Node's relays it to the other and keeps nothing. \
                Figures are medians of the rounds.",
        "clients": ours.len(),
        "seconds_a_round": cli.seconds,
        "ours_over_node": (a.messages_per_second / b.messages_per_second.max(0.1) * 100.0).round() / 100.0,
        "ours": a,
        "node": b,
    }))
}

/// Visits of everybody, A B A B.
async fn tell_everybody(cli: &Cli, ours: &[Seat], theirs: &[Seat]) -> anyhow::Result<Value> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for number in 1..=cli.visits {
        eprintln!("status, visit {number} of {}", cli.visits);
        let (sockets, changes) = (cli.sockets, cli.changes);
        a.push(
            presence::visit(ours, sockets, changes)
                .await
                .context("ours")?,
        );
        b.push(
            presence::visit(theirs, sockets, changes)
                .await
                .context("node")?,
        );
    }
    Ok(json!({
        "how": "a mentor sets their status; measured from the emit to when the client of each socket has read it, \
                all in one process. Ours is on disk before it is told. Node's broadcasts it. \
                The same heartbeat for both (3 s).",
        "sockets": cli.sockets,
        "people": ours.len(),
        "ours": presence::Summary::of(a),
        "node": presence::Summary::of(b),
    }))
}

/// Debug or release, by the folder that the program is in.
fn build_of(program: &Path) -> &str {
    let folder = program.parent().and_then(Path::file_name);
    folder.and_then(|name| name.to_str()).unwrap_or("unknown")
}

fn write(path: &Path, report: &Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
