//! Reading columns without panics: what does not fit is an [`Error::Broken`] or a database error.

use super::Row;
use crate::error::Error;
use sqlx::Row as _;
use std::str::FromStr;

/// Columns by name.
pub trait Columns {
    /// Text as it is.
    ///
    /// # Errors
    /// Where there is no such column or it holds something else.
    fn text(&self, column: &'static str) -> Result<String, Error>;
    /// A whole number.
    ///
    /// # Errors
    /// As for [`Columns::text`].
    fn int(&self, column: &'static str) -> Result<i64, Error>;
    /// A whole number that may be missing.
    ///
    /// # Errors
    /// As for [`Columns::text`].
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, Error>;
    /// A number that counts.
    ///
    /// # Errors
    /// As for [`Columns::text`], and where it is negative.
    fn count(&self, column: &'static str) -> Result<u64, Error>;
    /// An id, or another word with a text form.
    ///
    /// # Errors
    /// As for [`Columns::text`], and where the text does not parse.
    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, Error>;
    /// An id that may be missing.
    ///
    /// # Errors
    /// As for [`Columns::parsed`].
    fn maybe<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, Error>;
    /// A word of the protocol, as serde writes it.
    ///
    /// # Errors
    /// As for [`Columns::text`], and where it is none of the protocol's words.
    fn word<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, Error>;
}

impl Columns for Row {
    fn text(&self, column: &'static str) -> Result<String, Error> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: &'static str) -> Result<i64, Error> {
        Ok(self.try_get(column)?)
    }

    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, Error> {
        Ok(self.try_get(column)?)
    }

    fn count(&self, column: &'static str) -> Result<u64, Error> {
        u64::try_from(self.int(column)?).map_err(|_| Error::Broken("a count is negative"))
    }

    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, Error> {
        let text: &str = self.try_get(column)?;
        text.parse()
            .map_err(|_| Error::Broken("an id does not parse"))
    }

    fn maybe<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, Error> {
        let text: Option<&str> = self.try_get(column)?;
        text.map(str::parse)
            .transpose()
            .map_err(|_| Error::Broken("an id does not parse"))
    }

    fn word<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        let text: &str = self.try_get(column)?;
        from_word(text)
    }
}

/// A word of the protocol out of its text.
///
/// # Errors
/// Where it is none of the protocol's words.
pub fn from_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| Error::Broken("a word is not known"))
}

/// The text of a word of the protocol, as serde writes it.
///
/// # Errors
/// Where the type is not written as text.
pub fn to_word<T: serde::Serialize>(word: &T) -> Result<String, Error> {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        _ => Err(Error::Broken("a word is not written as text")),
    }
}

/// A count for a column; SQL has no unsigned numbers.
#[must_use]
pub fn column_of(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
