//! Calls that ring here: shown as soon as it is known who calls, and heard at once.

use crate::{
    notify::{Action, ActionButton, Notification, NotificationId, Urgency},
    people::known_or_nameless,
    session::Context,
    store::{StoreError, conversation, course, person},
};
use im_call::device::RingEnding;
use im_contract::{
    CoreEvent,
    catalogue::words,
    views::{PersonView, Ring, RingEnd},
};
use im_protocol::{
    CallId, PersonId,
    call::{CallView, MediaKinds},
    limits,
    people::Person,
    rest::People,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How long to ask the server for a name that is not known here.
const ASK_NAME: Duration = Duration::from_secs(2);

/// What is known of a caller beyond the call.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) caller: PersonView,
    course: Option<String>,
}

/// A ring on screen, as it was when it was told.
#[derive(Debug, Clone)]
struct Shown {
    ring: Ring,
    at: Instant,
}

/// The rings on screen, for whoever asks later.
#[derive(Debug, Clone, Default)]
pub(crate) struct RingsShown(Vec<Shown>);

impl RingsShown {
    /// As of now.
    pub(crate) fn now(&self) -> Vec<Ring> {
        self.0.iter().map(Shown::now).collect()
    }
}

impl Shown {
    fn now(&self) -> Ring {
        let passed = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ring {
            waiting_ms: self.ring.waiting_ms.saturating_add(passed),
            remaining_ms: self.ring.remaining_ms.saturating_sub(passed),
            ..self.ring.clone()
        }
    }
}

/// A call that rings, from its first word on.
struct Ringing {
    view: CallView,
    since: Instant,
}

/// All that ring.
pub(super) struct Rings {
    context: Context,
    ringing: Vec<Ringing>,
    shown: watch::Sender<RingsShown>,
}

impl Rings {
    pub(super) fn new(context: Context, shown: watch::Sender<RingsShown>) -> Self {
        Self {
            context,
            ringing: Vec::new(),
            shown,
        }
    }

    /// A call rings: heard at once. To be shown once it is described.
    pub(super) fn begin(&mut self, view: CallView) {
        self.context.ringtone.start();
        self.ringing.push(Ringing {
            view,
            since: Instant::now(),
        });
    }

    /// What the caller chose, of a call that rings.
    pub(super) fn media(&self, call: CallId) -> Option<MediaKinds> {
        let mut ringing = self.ringing.iter();
        let found = ringing.find(|ringing| ringing.view.id == call)?;
        Some(found.view.caller_media)
    }

    /// Shows a call, if it rings still. Says whether it does.
    pub(super) fn show(&mut self, call: CallId, described: Described) -> bool {
        let Some(ringing) = self.ringing.iter().find(|ringing| ringing.view.id == call) else {
            return false;
        };
        let shown = Shown {
            ring: ring(&ringing.view, described),
            at: ringing.since,
        };
        let ring = shown.now();
        self.context.notifier.show(notification(&ring));
        self.shown.send_modify(|shown_now| {
            shown_now.0.retain(|known| known.ring.call != call);
            shown_now.0.push(shown);
        });
        tracing::info!(%call, "it rings");
        self.context.events.tell(CoreEvent::Ring(ring));
        true
    }

    /// The person asked for the ring itself.
    pub(super) fn show_again(&self, call: CallId) {
        let rings = self.shown.borrow().now();
        if let Some(ring) = rings.into_iter().find(|ring| ring.call == call) {
            self.context.events.tell(CoreEvent::Ring(ring));
        }
    }

    /// A call does not ring anymore.
    pub(super) fn end(&mut self, call: CallId, ending: RingEnding) {
        self.ringing.retain(|ringing| ringing.view.id != call);
        if self.ringing.is_empty() {
            self.context.ringtone.stop();
        }
        self.context.notifier.withdraw(NotificationId::Ring(call));
        let was_shown = self.shown.send_if_modified(|shown| {
            let before = shown.0.len();
            shown.0.retain(|known| known.ring.call != call);
            shown.0.len() < before
        });
        tracing::info!(%call, ?ending, "it rings no more");
        if was_shown {
            let end = match ending {
                RingEnding::Accepted => RingEnd::AnsweredHere,
                RingEnding::Declined => RingEnd::Declined,
                RingEnding::AnsweredElsewhere | RingEnding::DeclinedElsewhere => {
                    RingEnd::AnsweredElsewhere
                }
                RingEnding::CallerGaveUp => RingEnd::CallerGaveUp,
                RingEnding::TimedOut => RingEnd::Missed,
                RingEnding::Over => RingEnd::Failed,
            };
            self.context.events.tell(CoreEvent::RingEnded { call, end });
        }
    }

    /// The session ends: nothing rings here anymore, whatever it does elsewhere.
    pub(super) fn end_all(&mut self) {
        let calls: Vec<CallId> = self.ringing.iter().map(|ringing| ringing.view.id).collect();
        for call in calls {
            self.end(call, RingEnding::Over);
        }
    }
}

/// Looks up who calls, and about which course.
pub(super) async fn describe(context: Context, view: &CallView) -> Described {
    let (caller, conversation) = (view.caller, view.conversation);
    let found = context.store.cache.read(move |connection| {
        let known = person::get(connection, caller)?;
        let entry = conversation::get(connection, conversation)?;
        let course = match entry.and_then(|entry| entry.course) {
            Some(id) => course::get(connection, id)?.map(|course| course.title),
            None => None,
        };
        Ok((known, course))
    });
    let (known, course) = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "who calls is not known");
            (None, None)
        }
    };
    let caller = match known {
        Some(known) => known,
        // On a new device it may ring before anything has been fetched.
        None => named_by_server(&context, caller).await,
    };
    Described {
        caller: context.live.person(caller),
        course,
    }
}

async fn named_by_server(context: &Context, id: PersonId) -> Person {
    let asked = timeout(ASK_NAME, context.rest.get::<People>("/v1/people"));
    if let Ok(Ok(answer)) = asked.await
        && let Some(person) = answer.people.into_iter().find(|person| person.id == id)
    {
        return person;
    }
    let nameless = context
        .store
        .cache
        .read(move |connection| known_or_nameless(connection, id));
    let nameless: Result<Person, StoreError> = nameless.await;
    nameless.unwrap_or(Person {
        id,
        name: String::new(),
        role: im_protocol::people::Role::Student,
    })
}

fn ring(view: &CallView, described: Described) -> Ring {
    let whole = limits::RING_MS.unsigned_abs();
    let remaining_ms = view.remaining_ms.unwrap_or(whole);
    Ring {
        call: view.id,
        conversation: view.conversation,
        caller: described.caller,
        course: described.course,
        about: view.about.clone(),
        video: view.caller_media.video,
        waiting_ms: whole.saturating_sub(remaining_ms),
        remaining_ms,
    }
}

fn notification(ring: &Ring) -> Notification {
    let name = match ring.caller.name.as_str() {
        "" => words("app_name", &[]),
        name => name.to_owned(),
    };
    let kind = if ring.video {
        "ring_video"
    } else {
        "ring_audio"
    };
    let body = match ring.about.as_str() {
        "" => words(kind, &[]),
        about => words("notify_call_body", &[("about", about)]),
    };
    let button = |action, key| ActionButton {
        action,
        label: words(key, &[]),
    };
    Notification {
        id: NotificationId::Ring(ring.call),
        title: words("ring_title", &[("name", &name)]),
        body,
        buttons: vec![
            button(Action::Accept, "notify_accept"),
            button(Action::Decline, "notify_decline"),
        ],
        urgency: Urgency::Critical,
    }
}

#[cfg(test)]
mod tests {
    use im_contract::catalogue;

    #[test]
    fn every_word_used_here_is_in_the_catalogue() {
        for key in [
            "app_name",
            "ring_title",
            "ring_video",
            "ring_audio",
            "notify_call_body",
            "notify_accept",
            "notify_decline",
        ] {
            assert!(catalogue::has(key), "{key}");
        }
    }
}
