//! Joins the core's rings with the windows in which they are shown.

use crate::{
    ring::{Reason, Rgb, RingChoice, RingEvent, RingHandle, RingTexts, RingWindow, Theme},
    start,
};
use im_contract::{
    Commands, UiError,
    args::{CallAcceptArgs, CallArgs, CallRejectArgs},
    catalogue::words,
    views::{self, RingEnd},
};
use im_core::Core;
use im_protocol::{CallId, PersonId, call::RejectReason};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tauri::AppHandle;

/// The reasons offered, in their order, with their keys in the catalogue.
const REASONS: [(RejectReason, &str); 3] = [
    (RejectReason::BackSoon, "ring_reason_back_soon"),
    (RejectReason::InSession, "ring_reason_in_session"),
    (RejectReason::WriteInstead, "ring_reason_write_instead"),
];

/// A ring's window.
struct Open {
    handle: RingHandle,
    /// The caller's name in it.
    name: String,
    /// Set once it is of no use anymore although it rings on: the person closed it, or their answer
    /// was refused.
    useless: Arc<AtomicBool>,
}

impl Open {
    fn is_of_use(&self) -> bool {
        !self.useless.load(Ordering::Relaxed)
    }
}

/// The rings on screen.
pub(crate) struct Rings {
    app: AppHandle,
    core: Core,
    open: HashMap<CallId, Open>,
}

impl Rings {
    /// None yet.
    pub(crate) fn new(app: AppHandle, core: Core) -> Self {
        Self {
            app,
            core,
            open: HashMap::new(),
        }
    }

    /// Shows a ring. One that is on screen stays, and takes the name that it may have got; one that
    /// the person closed comes back: they asked for it on its notification.
    pub(crate) fn show(&mut self, ring: &views::Ring, theme: views::Theme) {
        let face = face(ring, theme);
        let open = self.open.get_mut(&ring.call);
        if let Some(open) = open.filter(|open| open.is_of_use()) {
            if open.name != face.name {
                open.name.clone_from(&face.name);
                open.handle
                    .rename(face.name, face.initials, face.texts.title);
            }
            return;
        }
        let (app, core, call) = (self.app.clone(), self.core.clone(), ring.call);
        let (name, useless) = (face.name.clone(), Arc::<AtomicBool>::default());
        let of_no_use = Arc::clone(&useless);
        let handle = RingWindow::open(face, move |handle, event| match event {
            RingEvent::Shown => shown(&app, &core, call),
            RingEvent::Chosen(RingChoice::Dismissed) => of_no_use.store(true, Ordering::Relaxed),
            RingEvent::Chosen(choice) => {
                let answering = Answering {
                    core: core.clone(),
                    call,
                    handle: handle.clone(),
                    useless: Arc::clone(&of_no_use),
                };
                tauri::async_runtime::spawn(answering.run(choice));
            }
        });
        let open = Open {
            handle,
            name,
            useless,
        };
        self.open.insert(ring.call, open);
    }

    /// Takes a ring away, with a word on how it ended where this person did not end it.
    pub(crate) fn end(&mut self, call: CallId, end: RingEnd) {
        let Some(Open { handle, name, .. }) = self.open.remove(&call) else {
            return;
        };
        let name = [("name", name.as_str())];
        match end {
            RingEnd::AnsweredHere | RingEnd::Declined => handle.close(),
            RingEnd::AnsweredElsewhere => handle.end(words("ring_answered_elsewhere", &[])),
            RingEnd::CallerGaveUp => handle.end(words("ring_caller_gave_up", &name)),
            RingEnd::Missed => handle.end(words("ring_missed", &name)),
            RingEnd::Failed => handle.end(words("ring_failed", &name)),
        }
    }

    /// Whether nothing rings.
    pub(crate) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes all rings away: nobody is signed in anymore.
    pub(crate) fn clear(&mut self) {
        for (_, open) in self.open.drain() {
            open.handle.close();
        }
    }
}

/// A ring is before the person's eyes: the caller is told, and the page is loaded. Only now, so that
/// it does not hold up the ring.
fn shown(app: &AppHandle, core: &Core, call: CallId) {
    start::prepare(app, core);
    let core = core.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(error) = core.calls_shown(CallArgs { call }).await {
            tracing::debug!(kind = ?error.kind, "a ring was over as it came on screen");
        }
    });
}

/// What the person chose, on its way to the core; the core tells when the ring is over.
struct Answering {
    core: Core,
    call: CallId,
    handle: RingHandle,
    useless: Arc<AtomicBool>,
}

impl Answering {
    async fn run(self, choice: RingChoice) {
        if let Err(error) = self.ask(choice).await {
            tracing::info!(kind = ?error.kind, "a ring could not be answered");
            // It must not stand there without buttons. Where it rings on, its notification brings
            // it back.
            self.useless.store(true, Ordering::Relaxed);
            self.handle.end(error.sentence());
        }
    }

    async fn ask(&self, choice: RingChoice) -> Result<(), UiError> {
        let call = self.call;
        let accept = |video| self.core.calls_accept(CallAcceptArgs { call, video });
        match choice {
            RingChoice::AcceptVideo => accept(true).await?,
            RingChoice::AcceptAudio => accept(false).await?,
            RingChoice::Decline { reason } => {
                let reason = reason.as_deref().map_or(RejectReason::Declined, reason_of);
                self.core
                    .calls_reject(CallRejectArgs { call, reason })
                    .await?
            }
            // Closed without an answer: it goes on ringing elsewhere, and here as a notification.
            RingChoice::Dismissed => return Ok(()),
        };
        Ok(())
    }
}

fn code(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::BackSoon => "back_soon",
        RejectReason::InSession => "in_session",
        RejectReason::WriteInstead => "write_instead",
        RejectReason::Declined | RejectReason::Other => "declined",
    }
}

fn reason_of(text: &str) -> RejectReason {
    REASONS
        .into_iter()
        .map(|(reason, _)| reason)
        .find(|reason| code(*reason) == text)
        .unwrap_or(RejectReason::Declined)
}

/// What the window shows for a ring.
fn face(ring: &views::Ring, theme: views::Theme) -> crate::ring::Ring {
    let name = ring.caller.name.clone();
    let about = if ring.about.is_empty() {
        ring.course.clone().unwrap_or_default()
    } else {
        ring.about.clone()
    };
    crate::ring::Ring {
        call_id: ring.call.to_string(),
        initials: initials(&name),
        colour: colour(ring.caller.id),
        about,
        video_offered: ring.video,
        waiting: Duration::from_millis(ring.waiting_ms),
        theme: match theme {
            views::Theme::System => Theme::System,
            views::Theme::Light => Theme::Light,
            views::Theme::Dark => Theme::Dark,
        },
        texts: RingTexts {
            title: words("ring_title", &[("name", &name)]),
            accept_video: words("ring_accept_video", &[]),
            accept_audio: words("ring_sound_only", &[]),
            decline: words("ring_decline", &[]),
            more_reasons: words("ring_decline_because", &[]),
            reasons: REASONS
                .into_iter()
                .map(|(reason, key)| Reason {
                    code: code(reason).into(),
                    words: words(key, &[]),
                })
                .collect(),
            waiting: words("ring_waiting", &[]),
            connecting: words("ring_connecting", &[]),
        },
        name,
    }
}

/// One or two letters: the first of the first and of the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}

/// A colour made from the id, the same as in the page (`ui/src/kit/initials.ts`): FNV-1a of the
/// id's text picks one on which white letters can be read.
fn colour(person: PersonId) -> Rgb {
    const HUES: [Rgb; 10] = [
        Rgb(0x4f, 0x5b, 0xd5),
        Rgb(0x1f, 0x6f, 0x8b),
        Rgb(0x1a, 0x7f, 0x4b),
        Rgb(0x8a, 0x53, 0x00),
        Rgb(0xb0, 0x41, 0x3e),
        Rgb(0x7a, 0x3f, 0xc4),
        Rgb(0xa0, 0x3a, 0x78),
        Rgb(0x3d, 0x6a, 0x2e),
        Rgb(0x2f, 0x62, 0xa8),
        Rgb(0x75, 0x60, 0x3a),
    ];
    let hash = person
        .to_string()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    let index = usize::try_from(hash).unwrap_or_default() % HUES.len();
    HUES.get(index).copied().unwrap_or(Rgb(0x4f, 0x5b, 0xd5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_and_the_last_word_s() {
        assert_eq!(initials("Sam Okafor"), "SO");
        assert_eq!(initials("maya"), "M");
        assert_eq!(initials("Ana María de la Cruz"), "AC");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn every_reason_offered_comes_back_as_itself() {
        for (reason, key) in REASONS {
            assert_eq!(reason_of(code(reason)), reason);
            assert!(im_contract::catalogue::has(key), "{key} is missing");
        }
        assert_eq!(reason_of("nonsense"), RejectReason::Declined);
    }

    #[test]
    fn every_word_of_the_ring_is_in_the_catalogue() {
        for key in [
            "ring_title",
            "ring_accept_video",
            "ring_sound_only",
            "ring_decline",
            "ring_decline_because",
            "ring_waiting",
            "ring_connecting",
            "ring_answered_elsewhere",
            "ring_caller_gave_up",
            "ring_failed",
            "ring_missed",
        ] {
            assert!(im_contract::catalogue::has(key), "{key} is missing");
        }
    }
}
