//! Calls on bad days.

use super::{Device, Pair};
use im_call::media::{MediaCommand, PathProblem};
use im_contract::{
    Commands, ErrorKind,
    args::{CallStartArgs, Nothing, SignOutArgs, Unsent},
    views::{CallPhase, ConnectionState},
};
use im_protocol::call::CallOutcome;
use std::time::Duration;

#[tokio::test]
async fn nobody_answers_and_the_call_was_missed_also_for_who_was_away() {
    let mut pair = Pair::new().await;
    pair.maya.core.stop().await;
    pair.sam.rings_up(pair.conversation).await;
    pair.sam.phase(CallPhase::Calling).await;
    pair.server.clock().advance(Duration::from_secs(45));
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Missed));
    let mut maya = pair.maya.restart().await;
    maya.caught_up().await;
    let desktop = maya.desktop.clone();
    maya.until("the missed call is told", |_| {
        let shown = desktop.shown();
        Box::pin(async move { shown.iter().any(|shown| shown.body == "Sam called you.") })
    })
    .await;
    assert!(!maya.bell.rings());
    assert_eq!(maya.conversations().await[0].unread, 1);
}

#[tokio::test]
async fn a_device_that_is_opened_while_it_rings_rings_late() {
    let mut pair = Pair::new().await;
    pair.maya.core.stop().await;
    let call = pair.sam.rings_up(pair.conversation).await.call;
    pair.server.clock().advance(Duration::from_secs(20));
    let mut maya = pair.maya.restart().await;
    let ring = maya.ring().await;
    assert_eq!(ring.call, call);
    assert!(ring.remaining_ms <= 25_000 && ring.waiting_ms >= 20_000);
    maya.accept(call).await;
    maya.phase(CallPhase::Connected).await;
    pair.sam.phase(CallPhase::Connected).await;
}

#[tokio::test]
async fn it_rings_on_a_device_that_has_fetched_nothing_yet_with_the_right_name() {
    let pair = Pair::new().await;
    let call = pair.sam.rings_up(pair.conversation).await.call;
    let mut new = Device::new(&pair.server.url()).await;
    new.sign_in("Maya").await.unwrap();
    assert_eq!(new.ring().await.call, call);
    // On a slow day the name comes after the ring.
    new.until("the ring has its name", |core| {
        Box::pin(async move {
            let rings = super::rings(core).await;
            rings.iter().any(|ring| ring.caller.name == "Sam")
        })
    })
    .await;
}

#[tokio::test]
async fn the_server_restarts_while_it_rings_and_the_ring_goes_on() {
    let mut pair = Pair::new().await;
    let call = pair.ringing().await;
    pair.server.down().await;
    pair.maya.connection(ConnectionState::Waiting).await;
    assert_eq!(pair.maya.ring().await.call, call);
    pair.server.up().await;
    pair.maya.connection(ConnectionState::Online).await;
    pair.sam.connection(ConnectionState::Online).await;
    assert!(pair.maya.bell.rings());
    pair.maya.accept(call).await;
    pair.maya.phase(CallPhase::Connected).await;
    pair.sam.phase(CallPhase::Connected).await;
}

#[tokio::test]
async fn a_call_goes_on_while_the_server_is_away_and_is_hung_up_afterwards() {
    let mut pair = Pair::new().await;
    let call = pair.connected().await;
    pair.server.down().await;
    for device in [&mut pair.sam, &mut pair.maya] {
        device.connection(ConnectionState::Waiting).await;
        assert_eq!(device.current().await.unwrap().phase, CallPhase::Connected);
    }
    pair.server.up().await;
    pair.sam.connection(ConnectionState::Online).await;
    pair.maya.connection(ConnectionState::Online).await;
    assert_eq!(
        pair.sam.current().await.unwrap().phase,
        CallPhase::Connected
    );
    pair.maya.hang_up(call).await;
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
}

#[tokio::test]
async fn a_broken_way_is_found_again() {
    let mut pair = Pair::new().await;
    pair.connected().await;
    let sams = pair.sam.media.opened(1).await.unwrap();
    let mayas = pair.maya.media.opened(1).await.unwrap();
    sams.lose(PathProblem::Broken).await;
    mayas.lose(PathProblem::Broken).await;
    let restarted = |command: &MediaCommand| {
        matches!(
            command,
            MediaCommand::Offer {
                generation: 2,
                restart: true,
                ..
            }
        )
    };
    assert!(mayas.command(restarted).await);
    pair.sam.phase(CallPhase::Connected).await;
    pair.maya.phase(CallPhase::Connected).await;
}

#[tokio::test]
async fn media_that_does_not_open_fails_the_call_on_both_sides() {
    let mut pair = Pair::new().await;
    pair.maya.media.refuse(true);
    let call = pair.ringing().await;
    pair.maya.accept(call).await;
    for device in [&mut pair.maya, &mut pair.sam] {
        let over = device.phase(CallPhase::Over).await;
        assert_eq!(over.outcome.map(|_| over.call), Some(call));
    }
    assert_eq!(
        pair.maya.current().await.unwrap().outcome,
        Some(CallOutcome::Failed)
    );
}

#[tokio::test]
async fn media_that_crashes_in_the_call_ends_it() {
    let mut pair = Pair::new().await;
    pair.connected().await;
    pair.sam.media.opened(1).await.unwrap().stop().await;
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Failed));
    pair.maya.phase(CallPhase::Over).await;
    pair.maya.media.opened(1).await.unwrap().closed().await;
}

#[tokio::test]
async fn an_app_that_is_closed_or_signed_out_in_a_call_hangs_up() {
    let mut pair = Pair::new().await;
    pair.connected().await;
    pair.sam.core.stop().await;
    let over = pair.maya.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
    pair.sam.media.opened(1).await.unwrap().closed().await;
    pair.sam = pair.sam.restart().await;
    pair.sam.caught_up().await;

    pair.connected().await;
    let discard = SignOutArgs {
        unsent: Unsent::Discard,
    };
    pair.maya.core.account_sign_out(discard).await.unwrap();
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
}

#[tokio::test]
async fn a_device_that_is_signed_out_from_another_one_in_a_call_hangs_up() {
    let mut pair = Pair::new().await;
    pair.connected().await;
    let tablet = Device::of("Maya", &pair.server.url()).await;
    tablet
        .core
        .devices_sign_out_others(Nothing {})
        .await
        .unwrap();
    // At once, and not when the time for coming back is over.
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
    pair.maya.media.opened(1).await.unwrap().closed().await;
    assert!(tablet.current().await.is_none());
}

#[tokio::test]
async fn a_call_without_a_server_is_given_up_with_a_reason() {
    let mut pair = Pair::new().await;
    pair.server.down().await;
    pair.sam.connection(ConnectionState::Waiting).await;
    let args = CallStartArgs {
        conversation: pair.conversation,
        video: false,
        about: String::new(),
    };
    let started = pair.sam.core.calls_start(args).await.unwrap();
    assert_eq!(started.phase, CallPhase::Starting);
    // The person does not wait for it.
    pair.sam.hang_up(started.call).await;
    let over = pair.sam.phase(CallPhase::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Canceled));
    pair.server.up().await;
    pair.sam.connection(ConnectionState::Online).await;
    pair.maya.connection(ConnectionState::Online).await;
    assert!(super::rings(&pair.maya.core).await.is_empty());
    let late = pair
        .sam
        .core
        .calls_hang_up(im_contract::args::CallArgs { call: started.call });
    assert_eq!(late.await.unwrap_err().kind, ErrorKind::CallOver);
}
