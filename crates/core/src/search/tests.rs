//! What a page of hits has, with what is unsent and what narrows it.

use super::*;
use crate::store::testing;
use im_protocol::{OperationId, UnixMs, conversation::Conversation};

struct Setting {
    cache: Connection,
    maya: PersonId,
    sam: PersonId,
    conversation: ConversationId,
    outbox: Vec<OutboxRow>,
}

impl Setting {
    fn new() -> Self {
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let mut setting = Self {
            cache: testing::cache(),
            maya,
            sam,
            conversation: ConversationId::new(),
            outbox: Vec::new(),
        };
        setting.conversation = setting.open(sam);
        setting
    }

    fn open(&self, other: PersonId) -> ConversationId {
        let one = Conversation {
            id: ConversationId::new(),
            members: vec![self.maya, other],
            course: None,
            created_at: 1,
            head_seq: 0,
            head_rev: 0,
            read_seq: 0,
            other_read_seq: 0,
            unread: 0,
            closed: None,
        };
        conversation::put(&self.cache, &one, self.maya).unwrap();
        one.id
    }

    fn stored(&self, author: PersonId, seq: u64, text: &str) -> MessageId {
        let at = UnixMs::try_from(seq).unwrap() * 1_000;
        let message = Message {
            id: MessageId::new(),
            conversation: self.conversation,
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
        };
        message::put(&self.cache, &message).unwrap();
        message.id
    }

    fn unsent(&mut self, operation: Operation) -> OperationId {
        let id = match operation {
            Operation::Send { .. } => MessageId::new().into(),
            _ => OperationId::new(),
        };
        let n = self.outbox.len() as u64;
        self.outbox.push(OutboxRow {
            n,
            id,
            conversation: self.conversation,
            operation,
            written_at: 1_000_000 + UnixMs::try_from(n).unwrap(),
            error: None,
        });
        id
    }

    fn page(&self, args: SearchArgs) -> SearchPage {
        let search = Search {
            me: self.maya,
            query: Query::of(&args.words),
            args,
        };
        if !search.asks() {
            return SearchPage::default();
        }
        search.page(&self.cache, self.outbox.clone()).unwrap()
    }

    fn texts(&self, args: SearchArgs) -> Vec<String> {
        let hits = self.page(args).hits;
        hits.into_iter().map(|hit| hit.text).collect()
    }
}

fn words(words: &str) -> SearchArgs {
    SearchArgs {
        words: words.to_owned(),
        ..SearchArgs::default()
    }
}

#[test]
fn pages_of_fifty_follow_each_other_without_a_gap_or_a_double() {
    let setting = Setting::new();
    for seq in 1..=120 {
        setting.stored(setting.sam, seq, "again and again");
    }
    let mut seqs = Vec::new();
    let mut before = None;
    let mut lengths = Vec::new();
    loop {
        let page = setting.page(SearchArgs {
            before,
            ..words("again")
        });
        lengths.push(page.hits.len());
        seqs.extend(page.hits.iter().filter_map(|hit| hit.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seqs, (1..=120).rev().collect::<Vec<_>>());
    assert_eq!(lengths, [50, 50, 20]);
}

#[test]
fn what_has_the_pieces_and_not_the_word_is_left_out_and_a_long_look_is_cut() {
    let setting = Setting::new();
    // "abcd" in pieces: "abc" and "bcd", apart.
    setting.stored(setting.sam, 1, "abcd");
    for seq in 2..=u64::try_from(LOOKED_AT).unwrap() + 10 {
        setting.stored(setting.sam, seq, "abc bcd");
    }
    let first = setting.page(words("abcd"));
    assert_eq!(first.hits, []);
    assert!(first.next.is_some(), "there may be more");
    let second = setting.page(SearchArgs {
        before: first.next,
        ..words("abcd")
    });
    assert_eq!(second.hits.len(), 1);
    assert_eq!(second.next, None);
}

#[test]
fn unsent_messages_come_first_and_changes_count_before_the_server_has_them() {
    let mut setting = Setting::new();
    let edited = setting.stored(setting.maya, 1, "the old tea");
    let deleted = setting.stored(setting.maya, 2, "tea for two");
    setting.stored(setting.sam, 3, "tea at five");
    let text = |text: &str| text.to_owned();
    setting.unsent(Operation::Send {
        text: text("more tea"),
        reply_to: None,
    });
    let rewritten = setting.unsent(Operation::Send {
        text: text("coffee"),
        reply_to: None,
    });
    setting.unsent(Operation::Edit {
        message: MessageId::from_uuid(rewritten.uuid()),
        text: text("no, tea"),
    });
    setting.unsent(Operation::Edit {
        message: edited,
        text: text("water"),
    });
    setting.unsent(Operation::Delete { message: deleted });
    assert_eq!(
        setting.texts(words("tea")),
        ["no, tea", "more tea", "tea at five"]
    );
    assert_eq!(setting.texts(words("coffee")), [""; 0]);
    let water = setting.page(words("water")).hits;
    assert_eq!(water.len(), 1);
    assert_eq!((water[0].message, water[0].seq), (edited, Some(1)));
    // What was refused is as if nobody had asked.
    for row in &mut setting.outbox {
        row.error = Some(im_protocol::WireError::new(
            im_protocol::ErrorCode::Forbidden,
            "no",
        ));
    }
    assert_eq!(
        setting.texts(words("tea")),
        ["more tea", "tea at five", "tea for two", "the old tea"]
    );
}

#[test]
fn filters_narrow_it_alone_and_together() {
    let mut setting = Setting::new();
    setting.stored(setting.sam, 1, "question one");
    setting.stored(setting.maya, 2, "answer one");
    let with_sam = setting.conversation;
    let lin = PersonId::new();
    setting.conversation = setting.open(lin);
    setting.stored(lin, 3, "question two");
    setting.conversation = with_sam;
    let sam = Some(setting.sam);
    let all = |change: fn(&mut SearchArgs), person| {
        let mut args = SearchArgs {
            person,
            ..words("")
        };
        change(&mut args);
        setting.texts(args)
    };
    assert_eq!(all(|_| {}, sam), ["answer one", "question one"]);
    assert_eq!(
        all(|args| args.by = Some(SearchBy::Other), sam),
        ["question one"]
    );
    assert_eq!(
        all(|args| args.by = Some(SearchBy::Other), None),
        ["question two", "question one"]
    );
    assert_eq!(
        all(|args| args.by = Some(SearchBy::Me), None),
        ["answer one"]
    );
    assert_eq!(
        all(|args| args.from = Some(2_000), None),
        ["question two", "answer one"]
    );
    assert_eq!(all(|args| args.until = Some(2_000), None), ["question one"]);
    assert_eq!(
        all(|args| args.words = "question".to_owned(), sam),
        ["question one"]
    );
    assert_eq!(all(|args| args.files = true, None), [""; 0]);
    assert_eq!(
        all(|_| {}, Some(PersonId::new())),
        [""; 0],
        "nobody one knows"
    );
}

#[test]
fn whatever_is_typed_finds_something_or_nothing_and_never_fails() {
    let setting = Setting::new();
    setting.stored(setting.sam, 1, "plain words");
    let long = "x".repeat(10_000);
    let many: String = (0..3_000).map(|n| format!("w{n} ")).collect();
    for typed in [
        "\"",
        "'",
        "*",
        "w*",
        "NEAR(plain words)",
        "plain AND",
        "NOT",
        "terms:plain",
        "a\0b",
        "\0",
        "((((",
        "^plain",
        "-",
        "+",
        "\\",
        "%",
        "_",
        "\u{feff}",
        "👩‍👩‍👧",
        &long,
        &many,
    ] {
        let page = setting.page(words(typed));
        assert_eq!(page.hits, [], "{typed:.20}");
    }
    assert_eq!(setting.texts(words("words PLAIN")), ["plain words"]);
}
