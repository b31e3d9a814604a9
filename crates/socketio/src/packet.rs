//! Packets of Socket.IO protocol 5, with binary attachments.
//!
//! A packet is a digit, the number of attachments and `-` for binary ones, the namespace and `,`
//! unless it is `/`, an id where an acknowledgement is asked for or given, and JSON. Attachments
//! follow as binary frames; the JSON holds a placeholder for each.
//!
//! <https://socket.io/docs/v4/socket-io-protocol/>

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Names that mean something to the protocol's libraries and therefore are no events.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Whether an event may have this name.
#[must_use]
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// What is wrong with what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A frame without content.
    #[error("an empty packet")]
    Empty,
    /// A digit that stands for nothing.
    #[error("an unknown type of packet")]
    UnknownType,
    /// The greeting is not one, or came at the wrong time.
    #[error("a greeting that makes no sense")]
    Handshake,
    /// The number of attachments is missing, zero or too large.
    #[error("a wrong number of attachments")]
    Attachments,
    /// The id is no number, too large, missing or where none belongs.
    #[error("a wrong acknowledgement id")]
    Id,
    /// The JSON is broken or has another shape than this packet has.
    #[error("a payload that does not fit")]
    Payload,
    /// A text frame where an attachment was due.
    #[error("text where an attachment was due")]
    ExpectedBinary,
    /// An attachment that no packet announced.
    #[error("an attachment nobody announced")]
    UnexpectedBinary,
}

/// One packet, complete with its attachments.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Begins with `/`.
    pub namespace: String,
    /// What it says.
    pub body: Body,
}

/// What a packet says.
#[derive(Debug, Clone)]
pub enum Body {
    /// Joining a namespace, or the server's welcome: an object, if any.
    Connect(Option<Box<RawValue>>),
    /// Leaving the namespace.
    Disconnect,
    /// An event.
    Event {
        /// Present if the sender wants an acknowledgement.
        id: Option<u64>,
        /// What happened.
        name: String,
        /// The arguments and attachments.
        args: Args,
    },
    /// The answer to an event.
    Ack {
        /// The id of the event that is answered.
        id: u64,
        /// The arguments and attachments.
        args: Args,
    },
    /// The server's refusal of a CONNECT: an object or text.
    ConnectError(Box<RawValue>),
}

/// Arguments of an event or acknowledgement.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// One JSON value each.
    pub json: Vec<Box<RawValue>>,
    /// What the [`Attachment`]s in the JSON stand for. If there are any, the packet is a binary one.
    pub attachments: Vec<Bytes>,
}

/// The placeholder of a binary attachment within a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireAttachment", into = "WireAttachment")]
pub struct Attachment(
    /// Which of the attachments it stands for, from 0.
    pub usize,
);

#[derive(Serialize, Deserialize)]
struct WireAttachment {
    #[serde(rename = "_placeholder")]
    placeholder: bool,
    num: usize,
}

impl TryFrom<WireAttachment> for Attachment {
    type Error = &'static str;

    fn try_from(wire: WireAttachment) -> Result<Self, Self::Error> {
        if wire.placeholder {
            Ok(Self(wire.num))
        } else {
            Err("not a placeholder")
        }
    }
}

impl From<Attachment> for WireAttachment {
    fn from(attachment: Attachment) -> Self {
        Self {
            placeholder: true,
            num: attachment.0,
        }
    }
}

/// The text of an event whose JSON array, name included, is written already.
pub(crate) fn event_text(
    namespace: &str,
    id: Option<u64>,
    attachments: usize,
    json: &str,
) -> String {
    let kind = if attachments == 0 { '2' } else { '5' };
    text(kind, attachments, namespace, id, json)
}

/// The text of an acknowledgement whose JSON array is written already.
pub(crate) fn ack_text(namespace: &str, id: u64, attachments: usize, json: &str) -> String {
    let kind = if attachments == 0 { '3' } else { '6' };
    text(kind, attachments, namespace, Some(id), json)
}

fn text(kind: char, attachments: usize, namespace: &str, id: Option<u64>, json: &str) -> String {
    let mut text = String::with_capacity(json.len() + namespace.len() + 24);
    text.push(kind);
    // Writing to a String cannot fail.
    if attachments > 0 {
        let _ = write!(text, "{attachments}-");
    }
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        let _ = write!(text, "{id}");
    }
    text.push_str(json);
    text
}

impl Packet {
    /// The text frame of this packet. Its attachments, if any, go as binary frames behind it, in
    /// order and with nothing between.
    #[must_use]
    pub fn encode(&self) -> String {
        let namespace = self.namespace.as_str();
        match &self.body {
            Body::Connect(data) => text(
                '0',
                0,
                namespace,
                None,
                data.as_ref().map_or("", |d| d.get()),
            ),
            Body::Disconnect => text('1', 0, namespace, None, ""),
            Body::Event { id, name, args } => {
                let json = array(Some(name), &args.json);
                event_text(namespace, *id, args.attachments.len(), &json)
            }
            Body::Ack { id, args } => {
                let json = array(None, &args.json);
                ack_text(namespace, *id, args.attachments.len(), &json)
            }
            Body::ConnectError(data) => text('4', 0, namespace, None, data.get()),
        }
    }
}

fn array(name: Option<&str>, args: &[Box<RawValue>]) -> String {
    let name = name.map(|name| serde_json::Value::from(name).to_string());
    let items: Vec<&str> = name
        .as_deref()
        .into_iter()
        .chain(args.iter().map(|arg| arg.get()))
        .collect();
    format!("[{}]", items.join(","))
}

/// Puts frames together to packets.
#[derive(Debug)]
pub struct Decoder {
    max_attachments: usize,
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Partial {
    packet: Packet,
    missing: usize,
}

impl Decoder {
    /// A decoder that refuses packets with more than `max_attachments`.
    #[must_use]
    pub fn new(max_attachments: usize) -> Self {
        Self {
            max_attachments,
            partial: None,
        }
    }

    /// Takes a text packet (the payload of an Engine.IO message). Gives the packet, or nothing yet
    /// if attachments are to follow.
    ///
    /// # Errors
    /// What is wrong with it. The connection is of no more use then.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError> {
        if self.partial.is_some() {
            return Err(DecodeError::ExpectedBinary);
        }
        let (packet, missing) = decode(text, self.max_attachments)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        self.partial = Some(Partial { packet, missing });
        Ok(None)
    }

    /// Takes a binary frame. Gives the packet once all its attachments are there.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedBinary`].
    pub fn binary(&mut self, data: Bytes) -> Result<Option<Packet>, DecodeError> {
        let mut partial = self.partial.take().ok_or(DecodeError::UnexpectedBinary)?;
        if let Body::Event { args, .. } | Body::Ack { args, .. } = &mut partial.packet.body {
            args.attachments.push(data);
        }
        partial.missing -= 1;
        if partial.missing == 0 {
            return Ok(Some(partial.packet));
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

/// The packet and how many attachments it lacks.
fn decode(text: &str, max_attachments: usize) -> Result<(Packet, usize), DecodeError> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(DecodeError::Empty)?;
    let mut rest = chars.as_str();
    let mut missing = 0;
    if matches!(kind, '5' | '6') {
        let (count, tail) = rest.split_once('-').ok_or(DecodeError::Attachments)?;
        missing = number(count).ok_or(DecodeError::Attachments)?;
        if missing == 0 || missing > max_attachments {
            return Err(DecodeError::Attachments);
        }
        rest = tail;
    }
    let mut namespace = "/";
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    }
    let json = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = rest.strip_suffix(json).unwrap_or_default();
    let id: Option<u64> = match digits {
        "" => None,
        digits => Some(number(digits).ok_or(DecodeError::Id)?),
    };
    if id.is_some() && !matches!(kind, '2' | '3' | '5' | '6') {
        return Err(DecodeError::Id);
    }
    let body = match kind {
        '0' if json.is_empty() => Body::Connect(None),
        '0' if json.starts_with('{') => Body::Connect(Some(parse(json)?)),
        '1' if json.is_empty() => Body::Disconnect,
        '2' | '5' => {
            let mut args: Vec<Box<RawValue>> = parse(json)?;
            if args.is_empty() {
                return Err(DecodeError::Payload);
            }
            let name = event_name(&args.remove(0))?;
            let args = Args {
                json: args,
                attachments: Vec::new(),
            };
            Body::Event { id, name, args }
        }
        '3' | '6' => Body::Ack {
            id: id.ok_or(DecodeError::Id)?,
            args: Args {
                json: parse(json)?,
                attachments: Vec::new(),
            },
        },
        '4' if json.starts_with(['{', '"']) => Body::ConnectError(parse(json)?),
        '0' | '1' | '4' => return Err(DecodeError::Payload),
        _ => return Err(DecodeError::UnknownType),
    };
    let namespace = namespace.to_owned();
    Ok((Packet { namespace, body }, missing))
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, DecodeError> {
    serde_json::from_str(json).map_err(|_| DecodeError::Payload)
}

/// Digits only: `parse` alone would take a sign as well.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

/// A name is text; Node's library allows a number as well.
fn event_name(json: &RawValue) -> Result<String, DecodeError> {
    match json.get().as_bytes().first() {
        Some(b'"') => parse(json.get()),
        Some(b'-' | b'0'..=b'9') => Ok(json.get().to_owned()),
        _ => Err(DecodeError::Payload),
    }
}

#[cfg(test)]
mod tests;
