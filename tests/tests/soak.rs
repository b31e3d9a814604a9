//! People write to each other on several devices while everything has bad days; and the checker
//! notices each fault that is built in on purpose.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use im_e2e::{
    checker::Findings,
    soak::{
        Place, Programs, Report, journal,
        plan::{Plan, Wish},
        soak,
    },
};
use std::path::Path;
use tempfile::TempDir;

/// Seeds of the storms in which a fault must show.
const STORMS: std::ops::Range<u64> = 20..24;

fn wish(seed: u64, seconds: u64) -> Wish {
    Wish {
        seed,
        seconds,
        mentors: 1,
        students: 2,
        acts_per_second: 30.0,
        kills_ms: Some((700, 2_500)),
        cuts_ms: Some((500, 2_000)),
    }
}

async fn run(plan: &Plan, folder: &Path, fault: Option<&str>) -> Report {
    let programs = Programs {
        server: env!("CARGO_BIN_EXE_soak-server").into(),
        robot: env!("CARGO_BIN_EXE_soak-robot").into(),
    };
    let place = Place {
        programs: &programs,
        folder,
        fault,
        progress: false,
    };
    soak(plan, place).await.unwrap()
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_whatever_happens() {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(wish(20, 30));
    let report = run(&plan, folder.path(), None).await;
    if !report.is_clean() {
        panic!("{report:#?} in {}", folder.keep().display());
    }
    assert!(
        report.sent > 150 && report.done > 50,
        "little was done: {report:#?}"
    );
    assert!(
        report.kills >= 5 && report.cuts >= 10,
        "it was no storm: {report:#?}"
    );
    // Who wants the same storm again has it from the journal.
    let again = journal::read(&folder.path().join("journal.jsonl")).unwrap();
    assert_eq!(again, plan);
}

/// Whether a fault is found. What a kill hits is chance on a busy machine, so a fault that passed one
/// storm unharmed gets another.
async fn is_found(fault: &str, count: impl Fn(&Findings) -> u64) {
    let mut last = None;
    for seed in STORMS {
        let folder = TempDir::new().unwrap();
        let report = run(&Plan::new(wish(seed, 12)), folder.path(), Some(fault)).await;
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
