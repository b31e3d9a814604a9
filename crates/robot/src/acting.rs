//! A robot in somebody's hands: it does what it is told on standard input, one JSON object a line,
//! and answers each: `done` once it is on disk, `refused` with the reason.

use crate::{
    lines::{of_stdin, tell},
    person::Person,
};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use im_contract::{
    Commands as _, ErrorKind, UiError,
    args::{ConversationArgs, EditArgs, MessageArgs, Nothing, ReactArgs, ReadArgs, SendArgs},
    files::{AppendFileArgs, BeginFileArgs, FileArgs, MessageFileArgs},
    views::{Account, ConnectionState},
};
use im_protocol::{ConversationId, FileId, MessageId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Bytes of a file that are handed to the core at once.
const PIECE: usize = 1024 * 1024;

/// A line: what is to be done, under a number that its answer carries.
#[derive(Deserialize)]
struct Told {
    op: u64,
    #[serde(flatten)]
    act: Act,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Act {
    /// Writes a message.
    Send {
        conversation: ConversationId,
        text: String,
        reply_to: Option<MessageId>,
        /// A file of this computer that goes with it.
        file: Option<PathBuf>,
    },
    /// Fetches the file of a message.
    Fetch { message: MessageId, file: FileId },
    /// Gives an own message other words.
    Edit {
        conversation: ConversationId,
        id: MessageId,
        text: String,
    },
    /// Takes an own message back.
    Delete {
        conversation: ConversationId,
        id: MessageId,
    },
    /// Gives a message an emoji, or takes it back.
    React {
        conversation: ConversationId,
        id: MessageId,
        emoji: String,
        on: bool,
    },
    /// Reads everything that is here.
    Read { conversation: ConversationId },
    /// Signs the person's other devices out, which wipes them.
    SignOutOthers,
}

/// Does what it is told until the input ends. Tells `state` whenever that has changed: whether it is
/// connected and how much is unsent. Ends with `signed_out` where the person signed this device out
/// from another one.
pub(crate) async fn act(person: &mut Person) -> anyhow::Result<()> {
    let mut lines = of_stdin()?;
    let mut known = None;
    let mut told = true;
    while told {
        told = tokio::select! {
            line = lines.recv() => match line {
                Some(line) => {
                    let line: Told =
                        serde_json::from_str(&line?).context("a line is not understood")?;
                    answer(line.op, carry_out(person, line.act).await)?;
                    true
                }
                None => false,
            },
            beat = person.beat() => {
                beat?;
                true
            }
        };
        if matches!(
            person.core.account_get(Nothing {}).await?,
            Account::SignedOut { .. }
        ) {
            tell("signed_out", json!({}))?;
            return Ok(());
        }
        let line = person.line().await?;
        let state = (
            line.state == ConnectionState::Online && !line.catching_up,
            line.waiting,
        );
        if known != Some(state) {
            known = Some(state);
            tell("state", json!({ "online": state.0, "waiting": state.1 }))?;
        }
    }
    Ok(())
}

fn answer(op: u64, done: Result<Value, UiError>) -> anyhow::Result<()> {
    match done {
        Ok(about) => tell("done", json!({ "op": op, "about": about }))?,
        Err(error) => tell("refused", json!({ "op": op, "code": error.kind }))?,
    }
    Ok(())
}

/// Gives what is to be told of it: the new message's id, the place that was read to.
async fn carry_out(person: &Person, act: Act) -> Result<Value, UiError> {
    let core = &person.core;
    match act {
        Act::Send {
            conversation,
            text,
            reply_to,
            file,
        } => {
            let file = match file {
                Some(path) => Some(choose(person, conversation, &path).await?),
                None => None,
            };
            let args = SendArgs {
                conversation,
                text,
                reply_to,
                files: file.into_iter().collect(),
            };
            let row = core.messages_send(args).await?;
            return Ok(json!({ "id": row.id, "file": file }));
        }
        Act::Fetch { message, file } => {
            core.files_fetch(MessageFileArgs { message, id: file })
                .await?;
        }
        Act::Edit {
            conversation,
            id,
            text,
        } => {
            let args = EditArgs {
                conversation,
                id,
                text,
            };
            core.messages_edit(args).await?;
        }
        Act::Delete { conversation, id } => {
            core.messages_delete(MessageArgs { conversation, id })
                .await?;
        }
        Act::React {
            conversation,
            id,
            emoji,
            on,
        } => {
            let args = ReactArgs {
                conversation,
                id,
                emoji,
                on,
            };
            core.messages_react(args).await?;
        }
        Act::Read { conversation } => {
            let rows = core.conversations_list(Nothing {}).await?;
            let row = rows.iter().find(|row| row.id == conversation);
            let seq = row.map_or(0, |row| row.head_seq);
            core.conversations_read(ReadArgs { conversation, seq })
                .await?;
            return Ok(json!({ "seq": seq }));
        }
        Act::SignOutOthers => {
            core.devices_sign_out_others(Nothing {}).await?;
        }
    }
    Ok(json!({}))
}

/// Chooses a file as the page does, piece by piece. What a kill left in the draft is taken out before.
async fn choose(
    person: &Person,
    conversation: ConversationId,
    path: &Path,
) -> Result<FileId, UiError> {
    let core = &person.core;
    let draft = core
        .conversations_draft(ConversationArgs { conversation })
        .await?;
    for left in draft.files {
        core.files_remove(FileArgs { id: left.id }).await?;
    }
    let read = tokio::fs::read(path).await;
    let bytes = read.map_err(|_| UiError::new(ErrorKind::NoFile))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let begun = core
        .files_begin(BeginFileArgs {
            conversation,
            name: name.into_owned(),
            size: bytes.len() as u64,
        })
        .await?;
    for piece in bytes.chunks(PIECE) {
        let data = STANDARD.encode(piece);
        core.files_append(AppendFileArgs { id: begun.id, data })
            .await?;
    }
    Ok(begun.id)
}
