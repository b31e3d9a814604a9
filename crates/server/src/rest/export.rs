//! `/v1/me/export`.

use super::extract::Asker;
use crate::{app::App, error::Error, export::document};
use axum::{
    body::Body,
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// Everything of the asker, made while it is sent.
pub(super) async fn export(State(app): State<Arc<App>>, asker: Asker) -> Result<Response, Error> {
    app.rates.export(asker.actor.person)?;
    let head = [
        (CONTENT_TYPE, "application/json"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"instantmentor.json\"",
        ),
    ];
    let body = Body::from_stream(document(&app, asker.actor.person));
    Ok((head, body).into_response())
}
