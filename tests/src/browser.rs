//! A headless Chromium with a page that is a client of the protocol: `node/page`, written from
//! docs/protocol.md alone. It has a camera and a microphone of its own.

use im_testkit::process::Process;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io,
    path::Path,
    time::Duration,
};
use tokio::process::Command;

/// How long a browser may take to start where others work too.
const STARTING: Duration = Duration::from_secs(60);

/// See the module. Its profile and its log, `browser.log`, are in a folder of the test's. Dropping
/// it kills it.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    origins: Vec<String>,
}

impl Browser {
    /// Starts it. Its microphone hears this WAV file, over and over.
    ///
    /// # Errors
    /// Where Node.js or Chromium cannot be started.
    pub async fn start(folder: &Path, microphone: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new("node");
        command
            .arg("browser.mjs")
            .arg(microphone)
            .current_dir("node")
            .env("TMPDIR", folder)
            .stderr(File::create(folder.join("browser.log"))?);
        let mut process = Process::start_with_input(&mut command)?;
        let ready = process.until(STARTING, |said| is(said, "ready"));
        let ready = ready.await?;
        let origins = ready.get("origins").and_then(Value::as_array);
        let origins = origins.into_iter().flatten().filter_map(Value::as_str);
        let origins = origins.map(str::to_owned);
        Ok(Self {
            origins: origins.collect(),
            process,
        })
    }

    /// The two origins that the page can be opened from, such as `http://localhost:40000`.
    #[must_use]
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Opens the page, one without a memory, and signs somebody in.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn sign_in(
        &mut self,
        origin: &str,
        server: &str,
        email: &str,
        password: &str,
    ) -> io::Result<()> {
        let open = json!({ "do": "open", "origin": origin });
        self.process.tell(&open).await?;
        self.tell(
            "sign_in",
            json!({ "server": server, "email": email, "password": password }),
        )
        .await
    }

    /// Commands the page: `call`, `accept`, `camera`, `hang_up`, `message`, `history`; see `main.js`.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn tell(&mut self, what: &str, mut with: Value) -> io::Result<()> {
        if let Value::Object(with) = &mut with {
            with.insert("do".to_owned(), what.into());
        }
        self.process.tell(&with).await
    }

    /// Waits until the page says something that is so.
    ///
    /// # Errors
    /// Where something fails there, or the time is over before.
    pub async fn until(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> io::Result<Value> {
        let said = self
            .process
            .until(within, |said| wanted(said) || is(said, "failed"));
        let said = said.await?;
        if wanted(&said) {
            Ok(said)
        } else {
            Err(io::Error::other(format!(
                "something failed in the page: {said}"
            )))
        }
    }

    /// Closes the browser and waits until it is gone.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn stop(mut self) -> io::Result<()> {
        self.process.close_input();
        let status = self.process.ended().await?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("the browser ended: {status}")))
        }
    }
}

fn is(said: &Value, event: &str) -> bool {
    said.get("event").is_some_and(|told| told == event)
}
