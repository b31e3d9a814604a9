//! Notifications on a real D-Bus, with a stand-in for the desktop's notification daemon
//! (python-dbusmock's template, which follows the specification).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the whole file is a test: what fails here should stop it"
)]

use im_core::notify::{
    self, Action, ActionButton, Notification, NotificationAction, NotificationId, Notifier, Urgency,
};
use im_notify::{Availability, Notifications};
use im_protocol::CallId;
use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

const SOON: Duration = Duration::from_secs(20);
const INNER: &str = "IM_NOTIFY_TEST_BUS";

/// Runs this same test again on a session bus of its own; true in the inner run.
fn on_own_bus(test: &str) -> bool {
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let status = Command::new("dbus-run-session")
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INNER, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed on its own bus");
    false
}

struct Daemon(Child);

impl Daemon {
    fn start() -> Self {
        let child = Command::new("/usr/bin/python3")
            .args(["-m", "dbusmock", "--template", "notification_daemon"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let waited = Command::new("gdbus")
            .args([
                "wait",
                "--session",
                "--timeout",
                "20",
                "org.freedesktop.Notifications",
            ])
            .status()
            .unwrap();
        assert!(waited.success(), "the daemon did not come up");
        Self(child)
    }

    fn call(&self, method: &str, args: &[&str]) -> String {
        let output = Command::new("gdbus")
            .args([
                "call",
                "--session",
                "--dest",
                "org.freedesktop.Notifications",
            ])
            .args([
                "--object-path",
                "/org/freedesktop/Notifications",
                "--method",
                method,
            ])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// What was asked of the daemon so far, as GVariant text.
    fn calls(&self) -> String {
        self.call("org.freedesktop.DBus.Mock.GetCalls", &[])
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ring(call: CallId) -> Notification {
    Notification {
        id: NotificationId::Ring(call),
        title: "Sam is calling".into(),
        body: "Rust <for> beginners".into(),
        buttons: vec![
            ActionButton {
                action: Action::Accept,
                label: "Accept".into(),
            },
            ActionButton {
                action: Action::Decline,
                label: "Decline".into(),
            },
        ],
        urgency: Urgency::Critical,
    }
}

async fn shown(notifications: &Notifications, wanted: Availability) {
    let mut availability = notifications.availability();
    timeout(SOON, availability.wait_for(|now| *now == wanted))
        .await
        .unwrap()
        .unwrap();
}

#[test]
fn maya_accepts_sam_s_call_on_the_notification() {
    if !on_own_bus("maya_accepts_sam_s_call_on_the_notification") {
        return;
    }
    let daemon = Daemon::start();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (sender, mut actions) = notify::actions();
        let (notifications, task) = Notifications::new("InstantMentor", sender);
        let task = tokio::spawn(task.run());
        let call = CallId::new();
        notifications.show(ring(call));
        shown(&notifications, Availability::Shown).await;

        let asked = daemon.calls();
        assert!(
            asked.contains("'accept', 'Accept', 'decline', 'Decline'"),
            "{asked}"
        );
        assert!(asked.contains("Rust &lt;for&gt; beginners"), "{asked}");
        assert!(asked.contains("'urgency': <byte 0x02>"), "{asked}");

        let action = press(&daemon, "accept", &mut actions).await;
        let wanted = NotificationAction {
            id: NotificationId::Ring(call),
            action: Action::Accept,
        };
        assert_eq!(action, wanted);
        // Who answered does not want to see it any longer.
        until_closed(&daemon, 1).await;

        // The next one is withdrawn before anybody acts: it leaves the screen.
        let second = CallId::new();
        notifications.show(ring(second));
        while daemon.calls().matches("'Notify'").count() < 2 {
            tokio::task::yield_now().await;
        }
        notifications.withdraw(NotificationId::Ring(second));
        until_closed(&daemon, 2).await;
        drop(notifications);
        task.await.unwrap();
    });
}

/// Until so many notifications were taken off the screen.
async fn until_closed(daemon: &Daemon, count: usize) {
    timeout(SOON, async {
        while daemon.calls().matches("'CloseNotification'").count() < count {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// Presses a button as the daemon tells it. Told again until it is heard: a signal that comes
/// before the waiting began is lost, on a real desktop as here.
async fn press(
    daemon: &Daemon,
    key: &str,
    actions: &mut mpsc::Receiver<NotificationAction>,
) -> NotificationAction {
    let args = format!("[<uint32 1>, <'{key}'>]");
    for _ in 0..100 {
        daemon.call(
            "org.freedesktop.DBus.Mock.EmitSignal",
            &[
                "org.freedesktop.Notifications",
                "ActionInvoked",
                "us",
                &args,
            ],
        );
        if let Ok(action) = timeout(Duration::from_millis(100), actions.recv()).await {
            return action.unwrap();
        }
    }
    panic!("the action was not heard");
}

#[test]
fn a_desktop_without_notifications_is_noticed_and_nothing_breaks() {
    if !on_own_bus("a_desktop_without_notifications_is_noticed_and_nothing_breaks") {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (sender, _actions) = notify::actions();
        let (notifications, task) = Notifications::new("InstantMentor", sender);
        let task = tokio::spawn(task.run());
        notifications.show(ring(CallId::new()));
        shown(&notifications, Availability::Missing).await;
        drop(notifications);
        task.await.unwrap();
    });
}
