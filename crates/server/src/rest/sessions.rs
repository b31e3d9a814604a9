//! `/v1/sessions`, and what ends them: `/v1/auth/sign-out`, `/v1/auth/change-password`.

use super::extract::{Asker, Body, From};
use crate::{app::App, auth::sessions, error::Error};
use axum::{
    Json,
    extract::{Path, State},
};
use im_protocol::{
    command::Done,
    sessions::{ChangePassword, Ended, Sessions},
};
use std::sync::Arc;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Sessions>, Error> {
    Ok(Json(sessions::list(&app, &asker.session).await?))
}

pub(super) async fn end(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Done>, Error> {
    let id = id.parse().map_err(|_| Error::not_found())?;
    sessions::end(&app, asker.actor, id).await?;
    Ok(Json(Done {}))
}

pub(super) async fn end_others(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Done>, Error> {
    sessions::end_others(&app, &asker.session, Ended::SignedOut).await?;
    Ok(Json(Done {}))
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Done>, Error> {
    sessions::end(&app, asker.actor, asker.session.id).await?;
    Ok(Json(Done {}))
}

pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    From(address): From,
    asker: Asker,
    Body(asked): Body<ChangePassword>,
) -> Result<Json<Done>, Error> {
    sessions::change_password(&app, address, &asker.session, asked).await?;
    Ok(Json(Done {}))
}
