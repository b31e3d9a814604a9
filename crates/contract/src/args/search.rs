//! Search.

use im_protocol::{PersonId, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is searched for. Words or a filter have to be given; without either nothing is found.
#[derive(Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SearchArgs {
    /// As typed: all of the words have to be there. One or two characters are the beginning of a word,
    /// more are found anywhere. Case and accents make no difference.
    pub words: String,
    /// Only in conversations with this person.
    #[ts(as = "Option<String>")]
    pub person: Option<PersonId>,
    /// Only what one of the two wrote.
    pub by: Option<SearchBy>,
    /// Only from this moment on.
    #[ts(type = "number | null")]
    pub from: Option<UnixMs>,
    /// Only before this moment.
    #[ts(type = "number | null")]
    pub until: Option<UnixMs>,
    /// Only messages with files.
    pub files: bool,
    /// [`crate::views::SearchPage::next`] of the page before; none for the first page.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
}

/// Who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SearchBy {
    /// The signed-in person.
    Me,
    /// The other.
    Other,
}

// What people type stays out of logs.
im_protocol::opaque_debug!(SearchArgs);
