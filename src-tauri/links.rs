//! Links that people follow, and files that they have saved: opened by the system's own programs, never in a window of the app.

use im_core::links::{Link, LinkOpener};
use std::{io, path::Path};

/// Whatever the person has chosen for pages and mails.
pub(crate) struct SystemLinks;

impl LinkOpener for SystemLinks {
    fn open(&self, link: &Link) -> io::Result<()> {
        open::that_detached(link.as_str())
    }

    fn open_file(&self, path: &Path) -> io::Result<()> {
        open::that_detached(path)
    }

    fn show_file(&self, path: &Path) -> io::Result<()> {
        // Its folder: a file manager that marks one file in it is asked otherwise on each desktop.
        open::that_detached(path.parent().unwrap_or(path))
    }
}
