//! Links that people follow: opened by the system's own programs, never in a window of the app.

use im_core::links::{Link, LinkOpener};
use std::io;

/// Whatever the person has chosen for pages and mails.
pub(crate) struct SystemLinks;

impl LinkOpener for SystemLinks {
    fn open(&self, link: &Link) -> io::Result<()> {
        open::that_detached(link.as_str())
    }
}
