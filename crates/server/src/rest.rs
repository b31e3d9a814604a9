//! Accounts, lists and pages of history over HTTP: the routes of [`im_protocol::rest`].

mod accounts;
mod courses;
mod export;
mod extract;
mod files;
mod health;
pub(crate) mod ice;
mod lists;
mod moderation;
mod origin;
mod recovery;
mod sessions;

use crate::{app::App, error::Error, socket};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse as _, Response},
    routing::{delete, get, post, put},
};
use im_protocol::{ErrorCode, limits};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// Everything the server serves, Socket.IO included.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/version", get(health::version))
        .route("/v1/auth/register", post(accounts::register))
        .route("/v1/auth/accept-invitation", post(accounts::accept))
        .route("/v1/auth/sign-in", post(accounts::sign_in))
        .route("/v1/auth/refresh", post(accounts::refresh))
        .route("/v1/auth/sign-out", post(sessions::sign_out))
        .route("/v1/auth/change-password", post(sessions::change_password))
        .route("/v1/auth/forgot", post(recovery::forgot))
        .route("/v1/auth/reset", post(recovery::reset))
        .route("/v1/auth/verify", post(recovery::verify))
        .route("/v1/auth/verify/resend", post(recovery::resend))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/end-others", post(sessions::end_others))
        .route("/v1/sessions/{id}", delete(sessions::end))
        .route("/v1/me", get(accounts::me))
        .route("/v1/me/export", get(export::export))
        .route("/v1/me/delete", post(recovery::delete))
        .route("/v1/invitations", post(accounts::invite))
        .route("/v1/people", get(lists::people))
        .route("/v1/courses", get(lists::courses))
        .route("/v1/courses/enrol", post(lists::enrol))
        .route("/v1/courses/{id}", get(courses::roster))
        .route("/v1/courses/{id}/code", post(courses::renew_code))
        .route("/v1/courses/{id}/students", post(courses::add))
        .route(
            "/v1/courses/{id}/students/{person}",
            delete(courses::remove),
        )
        .route("/v1/courses/{id}/bulk", get(courses::bulks))
        .route("/v1/purchases", post(courses::purchase))
        .route("/v1/people/{id}/mentor", put(courses::assign))
        .route("/v1/conversations", post(lists::open))
        .route("/v1/conversations/{id}/messages", get(lists::history))
        .route("/v1/files", post(files::begin))
        .route("/v1/files/{id}", get(files::serve).patch(files::append))
        .route("/v1/files/{id}/upload", get(files::state))
        .route("/v1/blocks", get(moderation::blocks))
        .route(
            "/v1/blocks/{person}",
            put(moderation::block).delete(moderation::unblock),
        )
        .route(
            "/v1/reports",
            get(moderation::reports).post(moderation::file),
        )
        .route("/v1/reports/{id}/close", post(moderation::close))
        .route("/v1/messages/{id}/remove", post(moderation::remove))
        .route("/v1/accounts", get(moderation::accounts))
        .route("/v1/accounts/{id}/suspend", post(moderation::suspend))
        .route("/v1/accounts/{id}/unsuspend", post(moderation::unsuspend))
        .route("/v1/audit", get(moderation::audit))
        .route("/v1/ice-servers", get(ice::servers))
        .method_not_allowed_fallback(not_found)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .with_state(app.clone())
        .layer(socket::layer(app.clone()))
        .layer(middleware::from_fn_with_state(app.clone(), origin::check))
        .layer(origin::cors(app))
        .layer(CatchPanicLayer::custom(broke))
}

async fn not_found() -> Error {
    Error::refused(ErrorCode::UnknownEvent, "There is no such route here.")
}

/// A handler broke: the asker hears `internal`, nobody else notices.
fn broke(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::Broken("a handler broke").into_response()
}
