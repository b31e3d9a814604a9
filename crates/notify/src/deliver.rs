//! One notification's life on the desktop (Desktop Notifications Specification 1.2).

use crate::notifications::Availability;
use im_core::notify::{Action, Notification, NotificationAction, NotificationId, Urgency};
use notify_rust::{Hint, NotificationResponse, Timeout};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

/// How long the desktop may take to show one, or to take it away.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a notification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The person did something with it.
    Acted(Action),
    /// It was closed, withdrawn, or never shown.
    Gone,
}

/// Shows it and waits until the person acts, the desktop closes it, or `withdrawn` ends. What the
/// person does goes into `actions` at once.
pub(crate) async fn show(
    app: &str,
    notification: Notification,
    availability: &watch::Sender<Availability>,
    withdrawn: oneshot::Receiver<()>,
    actions: &mpsc::Sender<NotificationAction>,
) {
    let prepared = prepare(app, &notification);
    let handle = match timeout(PATIENCE, prepared.show_async()).await {
        Ok(Ok(handle)) => handle,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the desktop takes no notifications");
            availability.send_replace(Availability::Missing);
            return;
        }
        Err(_) => {
            tracing::warn!("the desktop does not answer for notifications");
            availability.send_replace(Availability::Missing);
            return;
        }
    };
    availability.send_replace(Availability::Shown);
    let mut outcome = Outcome::Gone;
    tokio::select! {
        () = handle.wait_for_action_async(|response| outcome = read(response)) => {}
        _ = withdrawn => {}
    }
    let id = notification.id;
    if let Outcome::Acted(action) = outcome
        && actions.try_send(NotificationAction { id, action }).is_err()
    {
        tracing::warn!("an action on a notification was left out: the core is not there");
    }
    // Not every desktop takes a notification away when one of its buttons is pressed, and what was closed meanwhile
    // is closed again without harm.
    let _ = timeout(PATIENCE, handle.close_async()).await;
}

fn prepare(app: &str, notification: &Notification) -> notify_rust::Notification {
    let mut prepared = notify_rust::Notification::new();
    prepared
        .appname(app)
        .icon(&app.to_lowercase())
        .summary(&notification.title)
        .body(&escape(&notification.body))
        .action("default", "")
        .hint(Hint::DesktopEntry(app.to_lowercase()))
        .hint(Hint::Category(category(notification.id).to_owned()));
    for button in &notification.buttons {
        prepared.action(key(button.action), &button.label);
    }
    match notification.urgency {
        Urgency::Normal => prepared.urgency(notify_rust::Urgency::Normal),
        Urgency::Critical => prepared
            .urgency(notify_rust::Urgency::Critical)
            .timeout(Timeout::Never),
    };
    prepared.finalize()
}

/// Categories of the specification, and the one that desktops use for calls.
fn category(id: NotificationId) -> &'static str {
    match id {
        NotificationId::Ring(_) => "call.incoming",
        NotificationId::MissedCall { .. } => "call.unanswered",
        NotificationId::Message(_) => "im.received",
    }
}

fn key(action: Action) -> &'static str {
    match action {
        Action::Open => "default",
        Action::Accept => "accept",
        Action::Decline => "decline",
    }
}

fn read(response: &NotificationResponse) -> Outcome {
    match response {
        NotificationResponse::Default => Outcome::Acted(Action::Open),
        NotificationResponse::Action(name) => match name.as_str() {
            "default" => Outcome::Acted(Action::Open),
            "accept" => Outcome::Acted(Action::Accept),
            "decline" => Outcome::Acted(Action::Decline),
            _ => Outcome::Gone,
        },
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => Outcome::Gone,
    }
}

/// Bodies are read as markup where the desktop can (section "Markup"); those that cannot are to
/// strip it. So plain text is escaped.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_never_read_as_markup() {
        assert_eq!(escape("<b>1 & 2</b>"), "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
    }

    #[test]
    fn every_button_comes_back_as_what_it_was() {
        for action in [Action::Open, Action::Accept, Action::Decline] {
            let response = NotificationResponse::Action(key(action).to_owned());
            assert_eq!(read(&response), Outcome::Acted(action));
        }
        let unknown = NotificationResponse::Action("something".to_owned());
        assert_eq!(read(&unknown), Outcome::Gone);
    }
}
