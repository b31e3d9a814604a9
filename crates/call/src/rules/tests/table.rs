//! Every input in every state.

use super::*;
use crate::rules::Signal;
use Expected::{Nothing, Refuses, To};

#[derive(Debug)]
enum Expected {
    /// The call goes on to this state, and both are told.
    To(CallState),
    /// Taken, and nothing changes for the two.
    Nothing,
    /// Not taken.
    Refuses(Refused),
}

const LATE: UnixMs = T0 + 3_600_000;

fn check(call: &Call, input: Input, now: UnixMs, expected: &Expected) {
    let step = Rules::default().step(call.clone(), input, now);
    let context = format!("{:?}, {input:?}", call.state);
    match (expected, step) {
        (To(state), Ok(step)) => {
            assert_eq!(step.call.state, *state, "{context}");
            assert_eq!(step.call.rev, call.rev + 1, "{context}");
            assert_eq!(step.effects.first(), Some(&Effect::Tell), "{context}");
            let ended = *state == CallState::Over;
            assert_eq!(step.effects.contains(&Effect::Free), ended, "{context}");
            assert_eq!(written(&step.effects).is_some(), ended, "{context}");
            assert_eq!(step.call.outcome.is_some(), ended, "{context}");
        }
        (Nothing, Ok(step)) => {
            assert_eq!(step.effects, [], "{context}");
            assert_eq!(step.call.rev, call.rev, "{context}");
            assert_eq!(step.call.state, call.state, "{context}");
        }
        (Refuses(wanted), Err(refused)) => assert_eq!(refused, *wanted, "{context}"),
        (expected, step) => panic!("{context}: expected {expected:?}, got {step:?}"),
    }
}

/// One input of one source, and what it does to a call that rings, is accepted by Maya's desk, is
/// connected, is over.
fn row(people: &People, input: Input, now: UnixMs, expected: [Expected; 4]) {
    let states = [
        ringing(people),
        accepted(people),
        connected(people),
        over(people),
    ];
    for (call, expected) in states.iter().zip(&expected) {
        check(call, input, now, expected);
    }
}

#[test]
fn receipts() {
    let people = people();
    let shown = |who| Input::Receipt(who, RingReceipt::Shown);
    let forbidden = || Refuses(Refused::Forbidden);
    let unknown = || Refuses(Refused::NotFound);
    let ringing = CallState::Ringing;
    row(
        &people,
        shown(people.maya),
        T0,
        [To(ringing), Nothing, Nothing, Nothing],
    );
    row(
        &people,
        shown(people.mayas_tablet),
        T0,
        [To(ringing), Nothing, Nothing, Nothing],
    );
    row(
        &people,
        Input::Receipt(people.maya, RingReceipt::Sent),
        T0,
        [Nothing, Nothing, Nothing, Nothing],
    );
    row(
        &people,
        shown(people.sam),
        T0,
        [forbidden(), forbidden(), forbidden(), forbidden()],
    );
    row(
        &people,
        shown(people.noor),
        T0,
        [unknown(), unknown(), unknown(), unknown()],
    );
}

#[test]
fn a_receipt_never_falls_back() {
    let people = people();
    let call = after(
        ringing(&people),
        &[
            Input::Receipt(people.maya, RingReceipt::Shown),
            Input::Receipt(people.mayas_tablet, RingReceipt::Delivered),
        ],
    );
    assert_eq!(call.receipt, RingReceipt::Shown);
    assert_eq!(call.rev, 2);
}

#[test]
fn accepting() {
    let people = people();
    let accept = |who| Input::Accept(who, MediaKinds::VIDEO);
    let elsewhere = || Refuses(Refused::AnsweredElsewhere);
    let gone = || Refuses(Refused::Gone);
    let forbidden = || Refuses(Refused::Forbidden);
    let unknown = || Refuses(Refused::NotFound);
    row(
        &people,
        accept(people.maya),
        T0,
        [To(CallState::Accepted), Nothing, Nothing, gone()],
    );
    row(
        &people,
        accept(people.mayas_tablet),
        T0,
        [To(CallState::Accepted), elsewhere(), elsewhere(), gone()],
    );
    for caller in [people.sam, people.sams_phone] {
        row(
            &people,
            accept(caller),
            T0,
            [forbidden(), forbidden(), forbidden(), forbidden()],
        );
    }
    row(
        &people,
        accept(people.noor),
        T0,
        [unknown(), unknown(), unknown(), unknown()],
    );
}

#[test]
fn accepting_twice_keeps_the_first_choice() {
    let people = people();
    let call = after(
        accepted(&people),
        &[Input::Accept(people.maya, MediaKinds::VIDEO)],
    );
    assert_eq!(call.callee_media, Some(MediaKinds::AUDIO));
    assert_eq!(call.deadline, Some(T0 + 1_000 + 20_000));
}

#[test]
fn rejecting() {
    let people = people();
    let reject = |who| Input::Reject(who, RejectReason::BackSoon);
    let forbidden = || Refuses(Refused::Forbidden);
    let conflict = || Refuses(Refused::Conflict);
    let elsewhere = || Refuses(Refused::AnsweredElsewhere);
    let unknown = || Refuses(Refused::NotFound);
    row(
        &people,
        reject(people.maya),
        T0,
        [To(CallState::Over), conflict(), conflict(), Nothing],
    );
    row(
        &people,
        reject(people.mayas_tablet),
        T0,
        [To(CallState::Over), elsewhere(), elsewhere(), Nothing],
    );
    row(
        &people,
        reject(people.sam),
        T0,
        [forbidden(), forbidden(), forbidden(), forbidden()],
    );
    row(
        &people,
        reject(people.noor),
        T0,
        [unknown(), unknown(), unknown(), unknown()],
    );

    let step = Rules::default()
        .step(ringing(&people), reject(people.maya), T0)
        .unwrap();
    assert_eq!(step.call.reason, Some(RejectReason::BackSoon));
    assert!(!written(&step.effects).unwrap().unread);
}

#[test]
fn ending() {
    let people = people();
    let end = |by, failed| Input::End { by, failed };
    let over = || To(CallState::Over);
    let forbidden = || Refuses(Refused::Forbidden);
    let elsewhere = || Refuses(Refused::AnsweredElsewhere);
    let unknown = || Refuses(Refused::NotFound);
    for failed in [false, true] {
        row(
            &people,
            end(people.sam, failed),
            T0,
            [over(), over(), over(), Nothing],
        );
        row(
            &people,
            end(people.maya, failed),
            T0,
            [over(), over(), over(), Nothing],
        );
        row(
            &people,
            end(people.sams_phone, failed),
            T0,
            [forbidden(), forbidden(), forbidden(), Nothing],
        );
        row(
            &people,
            end(people.mayas_tablet, failed),
            T0,
            [over(), elsewhere(), elsewhere(), Nothing],
        );
        row(
            &people,
            end(people.noor, failed),
            T0,
            [unknown(), unknown(), unknown(), unknown()],
        );
    }
    let outcome = |call: Call, by, failed| {
        let step = Rules::default()
            .step(call, end(by, failed), T0 + 9_000)
            .unwrap();
        (step.call.outcome.unwrap(), step.effects)
    };
    assert_eq!(
        outcome(ringing(&people), people.sam, true).0,
        CallOutcome::Canceled
    );
    assert_eq!(
        outcome(ringing(&people), people.maya, false).0,
        CallOutcome::Rejected
    );
    assert_eq!(
        outcome(accepted(&people), people.sam, false).0,
        CallOutcome::Ended
    );
    assert_eq!(
        outcome(accepted(&people), people.sam, true).0,
        CallOutcome::Failed
    );
    let (ended, effects) = outcome(connected(&people), people.sam, false);
    assert_eq!(ended, CallOutcome::Ended);
    assert!(effects.contains(&Effect::Left(people.maya)));
    let (failed, effects) = outcome(connected(&people), people.maya, true);
    assert_eq!(failed, CallOutcome::Failed);
    assert!(effects.contains(&Effect::Left(people.sam)));
    // What broke off is told from what never connected by its length.
    let length = |call: Call, at| {
        let step = Rules::default().step(call, end(people.sam, true), at);
        match written(&step.unwrap().effects).unwrap().content {
            Content::Call { duration_ms, .. } => duration_ms,
            _ => panic!("no record of a call"),
        }
    };
    let call = connected(&people);
    let since = call.connected_at.unwrap();
    assert_eq!(length(call.clone(), since + 5_000), 5_000);
    assert_eq!(length(call, since), 1);
    assert_eq!(length(accepted(&people), T0 + 9_000), 0);
}

#[test]
fn connecting() {
    let people = people();
    let told = Input::Connected;
    let conflict = || Refuses(Refused::Conflict);
    let gone = || Refuses(Refused::Gone);
    let forbidden = || Refuses(Refused::Forbidden);
    let elsewhere = || Refuses(Refused::AnsweredElsewhere);
    let unknown = || Refuses(Refused::NotFound);
    let accepted_still = || To(CallState::Accepted);
    row(
        &people,
        told(people.sam),
        T0,
        [conflict(), accepted_still(), Nothing, gone()],
    );
    row(
        &people,
        told(people.maya),
        T0,
        [conflict(), accepted_still(), Nothing, gone()],
    );
    row(
        &people,
        told(people.sams_phone),
        T0,
        [forbidden(), forbidden(), forbidden(), forbidden()],
    );
    row(
        &people,
        told(people.mayas_tablet),
        T0,
        [conflict(), elsewhere(), elsewhere(), elsewhere()],
    );
    row(
        &people,
        told(people.noor),
        T0,
        [unknown(), unknown(), unknown(), unknown()],
    );

    let half = after(accepted(&people), &[told(people.sam)]);
    check(&half, told(people.sam), T0, &Nothing);
    check(&half, told(people.maya), T0, &To(CallState::Connected));
}

#[test]
fn a_call_is_as_long_as_both_were_connected() {
    let people = people();
    let rules = Rules::default();
    let call = connected(&people);
    assert_eq!(rules.view(&call, T0 + 61_000).connected_ms, 60_000);
    assert_eq!(rules.view(&call, T0 + 61_000).remaining_ms, None);
    let end = Input::End {
        by: people.maya,
        failed: false,
    };
    let step = rules.step(call, end, T0 + 91_000).unwrap();
    assert_eq!(rules.view(&step.call, LATE).connected_ms, 90_000);
    let record = written(&step.effects).unwrap();
    let Content::Call {
        duration_ms,
        outcome,
        media,
        ..
    } = record.content
    else {
        panic!("a call's record");
    };
    assert_eq!(
        (duration_ms, outcome, media),
        (90_000, CallOutcome::Ended, MediaKinds::VIDEO)
    );
    assert_eq!(record.author, people.sam.person);
    assert!(!record.unread);
}

#[test]
fn presence_alone_changes_nothing_for_the_two() {
    let people = people();
    for who in [
        people.sam,
        people.maya,
        people.sams_phone,
        people.mayas_tablet,
        people.noor,
    ] {
        row(
            &people,
            Input::Away(who),
            T0,
            [Nothing, Nothing, Nothing, Nothing],
        );
        row(
            &people,
            Input::Back(who),
            T0,
            [Nothing, Nothing, Nothing, Nothing],
        );
    }
    row(
        &people,
        Input::Restarted,
        T0,
        [Nothing, Nothing, Nothing, Nothing],
    );
}

#[test]
fn deadlines() {
    let people = people();
    let over = || To(CallState::Over);
    row(
        &people,
        Input::Deadline,
        T0 + 2_000,
        [Nothing, Nothing, Nothing, Nothing],
    );
    row(
        &people,
        Input::Deadline,
        LATE,
        [over(), over(), Nothing, Nothing],
    );

    let rules = Rules::default();
    let missed = rules
        .step(ringing(&people), Input::Deadline, T0 + 45_000)
        .unwrap();
    assert_eq!(missed.call.outcome, Some(CallOutcome::Missed));
    assert!(written(&missed.effects).unwrap().unread);
    let failed = rules
        .step(accepted(&people), Input::Deadline, T0 + 21_000)
        .unwrap();
    assert_eq!(failed.call.outcome, Some(CallOutcome::Failed));
    assert!(!written(&failed.effects).unwrap().unread);
}

#[test]
fn a_caller_gone_for_ten_seconds_cancels_and_one_back_in_time_does_not() {
    let people = people();
    let rules = Rules::default();
    let away = rules
        .step(ringing(&people), Input::Away(people.sam), T0 + 5_000)
        .unwrap()
        .call;
    assert_eq!(rules.due(&away), Some(T0 + 15_000));
    check(&away, Input::Deadline, T0 + 14_999, &Nothing);
    let gone = rules
        .step(away.clone(), Input::Deadline, T0 + 15_000)
        .unwrap();
    assert_eq!(gone.call.outcome, Some(CallOutcome::Canceled));
    assert!(written(&gone.effects).unwrap().unread);

    // His phone does not carry the call; his laptop does.
    let phone = rules
        .step(away.clone(), Input::Back(people.sams_phone), T0 + 9_000)
        .unwrap()
        .call;
    assert_eq!(rules.due(&phone), Some(T0 + 15_000));
    let back = rules
        .step(away, Input::Back(people.sam), T0 + 9_000)
        .unwrap()
        .call;
    assert_eq!(rules.due(&back), Some(T0 + 45_000));
    // A second loss counts anew, told twice counts from the first.
    let lost = |call, at| rules.step(call, Input::Away(people.sam), at).unwrap().call;
    let again = lost(lost(back, T0 + 20_000), T0 + 25_000);
    assert_eq!(rules.due(&again), Some(T0 + 30_000));
}

#[test]
fn a_restart_cancels_nothing_and_grace_begins_anew() {
    let people = people();
    let rules = Rules::default();
    let restart = |call, at| rules.step(call, Input::Restarted, at).unwrap().call;
    let rung = restart(ringing(&people), T0 + 20_000);
    assert_eq!(rules.due(&rung), Some(T0 + 30_000));
    let back = rules
        .step(rung, Input::Back(people.sam), T0 + 21_000)
        .unwrap()
        .call;
    assert_eq!(rules.view(&back, T0 + 21_000).remaining_ms, Some(24_000));

    // The ring ran out while the server was away: missed, not canceled.
    let late = restart(ringing(&people), T0 + 50_000);
    let step = rules.step(late, Input::Deadline, T0 + 50_000).unwrap();
    assert_eq!(step.call.outcome, Some(CallOutcome::Missed));

    // Media may have come up meanwhile: the two get time to say so.
    let joined = restart(accepted(&people), T0 + 40_000);
    check(&joined, Input::Deadline, T0 + 40_000, &Nothing);
    let told = after(
        joined,
        &[Input::Connected(people.sam), Input::Connected(people.maya)],
    );
    assert_eq!(told.state, CallState::Connected);
}

#[test]
fn media_without_signalling_is_never_cut_by_the_connect_deadline() {
    let people = people();
    let rules = Rules::default();
    let half = after(
        accepted(&people),
        &[Input::Connected(people.sam), Input::Away(people.maya)],
    );
    assert_eq!(rules.due(&half), None);
    check(&half, Input::Deadline, LATE, &Nothing);
    // Back, Maya has the full time to tell.
    let back = rules
        .step(half, Input::Back(people.maya), LATE)
        .unwrap()
        .call;
    assert_eq!(rules.due(&back), Some(LATE + 20_000));
    check(
        &back,
        Input::Connected(people.maya),
        LATE + 1,
        &To(CallState::Connected),
    );
    check(&back, Input::Deadline, LATE + 20_000, &To(CallState::Over));
}

#[test]
fn a_call_that_both_devices_left_without_a_word_is_over_after_a_minute() {
    let people = people();
    let rules = Rules::default();
    let one = rules
        .step(connected(&people), Input::Away(people.sam), T0 + 31_000)
        .unwrap()
        .call;
    assert_eq!(rules.due(&one), None);
    let both = rules
        .step(one, Input::Away(people.maya), T0 + 61_000)
        .unwrap()
        .call;
    check(&both, Input::Deadline, T0 + 120_999, &Nothing);
    let step = rules.step(both, Input::Deadline, T0 + 121_000).unwrap();
    assert_eq!(step.call.outcome, Some(CallOutcome::Ended));
    assert_eq!(rules.view(&step.call, LATE).connected_ms, 60_000);
}

#[test]
fn signals_pass_only_between_the_two_devices_that_joined() {
    let people = people();
    let all = [
        Signal::Offer,
        Signal::Answer,
        Signal::Candidate,
        Signal::Renegotiate,
    ];
    for signal in all {
        assert_eq!(
            ringing(&people).signal_to(people.sam, signal),
            Err(Refused::Conflict)
        );
        assert_eq!(
            over(&people).signal_to(people.sam, signal),
            Err(Refused::Gone)
        );
        for call in [accepted(&people), connected(&people)] {
            let to = |who| call.signal_to(who, signal);
            assert_eq!(to(people.noor), Err(Refused::NotFound));
            assert_eq!(to(people.sams_phone), Err(Refused::Forbidden));
            assert_eq!(to(people.mayas_tablet), Err(Refused::AnsweredElsewhere));
            // Maya, the mentor, offers.
            let mayas = matches!(signal, Signal::Offer | Signal::Candidate);
            let sams = !matches!(signal, Signal::Offer);
            let or_forbidden = |may: bool, to| if may { Ok(to) } else { Err(Refused::Forbidden) };
            assert_eq!(to(people.maya), or_forbidden(mayas, people.sam));
            assert_eq!(to(people.sam), or_forbidden(sams, people.maya));
        }
    }
}

#[test]
fn refusals_have_codes_and_plain_sentences() {
    let wire = |refused: Refused| WireError::from(refused);
    assert_eq!(
        wire(Refused::AnsweredElsewhere).code,
        ErrorCode::AnsweredElsewhere
    );
    assert_eq!(wire(Refused::Gone).code, ErrorCode::Gone);
    assert_eq!(wire(Refused::InCall).message, "You are in another call.");
    assert!(!wire(Refused::NotFound).retryable);
}
