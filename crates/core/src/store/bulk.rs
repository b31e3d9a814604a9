//! Table `bulk` of the outbox: what was written to a whole course and is not known to be on the
//! server's disk.

use super::{StoreError, id};
use im_protocol::{BulkId, CourseId, UnixMs, WireError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A row. What people write is left out of logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BulkRow {
    /// Which operation.
    pub(crate) id: BulkId,
    /// To which course.
    pub(crate) course: CourseId,
    /// The words.
    pub(crate) text: String,
    /// When, by this device's clock.
    pub(crate) written_at: UnixMs,
    /// Why it was refused for good, where it was.
    pub(crate) error: Option<WireError>,
}

const FIRST: &str = "SELECT id, course, text, written_at, error FROM bulk \
                     WHERE error IS NULL ORDER BY n LIMIT 1";
const OF_COURSE: &str = "SELECT id, course, text, written_at, error FROM bulk \
                         WHERE course = ?1 ORDER BY n";
const WAITING: &str = "SELECT count(*) FROM bulk WHERE error IS NULL";

/// Puts one at the end.
pub(crate) fn add(connection: &Connection, row: &BulkRow) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO bulk(id, course, text, written_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            row.id.to_string(),
            row.course.to_string(),
            row.text,
            row.written_at
        ])?;
    Ok(())
}

/// The first that may be sent.
pub(crate) fn first(connection: &Connection) -> Result<Option<BulkRow>, StoreError> {
    Ok(connection
        .prepare_cached(FIRST)?
        .query_row([], read)
        .optional()?)
}

/// How many may be sent.
pub(crate) fn waiting(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection
        .prepare_cached(WAITING)?
        .query_row([], |row| row.get(0))?)
}

/// What was written to a course, in the order of writing.
pub(crate) fn of_course(
    connection: &Connection,
    course: CourseId,
) -> Result<Vec<BulkRow>, StoreError> {
    let rows = connection
        .prepare_cached(OF_COURSE)?
        .query_map([course.to_string()], read)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Marks one as refused for good; none takes the mark away. Says whether it is there.
pub(crate) fn set_error(
    connection: &Connection,
    id: BulkId,
    error: Option<&WireError>,
) -> Result<bool, StoreError> {
    let error = error.and_then(|error| serde_json::to_string(error).ok());
    let changed = connection
        .prepare_cached("UPDATE bulk SET error = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), error])?;
    Ok(changed == 1)
}

/// The server has it.
pub(crate) fn remove(connection: &Connection, id: BulkId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM bulk WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// Throws away one that was refused for good. Says whether there was one: what may be on its way
/// cannot be taken back.
pub(crate) fn discard(connection: &Connection, id: BulkId) -> Result<bool, StoreError> {
    let gone = connection
        .prepare_cached("DELETE FROM bulk WHERE id = ?1 AND error IS NOT NULL")?
        .execute([id.to_string()])?;
    Ok(gone == 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<BulkRow> {
    let error: Option<String> = row.get(4)?;
    Ok(BulkRow {
        id: id(row, 0)?,
        course: id(row, 1)?,
        text: row.get(2)?,
        written_at: row.get(3)?,
        error: error.and_then(|error| serde_json::from_str(&error).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        outbox,
        testing::{self, assert_no_scan},
    };
    use im_protocol::ErrorCode;

    #[test]
    fn they_go_in_the_order_of_writing_and_what_was_refused_waits_for_the_person() {
        let connection = testing::outbox();
        let course = CourseId::new();
        let ids: Vec<BulkId> = (0..2).map(|_| BulkId::new()).collect();
        for (id, text) in ids.iter().zip(["one", "two"]) {
            let row = BulkRow {
                id: *id,
                course,
                text: text.to_owned(),
                written_at: 1,
                error: None,
            };
            add(&connection, &row).unwrap();
        }
        let first_id = || first(&connection).unwrap().map(|row| row.id);
        assert_eq!(first_id(), Some(ids[0]));
        assert!(
            !discard(&connection, ids[0]).unwrap(),
            "it may be on its way"
        );
        let refusal = WireError::new(ErrorCode::Conflict, "Nobody is there.");
        assert!(set_error(&connection, ids[0], Some(&refusal)).unwrap());
        assert_eq!(
            (first_id(), waiting(&connection).unwrap()),
            (Some(ids[1]), 1)
        );
        // What is refused is unsent too: a sign-out asks about it.
        assert_eq!(outbox::len(&connection).unwrap(), 2);
        let rows = of_course(&connection, course).unwrap();
        assert_eq!(rows[0].error, Some(refusal));
        set_error(&connection, ids[0], None).unwrap();
        assert_eq!(first_id(), Some(ids[0]));
        remove(&connection, ids[0]).unwrap();
        assert_eq!(outbox::len(&connection).unwrap(), 1);
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::outbox();
        for sql in [FIRST, OF_COURSE, WAITING] {
            assert_no_scan(&connection, sql);
        }
    }
}
