//! Writing messages and changing them: everything is on disk before it is shown, and sent after.

use super::rows;
use crate::{
    session::{Context, Mail, OpenAccount},
    store::{
        conversation,
        draft::{self, Draft},
        message,
        outbox::{self, Operation, OutboxRow},
        upload,
    },
};
use im_contract::{
    ErrorKind, UiError,
    args::{EditArgs, MessageArgs, ReactArgs, SendArgs},
    views::{MessageRow, WordingView},
};
use im_protocol::{
    ConversationId, MessageId, OperationId,
    conversation::{Content, MessageTrace},
    limits,
};
use tokio::sync::oneshot;

/// Writes a message: it is on disk when this answers, and the draft that it was is gone.
pub(crate) async fn send(open: &OpenAccount, args: SendArgs) -> Result<MessageRow, UiError> {
    let SendArgs {
        conversation,
        text,
        reply_to,
        files,
    } = args;
    if files.len() > limits::MESSAGE_FILES {
        let limit = limits::MESSAGE_FILES;
        return Err(UiError::new(ErrorKind::TooManyFiles).with("limit", limit));
    }
    let text = words(text, !files.is_empty())?;
    let context = &open.context;
    let known = context
        .store
        .cache
        .read(move |connection| {
            let answers = match reply_to {
                Some(id) => message::get(connection, id)?
                    .is_some_and(|one| one.conversation == conversation),
                None => true,
            };
            Ok(answers && conversation::get(connection, conversation)?.is_some())
        })
        .await?;
    if !known {
        return Err(UiError::new(ErrorKind::NotFound));
    }
    let id = MessageId::new();
    let written_at = context.clock.now();
    let written = context
        .store
        .take(move |tx| {
            for file in &files {
                let chosen = upload::get(tx, *file)?;
                let is_free = |one: &upload::Upload| {
                    one.message.is_none() && one.conversation == conversation
                };
                if !chosen.as_ref().is_some_and(is_free) {
                    return Ok(None);
                }
            }
            for file in files {
                upload::carry(tx, file, conversation, id)?;
            }
            draft::keep(tx, conversation, &Draft::default())?;
            let operation = Operation::Send { text, reply_to };
            let row = outbox::add(tx, id.into(), conversation, operation, written_at)?;
            Ok(Some((row, upload::of_message(tx, id)?)))
        })
        .await?;
    // A file that is gone from the draft is not sent without being seen.
    let (row, carried) = written.ok_or_else(|| UiError::new(ErrorKind::FileGone))?;
    open.tell(Mail::Wrote).await;
    rows::just_written(context, row, &carried).await
}

/// Gives an own message other words.
pub(crate) async fn edit(open: &OpenAccount, args: EditArgs) -> Result<(), UiError> {
    let text = words(args.text, carries(&open.context, args.id).await?)?;
    changeable(&open.context, args.conversation, args.id, true).await?;
    let operation = Operation::Edit {
        message: args.id,
        text,
    };
    change(open, args.conversation, operation).await
}

/// Takes an own message back.
pub(crate) async fn delete(open: &OpenAccount, args: MessageArgs) -> Result<(), UiError> {
    changeable(&open.context, args.conversation, args.id, true).await?;
    // What waits for its files was never sent: there is nothing to be taken back.
    if discard(open, args.id.into()).await.is_ok() {
        return Ok(());
    }
    let operation = Operation::Delete { message: args.id };
    change(open, args.conversation, operation).await
}

/// Gives a message an emoji, or takes it back.
pub(crate) async fn react(open: &OpenAccount, args: ReactArgs) -> Result<(), UiError> {
    if args.emoji.is_empty() || args.emoji.len() > limits::EMOJI_BYTES {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "emoji"));
    }
    changeable(&open.context, args.conversation, args.id, false).await?;
    let operation = Operation::React {
        message: args.id,
        emoji: args.emoji,
        on: args.on,
    };
    change(open, args.conversation, operation).await
}

async fn change(
    open: &OpenAccount,
    conversation: ConversationId,
    operation: Operation,
) -> Result<(), UiError> {
    let context = &open.context;
    let written_at = context.clock.now();
    context
        .store
        .take(move |tx| outbox::add(tx, OperationId::new(), conversation, operation, written_at))
        .await?;
    open.tell(Mail::Wrote).await;
    Ok(())
}

/// Whether there is such a message here that can be changed, sent or not: an own one where that is
/// asked for.
async fn changeable(
    context: &Context,
    conversation: ConversationId,
    id: MessageId,
    own: bool,
) -> Result<(), UiError> {
    let me = context.me;
    let unsent = context
        .store
        .outbox
        .read(move |connection| outbox::get(connection, id.into()))
        .await?;
    // After the outbox, or a message that is accepted meanwhile would be in neither.
    let stored = context
        .store
        .cache
        .read(move |connection| message::get(connection, id))
        .await?;
    let found = match (stored, unsent) {
        (Some(stored), _) => {
            let fits = match stored.content {
                Content::Text { .. } => !own || stored.author == me,
                Content::Call { .. } => !own,
                Content::Deleted | Content::Unknown => false,
            };
            fits && stored.conversation == conversation
        }
        (
            None,
            Some(OutboxRow {
                error: None,
                conversation: place,
                operation,
                ..
            }),
        ) => operation.changes().is_none() && place == conversation,
        (None, _) => false,
    };
    if found {
        Ok(())
    } else {
        Err(UiError::new(ErrorKind::NotFound))
    }
}

/// The words that a message had before, as the server knows them.
pub(crate) async fn trace(
    context: &Context,
    args: MessageArgs,
) -> Result<Vec<WordingView>, UiError> {
    let ask = MessageTrace {
        conversation: args.conversation,
        message: args.id,
    };
    let trace = context.wire.request(&ask).await?;
    let view = |wording: im_protocol::conversation::Wording| WordingView {
        text: wording.text,
        at: wording.at,
    };
    Ok(trace.wordings.into_iter().map(view).collect())
}

/// Whether a message, sent or not, has files.
async fn carries(context: &Context, id: MessageId) -> Result<bool, UiError> {
    let unsent = context
        .store
        .outbox
        .read(move |connection| upload::of_message(connection, id));
    if !unsent.await?.is_empty() {
        return Ok(true);
    }
    // After the outbox, or a message that is accepted meanwhile would be in neither.
    let stored = context
        .store
        .cache
        .read(move |connection| message::get(connection, id));
    Ok(stored
        .await?
        .is_some_and(|message| !message.files.is_empty()))
}

/// What is written, where the server would take it. Blanks beside files are no words.
fn words(text: String, files: bool) -> Result<String, UiError> {
    if files && is_blank(&text) {
        return Ok(String::new());
    }
    check(&text)?;
    Ok(text)
}

/// What the server would refuse is not taken.
pub(crate) fn check(text: &str) -> Result<(), UiError> {
    if text.chars().count() > limits::MESSAGE_CHARS {
        return Err(UiError::new(ErrorKind::TooLong).with("limit", limits::MESSAGE_CHARS));
    }
    if is_blank(text) {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "text"));
    }
    Ok(())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}

/// Tries again what has failed.
pub(crate) async fn retry(open: &OpenAccount, id: OperationId) -> Result<(), UiError> {
    let (reply, answer) = oneshot::channel();
    open.tell(Mail::Retry(id, reply)).await;
    failed_before(answer.await)
}

/// Throws away what has failed, or waits for its files.
pub(crate) async fn discard(open: &OpenAccount, id: OperationId) -> Result<(), UiError> {
    let (reply, answer) = oneshot::channel();
    open.tell(Mail::Discard(id, reply)).await;
    failed_before(answer.await)
}

fn failed_before(answer: Result<bool, oneshot::error::RecvError>) -> Result<(), UiError> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(UiError::new(ErrorKind::NotFound)),
        Err(_) => Err(UiError::new(ErrorKind::SignInAgain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_needs_something_to_be_seen_and_has_a_limit() {
        assert!(check("Hello").is_ok());
        assert!(check(&"ä".repeat(limits::MESSAGE_CHARS)).is_ok());
        let long = check(&"ä".repeat(limits::MESSAGE_CHARS + 1)).unwrap_err();
        assert_eq!(long.kind, ErrorKind::TooLong);
        assert_eq!(long.params.get("limit").map(String::as_str), Some("4000"));
        for empty in ["", " \n\t ", "\u{0}\u{7}"] {
            assert_eq!(check(empty).unwrap_err().kind, ErrorKind::Invalid);
            assert_eq!(words(empty.to_owned(), true).unwrap(), "");
        }
    }
}
