//! `im-bench-delivery`: measures a message from its writing to the other's page, and writes what it
//! found as JSON.

use anyhow::Context as _;
use clap::Parser;
use im_bench::{
    delivery::{
        desks::{self, Cores, Place},
        letters::Pace,
        lines::Lines,
        summary::{Round, Summary},
    },
    line::Seat,
    machine::{Disk, Machine},
    node::Node,
    ours::{Ours, PROGRAM, own_build},
    people, report,
};
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

/// People sign in once, and their token holds for a quarter of an hour.
const AT_MOST: Duration = Duration::from_secs(14 * 60);
/// Before anything of a round counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// A message from its writing to the other's page.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to write the figures.
    #[arg(long)]
    out: PathBuf,
    /// A folder on a real disk, in which the server's and everybody's data is made and deleted again.
    #[arg(long)]
    work: PathBuf,
    /// Node's server.
    #[arg(long, default_value = "bench/node/server.js")]
    node: PathBuf,
    /// People who write, in pairs.
    #[arg(long, default_value_t = 100)]
    people: usize,
    /// Messages of all of them, a second; one rate after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [20, 100, 200])]
    rates: Vec<u32>,
    /// Rounds of each kind of desks, taking turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds that count at each rate; 2 more come before.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Everybody's rounds.
#[derive(Default)]
struct Found {
    ours: Vec<Round>,
    ours_bare: Vec<Round>,
    node: Vec<Round>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let one = WARM_UP + Duration::from_secs(cli.seconds);
    let rates = u32::try_from(cli.rates.len())?;
    anyhow::ensure!(
        one * rates * cli.rounds * 3 < AT_MOST,
        "a run of more than {} minutes: fewer rounds, rates or seconds",
        AT_MOST.as_secs() / 60
    );
    let machine = Machine::here();
    fs::create_dir_all(&cli.work)?;
    let disk = Disk::of(&cli.work)?;
    let mut server = Ours::start(&cli.work).await?;
    let node = Node::start(&cli.node).await?;

    eprintln!("making {} people and a device for each", cli.people);
    let seats = people::pairs(server.server(), cli.people / 2).await?;
    let at_node = people::at_node(&seats, node.url());
    let folder = tempfile::tempdir_in(&cli.work)?;
    let places = desks::furnish(folder.path(), &seats).await?;
    let found = take_turns(&cli, &places, &seats, &at_node).await?;

    let told = json!({
        "machine": machine,
        "disk": disk,
        "beside": node.version(),
        "server": server.report()?,
        "build": own_build(),
        "how": how(),
        "people": seats.len(),
        "seconds_a_round": cli.seconds,
        "rates": by_rate(&cli.rates, &found),
    });
    report::write(&cli.out, &told)?;
    node.stop().await?;
    server.server_mut().stop().await?;
    Ok(())
}

/// What is told with the figures.
fn how() -> Value {
    json!({
        "load": "people in pairs, each pair a conversation, write at a steady rate, all of them together so many \
                 messages a second; each message at its time, whatever became of those before it. Everybody is in one \
                 process on the machine of the server, and shares its cores and its disk",
        "ours": "our whole core on both sides, each with its own folder, encrypted cache and connection. From the command \
                 that the page gives (messages.send) to when the other's core has told its page that the conversation \
                 has changed (to_told) and has answered the page's reading of the newest 60 rows with the new one \
                 (to_shown). Before it is sent the message is on the author's disk, and before it is passed on on the \
                 server's, both with synchronous=FULL. to_answered: the author's page has its own row",
        "ours_bare": "bare Socket.IO clients at the same server, of the same people: to when the other's client has \
                      read the message from its feed. to_answered: the acknowledgement",
        "node": "the same clients at Node's socket.io, which passes on and keeps nothing",
        "figures": "medians of the rounds, the longest of all rounds",
    })
}

/// Rounds of all kinds of desks, A B C A B C; in each, all rates.
async fn take_turns(
    cli: &Cli,
    places: &[Place],
    seats: &[Seat],
    at_node: &[Seat],
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for round in 1..=cli.rounds {
        eprintln!("round {round} of {}: cores, bare clients, node", cli.rounds);
        let cores = Arc::new(Cores::open(places).await.context("cores")?);
        found
            .ours
            .extend(rates(cli, round, &cores, PROGRAM, true).await?);
        let cores = Arc::into_inner(cores).context("somebody still writes")?;
        cores.close().await;
        for (seats, program, rounds) in [
            (seats, PROGRAM, &mut found.ours_bare),
            (at_node, "node", &mut found.node),
        ] {
            let lines = Arc::new(Lines::open(seats).await.context(program)?);
            rounds.extend(rates(cli, round, &lines, program, false).await?);
            let lines = Arc::into_inner(lines).context("somebody still writes")?;
            lines.close().await?;
        }
    }
    Ok(found)
}

async fn rates<D: im_bench::delivery::post::Desks>(
    cli: &Cli,
    round: u32,
    desks: &Arc<D>,
    program: &str,
    told: bool,
) -> anyhow::Result<Vec<Round>> {
    let mut rounds = Vec::with_capacity(cli.rates.len());
    for (at, rate) in (0..).zip(&cli.rates) {
        let pace = Pace {
            people: cli.people,
            per_second: *rate,
            warm_up: WARM_UP,
            measured: Duration::from_secs(cli.seconds),
        };
        // Each round of letters has a number of its own: older ones are still in the conversations.
        let number = 100 * round + at;
        let measured = Round::of(desks, number, pace, program, told).await;
        rounds.push(measured.with_context(|| format!("{program} at {rate} a second"))?);
    }
    Ok(rounds)
}

fn by_rate(rates: &[u32], found: &Found) -> Value {
    let rates = rates.iter().map(|rate| {
        let (ours, node) = (
            Summary::of(&found.ours, *rate),
            Summary::of(&found.node, *rate),
        );
        let told = json!({
            "messages_per_second": rate,
            "ours": ours,
            "ours_bare": Summary::of(&found.ours_bare, *rate),
            "node": node,
        });
        (rate.to_string(), told)
    });
    Value::Object(rates.collect::<Map<String, Value>>())
}
