//! Where a person is signed in: the list of devices, and ending sessions.
//!
//! A session ends for a reason, which is kept and told: only a person's own sign-out lets a device
//! wipe what it keeps (`docs/adr/0020-what-wipes-a-device.md`).

use super::recovery::digest_of;
use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    error::Error,
    input,
    store::{
        code as codes, credential, person,
        session::{self, Session},
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ErrorCode, PersonId, SessionId, UnixMs,
    sessions::{ChangePassword, Ended, SessionChanged, SessionView, Sessions},
};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Devices that have gone since this was last written down: many that go together, as at a stop,
/// cost one transaction.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<SessionId, UnixMs>>);

impl Seen {
    fn gone(&self) -> MutexGuard<'_, HashMap<SessionId, UnixMs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session's device was there until now.
    pub(crate) fn note(&self, session: SessionId, now: UnixMs) {
        self.gone().insert(session, now);
    }

    fn at(&self, session: SessionId) -> Option<UnixMs> {
        self.gone().get(&session).copied()
    }
}

/// Writes down which devices have gone, and when.
///
/// # Errors
/// Where the database fails; then it is tried again the next time.
pub(crate) async fn keep_seen(app: &Arc<App>) -> Result<(), Error> {
    let gone = app.seen.gone().clone();
    if gone.is_empty() {
        return Ok(());
    }
    let rows = gone.clone();
    let kept = app.writer.write(Urgency::Usual, move |change| {
        async move {
            for (session, at) in rows {
                session::seen(change.conn()?, session, at).await?;
            }
            Ok(())
        }
        .boxed()
    });
    kept.await?;
    // Who has come and gone meanwhile is written the next time.
    app.seen
        .gone()
        .retain(|session, at| gone.get(session) != Some(at));
    Ok(())
}

/// The asker's living sessions.
pub(crate) async fn list(app: &App, asker: &Session) -> Result<Sessions, Error> {
    let now = app.clock.now();
    let mut reader = app.store.read().await?;
    let living = session::living(&mut reader, asker.person, now).await?;
    drop(reader);
    let connected: HashSet<_> = app.hub.sessions_of(asker.person).into_iter().collect();
    let mut sessions: Vec<_> = living
        .into_iter()
        .map(|one| {
            let online = connected.contains(&one.id);
            let gone = app.seen.at(one.id).unwrap_or(0);
            SessionView {
                id: one.id,
                device: one.device,
                device_name: one.device_name,
                created_at: one.created_at,
                last_seen_at: if online {
                    now
                } else {
                    one.last_seen_at.max(gone)
                },
                current: one.id == asker.id,
                online,
            }
        })
        .collect();
    sessions.sort_by_key(|one| (!one.current, !one.online, Reverse(one.last_seen_at)));
    Ok(Sessions { sessions })
}

/// Ends a session: its refresh tokens, and its connections after the commit.
pub(crate) async fn end_session(
    change: &mut Change,
    person: PersonId,
    id: SessionId,
    why: Ended,
) -> Result<(), Error> {
    let now = change.now();
    if session::revoke(change.conn()?, id, why, now).await? {
        change.end_session(id, Error::session_revoked(Some(why)).to_wire());
        change.tell_person(person, SessionChanged {});
    }
    Ok(())
}

/// Signs a device of the asker out, this one or another.
pub(crate) async fn end(app: &Arc<App>, actor: Actor, id: SessionId) -> Result<(), Error> {
    let done = app.writer.write(Urgency::First, move |change| {
        async move {
            let found = session::get(change.conn()?, id).await?;
            let allowed =
                |one: &Session| may(actor, Action::EndSession, Thing::Session(one.person));
            let Some(found) = found.filter(allowed) else {
                return Err(Error::not_found());
            };
            end_session(change, found.person, id, Ended::SignedOut).await
        }
        .boxed()
    });
    done.await
}

/// Ends all sessions of the asker but this one.
pub(crate) async fn end_others(app: &Arc<App>, asker: &Session, why: Ended) -> Result<(), Error> {
    let (person, this) = (asker.person, asker.id);
    let done = app.writer.write(Urgency::First, move |change| {
        async move { end_all_but(change, person, this, why).await }.boxed()
    });
    done.await
}

async fn end_all_but(
    change: &mut Change,
    person: PersonId,
    this: SessionId,
    why: Ended,
) -> Result<(), Error> {
    let now = change.now();
    for other in session::living(change.conn()?, person, now).await? {
        if other.id != this {
            end_session(change, person, other.id, why).await?;
        }
    }
    Ok(())
}

/// Gives the asker another password. Their other devices have to sign in with it; what is on those
/// is kept until they do.
pub(crate) async fn change_password(
    app: &Arc<App>,
    from: IpAddr,
    asker: &Session,
    asked: ChangePassword,
) -> Result<(), Error> {
    let wrong = || Error::refused(ErrorCode::Forbidden, "The present password is wrong.");
    input::new_password(&asked.new)?;
    let (person, this) = (asker.person, asker.id);
    let mut reader = app.store.read().await?;
    let me = person::me(&mut reader, person).await?;
    let me = me.ok_or_else(Error::unauthorized)?;
    let stored = credential::get(&mut reader, person).await?;
    drop(reader);
    // Whoever holds somebody's token is not to guess faster than at the sign-in.
    app.rates.account(digest_of(&me.email), from)?;
    if asked.old.len() > im_protocol::limits::PASSWORD_MAX_BYTES {
        return Err(wrong());
    }
    if !app.passwords.check(asked.old, stored.clone()).await? {
        tracing::info!(%person, "a change of password is refused");
        return Err(wrong());
    }
    let hash = app.passwords.hash(asked.new).await?;
    let changed = app.writer.write(Urgency::First, move |change| {
        async move {
            let now = change.now();
            let conn = change.conn()?;
            if credential::get(conn, person).await? != stored {
                // Changed meanwhile, by whoever: what was checked counts no more.
                return Err(wrong());
            }
            credential::set(conn, person, &hash, now).await?;
            // A code for a new password that was asked for before is not good for another one.
            codes::forget_resets(conn, person).await?;
            end_all_but(change, person, this, Ended::PasswordChanged).await
        }
        .boxed()
    });
    changed.await?;
    tracing::info!(%person, "a password was changed");
    Ok(())
}
