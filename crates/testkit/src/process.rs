//! A program of ours as a process: started, listened to, paused, killed.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    time::timeout,
};

/// Lines that may wait; a program that says more waits itself.
const LINES: usize = 4096;
/// How long a program may take to end when it is asked to.
const ENDING: Duration = Duration::from_secs(15);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts a program and listens to its standard output.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_with(command, Stdio::null())
    }

    /// The same for a program that is told things: see [`Process::tell`].
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_with_input(command: &mut Command) -> io::Result<Self> {
        Self::start_with(command, Stdio::piped())
    }

    fn start_with(command: &mut Command, input: Stdio) -> io::Result<Self> {
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| other("no output"))?;
        let (sender, lines) = mpsc::channel(LINES);
        tokio::spawn(async move {
            let mut reader = BufReader::new(out).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Ok(Self {
            child,
            input,
            lines,
        })
    }

    /// Tells it something: one line of JSON.
    ///
    /// # Errors
    /// Where it does not listen (anymore).
    pub async fn tell(&mut self, said: &Value) -> io::Result<()> {
        let input = self.input.as_mut().ok_or_else(|| other("no input"))?;
        input.write_all(format!("{said}\n").as_bytes()).await?;
        input.flush().await
    }

    /// Tells it that nothing more will be told.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The next line; none once the program has ended.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// The next line of a program that speaks JSON, null where it is something else; none once the
    /// program has ended.
    pub async fn next(&mut self) -> Option<Value> {
        let line = self.line().await?;
        Some(serde_json::from_str(&line).unwrap_or(Value::Null))
    }

    /// Waits until it says something that is so.
    ///
    /// # Errors
    /// Where it ends or the time is over before; with what it said last.
    pub async fn until(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> io::Result<Value> {
        let mut last = Value::Null;
        let found = timeout(within, async {
            while let Some(said) = self.next().await {
                if wanted(&said) {
                    return Some(said);
                }
                last = said;
            }
            None
        });
        match found.await {
            Ok(Some(said)) => Ok(said),
            Ok(None) => Err(other(&format!("the program ended; it said last: {last}"))),
            Err(_) => Err(other(&format!("waited in vain; it said last: {last}"))),
        }
    }

    /// Kills it as a crash would, and waits until it is gone. What it said before can still be read.
    ///
    /// # Errors
    /// What the system says.
    pub async fn kill9(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Stops its time (SIGSTOP): its connections stay, it answers nothing.
    ///
    /// # Errors
    /// What the system says, such as that it has ended.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets its time go on (SIGCONT).
    ///
    /// # Errors
    /// What the system says, such as that it has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// What the system says; where it does not end in time.
    pub async fn stop(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// What the system says; where it does not end in time.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        timeout(ENDING, self.child.wait())
            .await
            .map_err(|_| other("the program does not end"))?
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| other("the program has ended"))?;
        Ok(kill_process(pid, signal)?)
    }
}

/// Where a program of ours is: named by a variable, or beside the program that runs.
///
/// # Errors
/// Where it has not been built.
pub fn program(variable: &str, name: &str, package: &str) -> io::Result<PathBuf> {
    if let Some(named) = env::var_os(variable) {
        return Ok(named.into());
    }
    let here = env::current_exe()?;
    // Tests run in `deps`, programs beside it.
    let places = here.ancestors().skip(1).take(2);
    let found = places
        .map(|place| place.join(name))
        .find(|file| file.is_file());
    found.ok_or_else(|| {
        other(&format!(
            "{name} is not there: run `cargo build -p {package}`, or name it in {variable}"
        ))
    })
}

/// A program, with the project's own variables of this process left out.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if is_ours(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("IM_") || name == "SOAK_BREAK"
}

pub(crate) fn other(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}
