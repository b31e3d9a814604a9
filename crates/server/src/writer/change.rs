//! What a command works with: the transaction, the time, and what is to be told after the commit.

use crate::{
    error::Error,
    hub::Hub,
    store::{
        Connection,
        feed::{self, Entry},
    },
};
use im_protocol::{DeviceId, Notice, PersonId, SessionId, UnixMs, WireError};

/// A batch in the making, handed to one command after the other.
///
/// What a command leaves here for after the commit is dropped if the command is refused or the
/// commit fails.
pub struct Change {
    conn: Option<Connection>,
    now: UnixMs,
    published: Published,
}

impl Change {
    pub(super) fn new(conn: Connection, now: UnixMs) -> Self {
        Self {
            conn: Some(conn),
            now,
            published: Published::default(),
        }
    }

    /// The connection, inside the command's savepoint.
    ///
    /// # Errors
    /// Where it broke earlier in this batch.
    pub fn conn(&mut self) -> Result<&mut Connection, Error> {
        self.conn.as_mut().ok_or_else(Error::unavailable)
    }

    /// The moment of this batch, milliseconds since 1970.
    #[must_use]
    pub const fn now(&self) -> UnixMs {
        self.now
    }

    /// Appends entries to a person's feed, and wakes that person's devices after the commit.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn feed(&mut self, person: PersonId, entries: &[Entry]) -> Result<(), Error> {
        let now = self.now;
        let head = feed::append(self.conn()?, person, entries, now).await?;
        self.published.wakes.push((person, head));
        Ok(())
    }

    /// Tells all devices of a person, after the commit.
    pub fn tell_person<N: Notice + Sync>(&mut self, person: PersonId, notice: N) {
        self.after(move |hub| hub.tell_person(person, &notice));
    }

    /// Tells one device of a person, after the commit.
    pub fn tell_device<N: Notice + Sync>(&mut self, person: PersonId, device: DeviceId, notice: N) {
        self.after(move |hub| hub.tell_device(person, device, &notice));
    }

    /// Ends the connections of a session, after the commit.
    pub fn end_session(&mut self, session: SessionId, why: WireError) {
        self.after(move |hub| hub.end_session(session, &why));
    }

    /// Does something short with the connected devices, after the commit.
    pub fn after(&mut self, then: impl FnOnce(&Hub) + Send + 'static) {
        self.published.then.push(Box::new(then));
    }

    pub(super) async fn control(&mut self, sql: &'static str) -> Result<(), Error> {
        let conn = self.conn()?;
        let done = sqlx::query(sql).execute(conn).await;
        if let Err(error) = done {
            // What state the transaction is in is not known: the connection is given up, which
            // rolls back what was not committed.
            if sql != "COMMIT" {
                self.conn = None;
            }
            return Err(error.into());
        }
        Ok(())
    }

    pub(super) fn take_published(&mut self) -> Published {
        std::mem::take(&mut self.published)
    }

    pub(super) fn discard_published(&mut self) {
        self.published = Published::default();
    }

    pub(super) fn into_conn(self) -> Option<Connection> {
        self.conn
    }
}

type Then = Box<dyn FnOnce(&Hub) + Send>;

/// What is made known once it is on disk.
#[derive(Default)]
pub(super) struct Published {
    wakes: Vec<(PersonId, u64)>,
    then: Vec<Then>,
}

impl Published {
    pub(super) fn publish(self, hub: &Hub) {
        for then in self.then {
            then(hub);
        }
        for (person, head) in self.wakes {
            hub.wake(person, head);
        }
    }
}
