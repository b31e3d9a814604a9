//! Random inputs in random order: what must hold does.

use super::*;
use crate::chance::Chance;

fn input(chance: &mut Chance, people: &People) -> Input {
    let who = *chance.one_of(&[
        people.sam,
        people.sam,
        people.maya,
        people.maya,
        people.mayas_tablet,
        people.sams_phone,
        people.noor,
    ]);
    match chance.below(12) {
        0 => Input::Receipt(who, RingReceipt::Delivered),
        1 => Input::Receipt(who, RingReceipt::Shown),
        2 => Input::Accept(who, MediaKinds::VIDEO),
        3 if chance.below(4) == 0 => Input::Reject(who, RejectReason::Declined),
        4 if chance.below(4) == 0 => Input::End {
            by: who,
            failed: chance.below(2) == 0,
        },
        5 | 6 => Input::Connected(who),
        7 => Input::Away(who),
        8 => Input::Back(who),
        9 => Input::Restarted,
        _ => Input::Deadline,
    }
}

#[test]
fn on_random_walks_a_call_ends_once_and_leaves_one_record() {
    let rules = Rules::default();
    let mut outcomes = std::collections::HashSet::new();
    for seed in 0..3_000 {
        let mut chance = Chance::new(seed);
        let people = people();
        let mut call = ringing(&people);
        let mut now = T0;
        let (mut freed, mut records) = (0, 0);
        for _ in 0..60 {
            now += i64::from(chance.below(6_000));
            let before = call.clone();
            let input = input(&mut chance, &people);
            let Ok(step) = rules.step(call.clone(), input, now) else {
                continue;
            };
            let told = step.effects.contains(&Effect::Tell);
            let context = format!("seed {seed}, {:?}, {input:?}", before.state);
            assert_eq!(step.call.rev, before.rev + u64::from(told), "{context}");
            if !told {
                assert_eq!(step.effects, [], "{context}");
                let seen =
                    |call: &Call| (call.state, call.outcome, call.receipt, call.callee_device);
                assert_eq!(seen(&step.call), seen(&before), "{context}");
            }
            if before.is_over() {
                assert_eq!(step.call, before, "{context}");
            }
            let order = |state| match state {
                CallState::Ringing => 0,
                CallState::Accepted => 1,
                CallState::Connected => 2,
                CallState::Over => 3,
            };
            assert!(order(step.call.state) >= order(before.state), "{context}");
            assert_eq!(
                step.call.is_over(),
                step.call.outcome.is_some(),
                "{context}"
            );
            assert_eq!(
                step.call.is_over(),
                step.call.ended_at.is_some(),
                "{context}"
            );
            let joined = matches!(step.call.state, CallState::Accepted | CallState::Connected);
            assert!(!joined || step.call.callee_device.is_some(), "{context}");
            assert!(
                step.call.is_over() || rules.due(&step.call).is_some() || joined,
                "{context}"
            );
            freed += step
                .effects
                .iter()
                .filter(|effect| **effect == Effect::Free)
                .count();
            records += usize::from(written(&step.effects).is_some());
            call = step.call;
        }
        let over = usize::from(call.is_over());
        assert_eq!((freed, records), (over, over), "seed {seed}");
        outcomes.extend(call.outcome);
    }
    // The walks have seen every way to end but busy, which is decided at the start.
    assert_eq!(outcomes.len(), 5, "{outcomes:?}");
}

#[test]
fn any_call_left_alone_ends_by_itself_once_its_devices_are_gone() {
    let rules = Rules::default();
    for seed in 0..500 {
        let mut chance = Chance::new(seed);
        let people = people();
        let mut call = ringing(&people);
        let mut now = T0;
        for _ in 0..chance.below(30) {
            now += i64::from(chance.below(3_000));
            let input = input(&mut chance, &people);
            if let Ok(step) = rules.step(call.clone(), input, now) {
                call = step.call;
            }
        }
        for mut who in [people.sam, people.maya] {
            if who.person == call.callee {
                who.device = call.callee_device.unwrap_or(who.device);
            }
            call = rules.step(call, Input::Away(who), now).unwrap().call;
        }
        for _ in 0..3 {
            let Some(due) = rules.due(&call) else { break };
            now = now.max(due);
            call = rules.step(call, Input::Deadline, now).unwrap().call;
        }
        assert!(call.is_over(), "seed {seed}: {call:?}");
    }
}
