//! What an operator does about people who harm others, and reads of what was done.

use super::{Operator, known_to_all};
use crate::{
    error::Error,
    moderation::set_suspended,
    store::{Store, audit, report},
    writer::Urgency,
};
use futures_util::FutureExt as _;
use im_protocol::{
    limits,
    moderation::{AuditEntry, Report},
};

impl Operator {
    /// Keeps somebody out, or lets them in again. Devices of theirs that are connected to another
    /// process hear of it within a quarter of a minute.
    ///
    /// # Errors
    /// `not_found` where there is no such person.
    pub async fn suspend(&self, email: &str, on: bool, reason: &str) -> Result<(), Error> {
        let (email, reason) = (email.to_owned(), reason.to_owned());
        let done = self.writer.write(Urgency::First, move |change| {
            async move {
                let found = known_to_all(change, &email).await?;
                set_suspended(change, None, found.person.id, on, &reason).await
            }
            .boxed()
        });
        done.await
    }
}

/// What was reported, as [`report::list`] gives it.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn reports(store: &Store) -> Result<Vec<Report>, Error> {
    report::list(&mut *store.read().await?, limits::PAGE_ROWS).await
}

/// What was done, newest first.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn audited(store: &Store, limit: u32) -> Result<Vec<AuditEntry>, Error> {
    audit::before(&mut *store.read().await?, u64::MAX, limit).await
}
