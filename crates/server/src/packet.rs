//! Packets of the Socket.IO protocol, revision 5, as text: parsing what clients send, writing what
//! they are sent. Engine.IO below is `engineioxide`'s.
//!
//! `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`, see
//! <https://socket.io/docs/v4/socket-io-protocol/>. Attachments are not taken: nothing in our
//! protocol has any.

use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A packet from a client.
#[derive(Debug)]
pub(crate) enum Packet<'a> {
    /// Asks for a namespace.
    Connect {
        /// Which; `/` is the only one we have.
        namespace: &'a str,
        /// What the client says of itself.
        auth: Option<&'a RawValue>,
    },
    /// Leaves the namespace.
    Disconnect,
    /// An event.
    Event(Event<'a>),
    /// An answer to an event of ours; we ask for none.
    Ack,
    /// The head of an event with attachments, which are to follow.
    BinaryEvent {
        /// To be answered with a refusal, where an answer is wanted.
        ack: Option<u64>,
    },
}

/// An event from a client.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// Its name.
    pub(crate) name: Cow<'a, str>,
    /// Its first argument, where there is one.
    pub(crate) payload: Option<&'a RawValue>,
    /// Present where the client wants an answer.
    pub(crate) ack: Option<u64>,
}

/// The text is not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPacket {
    /// Not even the head can be read, or it is of a namespace that was not connected.
    #[error("the packet cannot be read")]
    Unreadable,
    /// The head can, the JSON behind it cannot: whoever waits can be told.
    #[error("the JSON of the packet cannot be read")]
    Json {
        /// Who waits.
        ack: Option<u64>,
    },
}

/// Reads a packet.
///
/// # Errors
/// Where it is none.
pub(crate) fn parse(text: &str) -> Result<Packet<'_>, BadPacket> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(BadPacket::Unreadable)?;
    let mut rest = chars.as_str();
    let binary = matches!(kind, '5' | '6');
    if binary {
        let (count, after) = rest.split_once('-').ok_or(BadPacket::Unreadable)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadPacket::Unreadable);
        }
        rest = after;
    }
    let mut namespace = "/";
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    }
    if kind == '0' {
        let auth = match rest {
            "" => None,
            json => Some(serde_json::from_str(json).map_err(|_| BadPacket::Unreadable)?),
        };
        return Ok(Packet::Connect { namespace, auth });
    }
    if namespace != "/" {
        return Err(BadPacket::Unreadable);
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, json) = rest.split_at_checked(digits).ok_or(BadPacket::Unreadable)?;
    let ack = match id {
        "" => None,
        id => Some(id.parse().map_err(|_| BadPacket::Unreadable)?),
    };
    match kind {
        '1' => Ok(Packet::Disconnect),
        '2' => event(json, ack).map(Packet::Event),
        '3' | '6' => Ok(Packet::Ack),
        '5' => Ok(Packet::BinaryEvent { ack }),
        _ => Err(BadPacket::Unreadable),
    }
}

fn event(json: &str, ack: Option<u64>) -> Result<Event<'_>, BadPacket> {
    let bad = |_| BadPacket::Json { ack };
    let parts: Vec<&RawValue> = serde_json::from_str(json).map_err(bad)?;
    let mut parts = parts.into_iter();
    let name = parts.next().ok_or(BadPacket::Json { ack })?;
    Ok(Event {
        name: serde_json::from_str::<Name<'_>>(name.get()).map_err(bad)?.0,
        payload: parts.next(),
        ack,
    })
}

/// Borrows where the name has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// CONNECT: the namespace is open, under this socket id.
#[must_use]
pub(crate) fn connected(sid: &str) -> String {
    format!("0{}", serde_json::json!({ "sid": sid }))
}

/// DISCONNECT: the server closes the namespace.
pub(crate) const DISCONNECTED: &str = "1";

/// CONNECT_ERROR with a sentence and what a program needs.
///
/// # Errors
/// Where the data is not written as JSON.
pub(crate) fn refused<T: Serialize>(
    namespace: &str,
    message: &str,
    data: &T,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Refusal<'a, T> {
        message: &'a str,
        data: &'a T,
    }
    let json = serde_json::to_string(&Refusal { message, data })?;
    Ok(match namespace {
        "/" => format!("4{json}"),
        other => format!("4{other},{json}"),
    })
}

/// EVENT with one argument.
///
/// # Errors
/// Where the payload is not written as JSON.
pub(crate) fn told<T: Serialize + ?Sized>(
    name: &str,
    payload: &T,
) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(payload)?;
    Ok(format!("2[\"{name}\",{json}]"))
}

/// Cuts a list to the first of its items that fit into `room`, and takes from there what they need:
/// `bytes` says for each how many it has as JSON, at most.
pub(crate) fn cut<T>(items: &mut Vec<T>, room: &mut usize, bytes: impl Fn(&T) -> usize) {
    let fit = items.iter().take_while(|item| {
        let left = room.checked_sub(bytes(item));
        *room = left.unwrap_or(*room);
        left.is_some()
    });
    let fit = fit.count();
    items.truncate(fit);
}

/// The most that a text without control characters takes as JSON, besides its quotation marks.
pub(crate) const fn json_bytes(text: &str) -> usize {
    2 * text.len()
}

/// ACK with one argument that is JSON already.
#[must_use]
pub(crate) fn answered(ack: u64, json: &str) -> String {
    format!("3{ack}[{json}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed_event(text: &str) -> (String, Option<String>, Option<u64>) {
        let Ok(Packet::Event(event)) = parse(text) else {
            panic!("not an event: {text}");
        };
        let payload = event.payload.map(|raw| raw.get().to_owned());
        (event.name.into_owned(), payload, event.ack)
    }

    #[test]
    fn events_come_with_and_without_payload_and_answer() {
        let (name, payload, ack) = parsed_event(r#"2["read:mark",{"seq":3}]"#);
        assert_eq!((name.as_str(), ack), ("read:mark", None));
        assert_eq!(payload.as_deref(), Some(r#"{"seq":3}"#));
        let (name, payload, ack) = parsed_event(r#"217["sync:since"]"#);
        assert_eq!(
            (name.as_str(), payload, ack),
            ("sync:since", None, Some(17))
        );
        let (name, ..) = parsed_event(r#"2["caf\u00e9"]"#);
        assert_eq!(name, "café");
    }

    #[test]
    fn connect_carries_auth_or_not_and_names_its_namespace() {
        let Ok(Packet::Connect { namespace, auth }) = parse(r#"0{"token":"t"}"#) else {
            panic!("not a connect");
        };
        assert_eq!((namespace, auth.unwrap().get()), ("/", r#"{"token":"t"}"#));
        let Ok(Packet::Connect { namespace, auth }) = parse("0/admin,") else {
            panic!("not a connect");
        };
        assert_eq!((namespace, auth.is_none()), ("/admin", true));
        assert!(matches!(parse("0"), Ok(Packet::Connect { auth: None, .. })));
    }

    #[test]
    fn broken_json_is_answerable_where_the_head_is_whole() {
        for (text, wanted) in [
            (r#"23["message:send",{"#, BadPacket::Json { ack: Some(3) }),
            (r#"2{"not":"an array"}"#, BadPacket::Json { ack: None }),
            ("24[]", BadPacket::Json { ack: Some(4) }),
            ("25[7]", BadPacket::Json { ack: Some(5) }),
            ("", BadPacket::Unreadable),
            ("9", BadPacket::Unreadable),
            ("é", BadPacket::Unreadable),
            ("2/admin,[\"x\"]", BadPacket::Unreadable),
            ("5-[\"x\"]", BadPacket::Unreadable),
            ("2999999999999999999999[\"x\"]", BadPacket::Unreadable),
        ] {
            assert_eq!(parse(text).unwrap_err(), wanted, "{text}");
        }
        let binary = parse(r#"51-9["file",{"_placeholder":true,"num":0}]"#);
        assert!(matches!(binary, Ok(Packet::BinaryEvent { ack: Some(9) })));
    }

    #[test]
    fn a_list_is_cut_at_the_first_that_does_not_fit() {
        let bytes = |text: &&str| json_bytes(text);
        let (mut list, mut room) = (vec!["ab", "\"\"", "abc", "d"], 10);
        cut(&mut list, &mut room, bytes);
        assert_eq!((list, room), (vec!["ab", "\"\""], 2));
        let (mut list, mut room) = (vec!["ab", "c"], 6);
        cut(&mut list, &mut room, bytes);
        assert_eq!((list.len(), room), (2, 0));
    }

    #[test]
    fn what_is_written_is_what_the_protocol_says() {
        assert_eq!(connected("abc"), r#"0{"sid":"abc"}"#);
        assert_eq!(told("x:y", &[1]).unwrap(), r#"2["x:y",[1]]"#);
        assert_eq!(answered(7, "{}"), "37[{}]");
        let data = serde_json::json!({"code": "unauthorized"});
        assert_eq!(
            refused("/", "No \"token\".", &data).unwrap(),
            r#"4{"message":"No \"token\".","data":{"code":"unauthorized"}}"#
        );
        assert!(refused("/x", "m", &data).unwrap().starts_with("4/x,{"));
    }
}
