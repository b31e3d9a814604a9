//! Links that people write and follow: only what leads to a page or a mail is opened, and never by
//! the app itself.

use reqwest::Url;
use std::{io, path::Path};

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
            "http" | "https" => url.has_host(),
            "mailto" => !url.path().is_empty(),
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

/// Opens links and files with the system's own programs.
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
    fn only_pages_and_mails_are_opened() {
        for good in [
            "https://example.org/a?b=c#d",
            "http://localhost:8470",
            "mailto:maya@school.example",
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
            "https://example.org/a b",
            "https://example.org/\n--flag",
            "--help",
            &long,
        ] {
            assert!(Link::parse(bad).is_none(), "{bad}");
        }
    }
}
