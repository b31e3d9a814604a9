//! Which event is handled where.

use crate::{
    app::App,
    error::Error,
    rates::Rated,
    socket::{Asker, Live, Speaker},
};
use futures_util::future::{BoxFuture, FutureExt as _};
use im_protocol::{Command, Lane, Reply};
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

/// Who asks, and everything that is needed to answer.
pub(crate) struct Ctx {
    /// The server.
    pub(crate) app: Arc<App>,
    /// The connection that asks.
    pub(crate) live: Arc<Live>,
    /// Under which the answer is wanted, where one is.
    pub(crate) ack: Option<u64>,
}

impl Ctx {
    /// Who asks.
    pub(crate) fn me(&self) -> Speaker {
        self.live.speaker()
    }

    /// To be answered elsewhere than in the handler, where an answer is wanted.
    pub(crate) fn asker(&self) -> Option<Asker> {
        let live = self.live.clone();
        self.ack.map(|ack| Asker::new(live, ack))
    }
}

type Run = dyn Fn(Ctx, Option<String>) -> BoxFuture<'static, Option<String>> + Send + Sync;

/// How an event is handled.
pub(crate) struct Entry {
    /// The queue it waits in.
    pub(crate) lane: Lane,
    /// What it counts as against floods.
    pub(crate) rated: Rated,
    /// From the payload's JSON to the reply's JSON; none where it was answered already.
    run: Box<Run>,
}

impl Entry {
    /// Handles an event: from the payload's JSON to the reply's JSON; none where it was answered
    /// already.
    pub(crate) async fn handle(&self, ctx: Ctx, payload: Option<String>) -> Option<String> {
        unbroken(async { (self.run)(ctx, payload).await }).await
    }
}

/// What a handler answers. One that panics must not take its connection along: the asker hears
/// `internal`, and the events after it are handled.
async fn unbroken(handled: impl Future<Output = Option<String>>) -> Option<String> {
    match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(json) => json,
        Err(_) => Some(reply_of::<()>(Err(Error::Broken("a handler broke")))),
    }
}

/// All events that clients may send.
pub(crate) struct Table {
    entries: HashMap<&'static str, Entry>,
}

impl Table {
    /// All that this server knows.
    pub(crate) fn new() -> Self {
        let mut table = Self {
            entries: HashMap::new(),
        };
        crate::auth::events(&mut table);
        crate::bulk::events(&mut table);
        crate::calls::events(&mut table);
        crate::messages::events(&mut table);
        crate::status::events(&mut table);
        crate::sync::events(&mut table);
        table
    }

    /// Enters an event: its name, lane and answer come with the type of its payload.
    pub(crate) fn on<C, F, Fut>(&mut self, rated: Rated, handler: F)
    where
        C: Command,
        F: Fn(Ctx, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C::Ok, Error>> + Send + 'static,
    {
        self.on_own(rated, move |ctx, asked| {
            let handled = handler(ctx, asked);
            async move { handled.await.map(Some) }
        });
    }

    /// Enters an event whose handler may answer by itself ([`Ctx::asker`]); then it gives none.
    pub(crate) fn on_own<C, F, Fut>(&mut self, rated: Rated, handler: F)
    where
        C: Command,
        F: Fn(Ctx, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<C::Ok>, Error>> + Send + 'static,
    {
        let run = move |ctx: Ctx, payload: Option<String>| {
            let asked = serde_json::from_str::<C>(payload.as_deref().unwrap_or("{}"));
            // The handler's future is made here, so that a bad payload makes none.
            let handled = asked.map(|asked| handler(ctx, asked));
            async move {
                let result = match handled {
                    Ok(handled) => handled.await,
                    Err(_) => Err(Error::invalid("A field is missing or of the wrong kind.")),
                };
                Some(reply_of(result.transpose()?))
            }
            .boxed()
        };
        let entry = Entry {
            lane: C::LANE,
            rated,
            run: Box::new(run),
        };
        let before = self.entries.insert(C::EVENT, entry);
        debug_assert!(before.is_none(), "{} is entered twice", C::EVENT);
    }

    /// The entry of an event, with its name as it lives in the table.
    pub(crate) fn get(&self, event: &str) -> Option<(&'static str, &Entry)> {
        let (name, entry) = self.entries.get_key_value(event)?;
        Some((*name, entry))
    }
}

/// The reply's JSON.
pub(crate) fn reply_of<T: serde::Serialize>(result: Result<T, Error>) -> String {
    let reply = Reply::from(result.map_err(|error| error.to_wire()));
    serde_json::to_string(&reply).unwrap_or_else(|_| {
        tracing::error!("a reply cannot be written");
        r#"{"error":{"code":"internal","message":"The server failed.","retryable":true}}"#.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::ErrorCode;

    #[tokio::test]
    async fn a_handler_that_breaks_is_answered() {
        let broken = unbroken(async {
            tokio::task::yield_now().await;
            panic!("on purpose, in a test")
        });
        let reply: Reply<()> = serde_json::from_str(&broken.await.unwrap()).unwrap();
        assert_eq!(reply.into_result().unwrap_err().code, ErrorCode::Internal);
        let whole = unbroken(async { Some(reply_of(Ok(7))) });
        assert_eq!(whole.await.unwrap(), r#"{"ok":7}"#);
    }
}
