//! The command line: serve, and what an operator does on the machine itself.

use crate::{admin, config::Config, server::Server};
use clap::{Parser, Subcommand};
use std::{
    collections::HashMap,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The InstantMentor server.
#[derive(Parser)]
#[command(name = "instantmentor-server", version)]
struct Cli {
    /// A TOML file with the configuration; IM_* in the environment override it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (the default).
    Serve,
    /// Change the database, beside a running server or without one. What connected clients
    /// should see reaches them within a quarter of a minute.
    #[command(subcommand)]
    Admin(admin::Command),
}

/// Why the program ends with a failure. The text is for the operator.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nowhere is left to complain where even this cannot be written.
            writeln!(io::stderr(), "instantmentor-server: {failure}").ok();
            ExitCode::FAILURE
        }
    }
}

/// To standard error; `IM_LOG` takes the directives of `tracing_subscriber::EnvFilter`.
fn log() {
    let filter = EnvFilter::try_from_env("IM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let json = std::env::var("IM_LOG_FORMAT").is_ok_and(|format| format == "json");
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for a person in front of it, not for files and journals.
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let env: HashMap<String, String> = std::env::vars()
        .filter(|(name, _)| name.starts_with("IM_"))
        .collect();
    let config = Config::load(cli.config.as_deref(), &env)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::Admin(command) => admin::run(config, command).await,
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Server::start(config).await?;
    // Scripts wait for this line to learn the port.
    say(&format!("listening on {}", running.url()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}

/// A line on standard output.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
