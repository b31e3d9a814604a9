//! Maya's device follows her feed, through everything that can happen on the way.

use super::*;
use im_protocol::{
    FeedEpoch, MessageId, PersonId,
    conversation::{Content, Conversation, Message},
};

const NOW: Duration = Duration::from_secs(5);

struct Feed {
    epoch: FeedEpoch,
}

impl Feed {
    fn new() -> Self {
        Self {
            epoch: FeedEpoch::new(),
        }
    }

    fn at(&self, n: u64) -> Cursor {
        Cursor {
            epoch: self.epoch,
            n,
        }
    }

    fn facts(&self, after: u64, up_to: u64, head: u64) -> Facts {
        Facts {
            epoch: self.epoch,
            after,
            items: Vec::new(),
            up_to,
            head,
        }
    }
}

fn following(feed: &Feed, n: u64) -> Sync {
    let mut sync = Sync::new(Some(feed.at(n)));
    assert_eq!(sync.connected(), [Action::Since(Some(feed.at(n)))]);
    let start = SyncStart {
        mode: SyncMode::Feed,
        head: n,
    };
    assert_eq!(sync.started(NOW, Ok(start)), []);
    sync
}

fn store(facts: Facts, live: bool) -> Vec<Action> {
    vec![Action::StoreFacts { facts, live }]
}

#[test]
fn facts_are_stored_one_batch_at_a_time_and_then_confirmed() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    let (first, second) = (feed.facts(10, 12, 15), feed.facts(12, 15, 15));
    assert_eq!(sync.facts(first.clone()), store(first, true));
    assert_eq!(sync.facts(second.clone()), [], "one at a time");
    assert!(sync.is_catching_up());
    let mut actions = sync.stored_facts(NOW, Ok(feed.at(12)));
    assert_eq!(actions.remove(0), Action::Ack(12));
    assert_eq!(actions, store(second, true));
    assert_eq!(sync.stored_facts(NOW, Ok(feed.at(15))), [Action::Ack(15)]);
    assert!(!sync.is_catching_up());
}

#[test]
fn only_what_comes_after_everything_that_was_missed_has_just_happened() {
    let feed = Feed::new();
    let mut sync = Sync::new(Some(feed.at(10)));
    sync.connected();
    // Facts may overtake the answer.
    let missed = feed.facts(10, 12, 13);
    assert_eq!(sync.facts(missed.clone()), store(missed, false));
    let missed = feed.facts(12, 13, 13);
    sync.facts(missed.clone());
    let actions = sync.stored_facts(NOW, Ok(feed.at(12)));
    assert_eq!(actions[1..], store(missed, false));
    sync.stored_facts(NOW, Ok(feed.at(13)));
    let new = feed.facts(13, 14, 14);
    assert_eq!(sync.facts(new.clone()), store(new, true));
}

#[test]
fn facts_that_are_known_change_nothing() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    assert_eq!(sync.facts(feed.facts(5, 9, 10)), []);
    assert_eq!(sync.facts(feed.facts(5, 10, 10)), []);
    let overlapping = feed.facts(5, 12, 12);
    assert_eq!(sync.facts(overlapping.clone()), store(overlapping, true));
}

#[test]
fn a_gap_asks_again_from_the_stored_cursor_and_then_for_everything() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    let asked = sync.facts(feed.facts(11, 12, 12));
    assert_eq!(asked, [Action::Since(Some(feed.at(10)))]);
    // What the server had on its way is of no use until the answer.
    assert_eq!(sync.facts(feed.facts(12, 13, 13)), []);
    let start = SyncStart {
        mode: SyncMode::Feed,
        head: 13,
    };
    sync.started(NOW, Ok(start));
    let asked = sync.facts(feed.facts(11, 13, 13));
    assert_eq!(asked, [Action::Since(None)], "asking again did not help");
}

#[test]
fn a_gap_that_was_filled_is_forgotten() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    for n in [10, 20, 30] {
        let asked = sync.facts(feed.facts(n + 1, n + 2, n + 2));
        assert_eq!(asked, [Action::Since(Some(feed.at(n)))]);
        let filled = feed.facts(n, n + 10, n + 10);
        assert_eq!(sync.facts(filled.clone()), store(filled, true));
        sync.stored_facts(NOW, Ok(feed.at(n + 10)));
    }
}

#[test]
fn another_life_of_the_database_leads_to_a_snapshot() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    let other = Feed::new();
    let asked = sync.facts(other.facts(10, 11, 11));
    assert_eq!(asked, [Action::Since(None)]);
}

fn conversation(head_rev: u64) -> Conversation {
    Conversation {
        id: ConversationId::new(),
        members: Vec::new(),
        course: None,
        created_at: 0,
        head_seq: head_rev,
        head_rev,
        read_seq: 0,
        other_read_seq: 0,
        unread: 0,
        closed: None,
    }
}

fn page(cursor: Cursor, conversations: Vec<Conversation>, more: bool) -> Snapshot {
    Snapshot {
        cursor,
        conversations,
        people: Vec::new(),
        courses: Vec::new(),
        more,
    }
}

fn changes(conversation: ConversationId, rev: u64, more: bool) -> Changes {
    Changes {
        messages: vec![Message {
            id: MessageId::new(),
            conversation,
            seq: rev,
            rev,
            author: PersonId::new(),
            content: Content::Unknown,
            written_at: 0,
            accepted_at: 0,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        }],
        more,
    }
}

#[test]
fn a_new_device_takes_pages_then_changes_then_the_first_pages_cursor() {
    let feed = Feed::new();
    let mut sync = Sync::new(None);
    assert_eq!(sync.connected(), [Action::Since(None)]);
    let start = SyncStart {
        mode: SyncMode::Snapshot,
        head: 50,
    };
    assert_eq!(sync.started(NOW, Ok(start)), [Action::Page(None)]);
    assert!(sync.is_catching_up());
    assert_eq!(sync.facts(feed.facts(0, 51, 51)), [], "not while it lasts");

    let (one, two) = (conversation(3), conversation(300));
    let first = page(feed.at(50), vec![one.clone()], true);
    assert_eq!(
        sync.page(NOW, Ok(first.clone())),
        [Action::StorePage {
            page: first,
            first: true
        }]
    );
    let behind = vec![(one.id, 0)];
    assert_eq!(
        sync.stored_page(NOW, Ok(behind)),
        [Action::Page(Some(one.id))]
    );
    let second = page(feed.at(52), vec![two.clone()], false);
    assert_eq!(
        sync.page(NOW, Ok(second.clone())),
        [Action::StorePage {
            page: second,
            first: false
        }]
    );
    let asked = sync.stored_page(NOW, Ok(vec![(two.id, 100)]));
    let changes_of = |conversation, rev| vec![Action::Changes { conversation, rev }];
    assert_eq!(asked, changes_of(one.id, 0));
    let stored = sync.changes(NOW, one.id, Ok(changes(one.id, 3, false)));
    assert!(matches!(stored.as_slice(), [Action::StoreChanges { .. }]));
    let asked = sync.stored_changes(NOW, Ok((Some(3), false)));
    assert_eq!(asked, changes_of(two.id, 100));
    sync.changes(NOW, two.id, Ok(changes(two.id, 250, true)));
    let asked = sync.stored_changes(NOW, Ok((Some(250), true)));
    assert_eq!(asked, changes_of(two.id, 250), "in pages");
    sync.changes(NOW, two.id, Ok(changes(two.id, 300, false)));
    let end = sync.stored_changes(NOW, Ok((Some(300), false)));
    let [Action::StoreEnd { cursor, listed }] = end.as_slice() else {
        panic!("{end:?}");
    };
    assert_eq!(*cursor, feed.at(50));
    assert_eq!(listed.conversations, [(one.id, 3), (two.id, 300)]);
    assert_eq!(
        sync.stored_end(NOW, Ok(feed.at(50))),
        [Action::Since(Some(feed.at(50)))]
    );
}

#[test]
fn changes_that_bring_nothing_new_do_not_go_on_for_ever() {
    let feed = Feed::new();
    let mut sync = Sync::new(None);
    sync.connected();
    let start = SyncStart {
        mode: SyncMode::Snapshot,
        head: 1,
    };
    sync.started(NOW, Ok(start));
    let one = conversation(9);
    sync.page(NOW, Ok(page(feed.at(1), vec![one.clone()], false)));
    sync.stored_page(NOW, Ok(vec![(one.id, 4)]));
    let empty = Changes {
        messages: Vec::new(),
        more: true,
    };
    sync.changes(NOW, one.id, Ok(empty));
    let end = sync.stored_changes(NOW, Ok((None, true)));
    assert!(matches!(end.as_slice(), [Action::StoreEnd { .. }]));
}

#[test]
fn a_connection_lost_in_a_snapshot_begins_it_anew() {
    let feed = Feed::new();
    let mut sync = Sync::new(Some(feed.at(3)));
    sync.connected();
    let start = SyncStart {
        mode: SyncMode::Snapshot,
        head: 50,
    };
    sync.started(NOW, Ok(start));
    sync.page(NOW, Ok(page(feed.at(50), Vec::new(), false)));
    sync.disconnected();
    assert_eq!(sync.connected(), [], "the disk is still busy");
    assert_eq!(
        sync.stored_page(NOW, Ok(Vec::new())),
        [Action::Since(Some(feed.at(3)))]
    );
}

#[test]
fn a_cursor_that_moves_while_the_line_is_down_is_not_lost() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    sync.facts(feed.facts(10, 12, 12));
    sync.disconnected();
    assert!(!sync.is_catching_up());
    assert_eq!(sync.connected(), [], "the disk is still busy");
    assert_eq!(
        sync.stored_facts(NOW, Ok(feed.at(12))),
        [Action::Since(Some(feed.at(12)))]
    );

    sync.facts(feed.facts(12, 13, 13));
    sync.disconnected();
    assert_eq!(sync.stored_facts(NOW, Ok(feed.at(13))), []);
    assert_eq!(sync.connected(), [Action::Since(Some(feed.at(13)))]);
}

#[test]
fn what_fails_is_tried_again_after_a_while() {
    let feed = Feed::new();
    let mut sync = following(&feed, 10);
    sync.facts(feed.facts(10, 12, 12));
    assert_eq!(sync.stored_facts(NOW, Err(Failed)), []);
    assert!(sync.is_catching_up());
    let due = sync.due().unwrap();
    assert_eq!(sync.tick(due - Duration::from_millis(1)), []);
    assert_eq!(sync.facts(feed.facts(12, 13, 13)), []);
    assert_eq!(sync.tick(due), [Action::Since(Some(feed.at(10)))]);
    assert_eq!(sync.started(NOW, Err(Failed)), []);
    assert!(sync.due().is_some());
}
