//! One WebSocket: opening it, and reading and writing at the same time without either waiting for the
//! other.

use crate::{machine::Frame, options::Endpoint, state::DisconnectReason, tls::Trust};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{self, Message, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// Buffers of the WebSocket, each way. The library's 128 KiB would be held for as long as the app
/// lies in the tray.
const BUFFER: usize = 16 * 1024;
/// With so much unwritten the line takes no more mail.
const CONGESTED_FRAMES: usize = 64;
/// See [`CONGESTED_FRAMES`].
const CONGESTED_BYTES: usize = 256 * 1024;
/// How long one of several addresses of a host may take before the next is tried.
const PER_ADDRESS: Duration = Duration::from_secs(3);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// An open WebSocket with the frames that wait to be written.
pub(crate) struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    queue: VecDeque<Message>,
    queued_bytes: usize,
    /// Something was written that may still lie in a buffer.
    unflushed: bool,
    /// The owner was told that the line is congested, and waits to hear of the contrary.
    blocked: bool,
}

/// What a line has to tell.
pub(crate) enum News {
    Text(Utf8Bytes),
    Binary(Bytes),
    Pong(Bytes),
    /// There is room for mail again.
    Relieved,
    /// It is over.
    Gone(DisconnectReason),
}

impl Line {
    /// # Errors
    /// Why it cannot be opened.
    pub(crate) async fn open(
        endpoint: Endpoint,
        trust: Trust,
        max_incoming: usize,
    ) -> Result<Self, DisconnectReason> {
        let connector = if endpoint.tls {
            let config = trust.config().await.map_err(|_| DisconnectReason::Tls)?;
            Connector::Rustls(config)
        } else {
            Connector::Plain
        };
        let stream = reach(&endpoint).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let request = endpoint.uri.into_client_request().map_err(not_opened)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(max_incoming))
            .max_frame_size(Some(max_incoming));
        let opening = client_async_tls_with_config(request, stream, Some(config), Some(connector));
        let (socket, _) = Box::pin(opening).await.map_err(not_opened)?;
        Ok(Self {
            socket,
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
            blocked: false,
        })
    }

    /// Queues a frame; it is written while [`Line::next`] is awaited.
    pub(crate) fn push(&mut self, frame: Frame) {
        let message = match frame {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(data) => Message::Binary(data),
            Frame::Ping(payload) => Message::Ping(Bytes::copy_from_slice(&payload)),
        };
        self.queued_bytes += message.len();
        self.queue.push_back(message);
    }

    /// Whether mail should wait. If so, [`News::Relieved`] will follow.
    pub(crate) fn is_congested(&mut self) -> bool {
        self.blocked = self.has_backlog();
        self.blocked
    }

    fn has_backlog(&self) -> bool {
        self.queue.len() >= CONGESTED_FRAMES || self.queued_bytes >= CONGESTED_BYTES
    }

    /// Writes what is queued and gives what comes in. May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> News {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<News> {
        loop {
            // A failed write says less than what the server sent before it went, so read on.
            let written = self.poll_write(cx);
            if self.blocked && !self.has_backlog() {
                self.blocked = false;
                return Poll::Ready(News::Relieved);
            }
            let message = match self.socket.poll_next_unpin(cx) {
                Poll::Ready(message) => message,
                Poll::Pending if matches!(written, Poll::Ready(Err(_))) => {
                    return Poll::Ready(News::Gone(DisconnectReason::TransportClosed));
                }
                Poll::Pending => return Poll::Pending,
            };
            match message {
                Some(Ok(Message::Text(text))) => return Poll::Ready(News::Text(text)),
                Some(Ok(Message::Binary(data))) => return Poll::Ready(News::Binary(data)),
                Some(Ok(Message::Pong(payload))) => return Poll::Ready(News::Pong(payload)),
                // The library answers these itself, as it reads on.
                Some(Ok(Message::Ping(_) | Message::Close(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Poll::Ready(News::Gone(broken(&error))),
                None => return Poll::Ready(News::Gone(DisconnectReason::TransportClosed)),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_ready_unpin(cx))?;
            if let Some(message) = self.queue.pop_front() {
                self.queued_bytes -= message.len();
                self.unflushed = true;
                self.socket.start_send_unpin(message)?;
            }
        }
        if self.unflushed {
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what is queued and closes in good order, as far as that goes within a second.
    pub(crate) async fn finish(mut self) {
        let goodbye = async {
            poll_fn(|cx| self.poll_write(cx)).await?;
            self.socket.close(None).await?;
            // The server's own close frame: without it, ours may not have been read.
            while self.socket.next().await.transpose()?.is_some() {}
            Ok::<_, tungstenite::Error>(())
        };
        match timeout(GOODBYE, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::debug!("the server closed first"),
            Err(_) => tracing::debug!("the server did not answer the goodbye"),
        }
    }
}

async fn reach(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let addresses: Vec<_> = lookup_host((endpoint.host.as_str(), endpoint.port))
        .await?
        .collect();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in &addresses {
        // With one address there is nothing to go on to, and the time for the whole connect counts.
        let tried = if addresses.len() == 1 {
            TcpStream::connect(address).await
        } else {
            timeout(PER_ADDRESS, TcpStream::connect(address))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        match tried {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn unreachable(error: io::Error) -> DisconnectReason {
    DisconnectReason::Unreachable(error.kind())
}

fn not_opened(error: tungstenite::Error) -> DisconnectReason {
    match error {
        tungstenite::Error::Http(response) => {
            DisconnectReason::HttpStatus(response.status().as_u16())
        }
        tungstenite::Error::Tls(_) => DisconnectReason::Tls,
        tungstenite::Error::Io(error) => {
            let tls = error
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>());
            if tls {
                DisconnectReason::Tls
            } else {
                unreachable(error)
            }
        }
        _ => DisconnectReason::Unreachable(io::ErrorKind::InvalidData),
    }
}

fn broken(error: &tungstenite::Error) -> DisconnectReason {
    match error {
        tungstenite::Error::Capacity(_) => DisconnectReason::TooLarge,
        _ => DisconnectReason::TransportClosed,
    }
}
