//! A line to the server with bad days: it can be pulled (nothing passes, and neither side is told),
//! cut (every connection on it ends), and slow (all that passes is late).

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Bytes that are carried at once.
const CARRIED: usize = 16 * 1024;

/// How the line is.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    pulled: bool,
    /// Rises with each cut: connections of an earlier number end.
    cuts: u64,
    /// How late everything arrives.
    late: Duration,
}

/// See the module. It is pulled for good when it is dropped.
pub struct Cable {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
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
        let weather = watch::Sender::new(Weather::default());
        let told = weather.subscribe();
        let listening = tokio::spawn(async move {
            while let Ok((device, _)) = listener.accept().await {
                tokio::spawn(join(device, server.clone(), told.clone()));
            }
        });
        Self {
            addr,
            weather,
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
        self.weather.send_modify(|weather| weather.pulled = true);
    }

    /// Puts it in again.
    pub fn put_in(&self) {
        self.weather.send_modify(|weather| weather.pulled = false);
    }

    /// Ends every connection on it, wherever what it carries stands. New ones can be made.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Makes everything so late from now on, in both directions; zero for a good line.
    pub fn slow(&self, late: Duration) {
        self.weather.send_modify(|weather| weather.late = late);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn join(device: TcpStream, server: String, mut weather: watch::Receiver<Weather>) {
    if !whole(&mut weather).await {
        return;
    }
    let cuts = weather.borrow().cuts;
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_device, to_device) = device.into_split();
    let (from_server, to_server) = server.into_split();
    let mut there = tokio::spawn(carry(from_device, to_server, weather.clone()));
    tokio::select! {
        () = carry(from_server, to_device, weather.clone()) => {
            // The other direction ends by itself.
            return;
        }
        _ = weather.wait_for(|weather| weather.cuts != cuts) => {}
    }
    there.abort();
    (&mut there).await.ok();
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut bytes = vec![0; CARRIED];
    loop {
        let count = from.read(&mut bytes).await.unwrap_or(0);
        let late = weather.borrow().late;
        if !late.is_zero() {
            sleep_until(Instant::now() + late).await;
        }
        if !whole(&mut weather).await {
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
async fn whole(weather: &mut watch::Receiver<Weather>) -> bool {
    weather.wait_for(|weather| !weather.pulled).await.is_ok()
}
