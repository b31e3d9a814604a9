//! Bytes of files: pieces that go, and answers that come from some byte on.

use super::{LONG, Rest, RestError, read};
use bytes::Bytes;
use im_protocol::{
    FileId,
    files::{FileState, UPLOAD_OFFSET},
};
use reqwest::{
    Response, StatusCode,
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
        let put = || {
            let request = self.http.client.patch(&url);
            let request = request.header(UPLOAD_OFFSET, offset).timeout(PIECE);
            request.body(piece.clone())
        };
        read(self.authorized(put).await?).await
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
        let get = || {
            let request = self.http.client.get(&url).timeout(LONG);
            match etag {
                Some(etag) => request
                    .header(RANGE, format!("bytes={from}-"))
                    .header(IF_RANGE, etag),
                None => request,
            }
        };
        let answer = self.authorized(get).await?;
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
