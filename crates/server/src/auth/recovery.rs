//! Getting back into an account whose password is forgotten, by a code: from a mail to its address,
//! or from the operator.

use super::{
    accounts::{device, open_session},
    code,
    sessions::end_session,
};
use crate::{
    app::App,
    error::Error,
    input,
    store::{
        code::{self as codes, Purpose},
        credential,
        mail::{self, Kind},
        person, session,
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    account::{Forgot, Reset},
    people::Me,
    rest::{Device, SignedIn},
    sessions::Ended,
};
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, sync::Arc};

/// Queues a mail with a code. Whether the address has an account is looked at when it is sent, so
/// that the answer and its time are the same.
pub(crate) async fn forgot(app: &Arc<App>, from: IpAddr, asked: Forgot) -> Result<(), Error> {
    if app.config.mail.is_none() {
        return Err(Error::no_mail());
    }
    let email = input::email(&asked.email)?;
    app.rates.mail(digest_of(&email), from)?;
    let queued = app.writer.write(Urgency::First, move |change| {
        async move {
            let now = change.now();
            mail::queue(change.conn()?, &email, Kind::Reset, now).await
        }
        .boxed()
    });
    queued.await?;
    app.bell.ring();
    Ok(())
}

/// Sets a new password by a code, ends all sessions and signs in. Takes as long and says the same
/// where there is no such account.
pub(crate) async fn reset(app: &Arc<App>, from: IpAddr, asked: Reset) -> Result<SignedIn, Error> {
    let device = device(asked.device)?;
    // An address that cannot be one is treated like one that nobody has.
    let email = input::email(&asked.email).unwrap_or_default();
    app.rates.account(digest_of(&email), from)?;
    input::new_password(&asked.password)?;
    let hash = app.passwords.hash(asked.password).await?;
    let this = app.clone();
    let judged = app.writer.write(Urgency::First, move |change| {
        async move { set_by_code(&this, change, &email, &asked.code, &hash, &device).await }.boxed()
    });
    // That a wrong code was tried is kept, though it is a refusal.
    judged.await?
}

async fn set_by_code(
    app: &App,
    change: &mut Change,
    email: &str,
    typed: &str,
    hash: &str,
    device: &Device,
) -> Result<Result<SignedIn, Error>, Error> {
    let now = change.now();
    let conn = change.conn()?;
    let Some(me) = person::by_email(conn, email).await? else {
        return Ok(Err(Error::bad_code()));
    };
    let id = me.person.id;
    let mut by = None;
    for purpose in [Purpose::Reset, Purpose::OperatorReset] {
        let code = code::hash_of(purpose, id, typed);
        if codes::take(conn, id, purpose, &code, now).await? {
            by = Some(purpose);
            break;
        }
    }
    let Some(purpose) = by else {
        tracing::info!("a code for a new password is refused");
        return Ok(Err(Error::bad_code()));
    };
    codes::forget(conn, id).await?;
    credential::set(conn, id, hash, now).await?;
    let mut me = me;
    if purpose == Purpose::Reset {
        // The code came there by mail.
        person::set_verified(conn, id, now).await?;
        me.verified = true;
    }
    for old in session::living_of(change.conn()?, id).await? {
        end_session(change, old, Ended::PasswordChanged).await?;
    }
    tracing::info!(person = %id, "a password is set by a code; all sessions are ended");
    Ok(Ok(open_session(app, change, me, device).await?))
}

/// Makes a code for a person whom the operator knows.
///
/// # Errors
/// Where the system has no randomness, or the database fails.
pub(crate) async fn operator_code(change: &mut Change, me: &Me) -> Result<String, Error> {
    let now = change.now();
    let purpose = Purpose::OperatorReset;
    code::add(change.conn()?, me.person.id, purpose, now, code::RESET_MS).await
}

/// What an e-mail address is counted by.
pub(super) fn digest_of(email: &str) -> [u8; 32] {
    Sha256::digest(email.as_bytes()).into()
}
