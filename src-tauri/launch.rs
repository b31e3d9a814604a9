//! How the app was started: what the command line and the environment say, and where it logs.

use clap::Parser;
use im_core::links::AppLink;
use im_media::LOG_RULES;
use std::{io::IsTerminal as _, path::PathBuf};
use tracing_subscriber::EnvFilter;

/// A desktop app for mentors: it rings like a phone when a student needs help.
#[derive(Debug, Clone, Parser)]
#[command(name = "instantmentor", version)]
pub(crate) struct Launch {
    /// Start in the tray, without a window. Used at login.
    #[arg(long)]
    pub(crate) hidden: bool,
    /// The server's address that the sign-in shows first.
    #[arg(long, env = "IM_SERVER", default_value = "http://localhost:8470")]
    pub(crate) server: String,
    /// The folder for the cache, instead of the system's usual place.
    #[arg(long, env = "IM_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// What to show: instantmentor://conversation/<id>. The running app shows it where there is one.
    // As it comes: an app that does not start because somebody made a wrong link would be worse.
    pub(crate) link: Option<String>,
}

/// The link among the words of a command line.
pub(crate) fn link_in(words: &[String]) -> Option<AppLink> {
    words.iter().skip(1).find_map(|word| AppLink::parse(word))
}

impl Launch {
    /// The folder for the cache and the outbox.
    ///
    /// # Errors
    /// Where the system names no such folder and none was given.
    pub(crate) fn folder(&self) -> Result<PathBuf, NoFolder> {
        if let Some(folder) = &self.data_dir {
            return Ok(folder.clone());
        }
        dirs::data_dir()
            .map(|base| base.join("instantmentor"))
            .ok_or(NoFolder)
    }
}

/// There is no place to keep anything.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("there is no folder for the app's data: set HOME or IM_DATA_DIR")]
pub(crate) struct NoFolder;

/// Starts the log: to standard error, level Info, or as `IM_LOG` says.
pub(crate) fn log() {
    let filter = EnvFilter::try_from_env("IM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = LOG_RULES
        .into_iter()
        .filter_map(|rule| rule.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start in one process happens in tests only, and changes nothing.
    let _ = started.try_init();
}
