//! A line to the server that can be pulled: nothing passes, and neither side is told.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Bytes that are carried at once.
const CARRIED: usize = 16 * 1024;

/// See the module. It is pulled for good when it is dropped.
pub struct Cable {
    addr: SocketAddr,
    pulled: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Cable {
    /// A cable to the server at this address, `http://host:port`.
    ///
    /// # Panics
    /// Where this machine gives no port.
    pub async fn to(url: &str) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("its address");
        let pulled = watch::Sender::new(false);
        let told = pulled.subscribe();
        let listening = tokio::spawn(async move {
            while let Ok((device, _)) = listener.accept().await {
                tokio::spawn(join(device, server.clone(), told.clone()));
            }
        });
        Self {
            addr,
            pulled,
            listening,
        }
    }

    /// Where the device goes to reach the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Pulls it: what is sent from now on arrives when it is put in again, the end of a connection
    /// included.
    pub fn pull(&self) {
        self.pulled.send_replace(true);
    }

    /// Puts it in again.
    pub fn put_in(&self) {
        self.pulled.send_replace(false);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn join(device: TcpStream, server: String, mut pulled: watch::Receiver<bool>) {
    if whole(&mut pulled).await {
        let Ok(server) = TcpStream::connect(server).await else {
            return;
        };
        let (from_device, to_device) = device.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(carry(from_device, to_server, pulled.clone()));
        carry(from_server, to_device, pulled).await;
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut pulled: watch::Receiver<bool>) {
    let mut bytes = vec![0; CARRIED];
    loop {
        let count = from.read(&mut bytes).await.unwrap_or(0);
        if !whole(&mut pulled).await {
            return;
        }
        let read = bytes.get(..count).unwrap_or_default();
        if read.is_empty() || to.write_all(read).await.is_err() {
            to.shutdown().await.ok();
            return;
        }
    }
}

/// Waits until it is not pulled; false where it was dropped.
async fn whole(pulled: &mut watch::Receiver<bool>) -> bool {
    pulled.wait_for(|pulled| !*pulled).await.is_ok()
}
