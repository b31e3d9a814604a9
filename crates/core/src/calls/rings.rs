//! Calls that ring here: shown as soon as it is known who calls, and heard at once.

use crate::{
    notify::{Action, ActionButton, Notification, NotificationId, Urgency},
    session::Context,
    store::{conversation, course, person},
};
use futures_util::future::{BoxFuture, FutureExt as _};
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
    people::{Person, Role},
    rest::People,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How long to ask the server for a name that is not known here.
const ASK_NAME: Duration = Duration::from_secs(2);
/// How long a ring waits for that: it is to be seen within 300 ms, with a name or without.
const WITHOUT_NAME: Duration = Duration::from_millis(150);

/// What is known of a caller beyond the call.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) caller: PersonView,
    course: Option<String>,
}

/// What is known in time, and what is still to come.
pub(super) struct Description {
    pub(super) now: Described,
    /// The name, where the server had not said it in time; none where it does not say it at all.
    pub(super) later: Option<BoxFuture<'static, Option<Described>>>,
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

    /// Shows a call, if it rings still, also again where more is known of it. Says whether it rings.
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
            let mut known = shown_now.0.iter_mut();
            match known.find(|known| known.ring.call == call) {
                Some(known) => *known = shown,
                None => shown_now.0.push(shown),
            }
        });
        tracing::info!(%call, "it rings");
        self.context.events.tell(CoreEvent::Ring(ring));
        true
    }

    /// The person asked for the ring itself. The notification on which they did may be gone by
    /// that, and it rings on: it comes again.
    pub(super) fn show_again(&self, call: CallId) {
        let rings = self.shown.borrow().now();
        if let Some(ring) = rings.into_iter().find(|ring| ring.call == call) {
            self.context.notifier.show(notification(&ring));
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
pub(super) async fn describe(context: Context, view: &CallView) -> Description {
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
    let described = move |context: &Context, person| Described {
        caller: context.live.person(person),
        course: course.clone(),
    };
    if let Some(known) = known {
        let now = described(&context, known);
        return Description { now, later: None };
    }
    // On a new device it may ring before anything has been fetched.
    let (named, later) = in_time(name_of(context.clone(), caller).boxed()).await;
    let now = described(&context, named.unwrap_or_else(|| somebody(caller)));
    let later = later.map(|name| {
        name.map(move |named| named.map(|person| described(&context, person)))
            .boxed()
    });
    Description { now, later }
}

/// What comes in time for a ring to be shown with it; else the rest of the waiting.
async fn in_time<T>(
    mut asked: BoxFuture<'static, Option<T>>,
) -> (Option<T>, Option<BoxFuture<'static, Option<T>>>) {
    match timeout(WITHOUT_NAME, &mut asked).await {
        Ok(answer) => (answer, None),
        Err(_) => (None, Some(asked)),
    }
}

/// As the server says.
async fn name_of(context: Context, id: PersonId) -> Option<Person> {
    let asked = timeout(ASK_NAME, context.rest.get::<People>("/v1/people"));
    let people = asked.await.ok()?.ok()?.people;
    people.into_iter().find(|person| person.id == id)
}

/// Who calls, where nobody knows.
fn somebody(id: PersonId) -> Person {
    Person {
        id,
        name: words("ring_somebody", &[]),
        role: Role::Student,
    }
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
        title: words("ring_title", &[("name", &ring.caller.name)]),
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
    use super::*;
    use im_contract::catalogue;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn a_ring_does_not_wait_for_a_name_that_takes_long_and_gets_it_afterwards() {
        let began = Instant::now();
        let slow = async {
            sleep(Duration::from_secs(1)).await;
            Some("Sam")
        };
        let (now, later) = in_time(slow.boxed()).await;
        assert_eq!((now, began.elapsed()), (None, WITHOUT_NAME));
        assert_eq!(later.unwrap().await, Some("Sam"));
        let (now, later) = in_time(async { Some("Sam") }.boxed()).await;
        assert_eq!(now, Some("Sam"));
        assert!(later.is_none());
    }

    #[test]
    fn every_word_used_here_is_in_the_catalogue() {
        for key in [
            "ring_somebody",
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
