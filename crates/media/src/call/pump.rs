//! From a thread's queue to whatever connection there is.

use crate::{
    rtp::{Kind, RtpPacket},
    transport::Transport,
};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Sends one kind's packets. Sound and picture have one each, so that neither waits for the other.
pub(super) struct Pump {
    pub(super) kind: Kind,
    pub(super) packets: mpsc::Receiver<RtpPacket>,
    pub(super) transport: watch::Receiver<Option<Arc<dyn Transport>>>,
}

impl Pump {
    /// Runs until the thread ends. Without a connection packets are dropped.
    pub(super) async fn run(mut self) {
        while let Some(packet) = self.packets.recv().await {
            let transport = self.transport.borrow().clone();
            if let Some(transport) = transport
                && let Err(error) = transport.send(self.kind, packet).await
            {
                tracing::debug!(%error, kind = ?self.kind, "a packet was not sent");
            }
        }
    }
}
