//! A storm written down, a JSON object a line: the plan without its steps, then each step with what
//! became of it, and each answer. What is in it is enough to have the same storm again.

use super::{
    book::Entry,
    plan::{Plan, Step},
};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
    time::Duration,
};

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    /// The first: a plan without steps.
    Plan(Plan),
    /// Something was to happen.
    Step {
        /// When it came to be, in milliseconds from the beginning.
        after_ms: u64,
        /// Whether it was possible.
        done: bool,
        #[serde(flatten)]
        step: Step,
    },
    /// An act was answered.
    Answered {
        /// When.
        after_ms: u64,
        #[serde(flatten)]
        entry: Entry,
    },
    /// Something else that is worth knowing.
    Note {
        /// When.
        after_ms: u64,
        /// What.
        note: String,
    },
}

/// Writes one.
#[derive(Debug)]
pub(super) struct Journal {
    file: BufWriter<File>,
}

impl Journal {
    pub(super) fn create(path: &Path, plan: &Plan) -> io::Result<Self> {
        let mut journal = Self {
            file: BufWriter::new(File::create(path)?),
        };
        journal.write(&Line::Plan(Plan {
            steps: Vec::new(),
            ..plan.clone()
        }))?;
        Ok(journal)
    }

    pub(super) fn step(&mut self, since: Duration, step: &Step, done: bool) -> io::Result<()> {
        self.write(&Line::Step {
            after_ms: ms(since),
            done,
            step: step.clone(),
        })
    }

    pub(super) fn answered(&mut self, since: Duration, entry: &Entry) -> io::Result<()> {
        self.write(&Line::Answered {
            after_ms: ms(since),
            entry: entry.clone(),
        })
    }

    pub(super) fn note(&mut self, since: Duration, note: String) -> io::Result<()> {
        self.write(&Line::Note {
            after_ms: ms(since),
            note,
        })
    }

    pub(super) fn close(mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The plan of a storm that was written down.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Plan> {
    let mut plan = None;
    for line in BufReader::new(File::open(path)?).lines() {
        match (serde_json::from_str(&line?), &mut plan) {
            (Ok(Line::Plan(first)), _) => plan = Some(first),
            (Ok(Line::Step { step, .. }), Some(plan)) => plan.steps.push(step),
            (Ok(_), _) => {}
            (Err(error), _) => return Err(error).context("a line of the journal"),
        }
    }
    plan.context("the journal is empty")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::plan::Wish;

    #[test]
    fn a_storm_is_read_as_it_was_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let plan = Plan::new(Wish {
            seed: 7,
            seconds: 20,
            mentors: 1,
            students: 2,
            acts_per_second: 10.0,
            kills_ms: None,
            cuts_ms: None,
        });
        let mut journal = Journal::create(&path, &plan).unwrap();
        for step in &plan.steps {
            journal.step(Duration::ZERO, step, true).unwrap();
            journal.note(Duration::ZERO, "so far".to_owned()).unwrap();
        }
        journal.close().unwrap();
        assert_eq!(read(&path).unwrap(), plan);
    }
}
