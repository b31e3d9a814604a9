//! What happens to calls without anybody asking: deadlines pass, devices come and go.
//!
//! Everything is in the database, so a server that starts again goes on where it was; the update
//! of a row is conditional, so that of two nodes only one takes a step.

use super::take;
use crate::{app::App, error::Error, hub::Attachment, store::call, writer::Writer};
use im_call::rules::{Call, Endpoint, Input};
use im_protocol::PersonId;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often it looks for what is due.
const LOOK: Duration = Duration::from_millis(200);
/// Calls taken up in one look.
const AT_ONCE: u32 = 256;

/// Before the first device can connect: nobody has a connection, grace begins anew.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn begin_again(writer: &Writer, store: &crate::store::Store) -> Result<(), Error> {
    let living = call::living(&mut *store.read().await?).await?;
    for id in living {
        take(writer, id, Input::Restarted).await?;
        take(writer, id, Input::Deadline).await?;
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
            take(&self.app.writer, id, Input::Deadline).await?;
        }
        Ok(())
    }

    /// It fell behind and does not know whom it missed.
    async fn look_after_all(&self) -> Result<(), Error> {
        let mut reader = self.app.store.read().await?;
        let mut calls = Vec::new();
        for id in call::living(&mut reader).await? {
            calls.extend(call::find(&mut reader, id).await?);
        }
        drop(reader);
        for call in calls {
            presence(&self.app, &call).await?;
        }
        Ok(())
    }
}

/// Notes for a person's calls which of the joined devices are there.
pub(super) async fn look_after(app: &App, person: PersonId) {
    let looked = async {
        let calls = call::living_of(&mut *app.store.read().await?, person).await?;
        for call in calls {
            presence(app, &call).await?;
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
