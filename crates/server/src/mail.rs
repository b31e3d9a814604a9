//! Mail: queued in the database together with what causes it, sent by a task of its own.
//!
//! A row says only to whom and what for. Its code is made when it is sent, so that none is ever on
//! disk but as a hash, and its time begins when it leaves. Before a mail is handed to the mail
//! server its row is put off; after, it is deleted. A crash between the two sends a second mail
//! with a second code; both are good.
//!
//! - here: the task
//! - [`again`]: when a mail is tried again
//! - [`words`]: what is written in it
//! - [`smtp`]: the way to the mail server

mod again;
mod smtp;
mod words;

use crate::{
    app::App,
    auth::code::{self, RESET_MS, VERIFY_MS},
    error::Error,
    store::{
        code::Purpose,
        mail::{self, Kind, Waiting},
        person,
    },
    writer::Urgency,
};
use again::again_after;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use smtp::{Mailer, Trouble};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How often the queue is looked through without being told.
const LOOK: Duration = Duration::from_secs(1);
/// Mails on their way at the same time.
const AT_ONCE: usize = 4;
/// Mails that are looked at at once: those that are on their way may be due still.
const BATCH: u64 = 2 * AT_ONCE as u64;

/// Told when something was queued. Nobody listens where no mail is sent.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    /// Something was queued.
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

/// The task that sends what is queued.
pub(crate) struct Postman {
    app: Arc<App>,
    mailer: Mailer,
}

impl Postman {
    /// None where no mail server is configured.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(crate) fn new(app: &Arc<App>) -> Result<Option<Self>, Error> {
        let Some(settings) = &app.config.mail else {
            return Ok(None);
        };
        Ok(Some(Self {
            app: app.clone(),
            mailer: Mailer::new(settings)?,
        }))
    }

    /// Runs until the server stops. A mail on its way then is sent again at the next start.
    pub(crate) async fn run(self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(self.send()).await;
    }

    /// Sends what is due, a few at the same time. What comes meanwhile goes out as soon as there is
    /// room for it: one that a slow mail server holds up does not hold up the others.
    async fn send(&self) {
        let (mut under_way, mut ids) = (FuturesUnordered::new(), HashSet::new());
        loop {
            let due = self.due(&ids).await.unwrap_or_else(|error| {
                tracing::error!(error = %error, "mail could not be taken out of the queue");
                Vec::new()
            });
            for waiting in due {
                ids.insert(waiting.id);
                under_way.push(self.carry(waiting));
            }
            tokio::select! {
                Some(id) = under_way.next() => {
                    ids.remove(&id);
                }
                () = self.app.bell.0.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// What is due, as far as there is room beside these, which are on their way.
    async fn due(&self, under_way: &HashSet<i64>) -> Result<Vec<Waiting>, Error> {
        let room = AT_ONCE.saturating_sub(under_way.len());
        if room == 0 {
            return Ok(Vec::new());
        }
        let now = self.app.clock.now();
        let mut due = mail::due(&mut *self.app.store.read().await?, now, BATCH).await?;
        // Whose way takes longer than the time to the next try is due before it has ended.
        due.retain(|waiting| !under_way.contains(&waiting.id));
        due.truncate(room);
        Ok(due)
    }

    /// Takes a mail all its way. Gives its id back.
    async fn carry(&self, waiting: Waiting) -> i64 {
        let id = waiting.id;
        if let Err(error) = self.one(waiting).await {
            tracing::error!(mail = id, error = %error, "a mail could not be taken out of the queue");
            // It may be due still: not again at once.
            tokio::time::sleep(LOOK).await;
        }
        id
    }

    async fn one(&self, waiting: Waiting) -> Result<(), Error> {
        let id = waiting.id;
        let kind = waiting.kind;
        let Some((recipient, code)) = self.prepare(waiting).await? else {
            return Ok(());
        };
        match self.mailer.send(&recipient, kind, &code).await {
            Ok(()) => tracing::info!(mail = id, kind = kind.as_str(), "a mail is sent"),
            Err(Trouble::Later(status)) => {
                tracing::warn!(
                    mail = id,
                    status,
                    "a mail could not be sent; it is tried again"
                );
                return Ok(());
            }
            Err(Trouble::Never(status)) => {
                tracing::warn!(mail = id, status, "the mail server refused a mail for good");
            }
        }
        self.remove(id).await
    }

    /// Puts a mail off to its next try and makes its code. None where there is nothing to send
    /// (anymore).
    async fn prepare(&self, waiting: Waiting) -> Result<Option<(String, String)>, Error> {
        let prepared = self.app.writer.write(Urgency::Usual, move |change| {
            async move {
                let now = change.now();
                let conn = change.conn()?;
                let known = person::by_email(conn, &waiting.recipient).await?;
                let wanted = known.filter(|me| waiting.kind == Kind::Reset || !me.verified);
                let (Some(me), Some(wait)) = (wanted, again_after(waiting.tries)) else {
                    if waiting.tries > 0 {
                        tracing::warn!(mail = waiting.id, "a mail is given up");
                    }
                    mail::remove(conn, waiting.id).await?;
                    return Ok(None);
                };
                if !mail::tried(conn, waiting.id, now + wait).await? {
                    return Ok(None);
                }
                let (purpose, good_for) = match waiting.kind {
                    Kind::Verify => (Purpose::Verify, VERIFY_MS),
                    Kind::Reset => (Purpose::Reset, RESET_MS),
                };
                let code = code::add(conn, me.person.id, purpose, now, good_for).await?;
                Ok(Some((waiting.recipient, code)))
            }
            .boxed()
        });
        prepared.await
    }

    async fn remove(&self, id: i64) -> Result<(), Error> {
        let removed = self.app.writer.write(Urgency::Usual, move |change| {
            async move { mail::remove(change.conn()?, id).await }.boxed()
        });
        removed.await
    }
}
