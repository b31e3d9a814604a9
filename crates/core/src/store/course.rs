//! Table `course`: the courses of this person, and those that their conversations are about.

use super::{StoreError, id};
use im_protocol::{CourseId, PersonId, people::Course};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashSet;

const BY_ID: &str = "SELECT id, title, mentor FROM course WHERE id = ?1";
const ALL: &str = "SELECT id, title, mentor FROM course ORDER BY title";
/// Whoever has left a course has a conversation about it that says so.
const MINE: &str = "SELECT id, title, mentor FROM course WHERE mentor = ?1 \
                    OR NOT EXISTS (SELECT 1 FROM conversation \
                        WHERE conversation.course = course.id AND closed = 'untied') \
                    ORDER BY title";

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

/// The courses that the person teaches or learns in, by title.
pub(crate) fn mine(connection: &Connection, me: PersonId) -> Result<Vec<Course>, StoreError> {
    let courses = connection
        .prepare_cached(MINE)?
        .query_map([me.to_string()], read)?
        .collect::<Result<_, _>>()?;
    Ok(courses)
}

/// All courses that are known here, those that were left too, by title.
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
    use crate::store::conversation;
    use crate::store::testing::{self, assert_no_scan};
    use im_protocol::{
        ConversationId,
        conversation::{Closed, Conversation},
    };

    #[test]
    fn a_course_that_sam_has_left_is_known_and_not_among_his() {
        let connection = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let algebra = Course {
            id: CourseId::new(),
            title: "Algebra".to_owned(),
            mentor: maya,
        };
        put(&connection, &algebra).unwrap();
        let mut about = Conversation {
            id: ConversationId::new(),
            members: vec![sam, maya],
            course: Some(algebra.id),
            created_at: 1,
            head_seq: 0,
            head_rev: 0,
            read_seq: 0,
            other_read_seq: 0,
            unread: 0,
            closed: None,
        };
        for (closed, count) in [(None, 1), (Some(Closed::Untied), 0), (None, 1)] {
            about.closed = closed;
            conversation::put(&connection, &about, sam).unwrap();
            assert_eq!(mine(&connection, sam).unwrap().len(), count);
            // Maya teaches it whoever is in it.
            assert_eq!(mine(&connection, maya).unwrap().len(), 1);
            assert!(get(&connection, algebra.id).unwrap().is_some());
        }
    }

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
        assert_no_scan(&connection, MINE);
        assert_no_scan(&connection, BY_ID);
    }
}
