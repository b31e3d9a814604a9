//! What may become of a message, as any client sees it.

use crate::school::{School, new_message};
use im_protocol::{
    ConversationId, EditId, ErrorCode, MessageId,
    conversation::{
        Content, Message, MessageDelete, MessageEdit, MessageReact, MessageSend, MessageTrace,
        ReadMark, TypingStart, TypingStarted,
    },
    sync::Fact,
};

fn edit(conversation: ConversationId, message: MessageId, text: &str) -> MessageEdit {
    MessageEdit {
        id: EditId::new(),
        conversation,
        message,
        text: text.into(),
    }
}

fn words(message: &Message) -> &str {
    match &message.content {
        Content::Text { text } => text,
        _ => "",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_counts_once_and_the_last_to_arrive_wins() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (mut maya, sam) = (school.connect(&maya).await, school.connect(&sam).await);
    let cursor = maya.sync_from_snapshot().await;
    let sent = sam.send(conversation, &["one", "two"]).await.unwrap();
    let id = sent.accepted[0].id;
    let first = edit(conversation, id, "ONE");
    let changed = sam.ask(first.clone()).await.unwrap();
    assert_eq!((words(&changed), changed.seq, changed.rev), ("ONE", 1, 3));
    assert!(changed.edited_at.is_some());
    let second = sam.ask(edit(conversation, id, "Eins")).await.unwrap();
    assert_eq!(second.rev, 4);
    // Sent again, because its answer was lost: nothing happens.
    let again = sam.ask(first.clone()).await.unwrap();
    assert_eq!((words(&again), again.rev), ("Eins", 4));
    let mut reused = first;
    reused.text = "Uno".into();
    assert_eq!(sam.ask(reused).await.unwrap_err().code, ErrorCode::IdReused);

    let is_last = |fact: &Fact| matches!(fact, Fact::Message(one) if one.message.rev == 4);
    let (facts, _) = maya.facts(cursor, |facts| facts.iter().any(is_last)).await;
    let Some(Fact::Message(last)) = facts.iter().rev().find(|fact| is_last(fact)) else {
        panic!("no message");
    };
    assert_eq!((words(&last.message), last.unread), ("Eins", 2));
    let ask = MessageTrace {
        conversation,
        message: id,
    };
    let trace = maya.ask(ask).await.unwrap().wordings;
    let trace: Vec<&str> = trace.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(trace, ["one", "ONE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_to_the_words_that_are_there_counts_once_too() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let (laptop, desk) = (school.connect(&sam).await, school.connect(&sam).await);
    let sent = laptop.send(conversation, &["one"]).await.unwrap();
    let id = sent.accepted[0].id;
    let same = edit(conversation, id, "one");
    let unchanged = laptop.ask(same.clone()).await.unwrap();
    assert_eq!((unchanged.rev, unchanged.edited_at), (1, None));
    let changed = desk.ask(edit(conversation, id, "two")).await.unwrap();
    assert_eq!(words(&changed), "two");
    // The laptop has not heard the answer and sends it again: what was written since stays.
    let again = laptop.ask(same.clone()).await.unwrap();
    assert_eq!((words(&again), again.rev), ("two", changed.rev));
    let mut reused = same;
    reused.text = "three".into();
    let reused = laptop.ask(reused).await.unwrap_err();
    assert_eq!(reused.code, ErrorCode::IdReused);
    let ask = MessageTrace {
        conversation,
        message: id,
    };
    let trace = laptop.ask(ask).await.unwrap().wordings;
    let trace: Vec<&str> = trace.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(trace, ["one"], "what changed nothing has left no words");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sending_that_is_repeated_after_a_change_does_not_pass_for_the_change() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let (laptop, desk) = (school.connect(&sam).await, school.connect(&sam).await);
    let send = MessageSend {
        conversation,
        items: vec![new_message("one")],
    };
    let sent = laptop.ask(send.clone()).await.unwrap();
    let message = sent.accepted[0].id;
    let changed = edit(conversation, message, "ONE");
    let changed = desk.ask(changed).await.unwrap();
    // The laptop has not heard the answer. It has the old words, so it must not get the new revision.
    let again = laptop.ask(send).await.unwrap();
    assert_eq!(again.accepted[0].id, message);
    assert_eq!(again.accepted[0].seq, changed.seq);
    assert!(again.accepted[0].rev < changed.rev);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_told_to_nobody_and_is_nothing_to_read() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (maya_s, mut maya) = (maya.token().to_owned(), school.connect(&maya).await);
    let sam = school.connect(&sam).await;
    let sent = sam.send(conversation, &["a", "b", "c"]).await.unwrap();
    let message = sent.accepted[1].id;
    maya.ask(ReadMark {
        conversation,
        seq: 1,
    })
    .await
    .unwrap();
    let react = |emoji: &str, on| MessageReact {
        conversation,
        message,
        emoji: emoji.into(),
        on,
    };
    let given = maya.ask(react("👍", true)).await.unwrap();
    assert_eq!(given.reactions.len(), 1);
    let again = maya.ask(react("👍", true)).await.unwrap();
    assert_eq!(again.rev, given.rev, "given already");
    assert!(maya.ask(react("ok", true)).await.is_err());

    let delete = MessageDelete {
        conversation,
        message,
    };
    let foreign = maya.ask(delete).await.unwrap_err();
    assert_eq!(foreign.code, ErrorCode::Forbidden);
    let cursor = maya.sync_from_snapshot().await;
    let gone = sam.ask(delete).await.unwrap();
    assert_eq!(gone.content, Content::Deleted);
    assert_eq!(sam.ask(delete).await.unwrap().rev, gone.rev);
    let refused = [
        sam.ask(edit(conversation, message, "B")).await.unwrap_err(),
        maya.ask(react("🎉", true)).await.unwrap_err(),
        maya.ask(MessageTrace {
            conversation,
            message,
        })
        .await
        .unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.code == ErrorCode::Gone));
    let deleted = |fact: &Fact| matches!(fact, Fact::Message(one) if one.message.id == message);
    let (facts, _) = maya.facts(cursor, |facts| facts.iter().any(deleted)).await;
    let Some(Fact::Message(last)) = facts.iter().find(|fact| deleted(fact)) else {
        panic!("no message");
    };
    assert_eq!(last.message.content, Content::Deleted);
    assert_eq!(last.unread, 1, "of b and c only c is left");
    assert!(last.message.reactions.is_empty());
    let path = format!("/v1/conversations/{conversation}/messages");
    let history: im_protocol::rest::History = school.get(&path, &maya_s).await.unwrap();
    assert_eq!(history.messages[1].content, Content::Deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_names_a_message_of_its_own_conversation() {
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let sam = school.connect(&sam).await;
    let mut question = new_message("Why?");
    let mut answer = new_message("Because.");
    answer.reply_to = Some(question.id);
    let ask = |items| MessageSend {
        conversation,
        items,
    };
    // Also one that is sent together with it.
    let both = ask(vec![question.clone(), answer.clone()]);
    let sent = sam.ask(both.clone()).await.unwrap();
    assert_eq!((sent.accepted.len(), &sent.failed), (2, &None));
    assert_eq!(sam.ask(both).await.unwrap(), sent);
    // The same words as an answer to nothing are something else.
    answer.reply_to = None;
    let reused = sam.ask(ask(vec![answer])).await.unwrap().failed.unwrap();
    assert_eq!(reused.error.code, ErrorCode::IdReused);
    question = new_message("Lost?");
    question.reply_to = Some(MessageId::new());
    let failed = sam.ask(ask(vec![question])).await.unwrap().failed.unwrap();
    assert_eq!(failed.error.code, ErrorCode::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_part_of_it_changes_nothing_and_is_told_nothing() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let lin = school
        .person("Lin", im_protocol::people::Role::Student)
        .await;
    let (mut maya, sam) = (school.connect(&maya).await, school.connect(&sam).await);
    let lin = school.connect(&lin).await;
    let message = sam.send(conversation, &["secret"]).await.unwrap().accepted[0].id;
    let codes = [
        lin.ask(edit(conversation, message, "x"))
            .await
            .unwrap_err()
            .code,
        lin.ask(MessageDelete {
            conversation,
            message,
        })
        .await
        .unwrap_err()
        .code,
        lin.ask(MessageReact {
            conversation,
            message,
            emoji: "👍".into(),
            on: true,
        })
        .await
        .unwrap_err()
        .code,
        lin.ask(MessageTrace {
            conversation,
            message,
        })
        .await
        .unwrap_err()
        .code,
        lin.ask(TypingStart { conversation })
            .await
            .unwrap_err()
            .code,
    ];
    assert!(
        codes.iter().all(|code| *code == ErrorCode::NotFound),
        "{codes:?}"
    );
    sam.ask(TypingStart { conversation }).await.unwrap();
    let told: TypingStarted = maya.hear().await;
    assert_eq!(told.conversation, conversation);
}
