//! What rounds came to.

use super::{
    letters::{Letters, Pace},
    post::{self, Desks},
};
use crate::{
    machine::{CpuOf, load, own_cpu},
    stats::{Times, median, rounded},
};
use serde::Serialize;
use std::sync::Arc;

/// One round.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// Messages of all people, a second.
    #[serde(skip)]
    pub per_second: u32,
    /// From when a person gave the command to when the other's side had the row.
    pub to_shown: Times,
    /// From then to when the other's side was told that there is something to be read; where somebody
    /// has to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_told: Option<Times>,
    /// From then to when the author's side answered.
    pub to_answered: Times,
    /// How late the command was given, after it was due: what the load itself was short of.
    pub late: Times,
    /// All messages of the round, the warm-up included.
    pub written: usize,
    /// Of those, how many the other has seen.
    pub arrived: usize,
    /// Seconds of processor time that the server took for the round.
    pub server_cpu_s: f64,
    /// Seconds of processor time that everybody at their desks took, all of them together.
    pub desks_cpu_s: f64,
    /// Of the machine after the round, over the last 1, 5 and 15 minutes: what else was going on.
    pub load: String,
}

impl Round {
    /// Has a round written at these desks. `program` is the server's, a child of this process; `told`
    /// says whether the desks are told before they see.
    ///
    /// # Errors
    /// Where a desk refuses a letter.
    pub async fn of<D: Desks>(
        desks: &Arc<D>,
        number: u32,
        pace: Pace,
        program: &str,
        told: bool,
    ) -> anyhow::Result<Self> {
        let letters = Arc::new(Letters::new(number, pace));
        let (cpu, before) = (CpuOf::child(program), own_cpu());
        let begun = post::carry(desks, &letters).await?;
        Ok(Self {
            per_second: pace.per_second,
            to_shown: letters.to_shown(),
            to_told: told.then(|| letters.to_told()),
            to_answered: letters.to_kept(),
            late: letters.late(begun),
            written: letters.count(),
            arrived: letters.arrived(),
            server_cpu_s: rounded(cpu.seconds(), 2),
            desks_cpu_s: rounded(own_cpu().saturating_sub(before).as_secs_f64(), 2),
            load: load(),
        })
    }
}

/// All rounds of one kind of desks at one rate.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The median of the rounds.
    pub p50_ms: f64,
    /// The median of the rounds.
    pub p99_ms: f64,
    /// The longest of all rounds.
    pub worst_ms: f64,
    /// Messages that never arrived.
    pub missing: usize,
    /// In their order.
    pub rounds: Vec<Round>,
}

impl Summary {
    /// Of those of these rounds that had this rate.
    #[must_use]
    pub fn of(rounds: &[Round], per_second: u32) -> Self {
        let at_rate = rounds.iter().filter(|round| round.per_second == per_second);
        let rounds: Vec<Round> = at_rate.cloned().collect();
        let all = |value: fn(&Times) -> f64| -> Vec<f64> {
            rounds.iter().map(|round| value(&round.to_shown)).collect()
        };
        Self {
            p50_ms: median(all(|times| times.p50_ms)).unwrap_or_default(),
            p99_ms: median(all(|times| times.p99_ms)).unwrap_or_default(),
            worst_ms: all(|times| times.worst_ms).into_iter().fold(0.0, f64::max),
            missing: rounds
                .iter()
                .map(|round| round.written - round.arrived)
                .sum(),
            rounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_summary_is_of_its_rate_and_keeps_the_worst_of_all() {
        let round = |per_second, ms, arrived| {
            let times = Times::of(vec![Duration::from_millis(ms)]);
            Round {
                per_second,
                to_shown: times,
                to_told: None,
                to_answered: times,
                late: times,
                written: 10,
                arrived,
                server_cpu_s: 0.0,
                desks_cpu_s: 0.0,
                load: String::new(),
            }
        };
        let rounds = [
            round(20, 5, 10),
            round(100, 900, 10),
            round(20, 7, 9),
            round(20, 60, 10),
        ];
        let summary = Summary::of(&rounds, 20);
        assert_eq!(summary.rounds.len(), 3);
        assert!((summary.p50_ms - 7.0).abs() < 1e-9);
        assert!((summary.worst_ms - 60.0).abs() < 1e-9);
        assert_eq!(summary.missing, 1);
    }
}
