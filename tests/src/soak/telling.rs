//! How a robot is told what its person does.

use super::{
    book::Book,
    plan::{self, Act},
};
use serde_json::{Value, json};
use std::{fs, io, path::Path};

/// An act as a robot is told of it; none where it is about something that nobody knows yet. A file
/// that goes with it is written into the folder `handed`, under the act's number.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn line(
    op: u64,
    act: &Act,
    book: &Book,
    conversations: &[String],
    handed: &Path,
) -> io::Result<Option<Value>> {
    let path = handed.join(op.to_string());
    if let Act::Send {
        file: Some(bytes), ..
    } = act
    {
        fs::write(&path, plan::file(op, *bytes))?;
    }
    let Some(Value::Object(mut line)) = about(act, book, conversations, &path) else {
        return Ok(None);
    };
    line.insert("op".to_owned(), op.into());
    Ok(Some(Value::Object(line)))
}

fn about(act: &Act, book: &Book, conversations: &[String], path: &Path) -> Option<Value> {
    let place = |number: usize| conversations.get(number);
    Some(match act {
        Act::Send {
            conversation,
            text,
            reply_to,
            file,
        } => {
            let reply_to = match reply_to {
                Some(op) => Some(book.message(*op)?.0),
                None => None,
            };
            json!({
                "do": "send", "conversation": place(*conversation)?, "text": text,
                "reply_to": reply_to, "file": file.map(|_| path),
            })
        }
        Act::Edit { of, text } => {
            let (id, conversation) = book.message(*of)?;
            json!({ "do": "edit", "conversation": place(conversation)?, "id": id, "text": text })
        }
        Act::Delete { of } => {
            let (id, conversation) = book.message(*of)?;
            json!({ "do": "delete", "conversation": place(conversation)?, "id": id })
        }
        Act::React { to, emoji, on } => {
            let (id, conversation) = book.message(*to)?;
            json!({
                "do": "react", "conversation": place(conversation)?, "id": id, "emoji": emoji,
                "on": on,
            })
        }
        Act::Fetch { of } => {
            let (id, _) = book.message(*of)?;
            json!({ "do": "fetch", "message": id, "file": book.file(*of)? })
        }
        Act::Read { conversation } => {
            json!({ "do": "read", "conversation": place(*conversation)? })
        }
        Act::SignOutOthers => json!({ "do": "sign_out_others" }),
    })
}
