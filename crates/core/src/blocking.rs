//! What waits for the disk or keeps a processor busy for long: it runs beside the async threads.

use crate::store::StoreError;
use im_contract::{ErrorKind, UiError};
use std::{io, path::Path};
use tokio::task::spawn_blocking;

/// The work gave no answer: it panicked, or the app is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work ended without an answer")]
pub(crate) struct Lost;

impl From<Lost> for io::Error {
    fn from(lost: Lost) -> Self {
        Self::other(lost)
    }
}

impl From<Lost> for StoreError {
    fn from(_: Lost) -> Self {
        Self::Internal
    }
}

impl From<Lost> for UiError {
    fn from(_: Lost) -> Self {
        Self::new(ErrorKind::Internal)
    }
}

/// Runs work that would hold up an async thread. It is carried out also where nobody waits for it
/// anymore.
///
/// # Errors
/// What it says itself; [`Lost`] where it says nothing.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Lost> + Send + 'static,
{
    spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Lost.into()))
}

/// Whether there is a file, and one that may be looked at.
pub(crate) async fn is_file(path: &Path) -> bool {
    let about = tokio::fs::metadata(path).await;
    about.is_ok_and(|about| about.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_a_failure_of_the_core() {
        let told: Result<(), UiError> = blocking(|| panic!("as wanted")).await;
        assert_eq!(told.unwrap_err().kind, ErrorKind::Internal);
        let stored: Result<(), StoreError> = blocking(|| panic!("as wanted")).await;
        assert!(matches!(stored, Err(StoreError::Internal)), "{stored:?}");
        assert_eq!(blocking(|| Ok::<_, Lost>(7)).await, Ok(7));
    }
}
