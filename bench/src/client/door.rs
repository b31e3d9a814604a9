//! The door by which a page in a browser reaches a core: requests and events over a WebSocket on this
//! machine, in the frames that `ui/src/platform/socket.ts` describes. There are no pictures behind it.

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use im_contract::{UiError, dispatch};
use im_core::Core;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// Answers that wait for a page that reads slowly.
const ANSWERS: usize = 64;

/// An open door.
pub struct Door {
    listener: TcpListener,
    core: Core,
}

/// What the page asks.
#[derive(Deserialize)]
struct Asked {
    id: u64,
    name: String,
    args: Value,
}

/// What it is answered.
#[derive(Serialize)]
struct Answer {
    id: u64,
    #[serde(flatten)]
    answer: Told,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Ok(Value),
    Error(UiError),
}

impl Door {
    /// Opens one on a free port of this machine.
    ///
    /// # Errors
    /// Where there is no port.
    pub async fn open(core: Core) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self { listener, core })
    }

    /// Where pages go.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> anyhow::Result<String> {
        Ok(format!("ws://{}", self.listener.local_addr()?))
    }

    /// Lets pages in, for as long as the process lives.
    ///
    /// # Errors
    /// Where nobody can come in anymore.
    pub async fn run(self) -> anyhow::Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            // A packet that waits for more would be time that the core is blamed for.
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream, self.core.clone()));
        }
    }
}

/// One page, until it goes. Its requests are answered as they are done, like those of the app's page.
async fn serve(stream: TcpStream, core: Core) -> anyhow::Result<()> {
    let (mut out, mut page) = accept_async(stream).await?.split();
    let mut events = core.events();
    let (answers, mut answered) = mpsc::channel::<Answer>(ANSWERS);
    loop {
        let text = tokio::select! {
            frame = page.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let asked: Asked = serde_json::from_str(&text)?;
                    let (core, answers) = (core.clone(), answers.clone());
                    tokio::spawn(async move {
                        // Nobody waits for it where the page has gone.
                        answers.send(answer(&core, asked).await).await.ok();
                    });
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => continue,
            },
            event = events.recv() => serde_json::to_string(&event.context("the core has stopped")?)?,
            answer = answered.recv() => match answer {
                Some(answer) => serde_json::to_string(&answer)?,
                None => return Ok(()),
            },
        };
        out.send(Message::text(text)).await?;
    }
}

async fn answer(core: &Core, asked: Asked) -> Answer {
    let answer = match dispatch(core, &asked.name, asked.args).await {
        Ok(ok) => Told::Ok(ok),
        Err(error) => Told::Error(error),
    };
    Answer {
        id: asked.id,
        answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::desk::{self, AtRest};
    use serde_json::json;
    use tokio_tungstenite::connect_async;

    #[tokio::test]
    async fn a_page_is_answered_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let core = desk::start(folder.path(), "http://127.0.0.1:9", AtRest::Clear)
            .await
            .unwrap();
        let door = Door::open(core.clone()).await.unwrap();
        let address = door.address().unwrap();
        tokio::spawn(door.run());
        let (mut page, _) = connect_async(address).await.unwrap();
        let mut asked = async |frame: Value| {
            page.send(Message::text(frame.to_string())).await.unwrap();
            let answer = page.next().await.unwrap().unwrap().into_text().unwrap();
            serde_json::from_str::<Value>(&answer).unwrap()
        };
        let account = asked(json!({ "id": 1, "name": "account.get", "args": {} })).await;
        assert_eq!(
            (&account["id"], &account["ok"]["state"]),
            (&json!(1), &json!("signed_out"))
        );
        let refused = asked(json!({ "id": 2, "name": "no.such", "args": {} })).await;
        assert_eq!(refused["error"]["kind"], "invalid");
        core.set_files_over(true);
        let told = page.next().await.unwrap().unwrap().into_text().unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            told,
            json!({ "event": "files_over", "data": { "over": true } })
        );
        core.stop().await;
    }
}
