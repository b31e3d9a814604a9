//! Files and pictures from one to the other: chosen, sent, fetched, shown, saved, taken back.

mod bad_days;

use super::device::Device;
use im_contract::{
    Commands, CoreEvent, ErrorKind,
    args::{ConversationArgs, MessageArgs, SendArgs},
    files::{Choosing, DropArgs, FileArgs, FileState, FileView, MessageFileArgs, Pasted},
    views::{ContentView, MessageRow, MessageState},
};
use im_core::{PictureKind, clipboard::Copied};
use im_protocol::{ConversationId, limits::FILE_BYTES, people::Role};
use im_testkit::TestServer;
use std::path::{Path, PathBuf};

async fn maya_and_sam() -> (TestServer, ConversationId) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation)
}

/// Bytes that no file system and no line makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8))
        .flat_map(|_| next())
        .take(length)
        .collect()
}

/// A file on the person's computer.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn photo(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    image::RgbImage::from_fn(1_200, 800, |x, y| {
        image::Rgb([(x % 256) as u8, (y % 256) as u8, 90])
    })
    .save(&path)
    .unwrap();
    path
}

impl Device {
    /// The person drops files on the window, and the page chooses them for a conversation.
    async fn choose(&mut self, conversation: ConversationId, paths: &[PathBuf]) -> Choosing {
        let mut events = self.core.events();
        self.core.files_dropped(paths.to_vec());
        let drop = loop {
            if let CoreEvent::FilesDropped { drop } = events.recv().await.unwrap() {
                break drop;
            }
        };
        let args = DropArgs { conversation, drop };
        let chosen = self.core.files_drop(args).await.unwrap();
        assert!(
            self.core.files_drop(args).await.is_err(),
            "a drop counts once"
        );
        chosen
    }

    async fn chosen(&self, conversation: ConversationId) -> Vec<FileView> {
        let args = ConversationArgs { conversation };
        self.core.conversations_draft(args).await.unwrap().files
    }

    /// Sends whatever is chosen.
    async fn send_chosen(&self, conversation: ConversationId, text: &str) -> MessageRow {
        let files = self.chosen(conversation).await;
        let args = SendArgs {
            conversation,
            text: text.to_owned(),
            reply_to: None,
            files: files.iter().map(|file| file.id).collect(),
        };
        self.core.messages_send(args).await.unwrap()
    }

    /// Waits until the last message with files has one in this state. Gives both.
    async fn has_file(
        &mut self,
        conversation: ConversationId,
        state: FileState,
    ) -> (MessageRow, FileView) {
        let found = move |rows: Vec<MessageRow>| {
            let row = rows.into_iter().rfind(|row| !row.files.is_empty())?;
            let file = row.files.iter().find(|file| file.state == state)?.clone();
            Some((row, file))
        };
        self.until(&format!("a file is {state:?}"), |core| {
            Box::pin(
                async move { found(super::device::messages(core, conversation).await).is_some() },
            )
        })
        .await;
        found(self.messages(conversation).await).expect("the file")
    }

    /// Fetches the only file of the last message with files, and saves it into a folder.
    async fn fetch_and_save(&mut self, conversation: ConversationId, folder: &Path) -> PathBuf {
        let (row, file) = self.has_file(conversation, FileState::There).await;
        let args = of(&row, &file);
        self.core.files_fetch(args).await.unwrap();
        self.has_file(conversation, FileState::Here).await;
        self.core.set_downloads(folder.to_owned());
        self.core.files_save(args).await.unwrap().path.into()
    }

    /// The files in a folder of the account.
    fn kept(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.account_folder().join(folder)).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }
}

fn of(row: &MessageRow, file: &FileView) -> MessageFileArgs {
    MessageFileArgs {
        message: row.id,
        id: file.id,
    }
}

#[tokio::test]
async fn what_was_copied_in_another_program_is_sent() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(photo(desk.path(), "board.png")).unwrap();
    let paste = async |device: &Device| {
        let args = ConversationArgs { conversation };
        device.core.files_paste(args).await
    };
    let refused = async |device: &Device| match paste(device).await.unwrap() {
        Pasted::Chosen { refused } => refused,
        _ => panic!("nothing was chosen"),
    };
    assert!(matches!(paste(&sam).await, Ok(Pasted::Nothing)));
    sam.desktop.copy(Copied::Words("Problem 7".to_owned()));
    let words = paste(&sam).await.unwrap();
    assert!(matches!(words, Pasted::Words { text } if text == "Problem 7"));

    sam.desktop.copy(Copied::Picture {
        bytes: bytes.clone(),
        ending: "png",
    });
    assert!(refused(&sam).await.is_empty());
    let notes = file(desk.path(), "notes.txt", b"Problem 7");
    let empty = file(desk.path(), "empty.txt", b"");
    sam.desktop.copy(Copied::Files(vec![notes, empty]));
    let empty = refused(&sam).await;
    let empty: Vec<_> = empty
        .iter()
        .map(|one| (one.name.as_str(), one.error.kind))
        .collect();
    assert_eq!(empty, [("empty.txt", ErrorKind::FileEmpty)]);
    let draft = sam.chosen(conversation).await;
    let names: Vec<_> = draft.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["image.png", "notes.txt"]);
    assert_eq!(draft[0].width.zip(draft[0].height), Some((1_200, 800)));

    // A program that hands over nothing.
    sam.desktop.copy(Copied::Picture {
        bytes: Vec::new(),
        ending: "gif",
    });
    assert_eq!(refused(&sam).await[0].error.kind, ErrorKind::FileEmpty);
    sam.core
        .files_remove(FileArgs { id: draft[1].id })
        .await
        .unwrap();
    sam.send_chosen(conversation, "").await;
    sam.all_sent().await;
    let saved = maya.fetch_and_save(conversation, desk.path()).await;
    assert_eq!(std::fs::read(saved).unwrap(), bytes);
    assert!(sam.kept("uploads").is_empty());
}

#[tokio::test]
async fn a_picture_and_a_paper_go_from_sam_to_maya_and_to_his_phone() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut phone = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let paper = noise(700_000);
    let (picture, document) = (
        photo(desk.path(), "board.png"),
        file(desk.path(), "exam.pdf", &paper),
    );
    let chosen = sam
        .choose(conversation, &[picture.clone(), document.clone()])
        .await;
    assert!(chosen.refused.is_empty());
    // They may go from where they were as soon as they are chosen.
    std::fs::remove_file(&picture).unwrap();
    std::fs::write(&document, "something else").unwrap();
    let draft = sam.chosen(conversation).await;
    assert_eq!(draft[0].width.zip(draft[0].height), Some((1_200, 800)));
    assert_eq!(draft[1].size, 700_000);
    let row = sam.send_chosen(conversation, "").await;
    assert_eq!((row.files.len(), row.state), (2, MessageState::Waiting));
    assert!(sam.chosen(conversation).await.is_empty());
    sam.all_sent().await;

    // Who sent them has them.
    sam.has_file(conversation, FileState::Here).await;
    let list = sam.conversations().await;
    let last = list[0].last.as_ref().unwrap();
    assert_eq!((last.files, last.file.as_str()), (2, "board.png"));
    assert!(sam.kept("uploads").is_empty());
    let shown = sam.core.picture(PictureKind::Small, draft[0].id).await;
    assert_eq!(shown.unwrap().media_type, "image/jpeg");

    let mut edit = im_contract::args::EditArgs {
        conversation,
        id: row.id,
        text: "the board".to_owned(),
    };
    sam.core.messages_edit(edit.clone()).await.unwrap();
    maya.reads(conversation, &["the board"]).await;
    edit.text = "  ".to_owned();
    sam.core.messages_edit(edit).await.unwrap();
    for device in [&mut maya, &mut phone] {
        device.reads(conversation, &[""]).await;
        let (row, there) = device.has_file(conversation, FileState::There).await;
        assert_eq!(
            row.content,
            ContentView::Text {
                text: String::new()
            }
        );
        assert_eq!(there.width.zip(there.height), Some((1_200, 800)));
        let nothing = device.core.picture(PictureKind::Whole, there.id).await;
        assert!(nothing.is_none(), "it is not here yet");
        device.core.files_fetch(of(&row, &there)).await.unwrap();
        device.has_file(conversation, FileState::Here).await;
        let whole = device.core.picture(PictureKind::Whole, there.id).await;
        assert_eq!(whole.unwrap().media_type, "image/png");
        // What is no picture is never given to the page.
        let other = &row.files[1];
        device.core.files_fetch(of(&row, other)).await.unwrap();
        device
            .until("both are here", |core| {
                Box::pin(async move {
                    let rows = super::device::messages(core, conversation).await;
                    let mut files = rows.iter().flat_map(|row| &row.files);
                    files.all(|file| file.state == FileState::Here)
                })
            })
            .await;
        let nothing = device.core.picture(PictureKind::Whole, other.id).await;
        assert!(nothing.is_none());
    }
    let (row, _) = maya.has_file(conversation, FileState::Here).await;
    let downloads = tempfile::tempdir().unwrap();
    maya.core.set_downloads(downloads.path().to_owned());
    let save = of(&row, &row.files[1]);
    for name in ["exam.pdf", "exam (2).pdf"] {
        let saved = maya.core.files_save(save).await.unwrap();
        assert_eq!(Path::new(&saved.path), downloads.path().join(name));
        assert!(std::fs::read(&saved.path).unwrap() == paper);
    }
    let (row, _) = maya.has_file(conversation, FileState::Here).await;
    assert!(row.files[1].saved && !row.files[0].saved);
    // This desktop has nothing to open it with, and says so.
    assert!(maya.core.files_open(save).await.is_err());
}

#[tokio::test]
async fn how_large_a_file_may_be_the_operator_says() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let film = file(desk.path(), "film.mkv", &noise(3_000_000));
    let choose = async |sam: &mut Device| {
        let refused = sam
            .choose(conversation, std::slice::from_ref(&film))
            .await
            .refused;
        refused
            .into_iter()
            .map(|one| one.error.params["limit"].clone())
            .collect::<Vec<_>>()
    };
    // It was chosen before the operator thought of another limit: the message is refused with it.
    assert!(choose(&mut sam).await.is_empty());
    server.down().await;
    sam.send_chosen(conversation, "the film").await;
    server.up_with_file_limit(2_500_000).await;
    sam.last_is(conversation, MessageState::Failed).await;
    let failed = sam.messages(conversation).await.pop().unwrap();
    let error = failed.error.unwrap();
    assert_eq!(
        (error.kind, error.params["limit"].as_str()),
        (ErrorKind::FileTooLarge, "2 MB")
    );

    assert_eq!(choose(&mut sam).await, ["2 MB"]);
    // It is remembered where the server is away.
    server.down().await;
    let mut sam = sam.restart().await;
    assert_eq!(choose(&mut sam).await, ["2 MB"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_its_name_before_it_is_sent() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let large = desk.path().join("film.mkv");
    let film = std::fs::File::create(&large).unwrap();
    film.set_len(FILE_BYTES + 1).unwrap();
    let paths = [
        file(desk.path(), "empty.txt", b""),
        large,
        desk.path().to_owned(),
        desk.path().join("gone.txt"),
        file(desk.path(), "notes.txt", b"notes"),
    ];
    let refused = sam.choose(conversation, &paths).await.refused;
    let kinds: Vec<(&str, ErrorKind)> = refused
        .iter()
        .map(|one| (one.name.as_str(), one.error.kind))
        .collect();
    assert_eq!(
        kinds[..2],
        [
            ("empty.txt", ErrorKind::FileEmpty),
            ("film.mkv", ErrorKind::FileTooLarge)
        ]
    );
    assert_eq!(kinds[2].1, ErrorKind::NoFile);
    assert_eq!(kinds[3], ("gone.txt", ErrorKind::NoFile));
    assert_eq!(sam.kept("uploads").len(), 1, "nothing stays of the others");

    let more: Vec<PathBuf> = (0..10)
        .map(|n| file(desk.path(), &format!("{n}.txt"), b"more"))
        .collect();
    let refused = sam.choose(conversation, &more).await.refused;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].error.kind, ErrorKind::TooManyFiles);
    // What was chosen is there after a restart, and can be taken out again.
    let mut sam = sam.restart().await;
    let chosen = sam.chosen(conversation).await;
    assert_eq!(chosen.len(), 10);
    let first = FileArgs { id: chosen[0].id };
    sam.core.files_remove(first).await.unwrap();
    assert_eq!(sam.chosen(conversation).await.len(), 9);
    assert_eq!(sam.kept("uploads").len(), 9);
    // A file that is not chosen cannot be sent.
    let args = SendArgs {
        conversation,
        text: String::new(),
        reply_to: None,
        files: vec![first.id],
    };
    let error = sam.core.messages_send(args).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::FileGone);
    sam.send_chosen(conversation, "nine").await;
    sam.all_sent().await;
    assert!(sam.kept("uploads").is_empty());
}

#[tokio::test]
async fn a_file_that_the_server_refuses_says_why_and_keeps_nobody_waiting() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let mut program = noise(2_000);
    program[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0");
    let program = file(desk.path(), "game", &program);
    sam.choose(conversation, &[program]).await;
    let refused = sam.send_chosen(conversation, "play this").await;
    sam.last_is(conversation, MessageState::Failed).await;
    let rows = sam.messages(conversation).await;
    let error = rows.last().unwrap().error.as_ref().unwrap();
    assert_eq!(error.kind, ErrorKind::FileRefused);
    sam.say(conversation, "or not").await;
    maya.reads(conversation, &["or not"]).await;
    let args = im_contract::args::OperationArgs {
        id: refused.id.into(),
    };
    sam.core.messages_discard(args).await.unwrap();
    assert!(sam.kept("uploads").is_empty());
    sam.reads(conversation, &["or not"]).await;
}

#[tokio::test]
async fn a_file_goes_with_the_message_that_is_taken_back() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let desk = tempfile::tempdir().unwrap();
    let picture = photo(desk.path(), "wrong.png");
    sam.choose(conversation, &[picture]).await;
    let row = sam.send_chosen(conversation, "look").await;
    let (_, there) = maya.has_file(conversation, FileState::There).await;
    let args = of(&row, &there);
    maya.core.files_fetch(args).await.unwrap();
    maya.has_file(conversation, FileState::Here).await;
    assert!(
        maya.core
            .picture(PictureKind::Small, there.id)
            .await
            .is_some()
    );
    assert_eq!(maya.kept("thumbnails").len(), 1);

    let back = MessageArgs {
        conversation,
        id: row.id,
    };
    sam.core.messages_delete(back).await.unwrap();
    for device in [&mut maya, &mut sam] {
        let account = device.account_folder();
        let empty = move |name: &str| {
            let mut entries = std::fs::read_dir(account.join(name)).unwrap();
            entries.next().is_none()
        };
        device
            .until("nothing is left of it", |core| {
                let empty = empty.clone();
                Box::pin(async move {
                    let rows = super::device::messages(core, conversation).await;
                    let gone = rows.iter().all(|row| row.files.is_empty());
                    gone && empty("files") && empty("thumbnails")
                })
            })
            .await;
        assert!(
            device
                .core
                .picture(PictureKind::Whole, there.id)
                .await
                .is_none()
        );
        let error = device.core.files_save(args).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_message_whose_file_is_held_lets_others_pass_and_is_thrown_away_unsent() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    server.down().await;
    let desk = tempfile::tempdir().unwrap();
    let film = file(desk.path(), "film.bin", &noise(3_000_000));
    sam.choose(conversation, &[film]).await;
    let row = sam.send_chosen(conversation, "the film").await;
    let id = row.files[0].id;
    sam.core.files_hold(FileArgs { id }).await.unwrap();
    sam.say(conversation, "starts at three").await;
    server.up().await;
    sam.core
        .connection_retry(im_contract::args::Nothing {})
        .await
        .unwrap();
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["starts at three"]).await;

    // The hold outlives a restart.
    let mut sam = sam.restart().await;
    sam.caught_up().await;
    sam.has_file(conversation, FileState::UploadHeld).await;
    let back = MessageArgs {
        conversation,
        id: row.id,
    };
    sam.core.messages_delete(back).await.unwrap();
    sam.reads(conversation, &["starts at three"]).await;
    assert!(sam.kept("uploads").is_empty());
    sam.say(conversation, "forget it").await;
    maya.reads(conversation, &["starts at three", "forget it"])
        .await;
}
