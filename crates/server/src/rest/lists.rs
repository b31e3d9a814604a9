//! People, courses, conversations, history.

use super::extract::{Asker, Body};
use crate::{app::App, conversations, error::Error, messages, store};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use im_protocol::{
    conversation::Conversation,
    people::Course,
    rest::{Courses, Enrol, History, OpenConversation, People},
};
use serde::Deserialize;
use std::sync::Arc;

pub(super) async fn people(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<People>, Error> {
    let mut reader = app.store.read().await?;
    let people = store::person::reachable_by(&mut reader, asker.actor.person).await?;
    Ok(Json(People { people }))
}

pub(super) async fn courses(
    State(app): State<Arc<App>>,
    asker: Asker,
) -> Result<Json<Courses>, Error> {
    let mut reader = app.store.read().await?;
    let courses = store::course::of_person(&mut reader, asker.actor.person).await?;
    Ok(Json(Courses { courses }))
}

pub(super) async fn enrol(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<Enrol>,
) -> Result<Json<Course>, Error> {
    let course = conversations::enrol(&app, asker.actor, asked.code).await?;
    Ok(Json(course))
}

pub(super) async fn open(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<OpenConversation>,
) -> Result<Json<Conversation>, Error> {
    let conversation = conversations::open(&app, asker.actor, asked).await?;
    Ok(Json(conversation))
}

/// `?before=&limit=`.
#[derive(Deserialize)]
pub(super) struct Page {
    before: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(id): Path<String>,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<History>, Error> {
    let id = id.parse().map_err(|_| Error::not_found())?;
    let Query(page) = page.map_err(|_| Error::invalid("before and limit are numbers."))?;
    let mut reader = app.store.read().await?;
    let history = messages::history(&mut reader, asker.actor, id, page.before, page.limit).await?;
    Ok(Json(history))
}
