//! Calls: each step is one transaction in which the rules of [`im_call`] decide.
//!
//! - here: what devices ask ([`events`]), and how a step is written
//! - [`record`]: a call that is over becomes a message
//! - [`signalling`]: offers, answers and candidates between the two devices that joined
//! - [`sweeper`]: deadlines, and devices that come and go
//!
//! The row, `active_call`, the feed entries of both and the record change together or not at all;
//! everybody is told after the commit.

mod record;
mod signalling;
mod sweeper;

pub(crate) use sweeper::{Sweeper, begin_again};

use crate::{
    access::{Action, Thing, may, refusal_in},
    app::App,
    dispatch::{Ctx, Table},
    error::Error,
    input,
    rates::Rated,
    socket::Speaker,
    store::{
        call, conversation,
        feed::{Entry, Kind},
    },
    writer::{Change, Urgency, Writer},
};
use futures_util::FutureExt as _;
use im_call::rules::{
    Asked, Call, Effect, Endpoint, Input, Refused, Rules, Situation, Started, Step, offerer,
};
use im_protocol::{
    CallId, ConversationId, DeviceId, PersonId, WireError,
    call::{
        CallAccept, CallChanged, CallConnected, CallEnd, CallReceipt, CallReject, CallStart,
        CallView,
    },
    command::Done,
    limits,
    people::Role,
    webrtc::Left,
};

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::ByLane, start);
    table.on(Rated::ByLane, receipt);
    table.on(Rated::ByLane, accept);
    table.on(Rated::ByLane, reject);
    table.on(Rated::ByLane, connected);
    table.on(Rated::ByLane, end);
    signalling::events(table);
}

fn endpoint(speaker: Speaker) -> Endpoint {
    Endpoint {
        person: speaker.person,
        device: speaker.device,
    }
}

fn refused(refused: Refused) -> Error {
    Error::from(WireError::from(refused))
}

/// `call:start`.
async fn start(ctx: Ctx, asked: CallStart) -> Result<CallView, Error> {
    let about = input::line(&asked.about, limits::ABOUT_CHARS)?;
    let asked = CallStart { about, ..asked };
    let me = ctx.me();
    let app = ctx.app.clone();
    let started = ctx.app.writer.write(Urgency::First, move |change| {
        async move { begin(&app, change, me, asked).await }.boxed()
    });
    let view = started.await?;
    gone_meanwhile(&ctx).await;
    Ok(view)
}

async fn begin(
    app: &App,
    change: &mut Change,
    me: Speaker,
    asked: CallStart,
) -> Result<CallView, Error> {
    let now = change.now();
    let conn = change.conn()?;
    let heads = conversation::heads(conn, asked.conversation).await?;
    let actor = me.actor();
    let heads = match heads {
        Some(heads) if may(actor, Action::Write, Thing::Conversation(&heads)) => heads,
        heads => return Err(refusal_in(actor, Action::Write, heads.as_ref())),
    };
    let callee = heads.other(me.person);
    let role_of = |person: PersonId| {
        let role = if person == heads.pair.mentor {
            Role::Mentor
        } else {
            Role::Student
        };
        (person, role)
    };
    let situation = Situation {
        same: call::find(conn, asked.id).await?,
        caller: call::active_of(conn, me.person).await?,
        callee: call::active_of(conn, callee).await?,
    };
    let crossing = situation.caller.clone();
    let asked = Asked {
        id: asked.id,
        conversation: asked.conversation,
        caller: endpoint(me),
        callee,
        offerer: offerer(role_of(me.person), role_of(callee)),
        media: asked.media,
        about: asked.about,
    };
    let rules = Rules::default();
    let started = rules.start(asked, situation, now).map_err(refused)?;
    let view = rules.view(started.call(), now);
    // Not where it is sent again, nor where it answers the other's.
    if matches!(started, Started::Rings(_) | Started::Busy(_)) {
        app.rates.call(me.person)?;
    }
    match started {
        Started::Rings(call) => {
            let due = rules.due(&call);
            call::insert(change.conn()?, &call, due).await?;
            call::occupy(change.conn()?, &call).await?;
            carry_out(change, &call, vec![Effect::Tell]).await?;
        }
        Started::Busy(step) => {
            call::insert(change.conn()?, &step.call, None).await?;
            carry_out(change, &step.call, step.effects).await?;
        }
        Started::Crossed(step) => {
            let before = crossing.ok_or(Error::Broken("a crossing call is not there"))?;
            write_step(change, &before, step).await?;
        }
        Started::Same(_) => {}
    }
    Ok(view)
}

/// `call:receipt`.
async fn receipt(ctx: Ctx, asked: CallReceipt) -> Result<Done, Error> {
    let by = endpoint(ctx.me());
    step(&ctx, asked.id, Input::Receipt(by, asked.receipt)).await?;
    Ok(Done {})
}

/// `call:accept`.
async fn accept(ctx: Ctx, asked: CallAccept) -> Result<CallView, Error> {
    let by = endpoint(ctx.me());
    let view = step(&ctx, asked.id, Input::Accept(by, asked.media)).await?;
    gone_meanwhile(&ctx).await;
    Ok(view)
}

/// `call:reject`.
async fn reject(ctx: Ctx, asked: CallReject) -> Result<CallView, Error> {
    let by = endpoint(ctx.me());
    step(&ctx, asked.id, Input::Reject(by, asked.reason)).await
}

/// `call:connected`.
async fn connected(ctx: Ctx, asked: CallConnected) -> Result<Done, Error> {
    let by = endpoint(ctx.me());
    step(&ctx, asked.id, Input::Connected(by)).await?;
    Ok(Done {})
}

/// `call:end`.
async fn end(ctx: Ctx, asked: CallEnd) -> Result<CallView, Error> {
    let by = endpoint(ctx.me());
    let failed = asked.failed;
    step(&ctx, asked.id, Input::End { by, failed }).await
}

async fn step(ctx: &Ctx, id: CallId, input: Input) -> Result<CallView, Error> {
    take(&ctx.app.writer, id, input)
        .await?
        .ok_or_else(|| refused(Refused::NotFound))
}

/// Ends the call that a device is in, whose person has no say there anymore.
pub(crate) async fn hang_up(
    change: &mut Change,
    person: PersonId,
    device: DeviceId,
) -> Result<(), Error> {
    let by = Endpoint { person, device };
    let Some(before) = call::active_of(change.conn()?, person).await? else {
        return Ok(());
    };
    let answered = before.callee == person && before.callee_device == Some(device);
    if before.caller != by && !answered {
        return Ok(());
    }
    let ended = Input::End { by, failed: false };
    match Rules::default().step(before.clone(), ended, change.now()) {
        Ok(step) => write_step(change, &before, step).await,
        // Over already.
        Err(_) => Ok(()),
    }
}

/// Lets the rules decide on an input and writes what follows. None where there is no such call.
async fn take(writer: &Writer, id: CallId, input: Input) -> Result<Option<CallView>, Error> {
    let taken = writer.write(Urgency::First, move |change| {
        async move {
            let Some(before) = call::find(change.conn()?, id).await? else {
                return Ok(None);
            };
            let now = change.now();
            let rules = Rules::default();
            let step = rules.step(before.clone(), input, now).map_err(refused)?;
            let view = rules.view(&step.call, now);
            write_step(change, &before, step).await?;
            Ok(Some(view))
        }
        .boxed()
    });
    taken.await
}

/// A device whose connection broke while its command waited was gone before there was a call to
/// note it in.
async fn gone_meanwhile(ctx: &Ctx) {
    let me = ctx.me();
    if !ctx.app.hub.has_device(me.person, me.device) {
        sweeper::look_after(&ctx.app, me.person).await;
    }
}

/// Ends a person's calls, on whichever device they are: the person goes for good, or is kept out.
pub(crate) async fn end_all(change: &mut Change, person: PersonId) -> Result<(), Error> {
    end_where(change, person, |_| true).await
}

/// Ends the call of a conversation, of which this person is one of the two: something has come
/// between them.
pub(crate) async fn end_in(
    change: &mut Change,
    id: ConversationId,
    person: PersonId,
) -> Result<(), Error> {
    end_where(change, person, |call| call.conversation == id).await
}

async fn end_where(
    change: &mut Change,
    person: PersonId,
    ends: impl Fn(&Call) -> bool,
) -> Result<(), Error> {
    let living = call::living_of(change.conn()?, person).await?;
    for before in living.into_iter().filter(|call| ends(call)) {
        let device = if before.caller.person == person {
            before.caller.device
        } else {
            // Where none has answered yet, any of them declines.
            before.callee_device.unwrap_or_else(DeviceId::new)
        };
        let by = Endpoint { person, device };
        let input = Input::End { by, failed: false };
        let step = Rules::default().step(before.clone(), input, change.now());
        write_step(change, &before, step.map_err(refused)?).await?;
    }
    Ok(())
}

async fn write_step(change: &mut Change, before: &Call, step: Step) -> Result<(), Error> {
    if step.call == *before {
        return Ok(());
    }
    let due = Rules::default().due(&step.call);
    if !call::update(change.conn()?, before, &step.call, due).await? {
        // Another node was first: its step counts, and asking again finds it.
        return Err(Error::unavailable());
    }
    carry_out(change, &step.call, step.effects).await
}

async fn carry_out(change: &mut Change, call: &Call, effects: Vec<Effect>) -> Result<(), Error> {
    let now = change.now();
    for effect in effects {
        match effect {
            Effect::Tell => {
                let view = Rules::default().view(call, now);
                let entry = Entry::new(Kind::Call, call.id, call.rev);
                for person in [call.caller.person, call.callee] {
                    change.feed(person, std::slice::from_ref(&entry)).await?;
                    change.tell_person(person, CallChanged { call: view.clone() });
                }
            }
            Effect::Free => {
                call::free(change.conn()?, call.id).await?;
            }
            Effect::Write(record) => record::write(change, call, record).await?,
            Effect::Left(to) => {
                change.tell_device(to.person, to.device, Left { call: call.id });
            }
        }
    }
    Ok(())
}
