//! Pictures of files for the page, by a scheme of their own: `im-file://localhost/small.<id>` and
//! `whole.<id>`. The core says what is one; nothing else of a file is ever answered.

use crate::windows;
use im_core::{Core, Picture, PictureKind};
use im_protocol::FileId;
use tauri::{
    Manager, Runtime, UriSchemeContext, UriSchemeResponder,
    http::{Method, Request, Response, StatusCode, header},
};

/// The scheme, as the page's policy names it (`tauri.conf.json`).
pub(crate) const SCHEME: &str = "im-file";

/// Answers one request.
pub(crate) fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let of_the_page = context.webview_label() == windows::MAIN;
    let core = context.app_handle().try_state::<Core>();
    let asked = asked(request.uri().path()).filter(|_| request.method() == Method::GET);
    let (Some(core), Some((kind, id))) = (core.filter(|_| of_the_page), asked) else {
        responder.respond(nothing());
        return;
    };
    let core = core.inner().clone();
    tauri::async_runtime::spawn(async move {
        let picture = core.picture(kind, id).await;
        responder.respond(picture.map_or_else(nothing, shown));
    });
}

/// What a path asks for.
fn asked(path: &str) -> Option<(PictureKind, FileId)> {
    let (kind, id) = path.strip_prefix('/')?.split_once('.')?;
    let kind = match kind {
        "small" => PictureKind::Small,
        "whole" => PictureKind::Whole,
        _ => return None,
    };
    Some((kind, id.parse().ok()?))
}

fn shown(picture: Picture) -> Response<Vec<u8>> {
    let mut response = Response::new(picture.bytes);
    let headers = response.headers_mut();
    let value = header::HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, value(picture.media_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    // A file's bytes never change, but nobody else than the core keeps them.
    headers.insert(header::CACHE_CONTROL, value("no-store"));
    response
}

fn nothing() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_picture_and_nothing_else() {
        let id = FileId::new();
        let found = asked(&format!("/small.{id}"));
        assert_eq!(found, Some((PictureKind::Small, id)));
        let found = asked(&format!("/whole.{id}"));
        assert_eq!(found, Some((PictureKind::Whole, id)));
        for path in [
            "/".to_owned(),
            "/small.".to_owned(),
            format!("/other.{id}"),
            format!("small.{id}"),
            format!("/small.{id}/../x"),
            "/small.../../etc/passwd".to_owned(),
        ] {
            assert_eq!(asked(&path), None, "{path}");
        }
    }
}
