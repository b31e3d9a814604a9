//! Table `person`: the people this person knows of.

use super::{StoreError, from_word, id, word};
use im_protocol::{
    PersonId,
    people::{Person, Role},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashSet;

const BY_ID: &str = "SELECT id, name, role FROM person WHERE id = ?1";
const TO_TALK_TO: &str = "SELECT id, name, role FROM person WHERE may_talk = 1 ORDER BY name";
/// Without those who deleted their account.
const BY_ROLE: &str = "SELECT id, name, role FROM person WHERE role = ?1 \
                       AND NOT EXISTS (SELECT 1 FROM conversation \
                           WHERE other = person.id AND closed = 'deleted') \
                       ORDER BY name";

/// Stores a person as they are now.
pub(crate) fn put(connection: &Connection, person: &Person) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO person(id, name, role) VALUES (?1, ?2, ?3)
             ON CONFLICT(id) DO UPDATE SET name = excluded.name, role = excluded.role",
        )?
        .execute(params![
            person.id.to_string(),
            person.name,
            word(&person.role)
        ])?;
    Ok(())
}

/// One person.
pub(crate) fn get(connection: &Connection, id: PersonId) -> Result<Option<Person>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// Whom the signed-in person may talk to, by name.
pub(crate) fn to_talk_to(connection: &Connection) -> Result<Vec<Person>, StoreError> {
    collect(connection, TO_TALK_TO, [])
}

/// Everybody of a role who is there, by name.
pub(crate) fn by_role(connection: &Connection, role: Role) -> Result<Vec<Person>, StoreError> {
    collect(connection, BY_ROLE, [word(&role)])
}

/// Stores whom the signed-in person may talk to: these and nobody else.
pub(crate) fn put_to_talk_to(connection: &Connection, people: &[Person]) -> Result<(), StoreError> {
    connection.execute("UPDATE person SET may_talk = 0 WHERE may_talk = 1", [])?;
    for person in people {
        put(connection, person)?;
        connection
            .prepare_cached("UPDATE person SET may_talk = 1 WHERE id = ?1")?
            .execute([person.id.to_string()])?;
    }
    Ok(())
}

/// Removes somebody whom nothing is known of anymore but the name.
pub(crate) fn forget(connection: &Connection, id: PersonId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM person WHERE id = ?1 AND NOT EXISTS
                 (SELECT 1 FROM conversation WHERE other = person.id)",
        )?
        .execute([id.to_string()])?;
    Ok(())
}

/// Removes everybody else.
pub(crate) fn keep_only(
    connection: &Connection,
    kept: &HashSet<PersonId>,
) -> Result<(), StoreError> {
    let all: Vec<PersonId> = connection
        .prepare("SELECT id FROM person")?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    for gone in all.iter().filter(|id| !kept.contains(id)) {
        connection
            .prepare_cached("DELETE FROM person WHERE id = ?1")?
            .execute([gone.to_string()])?;
    }
    Ok(())
}

fn collect(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Person>, StoreError> {
    let people = connection
        .prepare_cached(sql)?
        .query_map(params, read)?
        .collect::<Result<_, _>>()?;
    Ok(people)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Person> {
    let role: String = row.get(2)?;
    Ok(Person {
        id: id(row, 0)?,
        name: row.get(1)?,
        role: from_word(&role).unwrap_or(Role::Student),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};

    fn person(name: &str, role: Role) -> Person {
        Person {
            id: PersonId::new(),
            name: name.to_owned(),
            role,
        }
    }

    #[test]
    fn people_are_listed_by_name_and_a_new_name_replaces_the_old() {
        let connection = testing::cache();
        let mut maya = person("Maya", Role::Mentor);
        let ali = person("ali", Role::Mentor);
        let sam = person("Sam", Role::Student);
        for one in [&maya, &ali, &sam] {
            put(&connection, one).unwrap();
        }
        maya.name = "Aaron".to_owned();
        put(&connection, &maya).unwrap();
        assert_eq!(
            by_role(&connection, Role::Mentor).unwrap(),
            [maya.clone(), ali.clone()]
        );
        put_to_talk_to(&connection, std::slice::from_ref(&ali)).unwrap();
        assert_eq!(to_talk_to(&connection).unwrap(), std::slice::from_ref(&ali));
        put_to_talk_to(&connection, std::slice::from_ref(&maya)).unwrap();
        assert_eq!(to_talk_to(&connection).unwrap(), [maya.clone()]);
        keep_only(&connection, &HashSet::from([maya.id])).unwrap();
        assert_eq!(get(&connection, ali.id).unwrap(), None);
        assert_eq!(get(&connection, maya.id).unwrap(), Some(maya));
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::cache();
        for sql in [BY_ID, TO_TALK_TO, BY_ROLE] {
            assert_no_scan(&connection, sql);
        }
    }
}
