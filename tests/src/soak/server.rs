//! The storm's server, run by a task: while it is away the devices go on.

use im_testkit::ServerProcess;
use std::{io, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

/// Orders that may wait.
const ORDERS: usize = 64;

/// What is asked of the server.
#[derive(Debug)]
pub(super) enum Order {
    /// SIGKILL, and a start after a while.
    Kill(Duration),
    /// SIGTERM, and a start.
    Restart,
    /// SIGSTOP, and SIGCONT after a while.
    Pause(Duration),
}

/// The server as the storm sees it.
#[derive(Debug)]
pub(super) struct Server {
    orders: mpsc::Sender<Order>,
    ended: oneshot::Receiver<io::Result<(ServerProcess, Duration)>>,
}

impl Server {
    /// Takes a running one.
    pub(super) fn of(server: ServerProcess) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS);
        let (tell, ended) = oneshot::channel();
        let task = Task {
            server,
            orders: taken,
            away: Duration::ZERO,
        };
        tokio::spawn(async move {
            // Nobody wants to know where the storm has failed before.
            drop(tell.send(task.run().await));
        });
        Self { orders, ended }
    }

    /// Asks it for something; false where it has more to do than it can.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Carries out what is still asked for and gives it back, running, with the time it was away.
    pub(super) async fn given_back(self) -> io::Result<(ServerProcess, Duration)> {
        drop(self.orders);
        let ended = self.ended.await;
        ended.map_err(|_| io::Error::other("the server's task has ended"))?
    }
}

struct Task {
    server: ServerProcess,
    orders: mpsc::Receiver<Order>,
    away: Duration,
}

impl Task {
    async fn run(mut self) -> io::Result<(ServerProcess, Duration)> {
        while let Some(order) = self.orders.recv().await {
            let since = Instant::now();
            match order {
                Order::Kill(away) => {
                    self.server.kill9().await?;
                    sleep(away).await;
                    self.server.start().await?;
                }
                Order::Restart => {
                    self.server.stop().await?;
                    self.server.start().await?;
                }
                Order::Pause(time) => {
                    self.server.pause()?;
                    sleep(time).await;
                    self.server.resume()?;
                }
            }
            self.away += since.elapsed();
        }
        Ok((self.server, self.away))
    }
}
