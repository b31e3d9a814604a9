//! From the CONNECT packet to a live connection, or to a refusal that says why.

use super::{
    Live, Phase, Seat, Text,
    lane::{self, LaneTask},
    live::Speaker,
};
use crate::{app::App, error::Error, packet, store};
use engineioxide::{DisconnectReason, Socket as Engine};
use im_protocol::{
    ErrorCode, Lane, Notice, PersonId, WireError,
    handshake::{Auth, Ready, Refused, Versions},
    limits,
    people::Presence,
};
use std::{cmp::Reverse, collections::HashSet, sync::Arc};

/// What `connection:ready` has besides its two long lists, at most.
const HEAD_BYTES: usize = 16 * 1024;
/// What each of their items has as JSON, at most, besides its text.
const PRESENCE_BYTES: usize = 72;
const STATUS_BYTES: usize = 136;

/// Opens the connection, or refuses it.
pub(super) async fn run(app: Arc<App>, socket: Arc<Engine<Seat>>, auth: Option<String>) {
    match admit(&app, &socket, auth).await {
        Ok(person) => tracing::debug!(%person, "connected"),
        Err(refused) => {
            tracing::debug!(code = %refused.error.code, "a connection is refused");
            let entered = socket
                .data
                .with(|phase| match std::mem::replace(phase, Phase::New) {
                    Phase::Live(live) => Some(live),
                    Phase::Closed => {
                        *phase = Phase::Closed;
                        None
                    }
                    Phase::New | Phase::Connecting => None,
                });
            if let Some(live) = entered {
                live.closed();
                app.left(&live, true);
            }
            refuse(&socket, "/", &refused);
        }
    }
}

/// Sends CONNECT_ERROR.
pub(super) fn refuse(socket: &Engine<Seat>, namespace: &str, refused: &Refused) {
    let text = packet::refused(namespace, &refused.error.message, refused);
    let sent = text.is_ok_and(|text| socket.emit(Text::from(text)).is_ok());
    if !sent {
        socket.close(DisconnectReason::TransportClose);
    }
}

fn plain(error: impl Into<Error>) -> Refused {
    Refused {
        error: error.into().to_wire(),
        versions: None,
    }
}

async fn admit(
    app: &Arc<App>,
    socket: &Arc<Engine<Seat>>,
    auth: Option<String>,
) -> Result<PersonId, Refused> {
    if app.stop.is_cancelled() {
        return Err(plain(Error::unavailable()));
    }
    let auth: Auth = auth
        .as_deref()
        .and_then(|json| serde_json::from_str(json).ok())
        .ok_or_else(|| {
            plain(Error::invalid(
                "The first words of the connection are wrong.",
            ))
        })?;
    let protocol = Versions::OURS
        .common(auth.versions)
        .ok_or_else(|| Refused {
            error: WireError::new(
                ErrorCode::UpgradeRequired,
                "This app and this server are too far apart in age. Please update the older one.",
            ),
            versions: Some(Versions::OURS),
        })?;
    let claims = app
        .keys
        .verify(&auth.token, app.clock.now())
        .map_err(plain)?;
    let mut reader = app.store.read().await.map_err(plain)?;
    let session = crate::auth::living_session(&mut reader, &claims).await;
    let session = session.map_err(plain)?;
    if session.device != auth.device {
        return Err(plain(Error::unauthorized()));
    }
    let me = store::person::me(&mut reader, session.person).await;
    let me = me
        .map_err(plain)?
        .ok_or_else(|| plain(Error::unauthorized()))?;

    let (calls, calls_queue) = lane::queue();
    let (data, data_queue) = lane::queue();
    let speaker = Speaker {
        person: me.person.id,
        role: me.person.role,
        device: session.device,
        session: session.id,
        verified: app.actor(&me).verified,
    };
    let expires_at = claims.expires_at_ms();
    let live = Arc::new(Live::new(speaker, socket.clone(), expires_at, calls, data));
    enter(app, socket, &live)?;
    // A stop that came before it was known to the hub did not tell it to go.
    if app.stop.is_cancelled() {
        return Err(plain(Error::unavailable()));
    }
    // Known to the hub from here on, so that nothing falls between the snapshot and the first
    // change; what is told meanwhile waits behind `connection:ready`.
    let ready = ready(app, &mut reader, protocol, &live).await;
    let ready = ready.map_err(plain)?;
    drop(reader);
    let text = packet::told(Ready::EVENT, &ready);
    let text = text.map_err(|_| plain(Error::Broken("connection:ready is not written")))?;
    for (lane, queue) in [(Lane::Calls, calls_queue), (Lane::Data, data_queue)] {
        let task = LaneTask::new(app.clone(), live.clone(), lane, queue);
        app.tasks.spawn(task.run());
    }
    live.open([packet::connected(&socket.id.to_string()), text]);
    app.tell_others(&live);
    Ok(live.person())
}

/// Makes the connection known, unless it has gone meanwhile or is one too many.
fn enter(app: &App, socket: &Engine<Seat>, live: &Arc<Live>) -> Result<(), Refused> {
    socket.data.with(|phase| {
        if !matches!(phase, Phase::Connecting) {
            return Err(plain(Error::unavailable()));
        }
        if !app.hub.attach(live, app.config.limits.sockets_per_person) {
            let error = WireError::new(
                ErrorCode::RateLimited,
                "You are connected too many times. Please close the app on another device.",
            );
            return Err(plain(error.retry_after(5_000)));
        }
        // Before anybody can see it leave, which would count for nothing.
        app.presence.came(live.person(), live.device());
        *phase = Phase::Live(live.clone());
        Ok(())
    })
}

async fn ready(
    app: &App,
    reader: &mut store::Connection,
    protocol: u32,
    live: &Live,
) -> Result<Ready, Error> {
    let now = app.clock.now();
    let person = live.person();
    // Again: what changed before the hub knew of this connection was told to the others only.
    let me = store::person::me(reader, person).await?;
    let me = me.ok_or_else(Error::unauthorized)?;
    if app.actor(&me).verified {
        live.verify();
    }
    let me = app.seen(me);
    let calls = store::call::living_of(reader, person).await?;
    let tied = store::person::reachable_by(reader, person).await?;
    let online = tied.iter().filter(|other| app.presence.is_online(other.id));
    let mut presence: Vec<_> = online
        .map(|other| Presence {
            person: other.id,
            online: true,
        })
        .collect();
    let mut statuses = store::status::all(reader).await?;
    // What does not fit is of people that this person has nothing to do with, the oldest first.
    let close: HashSet<_> = tied.iter().map(|other| other.id).chain([person]).collect();
    statuses.sort_by_key(|status| (!close.contains(&status.person), Reverse(status.since)));
    let mut room = limits::PACKET_BYTES - HEAD_BYTES;
    packet::cut(&mut presence, &mut room, |_| PRESENCE_BYTES);
    packet::cut(&mut statuses, &mut room, |status| {
        STATUS_BYTES + packet::json_bytes(&status.message)
    });
    Ok(Ready {
        protocol,
        server: crate::SERVER.to_owned(),
        now,
        me,
        session: live.session(),
        file_bytes: app.config.files.max_bytes,
        calls: calls
            .iter()
            .map(|call| im_call::rules::Rules::default().view(call, now))
            .collect(),
        presence,
        statuses,
    })
}
