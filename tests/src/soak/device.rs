//! A device of the storm: a robot at the end of a line of its own, run by a task, so that one that
//! is away makes nobody wait.

use im_testkit::{Cable, RobotProcess};
use serde_json::Value;
use std::{io, path::PathBuf, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

/// Orders that may wait.
const ORDERS: usize = 1024;
/// Where the robot ended by itself it is started again after this.
const FELL: Duration = Duration::from_millis(500);

/// What is asked of a device.
#[derive(Debug)]
pub(super) enum Order {
    /// Something for the robot.
    Tell(Value),
    /// SIGKILL, and a start after a while.
    Kill(Duration),
    /// SIGKILL; it never comes back.
    Lose,
    /// The line's connections end.
    Cut,
    /// Nothing passes for a while.
    Pull(Duration),
    /// Everything is so late, for a while.
    Slow(Duration, Duration),
    /// The line is good again, and the robot is running.
    Heal,
    /// The robot is asked to end.
    Stop,
}

/// What a device tells.
#[derive(Debug)]
pub(super) enum News {
    /// The robot said something.
    Said(Value),
    /// The robot is not running (anymore).
    Away,
    /// The robot ended by itself.
    Fell,
    /// The task is over: it was lost or stopped, or something failed.
    Over(io::Result<()>),
}

/// A device as the storm sees it.
#[derive(Debug)]
pub(super) struct Device {
    /// Its databases.
    pub(super) folder: PathBuf,
    orders: mpsc::Sender<Order>,
    _task: JoinHandle<()>,
}

impl Device {
    /// Starts it. Its news come with its number.
    pub(super) fn start(
        number: usize,
        robot: RobotProcess,
        line: Cable,
        news: mpsc::Sender<(usize, News)>,
    ) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS);
        let folder = robot.data().to_owned();
        let task = Task {
            number,
            robot,
            line,
            orders: taken,
            news,
            pulled_until: None,
            slow_until: None,
        };
        Self {
            folder,
            orders,
            _task: tokio::spawn(task.run()),
        }
    }

    /// Asks it for something; false where it is lost, or has more to do than it can.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }
}

struct Task {
    number: usize,
    robot: RobotProcess,
    line: Cable,
    orders: mpsc::Receiver<Order>,
    news: mpsc::Sender<(usize, News)>,
    pulled_until: Option<Instant>,
    slow_until: Option<Instant>,
}

impl Task {
    async fn run(mut self) {
        let done = self.live().await;
        drop(self.tell(News::Over(done)).await);
    }

    /// An error of `tell` means that nobody wants to know anymore.
    async fn live(&mut self) -> io::Result<()> {
        self.robot.start_told()?;
        loop {
            let pulled_until = self.pulled_until.unwrap_or_else(Instant::now);
            let slow_until = self.slow_until.unwrap_or_else(Instant::now);
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => {
                        if !self.carry_out(order).await? {
                            return Ok(());
                        }
                    }
                    None => return Ok(()),
                },
                said = self.robot.next() => match said {
                    Some(said) => self.tell(News::Said(said)).await?,
                    None => {
                        self.robot.kill9().await?;
                        self.tell(News::Fell).await?;
                        sleep(FELL).await;
                        self.robot.start_told()?;
                    }
                },
                () = sleep_until(pulled_until), if self.pulled_until.is_some() => {
                    self.pulled_until = None;
                    self.line.put_in();
                }
                () = sleep_until(slow_until), if self.slow_until.is_some() => {
                    self.slow_until = None;
                    self.line.slow(Duration::ZERO);
                }
            }
        }
    }

    /// False where it is over.
    async fn carry_out(&mut self, order: Order) -> io::Result<bool> {
        match order {
            // It may have ended a moment ago; that is heard of next.
            Order::Tell(said) => drop(self.robot.tell(&said).await),
            Order::Kill(away) => {
                self.kill().await?;
                sleep(away).await;
                self.robot.start_told()?;
            }
            Order::Lose => {
                self.kill().await?;
                return Ok(false);
            }
            Order::Cut => self.line.cut(),
            Order::Pull(time) => {
                self.line.pull();
                self.pulled_until = Some(Instant::now() + time);
            }
            Order::Slow(late, time) => {
                self.line.slow(late);
                self.slow_until = Some(Instant::now() + time);
            }
            Order::Heal => {
                self.pulled_until = None;
                self.slow_until = None;
                self.line.put_in();
                self.line.slow(Duration::ZERO);
            }
            Order::Stop => {
                self.robot.stop().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What it had still said is told: it was on disk before.
    async fn kill(&mut self) -> io::Result<()> {
        for said in self.robot.kill9().await? {
            self.tell(News::Said(said)).await?;
        }
        self.tell(News::Away).await
    }

    async fn tell(&self, news: News) -> io::Result<()> {
        let told = self.news.send((self.number, news)).await;
        told.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
