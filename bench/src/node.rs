//! Node's server as a process.

use anyhow::Context as _;
use im_testkit::process::Process;
use std::{path::Path, time::Duration};
use tokio::{process::Command, time::timeout};

/// How long it may take to listen.
const STARTING: Duration = Duration::from_secs(30);

/// A running `bench/node/server.js`. Dropping it kills it.
pub struct Node {
    process: Process,
    url: String,
    version: String,
}

impl Node {
    /// Starts it on a free port of this machine and waits until it listens.
    ///
    /// # Errors
    /// Where there is no Node or no socket.io (`npm ci` in bench/node), or it does not listen.
    pub async fn start(script: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("node");
        command.arg(script).env("NODE_ENV", "production");
        let mut process = Process::start(&mut command).context("node does not start")?;
        let version = said(&mut process, "").await?;
        let url = said(&mut process, "listening on ").await?;
        Ok(Self {
            process,
            url,
            version,
        })
    }

    /// Where clients go.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Of socket.io and Node, as it says itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.stop().await?;
        Ok(())
    }
}

/// The next line, which begins with these words; what follows them.
async fn said(process: &mut Process, words: &str) -> anyhow::Result<String> {
    let line = timeout(STARTING, process.line()).await.ok().flatten();
    let rest = line.as_deref().and_then(|line| line.strip_prefix(words));
    rest.map(str::to_owned)
        .context("Node's server does not start: run `npm ci` in bench/node")
}
