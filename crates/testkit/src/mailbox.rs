//! A mail server that keeps what it gets: enough of SMTP (RFC 5321) for one client that sends plain
//! text, without TLS, on this machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// How long a mail may take to arrive.
const SOON: Duration = Duration::from_secs(30);

/// A mail that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address it was for.
    pub to: String,
    /// Head and text, as they came.
    pub text: String,
}

impl Mail {
    /// The code in it: the line of its own in groups of four.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let looks_like_one = |line: &&str| {
            line.len() == 14 && line.split('-').map(str::len).eq([4, 4, 4]) && !line.contains(' ')
        };
        let mut lines = self.text.lines().map(str::trim);
        lines.find(looks_like_one).expect("a code").to_owned()
    }
}

/// What it does with those who connect while it is in this mood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes every mail.
    Takes,
    /// Is too busy for every recipient (451).
    Busy,
    /// Knows no recipient (550).
    KnowsNobody,
    /// Lets connections wait without a word.
    Silent,
    /// Takes every mail, and never says so.
    TakesInSilence,
}

/// See the module. Dropping it takes it down.
#[derive(Debug)]
pub struct Mailbox {
    addr: SocketAddr,
    state: Arc<State>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    mood: AtomicU8,
    mails: Mutex<Vec<Mail>>,
    count: watch::Sender<usize>,
    /// Connections that ever came.
    seen: watch::Sender<usize>,
    /// Those that wait for a word and are still there.
    waiting: AtomicUsize,
}

impl Mailbox {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// Where there is no port.
    pub async fn start() -> Self {
        let mut mailbox = Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            state: Arc::new(State {
                mood: AtomicU8::new(Mood::Takes as u8),
                mails: Mutex::default(),
                count: watch::Sender::new(0),
                seen: watch::Sender::new(0),
                waiting: AtomicUsize::new(0),
            }),
            serving: None,
        };
        mailbox.up().await;
        mailbox
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Listens (again), on the port that it had.
    ///
    /// # Panics
    /// Where the port is not free anymore.
    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.addr).await.expect("a port for mail");
        self.addr = listener.local_addr().expect("an address");
        let state = Arc::clone(&self.state);
        self.serving = Some(tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A connection keeps the mood that it met.
                let mood = state.mood.load(Ordering::SeqCst);
                state.seen.send_modify(|seen| *seen += 1);
                let state = Arc::clone(&state);
                // A client that breaks off is its own affair.
                talks.spawn(async move { talk(stream, &state, mood).await.ok() });
            }
        }));
    }

    /// Listens no more, and breaks every connection off.
    pub async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            serving.await.ok();
        }
    }

    /// What it does from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.state.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// Everything that arrived, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        let mails = self.state.mails.lock();
        mails.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many mails have arrived for an address, and gives the last one.
    ///
    /// # Panics
    /// Where they do not in time.
    pub async fn nth_for(&self, to: &str, nth: usize) -> Mail {
        let mut count = self.state.count.subscribe();
        let arrived = async {
            loop {
                let mails = self.mails();
                let mut fitting = mails.into_iter().filter(|mail| mail.to == to);
                if let Some(mail) = fitting.nth(nth.saturating_sub(1)) {
                    return mail;
                }
                count.changed().await.expect("the mailbox is there");
            }
        };
        timeout(SOON, arrived).await.expect("a mail in time")
    }

    /// How many clients wait for a word of a mail server that is [`Mood::Silent`] and have not given up.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state.waiting.load(Ordering::SeqCst)
    }

    /// Waits until so many connections have come.
    ///
    /// # Panics
    /// Where they do not in time.
    pub async fn connections(&self, count: usize) {
        let mut seen = self.state.seen.subscribe();
        let came = seen.wait_for(|seen| *seen >= count);
        let came = timeout(SOON, came).await.expect("a connection in time");
        came.expect("the mailbox is there");
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

impl State {
    fn keep(&self, mail: Mail) {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(mail);
        self.count.send_replace(mails.len());
    }
}

async fn talk(stream: TcpStream, state: &State, mood: u8) -> std::io::Result<()> {
    let is = |one: Mood| mood == one as u8;
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    if is(Mood::Silent) {
        state.waiting.fetch_add(1, Ordering::SeqCst);
        // Nothing comes before the greeting but the end.
        let gone = lines.next_line().await;
        state.waiting.fetch_sub(1, Ordering::SeqCst);
        return gone.map(drop);
    }
    writer.write_all(b"220 mailbox here\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let answer: &[u8] = match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => b"250-mailbox\r\n250 8BITMIME\r\n",
            "RCPT" if is(Mood::Busy) => b"451 later\r\n",
            "RCPT" if is(Mood::KnowsNobody) => b"550 nobody here\r\n",
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1);
                to = address.unwrap_or_default().to_owned();
                b"250 ok\r\n"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    // RFC 5321, section 4.5.2.
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                let mail = Mail {
                    to: to.clone(),
                    text,
                };
                state.keep(mail);
                if is(Mood::TakesInSilence) {
                    return std::future::pending().await;
                }
                b"250 taken\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "MAIL" | "RSET" | "NOOP" => b"250 ok\r\n",
            _ => b"502 not here\r\n",
        };
        writer.write_all(answer).await?;
    }
    Ok(())
}
