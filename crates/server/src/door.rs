//! Taking connections in. Not left to `axum::serve`, which gives hyper no timer: a connection that
//! says nothing would be kept for ever, and some thousand of them use up what the system gives.

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, net::SocketAddr, pin::pin, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// How long a peer may leave data unacknowledged (`TCP_USER_TIMEOUT`). Without it the writer of a
/// connection whose cable was pulled hangs for a quarter of an hour, and with it the notice that
/// the person has gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(8);
/// How long it waits where the system gives no more connections.
const BREATHE: Duration = Duration::from_millis(500);

/// The task that takes connections in and serves them.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// What is served.
    pub(crate) router: Router,
    /// How long a connection may be without a request, or take for the head of one.
    pub(crate) within: Duration,
    /// Nothing new is taken from then on, and what was begun is finished.
    pub(crate) stop: CancellationToken,
}

impl Door {
    /// Runs until it is stopped and all requests are answered.
    pub(crate) async fn run(self) {
        let connections = TaskTracker::new();
        while let Some(accepted) = self.stop.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, from)) => {
                    let (router, stop) = (self.router.clone(), self.stop.clone());
                    connections.spawn(serve(stream, from, router, self.within, stop));
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "no connection can be taken right now");
                    tokio::time::sleep(BREATHE).await;
                }
            }
        }
        drop(self.listener);
        connections.close();
        connections.wait().await;
    }
}

async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    within: Duration,
    stop: CancellationToken,
) {
    tune(&stream);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(within)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if served.is_err() {
        tracing::trace!("a connection broke, or said nothing for too long");
    }
}

fn tune(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
    if let Err(error) = tuned {
        tracing::debug!(kind = %error.kind(), "a connection could not be tuned");
    }
}

/// Whether it went before it was taken.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
