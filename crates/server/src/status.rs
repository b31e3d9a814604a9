//! What mentors say of their availability: durable, and told to everybody at once.

use crate::{
    access::{Action, Thing, may},
    dispatch::{Ctx, Table},
    error::Error,
    input,
    rates::Rated,
    store::{erasure, status},
    writer::Urgency,
};
use futures_util::FutureExt as _;
use im_protocol::{
    command::Done,
    limits,
    people::{Role, Status, StatusSet},
};

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::ByLane, set);
}

/// `status:set`.
async fn set(ctx: Ctx, asked: StatusSet) -> Result<Done, Error> {
    let me = ctx.me();
    if !may(me.actor(), Action::SetStatus, Thing::Status) {
        return Err(Error::forbidden());
    }
    let message = input::line(&asked.message, limits::STATUS_CHARS)?;
    let done = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move {
            let status = Status {
                person: me.person,
                availability: asked.availability,
                message,
                since: change.now(),
            };
            erasure::refuse_deleted(change.conn()?, me.person).await?;
            status::set(change.conn()?, &status).await?;
            change.after(move |hub| hub.tell_roles(&[Role::Student, Role::Mentor], &status));
            Ok(Done {})
        }
        .boxed()
    });
    done.await
}
