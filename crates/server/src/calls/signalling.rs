//! Signalling: handed on as it is, from one of the two devices that joined to the other, at once
//! and without a trace in the database.

use super::{endpoint, refused};
use crate::{
    dispatch::{Ctx, Table},
    error::Error,
    rates::Rated,
    store::call,
};
use im_call::rules::{Refused, Signal};
use im_protocol::{
    CallId, ErrorCode, Notice,
    command::Done,
    limits,
    webrtc::{Answer, Candidate, Offer, Renegotiate},
};

pub(super) fn events(table: &mut Table) {
    table.on(Rated::ByLane, offer);
    table.on(Rated::ByLane, answer);
    table.on(Rated::ByLane, candidate);
    table.on(Rated::ByLane, renegotiate);
}

/// `webrtc:offer`.
async fn offer(ctx: Ctx, offer: Offer) -> Result<Done, Error> {
    small(offer.sdp.len(), limits::SDP_BYTES)?;
    hand_on(ctx, offer.call, Signal::Offer, offer).await
}

/// `webrtc:answer`.
async fn answer(ctx: Ctx, answer: Answer) -> Result<Done, Error> {
    small(answer.sdp.len(), limits::SDP_BYTES)?;
    hand_on(ctx, answer.call, Signal::Answer, answer).await
}

/// `webrtc:candidate`.
async fn candidate(ctx: Ctx, candidate: Candidate) -> Result<Done, Error> {
    let mid = candidate.sdp_mid.as_ref().map_or(0, String::len);
    small(candidate.candidate.len() + mid, limits::CANDIDATE_BYTES)?;
    hand_on(ctx, candidate.call, Signal::Candidate, candidate).await
}

/// `webrtc:renegotiate`.
async fn renegotiate(ctx: Ctx, ask: Renegotiate) -> Result<Done, Error> {
    hand_on(ctx, ask.call, Signal::Renegotiate, ask).await
}

async fn hand_on<N: Notice + Sync>(
    ctx: Ctx,
    id: CallId,
    signal: Signal,
    notice: N,
) -> Result<Done, Error> {
    let mut reader = ctx.app.store.read().await?;
    let call = call::find(&mut reader, id).await?;
    drop(reader);
    let call = call.ok_or_else(|| refused(Refused::NotFound))?;
    let to = call
        .signal_to(endpoint(ctx.me()), signal)
        .map_err(refused)?;
    if !ctx.app.hub.has_device(to.person, to.device) {
        return Err(Error::refused(
            ErrorCode::Offline,
            "The other device is not connected right now.",
        ));
    }
    ctx.app.hub.tell_device(to.person, to.device, &notice);
    Ok(Done {})
}

fn small(bytes: usize, most: usize) -> Result<(), Error> {
    if bytes > most {
        let sentence = format!("This has more than {most} bytes.");
        return Err(Error::refused(ErrorCode::TooLarge, sentence));
    }
    Ok(())
}
