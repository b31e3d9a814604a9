//! Sam sends Maya files, and words beside them.

use super::*;
use im_protocol::limits::CHUNK_BYTES;

/// A message with files, written at this place.
fn with_files(conversation: ConversationId, n: u64, sizes: &[u64]) -> Entry {
    let mut entry = entries(conversation, n..=n).remove(0);
    entry.files = sizes
        .iter()
        .map(|size| FileEntry {
            id: FileId::new(),
            size: *size,
            whole: false,
            held: false,
        })
        .collect();
    entry
}

/// What is asked about files now.
fn steps(outbox: &mut Outbox, now: Duration) -> Vec<(FileId, u64, Step)> {
    let actions = outbox.poll(now).into_iter();
    let steps = actions.filter_map(|action| match action {
        Action::Upload { id, step, what } => Some((id, step, what)),
        _ => None,
    });
    steps.collect()
}

/// The one that is asked now.
fn step(outbox: &mut Outbox, now: Duration) -> (FileId, u64, Step) {
    match steps(outbox, now).as_slice() {
        [one] => *one,
        other => panic!("one step was expected: {other:?}"),
    }
}

/// Hands over a file that is asked about now.
fn hand_over(outbox: &mut Outbox) -> FileId {
    let (id, number, _) = step(outbox, NOW);
    assert_eq!(outbox.uploaded(NOW, id, number, Ok(Uploaded::Whole)), []);
    id
}

fn refusal(code: ErrorCode) -> Result<Uploaded, SendFailure> {
    Err(SendFailure::Refused(WireError::new(code, "")))
}

fn online(entries: Vec<Entry>) -> Outbox {
    let mut outbox = Outbox::default();
    outbox.connected();
    outbox.add(entries);
    outbox
}

#[test]
fn a_message_goes_after_its_files_and_words_do_not_wait_for_it() {
    let maya = ConversationId::new();
    let (film, text) = (with_files(maya, 1, &[10, 20]), entries(maya, 2..=2));
    let edit = change(maya, 3, film.id);
    let mut outbox = online(vec![film.clone(), text[0].clone(), edit.clone()]);
    let actions = outbox.poll(NOW);
    let [
        Action::Send {
            request: first,
            ids,
            ..
        },
        Action::Upload {
            id, step: number, ..
        },
    ] = actions.as_slice()
    else {
        panic!("{actions:?}");
    };
    assert_eq!((ids, *id), (&vec![text[0].id], film.files[0].id));
    outbox.answered(NOW, maya, *first, sent(ids));
    outbox.settled(ids);
    outbox.uploaded(NOW, *id, *number, Ok(Uploaded::Whole));
    assert_eq!(hand_over(&mut outbox), film.files[1].id);
    let (number, ids) = request(&mut outbox, NOW);
    assert_eq!(ids, [film.id]);
    outbox.answered(NOW, maya, number, sent(&ids));
    outbox.settled(&ids);
    assert_eq!(request(&mut outbox, NOW).1, [edit.id]);
}

#[test]
fn one_file_of_a_conversation_at_a_time_and_three_in_all() {
    let mut conversations = (1..=5).map(|n| with_files(ConversationId::new(), n, &[5]));
    let first = with_files(ConversationId::new(), 6, &[5, 5]);
    let begun: Vec<Entry> = conversations.by_ref().take(2).collect();
    let mut outbox = online(begun);
    outbox.add(vec![first.clone()]);
    assert_eq!(steps(&mut outbox, NOW).len(), 3);
    outbox.add(vec![with_files(ConversationId::new(), 7, &[5])]);
    assert_eq!(steps(&mut outbox, NOW), []);
    assert!(!outbox.hold(FileId::new(), true), "not one of ours");
    assert!(outbox.hold(first.files[0].id, true));
    let next = steps(&mut outbox, NOW);
    assert_eq!(
        next.len(),
        1,
        "what is held lets the next one of its own go"
    );
    assert_eq!(next[0].0, first.files[1].id);
}

#[test]
fn pieces_grow_while_they_are_quick_and_go_on_where_the_server_says() {
    let maya = ConversationId::new();
    let mut outbox = online(vec![with_files(maya, 1, &[100_000_000])]);
    let (id, number, what) = step(&mut outbox, NOW);
    assert_eq!(what, Step::Ask);
    // A part was there already.
    outbox.uploaded(NOW, id, number, Ok(Uploaded::At(1_000)));
    let (mut now, mut place, mut largest) = (NOW, 1_000, 0);
    for _ in 0..8 {
        let (id, number, what) = step(&mut outbox, now);
        let Step::Put { offset, bytes } = what else {
            panic!("{what:?}");
        };
        assert_eq!(offset, place);
        assert!(bytes >= largest && bytes <= CHUNK_BYTES);
        (largest, place) = (bytes, place + bytes);
        now += Duration::from_millis(100);
        outbox.uploaded(now, id, number, Ok(Uploaded::At(place)));
    }
    assert_eq!(largest, CHUNK_BYTES);
    let (id, number, _) = step(&mut outbox, now);
    outbox.uploaded(now, id, number, Err(SendFailure::Lost));
    assert_eq!(steps(&mut outbox, now), [], "after a pause");
    now = outbox.due().unwrap();
    let (id, number, what) = step(&mut outbox, now);
    assert_eq!(what, Step::Ask, "how far it is is not known");
    outbox.uploaded(now, id, number, Ok(Uploaded::At(place)));
    let (_, number, what) = step(&mut outbox, now);
    let half = Step::Put {
        offset: place,
        bytes: CHUNK_BYTES / 2,
    };
    assert_eq!(what, half);
    let conflict = WireError::new(ErrorCode::Conflict, "").go_on_at(5_000);
    outbox.uploaded(now, id, number, Err(SendFailure::Refused(conflict)));
    now = outbox.due().unwrap();
    let (_, _, what) = step(&mut outbox, now);
    assert!(matches!(what, Step::Put { offset: 5_000, .. }), "{what:?}");
}

#[test]
fn a_file_that_is_refused_parks_its_message_and_a_full_server_only_pauses_it() {
    let maya = ConversationId::new();
    let film = with_files(maya, 1, &[10]);
    let mut outbox = online(vec![film.clone()]);
    let (id, number, _) = step(&mut outbox, NOW);
    assert_eq!(
        outbox.uploaded(NOW, id, number, refusal(ErrorCode::StorageFull)),
        []
    );
    let later = outbox.due().unwrap();
    let (id, number, _) = step(&mut outbox, later);
    let parked = outbox.uploaded(later, id, number, refusal(ErrorCode::TypeRefused));
    assert!(matches!(parked.as_slice(), [Action::Park { id, .. }] if *id == film.id));
    assert_eq!(steps(&mut outbox, later), []);
    assert_eq!(outbox.waiting(), 0);
    assert!(outbox.retry(film.id));
    assert_eq!(step(&mut outbox, later).0, id);
}

#[test]
fn files_that_the_server_lost_go_anew_three_times_and_then_the_person_is_asked() {
    let maya = ConversationId::new();
    let film = with_files(maya, 1, &[10]);
    let mut outbox = online(vec![film.clone()]);
    for round in 0..=ANEW {
        hand_over(&mut outbox);
        let (number, _) = request(&mut outbox, NOW);
        let lost = SendFailure::Refused(WireError::new(ErrorCode::FileUnknown, ""));
        let actions = outbox.answered(NOW, maya, number, Err(lost));
        match actions.as_slice() {
            [Action::Anew(files)] if round < ANEW => assert_eq!(files, &[film.files[0].id]),
            [Action::Park { .. }] if round == ANEW => {}
            other => panic!("{round}: {other:?}"),
        }
    }
}

#[test]
fn what_waits_for_its_files_can_be_thrown_away_and_stays_where_the_disk_refuses() {
    let maya = ConversationId::new();
    let film = with_files(maya, 1, &[10]);
    let edit = change(maya, 2, film.id);
    let mut outbox = online(vec![film.clone(), edit.clone()]);
    let (id, number, _) = step(&mut outbox, NOW);
    assert_eq!(outbox.discards(film.id), [film.id, edit.id]);
    // A late answer does not send what is being deleted.
    outbox.uploaded(NOW, id, number, Ok(Uploaded::Whole));
    assert_eq!(outbox.poll(NOW), []);
    outbox.not_discarded(film.id);
    let (number, ids) = request(&mut outbox, NOW);
    assert_eq!(ids, [film.id]);
    assert_eq!(outbox.discards(film.id), [], "it is on its way");
    outbox.answered(NOW, maya, number, Err(SendFailure::Lost));
    assert_eq!(outbox.discards(film.id), [], "it may have arrived");
}
