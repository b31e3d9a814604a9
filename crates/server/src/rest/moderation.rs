//! `/v1/blocks`, `/v1/reports`, `/v1/messages/{id}/remove`, `/v1/accounts`, `/v1/audit`.

use super::{
    courses::id,
    extract::{Asker, Body},
};
use crate::{
    access::{Action, Thing, may},
    app::App,
    error::Error,
    moderation,
    store::{audit, block, person, report},
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use im_protocol::{
    command::Done,
    limits,
    moderation::{Accounts, Audit, Blocks, FileReport, Reason, RemoveMessage, Reports},
};
use serde::Deserialize;
use std::sync::Arc;

/// Rows of a list.
const LISTED: u32 = 100;

pub(super) async fn blocks(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Blocks>, Error> {
    let mut reader = app.store.read().await?;
    let people = block::of_person(&mut reader, asker.actor.person).await?;
    Ok(Json(Blocks { people }))
}

pub(super) async fn block(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(person): Path<String>,
) -> Result<Json<Done>, Error> {
    moderation::set_block(&app, asker.actor, id(&person)?, true).await?;
    Ok(Json(Done {}))
}

pub(super) async fn unblock(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(person): Path<String>,
) -> Result<Json<Done>, Error> {
    moderation::set_block(&app, asker.actor, id(&person)?, false).await?;
    Ok(Json(Done {}))
}

pub(super) async fn file(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<FileReport>,
) -> Result<Json<Done>, Error> {
    moderation::file(&app, asker.actor, asked).await?;
    Ok(Json(Done {}))
}

/// Those who moderate, and nobody else.
fn moderates(asker: &Asker) -> Result<(), Error> {
    if may(asker.actor, Action::Moderate, Thing::Moderation) {
        Ok(())
    } else {
        Err(Error::forbidden())
    }
}

pub(super) async fn reports(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Reports>, Error> {
    moderates(&asker)?;
    let mut reader = app.store.read().await?;
    let reports = report::list(&mut reader, LISTED).await?;
    Ok(Json(Reports { reports }))
}

pub(super) async fn close(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(report): Path<String>,
    Body(asked): Body<Reason>,
) -> Result<Json<Done>, Error> {
    moderation::close(&app, asker.actor, id(&report)?, asked.reason).await?;
    Ok(Json(Done {}))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(message): Path<String>,
    Body(asked): Body<RemoveMessage>,
) -> Result<Json<Done>, Error> {
    moderation::remove_message(&app, asker.actor, id(&message)?, asked).await?;
    Ok(Json(Done {}))
}

/// `?search=`.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    search: String,
}

pub(super) async fn accounts(
    State(app): State<Arc<App>>,
    asker: Asker,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Accounts>, Error> {
    moderates(&asker)?;
    let Query(Search { search }) = search.map_err(|_| Error::invalid("search is a text."))?;
    let mut reader = app.store.read().await?;
    let mut accounts = person::accounts(&mut reader, search.trim(), LISTED + 1).await?;
    let more = accounts.len() > LISTED as usize;
    accounts.truncate(LISTED as usize);
    Ok(Json(Accounts { accounts, more }))
}

pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(person): Path<String>,
    Body(asked): Body<Reason>,
) -> Result<Json<Done>, Error> {
    moderation::suspend(&app, asker.actor, id(&person)?, true, asked.reason).await?;
    Ok(Json(Done {}))
}

pub(super) async fn unsuspend(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(person): Path<String>,
    Body(asked): Body<Reason>,
) -> Result<Json<Done>, Error> {
    moderation::suspend(&app, asker.actor, id(&person)?, false, asked.reason).await?;
    Ok(Json(Done {}))
}

/// `?before=`.
#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<u64>,
}

pub(super) async fn audit(
    State(app): State<Arc<App>>,
    asker: Asker,
    page: Result<Query<Before>, QueryRejection>,
) -> Result<Json<Audit>, Error> {
    moderates(&asker)?;
    let Query(Before { before }) = page.map_err(|_| Error::invalid("before is a number."))?;
    let before = before.unwrap_or(u64::MAX);
    let mut reader = app.store.read().await?;
    let mut entries = audit::before(&mut reader, before, limits::PAGE_ROWS + 1).await?;
    let more = entries.len() > limits::PAGE_ROWS as usize;
    entries.truncate(limits::PAGE_ROWS as usize);
    Ok(Json(Audit { entries, more }))
}
