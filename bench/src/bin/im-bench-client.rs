//! `im-bench-client`: measures the client with many messages and writes what it found as JSON.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use im_bench::{
    client::{
        fill::{self, IN_ONE},
        measure,
        texts::Texts,
    },
    machine::Machine,
    stats::median,
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
        /// Where to write the figures.
        #[arg(long)]
        out: PathBuf,
        /// A folder on a real disk, in which the caches are made and deleted again.
        #[arg(long)]
        work: PathBuf,
        /// Messages in each cache.
        #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
        sizes: Vec<usize>,
        /// JSON lines with a `text` each, packed with gzip or not; made texts without.
        #[arg(long, env = "IM_BENCH_TEXTS")]
        texts: Option<PathBuf>,
    },
    /// One measurement, in a process of its own.
    One {
        /// Which.
        #[command(subcommand)]
        what: What,
    },
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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().part {
        Part::Run {
            out,
            work,
            sizes,
            texts,
        } => run(&out, &work, &sizes, texts.as_deref()).await,
        Part::One { what } => {
            let told = match what {
                What::Index { folder } => measure::index(&folder).await?,
                What::Start {
                    folder,
                    conversation,
                } => measure::start(&folder, conversation).await?,
                What::Search { folder } => measure::search(&folder).await?,
            };
            serde_json::to_writer(std::io::stdout(), &told)?;
            Ok(())
        }
    }
}

async fn run(out: &Path, work: &Path, sizes: &[usize], texts: Option<&Path>) -> anyhow::Result<()> {
    let machine = Machine::here();
    let texts = Texts::load(texts)?;
    fs::create_dir_all(work)?;
    let mut measured = Vec::new();
    for size in sizes {
        eprintln!("filling a cache with {size} messages");
        let folder = tempfile::tempdir_in(work)?;
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
        let middle = |name: &str| {
            let values = starts.iter().filter_map(|one| one.get(name)?.as_f64());
            median(values.collect())
        };
        measured.push(json!({
            "messages": size,
            "in_the_conversation_that_is_opened": size.min(&IN_ONE),
            "indexing": index,
            "start": {
                "how": "a process of its own each time, the disk's pages in memory; medians",
                "count": STARTS,
                "until_the_list_is_there_ms": middle("list_ms"),
                "newest_page_of_the_conversation_ms": middle("open_ms"),
                "window_far_back_ms": middle("jump_far_back_ms"),
                "memory_mib": middle("memory_mib"),
            },
            "search": search,
        }));
    }
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let report =
        json!({"machine": machine, "build": build, "texts": texts.about, "measured": measured});
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    fs::write(out, text).with_context(|| format!("{} cannot be written", out.display()))
}

/// One measurement in a process of its own.
fn one(args: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .arg("one")
        .args(args)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "{} failed", args.join(" "));
    Ok(serde_json::from_slice(&output.stdout)?)
}
