//! A connection of the load: the same client for both servers. It counts what the server sends.

use anyhow::{Context as _, anyhow, bail};
use im_protocol::{
    ConversationId, Notice as _, Reply,
    command::Command,
    handshake::Ready,
    people::Status,
    sync::{Cursor, Facts, SnapshotAsk, SyncAck, SyncSince},
};
use im_socketio::{Client, Event, Incoming, Options, connect};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

/// How long a connection may take on a busy machine.
const CONNECTING: Duration = Duration::from_secs(30);
/// How long an answer may take before the run fails.
pub const ANSWER: Duration = Duration::from_secs(30);

/// A place at a server: what a connection begins with.
#[derive(Clone)]
pub struct Seat {
    /// Whose it is.
    pub name: String,
    /// The server.
    pub url: String,
    /// The payload of the CONNECT packet.
    pub auth: Value,
    /// The conversation of this seat.
    pub conversation: ConversationId,
    /// Whether the server has a feed, which is to be followed and confirmed.
    pub feed: bool,
}

/// When a status arrived, by its message.
pub type Seen = (String, Instant);

/// Is told the words of each message, as soon as the line has read them.
pub type Words = Arc<dyn Fn(&str) + Send + Sync>;

/// Who else hears what a line hears. By default nobody: messages are counted, nothing more.
#[derive(Clone, Default)]
pub struct Ears {
    /// Each status that arrives.
    pub statuses: Option<mpsc::Sender<Seen>>,
    /// Each message that arrives, the person's own included where the server has a feed.
    pub words: Option<Words>,
}

/// See the module.
pub struct Line {
    client: Client,
    messages: Arc<AtomicU64>,
    followed: watch::Receiver<u64>,
    listener: JoinHandle<()>,
}

impl Line {
    /// Connects and waits until the server says that it is ready; with a feed, until it flows.
    ///
    /// # Errors
    /// Where the server refuses or does not answer in time.
    pub async fn open(seat: &Seat, ears: Ears) -> anyhow::Result<Self> {
        let line = Self::connect(seat, ears).await?;
        if seat.feed {
            let cursor = Some(line.now().await?);
            line.ask(&SyncSince { cursor }).await?;
        }
        Ok(line)
    }

    /// Connects and waits until the server says that it is ready. The feed does not flow.
    ///
    /// # Errors
    /// Where the server refuses or does not answer in time.
    pub async fn connect(seat: &Seat, ears: Ears) -> anyhow::Result<Self> {
        let auth = seat.auth.clone();
        let (client, mut events, connection) = connect(Options::new(&seat.url), move || {
            let auth = auth.clone();
            async move { Ok(auth) }
        })?;
        tokio::spawn(connection.run());
        let (ready, is_ready) = oneshot::channel();
        let messages = Arc::new(AtomicU64::new(0));
        let (following, followed) = watch::channel(0);
        let mut heard = Heard {
            client: client.clone(),
            messages: messages.clone(),
            following,
            ready: Some(ready),
            ears,
        };
        let listener = tokio::spawn(async move {
            while let Some(incoming) = events.recv().await {
                if let Incoming::Event(event) = incoming {
                    heard.event(&event).await;
                }
            }
        });
        let line = Self {
            client,
            messages,
            followed,
            listener,
        };
        match timeout(CONNECTING, is_ready).await {
            Ok(Ok(())) => {}
            _ => bail!(
                "the server is not ready: {:?}",
                line.client.state().borrow()
            ),
        }
        Ok(line)
    }

    /// Where the person's feed is now.
    ///
    /// # Errors
    /// Where the server refuses or does not answer in time.
    pub async fn now(&self) -> anyhow::Result<Cursor> {
        Ok(self.ask(&SnapshotAsk { after: None }).await?.cursor)
    }

    /// Waits until the feed was read up to here.
    ///
    /// # Errors
    /// Where the line ends before.
    pub async fn until(&self, n: u64) -> anyhow::Result<()> {
        let mut followed = self.followed.clone();
        let reached = followed.wait_for(|up_to| *up_to >= n).await;
        reached.map(|_| ()).context("the line has ended")
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// Where it is refused or not answered in time.
    pub async fn ask<C: Command>(&self, command: &C) -> anyhow::Result<C::Ok> {
        let reply: Reply<C::Ok> = self
            .client
            .emit_with_ack(C::EVENT, command, ANSWER)
            .await
            .with_context(|| format!("{} was not answered", C::EVENT))?;
        reply
            .into_result()
            .map_err(|refused| anyhow!("{} was refused: {:?}", C::EVENT, refused.code))
    }

    /// Messages that arrived on this line so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.client.close().await;
        self.listener.abort();
    }
}

/// What a line does with what it hears.
struct Heard {
    client: Client,
    messages: Arc<AtomicU64>,
    following: watch::Sender<u64>,
    ready: Option<oneshot::Sender<()>>,
    ears: Ears,
}

/// Facts, as far as they are looked at: without what is in them.
#[derive(Deserialize)]
struct Counted {
    items: Vec<Item>,
    up_to: u64,
}

#[derive(Deserialize)]
struct Item {
    kind: String,
    #[serde(rename = "data")]
    _data: IgnoredAny,
}

/// The words of what arrived, as far as they are looked at.
#[derive(Deserialize)]
struct Written {
    items: Vec<Fact>,
}

#[derive(Deserialize)]
struct Fact {
    kind: String,
    data: Value,
}

impl Written {
    fn each(&self, mut hear: impl FnMut(&str)) {
        for fact in self.items.iter().filter(|fact| fact.kind == "message") {
            let text = fact.data.pointer("/message/content/text");
            let text = text.and_then(Value::as_str);
            text.into_iter().for_each(&mut hear);
        }
    }
}

/// A message as Node's server relays it.
#[derive(Deserialize)]
struct Relayed {
    text: String,
}

impl Heard {
    async fn event(&mut self, event: &Event) {
        match event.name.as_str() {
            "message" => {
                if let (Some(words), Ok(told)) = (&self.ears.words, event.payload::<Relayed>()) {
                    words(&told.text);
                }
                self.messages.fetch_add(1, Ordering::Relaxed);
            }
            Facts::EVENT => {
                let Ok(facts) = event.payload::<Counted>() else {
                    return;
                };
                if let (Some(words), Ok(told)) = (&self.ears.words, event.payload::<Written>()) {
                    told.each(|text| words(text));
                }
                let messages = facts.items.iter().filter(|item| item.kind == "message");
                self.messages
                    .fetch_add(messages.count() as u64, Ordering::Relaxed);
                let confirmed = SyncAck { n: facts.up_to };
                // A line that closes hears no more, and need not confirm.
                self.client.emit(SyncAck::EVENT, &confirmed).await.ok();
                self.following.send_replace(facts.up_to);
            }
            Status::EVENT => {
                let now = Instant::now();
                if let (Some(statuses), Ok(status)) = (&self.ears.statuses, event.payload::<Told>())
                {
                    statuses.send((status.message, now)).await.ok();
                }
            }
            Ready::EVENT => {
                if let Some(ready) = self.ready.take() {
                    ready.send(()).ok();
                }
            }
            _ => {}
        }
    }
}

/// A status, as far as it is looked at.
#[derive(Deserialize)]
struct Told {
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::{
        FeedEpoch, MessageId, PersonId,
        conversation::{Content, Message},
        sync::{FeedItem, MessageFact},
    };
    use serde_json::json;

    #[test]
    fn facts_are_counted_without_reading_what_is_in_them() {
        let item = |n, kind: &str| FeedItem {
            n,
            kind: kind.into(),
            data: json!({ "deep": [1, { "x": 2 }] }),
        };
        let facts = Facts {
            epoch: FeedEpoch::new(),
            after: 3,
            items: vec![item(4, "message"), item(5, "hologram")],
            up_to: 5,
            head: 9,
        };
        let text = serde_json::to_string(&facts).unwrap();
        let counted: Counted = serde_json::from_str(&text).unwrap();
        assert_eq!(counted.up_to, 5);
        let kinds: Vec<_> = counted
            .items
            .iter()
            .map(|item| item.kind.as_str())
            .collect();
        assert_eq!(kinds, ["message", "hologram"]);
    }

    /// The fact of a message, as the server makes it.
    fn told(content: Content) -> Value {
        let message = Message {
            id: MessageId::new(),
            conversation: ConversationId::new(),
            seq: 1,
            rev: 1,
            author: PersonId::new(),
            content,
            written_at: 1,
            accepted_at: 1,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        };
        serde_json::to_value(MessageFact { message, unread: 1 }).unwrap()
    }

    #[test]
    fn words_are_those_of_messages_that_still_say_something() {
        let fact = |kind: &str, data| Fact {
            kind: kind.into(),
            data,
        };
        let text = "hello".to_owned();
        let hello = told(Content::Text { text });
        let written = Written {
            items: vec![
                fact("message", hello.clone()),
                fact("message", told(Content::Deleted)),
                fact("read", hello),
            ],
        };
        let mut heard = Vec::new();
        written.each(|text| heard.push(text.to_owned()));
        assert_eq!(heard, ["hello"]);
    }
}
