//! Accounts, sessions and tokens.
//!
//! An access token is a JWT for a quarter of an hour; a refresh token is opaque, stored hashed and
//! good for one successor ([`refresh`]). Both belong to a session: one sign-in on one device.

pub mod accounts;
pub mod code;
pub(crate) mod deletion;
mod password;
pub mod recovery;
pub mod refresh;
pub(crate) mod sessions;
mod token;
pub(crate) mod verification;

pub use password::Passwords;
pub use token::{Claims, Keys, Secret, random_code};

use crate::{
    dispatch::{Ctx, Table},
    error::Error,
    rates::Rated,
    store::{
        Connection,
        session::{self, Session},
    },
};
use im_protocol::{command::Done, handshake::SessionRenew};

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::ByLane, renew);
}

/// The session behind a valid token, if it has not been ended.
///
/// # Errors
/// `session_revoked` where it was ended; `unauthorized` where it is not of this server.
pub async fn living_session(conn: &mut Connection, claims: &Claims) -> Result<Session, Error> {
    let session = session::get(conn, claims.session).await?;
    let session = session.ok_or_else(Error::unauthorized)?;
    if session.revoked_at.is_some() {
        return Err(deletion::why_ended(conn, &session).await?);
    }
    if session.person != claims.person {
        return Err(Error::unauthorized());
    }
    Ok(session)
}

/// `session:renew`: the connection goes on with a newer token of the same session.
async fn renew(ctx: Ctx, asked: SessionRenew) -> Result<Done, Error> {
    let claims = ctx.app.keys.verify(&asked.token, ctx.app.clock.now())?;
    let me = ctx.me();
    if claims.session != me.session || claims.person != me.person {
        return Err(Error::unauthorized());
    }
    let mut reader = ctx.app.store.read().await?;
    living_session(&mut reader, &claims).await?;
    ctx.live.renew(claims.expires_at_ms());
    Ok(Done {})
}
