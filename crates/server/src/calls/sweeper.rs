//! What happens to calls without anybody asking: deadlines pass, devices come and go.
//!
//! Everything is in the database, so a server that starts again goes on where it was; the update
//! of a row is conditional, so that of two nodes only one takes a step.

use super::take;
use crate::{
    app::App,
    error::Error,
    hub::Attachment,
    store::call,
    writer::{Urgency, Writer},
};
use futures_util::FutureExt as _;
use im_call::rules::{Call, Endpoint, Input};
use im_protocol::{CallId, PersonId, UnixMs};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often it looks for what is due.
const LOOK: Duration = Duration::from_millis(200);
/// Calls taken up in one look.
const AT_ONCE: u32 = 256;
/// How long a call that failed waits for its next look, milliseconds.
const POSTPONED_MS: i64 = 10_000;

/// Before the first device can connect: nobody has a connection, grace begins anew.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn begin_again(writer: &Writer, store: &crate::store::Store) -> Result<(), Error> {
    let living = call::living(&mut *store.read().await?).await?;
    for id in living {
        // One that is broken must not keep the server from starting.
        for input in [Input::Restarted, Input::Deadline] {
            if let Err(error) = take(writer, id, input).await {
                tracing::error!(call = %id, error = %error, "a call does not go on");
            }
        }
    }
    Ok(())
}

/// The task.
pub(crate) struct Sweeper {
    app: Arc<App>,
    attachments: Receiver<Attachment>,
}

impl Sweeper {
    /// To be made before the first device can connect.
    pub(crate) fn new(app: Arc<App>) -> Self {
        let attachments = app.hub.attachments();
        Self { app, attachments }
    }

    /// Runs until the server stops.
    pub(crate) async fn run(mut self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(async move {
            let mut look = tokio::time::interval(LOOK);
            look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    attachment = self.attachments.recv() => match attachment {
                        Ok(attachment) => look_after(&self.app, attachment.person).await,
                        Err(RecvError::Lagged(_)) => note(self.look_after_all().await),
                        Err(RecvError::Closed) => return,
                    },
                    _ = look.tick() => note(self.sweep().await),
                }
            }
        })
        .await;
    }

    async fn sweep(&self) -> Result<(), Error> {
        let now = self.app.clock.now();
        let due = call::due(&mut *self.app.store.read().await?, now, AT_ONCE).await?;
        for id in due {
            let taken = take(&self.app.writer, id, Input::Deadline).await;
            match taken {
                // Refused: another node was first, or the commit failed. The next look sees.
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => {
                    tracing::error!(call = %id, error = %error, "a call's time is not up");
                    note(self.postpone(id, now + POSTPONED_MS).await);
                }
            }
        }
        Ok(())
    }

    /// Lets a call that failed wait, so that it does not come before all others at each look.
    async fn postpone(&self, id: CallId, until: UnixMs) -> Result<(), Error> {
        let postponed = self.app.writer.write(Urgency::Usual, move |change| {
            async move { call::postpone(change.conn()?, id, until).await }.boxed()
        });
        postponed.await
    }

    /// It fell behind and does not know whom it missed.
    async fn look_after_all(&self) -> Result<(), Error> {
        let mut reader = self.app.store.read().await?;
        let mut calls = Vec::new();
        for id in call::living(&mut reader).await? {
            match call::find(&mut reader, id).await {
                Ok(found) => calls.extend(found),
                Err(error) => note(Err(error)),
            }
        }
        drop(reader);
        for call in calls {
            note(presence(&self.app, &call).await);
        }
        Ok(())
    }
}

/// Notes for a person's calls which of the joined devices are there.
pub(super) async fn look_after(app: &App, person: PersonId) {
    let looked = async {
        let calls = call::living_of(&mut *app.store.read().await?, person).await?;
        for call in calls {
            note(presence(app, &call).await);
        }
        Ok(())
    };
    note(looked.await);
}

async fn presence(app: &App, call: &Call) -> Result<(), Error> {
    let sides = [
        (Some(call.caller), call.caller_away),
        (endpoint_of_callee(call), call.callee_away),
    ];
    for (side, away) in sides {
        let Some(side) = side else { continue };
        let there = app.hub.has_device(side.person, side.device);
        let input = match (there, away) {
            (true, Some(_)) => Input::Back(side),
            (false, None) => Input::Away(side),
            _ => continue,
        };
        take(&app.writer, call.id, input).await?;
    }
    Ok(())
}

fn endpoint_of_callee(call: &Call) -> Option<Endpoint> {
    let device = call.callee_device?;
    Some(Endpoint {
        person: call.callee,
        device,
    })
}

/// What failed now is looked at again at the next look.
fn note(result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::error!(error = %error, "calls could not be looked after");
    }
}
