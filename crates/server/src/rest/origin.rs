//! Which web pages may talk to this server, and how many connections an address may open.
//!
//! A browser says in `Origin` which page it acts for; native clients send none. A page that is not
//! allowed gets nothing, by REST or socket, whatever token it holds.

use super::extract::address_of;
use crate::{app::App, config::Config, error::Error};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use im_protocol::files::UPLOAD_OFFSET;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Refuses foreign pages and floods of connections.
pub(super) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(origin) = parts.headers.get(header::ORIGIN)
        && !allowed(&app.config, origin)
    {
        tracing::info!("a page of an origin that is not allowed is refused");
        return Error::forbidden().into_response();
    }
    if opens_socket(parts.uri.path(), parts.uri.query()) {
        if app.stop.is_cancelled()
            || app.sockets.load(Ordering::Relaxed) >= app.config.limits.sockets
        {
            return Error::unavailable().into_response();
        }
        if let Err(error) = app.rates.connect(address_of(&app, &parts)) {
            return Error::from(error).into_response();
        }
    }
    // What is posted there is read by Engine.IO, which would wait for it for ever.
    let posts = parts.method == Method::POST && parts.uri.path().starts_with("/socket.io");
    let answer = next.run(Request::from_parts(parts, body));
    let mut response = if posts {
        let within = Duration::from_millis(app.config.limits.request_ms);
        let answered = tokio::time::timeout(within, answer).await;
        answered.unwrap_or_else(|_| {
            Error::invalid("The request's body did not arrive.").into_response()
        })
    } else {
        answer.await
    };
    // Tokens and people's words are in the answers.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn opens_socket(path: &str, query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    path.starts_with("/socket.io") && !pairs.any(|pair| pair.starts_with("sid="))
}

/// Answers preflights, and marks answers for pages that are allowed.
pub(super) fn cors(app: Arc<App>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            allowed(&app.config, origin)
        }))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            HeaderName::from_static(UPLOAD_OFFSET),
            HeaderName::from_static("x-requested-with"),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
        ])
        .max_age(Duration::from_secs(600))
}

fn allowed(config: &Config, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let mut listed = config.origins.iter();
    listed.any(|one| one.trim_end_matches('/').eq_ignore_ascii_case(origin))
        || (!config.production && is_local(origin))
}

fn is_local(origin: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    let Some(rest) = rest else { return false };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
        let port = rest.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_pages_and_local_ones_while_developing() {
        let mut config = Config::new("unused");
        config.origins = vec!["https://mentor.example.org".into()];
        let may =
            |config: &Config, text: &'static str| allowed(config, &HeaderValue::from_static(text));
        assert!(may(&config, "https://mentor.example.org"));
        assert!(may(&config, "http://localhost:5173"));
        assert!(!may(&config, "http://localhost.evil.example"));
        assert!(!may(&config, "https://mentor.example.org.evil.example"));
        assert!(!may(&config, "null"));
        config.production = true;
        assert!(may(&config, "https://mentor.example.org"));
        assert!(!may(&config, "http://localhost:5173"));
    }
}
