//! What handlers take out of a request, with our own refusals.

use crate::{
    access::Actor,
    app::App,
    auth::{Claims, living_session},
    error::Error,
    store::session::Session,
};
use axum::{
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
};
use im_protocol::ErrorCode;
use serde::de::DeserializeOwned;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        let within = Duration::from_millis(app.config.limits.request_ms);
        let late = || Error::invalid("The request's body did not arrive.");
        let bytes = tokio::time::timeout(within, Bytes::from_request(request, app)).await;
        let bytes = bytes.map_err(|_| late())?.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::refused(ErrorCode::TooLarge, "This is too much at once.")
            } else {
                late()
            }
        })?;
        let body = serde_json::from_slice(&bytes);
        body.map(Self)
            .map_err(|_| Error::invalid("A field is missing or of the wrong kind."))
    }
}

/// Where a request comes from.
pub(super) struct From(pub(super) IpAddr);

impl FromRequestParts<Arc<App>> for From {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        Ok(Self(address_of(app, parts)))
    }
}

/// The client's address: the connection's, or what the proxy in front says.
pub(super) fn address_of(app: &App, parts: &Parts) -> IpAddr {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let connection = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    if !app.config.behind_proxy {
        return connection;
    }
    // The last one is what our own proxy added; those before it can be made up.
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    forwarded
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(connection)
}

/// The signed-in asker.
pub(super) struct Asker {
    /// Person and role.
    pub(super) actor: Actor,
    /// The sign-in.
    pub(super) session: Session,
}

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let claims = claims_of(app, parts)?;
        app.rates.request(claims.person)?;
        let mut reader = app.store.read().await?;
        let session = living_session(&mut reader, &claims).await?;
        let me = crate::store::person::me(&mut reader, session.person).await?;
        let me = me.ok_or_else(Error::unauthorized)?;
        Ok(Self {
            actor: app.actor(&me),
            session,
        })
    }
}

fn claims_of(app: &App, parts: &Parts) -> Result<Claims, Error> {
    let header = parts.headers.get(AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(Error::unauthorized)?;
    app.keys.verify(token, app.clock.now())
}
