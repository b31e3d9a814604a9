//! Giving a file out, or a part of it.

use super::range::{Part, names, part_of};
use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    error::Error,
    store::{
        Connection, conversation,
        file::{self, File},
    },
};
use axum::{
    Json,
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
            CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse as _, Response},
};
use im_protocol::{ErrorCode, FileId, WireError, files::OPAQUE_TYPE};
use std::{ops::Range, sync::Arc};

/// What is asked for, as the request's header has it.
pub(crate) struct Wanted<'h> {
    range: Option<&'h str>,
    if_range: Option<&'h str>,
    if_none_match: Option<&'h str>,
}

impl<'h> Wanted<'h> {
    pub(crate) fn of(headers: &'h HeaderMap) -> Self {
        let field = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            range: field(RANGE),
            if_range: field(IF_RANGE),
            if_none_match: field(IF_NONE_MATCH),
        }
    }
}

/// A file for whoever may have it right now.
pub(crate) async fn serve(
    app: &Arc<App>,
    actor: Actor,
    id: FileId,
    wanted: Wanted<'_>,
) -> Result<Response, Error> {
    app.rates.file(actor.person)?;
    let mut reader = app.store.read().await?;
    let file = readable(&mut reader, actor, id).await?;
    drop(reader);
    let size = file.start.size;
    let tag = format!("\"{}\"", file.start.sha256);
    let mut headers = headers_of(&file, &tag)?;
    if wanted.if_none_match.is_some_and(|field| names(field, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // A part of another content than the asker has is worth nothing to them.
    let same = wanted.if_range.is_none_or(|field| field.trim() == tag);
    let (status, range) = match part_of(wanted.range.filter(|_| same), size) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Some(range) => {
            let Range { start, end } = range;
            let part = format!("bytes {start}-{}/{size}", end.saturating_sub(1));
            headers.insert(CONTENT_RANGE, value(&part)?);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Part::Beyond => return Ok(beyond(size)),
    };
    let length = HeaderValue::from(range.end - range.start);
    headers.insert(CONTENT_LENGTH, length);
    let bytes = app.files.kept.get(&file.object, range).await?;
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// A whole file, if the asker may have it: through the message that carries it, or as its author
/// before there is one. Of a message that was taken back there is none.
async fn readable(conn: &mut Connection, actor: Actor, id: FileId) -> Result<File, Error> {
    let file = file::get(conn, id).await?;
    let file = file.filter(|file| file.kind.is_some());
    let file = file.ok_or_else(Error::not_found)?;
    let heads = conversation::heads(conn, file.start.conversation).await?;
    let allowed = |heads| may(actor, Action::Read, Thing::Conversation(heads));
    let told = file.message.is_some() || file.author == actor.person;
    if told && heads.as_ref().is_some_and(allowed) {
        Ok(file)
    } else {
        Err(Error::not_found())
    }
}

fn headers_of(file: &File, tag: &str) -> Result<HeaderMap, Error> {
    let media_type = file.kind.as_ref().map(|kind| kind.media_type.as_str());
    let mut headers = HeaderMap::new();
    for (name, text) in [
        (CONTENT_TYPE, media_type.unwrap_or(OPAQUE_TYPE)),
        (CONTENT_DISPOSITION, &disposition(&file.start.name)),
        (ETAG, tag),
        (ACCEPT_RANGES, "bytes"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        headers.insert(name, value(text)?);
    }
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::Broken("a header is not written"))
}

fn beyond(size: u64) -> Response {
    let error = WireError::new(ErrorCode::Invalid, "The file ends before this part begins.");
    let body = Json(serde_json::json!({ "error": error }));
    let range = [(CONTENT_RANGE, format!("bytes */{size}"))];
    (StatusCode::RANGE_NOT_SATISFIABLE, range, body).into_response()
}

/// To be saved under its name (RFC 6266): for old clients in plain letters, for all others as it is
/// (RFC 8187).
fn disposition(name: &str) -> String {
    let plain = |c: char| match c {
        ' ' => c,
        _ if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') => c,
        _ => '_',
    };
    let plain: String = name.chars().map(plain).collect();
    let mut text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // `attr-char` of the RFC, less some that are rare.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_in_plain_letters_and_as_it_is() {
        assert_eq!(
            disposition("Übung \"7\"; 100%.pdf"),
            "attachment; filename=\"_bung _7_; 100_.pdf\"; \
             filename*=UTF-8''%C3%9Cbung%20%227%22%3B%20100%25.pdf"
        );
    }
}
