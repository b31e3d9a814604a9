//! What has to be done again and again: connections whose token ran out, sessions ended elsewhere,
//! devices that have gone, old rows.

use crate::{
    app::App,
    auth::sessions,
    error::Error,
    socket::Live,
    store::{code, feed, session},
    writer::Urgency,
};
use futures_util::FutureExt as _;
use im_protocol::{ErrorCode, UnixMs, WireError, limits};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How often connections are looked through.
const LOOK: Duration = Duration::from_secs(1);
/// How often the database is asked for sessions that another process ended, in looks.
const ASK_EVERY: u64 = 15;
/// How often old rows are pruned, milliseconds.
const PRUNE_EVERY_MS: i64 = 600_000;
/// Tokens, and feeds, pruned in one command, so that it does not hold the others up.
const PRUNE_ROWS: i64 = 500;
const PRUNE_FEEDS: i64 = 100;
/// Two clocks of one machine differ by less.
const OVERLAP_MS: i64 = 60_000;

/// The task that does them.
pub(crate) struct Chores {
    app: Arc<App>,
    asked_at: UnixMs,
    pruned_at: UnixMs,
}

impl Chores {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let asked_at = app.clock.now();
        Self {
            app,
            asked_at,
            pruned_at: 0,
        }
    }

    /// Runs until the server stops.
    pub(crate) async fn run(mut self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(async move {
            for look in 0_u64.. {
                self.end_expired();
                let mut done = Ok(());
                if look % ASK_EVERY == 0 {
                    done = done.and(self.end_revoked().await);
                    done = done.and(sessions::keep_seen(&self.app).await);
                }
                let now = self.app.clock.now();
                if now - self.pruned_at >= PRUNE_EVERY_MS {
                    self.pruned_at = now;
                    self.app.rates.tidy();
                    done = done.and(self.prune().await);
                }
                if let Err(error) = done {
                    tracing::error!(error = %error, "a chore was not done");
                }
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
    }

    fn end_expired(&self) {
        let now = self.app.clock.now();
        let error = WireError::new(ErrorCode::TokenExpired, "The access token has expired.");
        for live in self.app.hub.lives_where(|live| live.expires_at() <= now) {
            tracing::debug!(person = %live.person(), "a connection outlived its token");
            live.end(&error);
        }
    }

    /// Sessions may be ended by another process too: by the command line, say.
    async fn end_revoked(&mut self) -> Result<(), Error> {
        let now = self.app.clock.now();
        let mut reader = self.app.store.read().await?;
        let ended = session::ended_since(&mut reader, self.asked_at - OVERLAP_MS).await?;
        drop(reader);
        self.asked_at = now;
        let ended: HashMap<_, _> = ended.into_iter().collect();
        let over = |live: &Live| ended.contains_key(&live.session());
        for live in self.app.hub.lives_where(over) {
            let why = ended.get(&live.session()).copied().flatten();
            live.end(&Error::session_revoked(why).to_wire());
        }
        Ok(())
    }

    async fn prune(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let pruned = self.app.writer.write(Urgency::Usual, move |change| {
                async move {
                    let now = change.now();
                    let conn = change.conn()?;
                    session::prune_tokens(conn, now, PRUNE_ROWS).await?;
                    code::prune(conn, now, PRUNE_ROWS).await?;
                    feed::prune(conn, now - limits::FEED_KEPT_MS, after, PRUNE_FEEDS).await
                }
                .boxed()
            });
            after = pruned.await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
