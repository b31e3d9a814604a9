//! The real server as a process: killed, paused and started again on the same folder and port.

use crate::{
    process::{self, Process, other},
    server::{PASSWORD, email},
};
use im_protocol::{
    ConversationId, DeviceId, PersonId,
    rest::{AcceptInvitation, Device, Register, SignedIn},
};
use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long it may take to listen.
const STARTING: Duration = Duration::from_secs(30);

/// See the module. Limits on rates are wide; its log is `server.log` in the data folder.
#[derive(Debug)]
pub struct ServerProcess {
    program: PathBuf,
    data: PathBuf,
    /// Deletes the folder where it is nobody else's.
    _folder: Option<TempDir>,
    variables: Vec<(String, String)>,
    url: String,
    port: u16,
    process: Option<Process>,
}

/// Somebody of the demo data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoPerson {
    /// student, mentor or admin.
    pub role: String,
    /// The name shown.
    pub name: String,
    /// To sign in with.
    pub email: String,
    /// To sign in with.
    pub password: String,
}

impl ServerProcess {
    /// The built server with a folder of its own; not started.
    ///
    /// # Errors
    /// Where it has not been built.
    pub fn new() -> io::Result<Self> {
        let program = process::program("IM_SERVER_BIN", "instantmentor-server", "im-server")?;
        let folder = tempfile::tempdir()?;
        let mut server = Self::of(&program, folder.path());
        server._folder = Some(folder);
        Ok(server)
    }

    /// This program on this folder; not started.
    #[must_use]
    pub fn of(program: &Path, data: &Path) -> Self {
        Self {
            program: program.to_owned(),
            data: data.to_owned(),
            _folder: None,
            variables: Vec::new(),
            url: String::new(),
            port: 0,
            process: None,
        }
    }

    /// Sets a variable for every start from now on.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it listens. A second start takes the port of the first.
    ///
    /// # Errors
    /// Where it does not listen in time.
    pub async fn start(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.data)?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data.join("server.log"))?;
        let mut command = self.command();
        let mut process = Process::start(command.arg("serve").stderr(log))?;
        let line = timeout(STARTING, process.line()).await.ok().flatten();
        let url = line
            .as_deref()
            .and_then(|line| line.strip_prefix("listening on "));
        let url = url.ok_or_else(|| other("the server does not start: see server.log"))?;
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        self.port = port.ok_or_else(|| other("the server names no port"))?;
        self.url = url.to_owned();
        self.process = Some(process);
        Ok(())
    }

    /// Kills it as a crash would.
    ///
    /// # Errors
    /// What the system says.
    pub async fn kill9(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill9().await,
            None => Ok(()),
        }
    }

    /// Kills it as a crash would and starts it again: same folder, same port.
    ///
    /// # Errors
    /// Where it does not listen in time.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill9().await?;
        self.start().await
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

    /// Stops it as an operator does.
    ///
    /// # Errors
    /// Where it does not end cleanly in time.
    pub async fn stop(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let status = process.stop().await?;
        if status.success() {
            Ok(())
        } else {
            Err(other(&format!("the server ended: {status}")))
        }
    }

    /// Where clients go.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder with the database.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// `instantmentor-server admin …`; gives what it prints.
    ///
    /// # Errors
    /// Where it refuses, with its words.
    pub async fn admin(&self, arguments: &[&str]) -> io::Result<String> {
        let out = self.command().arg("admin").args(arguments).output().await?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(other(&String::from_utf8_lossy(&out.stderr)))
    }

    /// Registers a student: `Sam` has the address `sam@example.org` and [`PASSWORD`].
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn student(&self, name: &str) -> io::Result<PersonId> {
        let body = Register {
            email: email(name),
            password: PASSWORD.to_owned(),
            name: name.to_owned(),
            device: device(),
        };
        self.enter("register", &body).await
    }

    /// Invites a mentor, who accepts: `Maya` has the address `maya@example.org` and [`PASSWORD`].
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn mentor(&self, name: &str) -> io::Result<PersonId> {
        let invited = self
            .admin(&["invite", "--email", &email(name), "--role", "mentor"])
            .await?;
        let body = AcceptInvitation {
            code: answer(&invited, "invitation code: ")?,
            password: PASSWORD.to_owned(),
            name: name.to_owned(),
            device: device(),
        };
        self.enter("accept-invitation", &body).await
    }

    /// A course of this mentor with this student in it; gives their conversation about it.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn course(
        &self,
        title: &str,
        mentor: &str,
        student: &str,
    ) -> io::Result<ConversationId> {
        let mentor = email(mentor);
        let added = self
            .admin(&["add-course", "--title", title, "--mentor-email", &mentor])
            .await?;
        let course = answer(&added, "course: ")?;
        let student = email(student);
        let enrolled = self
            .admin(&["enrol", "--course", &course, "--student-email", &student])
            .await?;
        let id = answer(&enrolled, "conversation: ")?;
        id.parse()
            .map_err(|_| other("the server names no conversation"))
    }

    /// Fills it with the demo people.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn demo(&self) -> io::Result<Vec<DemoPerson>> {
        let listed = self.admin(&["demo"]).await?;
        Ok(listed.lines().filter_map(demo_person).collect())
    }

    async fn enter(&self, door: &str, body: &impl serde::Serialize) -> io::Result<PersonId> {
        let body = serde_json::to_vec(body)?;
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await?;
        let head = format!(
            "POST /v1/auth/{door} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        match serde_json::from_str::<SignedIn>(body) {
            Ok(signed_in) => Ok(signed_in.me.person.id),
            Err(_) => {
                let status = head.lines().next().unwrap_or_default();
                Err(other(&format!("the server refuses: {status}")))
            }
        }
    }

    fn running(&self) -> io::Result<&Process> {
        self.process
            .as_ref()
            .ok_or_else(|| other("the server is not running"))
    }

    fn command(&self) -> tokio::process::Command {
        let mut command = process::command(&self.program);
        command
            .env("IM_DATA", &self.data)
            .env("IM_PORT", self.port.to_string())
            .env("IM_LIMITS", "wide")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn device() -> Device {
    Device {
        id: DeviceId::new(),
        name: "test".to_owned(),
    }
}

/// What the command line says after these words.
fn answer(said: &str, words: &str) -> io::Result<String> {
    let found = said.lines().find_map(|line| line.strip_prefix(words));
    found
        .map(str::to_owned)
        .ok_or_else(|| other("the server's answer is not understood"))
}

/// A line of `admin demo`: role, name, address, password in columns.
fn demo_person(line: &str) -> Option<DemoPerson> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let (password, email) = (words.pop()?, words.pop()?);
    let (role, name) = words.split_first()?;
    Some(DemoPerson {
        role: (*role).to_owned(),
        name: name.join(" "),
        email: email.to_owned(),
        password: password.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_persons_line_is_read_with_both_names() {
        let line = "mentor   Maya Lindqvist   maya@demo.example      demo-password";
        let person = demo_person(line).unwrap();
        assert_eq!(person.name, "Maya Lindqvist");
        assert_eq!(
            (person.role.as_str(), person.password.as_str()),
            ("mentor", "demo-password")
        );
        assert_eq!(demo_person("nothing"), None);
    }
}
