//! Files: handed over in pieces, carried by messages, fetched by whoever may.

mod access;
mod bad_days;
mod bucket;
mod limits;
mod sweeping;

use crate::school::{Account, Device, School, answer, new_message};
use bytes::Bytes;
use im_protocol::{
    ConversationId, ErrorCode, FileId, MessageId, WireError,
    conversation::{Message, MessageDelete, MessageEdit, MessageSend, MessageSent, NewMessage},
    files::{FileInfo, FileStart, FileState, Sha256},
    rest::History,
    sync::Fact,
};
use reqwest::{StatusCode, header::HeaderMap};
use sha2::Digest as _;

/// An image of this size in pixels, as far as anybody looks, and `bytes` long.
pub(super) fn png(width: u32, height: u32, bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    png.extend((png.len()..bytes).map(|at| (at % 251) as u8));
    png
}

pub(super) fn announce(conversation: ConversationId, name: &str, bytes: &[u8]) -> FileStart {
    FileStart {
        id: FileId::new(),
        conversation,
        name: name.into(),
        size: bytes.len() as u64,
        sha256: Sha256::from_bytes(sha2::Sha256::digest(bytes).into()),
    }
}

pub(super) fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

impl School {
    pub(super) async fn begin(
        &self,
        account: &Account,
        start: &FileStart,
    ) -> Result<FileState, WireError> {
        self.post("/v1/files", Some(account.token()), start).await
    }

    pub(super) async fn append(
        &self,
        account: &Account,
        id: FileId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<FileState, WireError> {
        let request = self.http.patch(self.url(&format!("/v1/files/{id}")));
        let request = request.header("Upload-Offset", offset);
        answer(request.bearer_auth(account.token()).body(bytes.to_vec())).await
    }

    pub(super) async fn progress(
        &self,
        account: &Account,
        id: FileId,
    ) -> Result<FileState, WireError> {
        let path = format!("/v1/files/{id}/upload");
        self.get(&path, account.token()).await
    }

    /// Hands a file over at once.
    pub(super) async fn hand_over(
        &self,
        account: &Account,
        conversation: ConversationId,
        name: &str,
        bytes: &[u8],
    ) -> FileInfo {
        let start = announce(conversation, name, bytes);
        self.begin(account, &start).await.unwrap();
        let state = self.append(account, start.id, 0, bytes).await.unwrap();
        state.file.unwrap()
    }

    pub(super) async fn fetch(
        &self,
        account: &Account,
        id: FileId,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = self.http.get(self.url(&format!("/v1/files/{id}")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.bearer_auth(account.token()).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap())
    }

    /// The messages of a conversation, as they are read from the database.
    pub(super) async fn messages(
        &self,
        account: &Account,
        conversation: ConversationId,
    ) -> Vec<Message> {
        let path = format!("/v1/conversations/{conversation}/messages");
        let history: History = self.get(&path, account.token()).await.unwrap();
        history.messages
    }
}

pub(super) fn carrying(text: &str, files: &[FileId]) -> NewMessage {
    NewMessage {
        files: files.to_vec(),
        ..new_message(text)
    }
}

pub(super) async fn send(
    device: &Device,
    conversation: ConversationId,
    items: Vec<NewMessage>,
) -> MessageSent {
    let sending = MessageSend {
        conversation,
        items,
    };
    device.ask(sending).await.unwrap()
}

/// Sends one message that is refused, and says why.
pub(super) async fn refused(
    device: &Device,
    conversation: ConversationId,
    item: NewMessage,
) -> ErrorCode {
    let sent = send(device, conversation, vec![item]).await;
    assert!(sent.accepted.is_empty());
    sent.failed.unwrap().error.code
}

fn message_in(facts: &[Fact], id: MessageId) -> Option<&Message> {
    facts.iter().find_map(|fact| match fact {
        Fact::Message(fact) if fact.message.id == id => Some(&fact.message),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_sends_a_picture_in_pieces_and_maya_sees_and_fetches_it() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let mut desk = school.connect(&maya).await;
    let cursor = desk.sync_from_snapshot().await;
    let sams = school.connect(&sam).await;

    let bytes = png(1_280, 960, 100_000);
    let start = announce(conversation, "Übung 7.png", &bytes);
    let id = start.id;
    let begun = school.begin(&sam, &start).await.unwrap();
    assert_eq!((begun.offset, begun.size, begun.file), (0, 100_000, None));
    let some = school.append(&sam, id, 0, &bytes[..70_000]).await.unwrap();
    assert_eq!((some.offset, some.file), (70_000, None));
    let item = carrying("", &[id]);
    let early = refused(&sams, conversation, item.clone()).await;
    assert_eq!(early, ErrorCode::FileUnfinished);
    assert_eq!(school.begin(&sam, &start).await.unwrap().offset, 70_000);
    let all = school.append(&sam, id, 70_000, &bytes[70_000..]).await;
    let info = FileInfo {
        id,
        name: "Übung 7.png".into(),
        size: 100_000,
        media_type: "image/png".into(),
        width: Some(1_280),
        height: Some(960),
    };
    let whole = FileState {
        offset: 100_000,
        size: 100_000,
        file: Some(info.clone()),
    };
    // However often it is asked, and whichever way.
    assert_eq!(all.unwrap(), whole);
    assert_eq!(school.begin(&sam, &start).await.unwrap(), whole);
    assert_eq!(school.progress(&sam, id).await.unwrap(), whole);
    let again = school.append(&sam, id, 100_000, &[]).await.unwrap();
    assert_eq!(again, whole);

    // Words are not needed; the same sent again is the same.
    let sent = send(&sams, conversation, vec![item.clone()]).await;
    assert_eq!(sent.failed, None);
    let repeated = send(&sams, conversation, vec![item.clone()]).await;
    assert_eq!(repeated, sent);
    let (facts, _) = desk
        .facts(cursor, |facts| message_in(facts, item.id).is_some())
        .await;
    let told = message_in(&facts, item.id).unwrap();
    assert_eq!(told.files, [info]);
    // From the database it is the same as it was from memory.
    let read = school.messages(&maya, conversation).await;
    assert_eq!(read, std::slice::from_ref(told));

    let (status, headers, body) = school.fetch(&maya, id, &[]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &bytes[..]));
    let header = |name| headers[name].to_str().unwrap();
    let tag = format!("\"{}\"", start.sha256);
    assert_eq!(header("etag"), tag);
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("content-length"), "100000");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"_bung 7.png\"; filename*=UTF-8''%C3%9Cbung%207.png"
    );

    // Parts of it, as a client asks that goes on with a download.
    let part = [("Range", "bytes=99000-"), ("If-Range", tag.as_str())];
    let (status, headers, body) = school.fetch(&maya, id, &part).await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(headers["content-range"], "bytes 99000-99999/100000");
    assert_eq!(body, bytes[99_000..]);
    let other = [("Range", "bytes=99000-"), ("If-Range", "\"other\"")];
    let (status, _, body) = school.fetch(&maya, id, &other).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 100_000));
    let beyond = [("Range", "bytes=100000-")];
    let (status, headers, _) = school.fetch(&maya, id, &beyond).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers["content-range"], "bytes */100000");
    let known = [("If-None-Match", tag.as_str())];
    let (status, _, body) = school.fetch(&maya, id, &known).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_keep_their_order_stay_over_an_edit_and_go_with_the_message() {
    let mut school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let mut files = Vec::new();
    for name in ["one.txt", "two.txt", "three.txt"] {
        let bytes = name.repeat(9);
        let file = school.hand_over(&sam, conversation, name, bytes.as_bytes());
        files.push(file.await);
    }
    files.reverse();
    let ids: Vec<_> = files.iter().map(|file| file.id).collect();
    let item = carrying("three, two, one", &ids);
    let message = item.id;
    // Together with another message, in one sending.
    let sent = send(&sams, conversation, vec![new_message("before"), item]).await;
    assert_eq!(sent.accepted.len(), 2);
    let edit = MessageEdit {
        id: im_protocol::EditId::new(),
        conversation,
        message,
        text: "in another order".into(),
    };
    let edited = sams.ask(edit).await.unwrap();
    assert_eq!(edited.files, files);
    let bare = MessageEdit {
        id: im_protocol::EditId::new(),
        conversation,
        message,
        text: String::new(),
    };
    let edited = sams.ask(bare).await.unwrap();
    assert_eq!(edited.files, files, "words are not needed beside files");
    let wordless = MessageEdit {
        id: im_protocol::EditId::new(),
        conversation,
        message: sent.accepted[0].id,
        text: String::new(),
    };
    let wordless = sams.ask(wordless).await;
    assert_eq!(code_of(wordless), ErrorCode::Invalid);
    school.restart().await;
    assert_eq!(school.messages(&maya, conversation).await[1], edited);
    let (status, _, body) = school.fetch(&maya, ids[0], &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, "three.txt".repeat(9).as_bytes());

    let sams = school.connect(&sam).await;
    let delete = MessageDelete {
        conversation,
        message,
    };
    let deleted = sams.ask(delete).await.unwrap();
    assert!(deleted.files.is_empty());
    for account in [&maya, &sam] {
        let (status, ..) = school.fetch(account, ids[0], &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    // Their bytes go too.
    school.kept_files(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_carried_once_by_a_message_of_its_author_where_it_was_meant_for() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let lin = school
        .person("Lin", im_protocol::people::Role::Student)
        .await;
    let lins = crate::school::email_of("Lin");
    let other = school.operator.enrol("ALG", &lins).await.unwrap();
    let (desk, sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let file = school
        .hand_over(&sam, conversation, "a.txt", b"words")
        .await;
    let hers = school.hand_over(&maya, other, "b.txt", b"others").await;

    let unknown = ErrorCode::FileUnknown;
    for (device, place, id) in [
        (&desk, conversation, file.id),
        (&desk, conversation, hers.id),
        (&sams, conversation, hers.id),
        (&sams, conversation, FileId::new()),
    ] {
        assert_eq!(
            refused(device, place, carrying("see", &[id])).await,
            unknown
        );
    }
    let twice = carrying("see", &[file.id, file.id]);
    assert_eq!(
        refused(&sams, conversation, twice).await,
        ErrorCode::Invalid
    );
    let many: Vec<_> = (0..11).map(|_| FileId::new()).collect();
    let many = carrying("see", &many);
    assert_eq!(refused(&sams, conversation, many).await, ErrorCode::Invalid);
    let nothing = carrying("", &[]);
    assert_eq!(
        refused(&sams, conversation, nothing).await,
        ErrorCode::Invalid
    );

    // Two in one sending want it: the first has it, and nothing of the second is kept.
    let (first, second) = (carrying("", &[file.id]), carrying("", &[file.id]));
    let sent = send(&sams, conversation, vec![first.clone(), second.clone()]).await;
    assert_eq!(sent.accepted[0].id, first.id);
    let failed = sent.failed.unwrap();
    assert_eq!((failed.id, failed.error.code), (second.id, unknown.clone()));
    let late = carrying("", &[file.id]);
    assert_eq!(refused(&sams, conversation, late).await, unknown);
    // The same message without its file is another one.
    let bare = NewMessage {
        files: Vec::new(),
        text: "?".into(),
        ..first
    };
    let reused = refused(&sams, conversation, bare).await;
    assert_eq!(reused, ErrorCode::IdReused);
    assert_eq!(school.messages(&lin, other).await, []);
    assert_eq!(school.messages(&sam, conversation).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_no_files_sends_and_reads_as_before() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let id = MessageId::new();
    let old = serde_json::json!({
        "conversation": conversation,
        "items": [{"id": id, "text": "as ever", "written_at": 5}],
    });
    let sent = sams.ask_raw("message:send", &old).await.unwrap();
    assert_eq!(sent["accepted"][0]["seq"], 1);
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: serde_json::Value = school.get(&path, sam.token()).await.unwrap();
    assert_eq!(history["messages"][0].get("files"), None);
}
