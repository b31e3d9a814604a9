//! Files: they are handed over by REST before the message that carries them is sent, in pieces that
//! may break off anywhere, and are fetched by REST again. Under `/v1`, as in [`crate::rest`].
//!
//! | route | body | answer |
//! |---|---|---|
//! | `POST /v1/files` | [`FileStart`] | [`FileState`] |
//! | `PATCH /v1/files/{id}` with `Upload-Offset: n` | the bytes from `n` on, at most [`crate::limits::CHUNK_BYTES`] | [`FileState`] |
//! | `GET /v1/files/{id}/upload` | | [`FileState`] |
//! | `GET /v1/files/{id}` | | the bytes |

use crate::{ConversationId, FileId, opaque_debug};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The header of a `PATCH` that says from where its bytes go on.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// The media type of a file that is none of those that the server knows by their content, or one that
/// would be dangerous to believe.
pub const OPAQUE_TYPE: &str = "application/octet-stream";

/// A file of a message, as everybody who may see the message sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Which; its bytes never change.
    pub id: FileId,
    /// As its author called it, a name without a path ([`is_file_name`]). Never to be used as a path
    /// as it is: a device may forbid more than this server does.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What its content looks like to the server, such as `image/png`; [`OPAQUE_TYPE`] for the rest.
    /// Whatever the name says.
    pub media_type: String,
    /// An image's, in pixels, as its header tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// An image's, in pixels, as its header tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A person begins to hand over a file. Sending it again tells how far it is; the same id with
/// something else is `id_reused`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStart {
    /// Made by the client: the operation's id.
    pub id: FileId,
    /// The conversation that it is for, and for no other.
    pub conversation: ConversationId,
    /// A name without a path, see [`is_file_name`].
    pub name: String,
    /// Bytes, 1 to the server's limit, [`crate::limits::FILE_BYTES`] unless the operator chose another.
    pub size: u64,
    /// Of all its bytes.
    pub sha256: Sha256,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// So many bytes are on the server's disk, from the first on: go on from here.
    pub offset: u64,
    /// Bytes in all.
    pub size: u64,
    /// The file, once it is whole: it can be sent with a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileInfo>,
}

opaque_debug!(FileInfo, FileStart);

/// A SHA-256 (FIPS 180-4): 64 lower-case hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

/// The text was not a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256: 64 lower-case hexadecimal digits are wanted")]
pub struct BadSha256;

impl Sha256 {
    /// Out of the 32 bytes that were computed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = BadSha256;

    fn from_str(text: &str) -> Result<Self, BadSha256> {
        const fn digit(byte: u8) -> Option<u8> {
            match byte {
                b'0'..=b'9' => Some(byte - b'0'),
                b'a'..=b'f' => Some(byte - b'a' + 10),
                _ => None,
            }
        }
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(BadSha256);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                return Err(BadSha256);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadSha256;

    fn try_from(text: String) -> Result<Self, BadSha256> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> Self {
        hash.to_string()
    }
}

/// Whether a file may be called so: 1 to [`crate::limits::FILE_NAME_BYTES`] bytes, no path, no
/// characters that are not seen or turn the direction of what is read, no blank at an end, not only
/// dots. [`file_name`] makes such a name.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= crate::limits::FILE_NAME_BYTES
        && name.trim() == name
        && !name.chars().all(|c| c == '.')
        && !name.chars().any(|c| is_separator(c) || is_unseen(c))
}

/// The name under which to hand over a file that is called so here: without its path, without what
/// [`is_file_name`] forbids, shortened before its extension. `file` where nothing is left.
#[must_use]
pub fn file_name(name: &str) -> String {
    let last = name.rsplit(is_separator).next().unwrap_or_default();
    let seen: String = last.chars().filter(|c| !is_unseen(*c)).collect();
    let name = shortened(seen.trim());
    if is_file_name(&name) {
        name
    } else {
        "file".to_owned()
    }
}

fn shortened(name: &str) -> String {
    /// An extension longer than this is none.
    const EXTENSION_BYTES: usize = 32;
    const MOST: usize = crate::limits::FILE_NAME_BYTES;
    if name.len() <= MOST {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= EXTENSION_BYTES => (stem, extension),
        _ => (name, ""),
    };
    let room = MOST.saturating_sub(extension.len() + usize::from(!extension.is_empty()));
    let cut = stem.get(..stem.floor_char_boundary(room)).unwrap_or(stem);
    let cut = cut.trim_end();
    if extension.is_empty() {
        cut.to_owned()
    } else {
        format!("{cut}.{extension}")
    }
}

const fn is_separator(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// Control characters, line and paragraph separators, and what changes the direction of the text
/// around it (Unicode UAX #9): `exe.fdp` must not be read as a PDF.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_small_digits_on_the_wire() {
        let text = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let hash: Sha256 = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        assert_eq!(hash.to_string(), text);
        assert_eq!(hash.bytes()[..2], [0x9f, 0x86]);
        for bad in [
            "",
            "9f86",
            &text.to_uppercase(),
            &format!("{text}00"),
            &text.replace('9', "é"),
        ] {
            assert_eq!(bad.parse::<Sha256>(), Err(BadSha256), "{bad}");
        }
    }

    #[test]
    fn a_name_is_no_path_and_hides_nothing() {
        for good in [
            "a",
            "Exam 2.pdf",
            ".bashrc",
            "Übung (1).tar.gz",
            "試験.png",
            "a..b",
            "👩‍👩‍👧.png",
        ] {
            assert!(is_file_name(good), "{good}");
            assert_eq!(file_name(good), good);
        }
        let bad = [
            ("", "file"),
            (".", "file"),
            ("..", "file"),
            ("...", "file"),
            (" ", "file"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\sam\\exam.pdf", "exam.pdf"),
            ("folder/", "file"),
            ("line\nbreak\0.txt", "linebreak.txt"),
            ("gpj.\u{202E}exe", "gpj.exe"),
            (" exam.pdf ", "exam.pdf"),
        ];
        for (name, made) in bad {
            assert!(!is_file_name(name), "{name}");
            assert_eq!(file_name(name), made);
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let made = file_name(&format!("{}.pdf", "ü".repeat(200)));
        assert!(
            made.ends_with("ü.pdf") && made.len() >= 254 && is_file_name(&made),
            "{made}"
        );
        let made = file_name(&format!("a.{}", "x".repeat(400)));
        assert!(made.len() == 255 && is_file_name(&made), "{made}");
    }

    #[test]
    fn a_state_without_a_file_is_only_its_place() {
        let state = FileState {
            offset: 3,
            size: 9,
            file: None,
        };
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            r#"{"offset":3,"size":9}"#
        );
    }
}
