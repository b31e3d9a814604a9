//! Desks with our whole core, each with a folder, files and a connection of its own, and somebody who
//! does what the page does: reads a conversation's newest rows when told that they have changed.

use super::{letters::Letters, post::Desks};
use crate::{
    client::desk::{self, AtRest},
    line::Seat,
};
use anyhow::Context as _;
use im_contract::{
    Commands as _, CoreEvent,
    args::{PageArgs, SendArgs, SignInArgs},
    views::ContentView,
};
use im_core::{Core, Events};
use im_protocol::ConversationId;
use im_testkit::server::{PASSWORD, email};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Cores that are started at once.
const STARTING: usize = 8;
/// Rows that the page reads when something has changed.
const PAGE: u32 = 60;

/// Where a person's core keeps its files, and which conversation they write in.
#[derive(Clone)]
pub struct Place {
    folder: PathBuf,
    server: String,
    conversation: ConversationId,
}

/// Signs everybody in on a device of their own.
///
/// # Errors
/// Where the server refuses.
pub async fn furnish(work: &Path, seats: &[Seat]) -> anyhow::Result<Vec<Place>> {
    let mut places = Vec::with_capacity(seats.len());
    for seat in seats {
        let place = Place {
            folder: work.join(&seat.name),
            server: seat.url.clone(),
            conversation: seat.conversation,
        };
        let core = desk::start(&place.folder, &place.server, AtRest::Encrypted).await?;
        core.account_sign_in(SignInArgs {
            server: place.server.clone(),
            email: email(&seat.name),
            password: PASSWORD.to_owned(),
        })
        .await?;
        desk::caught_up(&core).await?;
        core.stop().await;
        places.push(place);
    }
    Ok(places)
}

/// See the module.
pub struct Cores {
    cores: Vec<(Core, ConversationId)>,
    readers: Vec<JoinHandle<()>>,
    expected: watch::Sender<Option<Arc<Letters>>>,
}

impl Cores {
    /// Starts them all and waits until each has what was written meanwhile.
    ///
    /// # Errors
    /// Where one does not start or connect.
    pub async fn open(places: &[Place]) -> anyhow::Result<Self> {
        let (expected, letters) = watch::channel(None);
        let mut cores = Vec::with_capacity(places.len());
        for few in places.chunks(STARTING) {
            let mut starting = JoinSet::new();
            for (at, place) in few.iter().cloned().enumerate() {
                starting.spawn(async move {
                    let core = desk::start(&place.folder, &place.server, AtRest::Encrypted).await?;
                    desk::caught_up(&core).await?;
                    anyhow::Ok((at, core, place.conversation))
                });
            }
            let mut started = Vec::new();
            while let Some(core) = starting.join_next().await {
                started.push(core??);
            }
            started.sort_unstable_by_key(|(at, ..)| *at);
            cores.extend(started.into_iter().map(|(_, core, of)| (core, of)));
        }
        let reader = |(by, (core, conversation)): (usize, &(Core, ConversationId))| {
            let reader = Reader {
                by,
                core: core.clone(),
                conversation: *conversation,
                events: core.events(),
                letters: letters.clone(),
            };
            tokio::spawn(reader.run())
        };
        let readers = cores.iter().enumerate().map(reader).collect();
        Ok(Self {
            cores,
            readers,
            expected,
        })
    }

    /// Stops them all.
    pub async fn close(self) {
        for reader in self.readers {
            reader.abort();
        }
        let mut stopping = JoinSet::new();
        for (core, _) in self.cores {
            stopping.spawn(async move { core.stop().await });
        }
        stopping.join_all().await;
    }
}

impl Desks for Cores {
    fn expect(&self, letters: Arc<Letters>) {
        self.expected.send_replace(Some(letters));
    }

    async fn write(&self, author: usize, text: String) -> anyhow::Result<()> {
        let (core, conversation) = self.cores.get(author).context("nobody sits there")?;
        core.messages_send(SendArgs {
            conversation: *conversation,
            text,
            reply_to: None,
            files: Vec::new(),
        })
        .await?;
        Ok(())
    }
}

/// Somebody with their conversation open.
struct Reader {
    by: usize,
    core: Core,
    conversation: ConversationId,
    events: Events,
    letters: watch::Receiver<Option<Arc<Letters>>>,
}

impl Reader {
    async fn run(mut self) {
        while let Some(event) = self.events.recv().await {
            let changed = match event {
                CoreEvent::Messages { conversation } => conversation == self.conversation,
                CoreEvent::Overflow => true,
                _ => false,
            };
            if changed {
                self.read(Instant::now()).await;
            }
        }
    }

    async fn read(&self, told: Instant) {
        let newest = PageArgs::newest(self.conversation, PAGE);
        // What could not be read is missing among what arrived.
        let Ok(page) = self.core.messages_page(newest).await else {
            return;
        };
        let Some(letters) = self.letters.borrow().clone() else {
            return;
        };
        for row in page.messages.iter().filter(|row| !row.mine) {
            if let ContentView::Text { text } = &row.content {
                letters.seen(self.by, text, told);
            }
        }
    }
}
