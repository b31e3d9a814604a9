//! Emits, acknowledgements and events.

use super::*;
use crate::packet::Args;

fn acked(outputs: &[Output]) -> Vec<(u64, Result<String, NoAck>)> {
    let text = |args: &Args| args.json.iter().map(|json| json.get()).collect::<String>();
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Acked { id, result } => Some((*id, result.as_ref().map(text).map_err(|e| *e))),
            _ => None,
        })
        .collect()
}

#[test]
fn emits_and_answers_are_written_as_the_protocol_has_them() {
    let mut rig = Rig::connected();
    rig.emit("typing", None);
    rig.emit("send", Some((7, ms(1_000))));
    rig.tell(Input::Reply {
        id: 3,
        json: r#"["ok"]"#.to_owned(),
    });
    assert_eq!(
        rig.sent(),
        [r#"42["typing",1]"#, r#"427["send",1]"#, r#"433["ok"]"#]
    );
}

#[test]
fn attachments_follow_their_packet_with_nothing_between() {
    let mut rig = Rig::connected();
    rig.tell(Input::Emit(Emit {
        json: r#"["file",{"_placeholder":true,"num":0}]"#.to_owned(),
        attachments: vec![vec![1, 2].into(), vec![3].into()],
        ack: None,
    }));
    let frames: Vec<Frame> = rig
        .take()
        .into_iter()
        .filter_map(|output| match output {
            Output::Send(frame) => Some(frame),
            _ => None,
        })
        .collect();
    assert_eq!(
        frames,
        [
            Frame::Text(r#"452-["file",{"_placeholder":true,"num":0}]"#.to_owned()),
            Frame::Binary(vec![1, 2].into()),
            Frame::Binary(vec![3].into()),
        ]
    );
}

#[test]
fn each_answer_finds_its_emit_once() {
    let mut rig = Rig::connected();
    rig.emit("a", Some((1, ms(1_000))));
    rig.emit("b", Some((2, ms(1_000))));
    rig.tell(Input::Text(r#"432["for b"]"#));
    rig.tell(Input::Text(r#"431["for a"]"#));
    rig.tell(Input::Text(r#"431["again"]"#));
    rig.tell(Input::Text(r#"4399["for nobody"]"#));
    assert_eq!(
        acked(&rig.take()),
        [
            (2, Ok(r#""for b""#.to_owned())),
            (1, Ok(r#""for a""#.to_owned())),
        ]
    );
    rig.pass(ms(2_000));
    assert!(acked(&rig.take()).is_empty());
}

#[test]
fn the_time_of_an_emit_counts_from_when_it_was_queued() {
    let mut rig = Rig::connected();
    let queued = rig.now;
    rig.pass(ms(400));
    let deadline = queued + ms(500);
    let ack = Some(Await { id: 1, deadline });
    let json = r#"["a"]"#.to_owned();
    rig.tell(Input::Emit(Emit {
        json,
        attachments: Vec::new(),
        ack,
    }));
    rig.pass(ms(99));
    assert!(acked(&rig.take()).is_empty());
    rig.pass(ms(1));
    assert_eq!(acked(&rig.take()), [(1, Err(NoAck::Timeout))]);
    // Its answer comes too late to mean anything.
    rig.tell(Input::Text(r#"431["late"]"#));
    assert!(acked(&rig.take()).is_empty());
    assert!(rig.machine.is_connected());
}

#[test]
fn an_emit_whose_time_is_over_is_not_sent() {
    let mut rig = Rig::connected();
    rig.emit("a", Some((1, ms(0))));
    let outputs = rig.take();
    assert_eq!(acked(&outputs), [(1, Err(NoAck::Timeout))]);
    assert!(
        !outputs
            .iter()
            .any(|output| matches!(output, Output::Send(_)))
    );
}

#[test]
fn without_a_connection_an_emit_fails_at_once() {
    let mut rig = Rig::new();
    rig.take();
    rig.emit("a", Some((1, ms(1_000))));
    rig.emit("b", None);
    let outputs = rig.take();
    assert_eq!(acked(&outputs), [(1, Err(NoAck::NotConnected))]);
    rig.connect();
    let sent = rig.sent();
    assert_eq!(sent, [r#"40{"token":"t"}"#], "nothing was kept for later");
}

#[test]
fn all_that_is_awaited_fails_when_the_connection_drops() {
    let mut rig = Rig::connected();
    for id in 0..5 {
        rig.emit("a", Some((id, ms(60_000))));
    }
    rig.take();
    rig.tell(Input::TransportGone(DisconnectReason::TransportClosed));
    let outputs = rig.take();
    let ids: Vec<_> = acked(&outputs);
    assert_eq!(ids.len(), 5);
    assert!(
        ids.iter()
            .all(|(_, result)| *result == Err(NoAck::Disconnected))
    );
    let position = |wanted: fn(&Output) -> bool| outputs.iter().position(wanted).unwrap();
    assert!(
        position(|output| matches!(output, Output::Acked { .. }))
            < position(|output| matches!(output, Output::Disconnected(_)))
    );
    // An answer on the next connection does not belong to them.
    rig.pass_wait();
    rig.connect();
    rig.take();
    rig.tell(Input::Text(r#"430["stray"]"#));
    assert!(acked(&rig.take()).is_empty());
}

#[test]
fn events_come_with_their_arguments_attachments_and_wish_for_an_answer() {
    let mut rig = Rig::connected();
    rig.tell(Input::Text(r#"45112["#));
    assert!(matches!(
        rig.announced_wait().1,
        DisconnectReason::Protocol(_)
    ));

    let mut rig = Rig::connected();
    rig.tell(Input::Text(
        r#"451-12["ring",{"from":"Sam"},{"_placeholder":true,"num":0}]"#,
    ));
    assert!(rig.take().is_empty());
    rig.tell(Input::Binary(vec![1, 2].into()));
    let outputs = rig.take();
    let [
        Output::Event {
            name,
            args,
            ack: Some(12),
        },
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    assert_eq!(name, "ring");
    assert_eq!(args.json[0].get(), r#"{"from":"Sam"}"#);
    assert_eq!(args.attachments, ["\u{1}\u{2}"]);
}

#[test]
fn an_attachment_nobody_announced_breaks_the_connection() {
    let mut rig = Rig::connected();
    rig.tell(Input::Binary(vec![1].into()));
    assert!(matches!(
        rig.announced_wait().1,
        DisconnectReason::Protocol(packet::DecodeError::UnexpectedBinary)
    ));
}
