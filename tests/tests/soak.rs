//! Maya and Sam write to each other while everything is killed at random; and the checker notices
//! each fault that is built in on purpose.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use im_e2e::{
    checker::Findings,
    soak::{Plan, Programs, Report, soak},
};
use tempfile::TempDir;

/// Seeds of the storms in which a fault must show.
const STORMS: std::ops::Range<u64> = 20..24;

async fn run(seed: u64, messages: usize, seconds: u64, fault: Option<&str>) -> (Report, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs {
        server: env!("CARGO_BIN_EXE_soak-server").into(),
        robot: env!("CARGO_BIN_EXE_soak-robot").into(),
    };
    let plan = Plan {
        seed,
        seconds,
        messages,
        fault: fault.map(str::to_owned),
        folder: folder.path().to_owned(),
        kill_every_ms: (500, 1_500),
        progress: false,
    };
    (soak(&programs, &plan).await.unwrap(), folder)
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_whatever_is_killed() {
    let (report, folder) = run(20, 600, 20, None).await;
    if !report.is_clean() {
        panic!("{report:#?} in {}", folder.keep().display());
    }
    assert!(report.sent >= 600, "{report:#?}");
    assert!(report.kills >= 5, "it was no storm: {report:#?}");
}

/// Whether a fault is found. What a kill hits is chance on a busy machine, so a fault that passed one
/// storm unharmed gets another.
async fn is_found(fault: &str, count: impl Fn(&Findings) -> u64) {
    let mut last = None;
    for seed in STORMS {
        let (report, _folder) = run(seed, 300, 10, Some(fault)).await;
        if count(&report.findings) > 0 {
            return;
        }
        last = Some(report);
    }
    panic!("{fault} was not found: {last:#?}");
}

#[tokio::test]
async fn a_message_that_counts_as_sent_too_early_is_found_to_be_lost() {
    is_found("drop_ack", |found| found.lost).await;
}

#[tokio::test]
async fn a_message_that_is_sent_as_two_is_found_to_be_doubled() {
    is_found("dup_apply", |found| found.doubled).await;
}

#[tokio::test]
async fn messages_that_swap_places_are_found_to_be_reordered() {
    is_found("swap_order", |found| found.reordered).await;
}

#[tokio::test]
async fn a_fact_that_is_skipped_is_found_to_be_lost() {
    is_found("skip_feed", |found| found.lost).await;
}
