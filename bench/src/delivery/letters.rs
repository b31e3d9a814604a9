//! What is written in a round: when, by whom, and what became of it.

use crate::{messages::TEXT, stats::Times};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// One message.
struct Letter {
    /// When it is due, since the round's begin.
    after: Duration,
    /// Who writes it, by their seat.
    author: usize,
    /// Whether it counts.
    counts: bool,
    /// It was handed to the author's desk.
    written: OnceLock<Instant>,
    /// The author's desk answered.
    kept: OnceLock<Instant>,
    /// The other's desk said that there is something new.
    told: OnceLock<Instant>,
    /// The other has it.
    shown: OnceLock<Instant>,
}

/// How a round is written.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Who write: an even number, two and two next to each other.
    pub people: usize,
    /// Messages of all of them, a second.
    pub per_second: u32,
    /// Before anything counts.
    pub warm_up: Duration,
    /// What counts.
    pub measured: Duration,
}

/// A round's letters, in the order in which they are due.
pub struct Letters {
    /// Tells them from the letters of other rounds.
    round: u32,
    letters: Vec<Letter>,
    arrived: watch::Sender<usize>,
}

impl Letters {
    /// Evenly spaced. First one of each pair writes, then the other of each, and so on.
    #[must_use]
    pub fn new(round: u32, pace: Pace) -> Self {
        let rate = f64::from(pace.per_second.max(1));
        let all = (pace.warm_up + pace.measured).as_secs_f64() * rate;
        let pairs = (pace.people / 2).max(1);
        // What does not fit into the time is not written.
        let letters = (0..all.floor() as usize).map(|number| {
            let after = Duration::from_secs_f64(number as f64 / rate);
            Letter {
                after,
                author: 2 * (number % pairs) + number / pairs % 2,
                counts: after >= pace.warm_up,
                written: OnceLock::new(),
                kept: OnceLock::new(),
                told: OnceLock::new(),
                shown: OnceLock::new(),
            }
        });
        Self {
            round,
            letters: letters.collect(),
            arrived: watch::channel(0).0,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.letters.len()
    }

    /// When it is due, since the round's begin, and who writes it.
    #[must_use]
    pub fn due(&self, number: usize) -> Option<(Duration, usize)> {
        let letter = self.letters.get(number)?;
        Some((letter.after, letter.author))
    }

    /// What it says: as long as a short question, and its number, by which it is known again.
    #[must_use]
    pub fn text(&self, number: usize) -> String {
        format!("{TEXT} {}.{number}", self.round)
    }

    /// The letter of this round that says this.
    fn known(&self, text: &str) -> Option<&Letter> {
        let (round, number) = text.rsplit(' ').next()?.split_once('.')?;
        if round.parse() != Ok(self.round) {
            return None;
        }
        self.letters.get(number.parse::<usize>().ok()?)
    }

    /// It was handed to the author's desk just now.
    pub fn written(&self, number: usize) {
        if let Some(letter) = self.letters.get(number) {
            letter.written.get_or_init(Instant::now);
        }
    }

    /// The author's desk has answered just now.
    pub fn kept(&self, number: usize) {
        if let Some(letter) = self.letters.get(number) {
            letter.kept.get_or_init(Instant::now);
        }
    }

    /// Somebody has these words before them, of which they were told at that time. Their own, and those
    /// of other rounds, are none of this one's.
    pub fn seen(&self, by: usize, text: &str, told: Instant) {
        let Some(letter) = self.known(text) else {
            return;
        };
        if letter.author == by || letter.shown.set(Instant::now()).is_err() {
            return;
        }
        letter.told.get_or_init(|| told);
        self.arrived.send_modify(|count| *count += 1);
    }

    /// Waits until all have arrived.
    pub async fn all_arrived(&self) {
        let mut arrived = self.arrived.subscribe();
        // The sender lives as long as this.
        arrived.wait_for(|count| *count >= self.count()).await.ok();
    }

    /// How many have arrived, of those that were not to count too.
    #[must_use]
    pub fn arrived(&self) -> usize {
        *self.arrived.borrow()
    }

    /// From the writing to when the other had it.
    #[must_use]
    pub fn to_shown(&self) -> Times {
        self.times(|letter| between(&letter.written, &letter.shown))
    }

    /// From the writing to when the other was told that there is something new.
    #[must_use]
    pub fn to_told(&self) -> Times {
        self.times(|letter| between(&letter.written, &letter.told))
    }

    /// From the writing to when the author's desk answered.
    #[must_use]
    pub fn to_kept(&self) -> Times {
        self.times(|letter| between(&letter.written, &letter.kept))
    }

    /// How late they were written, by a round that began then.
    #[must_use]
    pub fn late(&self, begun: Instant) -> Times {
        self.times(|letter| {
            let written = letter.written.get()?;
            Some(written.saturating_duration_since(begun + letter.after))
        })
    }

    fn times(&self, of: impl Fn(&Letter) -> Option<Duration>) -> Times {
        let counting = self.letters.iter().filter(|letter| letter.counts);
        Times::of(counting.filter_map(of).collect())
    }
}

fn between(from: &OnceLock<Instant>, to: &OnceLock<Instant>) -> Option<Duration> {
    Some(to.get()?.saturating_duration_since(*from.get()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(round: u32) -> Letters {
        let pace = Pace {
            people: 4,
            per_second: 10,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(2),
        };
        Letters::new(round, pace)
    }

    #[test]
    fn they_are_evenly_spaced_and_everybody_writes_in_turn() {
        let letters = letters(1);
        assert_eq!(letters.count(), 30);
        let due = |number| letters.due(number).unwrap();
        let authors: Vec<_> = (0..6).map(|number| due(number).1).collect();
        assert_eq!(authors, [0, 2, 1, 3, 0, 2]);
        assert_eq!(due(29).0, Duration::from_millis(2_900));
        assert_eq!(letters.due(30), None);
    }

    #[test]
    fn a_letter_has_arrived_once_the_other_sees_it() {
        let letters = letters(1);
        let now = Instant::now();
        letters.written(12);
        let text = letters.text(12);
        let (_, author) = letters.due(12).unwrap();
        letters.seen(author, &text, now);
        assert_eq!(letters.arrived(), 0);
        letters.seen(author + 1, &text, now);
        letters.seen(author + 1, &text, now);
        assert_eq!(letters.arrived(), 1);
        assert_eq!(letters.to_shown().count, 1);
    }

    #[test]
    fn letters_of_other_rounds_and_other_words_are_not_known() {
        let letters = letters(1);
        for text in [&self::letters(2).text(3), "hello", "1.900", "1.x", ""] {
            letters.seen(9, text, Instant::now());
        }
        assert_eq!(letters.arrived(), 0);
    }

    #[test]
    fn the_warm_up_does_not_count() {
        let letters = letters(1);
        for number in [9, 10] {
            letters.written(number);
            letters.kept(number);
        }
        assert_eq!(letters.to_kept().count, 1);
    }
}
