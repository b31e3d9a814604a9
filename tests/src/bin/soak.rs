//! Two robots write to each other while server and robots are killed at random; writes
//! `report.json` and ends with a failure where something was lost, doubled or mixed up.

use anyhow::Context as _;
use clap::Parser;
use im_e2e::soak::{Plan, Programs, soak};
use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Parser)]
#[command(name = "soak")]
struct Cli {
    /// Decides what is killed when; another one each time without.
    #[arg(long, env = "SOAK_SEED")]
    seed: Option<u64>,
    /// How long the writing is stretched, with kills all along.
    #[arg(long, env = "SOAK_SECONDS", default_value_t = 180)]
    seconds: u64,
    /// Messages in all.
    #[arg(long, env = "SOAK_MESSAGES", default_value_t = 10_000)]
    messages: usize,
    /// A fault of the robots that must be noticed: drop_ack, dup_apply, swap_order or skip_feed.
    #[arg(long, env = "SOAK_BREAK")]
    fault: Option<String>,
    /// Where the report and the databases go. What was there is deleted.
    #[arg(long, default_value = "soak-out")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    if cli.out.exists() {
        fs::remove_dir_all(&cli.out).context("the old soak-out cannot be deleted")?;
    }
    fs::create_dir_all(&cli.out)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let plan = Plan {
        seed: cli.seed.unwrap_or(now.as_secs()),
        seconds: cli.seconds,
        messages: cli.messages,
        fault: cli.fault.filter(|fault| !fault.is_empty()),
        folder: cli.out.clone(),
        kill_every_ms: (500, 4_000),
        progress: true,
    };
    let report = soak(&Programs::built()?, &plan).await?;
    let path = cli.out.join("report.json");
    fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
