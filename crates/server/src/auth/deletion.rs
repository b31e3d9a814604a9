//! Deleting one's own account. `docs/adr/0021-what-stays-of-a-deleted-account.md` tells what goes,
//! what stays, and why.

use super::recovery::digest_of;
use crate::{
    app::App,
    calls,
    error::Error,
    store::{
        Connection, credential, erasure,
        feed::{Entry, Kind},
        person,
        session::{self, Session},
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ErrorCode, PersonId,
    account::DeleteMe,
    limits,
    people::{Availability, Me, Presence, Role, Status},
    sessions::Ended,
};
use std::{net::IpAddr, sync::Arc};

/// The asker deletes their account. The password is asked for, so that nobody else does it at an
/// unwatched computer.
pub(crate) async fn delete(
    app: &Arc<App>,
    from: IpAddr,
    id: PersonId,
    asked: DeleteMe,
) -> Result<(), Error> {
    // Not `unauthorized`: the session is as good as before.
    let wrong = || Error::refused(ErrorCode::Forbidden, "The password is wrong.");
    let mut reader = app.store.read().await?;
    let me = person::me(&mut reader, id).await?;
    let stored = credential::get(&mut reader, id).await?;
    drop(reader);
    let me = me.ok_or_else(Error::unauthorized)?;
    app.rates.account(digest_of(&me.email), from)?;
    if asked.password.len() > limits::PASSWORD_MAX_BYTES
        || !app.passwords.check(asked.password, stored.clone()).await?
    {
        return Err(wrong());
    }
    let deleted = app.writer.write(Urgency::First, move |change| {
        async move {
            if credential::get(change.conn()?, id).await? != stored {
                // Changed meanwhile: what was checked counts no more.
                return Err(wrong());
            }
            erase(change, &me).await
        }
        .boxed()
    });
    deleted.await?;
    app.files.ring();
    tracing::info!(person = %id, "an account is deleted");
    Ok(())
}

async fn erase(change: &mut Change, me: &Me) -> Result<(), Error> {
    let now = change.now();
    let id = me.person.id;
    if me.person.role == Role::Admin && !erasure::other_admin(change.conn()?, id).await? {
        return Err(Error::refused(
            ErrorCode::Conflict,
            "You are the only administrator. Please make somebody else one first.",
        ));
    }
    // While there is a conversation to write the record into.
    calls::end_all(change, id).await?;
    let partners = erasure::partners(change.conn()?, id).await?;
    for ended in session::living_of(change.conn()?, id).await? {
        if session::revoke(change.conn()?, ended, Ended::SignedOut, now).await? {
            change.end_session(ended, Error::account_deleted().to_wire());
        }
    }
    erasure::erase(change.conn()?, id, &me.email, now).await?;
    let gone = Presence {
        person: id,
        online: false,
    };
    for (partner, conversation) in partners {
        // The conversation first: whoever has nothing to read there forgets the person with it.
        let entries = [
            Entry::new(Kind::Conversation, conversation, 0),
            Entry::new(Kind::Person, id, 0),
        ];
        change.feed(partner, &entries).await?;
        change.tell_person(partner, gone);
    }
    if me.person.role == Role::Mentor {
        let gone = Status {
            person: id,
            availability: Availability::Offline,
            message: String::new(),
            since: now,
        };
        change.after(move |hub| hub.tell_roles(&[Role::Student, Role::Mentor], &gone));
    }
    Ok(())
}

/// Why a session that was ended is over.
pub(super) async fn why_ended(conn: &mut Connection, session: &Session) -> Result<Error, Error> {
    Ok(if erasure::is_deleted(conn, session.person).await? {
        Error::account_deleted()
    } else {
        Error::session_revoked(session.ended)
    })
}
