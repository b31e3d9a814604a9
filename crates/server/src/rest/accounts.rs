//! `/v1/auth/*`, `/v1/me`, `/v1/invitations`.

use super::extract::{Asker, Body, From};
use crate::{app::App, auth::accounts, error::Error, store};
use axum::{Json, extract::State};
use im_protocol::{
    people::Me,
    rest::{AcceptInvitation, Invitation, Invite, Refresh, Register, SignIn, SignedIn, Tokens},
};
use std::sync::Arc;

pub(super) async fn register(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<Register>,
) -> Result<Json<SignedIn>, Error> {
    app.rates.sign_in(address)?;
    Ok(Json(accounts::register(&app, asked).await?))
}

pub(super) async fn accept(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<AcceptInvitation>,
) -> Result<Json<SignedIn>, Error> {
    app.rates.sign_in(address)?;
    Ok(Json(accounts::accept_invitation(&app, asked).await?))
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<SignIn>,
) -> Result<Json<SignedIn>, Error> {
    app.rates.sign_in(address)?;
    Ok(Json(accounts::sign_in(&app, address, asked).await?))
}

pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<Refresh>,
) -> Result<Json<Tokens>, Error> {
    app.rates.refresh(address)?;
    Ok(Json(accounts::refresh(&app, asked).await?))
}

pub(super) async fn me(State(app): State<Arc<App>>, asker: Asker) -> Result<Json<Me>, Error> {
    let mut reader = app.store.read().await?;
    let me = store::person::me(&mut reader, asker.actor.person).await?;
    Ok(Json(app.seen(me.ok_or_else(Error::unauthorized)?)))
}

pub(super) async fn invite(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<Invite>,
) -> Result<Json<Invitation>, Error> {
    Ok(Json(accounts::invite(&app, asker.actor, asked).await?))
}
