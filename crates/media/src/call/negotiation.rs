//! Offers, answers and candidates by generation, and which connection they belong to.

use crate::transport::{
    Certificate, Feedback, Inbound, Numbered, Peer, Transport, TransportConfig, TransportError,
};
use im_call::media::{IceCandidate, MediaCommand, MediaEvent};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Candidates that may come before their description.
const EARLY: usize = 100;

/// Carries out what the core commands about the connection.
pub(super) struct Negotiation {
    config: TransportConfig,
    certificate: Certificate,
    feedback: Arc<Feedback>,
    inbound: Inbound,
    events: mpsc::Sender<Numbered>,
    transport: Option<Arc<dyn Transport>>,
    replaced: bool,
    number: u32,
    generation: u32,
    /// The other side's description of this generation is set.
    described: bool,
    early: Vec<(u32, IceCandidate)>,
    /// Session of the other side's last description (RFC 8866 section 5.2): a new one is another
    /// connection there, which needs another one here.
    session: Option<String>,
}

impl Negotiation {
    pub(super) fn new(
        config: TransportConfig,
        certificate: Certificate,
        feedback: Arc<Feedback>,
        inbound: Inbound,
        events: mpsc::Sender<Numbered>,
    ) -> Self {
        Self {
            config,
            certificate,
            feedback,
            inbound,
            events,
            transport: None,
            replaced: false,
            number: 0,
            generation: 0,
            described: false,
            early: Vec::new(),
            session: None,
        }
    }

    /// The number of the connection in use.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The generation in use.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The connection in use, if it is another than the last time.
    pub(super) fn take_replaced(&mut self) -> Option<Arc<dyn Transport>> {
        std::mem::take(&mut self.replaced)
            .then(|| self.transport.clone())
            .flatten()
    }

    /// Carries a command out and says what came of it.
    pub(super) async fn command(&mut self, command: MediaCommand) -> Option<MediaEvent> {
        let (generation, outcome) = match command {
            MediaCommand::Offer {
                generation,
                restart,
                rebuild,
            } => (generation, self.offer(generation, restart, rebuild).await),
            MediaCommand::RemoteOffer { generation, sdp } => {
                (generation, self.remote_offer(generation, sdp).await)
            }
            MediaCommand::RemoteAnswer { generation, sdp } => {
                (generation, self.remote_answer(generation, sdp).await)
            }
            MediaCommand::RemoteCandidate {
                generation,
                candidate,
            } => {
                self.remote_candidate(generation, candidate).await;
                return None;
            }
            MediaCommand::Microphone(_) | MediaCommand::Camera(_) => return None,
        };
        outcome.unwrap_or_else(|error| {
            tracing::warn!(%error, generation, "a negotiation failed");
            Some(MediaEvent::Failed {
                generation,
                detail: error.to_string(),
            })
        })
    }

    async fn offer(
        &mut self,
        generation: u32,
        restart: bool,
        rebuild: bool,
    ) -> Result<Option<MediaEvent>, TransportError> {
        if generation < self.generation {
            return Ok(None);
        }
        let transport = self.transport(rebuild).await?;
        self.begin(generation);
        let sdp = transport.offer(restart && !rebuild).await?;
        Ok(Some(MediaEvent::LocalOffer { generation, sdp }))
    }

    async fn remote_offer(
        &mut self,
        generation: u32,
        sdp: String,
    ) -> Result<Option<MediaEvent>, TransportError> {
        if generation < self.generation {
            return Ok(None);
        }
        let session = session(&sdp);
        let rebuilt = self.session.is_some() && session != self.session;
        let transport = self.transport(rebuilt).await?;
        self.session = session;
        self.begin(generation);
        let sdp = transport.answer(sdp).await?;
        self.described(&*transport).await;
        Ok(Some(MediaEvent::LocalAnswer { generation, sdp }))
    }

    async fn remote_answer(
        &mut self,
        generation: u32,
        sdp: String,
    ) -> Result<Option<MediaEvent>, TransportError> {
        if generation != self.generation || self.described {
            return Ok(None);
        }
        let Some(transport) = self.transport.clone() else {
            return Ok(None);
        };
        self.session = session(&sdp);
        transport.accept_answer(sdp).await?;
        self.described(&*transport).await;
        Ok(None)
    }

    async fn remote_candidate(&mut self, generation: u32, candidate: IceCandidate) {
        if generation < self.generation {
            return;
        }
        match &self.transport {
            Some(transport) if generation == self.generation && self.described => {
                add(&**transport, candidate).await;
            }
            _ if self.early.len() < EARLY => self.early.push((generation, candidate)),
            _ => tracing::debug!("too many candidates came before their description"),
        }
    }

    fn begin(&mut self, generation: u32) {
        self.generation = generation;
        self.described = false;
        self.early.retain(|(of, _)| *of >= generation);
    }

    async fn described(&mut self, transport: &dyn Transport) {
        self.described = true;
        let generation = self.generation;
        for (of, candidate) in std::mem::take(&mut self.early) {
            if of == generation {
                add(transport, candidate).await;
            } else {
                self.early.push((of, candidate));
            }
        }
    }

    /// The connection in use, or a new one.
    async fn transport(&mut self, rebuild: bool) -> Result<Arc<dyn Transport>, TransportError> {
        if let Some(transport) = &self.transport
            && !rebuild
        {
            return Ok(Arc::clone(transport));
        }
        let number = self.number + 1;
        let peer = Peer::open(
            number,
            &self.config,
            &self.certificate,
            &self.feedback,
            self.inbound.clone(),
            self.events.clone(),
        )
        .await?;
        let transport: Arc<dyn Transport> = Arc::new(peer);
        self.number = number;
        self.replaced = true;
        self.transport = Some(Arc::clone(&transport));
        Ok(transport)
    }
}

async fn add(transport: &dyn Transport, candidate: IceCandidate) {
    // One that is not understood leaves the others.
    if let Err(error) = transport.add_candidate(candidate).await {
        tracing::debug!(%error, "a candidate was not taken");
    }
}

/// The session number in a description's origin line.
fn session(sdp: &str) -> Option<String> {
    let origin = sdp.lines().find_map(|line| line.strip_prefix("o="))?;
    origin.split_ascii_whitespace().nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_told_by_its_number() {
        let sdp = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\n";
        assert_eq!(session(sdp).as_deref(), Some("4611731400430051336"));
        assert_eq!(session("v=0\r\n"), None);
    }
}
