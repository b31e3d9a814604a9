//! `/v1/auth/forgot`, `/v1/auth/reset`, `/v1/auth/verify`, `/v1/me/delete`.

use super::extract::{Asker, Body, From};
use crate::{
    app::App,
    auth::{deletion, recovery, verification},
    error::Error,
};
use axum::{Json, extract::State};
use im_protocol::{
    account::{DeleteMe, Forgot, Reset, Verify},
    command::Done,
    people::Me,
    rest::SignedIn,
};
use std::sync::Arc;

pub(super) async fn forgot(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<Forgot>,
) -> Result<Json<Done>, Error> {
    app.rates.sign_in(address)?;
    recovery::forgot(&app, address, asked).await?;
    Ok(Json(Done {}))
}

pub(super) async fn reset(
    State(app): State<Arc<App>>,
    From(address): From,
    Body(asked): Body<Reset>,
) -> Result<Json<SignedIn>, Error> {
    app.rates.sign_in(address)?;
    Ok(Json(recovery::reset(&app, address, asked).await?))
}

pub(super) async fn verify(
    State(app): State<Arc<App>>,
    From(address): From,
    asker: Asker,
    Body(asked): Body<Verify>,
) -> Result<Json<Me>, Error> {
    app.rates.sign_in(address)?;
    let me = verification::verify(&app, asker.actor.person, asked).await?;
    Ok(Json(me))
}

pub(super) async fn resend(
    State(app): State<Arc<App>>,
    From(address): From,
    asker: Asker,
) -> Result<Json<Done>, Error> {
    verification::resend(&app, address, asker.actor.person).await?;
    Ok(Json(Done {}))
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    From(address): From,
    asker: Asker,
    Body(asked): Body<DeleteMe>,
) -> Result<Json<Done>, Error> {
    app.rates.sign_in(address)?;
    deletion::delete(&app, address, asker.actor.person, asked).await?;
    Ok(Json(Done {}))
}
