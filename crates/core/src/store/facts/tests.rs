//! What Maya's device stores of what it is told.

use super::*;
use crate::store::testing;
use im_protocol::{
    FeedEpoch,
    conversation::Conversation,
    people::{Course, Person, Role},
    sync::GoneConversation,
};
use serde_json::json;

struct Setting {
    cache: Connection,
    maya: PersonId,
    sam: PersonId,
    conversation: Conversation,
    epoch: FeedEpoch,
}

impl Setting {
    fn new() -> Self {
        let (maya, sam) = (PersonId::new(), PersonId::new());
        Self {
            cache: testing::cache(),
            maya,
            sam,
            conversation: conversation(maya, sam),
            epoch: FeedEpoch::new(),
        }
    }

    fn message(&self, author: PersonId, seq: u64) -> Message {
        Message {
            id: MessageId::new(),
            conversation: self.conversation.id,
            seq,
            rev: seq,
            author,
            content: Content::Text {
                text: format!("number {seq}"),
            },
            written_at: 0,
            accepted_at: 0,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        }
    }

    fn apply(&self, after: u64, head: u64, facts: &[Fact]) -> Applied {
        let items: Vec<FeedItem> = (after + 1..)
            .zip(facts)
            .map(|(n, fact)| FeedItem::new(n, fact).unwrap())
            .collect();
        self.apply_items(after, head, items)
    }

    fn apply_items(&self, after: u64, head: u64, items: Vec<FeedItem>) -> Applied {
        let facts = Facts {
            epoch: self.epoch,
            after,
            up_to: items.last().map_or(after, |item| item.n),
            items,
            head,
        };
        apply(&self.cache, &facts, self.maya).unwrap()
    }

    fn places(&self) -> Vec<u64> {
        message::between(&self.cache, self.conversation.id, 0..u64::MAX)
            .unwrap()
            .iter()
            .rev()
            .map(|message| message.seq)
            .collect()
    }

    fn synced_rev(&self) -> u64 {
        conversation::get(&self.cache, self.conversation.id)
            .unwrap()
            .unwrap()
            .synced_rev
    }
}

fn conversation(maya: PersonId, sam: PersonId) -> Conversation {
    Conversation {
        id: ConversationId::new(),
        members: vec![maya, sam],
        course: None,
        created_at: 1,
        head_seq: 0,
        head_rev: 0,
        read_seq: 0,
        other_read_seq: 0,
        unread: 0,
        closed: None,
    }
}

fn fact(message: Message, unread: u32) -> Fact {
    Fact::Message(MessageFact { message, unread })
}

#[test]
fn facts_and_cursor_are_stored_together_and_told_once() {
    let it = Setting::new();
    let theirs = it.message(it.sam, 1);
    let own = it.message(it.maya, 2);
    let facts = [
        Fact::Conversation(it.conversation.clone()),
        fact(theirs.clone(), 1),
        fact(own.clone(), 1),
    ];
    let applied = it.apply(0, 3, &facts);
    assert_eq!(applied.arrived, [theirs]);
    assert_eq!(applied.own, [own.id]);
    assert!(applied.conversations);
    let cursor = meta::cursor(&it.cache).unwrap().unwrap();
    assert_eq!(cursor.n, 3);
    assert_eq!(it.places(), [2, 1]);

    let again = it.apply(0, 3, &facts);
    assert_eq!(again, Applied::default(), "the cursor has passed them");
    assert_eq!(meta::cursor(&it.cache).unwrap().unwrap(), cursor);
}

#[test]
fn a_kind_of_a_newer_server_is_kept_and_the_cursor_goes_on() {
    let it = Setting::new();
    let items = vec![FeedItem {
        n: 1,
        kind: "hologram".to_owned(),
        data: json!({ "depth": 3 }),
    }];
    it.apply_items(0, 1, items.clone());
    assert_eq!(raw_fact::all(&it.cache).unwrap(), items);
    assert_eq!(meta::cursor(&it.cache).unwrap().unwrap().n, 1);
    replay(&it.cache, it.maya).unwrap();
    assert_eq!(raw_fact::all(&it.cache).unwrap(), items, "still not known");
}

#[test]
fn after_an_upgrade_what_was_kept_is_applied_in_its_order() {
    let it = Setting::new();
    // As an older build would have left it, that knew neither of the two.
    let message = it.message(it.sam, 1);
    for item in [
        FeedItem::new(4, &Fact::Conversation(it.conversation.clone())).unwrap(),
        FeedItem::new(5, &fact(message.clone(), 1)).unwrap(),
    ] {
        raw_fact::put(&it.cache, &item).unwrap();
    }
    let applied = replay(&it.cache, it.maya).unwrap();
    assert_eq!(applied.arrived, [message]);
    assert_eq!(raw_fact::all(&it.cache).unwrap(), []);
}

#[test]
fn a_message_before_its_conversation_waits_for_it() {
    let it = Setting::new();
    let message = it.message(it.sam, 1);
    let applied = it.apply(0, 1, &[fact(message.clone(), 1)]);
    assert_eq!(applied.arrived, []);
    let applied = it.apply(1, 2, &[Fact::Conversation(it.conversation.clone())]);
    assert_eq!(applied.arrived, [message]);
    assert_eq!(it.places(), [1]);
}

#[test]
fn a_revision_counts_as_complete_only_at_the_feeds_head() {
    let it = Setting::new();
    it.apply(0, 9, &[Fact::Conversation(it.conversation.clone())]);
    // As it stands now, which may be after changes that have not come yet.
    let mut edited = it.message(it.sam, 1);
    edited.rev = 8;
    it.apply(1, 9, &[fact(edited, 1)]);
    assert_eq!(it.synced_rev(), 0);
    it.apply(2, 3, &[fact(it.message(it.sam, 2), 2)]);
    assert_eq!(it.synced_rev(), 8);
}

#[test]
fn lost_access_removes_the_conversation() {
    let it = Setting::new();
    let id = it.conversation.id;
    it.apply(
        0,
        2,
        &[
            Fact::Conversation(it.conversation.clone()),
            fact(it.message(it.sam, 1), 1),
        ],
    );
    let applied = it.apply(2, 3, &[Fact::ConversationGone(GoneConversation { id })]);
    assert!(applied.conversations);
    assert!(it.places().is_empty());
}

fn snapshot(it: &Setting, n: u64, conversations: Vec<Conversation>) -> Snapshot {
    let person = |id, name: &str, role| Person {
        id,
        name: name.to_owned(),
        role,
    };
    Snapshot {
        cursor: Cursor { epoch: it.epoch, n },
        conversations,
        people: vec![
            person(it.maya, "Maya", Role::Mentor),
            person(it.sam, "Sam", Role::Student),
        ],
        courses: Vec::new(),
        more: false,
    }
}

#[test]
fn a_snapshot_fetches_what_is_missing_and_removes_what_is_not_listed() {
    let mut it = Setting::new();
    let gone = conversation(it.maya, PersonId::new());
    it.apply(
        0,
        3,
        &[
            Fact::Conversation(it.conversation.clone()),
            Fact::Conversation(gone),
            fact(it.message(it.sam, 1), 1),
        ],
    );
    course::put(
        &it.cache,
        &Course {
            id: CourseId::new(),
            title: "Algebra".to_owned(),
            mentor: it.maya,
        },
    )
    .unwrap();
    it.conversation.head_rev = 4;
    it.conversation.head_seq = 4;
    let page = snapshot(&it, 90, vec![it.conversation.clone()]);
    let behind = snapshot_page(&it.cache, &page, true, it.maya).unwrap();
    assert_eq!(behind, [(it.conversation.id, 1)], "after what is complete");
    let changes = Changes {
        messages: vec![it.message(it.sam, 2), it.message(it.maya, 3)],
        more: false,
    };
    let applied = snapshot_changes(&it.cache, &changes, it.maya).unwrap();
    assert_eq!(applied.own, [changes.messages[1].id]);
    let before_end = meta::cursor(&it.cache).unwrap().unwrap().n;
    assert_eq!(before_end, 3, "a kill here begins the snapshot anew");
    let listed = Listed {
        conversations: vec![(it.conversation.id, 4)],
        people: HashSet::from([it.maya, it.sam]),
        courses: HashSet::new(),
    };
    snapshot_end(&it.cache, page.cursor, &listed).unwrap();
    assert_eq!(it.places(), [3, 2, 1]);
    assert_eq!(it.synced_rev(), 4);
    assert_eq!(conversation::by_time(&it.cache).unwrap().len(), 1);
    assert_eq!(course::all(&it.cache).unwrap(), []);
    assert_eq!(meta::cursor(&it.cache).unwrap(), Some(page.cursor));
}

#[test]
fn what_is_read_on_another_device_is_told_once() {
    let mut it = Setting::new();
    it.apply(
        0,
        2,
        &[
            Fact::Conversation(it.conversation.clone()),
            fact(it.message(it.sam, 1), 1),
        ],
    );
    it.conversation.head_seq = 1;
    it.conversation.read_seq = 1;
    let read = Fact::Conversation(it.conversation.clone());
    let applied = it.apply(2, 3, std::slice::from_ref(&read));
    assert_eq!(applied.read, BTreeSet::from([it.conversation.id]));
    let applied = it.apply(3, 4, &[read]);
    assert!(applied.read.is_empty(), "it was known");
}

#[test]
fn another_life_of_the_database_throws_its_revisions_away() {
    let mut it = Setting::new();
    it.apply(
        0,
        2,
        &[
            Fact::Conversation(it.conversation.clone()),
            fact(it.message(it.sam, 1), 1),
        ],
    );
    // Restored from a backup: the same conversation, shorter than it was.
    it.epoch = FeedEpoch::new();
    it.conversation.head_rev = 1;
    let page = snapshot(&it, 1, vec![it.conversation.clone()]);
    let behind = snapshot_page(&it.cache, &page, true, it.maya).unwrap();
    assert_eq!(behind, [(it.conversation.id, 0)]);
    assert!(it.places().is_empty());
    assert_eq!(meta::cursor(&it.cache).unwrap(), None);
}

#[test]
fn of_a_long_conversation_a_new_device_takes_the_newest_part() {
    let mut it = Setting::new();
    it.conversation.head_rev = 5_000;
    let page = snapshot(&it, 1, vec![it.conversation.clone()]);
    let behind = snapshot_page(&it.cache, &page, true, it.maya).unwrap();
    assert_eq!(behind, [(it.conversation.id, 5_000 - FRESH_REVS)]);
}
