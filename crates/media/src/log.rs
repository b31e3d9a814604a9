//! What the libraries of a call may say in a log.

/// Directives of `tracing_subscriber::EnvFilter`, for every program that has calls. They are added
/// to what was asked for and stand above it: no log names addresses or holds what was said.
pub const LOG_RULES: [&str; 9] = [
    // Below Info they print whole frames.
    "tungstenite=info",
    "tokio_tungstenite=info",
    // The WebRTC stack names addresses and warns of what is normal; its errors stay.
    "rtc=error",
    "rtc_ice=error",
    "rtc_dtls=error",
    "rtc_mdns=error",
    "rtc_sctp=error",
    "webrtc=error",
    // Its thread has no orderly end: each time a microphone or a speaker is closed as it should be,
    // it says that the connection was lost.
    "pulseaudio::client::reactor=off",
];

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::filter::Directive;

    #[test]
    fn every_rule_is_a_directive() {
        for rule in LOG_RULES {
            assert!(rule.parse::<Directive>().is_ok(), "{rule}");
        }
    }
}
