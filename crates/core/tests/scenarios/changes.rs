//! Messages get other words, are taken back, answered and given emoji; on all devices, offline too.

use super::device::{Device, text};
use im_contract::{
    Commands, ErrorKind,
    args::{
        ConversationArgs, DraftArgs, EditArgs, MessageArgs, Nothing, OpenArgs, OperationArgs,
        ReactArgs, SendArgs, TypingArgs,
    },
    views::{ConnectionState, ContentView, MessageRow, TroubleKind},
};
use im_protocol::{ConversationId, MessageId, limits, people::Role};
use im_testkit::TestServer;

async fn maya_and_sam() -> (TestServer, ConversationId) {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation)
}

fn edit(conversation: ConversationId, id: MessageId, text: &str) -> EditArgs {
    EditArgs {
        conversation,
        id,
        text: text.to_owned(),
    }
}

fn react(conversation: ConversationId, id: MessageId, emoji: &str, on: bool) -> ReactArgs {
    ReactArgs {
        conversation,
        id,
        emoji: emoji.to_owned(),
        on,
    }
}

impl Device {
    /// Waits until a message is as wanted, and nothing of it is pending.
    async fn sees(
        &mut self,
        conversation: ConversationId,
        what: &str,
        wanted: fn(&MessageRow) -> bool,
    ) {
        self.until(what, |core| {
            Box::pin(async move {
                let page = super::device::messages(core, conversation).await;
                page.iter().any(|row| wanted(row) && !row.pending)
            })
        })
        .await;
    }

    async fn message(&self, conversation: ConversationId, id: MessageId) -> MessageRow {
        let page = self.messages(conversation).await;
        page.into_iter().find(|row| row.id == id).unwrap()
    }
}

#[tokio::test]
async fn a_change_is_seen_at_once_here_and_soon_everywhere_and_stays() {
    let (server, conversation) = maya_and_sam().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let mut phone = Device::of("Sam", &server.url()).await;
    let question = sam.say(conversation, "Is 91 prim?").await.id;
    maya.reads(conversation, &["Is 91 prim?"]).await;
    let answer = SendArgs {
        conversation,
        text: "No: 7 × 13.".to_owned(),
        reply_to: Some(question),
        files: Vec::new(),
    };
    maya.core.messages_send(answer).await.unwrap();
    maya.core
        .messages_react(react(conversation, question, "👍", true))
        .await
        .unwrap();
    sam.core
        .messages_edit(edit(conversation, question, "Is 91 prime?"))
        .await
        .unwrap();
    let here = sam.message(conversation, question).await;
    assert!(
        text(&here) == "Is 91 prime?",
        "shown before the network answers"
    );

    for device in [&mut maya, &mut sam, &mut phone] {
        device
            .sees(conversation, "the question is changed", |row| {
                text(row) == "Is 91 prime?" && row.edited && row.reactions.len() == 1
            })
            .await;
        device
            .sees(conversation, "the answer names the question", |row| {
                let asked = ContentView::Text {
                    text: "Is 91 prime?".to_owned(),
                };
                row.reply
                    .as_ref()
                    .is_some_and(|reply| reply.content == asked)
            })
            .await;
    }
    let seen = phone.message(conversation, question).await;
    assert!(seen.editable && !seen.reactions[0].mine);
    assert_eq!(seen.reactions[0].people, ["Maya"]);
    let seen = maya.message(conversation, question).await;
    assert!(!seen.editable && seen.reactions[0].mine);
    let args = MessageArgs {
        conversation,
        id: question,
    };
    let trace = maya.core.messages_trace(args).await.unwrap();
    let words: Vec<&str> = trace.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(words, ["Is 91 prim?"]);

    assert_eq!(maya.conversations().await[0].unread, 1);
    phone.core.messages_delete(args).await.unwrap();
    for device in [&mut maya, &mut sam, &mut phone] {
        device
            .sees(conversation, "the question is gone", |row| {
                row.content == ContentView::Deleted && row.reactions.is_empty() && !row.editable
            })
            .await;
    }
    let mut maya = maya.restart().await;
    maya.caught_up().await;
    let row = &maya.conversations().await[0];
    assert_eq!(row.unread, 0, "what was taken back is nothing to read");
    let rows = maya.messages(conversation).await;
    assert_eq!(rows[0].content, ContentView::Deleted);
    assert_eq!(
        rows[1].reply.as_ref().unwrap().content,
        ContentView::Deleted
    );
    assert!(maya.core.messages_trace(args).await.is_err());
}

#[tokio::test]
async fn what_is_written_changed_and_taken_back_offline_goes_later_in_its_order_after_a_kill() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let old = sam.say(conversation, "old").await.id;
    sam.all_sent().await;
    server.down().await;
    sam.connection(ConnectionState::Waiting).await;
    sam.core
        .messages_edit(edit(conversation, old, "older"))
        .await
        .unwrap();
    let new = sam.say(conversation, "new").await.id;
    let wrong = sam.say(conversation, "wrong").await.id;
    sam.core
        .messages_edit(edit(conversation, new, "newer"))
        .await
        .unwrap();
    sam.core
        .messages_edit(edit(conversation, new, "newest"))
        .await
        .unwrap();
    sam.core
        .messages_react(react(conversation, old, "🎉", true))
        .await
        .unwrap();
    let args = MessageArgs {
        conversation,
        id: wrong,
    };
    sam.core.messages_delete(args).await.unwrap();
    let mut sam = sam.crash().await;
    let shown: Vec<String> = sam.messages(conversation).await.iter().map(text).collect();
    assert_eq!(shown, ["older", "newest", "Deleted"]);
    let row = sam.message(conversation, old).await;
    assert!(row.pending && row.edited && row.reactions[0].mine);
    assert!(
        !sam.message(conversation, new).await.edited,
        "nobody saw it otherwise"
    );

    server.up().await;
    sam.core.connection_retry(Nothing {}).await.unwrap();
    sam.all_sent().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    maya.reads(conversation, &["older", "newest", "Deleted"])
        .await;
    let rows = maya.messages(conversation).await;
    assert_eq!(rows[2].content, ContentView::Deleted);
    assert_eq!(rows[0].reactions[0].people, ["Sam"]);
    assert!(
        sam.messages(conversation)
            .await
            .iter()
            .all(|row| !row.pending)
    );
}

#[tokio::test]
async fn what_is_changed_offline_stands_so_in_the_list_and_in_what_answers_it() {
    let (mut server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let asked = sam.say(conversation, "Is 91 prim?").await.id;
    sam.all_sent().await;
    let answer = |text: &str| SendArgs {
        conversation,
        text: text.to_owned(),
        reply_to: Some(asked),
        files: Vec::new(),
    };
    let sent = sam.core.messages_send(answer("I mean prime")).await;
    let sent = sent.unwrap().id;
    sam.all_sent().await;
    server.down().await;
    sam.connection(ConnectionState::Waiting).await;
    let edits = [(asked, "Is 91 prime?"), (sent, "I meant\nprime")];
    for (id, text) in edits {
        let edit = edit(conversation, id, text);
        sam.core.messages_edit(edit).await.unwrap();
    }
    let words = |text: &str| ContentView::Text {
        text: text.to_owned(),
    };
    let quoted = async |sam: &Device, id| sam.message(conversation, id).await.reply.unwrap();
    let last = async |sam: &Device| sam.conversations().await[0].last.clone().unwrap();
    assert_eq!(quoted(&sam, sent).await.content, words("Is 91 prime?"));
    assert_eq!(last(&sam).await.content, words("I meant prime"));
    let unsent = sam.core.messages_send(answer("Anyone?")).await.unwrap();
    assert_eq!(unsent.reply.unwrap().content, words("Is 91 prime?"));
    let edited = edit(conversation, unsent.id, "Anybody?");
    sam.core.messages_edit(edited).await.unwrap();
    assert_eq!(last(&sam).await.content, words("Anybody?"));
    for id in [asked, unsent.id] {
        let args = MessageArgs { conversation, id };
        sam.core.messages_delete(args).await.unwrap();
    }

    let sam = sam.crash().await;
    let gone = &ContentView::Deleted;
    assert_eq!(&last(&sam).await.content, gone);
    assert_eq!(&quoted(&sam, sent).await.content, gone);
    let row = &sam.conversations().await[0];
    let args = OpenArgs {
        with: row.other.id,
        course: row.course.as_ref().map(|course| course.id),
    };
    let opened = sam.core.conversations_open(args).await.unwrap();
    assert_eq!(&opened.last.unwrap().content, gone);
}

#[tokio::test]
async fn a_change_that_comes_too_late_says_so_and_can_be_thrown_away() {
    let (server, conversation) = maya_and_sam().await;
    let sam = Device::of("Sam", &server.url()).await;
    let mut phone = Device::of("Sam", &server.url()).await;
    let id = sam.say(conversation, "hello").await.id;
    phone.reads(conversation, &["hello"]).await;
    // Written to the phone's outbox as if it had been offline: nothing is taken that is known to be
    // gone.
    let outbox = phone.database("outbox.db");
    sam.core
        .messages_delete(MessageArgs { conversation, id })
        .await
        .unwrap();
    phone
        .sees(conversation, "it is gone", |row| {
            row.content == ContentView::Deleted
        })
        .await;
    let late = phone
        .core
        .messages_edit(edit(conversation, id, "late"))
        .await;
    assert_eq!(late.unwrap_err().kind, ErrorKind::NotFound);
    outbox
        .execute(
            "INSERT INTO outbox(id, conversation, kind, text, target, written_at)
             VALUES (?1, ?2, 'edit', 'late', ?3, 0)",
            [
                MessageId::new().to_string(),
                conversation.to_string(),
                id.to_string(),
            ],
        )
        .unwrap();
    let mut phone = phone.restart().await;
    phone
        .until("the refusal is there", |core| {
            Box::pin(async move {
                let page = super::device::messages(core, conversation).await;
                page[0].trouble.is_some()
            })
        })
        .await;
    let row = phone.message(conversation, id).await;
    let trouble = row.trouble.unwrap();
    assert_eq!((trouble.kind, row.pending), (TroubleKind::Edit, false));
    assert_eq!(row.content, ContentView::Deleted);
    let args = OperationArgs { id: trouble.op };
    phone.core.messages_discard(args).await.unwrap();
    assert!(phone.message(conversation, id).await.trouble.is_none());
}

#[tokio::test]
async fn one_emoji_too_many_says_that_it_is_one_too_many() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let id = sam.say(conversation, "hello").await.id;
    // Rats, mice and what follows them.
    let emoji = ('\u{1f400}'..).take(limits::EMOJIS + 1);
    for one in emoji {
        let given = react(conversation, id, &one.to_string(), true);
        sam.core.messages_react(given).await.unwrap();
    }
    sam.until("the last is refused", |core| {
        Box::pin(async move {
            let page = super::device::messages(core, conversation).await;
            page[0].trouble.is_some()
        })
    })
    .await;
    let row = sam.message(conversation, id).await;
    let trouble = row.trouble.unwrap();
    assert_eq!(trouble.kind, TroubleKind::React);
    assert_eq!(trouble.error.kind, ErrorKind::TooManyEmoji);
    assert_eq!(row.reactions.len(), limits::EMOJIS);
}

#[tokio::test]
async fn what_is_not_one_s_own_or_not_there_cannot_be_changed() {
    let (server, conversation) = maya_and_sam().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let sam = Device::of("Sam", &server.url()).await;
    let id = sam.say(conversation, "mine").await.id;
    maya.reads(conversation, &["mine"]).await;
    let args = MessageArgs { conversation, id };
    let refused = [
        maya.core
            .messages_edit(edit(conversation, id, "yours"))
            .await,
        maya.core.messages_delete(args).await,
        maya.core
            .messages_edit(edit(conversation, MessageId::new(), "x"))
            .await,
        maya.core
            .messages_react(react(ConversationId::new(), id, "👍", true))
            .await,
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind, ErrorKind::NotFound);
    }
    let empty = sam.core.messages_edit(edit(conversation, id, "  ")).await;
    assert_eq!(empty.unwrap_err().kind, ErrorKind::Invalid);
    let answer = SendArgs {
        conversation,
        text: "to nothing".to_owned(),
        reply_to: Some(MessageId::new()),
        files: Vec::new(),
    };
    let refused = sam.core.messages_send(answer).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn who_writes_is_seen_until_they_stop_or_have_written() {
    let (server, conversation) = maya_and_sam().await;
    let mut maya = Device::of("Maya", &server.url()).await;
    let sam = Device::of("Sam", &server.url()).await;
    let typing = |on| TypingArgs { conversation, on };
    let mut sees = async |what: &str, wanted: bool| {
        maya.until(what, |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows[0].typing == wanted
            })
        })
        .await;
    };
    sam.core.conversations_typing(typing(true)).await.unwrap();
    sees("Sam writes", true).await;
    sam.core.conversations_typing(typing(false)).await.unwrap();
    sees("Sam has stopped", false).await;
    sam.core.conversations_typing(typing(true)).await.unwrap();
    sees("Sam writes again", true).await;
    sam.say(conversation, "There.").await;
    sees("Sam has written", false).await;
}

#[tokio::test]
async fn a_draft_outlives_the_app_and_goes_with_its_sending() {
    let (server, conversation) = maya_and_sam().await;
    let mut sam = Device::of("Sam", &server.url()).await;
    let first = sam.say(conversation, "first").await.id;
    sam.all_sent().await;
    let args = DraftArgs {
        conversation,
        text: "I do not\nunderstand".to_owned(),
        reply_to: Some(first),
    };
    sam.core.conversations_keep_draft(args).await.unwrap();
    let sam = sam.crash().await;
    let ask = ConversationArgs { conversation };
    let draft = sam.core.conversations_draft(ask).await.unwrap();
    assert_eq!(draft.text, "I do not\nunderstand");
    assert_eq!(draft.reply_to, Some(first));
    let row = &sam.conversations().await[0];
    assert_eq!(row.draft.as_deref(), Some("I do not understand"));
    sam.say(conversation, "I do not\nunderstand").await;
    let draft = sam.core.conversations_draft(ask).await.unwrap();
    assert_eq!((draft.text.as_str(), draft.reply_to), ("", None));
    assert_eq!(sam.conversations().await[0].draft, None);
}
