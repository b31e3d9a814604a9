//! A mentor changes their status, and everybody who is connected is told.

use crate::{
    line::{Ears, Line, Seat, Seen},
    stats::Times,
};
use anyhow::Context as _;
use im_protocol::people::{Availability, StatusSet};
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Connections that are opened at once.
const OPENING: usize = 16;
/// How long a change may take to the last receiver.
const ARRIVING: Duration = Duration::from_secs(30);
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(300);
/// After everybody has connected, before anything is measured: others being told who came.
const SETTLING: Duration = Duration::from_secs(3);

/// What one visit of everybody came to.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// From the emit to the last receiver, for each change.
    pub to_last: Vec<Duration>,
    /// From the emit to the receiver in the middle, for each change.
    pub to_middle: Vec<Duration>,
}

/// All visits at one server.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// From the emit to the last receiver.
    pub to_last_receiver: Times,
    /// From the emit to the receiver in the middle.
    pub to_middle_receiver: Times,
}

impl Summary {
    /// Of these visits.
    #[must_use]
    pub fn of(visits: Vec<Visit>) -> Self {
        let (mut last, mut middle) = (Vec::new(), Vec::new());
        for visit in visits {
            last.extend(visit.to_last);
            middle.extend(visit.to_middle);
        }
        Self {
            to_last_receiver: Times::of(last),
            to_middle_receiver: Times::of(middle),
        }
    }
}

/// Connects so many sockets, shared out among the seats, changes the first seat's status so many
/// times, and closes them. The first seat is a mentor's; all sockets are told, theirs included. One
/// change before the measured ones does not count.
///
/// # Errors
/// Where a socket is refused, or a change does not reach all of them in time.
pub async fn visit(seats: &[Seat], sockets: usize, changes: usize) -> anyhow::Result<Visit> {
    let (statuses, mut seen) = mpsc::channel(2 * sockets);
    let lines = open(seats, sockets, &statuses).await?;
    let mentor = lines.first().context("no sockets")?;
    sleep(SETTLING).await;
    let mut visit = Visit::default();
    for number in 0..=changes {
        // Told in their order, so that a status of an earlier change is known by its words.
        let message = format!("Back in {number} minutes");
        let asked = StatusSet {
            availability: Availability::Break,
            message: message.clone(),
        };
        let begin = Instant::now();
        let told = all(&mut seen, &message, sockets);
        let (answer, arrived) = tokio::join!(mentor.ask(&asked), timeout(ARRIVING, told));
        answer?;
        let mut arrived = arrived.context("a change did not reach everybody in time")?;
        arrived.sort_unstable();
        if number > 0 {
            visit.to_last.extend(after(begin, arrived.last()));
            visit
                .to_middle
                .extend(after(begin, arrived.get(arrived.len() / 2)));
        }
        sleep(PAUSE).await;
    }
    let mut closing = JoinSet::new();
    for line in lines {
        closing.spawn(line.close());
    }
    closing.join_all().await;
    Ok(visit)
}

fn after(begin: Instant, end: Option<&Instant>) -> Option<Duration> {
    end.map(|end| end.duration_since(begin))
}

/// When this status arrived, so many times.
async fn all(seen: &mut mpsc::Receiver<Seen>, message: &str, count: usize) -> Vec<Instant> {
    let mut arrived = Vec::with_capacity(count);
    while arrived.len() < count {
        match seen.recv().await {
            Some((which, at)) if which == message => arrived.push(at),
            Some(_) => {}
            None => break,
        }
    }
    arrived
}

async fn open(
    seats: &[Seat],
    sockets: usize,
    statuses: &mpsc::Sender<Seen>,
) -> anyhow::Result<Vec<Line>> {
    let mut opening = JoinSet::new();
    let mut lines = Vec::with_capacity(sockets);
    for seat in seats.iter().cycle().take(sockets) {
        if opening.len() >= OPENING
            && let Some(line) = opening.join_next().await
        {
            lines.push(line?);
        }
        let seat = seat.clone();
        let ears = Ears {
            statuses: Some(statuses.clone()),
            words: None,
        };
        // The first is the mentor's, and is opened alone.
        if lines.is_empty() && opening.is_empty() {
            lines.push(Line::open(&seat, ears).await);
        } else {
            opening.spawn(async move { Line::open(&seat, ears).await });
        }
    }
    while let Some(line) = opening.join_next().await {
        lines.push(line?);
    }
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_status_of_this_change_counts() {
        let (statuses, mut seen) = mpsc::channel(8);
        let begin = Instant::now();
        for (words, ms) in [("old", 1), ("new", 2), ("old", 3), ("new", 4)] {
            let at = begin + Duration::from_millis(ms);
            statuses.send((words.to_owned(), at)).await.unwrap();
        }
        let arrived = all(&mut seen, "new", 2).await;
        let times: Vec<_> = arrived.iter().map(|at| at.duration_since(begin)).collect();
        assert_eq!(times, [2, 4].map(Duration::from_millis));
    }
}
