//! The real server in the test's own process, on a port of its own, to be stopped and started.

use crate::Mailbox;
use im_protocol::{ConversationId, PersonId, people::Role};
use im_server::{
    Clock, Config, Limits, Running, Server,
    config::{Mail, Tls},
    operator::Operator,
};
use std::{net::SocketAddr, path::Path};
use tempfile::TempDir;

/// The password of everybody who was made by [`TestServer::person`].
pub const PASSWORD: &str = "correct horse battery";

/// A server with a database of its own. It keeps its address over a stop and a start.
pub struct TestServer {
    data: TempDir,
    addr: SocketAddr,
    /// The port of the mail server, where there is one.
    mail: Option<u16>,
    limits: Limits,
    /// Bytes in a file, at most, where that is not the usual.
    file_bytes: Option<u64>,
    running: Option<Running>,
}

impl TestServer {
    /// Starts an empty one. Limits on rates are wide, so that tests run into none by accident.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start() -> Self {
        Self::start_with(None, Limits::wide()).await
    }

    /// The same with limits that are reached.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_limited(limits: Limits) -> Self {
        Self::start_with(None, limits).await
    }

    /// The same with this mail server.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_with_mail(mailbox: &Mailbox) -> Self {
        Self::start_with(Some(mailbox.port()), Limits::wide()).await
    }

    async fn start_with(mail: Option<u16>, limits: Limits) -> Self {
        let data = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self {
            data,
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            mail,
            limits,
            file_bytes: None,
            running: None,
        };
        server.up().await;
        server
    }

    /// Starts one with an empty database where another one was.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_in_place_of(mut former: Self) -> Self {
        former.down().await;
        let data = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self {
            data,
            addr: former.addr,
            mail: former.mail,
            limits: former.limits.clone(),
            file_bytes: former.file_bytes,
            running: None,
        };
        server.up().await;
        server
    }

    /// Starts it again, with what it had on disk.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn up(&mut self) {
        if self.running.is_some() {
            return;
        }
        let mut config = Config::new(self.data.path());
        config.listen = self.addr;
        config.limits = self.limits.clone();
        if let Some(bytes) = self.file_bytes {
            config.files.max_bytes = bytes;
        }
        config.mail = self.mail.map(|port| Mail {
            host: "127.0.0.1".to_owned(),
            port,
            tls: Tls::None,
            login: None,
            from: "mentor@example.org".parse().expect("an address"),
        });
        let running = Server::start(config).await.expect("the server starts");
        self.addr = running.addr;
        self.running = Some(running);
    }

    /// Starts it again, with another limit for files. The operator changes what they want.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn up_with_file_limit(&mut self, bytes: u64) {
        self.down().await;
        self.file_bytes = Some(bytes);
        self.up().await;
    }

    /// Stops it cleanly.
    pub async fn down(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Where clients go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it keeps what it knows.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// The server's clock.
    ///
    /// # Panics
    /// While it is down.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.running().clock()
    }

    /// The server itself.
    ///
    /// # Panics
    /// While it is down.
    #[must_use]
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the server is up")
    }

    /// Makes an account: `Maya` has the address `maya@example.org` and [`PASSWORD`].
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn person(&self, name: &str, role: Role) -> PersonId {
        let operator = self.operator();
        operator
            .add_person(&email(name), name, role, PASSWORD)
            .await
            .expect("a new person")
    }

    /// An operator of it.
    ///
    /// # Panics
    /// While it is down.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.running().operator().expect("an operator")
    }

    /// A course of this mentor with this student in it; gives their conversation about it.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn course(&self, title: &str, mentor: &str, student: &str) -> ConversationId {
        let operator = self.operator();
        let course = operator
            .add_course(title, &email(mentor), None)
            .await
            .expect("a new course");
        operator
            .enrol(&course.to_string(), &email(student))
            .await
            .expect("the student is enrolled")
    }
}

/// The address of a person made by [`TestServer::person`].
#[must_use]
pub fn email(name: &str) -> String {
    format!("{}@example.org", name.to_lowercase())
}
