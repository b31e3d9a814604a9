//! Everything a person is and wrote, as one JSON document that is made while it is sent.
//!
//! One document, not an archive: any program reads it, and it needs no more memory than a page of
//! messages. Files are named in it and fetched by their ids: a film is not made longer by a third to
//! stand in a text, and what broke off goes on where it was. Its last field is `"complete": true`, so that a
//! part of one cannot pass for the whole. What is written while it is made may be in it or not; a
//! message that is changed meanwhile is there twice.

use crate::{
    app::App,
    error::Error,
    store::{
        Connection, call, conversation, course, erasure, file, message, message_edit, person,
        session, status,
    },
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use im_call::rules::Rules;
use im_protocol::{
    ConversationId, FileId, PersonId,
    conversation::{Content, Conversation, Message, Wording},
};
use serde::Serialize;
use std::{io, sync::Arc};
use tokio::sync::mpsc;

/// Pieces that wait for the client.
const AHEAD: usize = 4;
/// Conversations, messages and calls in one piece.
const PAGE: u32 = 200;
/// The version of the document's shape.
const VERSION: u32 = 1;

/// A piece of the answer. An error breaks it off, so that the client notices.
type Piece = Result<Bytes, io::Error>;

/// What the task hands over.
enum Made {
    /// The next piece of the document.
    Text(Bytes),
    /// It is whole.
    Whole,
}

/// Makes the document of a person in a task of its own, as fast as it is taken.
pub(crate) fn document(app: &Arc<App>, id: PersonId) -> impl Stream<Item = Piece> + use<> {
    let (pieces, made) = mpsc::channel(AHEAD);
    let export = Export {
        app: app.clone(),
        id,
        pieces,
    };
    app.tasks.spawn(export.run());
    answer(made)
}

/// The answer, which ends well only where the document is whole, however slowly it was taken and
/// whatever has ended its task.
fn answer(made: mpsc::Receiver<Made>) -> impl Stream<Item = Piece> {
    stream::unfold(Some(made), |made| async move {
        let mut made = made?;
        match made.recv().await {
            Some(Made::Text(text)) => Some((Ok(text), Some(made))),
            Some(Made::Whole) => None,
            None => {
                let broken = io::Error::other("the export was not finished");
                Some((Err(broken), None))
            }
        }
    })
}

/// The task.
struct Export {
    app: Arc<App>,
    id: PersonId,
    pieces: mpsc::Sender<Made>,
}

/// Who takes the document has gone, or the server stops.
struct Gone;

impl From<Gone> for Error {
    fn from(_: Gone) -> Self {
        Self::unavailable()
    }
}

#[derive(Serialize)]
struct Head {
    format: &'static str,
    version: u32,
    server: &'static str,
    made_at: i64,
    /// Where the files are that are named in it.
    files_at: &'static str,
}

/// A file that no message carries yet.
#[derive(Serialize)]
struct Waiting {
    id: FileId,
    conversation: ConversationId,
    name: String,
    size: u64,
    received: u64,
}

impl From<file::File> for Waiting {
    fn from(file: file::File) -> Self {
        Self {
            id: file.start.id,
            conversation: file.start.conversation,
            name: file.start.name,
            size: file.start.size,
            received: file.received,
        }
    }
}

/// A message with what is kept of it besides.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    message: Message,
    /// The words that it had before, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wordings: Vec<Wording>,
    /// The asker's own words that they took back. Those of others are with nobody anymore.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<String>,
}

impl Export {
    async fn run(self) {
        let stop = self.app.stop.clone();
        let made = stop.run_until_cancelled(self.make()).await;
        if !matches!(made, Some(Ok(()))) {
            // Whoever takes it notices by the end of the channel.
            tracing::info!(person = %self.id, "an export was not finished");
        }
    }

    async fn make(&self) -> Result<(), Error> {
        let mut reader = self.app.store.read().await?;
        let me = person::me(&mut reader, self.id).await?;
        let me = me.ok_or_else(Error::unauthorized)?;
        let own = |status: &im_protocol::people::Status| status.person == self.id;
        let status = status::all(&mut reader).await?.into_iter().find(own);
        let courses = course::of_person(&mut reader, self.id).await?;
        let people = person::known_to(&mut reader, self.id).await?;
        let sessions = session::history(&mut reader, self.id).await?;
        let waiting = file::waiting_of(&mut reader, self.id).await?;
        let waiting: Vec<Waiting> = waiting.into_iter().map(Into::into).collect();
        drop(reader);
        let head = Head {
            format: "instantmentor-export",
            version: VERSION,
            server: crate::SERVER,
            made_at: self.app.clock.now(),
            files_at: "/v1/files/{id}",
        };
        let mut text = String::from("{\n");
        for (name, value) in [
            ("about", json(&head)?),
            ("profile", json(&me)?),
            ("status", json(&status)?),
            ("courses", json(&courses)?),
            ("people", json(&people)?),
            ("sessions", json(&sessions)?),
            ("waiting_files", json(&waiting)?),
        ] {
            text.push_str(&format!("\"{name}\": {value},\n"));
        }
        text.push_str("\"conversations\": [");
        self.give(text).await?;
        self.conversations().await?;
        self.give("\n],\n\"complete\": true\n}\n".to_owned())
            .await?;
        let whole = self.pieces.send(Made::Whole).await;
        Ok(whole.map_err(|_| Gone)?)
    }

    async fn conversations(&self) -> Result<(), Error> {
        let mut after = None;
        let mut comma = "";
        loop {
            let page = conversation::page(&mut *self.read().await?, self.id, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for conversation in &page {
                self.give(format!("{comma}\n")).await?;
                comma = ",";
                self.conversation(conversation).await?;
            }
        }
    }

    async fn conversation(&self, conversation: &Conversation) -> Result<(), Error> {
        let about = json(conversation)?;
        self.give(format!("{{\"conversation\": {about},\n\"messages\": ["))
            .await?;
        let (mut rev, mut comma) = (0, "\n");
        loop {
            let mut reader = self.read().await?;
            let page = message::changed_after(&mut reader, conversation.id, rev, PAGE).await?;
            let Some(last) = page.last() else { break };
            rev = last.rev;
            let mut lines = Vec::with_capacity(page.len());
            for message in page {
                lines.push(self.line(&mut reader, message).await?);
            }
            drop(reader);
            self.list(&lines, &mut comma).await?;
        }
        self.give("\n], \"calls\": [".to_owned()).await?;
        self.calls(conversation.id).await?;
        self.give("\n]}".to_owned()).await?;
        Ok(())
    }

    async fn line(&self, reader: &mut Connection, message: Message) -> Result<Line, Error> {
        let deleted = message.content == Content::Deleted;
        let own = message.author == self.id;
        let taken_back = if deleted && own {
            message::taken_back(reader, message.id).await?
        } else {
            None
        };
        let wordings = if taken_back.is_some() || message.edited_at.is_some() {
            message_edit::trace(reader, message.id, u32::MAX).await?
        } else {
            Vec::new()
        };
        Ok(Line {
            message,
            wordings,
            taken_back,
        })
    }

    async fn calls(&self, id: ConversationId) -> Result<(), Error> {
        let (mut after, mut comma) = (None, "\n");
        loop {
            let mut reader = self.read().await?;
            let page = call::of_conversation(&mut reader, id, after, PAGE).await?;
            drop(reader);
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some((last.started_at, last.id));
            let now = self.app.clock.now();
            let views = page.iter().map(|call| Rules::default().view(call, now));
            let views: Vec<_> = views.collect();
            self.list(&views, &mut comma).await?;
        }
    }

    async fn list(&self, items: &[impl Serialize], comma: &mut &str) -> Result<(), Error> {
        let mut text = String::new();
        for item in items {
            text.push_str(comma);
            text.push_str(&json(item)?);
            *comma = ",\n";
        }
        Ok(self.give(text).await?)
    }

    /// A connection for a page, and only for as long as it takes: a slow client holds none. Whose
    /// account was deleted meanwhile gets no more of it.
    async fn read(&self) -> Result<crate::store::Reader, Error> {
        let mut reader = self.app.store.read().await?;
        erasure::refuse_deleted(&mut reader, self.id).await?;
        Ok(reader)
    }

    async fn give(&self, text: String) -> Result<(), Gone> {
        let given = self.pieces.send(Made::Text(Bytes::from(text))).await;
        given.map_err(|_| Gone)
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Broken("an export is not written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    /// What a slow client gets of a task that has ended: pieces, and whether it ended well.
    async fn taken(made: Vec<Made>) -> (usize, bool) {
        let (pieces, taking) = mpsc::channel(made.len());
        for one in made {
            assert!(pieces.try_send(one).is_ok());
        }
        drop(pieces);
        let pieces: Vec<Piece> = answer(taking).collect().await;
        let whole = pieces.iter().filter(|piece| piece.is_ok()).count();
        (whole, whole == pieces.len())
    }

    #[tokio::test]
    async fn what_breaks_off_behind_a_full_queue_is_told_and_what_is_whole_ends_well() {
        let text = || Made::Text(Bytes::from_static(b"{"));
        let full = || (0..AHEAD).map(|_| text()).collect::<Vec<_>>();
        assert_eq!(taken(full()).await, (AHEAD, false));
        let mut whole = full();
        whole.push(Made::Whole);
        assert_eq!(taken(whole).await, (AHEAD, true));
    }
}
