//! Bytes of files: pieces that go, and answers that come from some byte on.

use super::{LONG, Rest, RestError, is_old_token, refusal};
use crate::secrets::Secret;
use bytes::Bytes;
use im_protocol::{
    FileId,
    files::{FileState, UPLOAD_OFFSET},
};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE},
};
use std::time::Duration;

/// For one piece, from the first byte sent to the last one read: the smallest needs a thousand
/// bytes a second.
const PIECE: Duration = Duration::from_secs(60);

/// An answer from some byte on, to be read piece by piece.
pub(crate) struct Part {
    /// To be read.
    pub(crate) answer: Response,
    /// Its first byte.
    pub(crate) from: u64,
    /// What the whole is known by.
    pub(crate) etag: Option<String>,
}

impl Rest {
    /// Hands over a piece of a file.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn put_piece(
        &self,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<FileState, RestError> {
        let url = self.server.route(&format!("/v1/files/{id}"));
        let put = |token: &Secret| {
            let request = self.http.client.patch(&url).bearer_auth(token.expose());
            let request = request.header(UPLOAD_OFFSET, offset).timeout(PIECE);
            request.body(piece.clone())
        };
        let answer = self.bytes(put).await?;
        let bytes = answer.bytes().await.map_err(|_| RestError::Unreachable)?;
        serde_json::from_slice(&bytes).map_err(|_| RestError::NotAServer)
    }

    /// Reads from a byte on what is known by `etag`; all of it where it is something else by now, or
    /// none is given. Whoever reads it sees to the time.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn part(
        &self,
        path: &str,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Part, RestError> {
        let url = self.server.route(path);
        let get = |token: &Secret| {
            let request = self.http.client.get(&url).bearer_auth(token.expose());
            let request = request.timeout(LONG);
            match etag {
                Some(etag) => request
                    .header(RANGE, format!("bytes={from}-"))
                    .header(IF_RANGE, etag),
                None => request,
            }
        };
        let answer = self.bytes(get).await?;
        let text = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let etag = text(ETAG);
        let from = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                first_byte(&text(CONTENT_RANGE).unwrap_or_default()).ok_or(RestError::NotAServer)?
            }
            _ => 0,
        };
        Ok(Part { answer, from, etag })
    }

    /// Sends a request, once more with a fresh token where the old one was refused.
    async fn bytes(
        &self,
        request: impl Fn(&Secret) -> RequestBuilder,
    ) -> Result<Response, RestError> {
        let token = self.tokens.access().await?;
        let mut answer = send(request(&token)).await;
        if answer.as_ref().is_err_and(is_old_token) {
            self.tokens.refused(token);
            let token = self.tokens.access().await?;
            answer = send(request(&token)).await;
        }
        if let Err(error) = &answer {
            self.heed(error);
        }
        answer
    }
}

async fn send(request: RequestBuilder) -> Result<Response, RestError> {
    // What reqwest says holds the address: only its kind goes on.
    let answer = request.send().await.map_err(|_| RestError::Unreachable)?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(refusal(answer).await)
    }
}

/// The first byte of `bytes 5-9/10` (RFC 9110, section 14.4).
fn first_byte(range: &str) -> Option<u64> {
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_it_begins() {
        assert_eq!(first_byte("bytes 5-9/10"), Some(5));
        for bad in ["", "bytes */10", "items 5-9/10", "bytes -5"] {
            assert_eq!(first_byte(bad), None, "{bad}");
        }
    }
}
