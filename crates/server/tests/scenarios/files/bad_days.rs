//! Kills, broken connections, two devices at once, a full disk: what was acknowledged is there, and
//! it goes on from the right place.

use super::{announce, code_of, png};
use crate::school::{Account, SOON, School, answer, http};
use im_protocol::{
    DeviceId, ErrorCode, FileId, WireError,
    files::{FileInfo, FileStart, FileState},
    rest::{Device, SignIn, SignedIn},
};
use im_testkit::{ServerProcess, server::PASSWORD};
use reqwest::StatusCode;
use std::path::Path;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_instantmentor-server");

/// A request that promises `length` bytes and stays open after these.
async fn begun_request(
    url: &str,
    token: &str,
    id: FileId,
    offset: u64,
    length: usize,
    bytes: &[u8],
) -> TcpStream {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PATCH /v1/files/{id} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Upload-Offset: {offset}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// The answer of such a request, when it comes.
async fn answer_of(mut stream: TcpStream) -> String {
    let mut text = vec![0; 4_096];
    let read = timeout(SOON, stream.read(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text[..read.unwrap()]).into_owned()
}

/// Waits until so much of a file is noted.
async fn noted(school: &School, account: &Account, id: FileId, offset: u64) {
    let noted = async { while school.progress(account, id).await.unwrap().offset != offset {} };
    timeout(SOON, noted).await.expect("it is not noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_arrived_counts_when_the_connection_breaks() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let bytes = png(10, 10, 1_000_000);
    let start = announce(conversation, "a.png", &bytes);
    school.begin(&sam, &start).await.unwrap();
    let part = &bytes[..300_000];
    let url = school.url("");
    let broken = begun_request(&url, sam.token(), start.id, 0, 900_000, part);
    drop(broken.await);
    noted(&school, &sam, start.id, 300_000).await;
    let rest = school.append(&sam, start.id, 300_000, &bytes[300_000..]);
    assert!(rest.await.unwrap().file.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_request_takes_over_from_one_that_hangs() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let bytes = png(10, 10, 1_000_000);
    let start = announce(conversation, "a.png", &bytes);
    school.begin(&sam, &start).await.unwrap();
    let part = &bytes[..600_000];
    let url = school.url("");
    let hanging = begun_request(&url, sam.token(), start.id, 0, 900_000, part).await;
    grown(&school.config.data, 200_000).await;
    // Whoever comes back knows of nothing yet.
    let mut offset = 0;
    let state = loop {
        let rest = &bytes[usize::try_from(offset).unwrap()..];
        match school.append(&sam, start.id, offset, rest).await {
            Ok(state) => break state,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Conflict);
                offset = error.offset.unwrap();
            }
        }
    };
    assert!(state.file.is_some());
    assert!(offset >= 200_000, "what the first one brought was lost");
    let told = answer_of(hanging).await;
    assert!(told.starts_with("HTTP/1.1 409"), "{told}");
}

/// Waits until the one file that grows has so many bytes.
async fn grown(data: &Path, bytes: u64) {
    let staged = data.join("files/staged");
    let grown = async {
        loop {
            let lives = std::fs::read_dir(&staged).into_iter().flatten();
            let files = lives.flat_map(|life| std::fs::read_dir(life.unwrap().path()).unwrap());
            let mut sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
            if sizes.any(|size| size >= bytes) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, grown).await.expect("it does not grow");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_that_hand_over_the_same_file_both_see_it_whole() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let phone = school.sign_in("Sam", DeviceId::new()).await;
    let bytes = png(10, 10, 400_000);
    let start = announce(conversation, "a.png", &bytes);
    let (one, other) = tokio::join!(
        hand_over_in(&school, &sam, &start, &bytes, 30_000),
        hand_over_in(&school, &phone, &start, &bytes, 50_000),
    );
    assert_eq!(one, other);
    let (status, _, body) = school.fetch(&sam, start.id, &[]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &bytes[..]));
}

/// Hands a file over in pieces, and goes on where the server says.
async fn hand_over_in(
    school: &School,
    account: &Account,
    start: &FileStart,
    bytes: &[u8],
    piece: usize,
) -> FileInfo {
    let mut state = school.begin(account, start).await.unwrap();
    loop {
        if let Some(file) = state.file {
            return file;
        }
        let from = usize::try_from(state.offset).unwrap();
        let to = (from + piece).min(bytes.len());
        let sent = school.append(account, start.id, state.offset, &bytes[from..to]);
        state = match sent.await {
            Ok(state) => state,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Conflict);
                school.progress(account, start.id).await.unwrap()
            }
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_notes_what_has_arrived() {
    let mut school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let bytes = png(10, 10, 1_000_000);
    let start = announce(conversation, "a.png", &bytes);
    school.begin(&sam, &start).await.unwrap();
    let part = &bytes[..600_000];
    let url = school.url("");
    let hanging = begun_request(&url, sam.token(), start.id, 0, 900_000, part).await;
    grown(&school.config.data, 200_000).await;
    school.restart().await;
    drop(hanging);
    let offset = school.progress(&sam, start.id).await.unwrap().offset;
    assert!(offset >= 200_000, "{offset}");
    let from = usize::try_from(offset).unwrap();
    let rest = school.append(&sam, start.id, offset, &bytes[from..]).await;
    assert!(rest.unwrap().file.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_place_of_files_fails_nothing_is_lost_and_it_is_made_up_for() {
    let mut school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let kept = school.config.data.join("files/kept");
    std::fs::write(&kept, b"in the way").unwrap();
    let bytes = b"words that take their time";
    let start = announce(conversation, "a.txt", bytes);
    school.begin(&sam, &start).await.unwrap();
    let failed = school.append(&sam, start.id, 0, bytes).await.unwrap_err();
    assert_eq!(
        (failed.code, failed.retryable),
        (ErrorCode::Unavailable, true)
    );
    let asked = school.progress(&sam, start.id).await;
    assert_eq!(code_of(asked), ErrorCode::Unavailable);
    // As a crash between the last byte and this would leave it.
    school.restart().await;
    std::fs::remove_file(&kept).unwrap();
    let state = school.progress(&sam, start.id).await.unwrap();
    assert_eq!(state.file.unwrap().size, bytes.len() as u64);
    let (_, _, body) = school.fetch(&sam, start.id, &[]).await;
    assert_eq!(&body[..], bytes);
    school.staged_files(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_has_been_at_the_folder_it_begins_again_from_what_is_there() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let bytes = png(10, 10, 50_000);
    let start = announce(conversation, "a.png", &bytes);
    let id = start.id;
    school.begin(&sam, &start).await.unwrap();
    school.append(&sam, id, 0, &bytes[..40_000]).await.unwrap();
    let staged = school.staged_files(1).await.remove(0);
    let file = std::fs::OpenOptions::new().write(true).open(&staged);
    file.unwrap().set_len(30_000).unwrap();
    let short = school.append(&sam, id, 40_000, &bytes[40_000..]).await;
    assert_eq!(short.unwrap_err().offset, Some(30_000));
    // And all of it, when it would have been whole.
    let kept = school.config.data.join("files/kept");
    std::fs::write(&kept, b"in the way").unwrap();
    let whole = school.append(&sam, id, 30_000, &bytes[30_000..]).await;
    assert_eq!(code_of(whole), ErrorCode::Unavailable);
    std::fs::remove_file(&kept).unwrap();
    std::fs::remove_file(&staged).unwrap();
    let asked = school.progress(&sam, id).await.unwrap_err();
    assert_eq!((asked.code, asked.offset), (ErrorCode::Conflict, Some(0)));
    let whole = school.append(&sam, id, 0, &bytes).await.unwrap();
    assert!(whole.file.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_plainly_and_everything_else_goes_on() {
    let mut school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let bytes = vec![b'x'; 400_000];
    let start = announce(conversation, "x.txt", &bytes);
    school.begin(&sam, &start).await.unwrap();
    // Where the file would grow there is no room for a byte.
    let folder = school.staged_folder().await;
    let object = school.object_of(start.id).await;
    let path = folder.join(object.rsplit('/').next().unwrap());
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let full = school.append(&sam, start.id, 0, &bytes).await.unwrap_err();
    assert_eq!((full.code, full.retryable), (ErrorCode::StorageFull, true));
    sams.send(conversation, &["still here"]).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let whole = school.append(&sam, start.id, 0, &bytes).await.unwrap();
    assert!(whole.file.is_some());

    // Before it is full, what is left is the database's.
    school.config.files.keep_free = u64::MAX / 2;
    school.restart().await;
    let other = announce(conversation, "y.txt", b"y");
    let early = school.begin(&sam, &other).await;
    assert_eq!(code_of(early), ErrorCode::StorageFull);
    let again = school.begin(&sam, &start).await.unwrap();
    assert!(again.file.is_some(), "what is there needs no room");
    let sams = school.connect(&sam).await;
    sams.send(conversation, &["and still"]).await.unwrap();
}

impl School {
    async fn staged_folder(&self) -> std::path::PathBuf {
        let staged = self.config.data.join("files/staged");
        let mut lives = std::fs::read_dir(staged).unwrap();
        lives.next().unwrap().unwrap().path()
    }

    /// What a file's bytes are called.
    async fn object_of(&self, id: FileId) -> String {
        let store = im_server::store::Store::open(&self.config.data).await;
        let store = store.unwrap();
        let mut reader = store.read().await.unwrap();
        let file = im_server::store::file::get(&mut reader, id).await.unwrap();
        file.unwrap().object
    }
}

/// Sam at a server that is a process of its own.
struct Sam {
    http: reqwest::Client,
    token: String,
}

impl Sam {
    async fn of(server: &ServerProcess) -> Self {
        let http = http();
        let asked = SignIn {
            email: "sam@example.org".into(),
            password: PASSWORD.into(),
            device: Device {
                id: DeviceId::new(),
                name: "Desk".into(),
            },
        };
        let url = format!("{}/v1/auth/sign-in", server.url());
        let signed_in: SignedIn = answer(http.post(url).json(&asked)).await.unwrap();
        let token = signed_in.tokens.access_token;
        Self { http, token }
    }

    async fn begin(&self, server: &ServerProcess, start: &FileStart) -> FileState {
        let request = self.http.post(format!("{}/v1/files", server.url()));
        answer(request.bearer_auth(&self.token).json(start))
            .await
            .unwrap()
    }

    async fn append(
        &self,
        server: &ServerProcess,
        id: FileId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<FileState, WireError> {
        let request = self.http.patch(format!("{}/v1/files/{id}", server.url()));
        let request = request.header("Upload-Offset", offset);
        answer(request.bearer_auth(&self.token).body(bytes.to_vec())).await
    }

    async fn progress(&self, server: &ServerProcess, id: FileId) -> FileState {
        let request = self
            .http
            .get(format!("{}/v1/files/{id}/upload", server.url()));
        answer(request.bearer_auth(&self.token)).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_piece_it_goes_on_after_the_last_acknowledged_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServerProcess::of(Path::new(PROGRAM), folder.path());
    server.start().await.unwrap();
    server.mentor("Maya").await.unwrap();
    server.student("Sam").await.unwrap();
    let conversation = server.course("Algebra", "Maya", "Sam").await.unwrap();
    let sam = Sam::of(&server).await;
    let bytes = png(10, 10, 3_000_000);
    let start = announce(conversation, "a.png", &bytes);
    let id = start.id;
    sam.begin(&server, &start).await;
    let mut offset = 0;
    for kill in 0..3 {
        // One piece that is acknowledged, and one of which the server gets a part. What it gets is
        // not what comes later: bytes that were not acknowledged must not stay.
        let from = usize::try_from(offset).unwrap();
        let piece = &bytes[from..from + 100_000];
        offset = sam.append(&server, id, offset, piece).await.unwrap().offset;
        let torn = vec![0xee; 1_000_000];
        let url = server.url();
        let hanging = begun_request(url, &sam.token, id, offset, 2_000_000, &torn).await;
        grown(folder.path(), offset + 500_000).await;
        server.restart().await.unwrap();
        drop(hanging);
        assert_eq!(
            sam.progress(&server, id).await.offset,
            offset,
            "kill {kill}"
        );
    }
    let from = usize::try_from(offset).unwrap();
    let whole = sam
        .append(&server, id, offset, &bytes[from..])
        .await
        .unwrap();
    assert_eq!(whole.file.unwrap().media_type, "image/png");
    server.restart().await.unwrap();
    assert!(sam.progress(&server, id).await.file.is_some());
    let request = sam.http.get(format!("{}/v1/files/{id}", server.url()));
    let fetched = request.bearer_auth(&sam.token).send().await.unwrap();
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_no_acknowledged_byte_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServerProcess::of(Path::new(PROGRAM), folder.path());
    server.start().await.unwrap();
    server.mentor("Maya").await.unwrap();
    server.student("Sam").await.unwrap();
    let conversation = server.course("Algebra", "Maya", "Sam").await.unwrap();
    let sam = Sam::of(&server).await;
    for acknowledgements in [0, 1, 7, 30] {
        let bytes = png(10, 10, 2_000_000);
        let start = announce(conversation, "a.png", &bytes);
        sam.begin(&server, &start).await;
        let url = format!("{}/v1/files/{}", server.url(), start.id);
        let (acknowledged, mut heard) = tokio::sync::mpsc::channel(100);
        // As fast as it goes, until nobody answers.
        let sending = tokio::spawn({
            let (http, token, bytes) = (sam.http.clone(), sam.token.clone(), bytes.clone());
            async move {
                let mut offset = 0;
                for piece in bytes.chunks(30_000) {
                    let request = http.patch(&url).header("Upload-Offset", offset);
                    let request = request.bearer_auth(&token).body(piece.to_vec());
                    let Ok(response) = request.send().await else {
                        break;
                    };
                    let Ok(state) = response.json::<FileState>().await else {
                        break;
                    };
                    offset = state.offset;
                    acknowledged.send(()).await.ok();
                }
                offset
            }
        });
        for _ in 0..acknowledgements {
            heard.recv().await.unwrap();
        }
        server.restart().await.unwrap();
        let acknowledged = sending.await.unwrap();
        let state = sam.progress(&server, start.id).await;
        assert!(
            state.offset >= acknowledged,
            "{state:?} after {acknowledged}"
        );
        if state.file.is_none() {
            let rest = &bytes[usize::try_from(state.offset).unwrap()..];
            let whole = sam.append(&server, start.id, state.offset, rest).await;
            assert!(whole.unwrap().file.is_some());
        }
    }
    server.stop().await.unwrap();
}
