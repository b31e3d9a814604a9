//! A bad network between the two: a relay that loses and delays datagrams, by a seed.

use super::Side;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// How bad.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badness {
    /// Share of datagrams lost, 0.0..=1.0.
    pub(crate) loss: f64,
    /// Each way.
    pub(crate) delay: Duration,
    /// Another seed, other losses.
    pub(crate) seed: u64,
}

/// Stands between the two: each sees the other at an address of the relay.
pub(crate) struct Relay {
    /// Where Maya and Sam really are.
    real: [Arc<Mutex<Option<SocketAddr>>>; 2],
    /// Where each is seen by the other.
    seen: [SocketAddr; 2],
    _tasks: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(badness: Badness) -> Self {
        let socket = || async { Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()) };
        // Each socket speaks with one of them, for the other.
        let (to_maya, to_sam) = (socket().await, socket().await);
        let real = [Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None))];
        let seen = [to_sam.local_addr().unwrap(), to_maya.local_addr().unwrap()];
        let mut tasks = JoinSet::new();
        for (number, from, out, to) in [
            (0, &to_sam, &to_maya, &real[0]),
            (1, &to_maya, &to_sam, &real[1]),
        ] {
            let way = Way {
                from: Arc::clone(from),
                out: Arc::clone(out),
                to: Arc::clone(to),
                badness,
                random: SmallRng::seed_from_u64(badness.seed + number),
            };
            tasks.spawn(way.run());
        }
        Self {
            real,
            seen,
            _tasks: tasks,
        }
    }

    /// The candidate of `side` as the other shall see it.
    pub(crate) fn disguise(&self, side: Side, line: &str) -> String {
        let number = usize::from(side == Side::Sam);
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if words.len() > 5 {
            let real = format!("{}:{}", words[4], words[5]).parse().unwrap();
            *self.real[number].lock().unwrap() = Some(real);
            words[4] = self.seen[number].ip().to_string();
            words[5] = self.seen[number].port().to_string();
        }
        words.join(" ")
    }
}

/// One direction.
struct Way {
    from: Arc<UdpSocket>,
    out: Arc<UdpSocket>,
    to: Arc<Mutex<Option<SocketAddr>>>,
    badness: Badness,
    random: SmallRng,
}

impl Way {
    async fn run(mut self) {
        let (sender, mut late) = mpsc::channel::<(Instant, Vec<u8>)>(10_000);
        let (out, to) = (Arc::clone(&self.out), Arc::clone(&self.to));
        let mut delivery = JoinSet::new();
        delivery.spawn(async move {
            while let Some((at, datagram)) = late.recv().await {
                sleep_until(at).await;
                let address = *to.lock().unwrap();
                if let Some(address) = address {
                    out.send_to(&datagram, address).await.unwrap();
                }
            }
        });
        let mut buffer = vec![0; 2_000];
        while let Ok((length, _)) = self.from.recv_from(&mut buffer).await {
            if !self.random.random_bool(self.badness.loss) {
                let at = Instant::now() + self.badness.delay;
                sender.send((at, buffer[..length].to_vec())).await.unwrap();
            }
        }
    }
}
