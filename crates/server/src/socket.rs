//! Live connections: from the Engine.IO socket to the lane in which an event is handled.
//!
//! # The way of an event
//! `engineioxide` reads frames of one socket in order and hands each to the `Gate`. A CONNECT
//! packet starts `handshake`; after it there is a [`Live`], known to the [`crate::hub::Hub`]. An
//! EVENT is looked up in the table (`crate::dispatch`), checked for size and rate, and put into
//! the bounded queue of its [`im_protocol::Lane`]. Each lane is a task that handles one event at a
//! time, in order, and answers it. Calls therefore never wait behind data; data waits while the
//! client does not take the answers it has been given.
//!
//! # How another part of the server joins in (calls, say)
//! - **Events in**: write `async fn start(ctx: Ctx, asked: CallStart) -> Result<CallView, Error>`
//!   and enter it with `table.on(Rated::ByLane, start)` in a `pub(crate) fn events(&mut Table)`
//!   that `crate::dispatch::Table::new` calls. The type of the payload decides event, lane and
//!   answer. `ctx.me()` says who asks from which device; `ctx.app` is everything else.
//! - **Facts**: `ctx.app.writer.write(Urgency::First, move |change| async move { … }.boxed())`.
//!   Within it, `change.conn()?` is the transaction, `change.now()` its time,
//!   `change.feed(person, &[Entry::new(Kind::Call, id, rev)])` appends to a feed and wakes it,
//!   `change.tell_person(person, notice)` and `change.tell_device(person, device, notice)` go out
//!   after the commit and only if it succeeded.
//! - **What is fleeting** (signalling): `ctx.app.hub.tell_device(…)`, `tell_person(…)` at once.
//! - **Devices coming and going**: `app.hub.attachments()` gives [`crate::hub::Attachment`]s; a
//!   task that fell behind asks `app.hub.has_device(…)`.
//! - **At the start and the stop**: spawn the task in [`crate::server`] next to the others, with
//!   `app.stop` as the token that ends it.
//! - **At connect**: what must be in [`im_protocol::handshake::Ready`] is read in `handshake`.
//!
//! Why not `socketioxide`: see `docs/adr/0010-socket-io-on-engineioxide.md`.

pub(crate) mod handshake;
mod lane;
mod live;
mod outgoing;

pub(crate) use live::Asker;
pub use live::{Live, Speaker};

use crate::{app::App, packet};
use bytes::Bytes;
use engineioxide::{
    DisconnectReason, Socket as Engine, Str, config::EngineIoConfig, handler::EngineIoHandler,
    layer::EngineIoLayer,
};
use im_protocol::{ErrorCode, WireError, handshake::Refused, limits};
use packet::{BadPacket, Packet};
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

/// Text that many connections share.
pub type Text = Str;

/// Between two pings, milliseconds. Interval plus timeout stay under the presence lease.
const PING_INTERVAL: Duration = Duration::from_millis(3_000);
/// For a pong.
const PING_TIMEOUT: Duration = Duration::from_millis(4_000);
/// From the open connection to its CONNECT packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Packets that wait for a client that reads slowly; beyond it the connection is closed. What they
/// weigh is bounded in [`outgoing`].
const SEND_BUFFER: usize = 1_024;
/// Beyond the limit of a packet, so that the answer can say `too_large`; beyond this the
/// connection is closed.
const FRAME_BYTES: usize = 2 * limits::PACKET_BYTES;

/// What belongs to one Engine.IO socket.
#[derive(Default)]
pub(crate) struct Seat {
    phase: Mutex<Phase>,
}

/// How far a socket has come.
#[derive(Default)]
enum Phase {
    #[default]
    New,
    Connecting,
    Live(Arc<Live>),
    Closed,
}

impl Seat {
    fn with<T>(&self, act: impl FnOnce(&mut Phase) -> T) -> T {
        act(&mut self.phase.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes what Engine.IO brings.
#[derive(Clone)]
pub(crate) struct Gate {
    app: Arc<App>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

/// The layer that serves `/socket.io/`.
pub(crate) fn layer(app: Arc<App>) -> EngineIoLayer<Gate> {
    let config = EngineIoConfig::builder()
        .req_path("/socket.io")
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .max_buffer_size(SEND_BUFFER)
        .max_payload(limits::PACKET_BYTES as u64)
        .ws_max_message_size(FRAME_BYTES)
        .ws_max_frame_size(FRAME_BYTES)
        .build();
    EngineIoLayer::from_config(Arc::new(Gate { app }), config)
}

impl EngineIoHandler for Gate {
    type Data = Seat;

    fn on_connect(self: Arc<Self>, socket: Arc<Engine<Seat>>) {
        self.app.sockets.fetch_add(1, Ordering::Relaxed);
        let stop = self.app.stop.clone();
        self.app.tasks.spawn(async move {
            let late = tokio::time::sleep(CONNECT_TIMEOUT);
            // Whoever has not come so far when the server stops goes then.
            stop.run_until_cancelled(late).await;
            let late = |phase: &mut Phase| matches!(phase, Phase::New | Phase::Connecting);
            if socket.data.with(late) {
                tracing::debug!("a connection without a CONNECT packet is closed");
                socket.close(DisconnectReason::TransportClose);
            }
        });
    }

    fn on_disconnect(&self, socket: Arc<Engine<Seat>>, reason: DisconnectReason) {
        self.app.sockets.fetch_sub(1, Ordering::Relaxed);
        let phase = socket
            .data
            .with(|phase| std::mem::replace(phase, Phase::Closed));
        if let Phase::Live(live) = phase {
            // A silent one has been silent for most of a lease already.
            let silent = reason == DisconnectReason::HeartbeatTimeout;
            live.closed();
            self.app.left(&live, silent || live.has_ended());
        }
    }

    fn on_message(self: &Arc<Self>, text: Str, socket: Arc<Engine<Seat>>) {
        match packet::parse(text.as_str()) {
            Ok(Packet::Event(event)) => match live_of(&socket) {
                Some(live) => lane::receive(&self.app, &live, &event),
                None => socket.close(DisconnectReason::PacketParsingError),
            },
            Ok(Packet::Connect { namespace, auth }) => self.connect(&socket, namespace, auth),
            Ok(Packet::Disconnect) => {
                if let Some(live) = live_of(&socket) {
                    live.closed();
                    self.app.left(&live, true);
                }
                socket.close(DisconnectReason::TransportClose);
            }
            Ok(Packet::Ack) => {}
            Ok(Packet::BinaryEvent { ack }) => {
                self.refuse_event(&socket, ack, "Attachments are not taken here.");
            }
            Err(BadPacket::Json { ack }) => {
                self.refuse_event(&socket, ack, "This is not JSON.");
            }
            Err(BadPacket::Unreadable) => {
                tracing::debug!("a packet cannot be read; its connection is closed");
                socket.close(DisconnectReason::PacketParsingError);
            }
        }
    }

    fn on_binary(self: &Arc<Self>, _: Bytes, _: Arc<Engine<Seat>>) {
        // An attachment of an event that was refused by its head.
    }
}

impl Gate {
    fn connect(
        &self,
        socket: &Arc<Engine<Seat>>,
        namespace: &str,
        auth: Option<&serde_json::value::RawValue>,
    ) {
        if namespace != "/" {
            let error = WireError::new(ErrorCode::NotFound, "Invalid namespace");
            handshake::refuse(
                socket,
                namespace,
                &Refused {
                    error,
                    versions: None,
                },
            );
            return;
        }
        let new = socket.data.with(|phase| {
            let new = matches!(phase, Phase::New);
            if new {
                *phase = Phase::Connecting;
            }
            new
        });
        // A second CONNECT of the same client changes nothing.
        if new {
            let auth = auth.map(|raw| raw.get().to_owned());
            let shaking = handshake::run(self.app.clone(), socket.clone(), auth);
            self.app.tasks.spawn(shaking);
        }
    }

    /// Answers an event that cannot even be looked up.
    fn refuse_event(&self, socket: &Engine<Seat>, ack: Option<u64>, message: &str) {
        let Some(live) = live_of(socket) else { return };
        let counted = self.app.rates.request(live.person());
        let error = counted
            .err()
            .unwrap_or_else(|| WireError::new(ErrorCode::Invalid, message));
        live.refuse(ack, &error);
    }
}

fn live_of(socket: &Engine<Seat>) -> Option<Arc<Live>> {
    socket.data.with(|phase| match phase {
        Phase::Live(live) => Some(live.clone()),
        _ => None,
    })
}
