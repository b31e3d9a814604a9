//! Files in a bucket: the same, on an implementation of S3 that others wrote (`moto`).

use super::{announce, carrying, code_of, png, send};
use crate::school::{SOON, School};
use im_protocol::{ErrorCode, conversation::MessageDelete};
use im_server::config::Bucket;
use reqwest::StatusCode;
use std::{path::PathBuf, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// The bucket `school`, in a process of its own.
struct Moto {
    port: u16,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    process: Child,
}

impl Moto {
    async fn start() -> Self {
        let python = python();
        let mut process = Command::new(&python)
            .arg("tests/python/bucket.py")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap();
        let port = port.unwrap_or_else(|| {
            panic!(
                "{python:?} has no moto: run `make setup`, or say in IM_PYTHON which one to take"
            )
        });
        Self {
            port: port.parse().unwrap(),
            input,
            lines,
            process,
        }
    }

    /// Uploads in parts that were not ended, and the names of all objects.
    async fn content(&mut self) -> (usize, Vec<String>) {
        self.input.write_all(b"?\n").await.unwrap();
        let line = self.lines.next_line().await.unwrap().unwrap();
        let mut words = line.split(' ').map(str::to_owned);
        (words.next().unwrap().parse().unwrap(), words.collect())
    }

    fn bucket(&self) -> Bucket {
        Bucket {
            name: "school".into(),
            prefix: "mentor".into(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: Some("us-east-1".into()),
            login: Some(("key".into(), "secret".into())),
        }
    }
}

/// `IM_PYTHON`, or the one that `scripts/setup` makes.
fn python() -> PathBuf {
    let cache = || {
        std::env::var_os("INSTANTMENTOR_CACHE").map_or_else(
            || std::env::home_dir().unwrap().join(".cache/instantmentor"),
            PathBuf::from,
        )
    };
    std::env::var_os("IM_PYTHON").map_or_else(|| cache().join("venv/bin/python"), PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_put_into_a_bucket_in_parts_fetched_from_it_and_removed() {
    let mut moto = Moto::start().await;
    let school = School::open_with(|config| config.files.bucket = Some(moto.bucket())).await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let small = school
        .hand_over(&sam, conversation, "a.txt", b"words")
        .await;
    // Of more than two parts.
    let bytes = png(20, 10, 18_000_000);
    let start = announce(conversation, "film.png", &bytes);
    school.begin(&sam, &start).await.unwrap();
    let mut state = None;
    for (piece, offset) in bytes.chunks(8_000_000).zip((0..).step_by(8_000_000)) {
        state = Some(school.append(&sam, start.id, offset, piece).await.unwrap());
    }
    let large = state.unwrap().file.unwrap();
    assert_eq!(
        (large.media_type.as_str(), large.width),
        ("image/png", Some(20))
    );
    school.staged_files(0).await;
    let (open, names) = moto.content().await;
    assert_eq!((open, names.len()), (0, 2));
    assert!(
        names.iter().all(|name| name.starts_with("mentor/")),
        "{names:?}"
    );

    let item = carrying("", &[small.id, large.id]);
    let message = item.id;
    send(&sams, conversation, vec![item]).await;
    let (status, _, body) = school.fetch(&maya, large.id, &[]).await;
    assert_eq!((status, body.len()), (StatusCode::OK, bytes.len()));
    assert!(body == bytes, "it came back otherwise");
    let part = [("Range", "bytes=8388600-8388620")];
    let (status, _, body) = school.fetch(&maya, large.id, &part).await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(body, bytes[8_388_600..8_388_621]);

    let delete = MessageDelete {
        conversation,
        message,
    };
    sams.ask(delete).await.unwrap();
    let removed = async { while moto.content().await.1 != [""; 0] {} };
    timeout(SOON, removed)
        .await
        .expect("the bucket is not emptied");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_away_nothing_is_lost() {
    let mut moto = Moto::start().await;
    let bucket = moto.bucket();
    let mut school = School::open_with(|config| config.files.bucket = Some(bucket)).await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    moto.process.kill().await.unwrap();
    let bytes = b"words that take their time";
    let start = announce(conversation, "a.txt", bytes);
    school.begin(&sam, &start).await.unwrap();
    let failed = school.append(&sam, start.id, 0, bytes).await;
    assert_eq!(code_of(failed), ErrorCode::Unavailable);
    school.staged_files(1).await;
    let moto = Moto::start().await;
    school.config.files.bucket = Some(moto.bucket());
    school.restart().await;
    let state = school.progress(&sam, start.id).await.unwrap();
    assert_eq!(state.file.unwrap().size, bytes.len() as u64);
    let (_, _, body) = school.fetch(&sam, start.id, &[]).await;
    assert_eq!(&body[..], bytes);
}
