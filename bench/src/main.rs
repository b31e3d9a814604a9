//! `im-bench`: measures the server beside Node's socket.io and writes what it found as JSON.

use anyhow::Context as _;
use clap::Parser;
use im_bench::{
    line::Seat,
    machine::{Disk, Machine},
    messages::{self, Length},
    node::Node,
    ours::{Ours, PROGRAM},
    people, presence, report,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};

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
    let mut server = Ours::start(&cli.work).await?;
    let node = Node::start(&cli.node).await?;

    eprintln!("making {} people", cli.clients);
    let ours = people::pairs(server.server(), cli.clients / 2).await?;
    let theirs = people::at_node(&ours, node.url());
    let messages = take_turns(&cli, &ours, &theirs).await?;
    let presence = tell_everybody(&cli, &ours, &theirs).await?;

    let told = json!({
        "machine": machine,
        "disk": disk,
        "beside": node.version(),
        "server": server.report()?,
        "load": "im-socketio clients in one process on the same machine, so clients and server share its cores; \
                 the same code and the same payloads for both servers",
        "emit_with_acknowledgement": messages,
        "status_to_everybody": presence,
    });
    report::write(&cli.out, &told)?;
    node.stop().await?;
    server.server_mut().stop().await?;
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
        a.push(
            messages::round(ours, length, PROGRAM)
                .await
                .context("ours")?,
        );
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
