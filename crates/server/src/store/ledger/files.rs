//! Files that messages carry, within the transaction that takes the messages in.

use super::{Group, Text, count, parse, parsed};
use crate::{
    error::Error,
    store::{
        file::{self, File, Kind},
        row::column_of,
    },
};
use im_protocol::{FileId, conversation::Message, files::FileStart};
use rusqlite::{OptionalExtension as _, Row, params};
use std::collections::HashMap;

impl Group<'_> {
    /// These files, whoever asks. What is not there is left out.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn files(
        &self,
        ids: impl IntoIterator<Item = FileId>,
    ) -> Result<HashMap<FileId, File>, Error> {
        let mut found = HashMap::new();
        let mut ids = ids.into_iter().peekable();
        // Most messages have none.
        if ids.peek().is_none() {
            return Ok(found);
        }
        let mut select = self.conn.prepare_cached(file::BY_ID)?;
        for id in ids {
            let row = select.query_row([Text::of(id.uuid()).as_str()], read);
            if let Some(file) = row.optional()? {
                found.insert(id, file);
            }
        }
        Ok(found)
    }

    /// Gives the files of a message, which was inserted, to it.
    ///
    /// # Errors
    /// Where one is not there or is another message's; where the database fails.
    pub fn carry(&self, message: &Message) -> Result<(), Error> {
        for (place, file) in (0_u64..).zip(&message.files) {
            let mut update = self.conn.prepare_cached(file::CARRY)?;
            let (id, message) = (Text::of(file.id.uuid()), Text::of(message.id.uuid()));
            let given = update.execute(params![message.as_str(), column_of(place), id.as_str()])?;
            if given == 0 {
                return Err(Error::Broken("a file is not to be had"));
            }
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<File> {
    let maybe = |column| row.get::<_, Option<u32>>(column);
    let kind = match row.get::<_, Option<String>>(8)? {
        Some(media_type) => Some(Kind {
            media_type,
            pixels: maybe(9)?.zip(maybe(10)?),
        }),
        None => None,
    };
    Ok(File {
        start: FileStart {
            id: parsed(row, 0)?,
            conversation: parsed(row, 2)?,
            name: row.get(3)?,
            size: count(row, 4)?,
            sha256: parsed(row, 5)?,
        },
        author: parsed(row, 1)?,
        object: row.get(6)?,
        received: count(row, 7)?,
        kind,
        message: match row.get_ref(11)?.as_str_or_null()? {
            Some(text) => Some(parse(11, text)?),
            None => None,
        },
    })
}
