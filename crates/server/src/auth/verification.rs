//! Showing that an e-mail address is one's own, by a code from a mail to it.

use super::{code, recovery::digest_of};
use crate::{
    app::App,
    config::Registration,
    error::Error,
    store::{
        code::{self as codes, Purpose},
        mail::{self, Kind},
        person,
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{ErrorCode, PersonId, account::Verify, people::Me};
use std::{net::IpAddr, sync::Arc};

/// Refuses where students do not register by themselves.
pub(super) fn may_register(app: &App) -> Result<(), Error> {
    match app.config.registration {
        Registration::Open => Ok(()),
        Registration::Closed => Err(Error::refused(
            ErrorCode::RegistrationClosed,
            "On this server nobody can register. Please ask who runs it for an account.",
        )),
    }
}

/// Queues the mail with the code, together with what makes it needed.
pub(super) async fn ask(app: &App, change: &mut Change, me: &Me) -> Result<(), Error> {
    if app.config.mail.is_none() {
        return Ok(());
    }
    let now = change.now();
    mail::queue(change.conn()?, &me.email, Kind::Verify, now).await
}

/// Takes the code.
pub(crate) async fn verify(app: &Arc<App>, id: PersonId, asked: Verify) -> Result<Me, Error> {
    let this = app.clone();
    let judged = app.writer.write(Urgency::First, move |change| {
        async move { take(&this, change, id, &asked.code).await }.boxed()
    });
    // That a wrong code was tried is kept, though it is a refusal.
    judged.await?
}

async fn take(
    app: &App,
    change: &mut Change,
    id: PersonId,
    typed: &str,
) -> Result<Result<Me, Error>, Error> {
    let now = change.now();
    let conn = change.conn()?;
    let me = person::me(conn, id).await?;
    let mut me = me.ok_or_else(Error::unauthorized)?;
    if me.verified {
        return Ok(Ok(app.seen(me)));
    }
    let hash = code::hash_of(Purpose::Verify, id, typed);
    if !codes::take(conn, id, Purpose::Verify, &hash, now).await? {
        tracing::info!(person = %id, "a code for an address is refused");
        return Ok(Err(Error::bad_code()));
    }
    person::set_verified(conn, id, now).await?;
    me.verified = true;
    tell(change, &me);
    Ok(Ok(me))
}

/// Tells a person's devices, and lets their connections do what waited for it.
fn tell(change: &mut Change, me: &Me) {
    let id = me.person.id;
    change.after(move |hub| {
        for live in hub.lives_where(|live| live.person() == id) {
            live.verify();
        }
    });
    change.tell_person(id, me.clone());
}

/// Sends the code again.
pub(crate) async fn resend(app: &Arc<App>, from: IpAddr, id: PersonId) -> Result<(), Error> {
    if app.config.mail.is_none() {
        return Err(Error::no_mail());
    }
    let mut reader = app.store.read().await?;
    let me = person::me(&mut reader, id).await?;
    drop(reader);
    let me = me.ok_or_else(Error::unauthorized)?;
    if me.verified {
        return Ok(());
    }
    app.rates.mail(digest_of(&me.email), from)?;
    let this = app.clone();
    let asked = app.writer.write(Urgency::First, move |change| {
        async move { ask(&this, change, &me).await }.boxed()
    });
    asked.await?;
    app.bell.ring();
    Ok(())
}
