//! `/v1/ice-servers`: STUN, and TURN with credentials that hold for a while.
//!
//! The credentials are those of "A REST API For Access To TURN Services"
//! (draft-uberti-behave-turn-rest-00), as coturn takes them with `use-auth-secret`: the user name
//! is `<end of validity>:<user>`, the password base64(HMAC-SHA1(shared secret, user name)).

use super::extract::Asker;
use crate::{app::App, config::Ice, error::Error};
use axum::{Json, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use im_protocol::{
    UnixMs,
    rest::{IceServer, IceServers},
};
use sha1::Sha1;
use std::sync::Arc;

/// How long credentials hold: longer than a call is likely to last.
const HOLD_MS: i64 = 12 * 3_600 * 1_000;

pub(super) async fn servers(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<IceServers>, Error> {
    let user = asker.actor.person.to_string();
    Ok(Json(ice_servers(&app.config.ice, &user, app.clock.now())?))
}

fn ice_servers(ice: &Ice, user: &str, now: UnixMs) -> Result<IceServers, Error> {
    let mut servers = Vec::new();
    if !ice.stun.is_empty() {
        servers.push(IceServer {
            urls: ice.stun.clone(),
            username: None,
            credential: None,
        });
    }
    if let (false, Some(secret)) = (ice.turn.is_empty(), &ice.turn_secret) {
        let username = format!("{}:{user}", (now + HOLD_MS) / 1_000);
        servers.push(IceServer {
            urls: ice.turn.clone(),
            credential: Some(credential(secret, &username)?),
            username: Some(username),
        });
    }
    Ok(IceServers {
        ice_servers: servers,
        expires_in_ms: HOLD_MS.unsigned_abs(),
    })
}

fn credential(secret: &str, username: &str) -> Result<String, Error> {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes());
    let mut mac = mac.map_err(|_| Error::Broken("the TURN secret cannot be used"))?;
    mac.update(username.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_what_coturn_computes() {
        // printf '1700043200:maya' | openssl dgst -sha1 -hmac 'north' -binary | base64
        let computed = credential("north", "1700043200:maya").unwrap();
        assert_eq!(computed, "nDTuEXcEu55vos0DU5i/GSEvVsw=");
    }

    #[test]
    fn without_servers_there_is_nothing_to_tell_and_turn_carries_its_end() {
        let none = ice_servers(&Ice::default(), "maya", 0).unwrap();
        assert!(none.ice_servers.is_empty());
        let ice = Ice {
            stun: vec!["stun:a.example:3478".into()],
            turn: vec!["turn:a.example:3478".into()],
            turn_secret: Some("north".into()),
        };
        let told = ice_servers(&ice, "maya", 1_700_000_000_000).unwrap();
        let turn = told.ice_servers.last().unwrap();
        assert_eq!(turn.username.as_deref(), Some("1700043200:maya"));
        assert_eq!(told.ice_servers.first().unwrap().username, None);
    }
}
