//! Small files beside the databases: what waits for the disk runs beside the async threads.

use std::io;
use tokio::task::spawn_blocking;

/// Runs what waits for the disk.
///
/// # Errors
/// What it says itself.
pub(crate) async fn disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    // It ends without an answer only where it panics, or the app is gone.
    spawn_blocking(work).await.map_err(io::Error::other)?
}
