//! Sam writes to Maya, and everything that can go wrong does.

mod files;
mod walk;

use super::{queue::REQUEST_BYTES, *};
use im_protocol::{ErrorCode, MessageId, UnixMs, conversation::MessageSent, limits::SEND_ITEMS};
use std::collections::BTreeMap;

const NOW: Duration = Duration::from_secs(10);

fn entries(conversation: ConversationId, places: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    places
        .map(|n| Entry {
            n,
            id: OperationId::new(),
            conversation,
            bytes: 100,
            failed: false,
            alone: false,
            after: None,
            files: Vec::new(),
        })
        .collect()
}

fn ids(entries: &[Entry]) -> Vec<OperationId> {
    entries.iter().map(|entry| entry.id).collect()
}

fn accepted(ids: &[OperationId]) -> Vec<Accepted> {
    (1..)
        .zip(ids)
        .map(|(seq, id)| Accepted {
            id: message(*id),
            seq,
            rev: seq,
            accepted_at: UnixMs::default(),
        })
        .collect()
}

/// The message whose sending this is.
fn message(id: OperationId) -> MessageId {
    MessageId::from_uuid(id.uuid())
}

fn sent(ids: &[OperationId]) -> Result<Answer, SendFailure> {
    Ok(Answer::Sent(MessageSent {
        accepted: accepted(ids),
        failed: None,
    }))
}

/// A change of a message, written at this place.
fn change(conversation: ConversationId, n: u64, of: OperationId) -> Entry {
    Entry {
        n,
        id: OperationId::new(),
        conversation,
        bytes: 10,
        failed: false,
        alone: true,
        after: Some(of),
        files: Vec::new(),
    }
}

/// The one request that is started now.
fn request(outbox: &mut Outbox, now: Duration) -> (u64, Vec<OperationId>) {
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
    assert_eq!(accepted[0].id, message(on_way[1]));
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
    let answer = Ok(Answer::Sent(MessageSent {
        accepted: accepted(&on_way[..1]),
        failed: Some(im_protocol::conversation::NotAccepted {
            id: message(on_way[1]),
            error: error.clone(),
        }),
    }));
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
    assert_eq!(outbox.discards(on_way[0]), [], "it is on its way");
    let goes = outbox.discards(written[0].id);
    assert_eq!(goes, [written[0].id]);
    outbox.settled(&goes);
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

#[test]
fn a_change_goes_alone_and_keeps_its_place() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    let written = entries(maya, 1..=2);
    // Of a message that is on the server already.
    let edit = change(maya, 3, OperationId::new());
    let last = entries(maya, 4..=4);
    outbox.add(written.clone());
    outbox.add(vec![edit.clone()]);
    outbox.add(last.clone());
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, ids(&written));
    outbox.answered(NOW, maya, number, sent(&on_way));
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, [edit.id]);
    let stored = outbox.answered(NOW, maya, number, Ok(Answer::Stored));
    assert_eq!(stored, [Action::Forget(vec![edit.id])]);
    assert_eq!(request(&mut outbox, NOW).1, ids(&last));
}

#[test]
fn a_change_of_an_unsent_message_waits_for_it_is_parked_with_it_and_goes_with_it() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    let mut written = entries(maya, 1..=2);
    written[0].failed = true;
    let edits = [
        change(maya, 3, written[0].id),
        change(maya, 4, written[1].id),
    ];
    outbox.add(written.clone());
    outbox.add(edits.to_vec());
    assert_eq!(outbox.waiting(), 2, "what waits for a parked one is parked");
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, [written[1].id]);
    outbox.answered(NOW, maya, number, sent(&on_way));
    assert_eq!(outbox.poll(NOW), [], "its row is there still");
    outbox.settled(&on_way);
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, [edits[1].id]);
    outbox.answered(NOW, maya, number, Ok(Answer::Stored));
    outbox.settled(&on_way);
    assert_eq!(outbox.poll(NOW), []);
    assert_eq!((outbox.waiting(), outbox.due()), (0, None));
    let goes = outbox.discards(written[0].id);
    assert_eq!(goes, [written[0].id, edits[0].id]);
    outbox.settled(&goes);
    assert_eq!(outbox.poll(NOW), []);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn a_message_that_is_tried_again_takes_its_changes_along() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    let mut written = entries(maya, 1..=1);
    written[0].failed = true;
    let edit = change(maya, 2, written[0].id);
    outbox.add(written.clone());
    outbox.add(vec![edit.clone()]);
    assert!(outbox.retry(written[0].id));
    assert_eq!(outbox.waiting(), 2);
    let (number, on_way) = request(&mut outbox, NOW);
    outbox.answered(NOW, maya, number, sent(&on_way));
    outbox.settled(&on_way);
    let (number, on_way) = request(&mut outbox, NOW);
    assert_eq!(on_way, [edit.id]);
    let gone = WireError::new(ErrorCode::Gone, "");
    let refused = Err(SendFailure::Refused(gone.clone()));
    let park = outbox.answered(NOW, maya, number, refused);
    assert_eq!(
        park,
        [Action::Park {
            id: edit.id,
            error: gone
        }]
    );
}

#[test]
fn a_refusal_that_the_disk_does_not_take_is_heard_again_later() {
    let maya = ConversationId::new();
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries(maya, 1..=1));
    let (number, on_way) = request(&mut outbox, NOW);
    let invalid = WireError::new(ErrorCode::Invalid, "");
    outbox.answered(NOW, maya, number, Err(SendFailure::Refused(invalid)));
    outbox.not_settled(NOW, &on_way);
    assert_eq!((outbox.waiting(), outbox.is_parked(on_way[0])), (1, false));
    let due = outbox.due().unwrap();
    assert_eq!(request(&mut outbox, due).1, on_way);
}
