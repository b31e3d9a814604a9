//! Maya and Sam write to each other while everything is killed at random; and the checker notices
//! each fault that is built in on purpose.
// A test ends where something is not as it should be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use im_e2e::soak::{Plan, Programs, Report, soak};
use tempfile::TempDir;

async fn run(messages: usize, seconds: u64, fault: Option<&str>) -> (Report, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs {
        server: env!("CARGO_BIN_EXE_soak-server").into(),
        robot: env!("CARGO_BIN_EXE_soak-robot").into(),
    };
    let plan = Plan {
        seed: 20,
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
    let (report, folder) = run(600, 20, None).await;
    if !report.is_clean() {
        panic!("{report:#?} in {}", folder.keep().display());
    }
    assert!(report.sent >= 600, "{report:#?}");
    assert!(report.kills >= 5, "it was no storm: {report:#?}");
}

#[tokio::test]
async fn a_message_that_counts_as_sent_too_early_is_found_to_be_lost() {
    let (report, _folder) = run(300, 10, Some("drop_ack")).await;
    assert!(report.findings.lost > 0, "{report:#?}");
}

#[tokio::test]
async fn a_message_that_is_sent_as_two_is_found_to_be_doubled() {
    let (report, _folder) = run(300, 10, Some("dup_apply")).await;
    assert!(report.findings.doubled > 0, "{report:#?}");
}

#[tokio::test]
async fn messages_that_swap_places_are_found_to_be_reordered() {
    let (report, _folder) = run(300, 10, Some("swap_order")).await;
    assert!(report.findings.reordered > 0, "{report:#?}");
}

#[tokio::test]
async fn a_fact_that_is_skipped_is_found_to_be_lost() {
    let (report, _folder) = run(300, 10, Some("skip_feed")).await;
    assert!(report.findings.lost > 0, "{report:#?}");
}
