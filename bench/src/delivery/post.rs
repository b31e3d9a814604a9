//! Hands a round's letters over when they are due.

use super::letters::Letters;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep_until, timeout},
};

/// How long what was written last may take to arrive.
const ARRIVING: Duration = Duration::from_secs(20);

/// Desks that somebody sits at, by their number.
pub trait Desks: Send + Sync + 'static {
    /// From now on what arrives is looked for among these.
    fn expect(&self, letters: Arc<Letters>);

    /// Somebody writes this; answers when their desk does.
    fn write(&self, author: usize, text: String)
    -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Writes a round, waits until all of it has arrived or the time is over, and says when it began.
///
/// # Errors
/// Where a desk refuses a letter.
pub async fn carry<D: Desks>(desks: &Arc<D>, letters: &Arc<Letters>) -> anyhow::Result<Instant> {
    desks.expect(letters.clone());
    let begun = Instant::now();
    let mut writing = JoinSet::new();
    for number in 0..letters.count() {
        let Some((after, author)) = letters.due(number) else {
            break;
        };
        sleep_until((begun + after).into()).await;
        letters.written(number);
        let (desks, letters) = (desks.clone(), letters.clone());
        // Nobody waits with writing until the one before has arrived.
        writing.spawn(async move {
            desks.write(author, letters.text(number)).await?;
            letters.kept(number);
            anyhow::Ok(())
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    // What has not arrived then is told as such.
    timeout(ARRIVING, letters.all_arrived()).await.ok();
    Ok(begun)
}
