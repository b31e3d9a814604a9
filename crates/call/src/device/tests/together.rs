//! Sam, Maya at her desk and with her tablet, and the server's rules.

use super::world::{MAYA, SAM, TABLET, World};
use crate::{
    device::{Denied, Output, Request, RingEnding, Stage, Why},
    media::{MediaCommand, PathProblem},
};
use im_protocol::{
    CallId,
    call::{CallOutcome, MediaKinds, RejectReason, RingReceipt},
};

fn ring(world: &mut World) -> CallId {
    let call = world.start(SAM, MediaKinds::VIDEO);
    world.until(1_000, "it rings at Maya's", |world| {
        world.rings(MAYA) == Some(call) && world.rings(TABLET) == Some(call)
    });
    call
}

fn connect(world: &mut World) -> CallId {
    let call = ring(world);
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    world.until(2_000, "both connected", both_connected);
    world.run(500);
    call
}

fn both_connected(world: &World) -> bool {
    [SAM, MAYA].map(|device| world.stage(device))
        == [Some(Stage::Connected), Some(Stage::Connected)]
}

fn all_idle(world: &World) -> bool {
    world.devices.iter().all(|device| device.calls.is_idle())
}

#[test]
fn maya_takes_sams_call_at_her_desk_and_the_tablet_stops_at_once() {
    let mut world = World::new(1);
    let call = ring(&mut world);
    world.until(1_000, "Sam sees that it rings there", |world| {
        world.stage(SAM) == Some(Stage::Ringing(RingReceipt::Delivered))
    });
    world
        .does(TABLET, |maya, now| maya.shown(call, now))
        .unwrap();
    world.until(1_000, "Sam sees that Maya sees it", |world| {
        world.stage(SAM) == Some(Stage::Ringing(RingReceipt::Shown))
    });
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    world.until(200, "the tablet is still", |world| {
        world.rings(TABLET).is_none()
    });
    world.until(1_000, "both connected", both_connected);
    assert_eq!(world.endings(MAYA), [RingEnding::Accepted]);
    assert_eq!(world.endings(TABLET), [RingEnding::AnsweredElsewhere]);
    assert!(world.progress(SAM).unwrap().camera);
    assert!(!world.progress(MAYA).unwrap().camera);

    world.run(60_000);
    world.does(SAM, |sam, now| sam.hang_up(call, now)).unwrap();
    assert_eq!(world.stage(SAM), Some(Stage::Over(Why::HungUp)));
    world.until(500, "Maya hears it", |world| {
        world.stage(MAYA) == Some(Stage::Over(Why::OtherHungUp))
    });
    world.until(1_000, "all is done", all_idle);
    assert_eq!(world.records, [(call, CallOutcome::Ended)]);
    assert!(world.active.is_empty());
}

#[test]
fn only_maya_offers_and_there_is_one_generation_when_nothing_goes_wrong() {
    let mut world = World::new(2);
    connect(&mut world);
    let offers = |device: usize| {
        let log = world.devices[device].log.iter();
        log.filter(|output| matches!(output, Output::Send(_, Request::Offer(_))))
            .count()
    };
    assert_eq!((offers(SAM), offers(MAYA)), (0, 1));
}

#[test]
fn of_two_accepts_one_wins_and_the_other_hears_so() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        let call = ring(&mut world);
        for device in [MAYA, TABLET] {
            world
                .does(device, |maya, now| {
                    maya.accept(call, MediaKinds::AUDIO, now)
                })
                .unwrap();
        }
        world.run(3_000);
        let stages = [MAYA, TABLET].map(|device| world.stage(device).unwrap());
        assert!(
            stages.contains(&Stage::Connected),
            "seed {seed}: {stages:?}"
        );
        assert!(
            stages.contains(&Stage::Over(Why::AnsweredElsewhere)),
            "seed {seed}: {stages:?}"
        );
        assert_eq!(world.stage(SAM), Some(Stage::Connected));
    }
}

#[test]
fn a_decline_on_one_device_stops_all_and_the_reason_arrives() {
    let mut world = World::new(3);
    let call = ring(&mut world);
    world
        .does(TABLET, |maya, now| {
            maya.reject(call, RejectReason::BackSoon, now)
        })
        .unwrap();
    world.until(1_000, "Sam hears why", |world| {
        world.stage(SAM) == Some(Stage::Over(Why::Declined(RejectReason::BackSoon)))
    });
    world.until(1_000, "all is done", all_idle);
    assert_eq!(world.endings(TABLET), [RingEnding::Declined]);
    assert_eq!(world.endings(MAYA), [RingEnding::DeclinedElsewhere]);
}

#[test]
fn sam_gives_up_and_both_of_mayas_devices_stop() {
    let mut world = World::new(4);
    let call = ring(&mut world);
    world.does(SAM, |sam, now| sam.hang_up(call, now)).unwrap();
    world.until(1_000, "all is done", all_idle);
    for device in [MAYA, TABLET] {
        assert_eq!(world.endings(device), [RingEnding::CallerGaveUp]);
    }
    assert_eq!(world.outcome(call), Some(CallOutcome::Canceled));
}

#[test]
fn nobody_answers_for_45_seconds() {
    let mut world = World::new(5);
    let call = ring(&mut world);
    world.run(44_000);
    assert_eq!(world.rings(MAYA), Some(call));
    world.until(3_000, "Sam hears it", |world| {
        world.stage(SAM) == Some(Stage::Over(Why::NoAnswer))
    });
    world.until(1_000, "all is done", all_idle);
    assert_eq!(world.endings(MAYA), [RingEnding::TimedOut]);
    assert_eq!(world.records, [(call, CallOutcome::Missed)]);
}

#[test]
fn a_device_that_was_offline_rings_late_and_one_that_comes_too_late_does_not_ring() {
    let mut world = World::new(6);
    world.cut(MAYA);
    world.cut(TABLET);
    let call = world.start(SAM, MediaKinds::AUDIO);
    world.run(20_000);
    assert_eq!(world.stage(SAM), Some(Stage::Ringing(RingReceipt::Sent)));
    world.connect(MAYA);
    world.until(1_000, "a late ring", |world| {
        world.rings(MAYA) == Some(call)
    });
    world.until(1_000, "Sam sees it", |world| {
        world.stage(SAM) == Some(Stage::Ringing(RingReceipt::Delivered))
    });
    let left = world.calls[&call].deadline.unwrap() - (1_800_000_000_000 + world.now as i64);
    world.run(left as u64 + 1_000);
    assert_eq!(world.endings(MAYA), [RingEnding::TimedOut]);
    world.run(60_000);
    world.connect(TABLET);
    world.run(10_000);
    assert_eq!(world.endings(TABLET), []);
}

#[test]
fn both_call_each_other_and_have_one_call() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        let sams = world.start(SAM, MediaKinds::VIDEO);
        world.run(seed % 30);
        let mayas = world.start(TABLET, MediaKinds::AUDIO);
        world.run(3_000);
        assert_eq!(world.stage(SAM), Some(Stage::Connected), "seed {seed}");
        assert_eq!(world.stage(TABLET), Some(Stage::Connected), "seed {seed}");
        assert_eq!(world.rings(MAYA), None);
        assert_eq!(world.calls.len(), 1);
        let call = *world.calls.keys().next().unwrap();
        assert!(call == sams || call == mayas);
        let joined = world
            .devices
            .iter()
            .flat_map(|device| &device.log)
            .find_map(|output| match output {
                Output::Joined { asked, call } => Some((*asked, *call)),
                _ => None,
            });
        let other = if call == sams { mayas } else { sams };
        assert_eq!(joined, Some((other, call)), "seed {seed}");
        world.does(SAM, |sam, now| sam.hang_up(call, now)).unwrap();
        world.until(1_000, "all is done", all_idle);
        assert_eq!(world.records, [(call, CallOutcome::Ended)]);
    }
}

#[test]
fn a_person_in_a_call_cannot_start_another_on_that_device() {
    let mut world = World::new(7);
    let call = connect(&mut world);
    let start = im_protocol::call::CallStart {
        id: CallId::new(),
        conversation: world.calls[&call].conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    let denied = world.does(SAM, |sam, now| sam.start(start, now));
    assert_eq!(denied, Err(Denied::InCall));
    let denied = world.does(SAM, |sam, now| sam.accept(call, MediaKinds::AUDIO, now));
    assert_eq!(denied, Err(Denied::NotNow));
    let other = CallId::new();
    let denied = world.does(SAM, |sam, now| sam.hang_up(other, now));
    assert_eq!(denied, Err(Denied::NoSuchCall));
}

#[test]
fn the_server_restarts_while_it_rings_and_the_ring_goes_on() {
    let mut world = World::new(8);
    let call = ring(&mut world);
    world.run(10_000);
    world.stop_server();
    world.run(5_000);
    assert_eq!(world.rings(MAYA), Some(call), "rings on by its own clock");
    world.start_server();
    for device in [SAM, MAYA, TABLET] {
        world.connect(device);
    }
    world.run(1_000);
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    world.until(1_000, "both connected", both_connected);
}

#[test]
fn accepted_while_the_server_is_away_it_connects_when_the_server_is_back() {
    let mut world = World::new(9);
    let call = ring(&mut world);
    world.stop_server();
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    assert_eq!(world.stage(MAYA), Some(Stage::Connecting));
    world.run(4_000);
    world.start_server();
    for device in [SAM, MAYA, TABLET] {
        world.connect(device);
    }
    world.until(2_000, "both connected", both_connected);
    assert_eq!(world.endings(TABLET), [RingEnding::AnsweredElsewhere]);
}

#[test]
fn a_call_goes_on_without_the_server_for_ten_minutes() {
    let mut world = World::new(10);
    connect(&mut world);
    world.stop_server();
    world.run(600_000);
    assert!(both_connected(&world));
    world.start_server();
    world.connect(SAM);
    world.connect(MAYA);
    world.run(5_000);
    assert!(both_connected(&world));
    assert!(world.calls.values().all(|call| !call.is_over()));
}

#[test]
fn hung_up_without_a_server_it_is_over_here_and_told_later() {
    let mut world = World::new(11);
    let call = connect(&mut world);
    world.cut(SAM);
    world.does(SAM, |sam, now| sam.hang_up(call, now)).unwrap();
    assert_eq!(world.stage(SAM), Some(Stage::Over(Why::HungUp)));
    assert!(world.devices[SAM].media.is_empty());
    world.run(3_000);
    assert_eq!(world.stage(MAYA), Some(Stage::Connected));
    world.connect(SAM);
    world.until(1_000, "Maya hears it", |world| {
        world.stage(MAYA) == Some(Stage::Over(Why::OtherHungUp))
    });
    assert_eq!(world.outcome(call), Some(CallOutcome::Ended));
}

#[test]
fn a_broken_way_is_restarted_and_missing_keys_are_rebuilt() {
    for (problem, restarts, rebuilds) in [
        (PathProblem::Broken, true, false),
        (PathProblem::KeysMissing, false, true),
    ] {
        let mut world = World::new(12);
        connect(&mut world);
        world.run(5_000);
        world.lose_media(problem);
        world.until(500, "Maya sees it", |world| {
            world.stage(MAYA) == Some(Stage::Reconnecting)
        });
        world.until(3_000, "back", both_connected);
        let second = world.devices[MAYA]
            .log
            .iter()
            .find_map(|output| match output {
                Output::Media(
                    _,
                    MediaCommand::Offer {
                        generation: 2,
                        restart,
                        rebuild,
                    },
                ) => Some((*restart, *rebuild)),
                _ => None,
            });
        assert_eq!(second, Some((restarts, rebuilds)));
    }
}

#[test]
fn first_attempts_that_fail_are_followed_by_others() {
    let mut world = World::new(13);
    world.devices[SAM].fail = Some((2, PathProblem::Broken));
    world.devices[MAYA].fail = Some((1, PathProblem::KeysMissing));
    let call = ring(&mut world);
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    world.until(18_000, "both connected", both_connected);
}

#[test]
fn a_way_that_never_opens_fails_the_call_on_both_sides() {
    let mut world = World::new(14);
    world.devices[SAM].fail = Some((1_000, PathProblem::Broken));
    world.devices[MAYA].fail = Some((1_000, PathProblem::Broken));
    let call = ring(&mut world);
    world
        .does(MAYA, |maya, now| maya.accept(call, MediaKinds::AUDIO, now))
        .unwrap();
    world.until(22_000, "both have heard", |world| {
        [SAM, MAYA].map(|device| world.stage(device))
            == [const { Some(Stage::Over(Why::Failed)) }; 2]
    });
    assert_eq!(world.outcome(call), Some(CallOutcome::Failed));
    assert!(world.devices.iter().all(|device| device.media.is_empty()));
}

#[test]
fn a_way_that_is_gone_for_a_minute_ends_the_call() {
    let mut world = World::new(15);
    let call = connect(&mut world);
    world.cut(MAYA);
    world.lose_media(PathProblem::Broken);
    world.run(50_000);
    assert_eq!(world.stage(SAM), Some(Stage::Reconnecting));
    world.until(15_000, "given up", |world| {
        world.stage(SAM) == Some(Stage::Over(Why::Failed))
    });
    world.run(1_000);
    assert_eq!(world.outcome(call), Some(CallOutcome::Failed));
}

#[test]
fn a_killed_app_ends_its_call_when_it_is_started_again() {
    let mut world = World::new(16);
    let call = connect(&mut world);
    world.restart_app(MAYA);
    world.until(1_000, "Sam hears it", |world| {
        matches!(world.stage(SAM), Some(Stage::Over(_)))
    });
    assert_eq!(world.outcome(call), Some(CallOutcome::Failed));
    assert!(world.devices[MAYA].media.is_empty());
    assert_eq!(world.stage(MAYA), None);
}

#[test]
fn a_killed_app_of_a_caller_does_not_ring_on() {
    let mut world = World::new(17);
    let call = ring(&mut world);
    world.restart_app(SAM);
    world.until(1_000, "the ring stops", |world| world.rings(MAYA).is_none());
    assert_eq!(world.outcome(call), Some(CallOutcome::Canceled));
}

#[test]
fn a_call_started_without_a_connection_waits_a_little_and_then_says_so() {
    let mut world = World::new(18);
    world.cut(SAM);
    let call = world.start(SAM, MediaKinds::AUDIO);
    world.run(5_000);
    assert_eq!(world.stage(SAM), Some(Stage::Calling));
    world.connect(SAM);
    world.until(1_000, "it rings", |world| world.rings(MAYA) == Some(call));
    world.does(SAM, |sam, now| sam.hang_up(call, now)).unwrap();
    world.run(1_000);

    world.cut(SAM);
    world.start(SAM, MediaKinds::AUDIO);
    world.run(16_000);
    assert_eq!(world.stage(SAM), Some(Stage::Over(Why::Unreachable)));
    world.connect(SAM);
    world.run(5_000);
    assert_eq!(world.rings(MAYA), None);
    assert_eq!(
        world.calls.len(),
        1,
        "what was given up is not started later"
    );
}

#[test]
fn switches_set_before_media_is_open_hold_afterwards() {
    let mut world = World::new(19);
    let call = ring(&mut world);
    world
        .does(SAM, |sam, now| sam.microphone(call, false, now))
        .unwrap();
    world
        .does(MAYA, |maya, now| {
            maya.accept(call, MediaKinds::AUDIO, now).unwrap();
            maya.camera(call, true, now)
        })
        .unwrap();
    world.until(2_000, "both connected", both_connected);
    let commands = |device: usize| -> Vec<MediaCommand> {
        let log = world.devices[device].log.iter();
        log.filter_map(|output| match output {
            Output::Media(_, command @ (MediaCommand::Microphone(_) | MediaCommand::Camera(_))) => {
                Some(command.clone())
            }
            _ => None,
        })
        .collect()
    };
    assert_eq!(commands(SAM), [MediaCommand::Microphone(false)]);
    assert_eq!(commands(MAYA), [MediaCommand::Camera(true)]);
}

#[test]
fn media_that_cannot_be_opened_ends_the_call_and_says_so() {
    let mut world = World::new(20);
    let call = connect(&mut world);
    world.does(SAM, |sam, now| sam.media_lost(call, now));
    assert_eq!(world.stage(SAM), Some(Stage::Over(Why::NoMedia)));
    world.run(1_000);
    assert_eq!(world.outcome(call), Some(CallOutcome::Failed));
    assert!(matches!(world.stage(MAYA), Some(Stage::Over(_))));
}
