//! A connection's life and its ends: heartbeats, probes, slow owners, hurry, goodbye.

use super::*;
use crate::state::DisconnectReason as Why;

fn pings(outputs: &[Output]) -> Vec<[u8; 8]> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(Frame::Ping(payload)) => Some(*payload),
            _ => None,
        })
        .collect()
}

#[test]
fn pings_are_answered() {
    let mut rig = Rig::connected();
    rig.tell(Input::Text("2"));
    rig.tell(Input::Text("2probe"));
    assert_eq!(rig.sent(), ["3", "3probe"]);
}

#[test]
fn silence_is_noticed_at_ping_interval_plus_timeout() {
    let mut rig = Rig::connected();
    rig.pass(ms(3_000));
    rig.tell(Input::Text("2"));
    rig.pass(ms(7_999));
    assert!(rig.machine.is_connected());
    rig.pass(ms(1));
    assert!(rig.saw_disconnect(&Why::PingTimeout));
    assert!(rig.saw(|output| matches!(output, Output::DropTransport)));
}

#[test]
fn any_frame_is_a_sign_of_life() {
    let mut rig = Rig::connected();
    for _ in 0..10 {
        rig.pass(ms(7_000));
        rig.tell(Input::Text(r#"42["presence"]"#));
    }
    assert!(rig.machine.is_connected());
}

#[test]
fn the_round_trip_is_measured_at_the_start_and_then_regularly() {
    let mut rig = Rig::new();
    rig.connect();
    let first = pings(&rig.take());
    assert_eq!(first.len(), 1);
    rig.pass(ms(42));
    rig.tell(Input::Pong(b"of another"));
    assert!(rig.take().is_empty());
    rig.tell(Input::Pong(&first[0]));
    rig.tell(Input::Pong(&first[0]));
    let outputs = rig.take();
    assert!(matches!(outputs[..], [Output::Latency(trip)] if trip == ms(42)));

    for _ in 0..30 {
        rig.pass(ms(1_000));
        rig.tell(Input::Text("2"));
    }
    assert_eq!(pings(&rig.take()).len(), 2);
}

#[test]
fn a_server_that_ignores_measurements_is_not_dropped_for_it() {
    let mut rig = Rig::connected();
    for _ in 0..60 {
        rig.pass(ms(5_000));
        rig.tell(Input::Text("2"));
    }
    assert!(rig.machine.is_connected());
}

#[test]
fn after_a_change_of_the_network_a_dead_line_is_found_in_two_seconds() {
    let mut rig = Rig::connected();
    rig.tell(Input::ReconnectSoon);
    assert_eq!(pings(&rig.take()).len(), 1);
    rig.pass(ms(1_000));
    // Asking again does not put the end off.
    rig.tell(Input::ReconnectSoon);
    rig.pass(ms(999));
    assert!(rig.machine.is_connected());
    rig.pass(ms(1));
    assert!(rig.saw_disconnect(&Why::PingTimeout));
}

#[test]
fn after_a_change_of_the_network_a_living_line_is_kept() {
    let mut rig = Rig::connected();
    rig.tell(Input::ReconnectSoon);
    let ping = pings(&rig.take());
    rig.pass(ms(1_999));
    rig.tell(Input::Pong(&ping[0]));
    rig.pass(ms(5_000));
    assert!(rig.machine.is_connected());
}

#[test]
fn a_long_wait_is_cut_to_a_second_when_asked() {
    for seed in 0..50 {
        let mut rig = Rig::with_seed(seed);
        for _ in 0..10 {
            rig.tell(Input::Auth(Err(AuthError::Unavailable)));
            rig.pass_wait();
        }
        rig.tell(Input::Auth(Err(AuthError::Unavailable)));
        rig.tell(Input::ReconnectSoon);
        assert!(rig.announced_wait().0 <= ms(30_000));
        assert!(rig.pass_wait() <= ms(1_000));
        assert!(matches!(rig.last_state(), State::Connecting { .. }));
        // And what follows begins small again.
        rig.tell(Input::Auth(Err(AuthError::Unavailable)));
        assert!(rig.announced_wait().0 <= ms(500));
    }
}

#[test]
fn in_a_call_no_wait_is_longer_than_a_second() {
    let mut rig = Rig::new();
    rig.tell(Input::Hurried(true));
    for _ in 0..30 {
        rig.tell(Input::Auth(Err(AuthError::Unavailable)));
        assert!(rig.pass_wait() <= ms(1_000));
    }
    rig.tell(Input::Hurried(false));
    let waits = (0..10).map(|_| {
        rig.tell(Input::Auth(Err(AuthError::Unavailable)));
        rig.pass_wait()
    });
    assert!(waits.max().unwrap() > ms(1_000));
}

#[test]
fn a_connect_that_hangs_is_begun_anew_when_asked_and_a_fresh_one_is_not() {
    let mut rig = Rig::new();
    rig.tell(Input::Auth(Ok(Value::Null)));
    rig.take();
    rig.pass(ms(999));
    rig.tell(Input::ReconnectSoon);
    assert!(rig.take().is_empty());
    rig.pass(ms(1));
    rig.tell(Input::ReconnectSoon);
    assert_eq!(rig.announced_wait().1, Why::Restarted);
    assert!(rig.pass_wait() <= ms(500));
}

#[test]
fn the_servers_ends_are_told_apart_and_followed_by_a_reconnect() {
    for (text, why) in [("41", Why::ServerDisconnected), ("1", Why::TransportClosed)] {
        let mut rig = Rig::connected();
        rig.tell(Input::Text(text));
        assert!(rig.saw_disconnect(&why));
        assert!(rig.pass_wait() <= ms(500));
        assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
    }
}

#[test]
fn a_connection_that_held_starts_the_backoff_anew_and_one_that_did_not_does_not() {
    let most = |held: Duration| {
        let mut longest = ms(0);
        for seed in 0..30 {
            let mut rig = Rig::with_seed(seed);
            for _ in 0..8 {
                rig.connect();
                let mut left = held;
                while left > ms(0) {
                    let step = left.min(ms(5_000));
                    rig.pass(step);
                    rig.tell(Input::Text("2"));
                    left -= step;
                }
                rig.tell(Input::TransportGone(Why::TransportClosed));
                longest = longest.max(rig.pass_wait());
            }
        }
        longest
    };
    assert!(most(ms(10_000)) <= ms(500));
    assert!(most(ms(9_999)) > ms(10_000));
}

#[test]
fn a_slow_owner_loses_the_connection_but_hears_of_it() {
    let mut rig = Rig::connected();
    rig.emit("a", Some((1, ms(1_000))));
    rig.tell(Input::ConsumerTooSlow);
    assert!(rig.saw_disconnect(&Why::ConsumerTooSlow));
    // It is told first, then connected again.
    rig.tell(Input::Hold(true));
    rig.take();
    rig.pass(ms(3_600_000));
    assert!(rig.take().is_empty());
    assert_eq!(rig.machine.poll_timeout(), None);
    rig.tell(Input::Hold(false));
    assert!(rig.saw(|output| matches!(output, Output::FetchAuth)));
}

#[test]
fn a_goodbye_is_said_and_ends_everything() {
    let mut rig = Rig::connected();
    rig.emit("a", Some((1, ms(1_000))));
    rig.take();
    rig.tell(Input::Close);
    let outputs = rig.take();
    let [
        Output::Send(Frame::Text(goodbye)),
        Output::FinishTransport,
        Output::Acked {
            id: 1,
            result: Err(NoAck::Disconnected),
        },
        Output::Disconnected(Why::Closed),
        Output::State(State::Closed),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    assert_eq!(goodbye, "41");
    rig.tell(Input::Close);
    rig.tell(Input::Text(r#"42["late"]"#));
    rig.pass(ms(3_600_000));
    assert!(rig.take().is_empty());
}

#[test]
fn random_inputs_never_panic_or_lose_an_acknowledgement() {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut rig = Rig::with_seed(seed);
        let (mut asked, mut settled, mut begun, mut ended) = (0u64, 0u64, 0u32, 0u32);
        for _ in 0..400 {
            match rng.random_range(0..16) {
                0 => rig.tell(Input::Auth(Ok(json!({ "token": "t" })))),
                1 => rig.tell(Input::Opened),
                2 => rig.tell(Input::Text(GREETING)),
                3 | 4 => rig.tell(Input::Text(WELCOME)),
                5 => rig.tell(Input::Text(r#"44{"message":"no"}"#)),
                6 => rig.tell(Input::Decision(OnRefusal::Retry)),
                7 => rig.tell(Input::Text("2")),
                8 => rig.tell(Input::TransportGone(Why::TransportClosed)),
                9 => rig.tell(Input::ReconnectSoon),
                10 => rig.tell(Input::Hold(rng.random_bool(0.3))),
                11 => rig.tell(Input::Text(&format!("43{}[]", rng.random_range(0..=asked)))),
                12 => rig.pass(ms(rng.random_range(0..20_000))),
                13 => rig.tell(Input::Binary(vec![0].into())),
                _ => {
                    rig.emit("a", Some((asked, ms(rng.random_range(0..9_000)))));
                    asked += 1;
                }
            }
            if rng.random_bool(0.5) && !rig.machine.is_connected() {
                rig.pass(ms(100));
            }
        }
        rig.tell(Input::Close);
        for output in rig.take() {
            match output {
                Output::Acked { .. } => settled += 1,
                Output::Connected { .. } => begun += 1,
                Output::Disconnected(_) => ended += 1,
                _ => {}
            }
        }
        assert_eq!(asked, settled, "seed {seed}");
        assert_eq!(begun, ended, "seed {seed}");
    }
}
