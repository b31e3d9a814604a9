//! How calls begin.

use super::*;
use im_protocol::people::Role;

fn start(asked: Asked, situation: Situation) -> Result<Started, Refused> {
    Rules::default().start(asked, situation, T0)
}

#[test]
fn a_free_person_is_rung_for_45_seconds_online_or_not() {
    let people = people();
    let asked = sam_asks(&people);
    let Ok(Started::Rings(call)) = start(asked, Situation::default()) else {
        panic!("it should ring");
    };
    let rules = Rules::default();
    let view = rules.view(&call, T0 + 5_000);
    assert_eq!(view.state, CallState::Ringing);
    assert_eq!(view.remaining_ms, Some(40_000));
    assert_eq!(view.receipt, RingReceipt::Sent);
    assert_eq!((view.rev, call.deadline), (1, Some(T0 + 45_000)));
    assert_eq!(rules.due(&call), call.deadline);
    assert_eq!(rules.view(&call, T0 + 99_000).remaining_ms, Some(0));
}

#[test]
fn asking_again_gives_the_same_call_and_a_foreign_id_gives_nothing() {
    let people = people();
    let call = over(&people);
    let asked = Asked {
        id: call.id,
        conversation: call.conversation,
        ..sam_asks(&people)
    };
    let same = Situation {
        same: Some(call.clone()),
        ..Situation::default()
    };
    assert_eq!(start(asked.clone(), same.clone()), Ok(Started::Same(call)));
    for foreign in [
        Asked {
            caller: people.noor,
            ..asked.clone()
        },
        Asked {
            caller: people.sams_phone,
            ..asked.clone()
        },
        Asked {
            callee: people.noor.person,
            ..asked.clone()
        },
        Asked {
            conversation: ConversationId::new(),
            ..asked
        },
    ] {
        assert_eq!(start(foreign, same.clone()), Err(Refused::IdReused));
    }
}

#[test]
fn a_callee_in_a_call_is_busy_and_sees_who_tried() {
    let people = people();
    let asked = Asked {
        caller: people.noor,
        ..sam_asks(&people)
    };
    for active in [ringing(&people), accepted(&people), connected(&people)] {
        let situation = Situation {
            callee: Some(active),
            ..Situation::default()
        };
        let Ok(Started::Busy(step)) = start(asked.clone(), situation) else {
            panic!("Maya is in a call");
        };
        assert_eq!(step.call.outcome, Some(CallOutcome::Busy));
        assert_eq!(step.call.state, CallState::Over);
        assert!(!step.effects.contains(&Effect::Free));
        assert!(step.effects.contains(&Effect::Tell));
        let record = written(&step.effects).unwrap();
        assert!(record.unread);
        assert_eq!(record.author, people.noor.person);
    }
}

#[test]
fn a_caller_whose_line_is_taken_cannot_call() {
    let people = people();
    // Sam himself calls, from his other device; and Maya, who is rung by Sam, calls Noor.
    let twice = Asked {
        caller: people.sams_phone,
        callee: people.noor.person,
        ..sam_asks(&people)
    };
    let away = Asked {
        caller: people.maya,
        callee: people.noor.person,
        ..sam_asks(&people)
    };
    for (asked, active) in [(twice, ringing(&people)), (away, ringing(&people))] {
        let situation = Situation {
            caller: Some(active),
            ..Situation::default()
        };
        assert_eq!(start(asked, situation), Err(Refused::InCall));
    }
}

#[test]
fn two_who_call_each_other_have_one_call_with_what_the_second_chose() {
    let people = people();
    let first = ringing(&people);
    let back = Asked {
        id: CallId::new(),
        caller: people.mayas_tablet,
        callee: people.sam.person,
        media: MediaKinds::AUDIO,
        ..sam_asks(&people)
    };
    let situation = Situation {
        caller: Some(first.clone()),
        callee: Some(first.clone()),
        same: None,
    };
    let Ok(Started::Crossed(step)) = start(back.clone(), situation) else {
        panic!("they should meet");
    };
    assert_eq!(step.call.id, first.id);
    assert_eq!(step.call.state, CallState::Accepted);
    assert_eq!(step.call.callee_device, Some(people.mayas_tablet.device));
    assert_eq!(step.call.callee_media, Some(MediaKinds::AUDIO));
    assert_eq!(step.effects, [Effect::Tell]);

    // The answer got lost: the same start finds the call of the two, also when it is over.
    let ended = after(
        step.call,
        &[Input::End {
            by: people.sam,
            failed: false,
        }],
    );
    let again = Situation {
        same: Some(ended.clone()),
        ..Situation::default()
    };
    assert_eq!(start(back, again), Ok(Started::Same(ended)));
}

#[test]
fn a_call_back_in_a_call_that_is_answered_already_is_refused() {
    let people = people();
    let back = Asked {
        caller: people.mayas_tablet,
        callee: people.sam.person,
        ..sam_asks(&people)
    };
    for active in [accepted(&people), connected(&people)] {
        let situation = Situation {
            caller: Some(active.clone()),
            callee: Some(active),
            same: None,
        };
        assert_eq!(start(back.clone(), situation), Err(Refused::InCall));
    }
}

#[test]
fn the_mentor_offers_and_between_equals_the_caller() {
    let (a, b) = (PersonId::new(), PersonId::new());
    let offers = |caller, callee| offerer((a, caller), (b, callee));
    assert_eq!(offers(Role::Student, Role::Mentor), b);
    assert_eq!(offers(Role::Mentor, Role::Student), a);
    assert_eq!(offers(Role::Admin, Role::Mentor), b);
    for equal in [Role::Student, Role::Mentor, Role::Admin] {
        assert_eq!(offers(equal, equal), a);
    }
}
