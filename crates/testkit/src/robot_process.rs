//! A robot as a process: somebody with an account and a data folder, who can be killed and started
//! again.

use crate::process::{self, Process, other};
use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Somebody's robot. The password goes by the environment, so that no token needs to be on disk;
/// its log is `robot.log` in the data folder.
#[derive(Debug)]
pub struct RobotProcess {
    program: PathBuf,
    data: PathBuf,
    server: String,
    email: String,
    password: String,
    variables: Vec<(String, String)>,
    process: Option<Process>,
}

impl RobotProcess {
    /// The built robot; not started.
    ///
    /// # Errors
    /// Where it has not been built.
    pub fn new(server: &str, email: &str, password: &str, data: &Path) -> io::Result<Self> {
        let program = process::program("IM_ROBOT_BIN", "instantmentor-robot", "im-robot")?;
        Ok(Self::of(&program, server, email, password, data))
    }

    /// This program; not started.
    #[must_use]
    pub fn of(program: &Path, server: &str, email: &str, password: &str, data: &Path) -> Self {
        Self {
            program: program.to_owned(),
            data: data.to_owned(),
            server: server.to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
            variables: Vec::new(),
            process: None,
        }
    }

    /// Sets a variable for every start from now on.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it with these arguments, such as `send --to Maya`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self, arguments: &[&str]) -> io::Result<()> {
        let mut command = self.command(arguments)?;
        self.process = Some(Process::start(&mut command)?);
        Ok(())
    }

    /// Starts it to do what it is told: see [`RobotProcess::tell`].
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_told(&mut self) -> io::Result<()> {
        let mut command = self.command(&["act"])?;
        self.process = Some(Process::start_with_input(&mut command)?);
        Ok(())
    }

    /// Tells it what to do: a line of JSON.
    ///
    /// # Errors
    /// Where it does not listen (anymore).
    pub async fn tell(&mut self, said: &Value) -> io::Result<()> {
        let process = self.process.as_mut();
        let process = process.ok_or_else(|| other("the robot is not running"))?;
        process.tell(said).await
    }

    fn command(&self, arguments: &[&str]) -> io::Result<tokio::process::Command> {
        fs::create_dir_all(&self.data)?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data.join("robot.log"))?;
        let mut command = process::command(&self.program);
        command
            .args(arguments)
            .env("IM_SERVER", &self.server)
            .env("IM_ROBOT_EMAIL", &self.email)
            .env("IM_ROBOT_PASSWORD", &self.password)
            .env("IM_ROBOT_DATA", &self.data)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stderr(log);
        Ok(command)
    }

    /// The next thing it says; none once it has ended.
    pub async fn next(&mut self) -> Option<Value> {
        self.process.as_mut()?.next().await
    }

    /// Waits until it says something that is so.
    ///
    /// # Errors
    /// Where it ends or the time is over before.
    pub async fn until(
        &mut self,
        within: Duration,
        wanted: impl FnMut(&Value) -> bool,
    ) -> io::Result<Value> {
        let process = self.process.as_mut();
        let process = process.ok_or_else(|| other("the robot is not running"))?;
        process.until(within, wanted).await
    }

    /// Kills it as a crash would; gives what it had still said.
    ///
    /// # Errors
    /// What the system says.
    pub async fn kill9(&mut self) -> io::Result<Vec<Value>> {
        let Some(process) = self.process.as_mut() else {
            return Ok(Vec::new());
        };
        process.kill9().await?;
        let mut said = Vec::new();
        while let Some(value) = self.next().await {
            said.push(value);
        }
        self.process = None;
        Ok(said)
    }

    /// Stops its time: connections stay, nothing is answered.
    ///
    /// # Errors
    /// What the system says.
    pub fn pause(&self) -> io::Result<()> {
        self.running()?.pause()
    }

    /// Lets its time go on.
    ///
    /// # Errors
    /// What the system says.
    pub fn resume(&self) -> io::Result<()> {
        self.running()?.resume()
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// Where it does not end in time, or with a failure.
    pub async fn stop(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let status = process.stop().await?;
        if status.success() {
            Ok(())
        } else {
            Err(other(&format!("the robot ended: {status}")))
        }
    }

    /// The folder with its databases.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn running(&self) -> io::Result<&Process> {
        self.process
            .as_ref()
            .ok_or_else(|| other("the robot is not running"))
    }
}
