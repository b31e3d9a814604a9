//! What people write, and secrets, stay out of logs: types that carry them print no more than their
//! name.

/// Gives types a `Debug` that prints only their name.
#[macro_export]
macro_rules! opaque_debug {
    ($($name:ident),+ $(,)?) => {$(
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use crate::{
        CallId, ConversationId, FileId, MessageId, PersonId,
        call::{CallStart, MediaKinds},
        conversation::{Content, Message, MessageSend, NewMessage},
        files::FileInfo,
        people::{Availability, Status, StatusSet},
        rest::Enrol,
        webrtc::{Answer, Candidate, Offer},
    };

    #[test]
    fn nothing_that_a_person_wrote_and_no_address_is_printed() {
        let secret = || "secret 192.0.2.7".to_owned();
        let (call, conversation) = (CallId::new(), ConversationId::new());
        let generation = 1;
        let printed = [
            format!("{:?}", Content::Text { text: secret() }),
            format!(
                "{:?}",
                Message {
                    id: MessageId::new(),
                    conversation,
                    seq: 1,
                    rev: 1,
                    author: PersonId::new(),
                    content: Content::Text { text: secret() },
                    written_at: 0,
                    accepted_at: 0,
                    reply_to: None,
                    edited_at: None,
                    reactions: Vec::new(),
                    files: vec![FileInfo {
                        id: FileId::new(),
                        name: secret(),
                        size: 1,
                        media_type: "image/png".to_owned(),
                        width: None,
                        height: None,
                    }],
                }
            ),
            format!(
                "{:?}",
                MessageSend {
                    conversation,
                    items: vec![NewMessage {
                        id: MessageId::new(),
                        text: secret(),
                        written_at: 0,
                        reply_to: None,
                        files: Vec::new(),
                    }],
                }
            ),
            format!(
                "{:?}",
                CallStart {
                    id: call,
                    conversation,
                    media: MediaKinds {
                        audio: true,
                        video: true,
                    },
                    about: secret(),
                }
            ),
            format!(
                "{:?}",
                Status {
                    person: PersonId::new(),
                    availability: Availability::Break,
                    message: secret(),
                    since: 0,
                }
            ),
            format!(
                "{:?}",
                StatusSet {
                    availability: Availability::Break,
                    message: secret(),
                }
            ),
            format!("{:?}", Enrol { code: secret() }),
            format!(
                "{:?}",
                Offer {
                    call,
                    generation,
                    sdp: secret(),
                }
            ),
            format!(
                "{:?}",
                Answer {
                    call,
                    generation,
                    sdp: secret(),
                }
            ),
            format!(
                "{:?}",
                Candidate {
                    call,
                    generation,
                    candidate: secret(),
                    sdp_mid: None,
                    sdp_m_line_index: None,
                }
            ),
        ];
        for text in printed {
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
