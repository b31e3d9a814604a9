//! Media of the calls on this device, and the servers for ICE that it is opened with.

use super::task::Happened;
use crate::session::Context;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use im_call::media::{MediaCall, MediaCommand, MediaEvent, MediaSetup};
use im_protocol::{
    CallId,
    call::MediaKinds,
    rest::{IceServer, IceServers},
};
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// How long media waits for the servers for ICE; two on one network need none.
const ASK_ICE: Duration = Duration::from_secs(2);
/// Credentials are not used in their last minute.
const MARGIN: Duration = Duration::from_secs(60);

/// One call's.
enum Media {
    /// Waits for the servers for ICE; what it was told meanwhile.
    Opening {
        send: MediaKinds,
        told: Vec<MediaCommand>,
    },
    Open {
        commands: mpsc::Sender<MediaCommand>,
        /// Ends the reading of its events, and with it the last hold on it.
        reading: AbortHandle,
    },
}

impl Drop for Media {
    fn drop(&mut self) {
        if let Self::Open { reading, .. } = self {
            reading.abort();
        }
    }
}

/// Media that could not be opened, or has stopped.
pub(super) struct Lost(pub(super) CallId);

/// All of it.
pub(super) struct Medias {
    context: Context,
    medias: HashMap<CallId, Media>,
    /// With the moment until which they may be used.
    ice: Option<(Vec<IceServer>, Instant)>,
    asking: bool,
}

type Later = BoxFuture<'static, Happened>;

impl Medias {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            medias: HashMap::new(),
            ice: None,
            asking: false,
        }
    }

    /// A call is about to need media: asks for the servers for ICE where they are not known.
    pub(super) fn prepare(&mut self) -> Option<Later> {
        if self.asking || self.ice_servers().is_some() {
            return None;
        }
        self.asking = true;
        let rest = self.context.rest.clone();
        let ask = async move {
            let asked = timeout(ASK_ICE, rest.get::<IceServers>("/v1/ice-servers")).await;
            Happened::Ice(match asked {
                Ok(Ok(servers)) => Some(servers),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "media goes without servers for ICE");
                    None
                }
                Err(_) => None,
            })
        };
        Some(ask.boxed())
    }

    /// The answer to [`Medias::prepare`]: opens what waited for it.
    pub(super) fn prepared(&mut self, servers: Option<IceServers>) -> Vec<Result<Later, Lost>> {
        self.asking = false;
        self.ice = servers.map(|servers| {
            let holds = Duration::from_millis(servers.expires_in_ms).saturating_sub(MARGIN);
            (servers.ice_servers, Instant::now() + holds)
        });
        let waiting: Vec<CallId> = self
            .medias
            .iter()
            .filter(|(_, media)| matches!(media, Media::Opening { .. }))
            .map(|(call, _)| *call)
            .collect();
        waiting
            .into_iter()
            .map(|call| self.open_now(call))
            .collect()
    }

    /// Opens media, as soon as the servers for ICE are known.
    pub(super) fn open(&mut self, call: CallId, send: MediaKinds) -> Option<Result<Later, Lost>> {
        let told = Vec::new();
        self.medias.insert(call, Media::Opening { send, told });
        if self.ice_servers().is_some() {
            return Some(self.open_now(call));
        }
        self.prepare().map(Ok)
    }

    fn open_now(&mut self, call: CallId) -> Result<Later, Lost> {
        let (send, told) = match self.medias.get_mut(&call) {
            Some(Media::Opening { send, told }) => (*send, std::mem::take(told)),
            _ => return Err(Lost(call)),
        };
        let setup = MediaSetup {
            call,
            send,
            ice_servers: self.ice_servers().unwrap_or_default(),
        };
        let MediaCall { commands, events } = self.context.media.open(setup).map_err(|error| {
            tracing::warn!(%error, "no media");
            Lost(call)
        })?;
        let (read, reading) = read(call, events);
        self.medias.insert(call, Media::Open { commands, reading });
        for command in told {
            self.command(call, command)?;
        }
        Ok(read)
    }

    /// Tells media something. Media that cannot keep up has stopped.
    pub(super) fn command(&mut self, call: CallId, command: MediaCommand) -> Result<(), Lost> {
        match self.medias.get_mut(&call) {
            Some(Media::Opening { told, .. }) => {
                told.push(command);
                Ok(())
            }
            Some(Media::Open { commands, .. }) => {
                commands.try_send(command).map_err(|_| Lost(call))
            }
            None => Ok(()),
        }
    }

    /// Goes on reading after an event; none where the call was closed meanwhile.
    pub(super) fn read_on(
        &mut self,
        call: CallId,
        events: mpsc::Receiver<MediaEvent>,
    ) -> Option<Later> {
        let Some(Media::Open { reading, .. }) = self.medias.get_mut(&call) else {
            return None;
        };
        let (read, next) = read(call, events);
        *reading = next;
        Some(read)
    }

    /// Closes media and frees the devices.
    pub(super) fn close(&mut self, call: CallId) {
        self.medias.remove(&call);
    }

    /// Closes all.
    pub(super) fn close_all(&mut self) {
        self.medias.clear();
    }

    fn ice_servers(&self) -> Option<Vec<IceServer>> {
        let (servers, until) = self.ice.as_ref()?;
        (*until > Instant::now()).then(|| servers.clone())
    }
}

/// Waits for the next event.
fn read(call: CallId, mut events: mpsc::Receiver<MediaEvent>) -> (Later, AbortHandle) {
    let (handle, registration) = AbortHandle::new_pair();
    let next = async move {
        let event = events.recv().await;
        Happened::Media(call, event, events)
    };
    let read = Abortable::new(next, registration)
        .map(|happened| happened.unwrap_or(Happened::Nothing))
        .boxed();
    (read, handle)
}
