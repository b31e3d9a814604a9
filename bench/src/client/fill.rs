//! A person with many messages.

use super::{
    desk::{self, AtRest},
    texts::Texts,
};
use anyhow::Context as _;
use im_contract::{
    Commands as _,
    args::{Nothing, SignInArgs},
    views::ConnectionState,
};
use im_protocol::{ConversationId, MessageId, people::Role};
use im_testkit::{
    TestServer,
    server::{PASSWORD, email},
};
use rusqlite::{Connection, params};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// In the conversation that is opened; as many as that has, where there are fewer.
pub const IN_ONE: usize = 100_000;
/// Students besides that one's.
const OTHERS: usize = 9;
/// From one message to the next, in milliseconds: a million in two years.
const APART_MS: i64 = 63_000;
/// When the first one was written.
const FIRST_AT: i64 = 1_700_000_000_000;

/// Where it is.
pub struct Filled {
    /// The core's folder.
    pub folder: PathBuf,
    /// The conversation with many messages.
    pub conversation: ConversationId,
}

/// Makes a person with so many messages on their disk, none of them indexed.
///
/// # Errors
/// Where something does not work.
pub async fn fill(folder: &Path, messages: usize, texts: &Texts) -> anyhow::Result<Filled> {
    fs::create_dir_all(folder)?;
    let mut server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    let mut conversations = Vec::new();
    for number in 0..=OTHERS {
        let name = format!("Student{number}");
        server.person(&name, Role::Student).await;
        let title = format!("Course {number}");
        conversations.push(server.course(&title, "Maya", &name).await);
    }
    let core = desk::start(folder, &server.url(), AtRest::Clear).await?;
    core.account_sign_in(SignInArgs {
        server: server.url(),
        email: email("Maya"),
        password: PASSWORD.to_owned(),
    })
    .await?;
    loop {
        let line = core.connection_get(Nothing {}).await?;
        let rows = core.conversations_list(Nothing {}).await?;
        if line.state == ConnectionState::Online && !line.catching_up && rows.len() > OTHERS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    core.stop().await;
    server.down().await;
    write(folder, &conversations, messages, texts)?;
    let conversation = *conversations.first().context("no conversation")?;
    Ok(Filled {
        folder: folder.to_owned(),
        conversation,
    })
}

/// Where the one account of this folder has its cache.
///
/// # Errors
/// Where there is none.
pub fn cache_path(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut accounts = fs::read_dir(folder.join("accounts"))?;
    let account = accounts.next().context("no account")??;
    Ok(account.path().join("cache.db"))
}

fn write(
    folder: &Path,
    conversations: &[ConversationId],
    messages: usize,
    texts: &Texts,
) -> anyhow::Result<()> {
    let mut cache = Connection::open(cache_path(folder)?)?;
    let authors: Vec<(String, String, String)> = conversations
        .iter()
        .map(|id| {
            let other = "SELECT other FROM conversation WHERE id = ?1";
            let other: String = cache.query_row(other, [id.to_string()], |row| row.get(0))?;
            let me = "SELECT mentor FROM course LIMIT 1";
            let me: String = cache.query_row(me, [], |row| row.get(0))?;
            Ok((id.to_string(), other, me))
        })
        .collect::<rusqlite::Result<_>>()?;
    let in_one = messages.min(IN_ONE);
    let mut seqs = vec![0_i64; authors.len()];
    let transaction = cache.transaction()?;
    {
        let mut insert = transaction.prepare(
            "INSERT INTO message(id, conversation, seq, rev, author, content, written_at, accepted_at)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?6)",
        )?;
        let every = messages / in_one.max(1);
        for number in 0..messages {
            // The one has its share all along; the others take turns.
            let at = if number % every.max(1) == 0 {
                0
            } else {
                1 + number % OTHERS
            };
            let (Some((conversation, other, me)), Some(seq)) = (authors.get(at), seqs.get_mut(at))
            else {
                continue;
            };
            *seq += 1;
            let author = if number % 3 == 0 { me } else { other };
            let content = serde_json::json!({"type": "text", "text": texts.of(number)}).to_string();
            let when = FIRST_AT + APART_MS * i64::try_from(number)?;
            insert.execute(params![
                MessageId::new().to_string(),
                conversation,
                *seq,
                author,
                content,
                when
            ])?;
        }
        for ((conversation, ..), seq) in authors.iter().zip(&seqs) {
            transaction.execute(
                "UPDATE conversation SET head_seq = ?2, head_rev = ?2, synced_rev = ?2, seen_rev = ?2,
                     read_seq = ?2, server_read_seq = ?2, last_at = ?3
                 WHERE id = ?1",
                params![conversation, seq, FIRST_AT + APART_MS * i64::try_from(messages)?],
            )?;
        }
        // As the migration leaves a cache of before there was a search.
        transaction.execute(
            "INSERT INTO meta(key, value) SELECT 'search_below', CAST(max(rowid) + 1 AS TEXT) FROM message",
            [],
        )?;
    }
    transaction.commit()?;
    cache.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")?;
    Ok(())
}
