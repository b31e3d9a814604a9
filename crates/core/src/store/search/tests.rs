//! What the index gives for terms, and what keeps it right.

use super::*;
use crate::{
    search::pieces::{expression, of_word},
    store::{
        CACHE, conversation, message,
        open::{self as store_open, Schema},
        testing::{self, assert_no_scan},
    },
};
use im_protocol::conversation::Conversation;

struct Setting {
    cache: Connection,
    maya: PersonId,
    sam: PersonId,
    conversation: ConversationId,
}

impl Setting {
    fn new() -> Self {
        let cache = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let conversation = open(&cache, maya, sam);
        Self {
            cache,
            maya,
            sam,
            conversation,
        }
    }

    fn says(&self, author: PersonId, seq: u64, at: UnixMs, text: &str) -> Message {
        let message = said(self.conversation, author, seq, at, text);
        message::put(&self.cache, &message).unwrap();
        message
    }

    fn change(&self, message: &mut Message, content: Content) {
        message.rev += 100;
        message.content = content;
        message::put(&self.cache, message).unwrap();
    }

    fn found(&self, asked: &Asked) -> Vec<u64> {
        let mut found = Vec::new();
        newest(&self.cache, asked, |one| {
            found.push(one.seq);
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    fn with(&self, word: &str) -> Vec<u64> {
        self.found(&asked(word))
    }

    fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.cache.query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

fn open(cache: &Connection, maya: PersonId, other: PersonId) -> ConversationId {
    let one = Conversation {
        id: ConversationId::new(),
        members: vec![maya, other],
        course: None,
        created_at: 1,
        head_seq: 0,
        head_rev: 0,
        read_seq: 0,
        other_read_seq: 0,
        unread: 0,
        closed: None,
    };
    conversation::put(cache, &one, maya).unwrap();
    one.id
}

fn said(
    conversation: ConversationId,
    author: PersonId,
    seq: u64,
    at: UnixMs,
    text: &str,
) -> Message {
    Message {
        id: MessageId::new(),
        conversation,
        seq,
        rev: seq,
        author,
        content: Content::Text {
            text: text.to_owned(),
        },
        written_at: at,
        accepted_at: at,
        reply_to: None,
        edited_at: None,
        reactions: Vec::new(),
        files: Vec::new(),
    }
}

fn asked(word: &str) -> Asked {
    let word: Vec<char> = word.chars().collect();
    Asked {
        expression: expression(&of_word(&word), None, None, false),
        from: None,
        below: None,
    }
}

fn words(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
    }
}

#[test]
fn hits_are_newest_first_in_whatever_order_messages_came() {
    let setting = Setting::new();
    for seq in [4, 5, 1, 3, 2] {
        setting.says(
            setting.sam,
            seq,
            1_000 * i64::try_from(seq).unwrap(),
            "a word",
        );
    }
    assert_eq!(setting.with("wor"), [5, 4, 3, 2, 1]);
    assert_eq!(setting.with("w"), [5, 4, 3, 2, 1]);
    let mut some = asked("word");
    some.from = Some(2_000);
    some.below = Some(4_000);
    assert_eq!(setting.found(&some), [3, 2]);
    some.expression.clear();
    assert_eq!(setting.found(&some), [3, 2]);
}

#[test]
fn messages_of_one_moment_have_places_of_their_own() {
    let setting = Setting::new();
    for seq in 1..=200 {
        setting.says(setting.sam, seq, 7, "at once");
    }
    let all: Vec<u64> = (1..=200).rev().collect();
    assert_eq!(setting.with("once"), all);
    // Times that no clock says do no harm.
    setting.says(setting.sam, 201, -5, "once");
    setting.says(setting.sam, 202, i64::MAX, "once");
    assert_eq!(setting.with("once").len(), 202);
}

/// What it takes to find places for a burst of so many messages, out of a history, in steps of the
/// database. Other messages came after it.
fn steps_for_a_burst(count: u64) -> i32 {
    let setting = Setting::new();
    setting.says(setting.sam, count + 1, 1_000_000_000, "later");
    // Two thousand a second.
    for seq in 1..=count {
        setting.says(setting.sam, seq, 5_000 + seq as i64 / 2, "all at once");
    }
    assert_eq!(setting.with("once").len(), count as usize);
    let insert = setting.cache.prepare_cached(TAKE).unwrap();
    insert.get_status(rusqlite::StatementStatus::VmStep)
}

#[test]
fn a_burst_does_not_try_all_places_for_each_of_its_messages() {
    let (some, many) = (steps_for_a_burst(1_000), steps_for_a_burst(4_000));
    assert!(many < some * 6, "{some} steps for 1,000, {many} for 4,000");
}

#[test]
fn an_edit_finds_the_new_words_and_not_the_old_ones() {
    let setting = Setting::new();
    let mut one = setting.says(setting.sam, 1, 10, "apples");
    setting.says(setting.sam, 2, 20, "apples and pears");
    setting.change(&mut one, words("oranges"));
    assert_eq!(setting.with("apple"), [2]);
    assert_eq!(setting.with("orange"), [1]);
    setting.change(&mut one, words("apples again"));
    assert_eq!(setting.with("apple"), [2, 1], "where it was");
    assert_eq!(setting.rows("found"), 2);
}

#[test]
fn what_was_taken_back_or_removed_is_not_found() {
    let setting = Setting::new();
    let mut one = setting.says(setting.sam, 1, 10, "a secret");
    setting.says(setting.sam, 2, 20, "no secret");
    setting.change(&mut one, Content::Deleted);
    assert_eq!(setting.with("secret"), [2]);
    // Also where SQL removes it.
    conversation::remove(&setting.cache, setting.conversation).unwrap();
    assert_eq!(setting.with("secret"), Vec::<u64>::new());
    assert_eq!(setting.rows("message"), 0);
    assert_eq!(setting.rows("found"), 0);
    assert_eq!(setting.rows("search_docsize"), 0);
}

#[test]
fn an_emptied_index_takes_new_messages() {
    let setting = Setting::new();
    setting.says(setting.sam, 1, 10, "before");
    clear(&setting.cache).unwrap();
    assert_eq!(setting.with("before"), Vec::<u64>::new());
    setting.cache.execute("DELETE FROM message", []).unwrap();
    setting.says(setting.sam, 1, 10, "after");
    assert_eq!(setting.with("after"), [1]);
}

#[test]
fn whose_and_where_it_is_narrows_it() {
    let setting = Setting::new();
    setting.says(setting.maya, 1, 10, "good morning");
    setting.says(setting.sam, 2, 20, "good evening");
    let lin = PersonId::new();
    let elsewhere = open(&setting.cache, setting.maya, lin);
    message::put(&setting.cache, &said(elsewhere, lin, 3, 30, "good night")).unwrap();
    let narrowed = |places: Option<&[ConversationId]>, author| Asked {
        expression: expression(&of_word(&['g', 'o', 'o', 'd']), places, author, false),
        from: None,
        below: None,
    };
    let here = [setting.conversation];
    let both = [setting.conversation, elsewhere];
    assert_eq!(setting.found(&narrowed(None, None)), [3, 2, 1]);
    assert_eq!(setting.found(&narrowed(Some(&here), None)), [2, 1]);
    assert_eq!(setting.found(&narrowed(Some(&both), None)), [3, 2, 1]);
    assert_eq!(setting.found(&narrowed(None, Some(setting.maya))), [1]);
    assert_eq!(
        setting.found(&narrowed(Some(&[elsewhere]), Some(setting.maya))),
        Vec::<u64>::new()
    );
    let files = Asked {
        expression: expression(&[], None, None, true),
        ..asked("x")
    };
    assert_eq!(setting.found(&files), Vec::<u64>::new());
}

#[test]
fn signs_and_letters_of_other_scripts_are_terms_like_any() {
    let setting = Setting::new();
    for (seq, text) in (1..).zip(["a->b", "\"quoted\" * NEAR(x)", "你好吗", "😀👍", "नमस्ते"])
    {
        setting.says(setting.sam, seq, 10, text);
    }
    for (word, seq) in [
        ("->", 1),
        ("a->", 1),
        ("\"qu", 2),
        ("*", 2),
        ("near(", 2),
        ("好吗", 3),
        ("吗", 3),
        ("👍", 4),
        ("मस्ते", 5),
    ] {
        assert_eq!(setting.with(word), [seq], "{word}");
    }
}

#[test]
fn what_was_here_before_there_was_an_index_is_indexed_in_batches() {
    let setting = Setting::new();
    let mut old = Vec::new();
    for seq in 1..=10 {
        old.push(setting.says(
            setting.sam,
            seq,
            10 * i64::try_from(seq).unwrap(),
            "old words",
        ));
    }
    // As the migration leaves a cache of before.
    clear(&setting.cache).unwrap();
    setting
        .cache
        .execute(
            "INSERT INTO meta(key, value) VALUES ('search_below', '11')",
            [],
        )
        .unwrap();
    assert!(is_indexing(&setting.cache).unwrap());
    setting.says(setting.sam, 11, 110, "new words");
    assert!(index_batch(&setting.cache, 3).unwrap());
    assert_eq!(setting.with("words"), [11, 10, 9, 8], "newest first");
    // What changes or goes before its turn.
    setting.change(&mut old[1], words("changed words"));
    setting.change(&mut old[2], Content::Deleted);
    setting
        .cache
        .execute("DELETE FROM message WHERE seq = 4", [])
        .unwrap();
    while index_batch(&setting.cache, 3).unwrap() {}
    assert!(!is_indexing(&setting.cache).unwrap());
    assert_eq!(setting.with("words"), [11, 10, 9, 8, 7, 6, 5, 2, 1]);
    assert_eq!(setting.with("changed"), [2]);
}

#[test]
fn an_empty_cache_has_nothing_to_index() {
    let cache = testing::cache();
    assert!(!is_indexing(&cache).unwrap());
    assert!(!index_batch(&cache, 10).unwrap());
}

#[test]
fn lists_use_an_index() {
    let setting = Setting::new();
    for sql in [MATCHING, ANY, PLACE, LAST_PLACE, BATCH] {
        assert_no_scan(&setting.cache, sql);
    }
}

#[test]
fn a_cache_of_before_is_opened_at_once_and_knows_what_is_to_be_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let before = Schema {
        migrations: &CACHE.migrations[..2],
        ..CACHE
    };
    let old = store_open::writer(&path, before, None).unwrap();
    let (sam, conversation) = (PersonId::new(), ConversationId::new());
    old.execute(
        "INSERT INTO conversation(id, other, created_at, head_seq, head_rev, read_seq, server_read_seq,
             other_read_seq, unread, last_at)
         VALUES (?1, ?2, 1, 3, 3, 0, 0, 0, 3, 3)",
        params![conversation.to_string(), sam.to_string()],
    )
    .unwrap();
    for seq in 1..=3 {
        old.execute(
            "INSERT INTO message(id, conversation, seq, rev, author, content, written_at, accepted_at)
             VALUES (?1, ?2, ?3, ?3, ?4, '{\"type\":\"text\",\"text\":\"from before\"}', 1, ?3)",
            params![MessageId::new().to_string(), conversation.to_string(), seq, sam.to_string()],
        )
        .unwrap();
    }
    drop(old);
    let new = store_open::writer(&path, CACHE, None).unwrap();
    assert!(is_indexing(&new).unwrap());
    while index_batch(&new, 2).unwrap() {}
    let mut found = Vec::new();
    newest(&new, &asked("before"), |one| {
        found.push(one.seq);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found, [3, 2, 1]);
}
