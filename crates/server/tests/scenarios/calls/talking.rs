//! Calls as they should go: taken, declined, given up, missed.

use super::{Called, calls, hears, records, video_call};
use im_protocol::{
    CallId, ErrorCode,
    call::{CallChanged, CallOutcome, CallState, MediaKinds, RejectReason, RingReceipt},
    conversation::{Content, ReadMark},
    sync::Fact,
    webrtc::Left,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_rung_shown_taken_and_ended_and_leaves_a_record() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.tablet.shows(id).await;
    let shown = |told: &CallChanged| told.call.receipt == RingReceipt::Shown;
    let seen = it.laptop.hear_where(shown).await.call;
    assert!((1..=45_000).contains(&seen.remaining_ms.unwrap()));
    assert_eq!(seen.offerer, it.maya.id(), "the mentor offers");
    assert_eq!(seen.about, "fractions");

    let taken = it.desk.accept(id).await.unwrap();
    assert_eq!(taken.callee_device, Some(it.maya.device));
    assert_eq!(taken.callee_media, Some(MediaKinds::AUDIO));
    hears(&mut it.laptop, CallState::Accepted).await;
    let elsewhere = hears(&mut it.tablet, CallState::Accepted).await;
    assert_eq!(elsewhere.callee_device, Some(it.maya.device));

    for device in [&it.laptop, &it.desk] {
        let told = im_protocol::call::CallConnected { id };
        device.ask(told).await.unwrap();
    }
    hears(&mut it.tablet, CallState::Connected).await;
    it.advance(60_000);
    it.laptop.hang_up(id).await.unwrap();
    let left: Left = it.desk.hear().await;
    assert_eq!(left.call, id);
    let over = hears(&mut it.desk, CallState::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Ended));
    assert!(over.connected_ms >= 60_000);

    let messages = it.desk.history(it.conversation).await;
    let [
        Content::Call {
            call,
            outcome: CallOutcome::Ended,
            media: MediaKinds::VIDEO,
            duration_ms,
        },
    ] = records(&messages)[..]
    else {
        panic!("one record: {messages:?}");
    };
    assert_eq!((*call, *duration_ms), (id, over.connected_ms));
    assert_eq!(messages[0].author, it.sam.id());
    assert_eq!(it.desk.unread(it.conversation).await, 0, "she took part");
    it.ringing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_hears_that_who_took_part_has_read_the_record() {
    let mut it = Called::new().await;
    let cursor = it.laptop.sync_from_snapshot().await;
    let id = it.ringing().await;
    it.desk.accept(id).await.unwrap();
    it.laptop.hang_up(id).await.unwrap();
    let read = |fact: &Fact| matches!(fact, Fact::Conversation(seen) if seen.other_read_seq == 1);
    it.laptop
        .facts(cursor, |facts| facts.iter().any(read))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_devices_one_takes_the_call_and_may_repeat_it() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    let (desk, tablet) = tokio::join!(it.desk.accept(id), it.tablet.accept(id));
    let (winner, loser) = match (desk, tablet) {
        (Ok(_), Err(error)) => (&it.desk, error),
        (Err(error), Ok(_)) => (&it.tablet, error),
        other => panic!("one and only one: {other:?}"),
    };
    assert_eq!(loser.code, ErrorCode::AnsweredElsewhere);
    winner.accept(id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_on_one_device_stops_all_and_the_caller_hears_why() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.tablet.reject(id).await.unwrap();
    for device in [&mut it.laptop, &mut it.desk] {
        let over = hears(device, CallState::Over).await;
        assert_eq!(over.outcome, Some(CallOutcome::Rejected));
        assert_eq!(over.reason, Some(RejectReason::BackSoon));
    }
    let again = it.tablet.reject(id).await.unwrap();
    assert_eq!(again.state, CallState::Over, "said twice is said once");
    assert_eq!(it.desk.unread(it.conversation).await, 0);
    let messages = it.laptop.history(it.conversation).await;
    assert_eq!(records(&messages).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_gives_up_stops_the_ring_and_the_call_was_missed() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.laptop.hang_up(id).await.unwrap();
    let over = hears(&mut it.desk, CallState::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Canceled));
    assert_eq!(it.desk.unread(it.conversation).await, 1);
    let late = it.desk.accept(id).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::Gone);
    it.laptop.hang_up(id).await.unwrap();
    assert_eq!(it.desk.history(it.conversation).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_somebody_offline_is_missed_and_found_afterwards_with_its_true_time() {
    let mut it = Called::new().await;
    let cursor = it.desk.sync_from_snapshot().await;
    it.desk.client.close().await;
    it.tablet.client.close().await;
    let start = video_call(it.conversation);
    let view = it.laptop.ask(start.clone()).await.unwrap();
    assert_eq!(view.state, CallState::Ringing);
    assert_eq!(view.receipt, RingReceipt::Sent);
    it.advance(45_000);
    let over = hears(&mut it.laptop, CallState::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Missed));

    it.advance(600_000);
    let mut desk = it.school.connect(&it.maya).await;
    assert!(desk.ready.as_ref().unwrap().calls.is_empty());
    desk.sync(Some(cursor)).await;
    let (facts, _) = desk.facts(cursor, |facts| !calls(facts).is_empty()).await;
    let [call] = calls(&facts)[..] else {
        panic!("one call: {facts:?}");
    };
    assert_eq!(call.outcome, Some(CallOutcome::Missed));
    assert_eq!(desk.unread(it.conversation).await, 1);
    let messages = desk.history(it.conversation).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].written_at, view.started_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_connects_while_it_rings_rings_late() {
    let mut it = Called::new().await;
    it.desk.client.close().await;
    it.tablet.client.close().await;
    let start = video_call(it.conversation);
    it.laptop.ask(start.clone()).await.unwrap();
    it.advance(20_000);
    let desk = it.school.connect(&it.maya).await;
    let [call] = &desk.ready.as_ref().unwrap().calls[..] else {
        panic!("it rings");
    };
    assert_eq!((call.id, call.state), (start.id, CallState::Ringing));
    assert!((1..=25_000).contains(&call.remaining_ms.unwrap()));
    desk.accept(start.id).await.unwrap();
    hears(&mut it.laptop, CallState::Accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_call_is_busy_and_sees_who_tried() {
    let mut it = Called::new().await;
    let lin = it.school.person("Lin", im_protocol::people::Role::Student);
    let lin = lin.await;
    let email = crate::school::email_of("Lin");
    let theirs = it.school.operator.enrol("ALG", &email).await.unwrap();
    let lins = it.school.connect(&lin).await;
    // Also while it only rings: Maya has one line.
    for step in 0..2 {
        let id = it.ringing().await;
        if step == 1 {
            it.desk.accept(id).await.unwrap();
        }
        let view = lins.ask(video_call(theirs)).await.unwrap();
        assert_eq!(view.outcome, Some(CallOutcome::Busy));
        let tried = |told: &CallChanged| told.call.outcome == Some(CallOutcome::Busy);
        let tried = it.desk.hear_where(tried).await.call;
        assert_eq!(tried.caller, lin.id());
        assert_eq!(it.desk.unread(theirs).await, step + 1);
        it.laptop.hang_up(id).await.unwrap();
        hears(&mut it.desk, CallState::Over).await;
        hears(&mut it.tablet, CallState::Over).await;
    }
    let view = lins.ask(video_call(theirs)).await.unwrap();
    assert_eq!(view.state, CallState::Ringing, "now the line is free");
    let refused = it.laptop.ask(video_call(it.conversation)).await;
    assert_eq!(refused.unwrap().outcome, Some(CallOutcome::Busy));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_call_each_other_have_one_call() {
    let mut it = Called::new().await;
    let (sams, mayas) = (video_call(it.conversation), video_call(it.conversation));
    let (one, other) = tokio::join!(it.laptop.ask(sams.clone()), it.tablet.ask(mayas.clone()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.id, other.id);
    let accepted = if one.rev > other.rev { &one } else { &other };
    assert_eq!(accepted.state, CallState::Accepted);
    for device in [&mut it.laptop, &mut it.tablet] {
        let told = hears(device, CallState::Accepted).await;
        assert_eq!(told.id, one.id);
    }
    // The answer got lost: the start that was joined finds the call again.
    let joined = if one.id == sams.id {
        it.tablet.ask(mayas).await
    } else {
        it.laptop.ask(sams).await
    };
    assert_eq!(joined.unwrap().id, one.id);
    it.laptop.hang_up(one.id).await.unwrap();
    assert_eq!(it.laptop.history(it.conversation).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_sent_again_gives_the_same_call() {
    let mut it = Called::new().await;
    let start = video_call(it.conversation);
    let first = it.laptop.ask(start.clone()).await.unwrap();
    let again = it.laptop.ask(start.clone()).await.unwrap();
    assert_eq!((first.id, first.rev), (again.id, again.rev));
    let refused = it.laptop.ask(video_call(it.conversation)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Conflict);
    it.desk.reject(start.id).await.unwrap();
    let late = it.laptop.ask(start.clone()).await.unwrap();
    assert_eq!(late.outcome, Some(CallOutcome::Rejected));
    let stolen = it.desk.ask(start).await.unwrap_err();
    assert_eq!(stolen.code, ErrorCode::IdReused);
    hears(&mut it.tablet, CallState::Over).await;
    let unknown = it.desk.hang_up(CallId::new()).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_a_call_that_took_place_never_counts_as_unread() {
    let mut it = Called::new().await;
    it.laptop
        .send(it.conversation, &["one", "two", "three"])
        .await
        .unwrap();
    let id = it.connected().await;
    it.laptop.hang_up(id).await.unwrap();
    hears(&mut it.desk, CallState::Over).await;
    assert_eq!(it.desk.unread(it.conversation).await, 3);
    // One that she has missed does.
    let id = it.ringing().await;
    it.laptop.hang_up(id).await.unwrap();
    assert_eq!(it.desk.unread(it.conversation).await, 4);
    let read = ReadMark {
        conversation: it.conversation,
        seq: 1,
    };
    it.desk.ask(read).await.unwrap();
    assert_eq!(it.desk.unread(it.conversation).await, 3);
}
