//! People with several devices each write to each other, change, answer and read, while devices and
//! server are killed, paused and replaced and their lines are cut, pulled and slow. What happens
//! when is a [`Plan`] made from a seed; what came of it is written down in `journal.jsonl`, from
//! which the same storm can be had again; what is left is looked at by [`crate::checker`].

pub mod book;
mod device;
pub mod journal;
pub mod plan;
mod server;
mod storm;
mod telling;

use crate::checker::Findings;
use im_testkit::process::program;
use plan::Plan;
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
};

/// What runs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The server, with faults built in.
    pub server: PathBuf,
    /// The robot, with faults built in.
    pub robot: PathBuf,
}

impl Programs {
    /// Those that were built beside this program.
    ///
    /// # Errors
    /// Where they were not.
    pub fn built() -> io::Result<Self> {
        Ok(Self {
            server: program("IM_SERVER_BIN", "soak-server", "im-e2e")?,
            robot: program("IM_ROBOT_BIN", "soak-robot", "im-e2e")?,
        })
    }
}

/// Where and how a storm is had.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What runs.
    pub programs: &'a Programs,
    /// Where the databases and the journal go.
    pub folder: &'a Path,
    /// A fault of the robots that must be noticed.
    pub fault: Option<&'a str>,
    /// Tells on standard error how far it is.
    pub progress: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// As planned.
    pub seed: u64,
    /// From the first act to the last device's having everything.
    pub seconds: f64,
    /// Of these, the time in which people acted.
    pub acting_seconds: f64,
    /// Of these, the time in which the server was away.
    pub outage_seconds: f64,
    /// People.
    pub people: usize,
    /// Devices in all, those that came for lost and wiped ones included.
    pub devices: usize,
    /// Conversations.
    pub conversations: usize,
    /// SIGKILLs in all.
    pub kills: u64,
    /// SIGKILLs of the server, which `kills` counts too.
    pub kills_of_server: u64,
    /// Times that the server was asked to end, or stopped for a while.
    pub stops_of_server: u64,
    /// Lines cut or pulled.
    pub cuts: u64,
    /// Lines slowed.
    pub slowed: u64,
    /// Devices lost for good, with whatever they had not sent.
    pub devices_lost: u64,
    /// Devices wiped because their person signed them out from another one.
    pub devices_wiped: u64,
    /// Times that a robot ended without being killed.
    pub fell: u64,
    /// Messages that people were told are written.
    pub sent: u64,
    /// Changes, reactions and markers that they were told are done.
    pub done: u64,
    /// Acts that were not possible: the device was away, or knew nothing of the message yet.
    pub skipped: u64,
    /// Acts that a device refused.
    pub refused_at_once: u64,
    /// Messages that the server accepted in a second in which it was there.
    pub accepted_per_second: f64,
    /// Whether every device had everything before the patience was over.
    pub settled: bool,
    /// The fault that was built in.
    pub fault: Option<String>,
    /// What the checker found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.settled && self.fell == 0
    }
}

/// Has the storm and checks what is left.
///
/// # Errors
/// Where something that must work in spite of all does not, such as starting again.
pub async fn soak(plan: &Plan, place: Place<'_>) -> anyhow::Result<Report> {
    storm::Storm::begin(plan, place).await?.run().await
}
