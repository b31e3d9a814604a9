//! `im-bench-client`: measures the client with many messages, after having been away and in its page,
//! and writes what it found as JSON.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use im_bench::{
    client::{
        away::{self, Away, Truth},
        desk::{self, AtRest},
        door::Door,
        fill::{self, IN_ONE},
        measure,
        page::Drive,
        texts::Texts,
    },
    machine::{Disk, Machine, load},
    ours::own_build,
    report,
    stats::{Times, median, rounded},
};
use im_protocol::ConversationId;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Times that a start is measured.
const STARTS: usize = 7;

/// The client with many messages.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Fills caches and measures each.
    Run {
        #[command(flatten)]
        places: Places,
        /// Messages in each cache.
        #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
        sizes: Vec<usize>,
    },
    /// A device that comes back after many events that it missed.
    Catchup {
        #[command(flatten)]
        places: Places,
        /// What is written meanwhile.
        #[arg(long, default_value_t = 10_000)]
        events: usize,
        /// Times that it comes back to the same, and that a client hears it that keeps nothing.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// The page in front of a core with many messages.
    Page {
        #[command(flatten)]
        places: Places,
        /// Messages in the cache, half of them in the conversation that is opened.
        #[arg(long, default_value_t = 200_000)]
        messages: usize,
        /// The folder of the page, built with the door for browsers.
        #[arg(long)]
        page: PathBuf,
        /// What drives it.
        #[arg(long, default_value = "bench/page/drive.mjs")]
        script: PathBuf,
        /// Times that the conversation is opened.
        #[arg(long, default_value_t = 15)]
        openings: usize,
        /// Pixels a second that are scrolled, one rate after the other.
        #[arg(long, value_delimiter = ',', default_values_t = [1_500, 6_000, 20_000])]
        rates: Vec<u32>,
        /// Seconds that are scrolled at each rate, each way.
        #[arg(long, default_value_t = 10)]
        seconds: u32,
    },
    /// One measurement, in a process of its own.
    One {
        /// Which.
        #[command(subcommand)]
        what: What,
    },
}

#[derive(clap::Args)]
struct Places {
    /// Where to write the figures.
    #[arg(long)]
    out: PathBuf,
    /// A folder on a real disk, in which everything is made and deleted again.
    #[arg(long)]
    work: PathBuf,
    /// JSON lines with a `text` each, packed with gzip or not; made texts without.
    #[arg(long, env = "IM_BENCH_TEXTS")]
    texts: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    Index {
        folder: PathBuf,
    },
    Start {
        folder: PathBuf,
        conversation: ConversationId,
    },
    Search {
        folder: PathBuf,
    },
    /// Says where a page finds a core on this folder, and serves it until it is killed.
    Door {
        folder: PathBuf,
    },
    ComeBack {
        folder: PathBuf,
        truth: PathBuf,
    },
    HasAll {
        folder: PathBuf,
        truth: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().part {
        Part::Run { places, sizes } => run(&places, &sizes).await,
        Part::Catchup {
            places,
            events,
            rounds,
        } => come_back(&places, events, rounds).await,
        Part::Page {
            places,
            messages,
            page,
            script,
            openings,
            rates,
            seconds,
        } => {
            let drive = Drive {
                script,
                page,
                openings,
                rates,
                seconds,
            };
            show(&places, messages, &drive).await
        }
        Part::One { what } => {
            let told = what.measure().await?;
            serde_json::to_writer(std::io::stdout(), &told)?;
            Ok(())
        }
    }
}

impl What {
    async fn measure(self) -> anyhow::Result<Value> {
        match self {
            Self::Index { folder } => measure::index(&folder).await,
            Self::Start {
                folder,
                conversation,
            } => measure::start(&folder, conversation).await,
            Self::Search { folder } => measure::search(&folder).await,
            Self::Door { folder } => serve(&folder).await,
            Self::ComeBack { folder, truth } => away::come_back(&folder, &read(&truth)?).await,
            Self::HasAll { folder, truth } => away::has_all(&folder, &read(&truth)?).await,
        }
    }
}

fn read(truth: &Path) -> anyhow::Result<Truth> {
    Ok(serde_json::from_str(&fs::read_to_string(truth)?)?)
}

#[expect(
    clippy::print_stdout,
    reason = "whoever started it reads there where it is"
)]
async fn serve(folder: &Path) -> anyhow::Result<Value> {
    let core = desk::start(folder, measure::NO_SERVER, AtRest::Clear).await?;
    let door = Door::open(core).await?;
    println!("{}", door.address()?);
    door.run().await?;
    Ok(Value::Null)
}

async fn run(places: &Places, sizes: &[usize]) -> anyhow::Result<()> {
    let machine = Machine::here();
    let texts = Texts::load(places.texts.as_deref())?;
    fs::create_dir_all(&places.work)?;
    let mut measured = Vec::new();
    for size in sizes {
        eprintln!("filling a cache with {size} messages");
        let folder = tempfile::tempdir_in(&places.work)?;
        let filled = fill::fill(&folder.path().join("core"), *size, &texts).await?;
        let at = filled.folder.display().to_string();
        eprintln!("indexing");
        let index = one(&["index", &at])?;
        eprintln!("starting");
        let conversation = filled.conversation.to_string();
        let starts = (0..STARTS)
            .map(|_| one(&["start", &at, &conversation]))
            .collect::<anyhow::Result<Vec<_>>>()?;
        eprintln!("searching");
        let search = one(&["search", &at])?;
        measured.push(json!({
            "messages": size,
            "in_the_conversation_that_is_opened": size.min(&IN_ONE),
            "indexing": index,
            "start": {
                "how": "a process of its own each time, the disk's pages in memory; medians",
                "count": STARTS,
                "until_the_list_is_there_ms": middle(&starts, "list_ms"),
                "newest_page_of_the_conversation_ms": middle(&starts, "open_ms"),
                "window_far_back_ms": middle(&starts, "jump_far_back_ms"),
                "memory_mib": middle(&starts, "memory_mib"),
            },
            "search": search,
        }));
    }
    let told = json!({"machine": machine, "build": own_build(), "texts": texts.about, "measured": measured});
    report::write(&places.out, &told)
}

async fn come_back(places: &Places, events: usize, rounds: usize) -> anyhow::Result<()> {
    let machine = Machine::here();
    fs::create_dir_all(&places.work)?;
    let disk = Disk::of(&places.work)?;
    let folder = tempfile::tempdir_in(&places.work)?;
    let device = folder.path().join("device");
    eprintln!("having {events} events written");
    let mut away = Away::begin(folder.path(), &device, events).await?;
    let truth = folder.path().join("truth.json");
    fs::write(&truth, serde_json::to_string(away.truth())?)?;
    let args = [device.display().to_string(), truth.display().to_string()];
    let [at, truth] = args.each_ref().map(String::as_str);
    let (mut back, mut heard) = (Vec::new(), Vec::new());
    let mut held = Value::Null;
    for round in 1..=rounds {
        eprintln!("coming back, round {round} of {rounds}");
        away.forget()?;
        // A server that has just started: nothing of what was written is in its memory.
        away.server().server_mut().stop().await?;
        away.server().server_mut().start().await?;
        back.push(one(&["come-back", at, truth])?);
        heard.push(away.only_heard().await?);
        away.server().server_mut().stop().await?;
        held = one(&["has-all", at, truth])?;
        away.server().server_mut().start().await?;
    }
    let missed = away.missed();
    let took = middle(&back, "from_connected_to_the_right_list_ms");
    let told = json!({
        "machine": machine,
        "disk": disk,
        "build": own_build(),
        "how": "a device is away while ten students write to its person: of 100 events 5 are other words for a message, \
                3 an emoji and 2 a taking back, all others messages. It comes back in a process of its own, with its \
                cache as it was and encrypted, to a server that has just started; its list is read whenever it is told \
                to have changed. It has everything when the line says so, and the list must then be right: order, \
                newest message, unread ones. Afterwards, with the server away, every message is looked at in the cache. \
                Figures are medians of the rounds. Beside it a client of the same person that hears the same and keeps \
                nothing: what of it is the server's share",
        "events_missed": missed,
        "messages_in_the_cache_afterwards": held.get("messages"),
        "server": away.server().report()?,
        "device": {
            "from_connected_to_the_right_list_ms": took,
            "events_per_second": took.map(|ms| rounded(missed as f64 / ms * 1_000.0, 0)),
            "from_connected_to_all_stored_ms": middle(&back, "from_connected_to_all_stored_ms"),
            "from_start_to_connected_ms": middle(&back, "connected_ms"),
            "from_start_to_the_right_list_ms": middle(&back, "from_start_to_the_right_list_ms"),
            "memory_most_mib": middle(&back, "memory_most_mib"),
            "rounds": back,
        },
        "client_that_keeps_nothing": Times::of(heard),
        "load": load(),
    });
    away.server().server_mut().stop().await?;
    report::write(&places.out, &told)
}

async fn show(places: &Places, messages: usize, drive: &Drive) -> anyhow::Result<()> {
    let machine = Machine::here();
    let texts = Texts::load(places.texts.as_deref())?;
    fs::create_dir_all(&places.work)?;
    let folder = tempfile::tempdir_in(&places.work)?;
    eprintln!("filling a cache with {messages} messages, and indexing");
    let filled = fill::fill(&folder.path().join("core"), messages, &texts).await?;
    one(&["index", &filled.folder.display().to_string()])?;
    eprintln!("driving the page");
    let page = drive.run(&filled.folder, filled.conversation).await?;
    let told = json!({
        "machine": machine,
        "build": own_build(),
        "texts": texts.about,
        "messages": messages,
        "in_the_conversation_that_is_opened": messages.min(IN_ONE),
        "how": "the built page in a headless browser, in front of a real core in a process of its own with its SQLite files; \
                their door is a WebSocket with the app's own frames, where the app has Tauri's. The app's page runs in \
                WebKitGTK, this one in Chromium, where frames can be counted. The server is away: everything comes \
                from the cache",
        "page": page,
        "load": load(),
    });
    report::write(&places.out, &told)
}

/// The median of what several measurements say under this name.
fn middle(told: &[Value], name: &str) -> Option<f64> {
    median(
        told.iter()
            .filter_map(|one| one.get(name)?.as_f64())
            .collect(),
    )
}

/// One measurement in a process of its own.
fn one(args: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .arg("one")
        .args(args)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "{} failed", args.join(" "));
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} says nothing", args.join(" ")))
}
