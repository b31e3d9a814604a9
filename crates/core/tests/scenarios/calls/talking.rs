//! Calls as they should go.

use super::{Device, Pair};
use im_call::media::{DeviceNotice, Levels, MediaCommand, MediaEvent, PictureUrls};
use im_contract::{
    Commands, ErrorKind,
    args::{CallArgs, CallRejectArgs, CallStartArgs, Nothing, SwitchArgs},
    views::{CallNotice, CallPhase, ContentView, PictureSize, RingEnd},
};
use im_core::notify::{Action, NotificationAction, NotificationId, Notifier as _, Urgency};
use im_protocol::{
    ConversationId,
    call::{CallOutcome, RejectReason},
};

#[tokio::test]
async fn maya_takes_sams_call_they_talk_and_write_and_hang_up() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    let ring = pair.maya.ring().await;
    assert_eq!((ring.caller.name.as_str(), ring.video), ("Sam", true));
    assert_eq!(ring.course.as_deref(), Some("Algebra"));
    assert_eq!(ring.about, "fractions");
    assert!(ring.remaining_ms <= 45_000 && ring.remaining_ms > 30_000);
    assert!(pair.maya.bell.rings());
    let shown = pair.maya.desktop.shown();
    let [notification] = &shown[..] else {
        panic!("one notification: {shown:?}");
    };
    assert_eq!(notification.title, "Sam is calling");
    assert_eq!(notification.body, "fractions");
    assert_eq!(notification.urgency, Urgency::Critical);
    assert_eq!(notification.buttons.len(), 2);
    pair.sam.phase(CallPhase::Delivered).await;
    pair.maya.core.calls_shown(CallArgs { call }).await.unwrap();
    let seen = pair.sam.phase(CallPhase::Ringing).await;
    assert_eq!((seen.other.name.as_str(), seen.outgoing), ("Maya", true));

    pair.maya.accept(call).await;
    pair.sam.phase(CallPhase::Connected).await;
    let connected = pair.maya.phase(CallPhase::Connected).await;
    assert_eq!((connected.outgoing, connected.camera), (false, false));
    assert!(connected.connected_at.is_some());
    assert!(!pair.maya.bell.rings());
    assert!(pair.maya.desktop.shown().is_empty());
    let size = PictureSize {
        width: 640,
        height: 360,
    };
    pair.maya
        .until("Sam is seen", |core| {
            Box::pin(async move {
                let current = core.calls_current(Nothing {}).await.unwrap();
                current.unwrap().remote_size == Some(size)
            })
        })
        .await;

    pair.sam.say(pair.conversation, "Do you hear me?").await;
    pair.maya
        .reads(pair.conversation, &["Do you hear me?"])
        .await;
    pair.sam.hang_up(call).await;
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
    let over = pair.maya.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
    for device in [&pair.sam, &pair.maya] {
        device.media.opened(1).await.unwrap().closed().await;
        device.core.calls_dismiss(CallArgs { call }).await.unwrap();
        assert_eq!(device.current().await, None);
    }
    pair.maya
        .until("the record is there", |core| {
            let conversation = pair.conversation;
            Box::pin(async move {
                let messages = super::super::device::messages(core, conversation).await;
                let last = messages.last().map(|last| last.content.clone());
                matches!(
                    last,
                    Some(ContentView::Call {
                        outcome: CallOutcome::Ended,
                        ..
                    })
                )
            })
        })
        .await;
}

#[tokio::test]
async fn accept_on_the_notification_answers_with_what_the_caller_chose() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    let accept = NotificationAction {
        id: NotificationId::Ring(call),
        action: Action::Accept,
    };
    pair.maya.actions.send(accept).await.unwrap();
    let connected = pair.maya.phase(CallPhase::Connected).await;
    assert!(connected.camera);
    let setup = pair.maya.media.opened(1).await.unwrap().setup;
    assert!(setup.send.video);
}

#[tokio::test]
async fn open_on_the_notification_brings_the_ring_and_the_notification_back() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    pair.maya.told().await;
    let id = NotificationId::Ring(call);
    // A desktop takes a notification away once the person has acted on it.
    pair.maya.desktop.withdraw(id);
    let action = Action::Open;
    let open = NotificationAction { id, action };
    pair.maya.actions.send(open).await.unwrap();
    assert_eq!(pair.maya.ring_told().await.call, call);
    assert!(pair.maya.bell.rings());
    pair.maya.shows(&[id]).await;
}

#[tokio::test]
async fn the_caller_is_not_told_that_a_ring_is_seen_before_it_is_or_after_it_is_over() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    pair.sam.phase(CallPhase::Delivered).await;
    pair.maya.core.calls_shown(CallArgs { call }).await.unwrap();
    pair.sam.phase(CallPhase::Ringing).await;
    pair.sam.hang_up(call).await;
    pair.maya.quiet().await;
    let late = pair.maya.core.calls_shown(CallArgs { call }).await;
    assert_eq!(late.unwrap_err().kind, ErrorKind::CallOver);
}

#[tokio::test]
async fn decline_on_the_notification_and_with_a_reason() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    let decline = NotificationAction {
        id: NotificationId::Ring(call),
        action: Action::Decline,
    };
    pair.maya.actions.send(decline).await.unwrap();
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Rejected));
    pair.maya.quiet().await;

    let call = pair.ringing().await;
    let args = CallRejectArgs {
        call,
        reason: RejectReason::InSession,
    };
    pair.maya.core.calls_reject(args).await.unwrap();
    pair.sam
        .until("Sam hears why", |core| {
            Box::pin(async move {
                let current = core.calls_current(Nothing {}).await.unwrap();
                current.unwrap().reason == Some(RejectReason::InSession)
            })
        })
        .await;
    let late = pair.maya.core.calls_reject(args).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::CallOver);
    assert_eq!(pair.maya.current().await, None);
}

#[tokio::test]
async fn it_rings_on_all_devices_and_stops_on_all() {
    let mut pair = Pair::new().await;
    let mut tablet = Device::of("Maya", &pair.server.url()).await;
    let call = pair.ringing().await;
    tablet.ring().await;
    pair.maya.accept(call).await;
    assert_eq!(tablet.ring_end(call).await, RingEnd::AnsweredElsewhere);
    assert!(super::rings(&tablet.core).await.is_empty());
    assert!(!tablet.bell.rings());
    assert!(tablet.desktop.shown().is_empty());
    pair.maya.phase(CallPhase::Connected).await;
    assert_eq!(tablet.current().await, None);
}

#[tokio::test]
async fn sam_gives_up_and_maya_is_told_of_a_missed_call() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    pair.sam.hang_up(call).await;
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Canceled));
    pair.maya.quiet().await;
    let conversation = pair.conversation;
    let id = NotificationId::MissedCall { call, conversation };
    let desktop = pair.maya.desktop.clone();
    pair.maya
        .until("the missed call is told", |_| {
            let missed = desktop.shown().iter().any(|shown| shown.id == id);
            Box::pin(async move { missed })
        })
        .await;
}

#[tokio::test]
async fn two_who_call_each_other_are_in_one_call() {
    let mut pair = Pair::new().await;
    let (sam, maya) = (&pair.sam, &pair.maya);
    let id = pair.conversation;
    tokio::join!(sam.rings_up(id), maya.rings_up(id));
    let sams = pair.sam.phase(CallPhase::Connected).await;
    let mayas = pair.maya.phase(CallPhase::Connected).await;
    assert_eq!(sams.call, mayas.call);
    assert_ne!(sams.outgoing, mayas.outgoing);
    assert_eq!(
        (sams.other.name, mayas.other.name),
        ("Maya".into(), "Sam".into())
    );
    pair.maya.quiet().await;
    pair.sam.quiet().await;
}

#[tokio::test]
async fn switches_reach_media_and_what_media_tells_reaches_the_person() {
    let mut pair = Pair::new().await;
    pair.connected().await;
    let off = SwitchArgs { on: false };
    pair.sam.core.calls_microphone(off).await.unwrap();
    pair.sam.core.calls_camera(off).await.unwrap();
    let media = pair.sam.media.opened(1).await.unwrap();
    assert!(
        media
            .command(|command| *command == MediaCommand::Camera(false))
            .await
    );
    assert!(media.commands().contains(&MediaCommand::Microphone(false)));
    let current = pair.sam.current().await.unwrap();
    assert!(!current.microphone && !current.camera);

    pair.sam.told().await;
    let levels = Levels {
        microphone: 0.5,
        remote: 0.25,
    };
    media.tell(MediaEvent::Levels(levels)).await;
    media.tell(MediaEvent::Notice(DeviceNotice::NoCamera)).await;
    media
        .tell(MediaEvent::Pictures(PictureUrls {
            remote: "ws://127.0.0.1:1/remote".to_owned(),
            own: "ws://127.0.0.1:1/own".to_owned(),
        }))
        .await;
    pair.sam
        .until("the pictures can be fetched", |core| {
            Box::pin(async move {
                let current = core.calls_current(Nothing {}).await.unwrap().unwrap();
                current.pictures.is_some() && current.notices == [CallNotice::NoCamera]
            })
        })
        .await;

    media
        .tell(MediaEvent::NoticeOver(DeviceNotice::NoCamera))
        .await;
    pair.sam
        .until("the camera is there", |core| {
            Box::pin(async move {
                let current = core.calls_current(Nothing {}).await.unwrap().unwrap();
                current.notices.is_empty()
            })
        })
        .await;
}

#[tokio::test]
async fn a_call_that_cannot_be_is_refused_at_once() {
    let mut pair = Pair::new().await;
    let start = |conversation, about: &str| CallStartArgs {
        conversation,
        video: false,
        about: about.to_owned(),
    };
    let core = pair.sam.core.clone();
    let refused = |args| {
        let core = core.clone();
        async move { core.calls_start(args).await.unwrap_err().kind }
    };
    let nowhere = start(ConversationId::new(), "");
    assert_eq!(refused(nowhere).await, ErrorKind::NotFound);
    let long = start(pair.conversation, &"x".repeat(201));
    assert_eq!(refused(long).await, ErrorKind::TooLong);
    pair.connected().await;
    let second = start(pair.conversation, "");
    assert_eq!(refused(second).await, ErrorKind::InACall);
    // From another device of his: the server says so.
    let phone = Device::of("Sam", &pair.server.url()).await;
    let second = phone.core.calls_start(start(pair.conversation, "")).await;
    assert_eq!(second.unwrap_err().kind, ErrorKind::InACall);
    assert_eq!(phone.current().await, None);
}
