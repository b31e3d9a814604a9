//! Table `raw_fact`: facts that could not be applied yet, kept as they came.

use super::{StoreError, count, int};
use im_protocol::sync::FeedItem;
use rusqlite::{Connection, params};

const ALL: &str = "SELECT n, kind, data FROM raw_fact ORDER BY n";

/// Keeps a fact.
pub(crate) fn put(connection: &Connection, item: &FeedItem) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO raw_fact(n, kind, data) VALUES (?1, ?2, ?3)
             ON CONFLICT(n) DO UPDATE SET kind = excluded.kind, data = excluded.data",
        )?
        .execute(params![int(item.n), item.kind, item.data.to_string()])?;
    Ok(())
}

/// All kept facts, in the order of the feed.
pub(crate) fn all(connection: &Connection) -> Result<Vec<FeedItem>, StoreError> {
    let items = connection
        .prepare_cached(ALL)?
        .query_map([], |row| {
            let data: String = row.get(2)?;
            Ok(FeedItem {
                n: count(row, 0)?,
                kind: row.get(1)?,
                data: serde_json::from_str(&data).unwrap_or_default(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(items)
}

/// Forgets a fact that was applied after all.
pub(crate) fn remove(connection: &Connection, n: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM raw_fact WHERE n = ?1")?
        .execute([int(n)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;
    use serde_json::json;

    #[test]
    fn what_is_not_understood_is_kept_in_order_with_every_field() {
        let connection = testing::cache();
        let item = |n| FeedItem {
            n,
            kind: "hologram".to_owned(),
            data: json!({ "depth": n, "nested": { "x": [1, 2] } }),
        };
        put(&connection, &item(12)).unwrap();
        put(&connection, &item(7)).unwrap();
        put(&connection, &item(7)).unwrap();
        assert_eq!(all(&connection).unwrap(), [item(7), item(12)]);
        remove(&connection, 7).unwrap();
        assert_eq!(all(&connection).unwrap(), [item(12)]);
    }
}
