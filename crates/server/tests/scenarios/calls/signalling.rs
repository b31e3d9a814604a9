//! Offers, answers and candidates: only between the two devices that joined, and only what each
//! side may send.

use super::{Called, hears};
use im_protocol::{
    CallId, ErrorCode,
    call::CallState,
    limits,
    webrtc::{Answer, Candidate, Offer, Renegotiate, RenegotiateReason},
};

fn offer(call: CallId, sdp: &str) -> Offer {
    Offer {
        call,
        generation: 1,
        sdp: sdp.into(),
    }
}

fn answer(call: CallId) -> Answer {
    Answer {
        call,
        generation: 1,
        sdp: "v=0".into(),
    }
}

fn candidate(call: CallId) -> Candidate {
    Candidate {
        call,
        generation: 1,
        candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_joined_devices_send_arrives_as_it_was_and_nobody_else_hears_it() {
    let mut it = Called::new().await;
    let call = it.accepted().await;
    let sent = offer(call, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n");
    it.desk.ask(sent.clone()).await.unwrap();
    it.desk.ask(candidate(call)).await.unwrap();
    assert_eq!(it.laptop.hear::<Offer>().await, sent);
    assert_eq!(it.laptop.hear::<Candidate>().await, candidate(call));
    it.laptop.ask(answer(call)).await.unwrap();
    it.laptop.ask(candidate(call)).await.unwrap();
    assert_eq!(it.desk.hear::<Answer>().await, answer(call));
    assert_eq!(it.desk.hear::<Candidate>().await, candidate(call));
    let ask = Renegotiate {
        call,
        generation: 1,
        reason: RenegotiateReason::Restart,
    };
    it.laptop.ask(ask).await.unwrap();
    assert_eq!(it.desk.hear::<Renegotiate>().await, ask);

    // What comes after all of it at Maya's tablet has nothing of it before.
    it.laptop.hang_up(call).await.unwrap();
    hears(&mut it.tablet, CallState::Over).await;
    let before = it.tablet.kept();
    assert!(
        before.iter().all(|name| !name.starts_with("webrtc:")),
        "{before:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_signal_and_each_side_only_its_part() {
    let mut it = Called::new().await;
    let ringing = it.ringing().await;
    let code = |refused: Result<_, im_protocol::WireError>| refused.unwrap_err().code;
    let early = it.desk.ask(offer(ringing, "v=0")).await;
    assert_eq!(code(early), ErrorCode::Conflict);
    it.desk.accept(ringing).await.unwrap();
    let call = ringing;
    let wrong_side = it.laptop.ask(offer(call, "v=0")).await;
    assert_eq!(code(wrong_side), ErrorCode::Forbidden);
    let wrong_side = it.desk.ask(answer(call)).await;
    assert_eq!(code(wrong_side), ErrorCode::Forbidden);
    let wrong_device = it.tablet.ask(candidate(call)).await;
    assert_eq!(code(wrong_device), ErrorCode::AnsweredElsewhere);
    let lin = it.school.person("Lin", im_protocol::people::Role::Student);
    let lins = it.school.connect(&lin.await).await;
    assert_eq!(code(lins.ask(candidate(call)).await), ErrorCode::NotFound);
    let accept = lins.accept(call).await.unwrap_err();
    assert_eq!(accept.code, ErrorCode::NotFound);
    let unknown = it.desk.ask(candidate(CallId::new())).await;
    assert_eq!(code(unknown), ErrorCode::NotFound);
    let large = "x".repeat(limits::SDP_BYTES + 1);
    let large = it.desk.ask(offer(call, &large)).await;
    assert_eq!(code(large), ErrorCode::TooLarge);
    it.laptop.hang_up(call).await.unwrap();
    assert_eq!(code(it.desk.ask(candidate(call)).await), ErrorCode::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_between_two_connections_is_told_to_be_so() {
    let mut it = Called::new().await;
    let call = it.accepted().await;
    it.laptop.client.close().await;
    let hub = it.school.running().hub();
    let gone = async {
        while hub.has_device(it.sam.id(), it.sam.device) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::school::SOON, gone)
        .await
        .unwrap();
    let refused = it.desk.ask(offer(call, "v=0")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Offline);
    let mut laptop = it.school.connect(&it.sam).await;
    assert_eq!(laptop.ready.as_ref().unwrap().calls.len(), 1);
    it.desk.ask(offer(call, "v=0")).await.unwrap();
    assert_eq!(laptop.hear::<Offer>().await.call, call);
}
