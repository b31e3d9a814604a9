//! `/v1/courses/{id}` and what belongs to it, `/v1/purchases`, `/v1/people/{id}/mentor`.

use super::extract::{Asker, Body};
use crate::{app::App, bulk, courses, error::Error};
use axum::{
    Json,
    extract::{Path, State},
};
use im_protocol::{
    bulk::Bulks,
    command::Done,
    courses::{AddStudent, AssignMentor, CourseCode, Purchase, Purchased, Roster},
    people::Person,
};
use std::{str::FromStr, sync::Arc};

/// An id out of a path. One that is none is of nothing that is there.
pub(super) fn id<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::not_found())
}

pub(super) async fn roster(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(course): Path<String>,
) -> Result<Json<Roster>, Error> {
    let mut reader = app.store.read().await?;
    let roster = courses::roster(&mut reader, asker.actor, id(&course)?).await?;
    Ok(Json(roster))
}

pub(super) async fn renew_code(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(course): Path<String>,
) -> Result<Json<CourseCode>, Error> {
    let code = courses::renew_code(&app, asker.actor, id(&course)?).await?;
    Ok(Json(code))
}

pub(super) async fn add(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(course): Path<String>,
    Body(asked): Body<AddStudent>,
) -> Result<Json<Person>, Error> {
    let student = courses::add(&app, asker.actor, id(&course)?, asked).await?;
    Ok(Json(student))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path((course, student)): Path<(String, String)>,
) -> Result<Json<Done>, Error> {
    courses::remove(&app, asker.actor, id(&course)?, id(&student)?).await?;
    Ok(Json(Done {}))
}

pub(super) async fn bulks(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(course): Path<String>,
) -> Result<Json<Bulks>, Error> {
    let mut reader = app.store.read().await?;
    let bulks = bulk::list(&mut reader, asker.actor, id(&course)?).await?;
    Ok(Json(bulks))
}

pub(super) async fn purchase(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<Purchase>,
) -> Result<Json<Purchased>, Error> {
    Ok(Json(courses::buy(&app, asker.actor, asked).await?))
}

pub(super) async fn assign(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(student): Path<String>,
    Body(asked): Body<AssignMentor>,
) -> Result<Json<Done>, Error> {
    courses::assign(&app, asker.actor, id(&student)?, asked).await?;
    Ok(Json(Done {}))
}
