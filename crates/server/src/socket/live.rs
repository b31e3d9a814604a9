//! One connection of one device, after its handshake.

use super::{Seat, Text, lane::Job, outgoing::Outgoing};
use crate::{access::Actor, packet, pump::PumpHandle};
use engineioxide::{DisconnectReason, Socket as Engine};
use im_protocol::{
    DeviceId, Notice, PersonId, Reply, SessionId, UnixMs, WireError,
    handshake::{ConnectionClosing, SessionEnded},
    people::Role,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Notices that may wait for the end of a handshake.
const HELD: usize = 256;
/// How long a client may leave its answers where they are.
const ROOM_WITHIN: Duration = Duration::from_secs(20);

/// Who a connection speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    /// The person.
    pub person: PersonId,
    /// Their role.
    pub role: Role,
    /// Their device.
    pub device: DeviceId,
    /// Their sign-in on it.
    pub session: SessionId,
    /// Whether their address is known to be theirs, or this server does not want that.
    pub verified: bool,
}

impl Speaker {
    /// As one who asks for something.
    #[must_use]
    pub const fn actor(self) -> Actor {
        Actor {
            person: self.person,
            role: self.role,
            verified: self.verified,
        }
    }
}

/// Who waits for the answer to an event.
pub(crate) struct Asker {
    live: Arc<Live>,
    ack: u64,
}

impl Asker {
    pub(crate) const fn new(live: Arc<Live>, ack: u64) -> Self {
        Self { live, ack }
    }

    /// The person who asked.
    pub(crate) fn person(&self) -> PersonId {
        self.live.person()
    }

    /// Answers with a reply's JSON.
    pub(crate) fn answer(&self, json: &str) {
        self.live.answer(Some(self.ack), json);
    }
}

/// One connection of one device.
pub struct Live {
    speaker: Speaker,
    engine: Arc<Engine<Seat>>,
    /// What was told before the handshake was over; none once it is.
    held: Mutex<Option<Vec<Text>>>,
    /// Whether the person's address has come to be known as theirs since the handshake.
    verified: AtomicBool,
    /// When the access token ends.
    expires_at: AtomicI64,
    pub(super) calls: mpsc::Sender<Job>,
    pub(super) data: mpsc::Sender<Job>,
    /// Bytes of payloads in both queues.
    pub(super) queued: AtomicUsize,
    outgoing: Outgoing,
    pump: Mutex<Option<PumpHandle>>,
    /// The newest acknowledgement beyond the rate, until it is taken.
    late: Mutex<Option<u64>>,
    stop: CancellationToken,
    /// The session is over: nobody will come back on this connection's device.
    ended: AtomicBool,
}

impl Live {
    pub(super) fn new(
        speaker: Speaker,
        engine: Arc<Engine<Seat>>,
        expires_at: UnixMs,
        calls: mpsc::Sender<Job>,
        data: mpsc::Sender<Job>,
    ) -> Self {
        Self {
            speaker,
            engine,
            held: Mutex::new(Some(Vec::new())),
            verified: AtomicBool::new(speaker.verified),
            expires_at: AtomicI64::new(expires_at),
            calls,
            data,
            queued: AtomicUsize::new(0),
            outgoing: Outgoing::default(),
            pump: Mutex::new(None),
            late: Mutex::new(None),
            stop: CancellationToken::new(),
            ended: AtomicBool::new(false),
        }
    }

    /// Who it speaks for.
    #[must_use]
    pub fn speaker(&self) -> Speaker {
        Speaker {
            verified: self.verified.load(Ordering::Relaxed),
            ..self.speaker
        }
    }

    /// The person's address is known to be theirs from now on.
    pub(crate) fn verify(&self) {
        self.verified.store(true, Ordering::Relaxed);
    }

    /// The person.
    #[must_use]
    pub const fn person(&self) -> PersonId {
        self.speaker.person
    }

    /// The person's role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.speaker.role
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.speaker.device
    }

    /// The sign-in.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.speaker.session
    }

    /// When its access token ends.
    pub(crate) fn expires_at(&self) -> UnixMs {
        self.expires_at.load(Ordering::Relaxed)
    }

    /// Goes on with a newer access token.
    pub(crate) fn renew(&self, expires_at: UnixMs) {
        self.expires_at.store(expires_at, Ordering::Relaxed);
    }

    /// Ends with the connection.
    pub(crate) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Sends a packet; before the handshake is over it waits for that. A client that reads too
    /// slowly is disconnected: it comes back and syncs.
    pub(crate) fn tell(&self, text: Text) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            Some(waiting) if waiting.len() < HELD => waiting.push(text),
            Some(_) => self.close(),
            None => self.send(text),
        }
    }

    /// Sends what opens the connection, then what was told meanwhile.
    pub(super) fn open(&self, first: impl IntoIterator<Item = String>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for text in first {
            self.send(Text::from(text));
        }
        for text in held.take().unwrap_or_default() {
            self.send(text);
        }
    }

    fn send(&self, text: Text) {
        if !self.emit(text) && !self.engine.is_closed() {
            self.too_slow();
        }
    }

    /// Hands a packet to the connection. Says whether it was taken.
    fn emit(&self, text: Text) -> bool {
        let text = self.outgoing.envelop(text);
        text.is_some_and(|text| self.engine.emit(text).is_ok())
    }

    fn too_slow(&self) {
        tracing::info!(person = %self.person(), "a connection that reads too slowly is closed");
        self.close();
    }

    /// Sends a packet where there is room for it. Says whether there was.
    pub(crate) fn offer(&self, text: Text) -> bool {
        self.outgoing.has_room() && self.emit(text)
    }

    /// Waits until the client has taken enough of what it was sent. One that does not for long is
    /// disconnected.
    pub(super) async fn room(&self) {
        if tokio::time::timeout(ROOM_WITHIN, self.outgoing.room())
            .await
            .is_err()
        {
            self.too_slow();
        }
    }

    /// Bytes on their way that the connection has not taken.
    pub(crate) fn outgoing(&self) -> usize {
        self.outgoing.bytes()
    }

    /// Answers an event, where an answer is wanted.
    pub(super) fn answer(&self, ack: Option<u64>, json: &str) {
        if let Some(ack) = ack {
            self.tell(Text::from(packet::answered(ack, json)));
        }
    }

    /// Answers an event with a refusal, where an answer is wanted.
    pub(super) fn refuse(&self, ack: Option<u64>, error: &WireError) {
        let reply = Reply::<()>::Error(error.clone());
        if let Ok(json) = serde_json::to_string(&reply) {
            self.answer(ack, &json);
        }
    }

    /// The session is over: says why, then closes for good.
    pub(crate) fn end(&self, why: &WireError) {
        self.ended.store(true, Ordering::Relaxed);
        self.say(&SessionEnded { error: why.clone() });
        self.send(Text::from(packet::DISCONNECTED));
        self.close();
    }

    /// Whether its session is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The server has a reason of its own: says so, then closes. Clients come back by themselves.
    pub(crate) fn dismiss(&self, why: &WireError) {
        self.say(&ConnectionClosing { error: why.clone() });
        self.close();
    }

    fn say<N: Notice>(&self, notice: &N) {
        if let Ok(text) = packet::told(N::EVENT, notice) {
            self.send(Text::from(text));
        }
    }

    pub(super) fn close(&self) {
        self.stop.cancel();
        self.engine.close(DisconnectReason::TransportClose);
    }

    /// The connection is gone; its tasks end.
    pub(super) fn closed(&self) {
        self.stop.cancel();
        self.pump().take();
    }

    /// The device has stored facts up to here.
    pub(super) fn acknowledged(&self, n: u64) {
        if let Some(pump) = self.pump().as_ref() {
            pump.acknowledged(n);
        }
    }

    /// Keeps an acknowledgement for later. Says whether it is the first that is.
    pub(super) fn put_off(&self, n: u64) -> bool {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let first = late.is_none();
        *late = (*late).max(Some(n));
        first
    }

    /// Takes what was kept.
    pub(super) fn acknowledge_late(&self) {
        let late = self
            .late
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(n) = late {
            self.acknowledged(n);
        }
    }

    /// The pump of this connection, from `sync:since` on.
    pub(crate) fn pump(&self) -> MutexGuard<'_, Option<PumpHandle>> {
        self.pump.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Live").field(&self.speaker).finish()
    }
}
