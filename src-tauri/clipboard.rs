//! The desktop's clipboard, by GTK: what the page is not given of it.

use futures_util::future::{BoxFuture, FutureExt as _};
use gtk::{
    gdk,
    gdk_pixbuf::{Colorspace, Pixbuf},
    gio, glib,
    prelude::*,
};
use im_core::clipboard::{Clipboard, Copied};
use std::{path::PathBuf, time::Duration};
use tauri::{AppHandle, Runtime};
use tokio::{sync::oneshot, time::timeout};

/// How long the program in which something was copied may take to hand it over.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kinds of pictures that are taken as they are, with the endings of their files, best first.
const PICTURES: [(&str, &str); 4] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
];

/// By what name one asks for the kinds that there are (ICCCM 2.6.2).
const TARGETS: &str = "TARGETS";

/// Where files that were copied in a file manager are named.
const FILES: &str = "text/uri-list";

/// Hands over what was asked for. Where it is dropped unused, there is nothing.
type Answer = oneshot::Sender<Option<Copied>>;

/// The clipboard of the desktop that the app runs on.
pub(crate) struct DesktopClipboard<R: Runtime> {
    app: AppHandle<R>,
}

impl<R: Runtime> DesktopClipboard<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self { app }
    }
}

impl<R: Runtime> Clipboard for DesktopClipboard<R> {
    fn copied(&self) -> BoxFuture<'_, Option<Copied>> {
        async {
            let (answer, answered) = oneshot::channel();
            // Only the main thread may ask GTK.
            self.app.run_on_main_thread(move || ask(answer)).ok()?;
            timeout(PATIENCE, answered).await.ok()?.ok()?
        }
        .boxed()
    }
}

/// What the program in which something was copied can hand over of it.
struct Offered {
    files: bool,
    words: bool,
    /// A picture that is taken as it is.
    picture: Option<(&'static str, &'static str)>,
    /// A picture that GTK can read, such as a bitmap.
    pixels: bool,
}

impl Offered {
    fn of(said: &gtk::SelectionData) -> Self {
        let kinds = said.targets().unwrap_or_default();
        let kinds: Vec<_> = kinds.into_iter().map(gdk::Atom::name).collect();
        let offers = |kind: &str| kinds.iter().any(|name| name == kind);
        Self {
            files: offers(FILES),
            words: said.targets_include_text(),
            picture: PICTURES.into_iter().find(|(kind, _)| offers(kind)),
            pixels: said.targets_include_image(false),
        }
    }
}

/// Asks what there is, and then for the best of it.
fn ask(answer: Answer) {
    let clipboard = gtk::Clipboard::get(&gdk::SELECTION_CLIPBOARD);
    clipboard.request_contents(&gdk::Atom::intern(TARGETS), move |clipboard, said| {
        let offered = Offered::of(said);
        if !offered.files {
            return ask_for_words(clipboard, offered, answer);
        }
        clipboard.request_uris(move |clipboard, uris| {
            let paths: Vec<PathBuf> = uris
                .iter()
                // A link to a page is none.
                .filter_map(|uri| gio::File::for_uri(uri).path())
                .collect();
            if paths.is_empty() {
                ask_for_words(clipboard, offered, answer);
            } else {
                hand_over(answer, Some(Copied::Files(paths)));
            }
        });
    });
}

/// Words first: a program for tables offers a picture of them too.
fn ask_for_words(clipboard: &gtk::Clipboard, offered: Offered, answer: Answer) {
    if !offered.words {
        return ask_for_picture(clipboard, &offered, answer);
    }
    clipboard.request_text(move |clipboard, words| match words {
        Some(words) if !words.is_empty() => {
            hand_over(answer, Some(Copied::Words(words.to_owned())));
        }
        _ => ask_for_picture(clipboard, &offered, answer),
    });
}

fn ask_for_picture(clipboard: &gtk::Clipboard, offered: &Offered, answer: Answer) {
    if let Some((kind, ending)) = offered.picture {
        clipboard.request_contents(&gdk::Atom::intern(kind), move |_, content| {
            let bytes = content.data();
            let picture = (!bytes.is_empty()).then_some(Copied::Picture { bytes, ending });
            hand_over(answer, picture);
        });
    } else if offered.pixels {
        clipboard.request_image(move |_, picture| {
            if let Some(picture) = picture.map(Pixels::of) {
                // Not here, where rings are drawn.
                drop(tauri::async_runtime::spawn_blocking(move || {
                    hand_over(answer, picture.png());
                }));
            }
        });
    }
}

/// A picture on its way to another thread, which GTK's own cannot go.
struct Pixels {
    bytes: glib::Bytes,
    has_alpha: bool,
    width: i32,
    height: i32,
    /// Bytes from one row to the next.
    row: i32,
}

impl Pixels {
    fn of(picture: &Pixbuf) -> Self {
        Self {
            bytes: picture.read_pixel_bytes(),
            has_alpha: picture.has_alpha(),
            width: picture.width(),
            height: picture.height(),
            row: picture.rowstride(),
        }
    }

    /// As a file. Takes a second for some ten million pixels.
    fn png(self) -> Option<Copied> {
        let (colours, bits) = (Colorspace::Rgb, 8);
        let (width, height, row) = (self.width, self.height, self.row);
        let picture = Pixbuf::from_bytes(
            &self.bytes,
            colours,
            self.has_alpha,
            bits,
            width,
            height,
            row,
        );
        let bytes = picture.save_to_bufferv("png", &[]).ok()?;
        Some(Copied::Picture {
            bytes,
            ending: "png",
        })
    }
}

fn hand_over(answer: Answer, copied: Option<Copied>) {
    // Whoever asked may have lost patience.
    let _ = answer.send(copied);
}
