//! Table `meta`: what is true of the whole database.

use super::{Connection, row::Columns};
use crate::error::Error;
use im_protocol::FeedEpoch;

/// The life of this database, made at its creation. A restore makes a new one.
///
/// # Errors
/// Where the database fails.
pub async fn epoch(conn: &mut Connection) -> Result<FeedEpoch, Error> {
    let sql = "SELECT value FROM meta WHERE key = 'feed_epoch'";
    sqlx::query(sql).fetch_one(conn).await?.parsed("value")
}

/// Gives a new database its epoch.
///
/// # Errors
/// Where the database fails.
pub async fn ensure_epoch(conn: &mut Connection) -> Result<(), Error> {
    let sql =
        "INSERT INTO meta (key, value) VALUES ('feed_epoch', $1) ON CONFLICT (key) DO NOTHING";
    sqlx::query(sql)
        .bind(FeedEpoch::new().to_string())
        .execute(conn)
        .await?;
    Ok(())
}
