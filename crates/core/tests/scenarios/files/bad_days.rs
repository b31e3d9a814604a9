//! The server is away, the cable is pulled, the app dies: files go on from where they were.

use super::{Device, FileState, file, maya_and_sam, noise, of};
use im_contract::{
    Commands, CoreEvent,
    args::{Nothing, SignOutArgs, Unsent},
    files::FileArgs,
    views::{ConnectionState, MessageState},
};
use im_core::Events;
use im_protocol::FileId;
use im_testkit::Cable;
use std::time::Duration;
use tokio::time::timeout;

/// Large enough to be met half way.
const LARGE: usize = 48 * 1024 * 1024;

/// Waits until a part of the file is over. Gives how much.
async fn half_way(events: &mut Events, id: FileId) -> u64 {
    let wait = async {
        loop {
            if let CoreEvent::Files(files) = events.recv().await.unwrap()
                && let Some(file) = files.iter().find(|file| file.id == id && file.done > 0)
            {
                return file.done;
            }
        }
    };
    let waited = timeout(super::super::device::DEADLINE, wait).await;
    waited.expect("a part of it goes over")
}

#[tokio::test]
async fn what_is_sent_offline_goes_when_the_server_is_back() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    sam.connection(ConnectionState::Waiting).await;
    let (desk, bytes) = (tempfile::tempdir().unwrap(), noise(1_500_000));
    let path = file(desk.path(), ".notes", &bytes);
    sam.choose(conversation, std::slice::from_ref(&path)).await;
    std::fs::remove_file(path).unwrap();
    sam.send_chosen(conversation, "for later").await;
    let asked = sam.core.account_sign_out(SignOutArgs {
        unsent: Unsent::Ask,
    });
    let asked = asked.await.unwrap();
    assert_eq!((asked.done, asked.unsent), (false, 1));
    // The app dies without a word.
    let mut sam = sam.crash().await;
    sam.has_file(conversation, FileState::Uploading).await;
    server.up().await;
    sam.core.connection_retry(Nothing {}).await.unwrap();
    sam.all_sent().await;

    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["for later"]).await;
    let downloads = tempfile::tempdir().unwrap();
    let saved = maya.fetch_and_save(conversation, downloads.path()).await;
    assert_eq!(saved, downloads.path().join("_.notes"), "not hidden");
    assert!(std::fs::read(saved).unwrap() == bytes);
}

#[tokio::test]
async fn an_upload_goes_on_over_a_pulled_cable_a_dead_server_and_a_dead_app() {
    let (mut server, conversation) = maya_and_sam().await;
    let cable = Cable::to(&server.url()).await;
    let mut sam = Device::of("Sam", &cable.url()).await;
    let (desk, bytes) = (tempfile::tempdir().unwrap(), noise(LARGE));
    let path = file(desk.path(), "film.bin", &bytes);
    sam.choose(conversation, &[path]).await;
    let mut events = sam.core.events();
    // On a good line it would be over before anybody looks.
    cable.slow(Duration::from_millis(20));
    let row = sam.send_chosen(conversation, "the film").await;
    let id = row.files[0].id;

    let before = half_way(&mut events, id).await;
    cable.pull();
    sam.connection(ConnectionState::Connecting).await;
    cable.put_in();
    sam.connection(ConnectionState::Online).await;

    server.down().await;
    sam.connection(ConnectionState::Waiting).await;
    let mut sam = sam.crash().await;
    let mut events = sam.core.events();
    server.up().await;
    sam.core.connection_retry(Nothing {}).await.unwrap();
    let first = half_way(&mut events, id).await;
    assert!(
        first >= before,
        "it did not begin anew: {first} after {before}"
    );
    cable.slow(Duration::ZERO);
    sam.all_sent().await;

    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["the film"]).await;
    let downloads = tempfile::tempdir().unwrap();
    let saved = maya.fetch_and_save(conversation, downloads.path()).await;
    assert!(std::fs::read(saved).unwrap() == bytes);
    sam.last_is(conversation, MessageState::Sent).await;
}

#[tokio::test]
async fn files_that_a_restored_server_does_not_know_are_handed_over_anew() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let (one, two) = (noise(300_000), noise(200_000));
    let paths = [
        file(desk.path(), "one.bin", &one),
        file(desk.path(), "two.bin", &two),
    ];
    sam.choose(conversation, &paths).await;
    server.down().await;
    let row = sam.send_chosen(conversation, "both").await;
    let id = row.files[1].id;
    sam.core.files_hold(FileArgs { id }).await.unwrap();
    server.up().await;
    sam.core.connection_retry(Nothing {}).await.unwrap();
    sam.has_file(conversation, FileState::Uploaded).await;

    server.down().await;
    let database = rusqlite::Connection::open(server.folder().join("instantmentor.db")).unwrap();
    assert_eq!(database.execute("DELETE FROM file", []).unwrap(), 1);
    drop(database);
    server.up().await;
    sam.core.files_go_on(FileArgs { id }).await.unwrap();
    sam.core.connection_retry(Nothing {}).await.unwrap();
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let downloads = tempfile::tempdir().unwrap();
    let saved = maya.fetch_and_save(conversation, downloads.path()).await;
    assert!(std::fs::read(saved).unwrap() == one);
}

#[tokio::test]
async fn a_download_is_held_and_goes_on_after_a_restart_from_where_it_was() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let (desk, bytes) = (tempfile::tempdir().unwrap(), noise(LARGE));
    let path = file(desk.path(), "film.bin", &bytes);
    sam.choose(conversation, &[path]).await;
    sam.send_chosen(conversation, "the film").await;
    sam.all_sent().await;

    let cable = Cable::to(&server.url()).await;
    let mut maya = Device::of("Maya", &cable.url()).await;
    let (row, there) = maya.has_file(conversation, FileState::There).await;
    let mut events = maya.core.events();
    maya.core.files_fetch(of(&row, &there)).await.unwrap();
    half_way(&mut events, there.id).await;
    cable.pull();
    let id = there.id;
    maya.core.files_hold(FileArgs { id }).await.unwrap();
    maya.has_file(conversation, FileState::FetchHeld).await;
    let mut maya = maya.crash().await;
    maya.has_file(conversation, FileState::FetchHeld).await;
    let part = maya.account_folder().join(format!("files/{id}.part"));
    let before = std::fs::metadata(&part).unwrap().len();
    assert!(before > 0 && before < LARGE as u64, "{before}");
    server.down().await;
    cable.put_in();
    server.up().await;

    let mut events = maya.core.events();
    maya.core.files_go_on(FileArgs { id }).await.unwrap();
    maya.core.connection_retry(Nothing {}).await.unwrap();
    let first = half_way(&mut events, id).await;
    assert!(
        first > before,
        "it did not begin anew: {first} after {before}"
    );
    maya.has_file(conversation, FileState::Here).await;
    let downloads = tempfile::tempdir().unwrap();
    maya.core.set_downloads(downloads.path().to_owned());
    let saved = maya.core.files_save(of(&row, &there)).await.unwrap();
    assert!(std::fs::read(saved.path).unwrap() == bytes);
    assert!(!part.exists());

    // Offline it is there.
    server.down().await;
    let mut maya = maya.restart().await;
    maya.has_file(conversation, FileState::Here).await;
}

#[tokio::test]
async fn what_came_in_otherwise_than_announced_is_fetched_anew() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let (desk, bytes) = (tempfile::tempdir().unwrap(), noise(LARGE));
    let path = file(desk.path(), "film.bin", &bytes);
    sam.choose(conversation, &[path]).await;
    sam.send_chosen(conversation, "the film").await;
    let (row, there) = maya.has_file(conversation, FileState::There).await;
    let mut events = maya.core.events();
    maya.core.files_fetch(of(&row, &there)).await.unwrap();
    half_way(&mut events, there.id).await;
    let id = there.id;
    maya.core.files_hold(FileArgs { id }).await.unwrap();
    maya.has_file(conversation, FileState::FetchHeld).await;
    // A bad disk.
    let part = maya.account_folder().join(format!("files/{id}.part"));
    let mut broken = std::fs::read(&part).unwrap();
    broken[1_000] ^= 1;
    std::fs::write(&part, broken).unwrap();
    maya.core.files_go_on(FileArgs { id }).await.unwrap();
    maya.has_file(conversation, FileState::Here).await;
    let kept = std::fs::read(part.with_extension("")).unwrap();
    assert!(kept == bytes);
}

#[tokio::test]
async fn progress_is_told_five_times_a_second_at_most() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let path = file(desk.path(), "film.bin", &noise(LARGE));
    sam.choose(conversation, &[path]).await;
    let mut events = sam.core.events();
    let begun = std::time::Instant::now();
    sam.send_chosen(conversation, "the film").await;
    sam.all_sent().await;
    let seconds = begun.elapsed().as_secs_f64();
    let mut told = 0_u32;
    while let Ok(Some(event)) = timeout(Duration::from_millis(50), events.recv()).await {
        told += u32::from(matches!(event, CoreEvent::Files(_)));
    }
    assert!(
        told > 0 && f64::from(told) <= seconds.mul_add(5.0, 1.0),
        "{told} in {seconds} s"
    );
}
