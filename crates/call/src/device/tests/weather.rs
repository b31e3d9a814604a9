//! The same on a bad network: notices lost and out of order, sockets cut, the server killed, media
//! broken, people who do things at any time. Each run can be repeated by its seed.

use super::world::{MAYA, SAM, TABLET, World};
use crate::{
    device::{Output, Stage},
    media::PathProblem,
};
use im_protocol::{
    CallId,
    call::{CallState, MediaKinds, RejectReason},
};
use std::collections::HashMap;

fn someone_does_something(world: &mut World) {
    let device = *world.chance.one_of(&[SAM, SAM, MAYA, TABLET]);
    let rings = world.rings(device);
    let call = rings.or_else(|| world.progress(device).map(|progress| progress.call));
    match (world.chance.below(20), call) {
        (0..=3, _) => {
            world.start(device, MediaKinds::VIDEO);
        }
        // What is not possible at that point is denied, which is well.
        (4..=9, Some(call)) => {
            let _ = world.does(device, |calls, now| {
                calls.accept(call, MediaKinds::AUDIO, now)
            });
        }
        (10, Some(call)) => {
            let _ = world.does(device, |calls, now| {
                calls.reject(call, RejectReason::Declined, now)
            });
        }
        (11, Some(call)) => {
            let _ = world.does(device, |calls, now| calls.hang_up(call, now));
        }
        (12, Some(call)) => {
            let _ = world.does(device, |calls, now| calls.shown(call, now));
        }
        (13, Some(call)) => {
            let _ = world.does(device, |calls, now| calls.camera(call, true, now));
        }
        (14, _) => world.lose_media(PathProblem::Broken),
        (15, _) => world.lose_media(PathProblem::KeysMissing),
        (16 | 17, _) => world.cut(device),
        (18, _) if world.chance.below(4) == 0 => world.stop_server(),
        _ => {}
    }
    if world.chance.below(3) == 0 {
        world.start_server();
        for device in [SAM, MAYA, TABLET] {
            world.connect(device);
        }
    }
}

fn calm(world: &mut World) {
    world.lost = 0;
    world.delay = 20;
    for device in &mut world.devices {
        device.fail = None;
    }
    world.start_server();
    for device in [SAM, MAYA, TABLET] {
        world.connect(device);
    }
}

fn storm(seed: u64) -> World {
    let mut world = World::new(seed);
    world.lost = world.chance.below(30);
    world.delay = 20 + world.chance.below(400);
    if seed.is_multiple_of(3) {
        let attempts = world.chance.below(3);
        world.devices[SAM].fail = Some((attempts, PathProblem::Broken));
        world.devices[MAYA].fail = Some((attempts, PathProblem::KeysMissing));
    }
    for _ in 0..60 {
        someone_does_something(&mut world);
        let pause = u64::from(world.chance.below(2_500));
        world.run(pause);
    }
    calm(&mut world);
    world
}

/// What two devices and the server must agree on, however it came about.
fn agree(world: &World, seed: u64) {
    assert!(
        world.active.is_empty(),
        "seed {seed}: somebody is busy for ever"
    );
    for call in world.calls.values() {
        assert!(call.is_over(), "seed {seed}: {call:?}");
        let records = world.records.iter().filter(|(id, _)| *id == call.id);
        assert_eq!(records.count(), 1, "seed {seed}: one record");
    }
    for (device, it) in world.devices.iter().enumerate() {
        let context = format!("seed {seed}, device {device}");
        assert!(it.calls.is_idle(), "{context}: {:?}", it.calls);
        assert!(it.media.is_empty(), "{context}: media is open");
        assert_eq!(world.rings(device), None, "{context}: it rings on");
        let mut last: HashMap<CallId, &Stage> = HashMap::new();
        for output in &it.log {
            match output {
                Output::Progress(progress) => {
                    let before = last.insert(progress.call, &progress.stage);
                    let was_over = matches!(before, Some(Stage::Over(_)));
                    assert!(!was_over, "{context}: a call came back");
                }
                Output::Joined { asked, .. } => {
                    last.remove(asked);
                }
                _ => {}
            }
        }
        for (call, stage) in last {
            assert!(
                matches!(stage, Stage::Over(_)),
                "{context}: {call:?} {stage:?}"
            );
        }
    }
}

#[test]
fn after_any_storm_a_call_connects_or_ends_and_all_agree() {
    let (mut connected, mut ended) = (0, 0);
    for seed in 0..400 {
        let mut world = storm(seed);
        // Long enough for a ring, the time to connect, and the way back to a connection.
        world.run(140_000);
        let live: Vec<CallId> = world
            .calls
            .values()
            .filter(|call| !call.is_over())
            .map(|call| call.id)
            .collect();
        for call in live {
            connected += 1;
            assert_eq!(
                world.calls[&call].state,
                CallState::Connected,
                "seed {seed}"
            );
            let up = |world: &World| {
                let media = world
                    .devices
                    .iter()
                    .filter_map(|device| device.media.get(&call));
                media.filter(|peer| peer.is_up()).count()
            };
            assert_eq!(up(&world), 2, "seed {seed}: both hear each other");
            let device = if world.devices[SAM].calls.in_call() {
                SAM
            } else {
                MAYA
            };
            world
                .does(device, |calls, now| calls.hang_up(call, now))
                .unwrap();
        }
        world.run(20_000);
        ended += world.calls.len();
        agree(&world, seed);
    }
    assert!(
        connected > 20,
        "the storms must leave some calls: {connected}"
    );
    assert!(ended > 400, "and there must be many: {ended}");
}

#[test]
fn on_a_good_network_with_late_words_every_accept_connects() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        world.delay = 300;
        world.start(SAM, MediaKinds::VIDEO);
        world.until(2_000, "it rings", |world| world.rings(MAYA).is_some());
        let call = world.rings(MAYA).unwrap();
        world
            .does(MAYA, |maya, now| maya.accept(call, MediaKinds::VIDEO, now))
            .unwrap();
        world.until(3_000, "both connected", |world| {
            [SAM, MAYA]
                .iter()
                .all(|device| world.stage(*device) == Some(Stage::Connected))
        });
        let again = world.devices[MAYA].log.iter().any(|output| {
            matches!(
                output,
                Output::Media(_, crate::media::MediaCommand::Offer { generation: 2, .. })
            )
        });
        assert!(!again, "seed {seed}: a delay is no reason for a new offer");
    }
}

#[test]
fn a_lost_signal_is_healed_by_a_new_generation() {
    let mut healed = 0;
    for seed in 0..100 {
        let mut world = World::new(seed);
        world.start(SAM, MediaKinds::VIDEO);
        world.until(1_000, "it rings", |world| world.rings(MAYA).is_some());
        let call = world.rings(MAYA).unwrap();
        world.lost = 40;
        world
            .does(MAYA, |maya, now| maya.accept(call, MediaKinds::VIDEO, now))
            .unwrap();
        world.run(1_000);
        world.lost = 0;
        world.until(15_000, "both connected", |world| {
            [SAM, MAYA]
                .iter()
                .all(|device| world.stage(*device) == Some(Stage::Connected))
        });
        healed += u32::from(world.devices[MAYA].log.iter().any(|output| {
            matches!(output, Output::Media(_, crate::media::MediaCommand::Offer { generation, .. }) if *generation > 1)
        }));
    }
    assert!(healed > 10, "some must have needed it: {healed}");
}
