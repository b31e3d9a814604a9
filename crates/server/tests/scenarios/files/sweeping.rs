//! What nobody has anymore goes, its bytes too.

use super::{announce, carrying, code_of, send};
use crate::school::{SOON, School};
use im_protocol::{DeviceId, ErrorCode};
use reqwest::StatusCode;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// The files under a folder, however deep.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.map(|path| {
        if path.is_dir() {
            files_in(&path)
        } else {
            vec![path]
        }
    });
    found.flatten().collect()
}

impl School {
    /// Waits until so many whole files are on the disk.
    pub(super) async fn kept_files(&self, count: usize) -> Vec<PathBuf> {
        self.files_under("files/kept", count).await
    }

    /// Waits until so many files grow on the disk.
    pub(super) async fn staged_files(&self, count: usize) -> Vec<PathBuf> {
        self.files_under("files/staged", count).await
    }

    async fn files_under(&self, folder: &str, count: usize) -> Vec<PathBuf> {
        let folder = self.config.data.join(folder);
        let counted = async {
            loop {
                let found = files_in(&folder);
                if found.len() == count {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = timeout(SOON, counted).await;
        found
            .unwrap_or_else(|_| panic!("{count} are wanted in {folder:?}: {:?}", files_in(&folder)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_message_carries_dies_after_a_day_and_the_rest_lives() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let sent = school
        .hand_over(&sam, conversation, "sent.txt", b"sent")
        .await;
    send(&sams, conversation, vec![carrying("", &[sent.id])]).await;
    let whole = school
        .hand_over(&sam, conversation, "whole.txt", b"whole")
        .await;
    let begun = announce(conversation, "begun.txt", b"begun");
    school.begin(&sam, &begun).await.unwrap();
    school.append(&sam, begun.id, 0, b"beg").await.unwrap();
    let clock = school.running().clock();
    clock.advance(Duration::from_secs(23 * 3_600));
    let sam = school.sign_in("Sam", DeviceId::new()).await;
    assert_eq!(school.progress(&sam, begun.id).await.unwrap().offset, 3);
    school.kept_files(2).await;
    clock.advance(Duration::from_secs(2 * 3_600));
    school.kept_files(1).await;
    school.staged_files(0).await;
    let sam = school.sign_in("Sam", DeviceId::new()).await;
    for id in [whole.id, begun.id] {
        let gone = school.progress(&sam, id).await;
        assert_eq!(code_of(gone), ErrorCode::NotFound);
    }
    let (status, ..) = school.fetch(&sam, sent.id, &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_without_a_row_go_and_those_of_another_database_stay() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let sent = school
        .hand_over(&sam, conversation, "sent.txt", b"sent")
        .await;
    send(&sams, conversation, vec![carrying("", &[sent.id])]).await;
    let own = school.kept_files(1).await.remove(0);
    let life = own.parent().unwrap();
    std::fs::write(life.join("nobody-s"), b"orphan").unwrap();
    let staged = school.config.data.join("files/staged");
    let staged = staged.join(life.file_name().unwrap());
    std::fs::write(staged.join("nobody-s"), b"orphan").unwrap();
    let other = life.with_file_name("another-life");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("theirs"), b"theirs").unwrap();
    school
        .running()
        .clock()
        .advance(Duration::from_secs(49 * 3_600));
    let mut left = school.kept_files(2).await;
    left.sort();
    let mut wanted = [own, other.join("theirs")];
    wanted.sort();
    assert_eq!(left, wanted);
    school.staged_files(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_of_a_whole_file_goes_at_the_next_start() {
    let mut school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let begun = announce(conversation, "begun.txt", b"begun");
    school.begin(&sam, &begun).await.unwrap();
    school.append(&sam, begun.id, 0, b"beg").await.unwrap();
    let growing = school.staged_files(1).await.remove(0);
    let whole = school
        .hand_over(&sam, conversation, "whole.txt", b"whole")
        .await;
    let kept = school.kept_files(1).await.remove(0);
    std::fs::hard_link(&kept, growing.with_file_name(kept.file_name().unwrap())).unwrap();
    school.staged_files(2).await;
    school.restart().await;
    assert_eq!(school.staged_files(1).await, [growing]);
    let (_, _, body) = school.fetch(&sam, whole.id, &[]).await;
    assert_eq!(&body[..], b"whole");
    assert_eq!(school.progress(&sam, begun.id).await.unwrap().offset, 3);
}
