//! What is asked of a core with many messages, each in a process that has done nothing else.

use super::{
    desk::{self, AtRest},
    fill,
};
use crate::stats::{milliseconds, percentile, rounded};
use im_contract::{
    Commands as _, CoreEvent,
    args::{Nothing, PageArgs, SearchArgs},
};
use im_core::Core;
use im_protocol::ConversationId;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Nobody answers there.
pub const NO_SERVER: &str = "http://127.0.0.1:9";
/// Hits that fill a page.
const PAGE: usize = 50;

/// What is typed, letter by letter, and what it stands for.
const TYPED: [(&str, &str); 16] = [
    ("common", "the"),
    ("common", "there is"),
    ("common", "install"),
    ("common", "that would"),
    ("two letters", "is"),
    ("two letters", "x1"),
    ("two letters", "->"),
    ("rare", "framebuffer"),
    ("rare", "kerlin"),
    ("rare", "zsh completion"),
    ("code", "sudo apt-get install"),
    ("code", "/etc/x11/xorg.conf"),
    ("code", "a->b &&"),
    ("nothing", "qxzvwk"),
    ("nothing", "therefrom tionali"),
    ("many words", "how do i get this to work"),
];

/// Lets the core index what is on disk: how long that takes, and what it adds.
///
/// # Errors
/// Where something does not work.
pub async fn index(folder: &Path) -> anyhow::Result<Value> {
    let cache = fill::cache_path(folder)?;
    let before = fs::metadata(&cache)?.len();
    let begun = Instant::now();
    let core = desk::start(folder, NO_SERVER, AtRest::Clear).await?;
    let mut events = core.events();
    let list = core.conversations_list(Nothing {}).await?.len();
    let usable = begun.elapsed();
    while core.messages_search(words("a")).await?.indexing {
        // Told once, when it is done; asked now and then where that was before anybody listened.
        let wait = async { while events.recv().await != Some(CoreEvent::Indexed) {} };
        let _ = tokio::time::timeout(Duration::from_millis(500), wait).await;
    }
    let took = begun.elapsed();
    core.stop().await;
    let file = Connection::open(&cache)?;
    file.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
    let messages: u32 = file.query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
    let terms: i64 = file.query_row("SELECT sum(length(block)) FROM search_data", [], |row| {
        row.get(0)
    })?;
    let after = fs::metadata(&cache)?.len();
    Ok(json!({
        "conversations": list,
        "list_usable_before_it_is_indexed_ms": milliseconds(usable),
        "seconds": rounded(took.as_secs_f64(), 1),
        "messages_per_second": (f64::from(messages) / took.as_secs_f64()).round(),
        "on_disk_mib": mib(after),
        "before_the_index_mib": mib(before),
        "terms_mib": mib(u64::try_from(terms)?),
    }))
}

/// Starts a core on a folder that is indexed: until the list is there, and until the newest page of a
/// conversation is.
///
/// # Errors
/// Where something does not work.
pub async fn start(folder: &Path, conversation: ConversationId) -> anyhow::Result<Value> {
    let begun = Instant::now();
    let core = desk::start(folder, NO_SERVER, AtRest::Clear).await?;
    core.conversations_list(Nothing {}).await?;
    let list = begun.elapsed();
    let begun = Instant::now();
    let page = core
        .messages_page(PageArgs::newest(conversation, 60))
        .await?;
    let opened = begun.elapsed();
    anyhow::ensure!(
        page.messages.len() == 60,
        "a page of {}",
        page.messages.len()
    );
    let begun = Instant::now();
    let around = PageArgs {
        around: Some(100),
        ..PageArgs::newest(conversation, 120)
    };
    let far = core.messages_page(around).await?;
    let jumped = begun.elapsed();
    anyhow::ensure!(far.newer && far.messages.len() == 120, "no window far back");
    let memory = memory("VmRSS");
    core.stop().await;
    Ok(json!({
        "list_ms": milliseconds(list),
        "open_ms": milliseconds(opened),
        "jump_far_back_ms": milliseconds(jumped),
        "memory_mib": memory,
    }))
}

/// Types what there is to be typed.
///
/// # Errors
/// Where something does not work.
pub async fn search(folder: &Path) -> anyhow::Result<Value> {
    let core = desk::start(folder, NO_SERVER, AtRest::Clear).await?;
    // The pages that every query reads are in memory after the first one.
    core.messages_search(words("warm")).await?;
    let mut all = Vec::new();
    let mut full = Vec::new();
    let mut worst = (Duration::ZERO, String::new());
    let mut kinds: Vec<(&str, Vec<Duration>)> = Vec::new();
    let mut finals = Vec::new();
    for (kind, typed) in TYPED {
        for end in typed.char_indices().map(|(at, c)| at + c.len_utf8()) {
            let Some(prefix) = typed.get(..end) else {
                continue;
            };
            let (first, whole, hits) = one(&core, prefix).await?;
            all.push(first);
            full.push(whole);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, times)) => times.push(first),
                None => kinds.push((kind, vec![first])),
            }
            if first > worst.0 {
                worst = (first, prefix.to_owned());
            }
            if end == typed.len() {
                finals.push(json!({"typed": typed, "hits_on_the_first_page": hits,
                    "ms": milliseconds(first), "until_the_page_is_full_ms": milliseconds(whole)}));
            }
        }
    }
    let memory = json!({"now_mib": memory("VmRSS"), "most_mib": memory("VmHWM")});
    core.stop().await;
    let kinds: Vec<Value> = kinds
        .into_iter()
        .map(|(kind, times)| json!({"kind": kind, "answer": told(times)}))
        .collect();
    Ok(json!({
        "how": "each text typed letter by letter, every letter a search; from the command to its answer",
        "answer": told(all),
        "until_a_page_is_full": told(full),
        "worst": {"typed": worst.1, "ms": milliseconds(worst.0)},
        "by_kind": kinds,
        "texts": finals,
        "memory": memory,
    }))
}

async fn one(core: &Core, typed: &str) -> anyhow::Result<(Duration, Duration, usize)> {
    let begun = Instant::now();
    let page = core.messages_search(words(typed)).await?;
    let first = begun.elapsed();
    let (mut hits, mut next) = (page.hits.len(), page.next);
    while hits < PAGE && next.is_some() {
        let more = core
            .messages_search(SearchArgs {
                before: next,
                ..words(typed)
            })
            .await?;
        hits += more.hits.len();
        next = more.next;
    }
    Ok((first, begun.elapsed(), hits))
}

fn words(words: &str) -> SearchArgs {
    SearchArgs {
        words: words.to_owned(),
        ..SearchArgs::default()
    }
}

fn told(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let at = |percent| milliseconds(percentile(&times, percent).unwrap_or_default());
    json!({"count": times.len(), "p50_ms": at(50), "p95_ms": at(95), "worst_ms": at(100)})
}

fn mib(bytes: u64) -> f64 {
    rounded(bytes as f64 / 1_048_576.0, 1)
}

/// A line of this process's status, in MiB.
pub(super) fn memory(line: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let found = status.lines().find(|one| one.starts_with(line))?;
    let kib: f64 = found.split_whitespace().nth(1)?.parse().ok()?;
    Some(rounded(kib / 1_024.0, 1))
}
