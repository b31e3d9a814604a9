//! Table `own_status`: the status that the person chose, until the server knows.

use super::{StoreError, count, int};
use im_protocol::people::StatusSet;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

/// A choice that the server does not know. The words are left out of logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Which choice: a later one has a higher number.
    pub(crate) n: u64,
    /// What was chosen.
    pub(crate) status: StatusSet,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen")
            .field("n", &self.n)
            .finish_non_exhaustive()
    }
}

/// Keeps a choice in place of the one before.
pub(crate) fn put(connection: &Connection, chosen: &Chosen) -> Result<(), StoreError> {
    let Ok(Value::String(availability)) = serde_json::to_value(chosen.status.availability) else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO own_status(only, n, availability, message) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT(only) DO UPDATE SET n = excluded.n,
             availability = excluded.availability, message = excluded.message",
        )?
        .execute(params![int(chosen.n), availability, chosen.status.message])?;
    Ok(())
}

/// The choice that waits, if one does.
pub(crate) fn get(connection: &Connection) -> Result<Option<Chosen>, StoreError> {
    let row: Option<(u64, String, String)> = connection
        .prepare_cached("SELECT n, availability, message FROM own_status WHERE only = 1")?
        .query_row([], |row| Ok((count(row, 0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    // A word of a newer build is as good as no choice.
    Ok(row.and_then(|(n, availability, message)| {
        let availability = serde_json::from_value(Value::String(availability)).ok()?;
        let status = StatusSet {
            availability,
            message,
        };
        Some(Chosen { n, status })
    }))
}

/// The server knows this choice, or will never take it. A later one stays.
pub(crate) fn settled(connection: &Connection, n: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM own_status WHERE only = 1 AND n <= ?1")?
        .execute(params![int(n)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;
    use im_protocol::people::Availability;

    #[test]
    fn the_last_choice_is_kept_until_the_server_knows_it() {
        let connection = testing::outbox();
        assert_eq!(get(&connection).unwrap(), None);
        let chosen = |n, availability| Chosen {
            n,
            status: StatusSet {
                availability,
                message: "Tea".to_owned(),
            },
        };
        put(&connection, &chosen(1, Availability::Break)).unwrap();
        let later = chosen(2, Availability::InSession);
        put(&connection, &later).unwrap();
        assert_eq!(get(&connection).unwrap(), Some(later.clone()));
        settled(&connection, 1).unwrap();
        assert_eq!(get(&connection).unwrap(), Some(later));
        settled(&connection, 2).unwrap();
        assert_eq!(get(&connection).unwrap(), None);
    }
}
