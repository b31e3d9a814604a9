//! The codec: examples of the protocol text, generated packets there and back, and garbage.

use super::*;
use crate::engine::EnginePacket;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn args(values: &[Value], attachments: &[&[u8]]) -> Args {
    Args {
        json: values.iter().map(raw).collect(),
        attachments: attachments
            .iter()
            .map(|bytes| Bytes::copy_from_slice(bytes))
            .collect(),
    }
}

fn packet(namespace: &str, body: Body) -> Packet {
    Packet {
        namespace: namespace.to_owned(),
        body,
    }
}

/// All of a packet in a form that can be compared.
fn described(packet: &Packet) -> String {
    format!("{packet:?}")
}

fn attachments(packet: &Packet) -> &[Bytes] {
    match &packet.body {
        Body::Event { args, .. } | Body::Ack { args, .. } => &args.attachments,
        _ => &[],
    }
}

fn decode_whole(text: &str, binary: &[Bytes]) -> Result<Option<Packet>, DecodeError> {
    let mut decoder = Decoder::new(10);
    let mut done = decoder.text(text)?;
    for data in binary {
        assert!(done.is_none(), "complete too early: {text}");
        done = decoder.binary(data.clone())?;
    }
    Ok(done)
}

#[test]
fn the_examples_of_the_protocol_text_are_written_and_read() {
    let event = |id, values: &[Value], binary: &[&[u8]]| Body::Event {
        id,
        name: "baz".to_owned(),
        args: args(values, binary),
    };
    let hole = json!({ "_placeholder": true, "num": 0 });
    let examples = [
        ("0", packet("/", Body::Connect(None))),
        (
            r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
            packet(
                "/admin",
                Body::Connect(Some(raw(&json!({ "sid": "oSO0OpakMV_3jnilAAAA" })))),
            ),
        ),
        ("1/admin,", packet("/admin", Body::Disconnect)),
        (
            r#"2["baz",1,{"a":"b"}]"#,
            packet("/", event(None, &[json!(1), json!({ "a": "b" })], &[])),
        ),
        (
            r#"2/admin,12["baz"]"#,
            packet("/admin", event(Some(12), &[], &[])),
        ),
        (
            r#"51-["baz",{"_placeholder":true,"num":0}]"#,
            packet("/", event(None, std::slice::from_ref(&hole), &[&[1, 2, 3]])),
        ),
        (
            r#"51-/admin,456["baz",{"_placeholder":true,"num":0}]"#,
            packet(
                "/admin",
                event(Some(456), std::slice::from_ref(&hole), &[&[]]),
            ),
        ),
        (
            r#"3/admin,13["bar"]"#,
            packet(
                "/admin",
                Body::Ack {
                    id: 13,
                    args: args(&[json!("bar")], &[]),
                },
            ),
        ),
        (
            r#"61-/admin,456[{"_placeholder":true,"num":0}]"#,
            packet(
                "/admin",
                Body::Ack {
                    id: 456,
                    args: args(&[hole], &[&[9]]),
                },
            ),
        ),
        (
            r#"4{"message":"Not authorized"}"#,
            packet(
                "/",
                Body::ConnectError(raw(&json!({ "message": "Not authorized" }))),
            ),
        ),
    ];
    for (text, packet) in examples {
        assert_eq!(packet.encode(), text);
        let read = decode_whole(text, attachments(&packet)).unwrap().unwrap();
        assert_eq!(described(&read), described(&packet));
    }
}

#[test]
fn what_is_malformed_gets_its_error() {
    for (text, error) in [
        ("", DecodeError::Empty),
        ("7", DecodeError::UnknownType),
        ("x", DecodeError::UnknownType),
        ("0[]", DecodeError::Payload),
        ("0{", DecodeError::Payload),
        ("0{}x", DecodeError::Payload),
        ("01{}", DecodeError::Id),
        ("1{}", DecodeError::Payload),
        ("2", DecodeError::Payload),
        ("2[]", DecodeError::Payload),
        ("2{}", DecodeError::Payload),
        ("2[null]", DecodeError::Payload),
        (r#"2[{"a":1}]"#, DecodeError::Payload),
        (r#"2["a""#, DecodeError::Payload),
        (r#"2["a",]"#, DecodeError::Payload),
        (r#"2["\ud800"]"#, DecodeError::Payload),
        (r#"2-1["a"]"#, DecodeError::Payload),
        (r#"299999999999999999999["a"]"#, DecodeError::Id),
        ("2/admin", DecodeError::Payload),
        ("3[]", DecodeError::Id),
        ("31{}", DecodeError::Payload),
        ("4", DecodeError::Payload),
        ("4[]", DecodeError::Payload),
        ("41{}", DecodeError::Id),
        ("5", DecodeError::Attachments),
        (r#"5["a"]"#, DecodeError::Attachments),
        (r#"5-["a"]"#, DecodeError::Attachments),
        (r#"50-["a"]"#, DecodeError::Attachments),
        (r#"5+1-["a"]"#, DecodeError::Attachments),
        (r#"511-["a"]"#, DecodeError::Attachments),
        (r#"599999999999999999999-["a"]"#, DecodeError::Attachments),
        (r#"61-["a"]"#, DecodeError::Id),
    ] {
        let result = Decoder::new(10).text(text);
        assert_eq!(result.err(), Some(error), "{text}");
    }
}

#[test]
fn text_and_attachments_must_come_in_their_order() {
    let mut decoder = Decoder::new(2);
    let early = decoder.binary(Bytes::from_static(b"x"));
    assert_eq!(early.err(), Some(DecodeError::UnexpectedBinary));

    assert!(decoder.text(r#"52-["a"]"#).unwrap().is_none());
    assert!(decoder.binary(Bytes::from_static(b"x")).unwrap().is_none());
    let text = decoder.text(r#"2["b"]"#);
    assert_eq!(text.err(), Some(DecodeError::ExpectedBinary));
    let whole = decoder.binary(Bytes::from_static(b"y")).unwrap().unwrap();
    assert_eq!(attachments(&whole), ["x", "y"]);
    assert!(decoder.text(r#"2["b"]"#).unwrap().is_some());
}

#[test]
fn a_number_may_name_an_event() {
    let read = decode_whole("2[7,true]", &[]).unwrap().unwrap();
    let Body::Event { name, .. } = read.body else {
        panic!("not an event");
    };
    assert_eq!(name, "7");
}

#[test]
fn a_placeholder_goes_there_and_back_and_nothing_else_passes_for_one() {
    let written = serde_json::to_value(Attachment(3)).unwrap();
    assert_eq!(written, json!({ "_placeholder": true, "num": 3 }));
    assert_eq!(
        serde_json::from_value::<Attachment>(written).unwrap(),
        Attachment(3)
    );
    for no in [
        json!({ "_placeholder": false, "num": 3 }),
        json!({ "num": 3 }),
        json!(3),
    ] {
        assert!(serde_json::from_value::<Attachment>(no).is_err());
    }
}

#[test]
fn deeply_nested_json_does_no_harm() {
    let deep = format!("2[\"a\",{}{}]", "[".repeat(200_000), "]".repeat(200_000));
    // Whether it is taken or not: the stack must hold.
    if let Ok(Some(packet)) = Decoder::new(0).text(&deep) {
        assert_eq!(packet.encode(), deep);
    }
}

#[test]
fn generated_packets_survive_the_way_there_and_back() {
    let mut rng = StdRng::seed_from_u64(20_261_107);
    for round in 0..5_000 {
        let packet = any_packet(&mut rng);
        let text = packet.encode();
        let read = decode_whole(&text, attachments(&packet))
            .unwrap_or_else(|error| panic!("round {round}: {error}: {text}"))
            .unwrap_or_else(|| panic!("round {round}: incomplete: {text}"));
        assert_eq!(described(&read), described(&packet), "round {round}");
        assert_eq!(read.encode(), text, "round {round}");
    }
}

#[test]
fn garbage_never_panics() {
    let mut rng = StdRng::seed_from_u64(4);
    let alphabet: Vec<char> = "0123456789-/,[]{}\":_abn\\u \u{e9}\u{1f514}\0"
        .chars()
        .collect();
    for _ in 0..50_000 {
        let garbage: String = (0..rng.random_range(0..24))
            .map(|_| alphabet[rng.random_range(0..alphabet.len())])
            .collect();
        feed(&garbage, &mut rng);
    }
    // Whole packets with a wound: a character changed, dropped or doubled.
    for _ in 0..20_000 {
        let mut chars: Vec<char> = any_packet(&mut rng).encode().chars().collect();
        let at = rng.random_range(0..chars.len());
        match rng.random_range(0..3) {
            0 => chars[at] = alphabet[rng.random_range(0..alphabet.len())],
            1 => {
                chars.remove(at);
            }
            _ => chars.insert(at, chars[at]),
        }
        let wounded: String = chars.into_iter().collect();
        feed(&wounded, &mut rng);
    }
}

/// Through both layers, with attachments behind. Whatever is accepted must also be writable.
fn feed(text: &str, rng: &mut StdRng) {
    let _ = EnginePacket::decode(text);
    let mut decoder = Decoder::new(10);
    let mut read = decoder.text(text);
    for _ in 0..12 {
        match read {
            Ok(Some(packet)) => {
                let again = decode_whole(&packet.encode(), attachments(&packet));
                assert_eq!(
                    described(&again.unwrap().unwrap()),
                    described(&packet),
                    "{text}"
                );
                return;
            }
            Ok(None) => read = decoder.binary(Bytes::from(vec![0; rng.random_range(0..4)])),
            Err(_) => return,
        }
    }
    panic!("never complete: {text}");
}

fn any_packet(rng: &mut StdRng) -> Packet {
    let namespaces = ["/", "/admin", "/a/b", "/mentor-\u{e9}", "/12"];
    let namespace = namespaces[rng.random_range(0..namespaces.len())];
    let body = match rng.random_range(0..8) {
        0 => Body::Connect(rng.random_bool(0.5).then(|| raw(&any_object(rng, 2)))),
        1 => Body::Disconnect,
        2 => Body::ConnectError(raw(&any_object(rng, 2))),
        3 => Body::ConnectError(raw(&Value::from(any_text(rng)))),
        4 | 5 => Body::Ack {
            id: rng.random(),
            args: any_args(rng),
        },
        _ => Body::Event {
            id: rng.random_bool(0.5).then(|| rng.random()),
            name: any_text(rng),
            args: any_args(rng),
        },
    };
    packet(namespace, body)
}

fn any_args(rng: &mut StdRng) -> Args {
    let mut values: Vec<Value> = (0..rng.random_range(0..4))
        .map(|_| any_value(rng, 3))
        .collect();
    let count = if rng.random_bool(0.3) {
        rng.random_range(1..=10)
    } else {
        0
    };
    values.extend((0..count).map(|num| json!(Attachment(num))));
    let binary: Vec<Vec<u8>> = (0..count)
        .map(|_| (0..rng.random_range(0..9)).map(|_| rng.random()).collect())
        .collect();
    let binary: Vec<&[u8]> = binary.iter().map(Vec::as_slice).collect();
    args(&values, &binary)
}

fn any_value(rng: &mut StdRng, depth: u32) -> Value {
    match rng.random_range(0..if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random::<i64>()),
        3 => json!(rng.random::<f64>()),
        4 => json!(any_text(rng)),
        5 => (0..rng.random_range(0..4))
            .map(|_| any_value(rng, depth - 1))
            .collect(),
        _ => any_object(rng, depth - 1),
    }
}

fn any_object(rng: &mut StdRng, depth: u32) -> Value {
    let fields = (0..rng.random_range(0..4)).map(|_| (any_text(rng), any_value(rng, depth)));
    Value::Object(fields.collect())
}

fn any_text(rng: &mut StdRng) -> String {
    (0..rng.random_range(0..8))
        .map(|_| rng.random::<char>())
        .collect()
}
