//! Table `purchase`: enrolments that were bought elsewhere.

use super::{Connection, row::Columns};
use crate::error::Error;
use im_protocol::{CourseId, PersonId, UnixMs};

/// What was bought under a number: by whom, and which course.
///
/// # Errors
/// Where the database fails.
pub async fn get(conn: &mut Connection, id: &str) -> Result<Option<(PersonId, CourseId)>, Error> {
    let row = sqlx::query(BY_ID).bind(id).fetch_optional(conn).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.parsed("student")?, row.parsed("course")?)))
}

const BY_ID: &str = "SELECT student, course FROM purchase WHERE id = $1";

/// Records what was bought.
///
/// # Errors
/// Where the number is known; where the database fails.
pub async fn insert(
    conn: &mut Connection,
    id: &str,
    student: PersonId,
    course: CourseId,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "INSERT INTO purchase (id, student, course, recorded_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(id)
        .bind(student.to_string())
        .bind(course.to_string())
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn a_number_stands_for_one_purchase() {
        let mut school = School::open().await;
        let (maya, sam, lin) = school.maya_sam_lin().await;
        let algebra = school.course("Algebra", maya).await;
        let conn = &mut school.conn;
        assert_eq!(get(conn, "shop-1").await.unwrap(), None);
        insert(conn, "shop-1", sam, algebra, 1).await.unwrap();
        assert_eq!(get(conn, "shop-1").await.unwrap(), Some((sam, algebra)));
        assert!(insert(conn, "shop-1", lin, algebra, 2).await.is_err());
        assert_eq!(scans(conn, BY_ID).await, Vec::<String>::new());
    }
}
