//! Table `draft`: what the person has begun to write, by conversation.

use super::{StoreError, id, maybe_id};
use im_protocol::{ConversationId, MessageId};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;

/// A draft. What people write is left out of logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The words.
    pub(crate) text: String,
    /// The message that it will answer.
    pub(crate) reply_to: Option<MessageId>,
}

const BY_CONVERSATION: &str = "SELECT text, reply_to FROM draft WHERE conversation = ?1";

/// Keeps a draft; an empty one goes.
pub(crate) fn keep(
    connection: &Connection,
    conversation: ConversationId,
    draft: &Draft,
) -> Result<(), StoreError> {
    if *draft == Draft::default() {
        connection
            .prepare_cached("DELETE FROM draft WHERE conversation = ?1")?
            .execute([conversation.to_string()])?;
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO draft(conversation, text, reply_to) VALUES (?1, ?2, ?3)
             ON CONFLICT(conversation) DO UPDATE SET text = excluded.text,
                 reply_to = excluded.reply_to",
        )?
        .execute(params![
            conversation.to_string(),
            draft.text,
            draft.reply_to.map(|id| id.to_string())
        ])?;
    Ok(())
}

/// The draft of a conversation; an empty one where there is none.
pub(crate) fn get(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Draft, StoreError> {
    let found = connection
        .prepare_cached(BY_CONVERSATION)?
        .query_row([conversation.to_string()], |row| {
            Ok(Draft {
                text: row.get(0)?,
                reply_to: maybe_id(row, 1)?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// The words of all drafts that have any: there are as many as the person has begun.
pub(crate) fn all(connection: &Connection) -> Result<HashMap<ConversationId, String>, StoreError> {
    let drafts = connection
        .prepare_cached("SELECT conversation, text FROM draft WHERE text <> ''")?
        .query_map([], |row| Ok((id(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(drafts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};

    #[test]
    fn a_draft_is_kept_replaced_and_gone_once_it_is_empty() {
        let connection = testing::outbox();
        let conversation = ConversationId::new();
        assert!(get(&connection, conversation).unwrap() == Draft::default());
        for text in ["I do", "I do not understand"] {
            let draft = Draft {
                text: text.to_owned(),
                reply_to: Some(MessageId::new()),
            };
            keep(&connection, conversation, &draft).unwrap();
            assert!(get(&connection, conversation).unwrap() == draft);
        }
        assert_eq!(
            all(&connection).unwrap()[&conversation],
            "I do not understand"
        );
        keep(&connection, conversation, &Draft::default()).unwrap();
        assert!(all(&connection).unwrap().is_empty());
    }

    #[test]
    fn lists_use_an_index() {
        assert_no_scan(&testing::outbox(), BY_CONVERSATION);
    }
}
