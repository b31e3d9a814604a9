//! `/v1/files`.

use super::extract::{Asker, Body};
use crate::{app::App, error::Error, files};
use axum::{
    Json,
    body::Body as Bytes,
    extract::{Path, State},
    http::{HeaderMap, header::CONTENT_LENGTH},
    response::Response,
};
use im_protocol::{
    ErrorCode, FileId, WireError,
    files::{FileStart, FileState, UPLOAD_OFFSET},
    limits::CHUNK_BYTES,
};
use std::sync::Arc;

pub(super) async fn begin(
    State(app): State<Arc<App>>,
    asker: Asker,
    Body(asked): Body<FileStart>,
) -> Result<Json<FileState>, Error> {
    Ok(Json(files::begin(&app, asker.actor, asked).await?))
}

/// Whatever is wrong, what still comes is read first: a client that sends would not hear why.
pub(super) async fn append(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    asker: Result<Asker, Error>,
    body: Bytes,
) -> Result<Json<FileState>, Error> {
    let asked = asker.and_then(|asker| Ok((asker, parse(&id)?, offset_in(&headers)?)));
    match asked {
        Ok((asker, id, offset)) => {
            let appended = files::append(&app, asker.actor, id, offset, body).await;
            Ok(Json(appended?))
        }
        Err(refused) => {
            files::swallow(&app, body).await;
            Err(refused)
        }
    }
}

pub(super) async fn state(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<FileState>, Error> {
    Ok(Json(files::state(&app, asker.actor, parse(&id)?).await?))
}

pub(super) async fn serve(
    State(app): State<Arc<App>>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let wanted = files::Wanted::of(&headers);
    files::serve(&app, asker.actor, parse(&id)?, wanted).await
}

fn parse(id: &str) -> Result<FileId, Error> {
    id.parse().map_err(|_| Error::not_found())
}

fn offset_in(headers: &HeaderMap) -> Result<u64, Error> {
    let number = |name: &str| -> Option<u64> {
        let text = headers.get(name)?.to_str().ok()?;
        text.trim().parse().ok()
    };
    if number(CONTENT_LENGTH.as_str()).is_some_and(|length| length > CHUNK_BYTES) {
        let sentence = "These are more bytes than come at once.";
        return Err(Error::refused(ErrorCode::TooLarge, sentence));
    }
    number(UPLOAD_OFFSET).ok_or_else(|| {
        let sentence = "The header Upload-Offset says from where the bytes go on.";
        let error = WireError::new(ErrorCode::Invalid, sentence);
        error.about(UPLOAD_OFFSET).into()
    })
}
