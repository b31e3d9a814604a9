//! The machine's requests, each sent with its type and brought to the one shape of its answer.

use crate::wire::{Wire, WireFailure};
use im_call::device::{Failure, Request};
use im_protocol::{Command, call::CallView, command::Done};

/// The call, where the answer carries one.
pub(super) type Answer = Result<Option<CallView>, Failure>;

/// Sends a request and waits for its answer.
pub(super) async fn send(wire: &Wire, request: &Request) -> Answer {
    match request {
        Request::Start(command) => with_view(wire, command).await,
        Request::Accept(command) => with_view(wire, command).await,
        Request::Reject(command) => with_view(wire, command).await,
        Request::End(command) => with_view(wire, command).await,
        Request::Receipt(command) => done(wire, command).await,
        Request::Connected(command) => done(wire, command).await,
        Request::Offer(command) => done(wire, command).await,
        Request::Answer(command) => done(wire, command).await,
        Request::Candidate(command) => done(wire, command).await,
        Request::Renegotiate(command) => done(wire, command).await,
    }
}

async fn with_view<C: Command<Ok = CallView> + Sync>(wire: &Wire, command: &C) -> Answer {
    wire.request(command).await.map(Some).map_err(failure)
}

async fn done<C: Command<Ok = Done> + Sync>(wire: &Wire, command: &C) -> Answer {
    wire.request(command)
        .await
        .map(|Done {}| None)
        .map_err(failure)
}

fn failure(failure: WireFailure) -> Failure {
    match failure {
        WireFailure::NotConnected | WireFailure::Lost => Failure::Lost,
        WireFailure::Refused(error) => Failure::Refused(error),
    }
}
