//! A device that was away: what was written for its person meanwhile, and how soon it has all of it.

use super::{
    desk::{self, AtRest},
    measure::{NO_SERVER, memory},
};
use crate::{
    line::{Ears, Line, Seat},
    messages,
    ours::Ours,
    people,
    stats::milliseconds,
};
use anyhow::Context as _;
use im_contract::{
    Commands as _, CoreEvent,
    args::{Nothing, PageArgs, SignInArgs},
    views::{ConnectionState, ContentView, ConversationRow, MessageRow},
};
use im_core::Core;
use im_protocol::{
    ConversationId, EditId, MessageId,
    conversation::{MessageDelete, MessageEdit, MessageReact, NewMessage},
    limits::{PAGE_ROWS, SEND_ITEMS},
    sync::{Cursor, SnapshotAsk, SyncSince},
};
use im_testkit::server::{PASSWORD, email};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Who was away.
const MAYA: &str = "Maya";
/// Students who wrote to her.
const STUDENTS: usize = 10;
/// Of 100 events one is each of these changes of a message, by its number; all others are messages.
const CHANGES: [(usize, Change); 10] = [
    (9, Change::Words),
    (19, Change::Words),
    (29, Change::Emoji),
    (39, Change::Words),
    (49, Change::Words),
    (59, Change::Emoji),
    (69, Change::Words),
    (79, Change::TakenBack),
    (89, Change::Emoji),
    (99, Change::TakenBack),
];
/// How long the device may take.
const WITHIN: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Words,
    Emoji,
    TakenBack,
}

/// What a device must have in the end: as the server says, and as was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The last number of the person's feed.
    head: u64,
    /// In the list's order.
    conversations: Vec<Known>,
}

/// One line of the list, and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: ConversationId,
    /// Messages in it, those that were taken back included.
    messages: u64,
    unread: u32,
    last: String,
    edited: usize,
    taken_back: usize,
    with_emoji: usize,
}

/// A device that is away, and the server that knows more than it.
pub struct Away {
    server: Ours,
    folder: PathBuf,
    maya: Seat,
    /// Where the device was when it went.
    cursor: Cursor,
    truth: Truth,
}

impl Away {
    /// Signs in, goes away, and has so many events written. Everything is below `work`.
    ///
    /// # Errors
    /// Where something does not work.
    pub async fn begin(work: &Path, folder: &Path, events: usize) -> anyhow::Result<Self> {
        let server = Ours::start(work).await?;
        let seats = people::class(server.server(), MAYA, STUDENTS).await?;
        let (maya, students) = seats.split_first().context("nobody")?;
        let core = desk::start(folder, &maya.url, AtRest::Encrypted).await?;
        core.account_sign_in(SignInArgs {
            server: maya.url.clone(),
            email: email(MAYA),
            password: PASSWORD.to_owned(),
        })
        .await?;
        desk::caught_up(&core).await?;
        let listed = core.conversations_list(Nothing {}).await?.len();
        anyhow::ensure!(listed == STUDENTS, "{listed} conversations");
        core.stop().await;
        // The device's last transaction is in the file itself: there is no log left beside it.
        fs::copy(cache(folder)?, kept(folder)?)?;

        let line = Line::connect(maya, Ears::default()).await?;
        let cursor = line.now().await?;
        let mut written = Vec::new();
        for (number, student) in students.iter().enumerate() {
            // As many each, the remainder to the first ones.
            let share = events / STUDENTS + usize::from(number < events % STUDENTS);
            written.push(write(student, share).await?);
        }
        let truth = truth(&line, written).await?;
        line.close().await;
        Ok(Self {
            server,
            folder: folder.to_owned(),
            maya: maya.clone(),
            cursor,
            truth,
        })
    }

    /// Events that the device has missed.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.truth.head - self.cursor.n
    }

    /// What the device must have.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The server.
    pub const fn server(&mut self) -> &mut Ours {
        &mut self.server
    }

    /// Makes the device as it was when it went away.
    ///
    /// # Errors
    /// What the file system says.
    pub fn forget(&self) -> anyhow::Result<()> {
        let cache = cache(&self.folder)?;
        for beside in ["db-wal", "db-shm"] {
            match fs::remove_file(cache.with_extension(beside)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fs::copy(kept(&self.folder)?, cache)?;
        Ok(())
    }

    /// How long a client takes to hear the same that keeps nothing.
    ///
    /// # Errors
    /// Where the server refuses, or it takes too long.
    pub async fn only_heard(&self) -> anyhow::Result<Duration> {
        let line = Line::connect(&self.maya, Ears::default()).await?;
        let begun = Instant::now();
        let cursor = Some(self.cursor);
        line.ask(&SyncSince { cursor }).await?;
        timeout(WITHIN, line.until(self.truth.head))
            .await
            .context("it took too long")??;
        let took = begun.elapsed();
        line.close().await;
        Ok(took)
    }
}

/// The cache of the one account in this folder.
fn cache(folder: &Path) -> anyhow::Result<PathBuf> {
    super::fill::cache_path(folder)
}

fn kept(folder: &Path) -> anyhow::Result<PathBuf> {
    Ok(cache(folder)?.with_extension("away"))
}

/// Has a student write so many events; what must be known of it.
async fn write(student: &Seat, events: usize) -> anyhow::Result<Known> {
    let line = Line::connect(student, Ears::default()).await?;
    let mut known = Known {
        id: student.conversation,
        messages: 0,
        unread: 0,
        last: String::new(),
        edited: 0,
        taken_back: 0,
        with_emoji: 0,
    };
    let mut waiting = Vec::new();
    let mut newest: Option<MessageId> = None;
    for number in 0..events {
        let change = CHANGES.iter().find(|(at, _)| *at == number % 100);
        match change {
            None => {
                let said = messages::new(format!("{} {number}", messages::TEXT));
                // Changes are of messages that stay before the last one.
                newest = Some(said.id);
                known.last.clone_from(&said.text);
                known.messages += 1;
                waiting.push(said);
            }
            Some((_, change)) => {
                send(&line, student, &mut waiting).await?;
                let message = newest.context("nothing to be changed")?;
                known.change(&line, *change, message, number).await?;
            }
        }
        if waiting.len() == SEND_ITEMS {
            send(&line, student, &mut waiting).await?;
        }
    }
    send(&line, student, &mut waiting).await?;
    line.close().await;
    Ok(known)
}

async fn send(line: &Line, student: &Seat, waiting: &mut Vec<NewMessage>) -> anyhow::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    messages::write(line, student.conversation, std::mem::take(waiting)).await
}

impl Known {
    async fn change(
        &mut self,
        line: &Line,
        change: Change,
        message: MessageId,
        number: usize,
    ) -> anyhow::Result<()> {
        let conversation = self.id;
        match change {
            Change::Words => {
                let text = format!("Other words {number}");
                self.last.clone_from(&text);
                self.edited += 1;
                let id = EditId::new();
                line.ask(&MessageEdit {
                    id,
                    conversation,
                    message,
                    text,
                })
                .await?;
            }
            Change::Emoji => {
                self.with_emoji += 1;
                let emoji = "👍".to_owned();
                line.ask(&MessageReact {
                    conversation,
                    message,
                    emoji,
                    on: true,
                })
                .await?;
            }
            Change::TakenBack => {
                self.last.clear();
                self.taken_back += 1;
                line.ask(&MessageDelete {
                    conversation,
                    message,
                })
                .await?;
            }
        }
        Ok(())
    }
}

/// What was written, with the unread ones as the server counts them, in the order of a list.
async fn truth(line: &Line, written: Vec<Known>) -> anyhow::Result<Truth> {
    let snapshot = line.ask(&SnapshotAsk { after: None }).await?;
    let mut conversations = written;
    for known in &mut conversations {
        let found = snapshot.conversations.iter().find(|one| one.id == known.id);
        let found = found.context("the server does not list a conversation")?;
        anyhow::ensure!(
            found.head_seq == known.messages,
            "the server has other messages"
        );
        known.unread = found.unread;
    }
    // Who wrote last comes first.
    conversations.reverse();
    Ok(Truth {
        head: snapshot.cursor.n,
        conversations,
    })
}

/// Starts the device, in a process that has done nothing else, and waits until it has everything. Its
/// list is read whenever it is told to have changed, as the page does.
///
/// # Errors
/// Where something does not work, or the list is not right in the end.
pub async fn come_back(folder: &Path, truth: &Truth) -> anyhow::Result<Value> {
    let begun = Instant::now();
    // It knows the server that it was signed in at.
    let core = desk::start(folder, NO_SERVER, AtRest::Encrypted).await?;
    let opened = begun.elapsed();
    let follow = follow(&core, begun);
    let (connected, caught_up) = timeout(WITHIN, follow)
        .await
        .context("it took too long")??;
    let list = core.conversations_list(Nothing {}).await?;
    let listed = begun.elapsed();
    truth.is_list(&list)?;
    let told = json!({
        "opened_ms": milliseconds(opened),
        "connected_ms": milliseconds(connected),
        "from_connected_to_all_stored_ms": milliseconds(caught_up.saturating_sub(connected)),
        "from_connected_to_the_right_list_ms": milliseconds(listed.saturating_sub(connected)),
        "from_start_to_the_right_list_ms": milliseconds(listed),
        "memory_most_mib": memory("VmHWM"),
    });
    core.stop().await;
    Ok(told)
}

/// When it was connected, and when it had everything.
async fn follow(core: &Core, begun: Instant) -> anyhow::Result<(Duration, Duration)> {
    let mut events = core.events();
    let mut connected = None;
    loop {
        let line = core.connection_get(Nothing {}).await?;
        if line.state == ConnectionState::Online {
            let connected = *connected.get_or_insert_with(|| begun.elapsed());
            if !line.catching_up {
                return Ok((connected, begun.elapsed()));
            }
        }
        let mut event = events.recv().await;
        while !matches!(event, Some(CoreEvent::Connection(_) | CoreEvent::Overflow)) {
            if event.context("the core has stopped")? == CoreEvent::Conversations {
                core.conversations_list(Nothing {}).await?;
            }
            event = events.recv().await;
        }
    }
}

/// Looks at everything that the device has, while its server is away.
///
/// # Errors
/// Where anything is missing or not as it was written last.
pub async fn has_all(folder: &Path, truth: &Truth) -> anyhow::Result<Value> {
    let core = desk::start(folder, NO_SERVER, AtRest::Encrypted).await?;
    truth.is_list(&core.conversations_list(Nothing {}).await?)?;
    let mut all = 0;
    for known in &truth.conversations {
        let mut rows = Vec::new();
        let mut page = core
            .messages_page(PageArgs::newest(known.id, PAGE_ROWS))
            .await?;
        loop {
            let before = page.messages.first().and_then(|row| row.seq);
            let more = page.more && before.is_some();
            rows.splice(0..0, page.messages);
            if !more {
                break;
            }
            let older = PageArgs {
                before,
                ..PageArgs::newest(known.id, PAGE_ROWS)
            };
            page = core.messages_page(older).await?;
        }
        let places = rows.iter().filter_map(|row| row.seq);
        anyhow::ensure!(places.eq(1..=known.messages), "a message is missing");
        let count = |is: fn(&MessageRow) -> bool| rows.iter().filter(|row| is(row)).count();
        let taken_back = count(|row| matches!(row.content, ContentView::Deleted));
        anyhow::ensure!(
            taken_back == known.taken_back,
            "{taken_back} were taken back"
        );
        let with_emoji = count(|row| !row.reactions.is_empty());
        let edited = count(|row| row.edited);
        anyhow::ensure!(edited == known.edited, "{edited} have other words");
        anyhow::ensure!(with_emoji == known.with_emoji, "{with_emoji} have an emoji");
        all += rows.len();
    }
    core.stop().await;
    Ok(json!({ "messages": all }))
}

impl Truth {
    /// # Errors
    /// Says what is not so.
    fn is_list(&self, list: &[ConversationRow]) -> anyhow::Result<()> {
        let ids = list.iter().map(|row| row.id);
        let wanted = self.conversations.iter().map(|known| known.id);
        anyhow::ensure!(ids.eq(wanted), "the list is in another order");
        for (row, known) in list.iter().zip(&self.conversations) {
            anyhow::ensure!(
                row.head_seq == known.messages,
                "the list has another newest message"
            );
            anyhow::ensure!(
                row.unread == known.unread,
                "{} unread in the list, {} on the server",
                row.unread,
                known.unread
            );
            let last = row.last.as_ref().context("the list has no last message")?;
            let last = match &last.content {
                ContentView::Text { text } => text.as_str(),
                _ => "",
            };
            anyhow::ensure!(last == known.last, "the list has another last message");
        }
        Ok(())
    }
}
