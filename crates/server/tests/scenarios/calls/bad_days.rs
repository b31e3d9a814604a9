//! Calls on bad days: devices gone, servers killed, floods.

use super::{Called, hears, records, video_call};
use crate::school::{SOON, School, email_of, new_message};
use im_protocol::{
    CallId, ErrorCode,
    call::{CallEnd, CallOutcome, CallStart, CallState, CallView},
    conversation::{Content, MessageSend},
    people::Role,
};
use im_server::{
    config::Rate,
    store::{Store, call},
};
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_restarts_while_it_rings_and_the_ring_goes_on() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.laptop.client.close().await;
    it.desk.client.close().await;
    it.school.restart().await;
    let mut laptop = it.school.connect(&it.sam).await;
    let desk = it.school.connect(&it.maya).await;
    let ringing = rings(&desk.ready.as_ref().unwrap().calls);
    assert_eq!(ringing.id, id);
    assert!((1..45_000).contains(&ringing.remaining_ms.unwrap()));
    desk.accept(id).await.unwrap();
    hears(&mut laptop, CallState::Accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_while_it_rings_and_the_ring_goes_on() {
    let mut it = Called::new().await;
    it.school.running.take().unwrap().shutdown().await;
    let mut killed = serve(&it.school);
    let laptop = it.school.connect(&it.sam).await;
    let start = video_call(it.conversation);
    laptop.ask(start.clone()).await.unwrap();
    laptop.client.close().await;
    killed.kill().unwrap();
    killed.wait().unwrap();

    let mut again = serve(&it.school);
    let desk = it.school.connect(&it.maya).await;
    let ringing = rings(&desk.ready.as_ref().unwrap().calls);
    assert_eq!(ringing.id, start.id);
    let mut laptop = it.school.connect(&it.sam).await;
    desk.accept(start.id).await.unwrap();
    hears(&mut laptop, CallState::Accepted).await;
    again.kill().unwrap();
    again.wait().unwrap();
}

/// The program on the school's folder and port.
fn serve(school: &School) -> Child {
    let mut serve = crate::operating::program(&school.config.data);
    serve.env("IM_PORT", school.config.listen.port().to_string());
    let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("listening"), "{line}");
    child
}

fn rings(calls: &[CallView]) -> &CallView {
    match calls {
        [call] if call.state == CallState::Ringing => call,
        other => panic!("one call rings: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_that_ran_out_while_the_server_was_away_was_missed() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.school.running.take().unwrap().shutdown().await;
    // An hour passes.
    let store = Store::open(&it.school.config.data).await.unwrap();
    let mut conn = store.writing().await.unwrap();
    let before = call::find(&mut conn, id).await.unwrap().unwrap();
    let mut older = before.clone();
    older.deadline = before.deadline.map(|deadline| deadline - 3_600_000);
    let due = older.deadline;
    assert!(call::update(&mut conn, &before, &older, due).await.unwrap());
    drop(conn);
    store.close().await;

    it.school.start().await;
    let desk = it.school.connect(&it.maya).await;
    assert!(desk.ready.as_ref().unwrap().calls.is_empty());
    assert_eq!(desk.unread(it.conversation).await, 1);
    let messages = desk.history(it.conversation).await;
    let [Content::Call { outcome, .. }] = records(&messages)[..] else {
        panic!("one record: {messages:?}");
    };
    assert_eq!(*outcome, CallOutcome::Missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gone_for_ten_seconds_stops_the_ring() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.laptop.client.close().await;
    noted(&it, true).await;
    it.advance(10_000);
    let over = hears(&mut it.desk, CallState::Over).await;
    assert_eq!((over.id, over.outcome), (id, Some(CallOutcome::Canceled)));
    assert_eq!(it.desk.unread(it.conversation).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_back_in_time_rings_on() {
    let mut it = Called::new().await;
    let id = it.ringing().await;
    it.laptop.client.close().await;
    noted(&it, true).await;
    it.advance(9_000);
    let mut laptop = it.school.connect(&it.sam).await;
    assert_eq!(rings(&laptop.ready.as_ref().unwrap().calls).id, id);
    noted(&it, false).await;
    it.advance(9_000);
    it.desk.accept(id).await.unwrap();
    hears(&mut laptop, CallState::Accepted).await;
}

/// Waits until the server has noted in the call whether Sam's laptop is there.
async fn noted(it: &Called, away: bool) {
    let store = Store::open(&it.school.config.data).await.unwrap();
    let noted = async {
        loop {
            let mut reader = store.read().await.unwrap();
            let calls = call::living_of(&mut reader, it.sam.id()).await.unwrap();
            if calls.iter().all(|call| call.caller_away.is_some() == away) {
                return;
            }
            drop(reader);
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, noted).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_call_that_never_connects_has_failed() {
    let mut it = Called::new().await;
    let id = it.accepted().await;
    it.advance(20_000);
    for device in [&mut it.laptop, &mut it.desk, &mut it.tablet] {
        let over = hears(device, CallState::Over).await;
        assert_eq!((over.id, over.outcome), (id, Some(CallOutcome::Failed)));
    }
    assert_eq!(it.desk.unread(it.conversation).await, 0);
    let history = it.desk.history(it.conversation).await;
    let record = records(&history);
    assert!(matches!(record[..], [Content::Call { duration_ms: 0, .. }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_loses_its_app_was_connected_and_broke_off() {
    let mut it = Called::new().await;
    let id = it.connected().await;
    it.advance(30_000);
    it.laptop.client.close().await;
    noted(&it, true).await;
    // Started anew it finds a call of its own that it knows nothing of.
    let laptop = it.school.connect(&it.sam).await;
    let found = &laptop.ready.as_ref().unwrap().calls[0];
    assert_eq!((found.id, found.state), (id, CallState::Connected));
    laptop.ask(CallEnd { id, failed: true }).await.unwrap();
    let over = hears(&mut it.desk, CallState::Over).await;
    assert_eq!(over.outcome, Some(CallOutcome::Failed));
    assert!(over.connected_ms >= 30_000);
    let history = it.desk.history(it.conversation).await;
    let [
        Content::Call {
            outcome,
            duration_ms,
            ..
        },
    ] = records(&history)[..]
    else {
        panic!("one record of a call");
    };
    assert_eq!(*outcome, CallOutcome::Failed);
    assert_eq!(*duration_ms, over.connected_ms);
    assert_eq!(it.desk.unread(it.conversation).await, 0, "they took part");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_over_a_restart_of_the_server_and_a_long_absence_of_one_side() {
    let mut it = Called::new().await;
    let id = it.connected().await;
    it.laptop.client.close().await;
    it.desk.client.close().await;
    it.tablet.client.close().await;
    it.school.restart().await;
    let mut desk = it.school.connect(&it.maya).await;
    let calls = &desk.ready.as_ref().unwrap().calls;
    assert_eq!(calls[0].state, CallState::Connected);
    it.advance(600_000);
    let laptop = it.school.connect(&it.sam).await;
    assert_eq!(laptop.ready.as_ref().unwrap().calls[0].id, id);
    laptop.hang_up(id).await.unwrap();
    hears(&mut desk, CallState::Over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_starts_are_refused_with_a_reason() {
    let it = Called::new().await;
    let lin = it.school.person("Lin", Role::Student);
    let lins = it.school.connect(&lin.await).await;
    let foreign = lins.ask(video_call(it.conversation)).await;
    assert_eq!(foreign.unwrap_err().code, ErrorCode::NotFound);
    let nowhere = video_call(im_protocol::ConversationId::new());
    let nowhere = it.laptop.ask(nowhere).await;
    assert_eq!(nowhere.unwrap_err().code, ErrorCode::NotFound);
    let mut long = video_call(it.conversation);
    long.about = "x".repeat(201);
    let long = it.laptop.ask(long).await.unwrap_err();
    assert_eq!(long.code, ErrorCode::Invalid);
    let malformed = serde_json::json!({ "id": 7 });
    let malformed = it.laptop.ask_raw("call:start", &malformed).await;
    assert_eq!(malformed.unwrap_err().code, ErrorCode::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_is_stopped_and_told_when_to_come_back() {
    let school = School::open_with(|config| {
        config.limits.signals = Rate {
            burst: 5,
            per_second: 1.0,
        };
    })
    .await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let laptop = school.connect(&sam).await;
    let mut refused = None;
    for _ in 0..6 {
        let start = video_call(conversation);
        let id = start.id;
        if let Err(error) = laptop.ask(start).await {
            refused = Some(error);
        } else if let Err(error) = laptop.hang_up(id).await {
            refused = Some(error);
        }
    }
    let refused = refused.expect("a flood");
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(refused.retry_after_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_call_after_call_is_slowed_down_and_a_repeated_start_is_not_one() {
    let school = School::open_with(|config| {
        config.limits.calls = Rate {
            burst: 2,
            per_second: 0.1,
        };
    })
    .await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let laptop = school.connect(&sam).await;
    for _ in 0..2 {
        let start = video_call(conversation);
        laptop.ask(start.clone()).await.unwrap();
        laptop.ask(start.clone()).await.unwrap();
        laptop.hang_up(start.id).await.unwrap();
    }
    let refused = laptop.ask(video_call(conversation)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(refused.retry_after_ms.unwrap() > 1_000);
    assert_eq!(laptop.history(conversation).await.len(), 2);
    // Her line is hers.
    let desk = school.connect(&maya).await;
    let back = desk.ask(video_call(conversation)).await.unwrap();
    assert_eq!(back.state, CallState::Ringing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_the_id_of_a_message_ends_like_any_other() {
    let mut it = Called::new().await;
    let message = new_message("hello");
    let start = CallStart {
        id: CallId::from_uuid(message.id.uuid()),
        ..video_call(it.conversation)
    };
    let sent = MessageSend {
        conversation: it.conversation,
        items: vec![message],
    };
    it.laptop.ask(sent).await.unwrap();
    it.laptop.ask(start.clone()).await.unwrap();
    for device in [&mut it.desk, &mut it.tablet] {
        hears(device, CallState::Ringing).await;
    }
    it.desk.reject(start.id).await.unwrap();
    let messages = it.desk.history(it.conversation).await;
    assert_eq!((messages.len(), records(&messages).len()), (2, 1));
    it.ringing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_call_keeps_neither_other_calls_nor_the_server_from_going_on() {
    let mut it = Called::new().await;
    let broken = it.ringing().await;
    let ben = it.school.person("Ben", Role::Mentor).await;
    let lin = it.school.person("Lin", Role::Student).await;
    let bens = email_of("Ben");
    let operator = &it.school.operator;
    let course = operator.add_course("Physics", &bens, Some("PHY"));
    course.await.unwrap();
    let theirs = it
        .school
        .operator
        .enrol("PHY", &email_of("Lin"))
        .await
        .unwrap();
    let mut lins = it.school.connect(&lin).await;
    it.advance(1_000);
    let start = video_call(theirs);
    lins.ask(start.clone()).await.unwrap();

    let store = Store::open(&it.school.config.data).await.unwrap();
    let mut conn = store.writing().await.unwrap();
    sqlx::query("UPDATE call SET caller_device = 'nonsense' WHERE id = $1")
        .bind(broken.to_string())
        .execute(&mut conn)
        .await
        .unwrap();
    drop(conn);
    store.close().await;

    it.advance(45_000);
    let over = hears(&mut lins, CallState::Over).await;
    assert_eq!(
        (over.id, over.outcome),
        (start.id, Some(CallOutcome::Missed))
    );
    it.school.restart().await;
    it.school.connect(&ben).await;
}
