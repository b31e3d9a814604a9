//! From the start to the welcome, refusals, and the waits between tries.

use super::*;

#[test]
fn sam_connects_with_a_credential() {
    let mut rig = Rig::new();
    assert!(matches!(
        rig.take()[..],
        [
            Output::State(State::Connecting { attempt: 1 }),
            Output::FetchAuth
        ]
    ));
    rig.tell(Input::Auth(Ok(json!({ "token": "t" }))));
    assert!(matches!(rig.take()[..], [Output::OpenTransport]));
    rig.tell(Input::Opened);
    rig.tell(Input::Text(GREETING));
    assert_eq!(rig.sent(), [r#"40{"token":"t"}"#]);
    rig.tell(Input::Text(WELCOME));
    let outputs = rig.take();
    assert!(matches!(
        &outputs[0],
        Output::Connected { sid, max_payload: Some(100_000) } if sid == "s1"
    ));
    assert!(matches!(&outputs[1], Output::State(State::Connected { sid }) if sid == "s1"));
    assert!(matches!(&outputs[2], Output::Send(Frame::Ping(_))));
}

#[test]
fn a_namespace_is_asked_for_and_others_are_ignored() {
    let mut rig = Rig::with_namespace("/mentor", 1);
    rig.tell(Input::Auth(Ok(Value::Null)));
    rig.tell(Input::Opened);
    rig.tell(Input::Text(GREETING));
    assert_eq!(rig.sent(), ["40/mentor,"]);
    rig.tell(Input::Text(WELCOME));
    assert!(!rig.machine.is_connected());
    rig.tell(Input::Text(r#"40/mentor,{"sid":"s1"}"#));
    assert!(rig.machine.is_connected());
    rig.take();
    rig.tell(Input::Text(r#"42["for another namespace"]"#));
    rig.tell(Input::Text(r#"42/mentor,["hello"]"#));
    let outputs = rig.take();
    assert!(matches!(&outputs[..], [Output::Event { name, .. }] if name == "hello"));
}

#[test]
fn every_step_that_hangs_ends_in_time() {
    // No credential, no transport, no greeting, no welcome.
    for steps in 0..4 {
        let mut rig = Rig::new();
        if steps >= 1 {
            rig.tell(Input::Auth(Ok(Value::Null)));
        }
        if steps >= 2 {
            rig.tell(Input::Opened);
        }
        if steps >= 3 {
            rig.tell(Input::Text(GREETING));
        }
        rig.take();
        let limit = if steps == 0 { ms(30_000) } else { ms(10_000) };
        // Pings keep the transport alive, but they are no welcome.
        while rig.since_start() + ms(2_000) < limit {
            rig.pass(ms(2_000));
            if steps == 3 {
                rig.tell(Input::Text("2"));
            }
        }
        assert!(
            !rig.saw(|output| matches!(output, Output::State(_))),
            "{steps}"
        );
        let left = limit - rig.since_start();
        rig.pass(left);
        assert!(rig.saw(|output| matches!(output, Output::DropTransport)));
        let reason = rig.announced_wait().1;
        if steps == 0 {
            assert_eq!(reason, DisconnectReason::NoCredential);
        } else {
            assert_eq!(reason, DisconnectReason::ConnectTimeout);
        }
    }
}

#[test]
fn a_close_while_connecting_is_honoured_at_every_step() {
    for steps in 0..5 {
        let mut rig = Rig::new();
        if steps >= 1 {
            rig.tell(Input::Auth(Ok(Value::Null)));
        }
        if steps >= 2 {
            rig.tell(Input::Opened);
        }
        if steps >= 3 {
            rig.tell(Input::Text(GREETING));
        }
        if steps >= 4 {
            rig.tell(Input::TransportGone(DisconnectReason::TransportClosed));
        }
        rig.take();
        rig.tell(Input::Close);
        assert!(matches!(
            rig.take()[..],
            [Output::DropTransport, Output::State(State::Closed)]
        ));
        // What was under way comes too late.
        rig.tell(Input::Auth(Ok(Value::Null)));
        rig.tell(Input::Opened);
        rig.tell(Input::Text(GREETING));
        rig.tell(Input::Text(WELCOME));
        rig.tell(Input::ReconnectSoon);
        rig.tell(Input::Start);
        rig.pass(ms(3_600_000));
        assert!(rig.take().is_empty(), "{steps}");
        assert_eq!(rig.machine.poll_timeout(), None);
    }
}

#[test]
fn waits_grow_up_to_thirty_seconds_and_jitter_differs() {
    let mut waits_of_seeds = Vec::new();
    for seed in 0..20 {
        let mut rig = Rig::with_seed(seed);
        let mut waits = Vec::new();
        for failures in 0..12 {
            rig.tell(Input::Auth(Ok(Value::Null)));
            let gone = DisconnectReason::Unreachable(std::io::ErrorKind::ConnectionRefused);
            rig.tell(Input::TransportGone(gone.clone()));
            let (announced, reason) = rig.announced_wait();
            assert_eq!(reason, gone);
            assert!(announced <= backoff::ceiling(failures, backoff::CAP));
            assert_eq!(rig.pass_wait(), announced);
            assert!(matches!(
                rig.last_state(),
                State::Connecting { attempt } if *attempt == failures + 2
            ));
            waits.push(announced);
        }
        waits_of_seeds.push(waits);
    }
    let longest = waits_of_seeds.iter().flatten().max().unwrap();
    assert!(*longest > Duration::from_secs(20) && *longest <= Duration::from_secs(30));
    waits_of_seeds.dedup();
    assert_eq!(waits_of_seeds.len(), 20, "clients wait in step");
}

#[test]
fn each_connect_asks_for_a_fresh_credential() {
    let mut rig = Rig::connected();
    rig.tell(Input::TransportGone(DisconnectReason::TransportClosed));
    rig.take();
    rig.pass_wait();
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
    rig.take();
    rig.tell(Input::Auth(Ok(json!({ "token": "fresh" }))));
    rig.tell(Input::Opened);
    rig.tell(Input::Text(GREETING));
    assert_eq!(rig.sent(), [r#"40{"token":"fresh"}"#]);
}

#[test]
fn without_a_credential_for_now_it_tries_again_and_for_ever_it_closes() {
    let mut rig = Rig::new();
    rig.tell(Input::Auth(Err(AuthError::Unavailable)));
    assert_eq!(rig.announced_wait().1, DisconnectReason::NoCredential);
    rig.pass_wait();
    rig.tell(Input::Auth(Err(AuthError::SignedOut)));
    assert_eq!(*rig.last_state(), State::Closed);
}

/// Up to a refusal with the code `token_expired`.
fn refuse(rig: &mut Rig) {
    rig.tell(Input::Auth(Ok(json!({ "token": "old" }))));
    rig.tell(Input::Opened);
    rig.tell(Input::Text(GREETING));
    rig.take();
    let text = r#"44{"message":"expired","data":{"code":"token_expired","after":3}}"#;
    rig.tell(Input::Text(text));
}

#[test]
fn a_refusal_reaches_the_owner_as_the_server_wrote_it() {
    let mut rig = Rig::new();
    refuse(&mut rig);
    let outputs = rig.take();
    let [
        Output::DropTransport,
        Output::State(State::Refused { error }),
        Output::AskOwner(asked),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    assert_eq!(error, asked);
    assert_eq!(error.code, "token_expired");
    assert_eq!(error.message, "expired");
    assert_eq!(error.data["after"], 3);
}

#[test]
fn after_stop_nothing_happens_until_the_owner_acts() {
    let mut rig = Rig::new();
    refuse(&mut rig);
    rig.take();
    rig.tell(Input::Decision(OnRefusal::Stop));
    rig.pass(ms(3_600_000));
    assert!(rig.take().is_empty());
    rig.tell(Input::ReconnectSoon);
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
}

#[test]
fn the_first_retry_after_a_refusal_is_at_once_the_next_with_backoff() {
    let mut rig = Rig::new();
    refuse(&mut rig);
    rig.tell(Input::Decision(OnRefusal::Retry));
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
    refuse(&mut rig);
    rig.tell(Input::Decision(OnRefusal::Retry));
    assert!(!rig.saw(|output| matches!(output, Output::FetchAuth)));
    assert_eq!(rig.announced_wait().1, DisconnectReason::Refused);
    // A success starts the count anew.
    rig.pass_wait();
    rig.connect();
    rig.tell(Input::TransportGone(DisconnectReason::TransportClosed));
    rig.pass_wait();
    refuse(&mut rig);
    rig.take();
    rig.tell(Input::Decision(OnRefusal::Retry));
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
}

#[test]
fn an_owner_that_never_decides_does_not_hold_it_up() {
    let mut rig = Rig::new();
    refuse(&mut rig);
    rig.pass(ms(29_999));
    assert!(matches!(rig.last_state(), State::Refused { .. }));
    rig.pass(ms(1));
    assert_eq!(rig.announced_wait().1, DisconnectReason::Refused);
    rig.take();
    rig.tell(Input::Decision(OnRefusal::Stop));
    rig.pass_wait();
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
}

#[test]
fn nonsense_from_the_server_ends_the_try_with_a_typed_reason() {
    for text in [
        "",
        "9",
        "0{}",
        r#"40{"sid":5}"#,
        "40",
        "4",
        "4x",
        "42[",
        "45",
        GREETING,
    ] {
        let mut rig = Rig::new();
        rig.tell(Input::Auth(Ok(Value::Null)));
        rig.tell(Input::Opened);
        rig.tell(Input::Text(GREETING));
        rig.tell(Input::Text(text));
        let reason = rig.announced_wait().1;
        assert!(
            matches!(reason, DisconnectReason::Protocol(_)),
            "{text}: {reason:?}"
        );
    }
}
