//! Our server as what is measured: a process, its data on a real disk.

use crate::machine::journal_mode;
use anyhow::Context as _;
use im_testkit::{ServerProcess, process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The server's program, as a child is called.
pub const PROGRAM: &str = "instantmentor-server";

/// A server with a folder of its own, deleted with it.
pub struct Ours {
    server: ServerProcess,
    program: PathBuf,
    folder: TempDir,
}

impl Ours {
    /// Starts one in this folder, which should be on a real disk.
    ///
    /// # Errors
    /// Where it has not been built, or does not start.
    pub async fn start(work: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(work)?;
        let program = process::program("IM_SERVER_BIN", PROGRAM, "im-server")?;
        let mut server = ServerProcess::of(&program, folder.path());
        server.start().await.context("our server")?;
        Ok(Self {
            server,
            program,
            folder,
        })
    }

    /// The process.
    #[must_use]
    pub const fn server(&self) -> &ServerProcess {
        &self.server
    }

    /// The process, to be stopped and started.
    pub const fn server_mut(&mut self) -> &mut ServerProcess {
        &mut self.server
    }

    /// What a report says of it, after the run.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn report(&self) -> anyhow::Result<Value> {
        Ok(json!({
            "build": build_of(&self.program),
            "sqlite": {
                "synchronous": "FULL",
                "synchronous_is": "set on every connection of the server; a test of im-server reads it back as 2",
                "journal_mode": journal_mode(&self.folder.path().join("instantmentor.db"))?,
                "journal_mode_is": "read from the database's file after the run",
            },
            "limits": "IM_LIMITS=wide: limits on rates are raised by configuration for this run, since all clients \
                       come from one address and never pause; nothing else is changed",
        }))
    }
}

/// Debug or release, by the folder that the program is in.
fn build_of(program: &Path) -> &str {
    let folder = program.parent().and_then(Path::file_name);
    folder.and_then(|name| name.to_str()).unwrap_or("unknown")
}

/// How this program was built.
#[must_use]
pub const fn own_build() -> &'static str {
    if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    }
}
