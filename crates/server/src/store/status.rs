//! Table `status`: what mentors say of their availability.

use super::{
    Connection, Row,
    row::{Columns, to_word},
};
use crate::error::Error;
use im_protocol::{PersonId, people::Status};

/// Sets a mentor's status.
///
/// # Errors
/// Where the database fails.
pub async fn set(conn: &mut Connection, status: &Status) -> Result<(), Error> {
    let sql = "INSERT INTO status (person, availability, message, since) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person) DO UPDATE SET availability = $2, message = $3, since = $4";
    sqlx::query(sql)
        .bind(status.person.to_string())
        .bind(to_word(&status.availability)?)
        .bind(&status.message)
        .bind(status.since)
        .execute(conn)
        .await?;
    Ok(())
}

/// The status of every mentor who has set one and is not kept out.
///
/// # Errors
/// Where the database fails.
pub async fn all(conn: &mut Connection) -> Result<Vec<Status>, Error> {
    let rows = sqlx::query(ALL).fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

const ALL: &str = "SELECT s.person, s.availability, s.message, s.since
    FROM status s JOIN person p ON p.id = s.person
    WHERE p.suspended_at IS NULL ORDER BY s.person";

/// What a mentor says, where they have said anything.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, person: PersonId) -> Result<Option<Status>, Error> {
    let sql = "SELECT person, availability, message, since FROM status WHERE person = $1";
    let row = sqlx::query(sql)
        .bind(person.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Status, Error> {
    Ok(Status {
        person: row.parsed("person")?,
        availability: row.word("availability")?,
        message: row.text("message")?,
        since: row.int("since")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};
    use im_protocol::people::Availability;

    /// All statuses are wanted, so all are read. Shows, too, that a scan would be noticed.
    #[tokio::test]
    async fn this_table_is_read_as_a_whole() {
        let mut school = School::open().await;
        assert_eq!(scans(&mut school.conn, ALL).await.len(), 1);
    }

    #[tokio::test]
    async fn the_last_status_wins() {
        let mut school = School::open().await;
        let (maya, ..) = school.maya_sam_lin().await;
        for (since, availability) in [(1, Availability::Available), (2, Availability::InSession)] {
            let status = Status {
                person: maya,
                availability,
                message: String::new(),
                since,
            };
            set(&mut school.conn, &status).await.unwrap();
        }
        let all = all(&mut school.conn).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].availability, Availability::InSession);
    }
}
