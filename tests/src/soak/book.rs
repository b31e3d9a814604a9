//! What people were told: which acts were asked of which device, and what it answered. The checker
//! holds the databases against it.

use super::plan::Act;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// None: the device was killed in between, so it may have been done or not.
    None,
    /// It is on the device's disk.
    Done {
        /// The id of the new message, where one was written.
        id: Option<String>,
        /// The id of the file that goes with the message.
        #[serde(default)]
        file: Option<String>,
        /// The place that was read to.
        seq: Option<u64>,
    },
    /// The device refused.
    Refused,
}

/// An act that was asked of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The act's number.
    pub op: u64,
    /// The device in all its lives; one that was replaced or wiped is another one afterwards.
    pub device: usize,
    /// Whose.
    pub person: usize,
    /// What.
    #[serde(flatten)]
    pub act: Act,
    /// What became of it.
    pub answer: Answer,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Book {
    entries: Vec<Entry>,
    by_op: HashMap<u64, usize>,
}

impl Book {
    /// Something was asked of a device.
    pub fn asked(&mut self, op: u64, device: usize, person: usize, act: Act) {
        self.by_op.insert(op, self.entries.len());
        self.entries.push(Entry {
            op,
            device,
            person,
            act,
            answer: Answer::None,
        });
    }

    /// A robot answered. Gives the act's number.
    pub fn answered(&mut self, said: &Value) -> Option<u64> {
        let op = said.get("op")?.as_u64()?;
        let entry = self.entries.get_mut(*self.by_op.get(&op)?)?;
        let about = |key: &str| said.get("about")?.get(key);
        let id = |key: &str| about(key).and_then(Value::as_str).map(str::to_owned);
        entry.answer = match said.get("event")?.as_str()? {
            "done" => Answer::Done {
                id: id("id"),
                file: id("file"),
                seq: about("seq").and_then(Value::as_u64),
            },
            _ => Answer::Refused,
        };
        Some(op)
    }

    /// An act.
    #[must_use]
    pub fn entry(&self, op: u64) -> Option<&Entry> {
        self.entries.get(*self.by_op.get(&op)?)
    }

    /// The message that this act wrote, as far as is known, and where.
    #[must_use]
    pub fn message(&self, op: u64) -> Option<(&str, usize)> {
        let entry = self.entry(op)?;
        match (&entry.answer, &entry.act) {
            (Answer::Done { id: Some(id), .. }, Act::Send { conversation, .. }) => {
                Some((id, *conversation))
            }
            _ => None,
        }
    }

    /// The file that goes with the message of this act, as far as is known.
    #[must_use]
    pub fn file(&self, op: u64) -> Option<&str> {
        match &self.entry(op)?.answer {
            Answer::Done { file, .. } => file.as_deref(),
            _ => None,
        }
    }

    /// All of them, in the order of asking.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
