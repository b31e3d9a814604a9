//! Table `call`: the calls this person was told of, as they stood last.

use super::{StoreError, int};
use im_protocol::call::CallView;
use rusqlite::{Connection, params};

/// Stores a call where it is newer than what is known. Gives whether it was.
pub(crate) fn put(connection: &Connection, call: &CallView) -> Result<bool, StoreError> {
    let Ok(view) = serde_json::to_string(call) else {
        return Ok(false);
    };
    let changed = connection
        .prepare_cached(
            "INSERT INTO call(id, rev, view) VALUES (?1, ?2, ?3)
             ON CONFLICT(id) DO UPDATE SET rev = excluded.rev, view = excluded.view
             WHERE excluded.rev > call.rev",
        )?
        .execute(params![call.id.to_string(), int(call.rev), view])?;
    Ok(changed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;
    use im_protocol::{
        CallId, ConversationId, DeviceId, PersonId,
        call::{CallState, MediaKinds, RingReceipt},
    };
    use rusqlite::OptionalExtension as _;

    /// One call, as it stood last.
    fn get(connection: &Connection, id: CallId) -> Result<Option<CallView>, StoreError> {
        let view: Option<String> = connection
            .prepare_cached("SELECT view FROM call WHERE id = ?1")?
            .query_row([id.to_string()], |row| row.get(0))
            .optional()?;
        Ok(view.and_then(|view| serde_json::from_str(&view).ok()))
    }

    #[test]
    fn only_a_higher_revision_replaces_what_is_known() {
        let connection = testing::cache();
        let maya = PersonId::new();
        let mut call = CallView {
            id: CallId::new(),
            rev: 2,
            conversation: ConversationId::new(),
            caller: PersonId::new(),
            callee: maya,
            caller_device: DeviceId::new(),
            callee_device: None,
            offerer: maya,
            about: String::new(),
            state: CallState::Accepted,
            outcome: None,
            reason: None,
            caller_media: MediaKinds::VIDEO,
            callee_media: None,
            receipt: RingReceipt::Shown,
            started_at: 1,
            remaining_ms: None,
            connected_ms: 0,
        };
        assert!(put(&connection, &call).unwrap());
        assert!(!put(&connection, &call).unwrap());
        call.rev = 1;
        call.state = CallState::Ringing;
        assert!(!put(&connection, &call).unwrap());
        let known = get(&connection, call.id).unwrap().unwrap();
        assert_eq!((known.rev, known.state), (2, CallState::Accepted));
    }
}
