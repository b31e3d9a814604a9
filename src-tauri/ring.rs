//! The window in which it rings: small, on top, at the top right of the screen where the pointer
//! is, and without the keyboard until the person asks for it.
//!
//! It is drawn with GTK 3, which the shell links anyway, so that it is on screen in a blink while
//! the app is only in the tray and has no webview at all (see the first decision in `docs/adr`).
//!
//! Everything here may be called from any thread: the work is handed to GTK's own. All words come
//! in with the [`Ring`]; the window has none of its own. It takes no decision either: it says what
//! the person chose, and goes when it is told to.

mod card;
mod guard;
mod icon;
mod look;
mod picture;
mod place;
mod stack;
mod waiting;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gtk::glib;

/// Everything that one ring shows. It cannot be printed: names do not belong in a log.
pub(crate) struct Ring {
    /// The call, for the log.
    pub(crate) call_id: String,
    /// Who calls.
    pub(crate) name: String,
    /// One or two letters in the picture.
    pub(crate) initials: String,
    /// The colour of the picture, made from the person's id.
    pub(crate) colour: Rgb,
    /// What about: the course or the help topic. May be empty.
    pub(crate) about: String,
    /// Whether the caller offers a picture. Without it only sound can be accepted.
    pub(crate) video_offered: bool,
    /// How long the caller had been waiting when this was made.
    pub(crate) waiting: Duration,
    /// Light or dark.
    pub(crate) theme: Theme,
    /// The words.
    pub(crate) texts: RingTexts,
}

/// The words of a ring, from the app's one catalogue.
pub(crate) struct RingTexts {
    /// The window's title, as switchers and screen readers say it.
    pub(crate) title: String,
    /// On the button that accepts with picture and sound.
    pub(crate) accept_video: String,
    /// On the button that accepts with sound only.
    pub(crate) accept_audio: String,
    /// On the button that declines without a reason.
    pub(crate) decline: String,
    /// What the button that opens the reasons does, for its tooltip and for screen readers.
    pub(crate) more_reasons: String,
    /// The reasons to decline with, in their order.
    pub(crate) reasons: Vec<Reason>,
    /// How long the caller has waited, with `{time}` where `1:05` belongs.
    pub(crate) waiting: String,
    /// Shown from the moment of accepting until the shell closes the ring.
    pub(crate) connecting: String,
}

/// One reason to decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The code that goes to the server.
    pub(crate) code: String,
    /// The words for it.
    pub(crate) words: String,
}

/// A colour, red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// Which of the two looks to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// What the desktop's GTK settings say.
    System,
}

/// What a ring tells the shell. It is called on GTK's thread and must return at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RingEvent {
    /// The window has been painted on screen for the first time, and it rings still.
    Shown,
    /// The person decided. Comes once at most.
    Chosen(RingChoice),
}

/// What the person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RingChoice {
    /// Accept with picture and sound. The ring stays until it is closed, saying that it connects.
    AcceptVideo,
    /// Accept with sound only. The ring stays until it is closed, saying that it connects.
    AcceptAudio,
    /// Decline. The ring is gone already.
    Decline {
        /// The code of the chosen reason.
        reason: Option<String>,
    },
    /// The window was closed by other means, without an answer. The call goes on ringing elsewhere.
    Dismissed,
}

/// Opens rings. It has no state: the open windows belong to GTK's thread.
#[derive(Debug)]
pub(crate) struct RingWindow;

impl RingWindow {
    /// Loads the styles, so that the first ring is as quick as the others. Call it once after the
    /// start.
    pub(crate) fn prepare() {
        on_gtk_thread(look::load);
    }

    /// Another window of the app came before the person: no ring covers what it says of it.
    pub(crate) fn make_room() {
        on_gtk_thread(stack::arrange);
    }

    /// Puts a ring on screen, under those that are there already.
    ///
    /// `on_event` is told when it has been painted and what the person chose, with the ring's
    /// handle.
    pub(crate) fn open(
        ring: Ring,
        on_event: impl Fn(&RingHandle, RingEvent) + Send + 'static,
    ) -> RingHandle {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let asked = Instant::now();
        let handle = RingHandle { id };
        let own = handle.clone();
        on_gtk_thread(move || {
            let on_event = move |event| on_event(&own, event);
            stack::open(id, &ring, asked, Box::new(on_event));
        });
        handle
    }
}

/// A ring on screen. Letting go of the handle leaves the ring where it is.
#[derive(Debug, Clone)]
pub(crate) struct RingHandle {
    id: u64,
}

impl RingHandle {
    /// Says who calls, where that became known later: name, initials and the window's title.
    pub(crate) fn rename(&self, name: String, initials: String, title: String) {
        let id = self.id;
        on_gtk_thread(move || stack::rename(id, &name, &initials, &title));
    }

    /// Shows how it ended without this person ("answered elsewhere", "the caller gave up"), takes
    /// the buttons away and closes shortly after. Does nothing to a ring that is gone.
    pub(crate) fn end(&self, words: String) {
        let id = self.id;
        on_gtk_thread(move || stack::end(id, &words));
    }

    /// Closes at once. Does nothing to a ring that is gone.
    pub(crate) fn close(&self) {
        let id = self.id;
        on_gtk_thread(move || stack::close(id));
    }
}

/// Runs `work` on the thread of GTK's main loop. `MainContext::invoke` would not do: where the loop
/// does not hold its context between two turns, it runs the work on the calling thread.
fn on_gtk_thread(work: impl FnOnce() + Send + 'static) {
    let mut work = Some(work);
    glib::idle_source_new(Some("ring"), glib::Priority::HIGH, move || {
        if let Some(work) = work.take() {
            work();
        }
        glib::ControlFlow::Break
    })
    .attach(Some(&glib::MainContext::default()));
}
