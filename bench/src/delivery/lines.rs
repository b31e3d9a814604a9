//! Desks that are bare connections: nothing is kept, what arrives was seen.

use super::{letters::Letters, post::Desks};
use crate::{
    line::{Ears, Line, Seat, Words},
    messages,
};
use anyhow::Context as _;
use im_protocol::ConversationId;
use std::{sync::Arc, time::Instant};
use tokio::sync::watch;

/// See the module.
pub struct Lines {
    lines: Vec<(Arc<Line>, ConversationId)>,
    expected: watch::Sender<Option<Arc<Letters>>>,
}

impl Lines {
    /// One for each seat.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn open(seats: &[Seat]) -> anyhow::Result<Self> {
        let (expected, letters) = watch::channel(None::<Arc<Letters>>);
        let ears = |by| {
            let letters = letters.clone();
            let words: Words = Arc::new(move |text| {
                if let Some(letters) = &*letters.borrow() {
                    letters.seen(by, text, Instant::now());
                }
            });
            Ears {
                statuses: None,
                words: Some(words),
            }
        };
        let lines = messages::open(seats, ears).await?;
        let conversations = seats.iter().map(|seat| seat.conversation);
        Ok(Self {
            lines: lines.into_iter().zip(conversations).collect(),
            expected,
        })
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// Where somebody still writes.
    pub async fn close(self) -> anyhow::Result<()> {
        messages::close(self.lines.into_iter().map(|(line, _)| line).collect()).await
    }
}

impl Desks for Lines {
    fn expect(&self, letters: Arc<Letters>) {
        self.expected.send_replace(Some(letters));
    }

    async fn write(&self, author: usize, text: String) -> anyhow::Result<()> {
        let (line, conversation) = self.lines.get(author).context("nobody sits there")?;
        messages::write(line, *conversation, vec![messages::new(text)]).await
    }
}
