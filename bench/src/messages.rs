//! Messages with acknowledgement: every client sends, waits for the answer, and sends again.

use crate::{
    line::{Ears, Line, Seat},
    machine::{CpuOf, load},
    stats::{Times, median, rounded},
};
use anyhow::Context as _;
use im_protocol::{
    ConversationId, MessageId,
    conversation::{MessageSend, NewMessage},
};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

/// What a message says: as long as a short question.
pub const TEXT: &str =
    "Could you have a look at problem nine with me? I do not see why it converges.";
/// How long what was sent may take to arrive after a round.
const ARRIVING: Duration = Duration::from_secs(10);
/// Connections that are opened at once.
const OPENING: usize = 8;

/// How long a round is.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// Before anything counts.
    pub warm_up: Duration,
    /// What counts.
    pub measured: Duration,
    /// Messages of one client in a round, at most.
    pub at_most: usize,
}

/// What one round came to.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// Acknowledged messages a second while it counted.
    pub messages_per_second: f64,
    /// From the emit to the acknowledgement.
    pub acknowledgement: Times,
    /// All messages of the round, the warm-up included.
    pub sent: u64,
    /// Of those, how many arrived where they should: at the other of the conversation, and, where
    /// the server has a feed, at the author's own device too.
    pub arrived: u64,
    /// How many should.
    pub to_arrive: u64,
    /// Seconds of processor time that the server took for the round, all of it.
    pub server_cpu_s: f64,
    /// Of the machine after the round, over the last 1, 5 and 15 minutes: what else was going on.
    pub load: String,
}

/// All rounds of one server.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The median of the rounds.
    pub messages_per_second: f64,
    /// The median of the rounds.
    pub p50_ms: f64,
    /// The median of the rounds.
    pub p99_ms: f64,
    /// In their order.
    pub rounds: Vec<Round>,
}

impl Summary {
    /// Of these rounds.
    #[must_use]
    pub fn of(rounds: Vec<Round>) -> Self {
        let middle = |value: fn(&Round) -> f64| {
            median(rounds.iter().map(value).collect()).unwrap_or_default()
        };
        Self {
            messages_per_second: middle(|round| round.messages_per_second),
            p50_ms: middle(|round| round.acknowledgement.p50_ms),
            p99_ms: middle(|round| round.acknowledgement.p99_ms),
            rounds,
        }
    }
}

/// One round with a client on each seat, connected for it and gone after it. `program` is the
/// server's, a child of this process.
///
/// # Errors
/// Where a client is refused, or not answered in time.
pub async fn round(seats: &[Seat], length: Length, program: &str) -> anyhow::Result<Round> {
    let cpu = CpuOf::child(program);
    let lines = open(seats, |_| Ears::default()).await?;
    let begin = Instant::now();
    let from = begin + length.warm_up;
    let until = from + length.measured;
    let mut clients = JoinSet::new();
    for (line, seat) in lines.iter().zip(seats) {
        let client = send(line.clone(), seat.clone(), from, until, length.at_most);
        clients.spawn(client);
    }
    let (mut times, mut sent) = (Vec::new(), 0);
    let mut last = from;
    while let Some(client) = clients.join_next().await {
        let client = client??;
        sent += client.sent;
        last = last.max(client.last);
        times.extend(client.times);
    }
    let copies = if seats.iter().any(|seat| seat.feed) {
        2
    } else {
        1
    };
    let arrived = arrivals(&lines, sent * copies).await;
    close(lines).await?;
    let seconds = last.duration_since(from).as_secs_f64();
    Ok(Round {
        messages_per_second: rounded(times.len() as f64 / seconds.max(0.001), 1),
        acknowledgement: Times::of(times),
        sent,
        arrived,
        to_arrive: sent * copies,
        server_cpu_s: rounded(cpu.seconds(), 2),
        load: load(),
    })
}

/// A line for each seat, in their order; `ears` says who hears what that of a number hears.
///
/// # Errors
/// Where one is refused.
pub async fn open(seats: &[Seat], ears: impl Fn(usize) -> Ears) -> anyhow::Result<Vec<Arc<Line>>> {
    let mut lines = Vec::with_capacity(seats.len());
    let seats: Vec<_> = seats.iter().cloned().enumerate().collect();
    for few in seats.chunks(OPENING) {
        let mut opening = JoinSet::new();
        for (at, seat) in few.iter().cloned() {
            let ears = ears(at);
            opening.spawn(async move { anyhow::Ok((at, Line::open(&seat, ears).await?)) });
        }
        let mut opened = Vec::new();
        while let Some(line) = opening.join_next().await {
            opened.push(line??);
        }
        opened.sort_unstable_by_key(|(at, _)| *at);
        lines.extend(opened.into_iter().map(|(_, line)| Arc::new(line)));
    }
    Ok(lines)
}

/// Says goodbye on all of them.
///
/// # Errors
/// Where somebody still has one.
pub async fn close(lines: Vec<Arc<Line>>) -> anyhow::Result<()> {
    for line in lines {
        let line = Arc::into_inner(line).context("a line is still in use")?;
        line.close().await;
    }
    Ok(())
}

/// What one client measured.
struct Client {
    sent: u64,
    times: Vec<Duration>,
    last: Instant,
}

async fn send(
    line: Arc<Line>,
    seat: Seat,
    from: Instant,
    until: Instant,
    at_most: usize,
) -> anyhow::Result<Client> {
    let mut client = Client {
        sent: 0,
        times: Vec::new(),
        last: from,
    };
    for _ in 0..at_most {
        let begin = Instant::now();
        if begin >= until {
            break;
        }
        write(&line, seat.conversation, vec![new(TEXT.to_owned())]).await?;
        let end = Instant::now();
        client.sent += 1;
        if begin >= from {
            client.times.push(end - begin);
            client.last = end;
        }
    }
    Ok(client)
}

/// A message that says this.
#[must_use]
pub fn new(text: String) -> NewMessage {
    NewMessage {
        id: MessageId::new(),
        text,
        written_at: now(),
        reply_to: None,
        files: Vec::new(),
    }
}

/// Sends messages and waits until all are acknowledged.
///
/// # Errors
/// Where one is refused, or there is no answer in time.
pub async fn write(
    line: &Line,
    conversation: ConversationId,
    items: Vec<NewMessage>,
) -> anyhow::Result<()> {
    let count = items.len();
    let asked = MessageSend {
        conversation,
        items,
    };
    let answer = line.ask(&asked).await?;
    anyhow::ensure!(
        answer.failed.is_none() && answer.accepted.len() == count,
        "a message was not accepted"
    );
    Ok(())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

/// Messages that have arrived, as soon as all have or the time is over.
async fn arrivals(lines: &[Arc<Line>], wanted: u64) -> u64 {
    let end = Instant::now() + ARRIVING;
    loop {
        let arrived = lines.iter().map(|line| line.messages()).sum();
        if arrived >= wanted || Instant::now() > end {
            return arrived;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_the_median_of_its_rounds() {
        let round = |rate| Round {
            messages_per_second: rate,
            acknowledgement: Times::of(vec![Duration::from_secs_f64(1.0 / rate)]),
            sent: 1,
            arrived: 1,
            to_arrive: 1,
            server_cpu_s: 0.0,
            load: String::new(),
        };
        let summary = Summary::of(vec![round(500.0), round(100.0), round(200.0)]);
        assert!((summary.messages_per_second - 200.0).abs() < 1e-9);
        assert!((summary.p50_ms - 5.0).abs() < 1e-9);
        assert_eq!(summary.rounds.len(), 3);
    }
}
