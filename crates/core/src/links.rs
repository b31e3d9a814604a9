//! Links that people write and follow: only what leads to a page or a mail is opened, and never by
//! the app itself. And links into the app, which come from anywhere.

use im_protocol::ConversationId;
use reqwest::Url;
use std::{io, path::Path};

/// What a link into the app begins with.
const APP_SCHEME: &str = "instantmentor";

/// Bytes of a link, at most.
const LINK_BYTES: usize = 4_096;

/// A link that may be opened: `http`, `https` or `mailto`.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(Url);

impl Link {
    /// A link out of what somebody wrote; none where it may not be opened.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LINK_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let allowed = match url.scheme() {
            // A name before the @ looks like the place that it leads to.
            "http" | "https" => {
                url.has_host() && url.username().is_empty() && url.password().is_none()
            }
            // Some programs take a file's name from other fields (RFC 6068, section 7).
            "mailto" => {
                let mut fields = url.query_pairs();
                !url.path().is_empty()
                    && fields.all(|(name, _)| {
                        ["subject", "body"].contains(&name.to_ascii_lowercase().as_str())
                    })
            }
            _ => false,
        };
        allowed.then_some(Self(url))
    }

    /// As a program that opens it wants it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people write stays out of logs.
        f.write_str("Link { .. }")
    }
}

/// A link into the app. Whoever made it: it only says what to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppLink {
    /// `instantmentor://conversation/<id>`
    Conversation(ConversationId),
}

impl AppLink {
    /// A link into the app; none where it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LINK_BYTES {
            return None;
        }
        let url = Url::parse(text).ok()?;
        if url.scheme() != APP_SCHEME || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let id = url.path().strip_prefix('/')?;
        match url.host_str()? {
            // Some browsers add a slash.
            "conversation" => {
                let id = id.strip_suffix('/').unwrap_or(id);
                Some(Self::Conversation(id.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// Opens links and files with the system's own programs. Asked beside the async threads, for it may
/// take a while to start one.
pub trait LinkOpener: Send + Sync {
    /// Opens a link, without waiting for what it is opened with.
    ///
    /// # Errors
    /// Where there is nothing to open it with.
    fn open(&self, link: &Link) -> io::Result<()>;

    /// Opens a file that the person has saved, likewise. It is never one that would run.
    ///
    /// # Errors
    /// Where there is nothing to open it with.
    fn open_file(&self, path: &Path) -> io::Result<()>;

    /// Shows where a file is.
    ///
    /// # Errors
    /// Where there is nothing to show folders with.
    fn show_file(&self, path: &Path) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_into_the_app_names_a_conversation() {
        let id = ConversationId::new();
        let link = Some(AppLink::Conversation(id));
        for good in [
            format!("instantmentor://conversation/{id}"),
            format!("instantmentor://conversation/{id}/"),
            format!("InstantMentor://conversation/{id}"),
        ] {
            assert_eq!(AppLink::parse(&good), link, "{good}");
        }
        for bad in [
            format!("https://conversation/{id}"),
            format!("instantmentor:conversation/{id}"),
            format!("instantmentor://conversation/{id}/more"),
            format!("instantmentor://conversation/{id}?a=b"),
            format!("instantmentor://person/{id}"),
            "instantmentor://conversation/1".to_owned(),
            "instantmentor://conversation".to_owned(),
            "--hidden".to_owned(),
        ] {
            assert_eq!(AppLink::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn only_pages_and_mails_are_opened() {
        for good in [
            "https://example.org/a?b=c#d",
            "http://localhost:8470",
            "mailto:maya@school.example",
            "mailto:maya@school.example?Subject=Algebra&body=Hello",
        ] {
            assert!(Link::parse(good).is_some(), "{good}");
        }
        let long = format!("https://example.org/{}", "a".repeat(LINK_BYTES));
        for bad in [
            "",
            "example.org",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "ssh://example.org",
            "https://",
            "mailto:",
            "mailto:maya@school.example?attach=/etc/passwd",
            "mailto:maya@school.example?subject=a&Attachment=/etc/passwd",
            "https://school.example@evil.example/",
            "https://maya:secret@evil.example/",
            "https://example.org/a b",
            "https://example.org/\n--flag",
            "--help",
            &long,
        ] {
            assert!(Link::parse(bad).is_none(), "{bad}");
        }
    }
}
