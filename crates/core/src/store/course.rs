//! Table `course`: the courses of this person.

use super::{StoreError, id};
use im_protocol::{CourseId, people::Course};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashSet;

const BY_ID: &str = "SELECT id, title, mentor FROM course WHERE id = ?1";
const ALL: &str = "SELECT id, title, mentor FROM course ORDER BY title";

/// Stores a course as it is now.
pub(crate) fn put(connection: &Connection, course: &Course) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO course(id, title, mentor) VALUES (?1, ?2, ?3)
             ON CONFLICT(id) DO UPDATE SET title = excluded.title, mentor = excluded.mentor",
        )?
        .execute(params![
            course.id.to_string(),
            course.title,
            course.mentor.to_string()
        ])?;
    Ok(())
}

/// One course.
pub(crate) fn get(connection: &Connection, id: CourseId) -> Result<Option<Course>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// All courses, by title.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Course>, StoreError> {
    let courses = connection
        .prepare_cached(ALL)?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    Ok(courses)
}

/// Removes every other course.
pub(crate) fn keep_only(
    connection: &Connection,
    kept: &HashSet<CourseId>,
) -> Result<(), StoreError> {
    for course in all(connection)? {
        if !kept.contains(&course.id) {
            connection
                .prepare_cached("DELETE FROM course WHERE id = ?1")?
                .execute([course.id.to_string()])?;
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Course> {
    Ok(Course {
        id: id(row, 0)?,
        title: row.get(1)?,
        mentor: id(row, 2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};
    use im_protocol::PersonId;

    #[test]
    fn courses_come_by_title_and_go_when_they_are_not_listed_anymore() {
        let connection = testing::cache();
        let course = |title: &str| Course {
            id: CourseId::new(),
            title: title.to_owned(),
            mentor: PersonId::new(),
        };
        let (algebra, biology) = (course("algebra"), course("Biology"));
        put(&connection, &biology).unwrap();
        put(&connection, &algebra).unwrap();
        put(&connection, &algebra).unwrap();
        assert_eq!(
            all(&connection).unwrap(),
            [algebra.clone(), biology.clone()]
        );
        keep_only(&connection, &HashSet::from([biology.id])).unwrap();
        assert_eq!(get(&connection, algebra.id).unwrap(), None);
        assert_no_scan(&connection, ALL);
        assert_no_scan(&connection, BY_ID);
    }
}
