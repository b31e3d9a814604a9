//! `/healthz`, `/readyz`, `/v1/version`.

use crate::{app::App, error::Error, store};
use axum::{Json, extract::State};
use im_protocol::{handshake::Versions, rest::ServerVersion};
use std::sync::Arc;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// The process takes work: it is not stopping and its database answers.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Error> {
    if app.stop.is_cancelled() {
        return Err(Error::unavailable());
    }
    let mut reader = app.store.read().await.map_err(|_| Error::unavailable())?;
    let epoch = store::meta::epoch(&mut reader).await;
    epoch.map_err(|_| Error::unavailable())?;
    Ok("ready")
}

pub(super) async fn version() -> Json<ServerVersion> {
    Json(ServerVersion {
        versions: Versions::OURS,
        server: crate::SERVER.to_owned(),
    })
}
