//! Registering, signing in, inviting, refreshing.

use super::{
    Secret, deletion,
    refresh::{REFRESH_MS, Verdict, judge},
    sessions::end_session,
    token::ACCESS_MS,
    verification,
};
use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    error::Error,
    input,
    store::{
        credential, invitation, person,
        session::{self, RefreshToken},
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ErrorCode, PersonId, SessionId,
    people::{Me, Person, Role},
    rest::{
        AcceptInvitation, Device, Invitation, Invite, Refresh, Register, SignIn, SignedIn, Tokens,
    },
    sessions::{Ended, SessionChanged},
};
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, sync::Arc};

/// How long an invitation holds, milliseconds: 14 days.
pub const INVITATION_MS: i64 = 14 * 24 * 3_600 * 1_000;

/// A student registers and is signed in.
pub(crate) async fn register(app: &Arc<App>, asked: Register) -> Result<SignedIn, Error> {
    verification::may_register(app)?;
    let email = input::email(&asked.email)?;
    let name = input::name(&asked.name)?;
    let device = device(asked.device)?;
    input::new_password(&asked.password)?;
    let hash = app.passwords.hash(asked.password).await?;
    let me = Me {
        verified: false,
        ..new_me(email, name, Role::Student)
    };
    let this = app.clone();
    let signed_in = app.writer.write(Urgency::First, move |change| {
        async move {
            add_person(change, &me, &hash).await?;
            verification::ask(&this, change, &me).await?;
            open_session(&this, change, me, &device).await
        }
        .boxed()
    });
    let signed_in = signed_in.await?;
    app.bell.ring();
    Ok(signed_in)
}

/// An invited person sets a password and is signed in.
pub(crate) async fn accept_invitation(
    app: &Arc<App>,
    asked: AcceptInvitation,
) -> Result<SignedIn, Error> {
    let name = input::name(&asked.name)?;
    let device = device(asked.device)?;
    input::new_password(&asked.password)?;
    let code_hash = Secret::hash_of(asked.code.trim());
    let hash = app.passwords.hash(asked.password).await?;
    let this = app.clone();
    let signed_in = app.writer.write(Urgency::First, move |change| {
        async move {
            let now = change.now();
            let taken = invitation::take(change.conn()?, &code_hash, now).await?;
            let (email, role) = taken.ok_or_else(|| {
                Error::refused(
                    ErrorCode::NotFound,
                    "This invitation is unknown, used or too old. Please ask for a new one.",
                )
            })?;
            let me = new_me(email, name, role);
            add_person(change, &me, &hash).await?;
            open_session(&this, change, me, &device).await
        }
        .boxed()
    });
    signed_in.await
}

/// A person signs in. Takes as long and says the same where there is no such account.
pub(crate) async fn sign_in(
    app: &Arc<App>,
    from: IpAddr,
    asked: SignIn,
) -> Result<SignedIn, Error> {
    let wrong = || Error::refused(ErrorCode::Unauthorized, "E-mail or password is wrong.");
    let device = device(asked.device)?;
    // An address that cannot be one is treated like one that nobody has.
    let email = input::email(&asked.email).unwrap_or_default();
    let account = Sha256::digest(email.as_bytes()).into();
    app.rates.account(account, from)?;
    if asked.password.len() > im_protocol::limits::PASSWORD_MAX_BYTES {
        return Err(wrong());
    }
    let mut reader = app.store.read().await?;
    let me = person::by_email(&mut reader, &email).await?;
    let stored = match &me {
        Some(me) => credential::get(&mut reader, me.person.id).await?,
        None => None,
    };
    drop(reader);
    let fits = app.passwords.check(asked.password, stored.clone()).await?;
    let Some(me) = me.filter(|_| fits) else {
        tracing::info!("a sign-in is refused");
        return Err(wrong());
    };
    let this = app.clone();
    let signed_in = app.writer.write(Urgency::First, move |change| {
        async move {
            // A new password, or the end of the account, may have come while this one was checked.
            if credential::get(change.conn()?, me.person.id).await? != stored {
                return Err(wrong());
            }
            open_session(&this, change, me, &device).await
        }
        .boxed()
    });
    signed_in.await
}

/// Gives new tokens for a refresh token.
pub(crate) async fn refresh(app: &Arc<App>, asked: Refresh) -> Result<Tokens, Error> {
    let hash = Secret::hash_of(&asked.refresh_token);
    let this = app.clone();
    let judged = app.writer.write(Urgency::First, move |change| {
        async move { rotate(&this, change, &hash).await }.boxed()
    });
    // Ending a family is kept, though it is a refusal.
    judged.await?
}

async fn rotate(
    app: &App,
    change: &mut Change,
    hash: &str,
) -> Result<Result<Tokens, Error>, Error> {
    let now = change.now();
    let conn = change.conn()?;
    let Some(presented) = session::token(conn, hash).await? else {
        return Ok(Err(Error::unauthorized()));
    };
    let session = session::get(conn, presented.session).await?;
    let session = session.ok_or(Error::Broken("a token without a session"))?;
    let newest = session::token(conn, &session.newest_token).await?;
    let Some(newest) = newest else {
        // Pruned after its month: the session has ended by itself.
        return Ok(Err(Error::unauthorized()));
    };
    match judge(&session, &newest, &presented, now) {
        Verdict::Rotate => {}
        Verdict::Expired => return Ok(Err(Error::unauthorized())),
        Verdict::Ended => return Ok(Err(deletion::why_ended(conn, &session).await?)),
        Verdict::Stolen => {
            tracing::warn!(
                person = %session.person,
                session = %session.id,
                "an old refresh token was used again: its session is ended"
            );
            let why = Ended::TokenReused;
            end_session(change, session.id, why).await?;
            return Ok(Err(Error::session_revoked(Some(why))));
        }
    }
    session::mark_used(conn, &presented.hash, now).await?;
    let me = person::get(conn, session.person).await?;
    let me = me.ok_or(Error::Broken("a session without a person"))?;
    let parent = Some(presented.hash);
    let tokens = new_tokens(app, change, session.id, &me, parent).await?;
    Ok(Ok(tokens))
}

/// An admin invites somebody.
pub(crate) async fn invite(
    app: &Arc<App>,
    actor: Actor,
    asked: Invite,
) -> Result<Invitation, Error> {
    if !may(actor, Action::Invite, Thing::Invitation(asked.role)) {
        return Err(Error::forbidden());
    }
    let email = input::email(&asked.email)?;
    let by = Some(actor.person);
    let invited = app.writer.write(Urgency::Usual, move |change| {
        async move { add_invitation(change, email, asked.role, by).await }.boxed()
    });
    invited.await
}

/// Adds an invitation and says its code, once.
///
/// # Errors
/// `conflict` where the address has an account.
pub async fn add_invitation(
    change: &mut Change,
    email: String,
    role: Role,
    invited_by: Option<PersonId>,
) -> Result<Invitation, Error> {
    let now = change.now();
    let conn = change.conn()?;
    if person::by_email(conn, &email).await?.is_some() {
        return Err(taken());
    }
    let code = Secret::new()?;
    let row = invitation::Invitation {
        code_hash: code.hash,
        email,
        role,
        invited_by,
        expires_at: now + INVITATION_MS,
    };
    invitation::insert(conn, &row, now).await?;
    Ok(Invitation {
        code: code.text,
        expires_in_ms: INVITATION_MS.unsigned_abs(),
    })
}

/// Adds a person with a password hash.
///
/// # Errors
/// `conflict` where the address has an account.
pub async fn add_person(change: &mut Change, me: &Me, hash: &str) -> Result<(), Error> {
    let now = change.now();
    let conn = change.conn()?;
    if person::by_email(conn, &me.email).await?.is_some() {
        return Err(taken());
    }
    person::insert(conn, me, now).await?;
    credential::set(conn, me.person.id, hash, now).await
}

/// A new person, whose address is known to be theirs.
#[must_use]
pub fn new_me(email: String, name: String, role: Role) -> Me {
    Me {
        person: Person {
            id: PersonId::new(),
            name,
            role,
        },
        email,
        verified: true,
    }
}

/// Signs a person in on a device.
pub(super) async fn open_session(
    app: &App,
    change: &mut Change,
    me: Me,
    device: &Device,
) -> Result<SignedIn, Error> {
    let now = change.now();
    let id = SessionId::new();
    let person = &me.person;
    if person::is_suspended(change.conn()?, person.id).await? {
        return Err(Error::suspended());
    }
    // A device has one session of a person: the one before is of no use to anybody honest.
    for old in session::living_on(change.conn()?, person.id, device.id).await? {
        end_session(change, old, Ended::Replaced).await?;
    }
    change.tell_person(person.id, SessionChanged {});
    session::insert(change.conn()?, id, person.id, device, "", now).await?;
    let tokens = new_tokens(app, change, id, person, None).await?;
    Ok(SignedIn {
        me: app.seen(me),
        session: id,
        tokens,
    })
}

async fn new_tokens(
    app: &App,
    change: &mut Change,
    session: SessionId,
    person: &Person,
    parent: Option<String>,
) -> Result<Tokens, Error> {
    let now = change.now();
    let refresh = Secret::new()?;
    let row = RefreshToken {
        hash: refresh.hash,
        session,
        parent,
        expires_at: now + REFRESH_MS,
        used_at: None,
    };
    session::add_token(change.conn()?, &row, now).await?;
    Ok(Tokens {
        access_token: app.keys.issue(person.id, session, person.role, now)?,
        access_expires_in_ms: ACCESS_MS.unsigned_abs(),
        refresh_token: refresh.text,
    })
}

/// A device with a name that can be shown.
pub(super) fn device(device: Device) -> Result<Device, Error> {
    let name = input::line(&device.name, im_protocol::limits::NAME_CHARS)?;
    Ok(Device { name, ..device })
}

fn taken() -> Error {
    Error::refused(
        ErrorCode::Conflict,
        "There is an account with this e-mail address. Please sign in.",
    )
}
