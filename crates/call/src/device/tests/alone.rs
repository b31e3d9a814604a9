//! One device, stepped by hand: what the server's rules alone would hardly bring about.

use crate::{
    device::{ANSWER_MS, Calls, Failure, Output, Request, RingEnding, Signal, Stage, Ticket, Why},
    media::{IceCandidate, MediaCommand, MediaEvent},
    rules::{Asked, Call, Endpoint, Input, Rules, Situation, Started},
};
use im_protocol::{
    CallId, ConversationId, DeviceId, ErrorCode, PersonId, WireError,
    call::{CallStart, CallView, MediaKinds, RejectReason, RingReceipt},
    webrtc::{Answer, Candidate, Offer, Renegotiate, RenegotiateReason},
};

const EPOCH: i64 = 1_800_000_000_000;

fn endpoint() -> Endpoint {
    Endpoint {
        person: PersonId::new(),
        device: DeviceId::new(),
    }
}

/// Sam rings Maya; `offerer` is Maya.
fn ringing(sam: Endpoint, maya: Endpoint) -> Call {
    let asked = Asked {
        id: CallId::new(),
        conversation: ConversationId::new(),
        caller: sam,
        callee: maya.person,
        offerer: maya.person,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    match Rules::default().start(asked, Situation::default(), EPOCH) {
        Ok(Started::Rings(call)) => call,
        other => panic!("it should ring: {other:?}"),
    }
}

fn step(call: &Call, input: Input) -> Call {
    Rules::default()
        .step(call.clone(), input, EPOCH)
        .unwrap()
        .call
}

fn view(call: &Call) -> CallView {
    Rules::default().view(call, EPOCH)
}

fn drain(calls: &mut Calls) -> Vec<Output> {
    std::iter::from_fn(|| calls.poll()).collect()
}

fn sent(outputs: &[Output]) -> Vec<(Ticket, Request)> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Send(ticket, request) => Some((*ticket, request.clone())),
        _ => None,
    });
    sent.collect()
}

fn media(outputs: &[Output]) -> Vec<MediaCommand> {
    let commands = outputs.iter().filter_map(|output| match output {
        Output::Media(_, command) => Some(command.clone()),
        _ => None,
    });
    commands.collect()
}

/// A device of Sam's in a call with Maya, who offers; media is open, nothing negotiated.
fn sam_joined() -> (Calls, Call) {
    let (sam, maya) = (endpoint(), endpoint());
    let rung = ringing(sam, maya);
    let mut calls = Calls::new(sam);
    calls.online(Vec::new(), 0);
    let start = CallStart {
        id: rung.id,
        conversation: rung.conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    calls.start(start, 0).unwrap();
    let accepted = step(&rung, Input::Accept(maya, MediaKinds::AUDIO));
    calls.view(view(&accepted), 10);
    drain(&mut calls);
    (calls, accepted)
}

fn candidate(call: CallId, generation: u32, line: &str) -> Signal {
    Signal::Candidate(Candidate {
        call,
        generation,
        candidate: line.into(),
        sdp_mid: None,
        sdp_m_line_index: None,
    })
}

fn remote(generation: u32, line: &str) -> MediaCommand {
    MediaCommand::RemoteCandidate {
        generation,
        candidate: IceCandidate {
            candidate: line.into(),
            sdp_mid: None,
            sdp_m_line_index: None,
        },
    }
}

#[test]
fn candidates_wait_for_their_offer_and_stale_ones_are_dropped() {
    let (mut calls, call) = sam_joined();
    calls.signal(candidate(call.id, 2, "second"), 20);
    calls.signal(candidate(call.id, 1, "first"), 20);
    assert_eq!(media(&drain(&mut calls)), []);
    let offer = |generation| {
        Signal::Offer(Offer {
            call: call.id,
            generation,
            sdp: format!("offer {generation}"),
        })
    };
    let to_media = |generation| MediaCommand::RemoteOffer {
        generation,
        sdp: format!("offer {generation}"),
    };
    calls.signal(offer(1), 30);
    assert_eq!(media(&drain(&mut calls)), [to_media(1), remote(1, "first")]);
    calls.signal(offer(2), 40);
    assert_eq!(
        media(&drain(&mut calls)),
        [to_media(2), remote(2, "second")]
    );
    calls.signal(offer(1), 50);
    calls.signal(offer(2), 50);
    calls.signal(candidate(call.id, 1, "late"), 50);
    assert_eq!(media(&drain(&mut calls)), []);
    calls.signal(candidate(call.id, 2, "more"), 60);
    assert_eq!(media(&drain(&mut calls)), [remote(2, "more")]);
}

#[test]
fn a_flood_of_early_candidates_is_bounded() {
    let (mut calls, call) = sam_joined();
    for n in 0..10_000 {
        calls.signal(candidate(call.id, 1, &n.to_string()), 20);
    }
    calls.signal(
        Signal::Offer(Offer {
            call: call.id,
            generation: 1,
            sdp: "offer".into(),
        }),
        30,
    );
    let commands = media(&drain(&mut calls));
    assert_eq!(commands.len(), 1 + 64);
    assert_eq!(
        commands.last(),
        Some(&remote(1, "9999")),
        "the newest are kept"
    );
}

#[test]
fn who_does_not_offer_takes_no_answers_and_makes_no_offers() {
    let (mut calls, call) = sam_joined();
    calls.signal(
        Signal::Answer(Answer {
            call: call.id,
            generation: 1,
            sdp: "answer".into(),
        }),
        20,
    );
    calls.signal(
        Signal::Renegotiate(Renegotiate {
            call: call.id,
            generation: 0,
            reason: RenegotiateReason::Restart,
        }),
        20,
    );
    assert_eq!(media(&drain(&mut calls)), []);
}

#[test]
fn without_an_offer_the_other_side_asks_for_one() {
    let (mut calls, call) = sam_joined();
    let due = calls.due().unwrap();
    calls.tick(due);
    let asked = sent(&drain(&mut calls))
        .into_iter()
        .map(|(_, request)| request);
    let wanted = Request::Renegotiate(Renegotiate {
        call: call.id,
        generation: 0,
        reason: RenegotiateReason::Rebuild,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [wanted]);
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order_after_a_reconnect() {
    let (mut calls, call) = sam_joined();
    calls.signal(
        Signal::Offer(Offer {
            call: call.id,
            generation: 1,
            sdp: "offer".into(),
        }),
        20,
    );
    let answer = MediaEvent::LocalAnswer {
        generation: 1,
        sdp: "answer".into(),
    };
    calls.media(call.id, answer, 30);
    calls.media(call.id, MediaEvent::Connected, 40);
    let kinds = |outputs: &[Output]| -> Vec<&'static str> {
        let names = sent(outputs).into_iter().map(|(_, request)| match request {
            Request::Answer(_) => "answer",
            Request::Connected(_) => "connected",
            Request::Start(_) => "start",
            Request::Renegotiate(_) => "renegotiate",
            _ => "other",
        });
        names.collect()
    };
    assert_eq!(kinds(&drain(&mut calls)), ["answer", "connected"]);
    calls.offline();
    calls.online(vec![view(&call)], 5_000);
    // The start was never answered either; media is up, so nothing is renegotiated.
    assert_eq!(kinds(&drain(&mut calls)), ["start", "answer", "connected"]);
}

#[test]
fn something_refused_for_now_is_sent_again_when_the_server_says() {
    let (sam, maya) = (endpoint(), endpoint());
    let call = ringing(sam, maya);
    let mut calls = Calls::new(maya);
    calls.online(vec![view(&call)], 0);
    drain(&mut calls);
    calls.reject(call.id, RejectReason::Declined, 100).unwrap();
    let first = sent(&drain(&mut calls));
    let later = WireError::new(ErrorCode::RateLimited, "Slow down.").retry_after(700);
    calls.reply(first[0].0, Err(Failure::Refused(later)), 200);
    assert_eq!(drain(&mut calls), []);
    assert_eq!(calls.due(), Some(900));
    calls.tick(900);
    let again = sent(&drain(&mut calls));
    assert_eq!(again[0].1, first[0].1);
    assert_ne!(again[0].0, first[0].0);
    let rejected = step(&call, Input::Reject(maya, RejectReason::Declined));
    calls.reply(again[0].0, Ok(Some(view(&rejected))), 950);
    assert!(calls.is_idle());
}

#[test]
fn a_refused_start_says_why() {
    let sam = endpoint();
    let mut calls = Calls::new(sam);
    calls.online(Vec::new(), 0);
    let start = CallStart {
        id: CallId::new(),
        conversation: ConversationId::new(),
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    calls.start(start, 0).unwrap();
    let ticket = sent(&drain(&mut calls))[0].0;
    let refused = WireError::new(ErrorCode::Forbidden, "You may not call this person.");
    calls.reply(ticket, Err(Failure::Refused(refused.clone())), 10);
    let outputs = drain(&mut calls);
    assert!(matches!(
        &outputs[..],
        [Output::Progress(progress)] if progress.stage == Stage::Over(Why::Refused(refused))
    ));
    assert!(calls.is_idle());
}

#[test]
fn an_old_word_brings_no_ring_back() {
    let (sam, maya) = (endpoint(), endpoint());
    let call = ringing(sam, maya);
    let over = step(
        &call,
        Input::End {
            by: sam,
            failed: false,
        },
    );
    let mut calls = Calls::new(maya);
    calls.online(vec![view(&call)], 0);
    calls.view(view(&over), 10);
    drain(&mut calls);
    calls.view(view(&call), 20);
    calls.view(view(&over), 30);
    calls.online(vec![view(&call)], 40);
    assert_eq!(drain(&mut calls), []);
}

#[test]
fn a_device_that_slept_rings_no_longer_than_the_server_says() {
    let (sam, maya) = (endpoint(), endpoint());
    let call = ringing(sam, maya);
    let mut calls = Calls::new(maya);
    calls.online(vec![view(&call)], 0);
    assert_eq!(calls.due(), Some(45_000));
    calls.offline();
    let late = Rules::default().view(&call, EPOCH + 40_000);
    calls.online(vec![late], 1_000);
    assert_eq!(calls.due(), Some(6_000));
    calls.tick(6_000);
    let over = Output::RingOver {
        call: call.id,
        ending: RingEnding::TimedOut,
    };
    assert!(drain(&mut calls).contains(&over));
}

#[test]
fn a_start_that_nobody_answers_is_given_up_and_taken_back() {
    let mut calls = Calls::new(endpoint());
    calls.online(Vec::new(), 0);
    let id = CallId::new();
    let start = CallStart {
        id,
        conversation: ConversationId::new(),
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    calls.start(start, 0).unwrap();
    drain(&mut calls);
    calls.tick(ANSWER_MS);
    let requests = sent(&drain(&mut calls));
    assert!(matches!(requests[..], [(_, Request::End(end))] if end.id == id));
    let unknown = WireError::new(ErrorCode::NotFound, "There is no such call.");
    calls.reply(
        requests[0].0,
        Err(Failure::Refused(unknown)),
        ANSWER_MS + 10,
    );
    assert!(calls.is_idle());
}

#[test]
fn signals_that_overtake_the_word_of_the_accept_are_kept() {
    let (sam, maya) = (endpoint(), endpoint());
    let rung = ringing(sam, maya);
    let mut calls = Calls::new(sam);
    calls.online(Vec::new(), 0);
    let start = CallStart {
        id: rung.id,
        conversation: rung.conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    calls.start(start, 0).unwrap();
    calls.view(view(&rung), 5);
    calls.signal(candidate(rung.id, 1, "first"), 10);
    calls.signal(
        Signal::Offer(Offer {
            call: rung.id,
            generation: 1,
            sdp: "offer".into(),
        }),
        11,
    );
    assert_eq!(media(&drain(&mut calls)), []);
    calls.view(
        view(&step(&rung, Input::Accept(maya, MediaKinds::AUDIO))),
        20,
    );
    let offer = MediaCommand::RemoteOffer {
        generation: 1,
        sdp: "offer".into(),
    };
    assert_eq!(media(&drain(&mut calls)), [offer, remote(1, "first")]);
}

#[test]
fn an_older_word_does_not_turn_a_call_back() {
    let (sam, maya) = (endpoint(), endpoint());
    let rung = ringing(sam, maya);
    let mut calls = Calls::new(sam);
    calls.online(Vec::new(), 0);
    let start = CallStart {
        id: rung.id,
        conversation: rung.conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    calls.start(start, 0).unwrap();
    let shown = step(&rung, Input::Receipt(maya, RingReceipt::Shown));
    calls.view(view(&shown), 10);
    drain(&mut calls);
    calls.view(view(&rung), 20);
    calls.view(view(&shown), 30);
    assert_eq!(drain(&mut calls), []);
}

#[test]
fn back_at_the_server_without_media_a_new_generation_begins_at_once() {
    let (mut sams, call) = sam_joined();
    sams.offline();
    sams.online(vec![view(&call)], 2_000);
    let asked = sent(&drain(&mut sams)).into_iter().any(|(_, request)| {
        matches!(request, Request::Renegotiate(ask) if ask.call == call.id && ask.generation == 0)
    });
    assert!(asked, "the side that does not offer asks");

    // Maya's side of the same call.
    let maya = Endpoint {
        person: call.callee,
        device: call.callee_device.unwrap(),
    };
    let rung = ringing(call.caller, maya);
    let mut mayas = Calls::new(maya);
    mayas.online(vec![view(&rung)], 0);
    mayas.accept(rung.id, MediaKinds::AUDIO, 10).unwrap();
    let accepted = step(&rung, Input::Accept(maya, MediaKinds::AUDIO));
    mayas.view(view(&accepted), 20);
    drain(&mut mayas);
    mayas.offline();
    mayas.online(vec![view(&accepted)], 2_000);
    let offer = MediaCommand::Offer {
        generation: 2,
        restart: false,
        rebuild: true,
    };
    assert_eq!(media(&drain(&mut mayas)), [offer]);

    // With media there is no need.
    mayas.media(rung.id, MediaEvent::Connected, 3_000);
    drain(&mut mayas);
    mayas.offline();
    mayas.online(vec![view(&accepted)], 5_000);
    assert_eq!(media(&drain(&mut mayas)), []);
}
