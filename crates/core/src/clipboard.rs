//! What the person copied in another program, where the page cannot read it: WebKitGTK gives a page
//! the words of the clipboard, and neither pictures nor files.

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use std::path::PathBuf;

/// What can be sent out of the clipboard.
pub enum Copied {
    /// Files that were copied in a file manager.
    Files(Vec<PathBuf>),
    /// A picture without a file.
    Picture {
        /// The bytes of a picture file.
        bytes: Vec<u8>,
        /// How such a file's name ends, without the dot.
        ending: &'static str,
    },
    /// Words; also where the program offers a picture of them, as one for tables does.
    Words(String),
}

/// The desktop's clipboard.
pub trait Clipboard: Send + Sync {
    /// What is in it now; none where that is nothing that can be sent, or where the program
    /// that it was copied in does not hand it over.
    fn copied(&self) -> BoxFuture<'_, Option<Copied>>;
}

/// Of a device without a desktop.
pub struct NoClipboard;

impl Clipboard for NoClipboard {
    fn copied(&self) -> BoxFuture<'_, Option<Copied>> {
        ready(None).boxed()
    }
}
