//! What is refused, and that nothing else suffers from it.

use super::{announce, code_of, png};
use crate::school::{School, answer};
use im_protocol::{
    ErrorCode, WireError,
    files::{FileStart, FileState},
    limits::CHUNK_BYTES,
};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_place_says_the_right_one_and_too_many_bytes_count_for_nothing() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let bytes = vec![b'x'; 50_000];
    let start = announce(conversation, "x.txt", &bytes);
    let id = start.id;
    school.begin(&sam, &start).await.unwrap();
    let ahead = school.append(&sam, id, 5, &bytes[5..]).await.unwrap_err();
    assert_eq!((ahead.code, ahead.offset), (ErrorCode::Conflict, Some(0)));
    school.append(&sam, id, 0, &bytes[..20_000]).await.unwrap();
    let again = school.append(&sam, id, 0, &bytes).await.unwrap_err();
    let wanted = (ErrorCode::Conflict, Some(20_000));
    assert_eq!((again.code, again.offset), wanted);
    let more = school.append(&sam, id, 20_000, &bytes).await;
    assert_eq!(code_of(more), ErrorCode::TooLarge);
    let url = school.url(&format!("/v1/files/{id}"));
    let request = |body: Vec<u8>| school.http.patch(&url).bearer_auth(sam.token()).body(body);
    let bare = answer::<Value>(request(vec![0; 9])).await.unwrap_err();
    assert_eq!(bare.code, ErrorCode::Invalid);
    assert_eq!(bare.field.as_deref(), Some("upload-offset"));
    let most = usize::try_from(CHUNK_BYTES).unwrap();
    let huge = request(vec![0; most + 1]).header("Upload-Offset", 20_000);
    assert_eq!(code_of(answer::<Value>(huge).await), ErrorCode::TooLarge);
    let there = school.progress(&sam, id).await.unwrap();
    assert_eq!(there.offset, 20_000);
    let whole = school.append(&sam, id, 20_000, &bytes[20_000..]).await;
    assert!(whole.unwrap().file.is_some());
    let late = school.append(&sam, id, 0, &bytes[..9]).await.unwrap_err();
    assert_eq!(
        (late.code, late.offset),
        (ErrorCode::Conflict, Some(50_000))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_paths_empty_files_and_huge_ones_are_refused_before_a_byte_comes() {
    let school = School::open_with(|config| config.files.max_bytes = 1_000).await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let begin = async |change: &dyn Fn(&mut FileStart)| -> WireError {
        let mut start = announce(conversation, "fine.txt", b"words");
        change(&mut start);
        school.begin(&sam, &start).await.unwrap_err()
    };
    let long = "ü".repeat(128);
    for name in [
        "",
        "..",
        "../../etc/passwd",
        "a/b.txt",
        "C:\\Users\\sam\\a.txt",
        "line\nbreak.txt",
        "nul\0.txt",
        "gpj.\u{202e}exe",
        " a.txt",
        &long,
    ] {
        let error = begin(&|start| start.name = name.into()).await;
        assert_eq!(error.code, ErrorCode::Invalid, "{name:?}");
        assert_eq!(error.field.as_deref(), Some("name"), "{name:?}");
    }
    let empty = begin(&|start| start.size = 0).await;
    assert_eq!(empty.code, ErrorCode::Invalid);
    assert_eq!(empty.field.as_deref(), Some("size"));
    let huge = begin(&|start| start.size = 1_001).await;
    assert_eq!(huge.code, ErrorCode::TooLarge);
    let start = announce(conversation, "fine.txt", b"words");
    let mut odd = serde_json::to_value(&start).unwrap();
    odd["sha256"] = "no hash".into();
    let odd = school.post::<FileState>("/v1/files", Some(sam.token()), &odd);
    assert_eq!(code_of(odd.await), ErrorCode::Invalid);
    let edge = FileStart {
        name: format!("{}.txt", "ü".repeat(125)),
        size: 1_000,
        ..start
    };
    school.begin(&sam, &edge).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_is_its_content_says_and_not_its_name() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let html = b"<html><script>alert('Maya')</script></html>";
    let fake = school
        .hand_over(&sam, conversation, "photo.png", html)
        .await;
    assert_eq!(fake.media_type, "application/octet-stream");
    assert_eq!((fake.width, fake.name.as_str()), (None, "photo.png"));
    let (_, headers, _) = school.fetch(&sam, fake.id, &[]).await;
    assert_eq!(headers["content-type"], "application/octet-stream");
    // An archive is an archive: nobody looks into it, whatever it would unpack to.
    let bomb = [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0xff; 500]].concat();
    let zip = school.hand_over(&sam, conversation, "42.zip", &bomb).await;
    assert_eq!(
        (zip.media_type.as_str(), zip.size),
        ("application/zip", 510)
    );
    let named = school
        .hand_over(&sam, conversation, "a.exe", b"only words")
        .await;
    assert_eq!(named.media_type, "text/plain");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_thrown_away_and_its_id_is_free_again() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 100]].concat();
    let bomb = png(60_000, 60_000, 200);
    for bytes in [&program, &bomb] {
        let start = announce(conversation, "homework.png", bytes);
        school.begin(&sam, &start).await.unwrap();
        let refused = school.append(&sam, start.id, 0, bytes).await;
        assert_eq!(code_of(refused), ErrorCode::TypeRefused);
        let gone = school.progress(&sam, start.id).await;
        assert_eq!(code_of(gone), ErrorCode::NotFound);
    }
    let mut start = announce(conversation, "words.txt", b"right");
    school.begin(&sam, &start).await.unwrap();
    let wrong = school.append(&sam, start.id, 0, b"wrong").await;
    assert_eq!(code_of(wrong), ErrorCode::ChecksumMismatch);
    school.staged_files(0).await;
    school.kept_files(0).await;
    // Begun anew, even as something else.
    start.name = "other words.txt".into();
    assert_eq!(school.begin(&sam, &start).await.unwrap().offset, 0);
    let whole = school.append(&sam, start.id, 0, b"right").await.unwrap();
    assert_eq!(whole.file.unwrap().name, "other words.txt");

    // An operator may think otherwise of programs.
    let school = School::open_with(|config| config.files.refused.clear()).await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let file = school.hand_over(&sam, conversation, "tool", &program).await;
    assert_eq!(file.media_type, "application/octet-stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_begins_so_many_files_and_sends_so_much_a_day() {
    let school = School::open_with(|config| {
        config.files.open = 2;
        config.files.bytes_per_day = 100;
    })
    .await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let forty = vec![b'x'; 40];
    let begin = async |account| {
        let start = announce(conversation, "x.txt", &forty);
        school.begin(account, &start).await.map(|_| start)
    };
    let first = begin(&sam).await.unwrap();
    let second = begin(&sam).await.unwrap();
    let third = begin(&sam).await.unwrap_err();
    assert_eq!(third.code, ErrorCode::RateLimited);
    begin(&maya).await.unwrap();
    // Whole ones are begun no more, but they count for the day, whatever becomes of them.
    for start in [first, second] {
        let whole = school.append(&sam, start.id, 0, &forty).await.unwrap();
        assert!(whole.file.is_some());
    }
    let day = begin(&sam).await.unwrap_err();
    assert_eq!(day.code, ErrorCode::RateLimited);
    let wait = day.retry_after_ms.unwrap();
    assert!((1..=86_400_000).contains(&wait), "{wait}");
    begin(&maya).await.unwrap();
}
