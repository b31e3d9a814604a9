//! The built page in a browser, in front of a core with many messages: `bench/page/drive.mjs` opens and
//! scrolls a conversation, and counts frames in the page itself.

use anyhow::Context as _;
use im_protocol::ConversationId;
use im_testkit::process::Process;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// How long a core with many messages may take to be there.
const STARTING: Duration = Duration::from_secs(60);

/// How the page is driven.
pub struct Drive {
    /// The script.
    pub script: PathBuf,
    /// The folder of the page, built with the door for browsers.
    pub page: PathBuf,
    /// Times that the conversation is opened.
    pub openings: usize,
    /// Pixels a second that are scrolled, one rate after the other.
    pub rates: Vec<u32>,
    /// Seconds that are scrolled at each rate, each way.
    pub seconds: u32,
}

impl Drive {
    /// Drives a page in front of a core on this folder, in a process of its own.
    ///
    /// # Errors
    /// Where the core, the browser or the page does not work.
    pub async fn run(&self, folder: &Path, conversation: ConversationId) -> anyhow::Result<Value> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut core = Process::start(command.args(["one", "door"]).arg(folder))?;
        let said = timeout(STARTING, core.line()).await.ok().flatten();
        let address = said.context("the core does not start")?;
        let rates: Vec<String> = self.rates.iter().map(u32::to_string).collect();
        let mut driver = Command::new("node")
            .arg(&self.script)
            .args([
                "--core",
                &address,
                "--conversation",
                &conversation.to_string(),
            ])
            .arg("--page")
            .arg(&self.page)
            .args(["--openings", &self.openings.to_string()])
            .args(["--rates", &rates.join(",")])
            .args(["--seconds", &self.seconds.to_string()])
            // Its end tells the driver that this process is gone.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let _alive = driver.stdin.take();
        let driven = driver.wait_with_output().await?;
        core.kill9().await?;
        anyhow::ensure!(driven.status.success(), "the page could not be driven");
        Ok(serde_json::from_slice(&driven.stdout)?)
    }
}
