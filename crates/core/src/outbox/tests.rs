//! Sam writes to Maya, and everything that can go wrong does.

mod walk;

use super::*;
use im_protocol::UnixMs;

const NOW: Duration = Duration::from_secs(10);

fn entries(conversation: ConversationId, places: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    places
        .map(|n| Entry {
            n,
            id: MessageId::new(),
            conversation,
            bytes: 100,
            failed: false,
        })
        .collect()
}

fn ids(entries: &[Entry]) -> Vec<MessageId> {
    entries.iter().map(|entry| entry.id).collect()
}

fn accepted(ids: &[MessageId]) -> Vec<Accepted> {
    (1..)
        .zip(ids)
        .map(|(seq, id)| Accepted {
            id: *id,
            seq,
            rev: seq,
            accepted_at: UnixMs::default(),
        })
        .collect()
}

fn sent(ids: &[MessageId]) -> Result<MessageSent, SendFailure> {
    Ok(MessageSent {
        accepted: accepted(ids),
        failed: None,
    })
}

/// The one request that is started now.
fn request(outbox: &mut Outbox, now: Duration) -> (u64, Vec<MessageId>) {
    match outbox.poll(now).as_slice() {
        [Action::Send { request, ids, .. }] => (*request, ids.clone()),
        other => panic!("one request was expected: {other:?}"),
    }
}

#[test]
fn one_request_at_a_time_with_what_waits_in_the_order_of_writing() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    let first = entries(maya, 1..=1);
    outbox.add(first.clone());
    assert_eq!(outbox.poll(NOW), [], "nothing leaves while offline");
    outbox.connected();
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, ids(&first));
    let more = entries(maya, 2..=4);
    outbox.add(more.iter().rev().cloned().collect());
    assert_eq!(outbox.poll(NOW), [], "one request at a time");
    let settle = outbox.answered(NOW, maya, number, sent(&on_way));
    assert!(matches!(settle.as_slice(), [Action::Settle { .. }]));
    assert_eq!(request(&mut outbox, NOW).1, ids(&more));
    assert_eq!(outbox.waiting(), 4);
    outbox.settled(&on_way);
    assert_eq!(outbox.waiting(), 3);
}

#[test]
fn a_request_holds_fifty_messages_and_half_a_packet_at_most() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=120));
    assert_eq!(request(&mut outbox, NOW).1.len(), SEND_ITEMS);

    let mut outbox = Outbox::default();
    outbox.connected();
    let mut long = entries(maya, 1..=30);
    for entry in &mut long {
        entry.bytes = 16_000;
    }
    outbox.add(long);
    assert_eq!(request(&mut outbox, NOW).1.len(), REQUEST_BYTES / 16_000);

    let mut outbox = Outbox::default();
    outbox.connected();
    let mut huge = entries(maya, 1..=2);
    for entry in &mut huge {
        entry.bytes = REQUEST_BYTES * 3;
    }
    outbox.add(huge);
    assert_eq!(request(&mut outbox, NOW).1.len(), 1, "never none at all");
}

#[test]
fn conversations_do_not_wait_for_each_other() {
    let (maya, ali) = (ConversationId::new(), ConversationId::new());
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=2));
    outbox.add(entries(ali, 3..=4));
    assert_eq!(outbox.poll(NOW).len(), 2);
}

#[test]
fn the_own_message_from_the_feed_settles_it_and_the_late_answer_changes_nothing() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=2));
    let (number, on_way) = request(&mut outbox, NOW);
    let forget = outbox.own_facts(&on_way[..1]);
    assert_eq!(forget, [Action::Forget(on_way[..1].to_vec())]);
    assert_eq!(outbox.own_facts(&on_way[..1]), [], "asked for once");
    outbox.settled(&on_way[..1]);
    let actions = outbox.answered(NOW, maya, number, sent(&on_way));
    let [Action::Settle { accepted, .. }] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].id, on_way[1]);
}

#[test]
fn what_got_no_answer_is_sent_again_as_it_was() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=3));
    let (number, on_way) = request(&mut outbox, NOW);
    outbox.disconnected();
    let lost = outbox.answered(NOW, maya, number, Err(SendFailure::Lost));
    assert_eq!(lost, []);
    assert_eq!(outbox.poll(NOW), []);
    outbox.connected();
    assert_eq!(request(&mut outbox, NOW).1, on_way);
    assert_eq!(
        outbox.answered(NOW, maya, number, sent(&on_way)),
        [],
        "an answer to a request that is over"
    );
}

#[test]
fn what_may_pass_pauses_its_conversation_longer_each_time() {
    let (maya, ali) = (ConversationId::new(), ConversationId::new());
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=1));
    let mut now = NOW;
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let (number, _) = request(&mut outbox, now);
        let busy = WireError::new(ErrorCode::Unavailable, "");
        let answer = Err(SendFailure::Refused(busy));
        assert_eq!(outbox.answered(now, maya, number, answer), []);
        let due = outbox.due().unwrap();
        assert_eq!(outbox.poll(due - Duration::from_millis(1)), []);
        pauses.push((due - now).as_millis());
        now = due;
    }
    assert_eq!(
        pauses,
        [
            500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
        ]
    );
    outbox.add(entries(ali, 2..=2));
    let (number, _) = {
        let actions = outbox.poll(now);
        assert_eq!(actions.len(), 2, "the other conversation goes on");
        let Action::Send { request, .. } = actions[0].clone() else {
            panic!("{actions:?}");
        };
        (request, ())
    };
    let slow = WireError::new(ErrorCode::RateLimited, "").retry_after(90_000);
    outbox.answered(now, maya, number, Err(SendFailure::Refused(slow.clone())));
    outbox.answered(now, ali, number, Err(SendFailure::Refused(slow)));
    assert_eq!(
        outbox.due(),
        Some(now + Duration::from_secs(90)),
        "the server says when to come back"
    );
}

#[test]
fn what_is_refused_for_good_is_parked_and_its_neighbours_go_on() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=4));
    let (number, on_way) = request(&mut outbox, NOW);
    let error = WireError::new(ErrorCode::Invalid, "");
    let answer = Ok(MessageSent {
        accepted: accepted(&on_way[..1]),
        failed: Some(im_protocol::conversation::NotAccepted {
            id: on_way[1],
            error: error.clone(),
        }),
    });
    let actions = outbox.answered(NOW, maya, number, answer);
    let park = Action::Park {
        id: on_way[1],
        error,
    };
    assert!(actions.contains(&park), "{actions:?}");
    assert_eq!(outbox.waiting(), 3, "a parked message does not wait");
    assert_eq!(request(&mut outbox, NOW).1, on_way[2..]);
}

#[test]
fn a_request_refused_as_a_whole_parks_its_first_message() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=2));
    let (number, on_way) = request(&mut outbox, NOW);
    let error = WireError::new(ErrorCode::Forbidden, "");
    let answer = Err(SendFailure::Refused(error.clone()));
    let actions = outbox.answered(NOW, maya, number, answer);
    let id = on_way[0];
    assert_eq!(actions, [Action::Park { id, error }]);
    assert_eq!(request(&mut outbox, NOW).1, on_way[1..]);
}

#[test]
fn a_session_that_is_over_parks_nothing() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=1));
    for code in [
        ErrorCode::Unauthorized,
        ErrorCode::SessionRevoked,
        ErrorCode::TokenExpired,
        ErrorCode::UpgradeRequired,
    ] {
        let (number, _) = request(&mut outbox, NOW);
        let answer = Err(SendFailure::Refused(WireError::new(code, "")));
        assert_eq!(outbox.answered(NOW, maya, number, answer), []);
        outbox.connected();
    }
}

#[test]
fn a_parked_message_is_tried_again_or_thrown_away_by_the_person_alone() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    let mut written = entries(maya, 1..=3);
    written[0].failed = true;
    written[1].failed = true;
    outbox.add(written.clone());
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, ids(&written[2..]));
    assert!(!outbox.discard(on_way[0]), "it is on its way");
    assert!(outbox.discard(written[0].id));
    assert!(!outbox.retry(written[0].id), "it is gone");
    assert!(outbox.retry(written[1].id));
    assert!(!outbox.retry(written[1].id), "it waits already");
    outbox.answered(NOW, maya, number, sent(&on_way));
    outbox.settled(&on_way);
    assert_eq!(request(&mut outbox, NOW).1, ids(&written[1..2]));
}

#[test]
fn a_disk_that_refuses_sends_again() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=1));
    let (number, on_way) = request(&mut outbox, NOW);
    outbox.answered(NOW, maya, number, sent(&on_way));
    outbox.not_settled(NOW, &on_way);
    let due = outbox.due().unwrap();
    assert_eq!(request(&mut outbox, due).1, on_way);
}
