//! The loopback WebSocket that the page fetches pictures from.

use super::outlet::{Format, Outlet};
use futures_util::{SinkExt, StreamExt};
use im_call::media::PictureUrls;
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    accept_hdr_async_with_config,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::StatusCode,
        protocol::WebSocketConfig,
    },
};

/// Connections at once: one per stream, and as many that replace them.
const CONNECTIONS: usize = 4;
/// Who takes longer to introduce themselves is no page of ours.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// Between two attempts to take a connection in.
const PAUSE: Duration = Duration::from_millis(100);
/// The page's messages are short.
const LARGEST_MESSAGE: usize = 1_024;

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Remote,
    Own,
}

/// Where pages may come from: the app's own scheme, and loopback while developing and testing.
pub(crate) fn is_ours(origin: &str) -> bool {
    let local = |rest: &str| {
        rest.is_empty()
            || rest
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok())
    };
    matches!(
        origin,
        "tauri://localhost" | "http://tauri.localhost" | "https://tauri.localhost"
    ) || ["http://localhost", "http://127.0.0.1"]
        .iter()
        .any(|host| origin.strip_prefix(host).is_some_and(local))
}

/// Serves one call's pictures until it is dropped.
pub(crate) struct PictureServer {
    listener: TcpListener,
    shared: Arc<Shared>,
    urls: mpsc::Sender<PictureUrls>,
}

struct Shared {
    address: SocketAddr,
    remote: Outlet,
    own: Outlet,
    tokens: Mutex<Tokens>,
}

/// What opens each stream, until it was used.
struct Tokens {
    remote: Option<String>,
    own: Option<String>,
}

/// What a page says.
#[derive(Debug, Deserialize)]
struct Wish {
    #[serde(default)]
    want: Option<Wanted>,
    #[serde(default)]
    pause: Option<bool>,
    #[serde(default)]
    format: Option<WantedFormat>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Key,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedFormat {
    Vp8,
    I420,
}

impl PictureServer {
    /// Listens on a free port of the loopback interface. New addresses are told by `urls`, at once
    /// and whenever a page left.
    ///
    /// # Errors
    /// Where there is no port or no randomness.
    pub(crate) async fn bind(
        remote: Outlet,
        own: Outlet,
        urls: mpsc::Sender<PictureUrls>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tokens = Mutex::new(Tokens {
            remote: None,
            own: None,
        });
        Ok(Self {
            listener,
            shared: Arc::new(Shared {
                address,
                remote,
                own,
                tokens,
            }),
            urls,
        })
    }

    /// Runs until it is aborted.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        // Aborted with this task.
        let mut connections = JoinSet::new();
        self.shared.invite(&self.urls).await;
        loop {
            while connections.try_join_next().is_some() {}
            let (stream, _) = persist(|| self.listener.accept()).await;
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let (shared, urls) = (Arc::clone(&self.shared), self.urls.clone());
            connections.spawn(async move {
                // Pictures are sent whole; waiting to fill packets would only delay them.
                if stream.set_nodelay(true).is_ok() {
                    shared.serve(stream, &urls).await;
                }
                drop(place);
            });
        }
    }
}

impl Shared {
    /// Tells where both streams are; a used token is replaced.
    async fn invite(&self, to: &mpsc::Sender<PictureUrls>) {
        let urls = {
            let mut tokens = self.tokens();
            let (Some(remote), Some(own)) = (
                tokens.remote.take().or_else(token),
                tokens.own.take().or_else(token),
            ) else {
                return;
            };
            let url = |stream, token: &str| format!("ws://{}/{stream}?token={token}", self.address);
            let urls = PictureUrls {
                remote: url("remote", &remote),
                own: url("own", &own),
            };
            tokens.remote = Some(remote);
            tokens.own = Some(own);
            urls
        };
        if to.send(urls).await.is_err() {
            tracing::debug!("nobody wants to know where the pictures are");
        }
    }

    async fn serve<S>(&self, stream: S, urls: &mpsc::Sender<PictureUrls>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut which = None;
        #[expect(
            clippy::result_large_err,
            reason = "the handshake wants the response as it is"
        )]
        let check = |request: &Request, response: Response| {
            which = self.admit(request);
            which.map(|_| response).ok_or_else(forbidden)
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let accepted = timeout(
            HANDSHAKE,
            accept_hdr_async_with_config(stream, check, Some(config)),
        );
        let Ok(Ok(socket)) = accepted.await else {
            // Its token is used up: whoever comes next needs another one.
            if which.is_some() {
                self.invite(urls).await;
            }
            return;
        };
        let outlet = match which {
            Some(Which::Remote) => &self.remote,
            Some(Which::Own) => &self.own,
            None => return,
        };
        let connection = outlet.attach();
        let (mut sender, mut receiver) = socket.split();
        loop {
            // A socket that is not read never tells that it was closed.
            tokio::select! {
                message = outlet.next(connection) => match message {
                    Some(message) => {
                        if sender.send(Message::Binary(message)).await.is_err() {
                            break;
                        }
                    }
                    None => break,
                },
                message = receiver.next() => match message {
                    Some(Ok(Message::Text(text))) => wish(outlet, &text),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
        if outlet.detach(connection) {
            self.invite(urls).await;
        }
    }

    /// Which stream a request may have. The token is used up by that.
    fn admit(&self, request: &Request) -> Option<Which> {
        let origin = request.headers().get("origin")?.to_str().ok()?;
        if !is_ours(origin) {
            return None;
        }
        let given = request.uri().query()?.strip_prefix("token=")?;
        let mut tokens = self.tokens();
        let (expected, which) = match request.uri().path() {
            "/remote" => (&mut tokens.remote, Which::Remote),
            "/own" => (&mut tokens.own, Which::Own),
            _ => return None,
        };
        let right = expected.as_deref().is_some_and(|token| same(token, given));
        right.then(|| {
            *expected = None;
            which
        })
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries until it works, with a pause after each failure: without descriptors left, say, it would
/// fail again at once.
async fn persist<T, F>(mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = std::io::Result<T>>,
{
    loop {
        if let Ok(done) = attempt().await {
            return done;
        }
        sleep(PAUSE).await;
    }
}

fn wish(outlet: &Outlet, text: &str) {
    let Ok(wish) = serde_json::from_str::<Wish>(text) else {
        tracing::debug!("the page said something that is not understood");
        return;
    };
    if let Some(format) = wish.format {
        outlet.format(match format {
            WantedFormat::Vp8 => Format::Vp8,
            WantedFormat::I420 => Format::I420,
        });
    }
    if let Some(paused) = wish.pause {
        outlet.pause(paused);
    }
    if matches!(wish.want, Some(Wanted::Key)) {
        outlet.want_key();
    }
}

fn forbidden() -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// 128 random bits.
fn token() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares in a time that tells nothing about where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};
    use tokio::{
        io::{AsyncWriteExt, duplex},
        time::Instant,
    };

    #[tokio::test]
    async fn a_page_that_leaves_in_the_middle_of_the_handshake_finds_a_new_address() {
        let (urls, mut told) = mpsc::channel(4);
        let server = PictureServer::bind(Outlet::default(), Outlet::default(), urls.clone())
            .await
            .unwrap();
        server.shared.invite(&urls).await;
        let before = told.recv().await.unwrap();
        let (_, path) = before.remote.rsplit_once('/').unwrap();
        let (mut page, stream) = duplex(1_024);
        let request = format!(
            "GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: tauri://localhost\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        page.write_all(request.as_bytes()).await.unwrap();
        // It is reloaded before the answer could be written.
        drop(page);
        server.shared.serve(stream, &urls).await;
        let after = told.try_recv().expect("a new address");
        assert_ne!(after.remote, before.remote);
        assert_eq!(after.own, before.own);
    }

    #[tokio::test(start_paused = true)]
    async fn while_there_are_no_descriptors_it_tries_ten_times_a_second() {
        let began = Instant::now();
        let mut left = 4;
        persist(|| {
            left -= 1;
            let outcome = match left {
                0 => Ok(()),
                _ => Err(Error::from(ErrorKind::Other)),
            };
            std::future::ready(outcome)
        })
        .await;
        assert_eq!(began.elapsed(), Duration::from_millis(300));
    }
}
