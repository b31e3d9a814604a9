//! People write to each other while server, devices and lines have bad days; writes `report.json`
//! and `journal.jsonl` and ends with a failure where something was lost, doubled or mixed up.

use anyhow::Context as _;
use clap::Parser;
use im_e2e::soak::{
    Place, Programs, journal,
    plan::{Plan, Wish},
    soak,
};
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
    /// Decides what happens when; another one each time without.
    #[arg(long, env = "SOAK_SEED")]
    seed: Option<u64>,
    /// How long people act, in seconds, with bad days all along.
    #[arg(long, env = "SOAK_SECONDS", default_value_t = 1_800)]
    seconds: u64,
    /// Mentors, each with all the students.
    #[arg(long, env = "SOAK_MENTORS", default_value_t = 2)]
    mentors: usize,
    /// Students.
    #[arg(long, env = "SOAK_STUDENTS", default_value_t = 4)]
    students: usize,
    /// What people do in a second: of a hundred acts about 65 are messages.
    #[arg(long, env = "SOAK_RATE", default_value_t = 40.0)]
    rate: f64,
    /// A fault of the robots that must be noticed: drop_ack, dup_apply, swap_order or skip_feed.
    #[arg(long, env = "SOAK_BREAK")]
    fault: Option<String>,
    /// A journal whose storm is to be had again, instead of one made from a seed.
    #[arg(long, env = "SOAK_REPLAY")]
    replay: Option<PathBuf>,
    /// Where the report and the databases go. What was there is deleted.
    #[arg(long, default_value = "soak-out")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // Read first: it may be in the folder that is deleted.
    let plan = match &cli.replay {
        Some(path) => journal::read(path).context("the journal cannot be read")?,
        None => Plan::new(Wish {
            seed: cli.seed.unwrap_or(now.as_secs()),
            seconds: cli.seconds,
            mentors: cli.mentors,
            students: cli.students,
            acts_per_second: cli.rate,
            kills_ms: None,
            cuts_ms: None,
        }),
    };
    if cli.out.exists() {
        fs::remove_dir_all(&cli.out).context("the old soak-out cannot be deleted")?;
    }
    fs::create_dir_all(&cli.out)?;
    let place = Place {
        programs: &Programs::built()?,
        folder: &cli.out,
        fault: cli.fault.as_deref().filter(|fault| !fault.is_empty()),
        progress: true,
    };
    let report = soak(&plan, place).await?;
    let path = cli.out.join("report.json");
    fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
