//! Two robots write to each other while the server and they themselves are killed with SIGKILL at
//! random, and every second wake-up of the server is dropped.

use crate::checker::{self, Device, Findings, Written};
use anyhow::{Context as _, bail};
use im_testkit::{
    RobotProcess, ServerProcess,
    process::program,
    server::{PASSWORD, email},
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde::Serialize;
use serde_json::Value;
use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// Messages that are written at once.
const BURST: u64 = 10;
/// Nothing new for so long means that nothing more will come. A lost wake-up costs up to 15 s, a
/// broken connection may cost as much again.
const QUIET: Duration = Duration::from_secs(45);
/// How long something that was killed stays away, in milliseconds.
const AWAY_MS: std::ops::Range<u64> = 0..800;
/// How often the progress is told.
const LOOK: Duration = Duration::from_secs(5);
/// Where the robot ended by itself it is started again after this.
const FELL: Duration = Duration::from_millis(500);

/// What runs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The server, with faults built in.
    pub server: PathBuf,
    /// The robot, with faults built in.
    pub robot: PathBuf,
}

impl Programs {
    /// Those that were built beside this program.
    ///
    /// # Errors
    /// Where they were not.
    pub fn built() -> io::Result<Self> {
        Ok(Self {
            server: program("IM_SERVER_BIN", "soak-server", "im-e2e")?,
            robot: program("IM_ROBOT_BIN", "soak-robot", "im-e2e")?,
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides what is killed when.
    pub seed: u64,
    /// How long the writing is stretched.
    pub seconds: u64,
    /// Messages in all.
    pub messages: usize,
    /// A fault of the robots that must be noticed.
    pub fault: Option<String>,
    /// Where the databases go.
    pub folder: PathBuf,
    /// From one kill to the next, in milliseconds, at least and at most.
    pub kill_every_ms: (u64, u64),
    /// Tells on standard error how far it is.
    pub progress: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// As planned.
    pub seed: u64,
    /// From the first message to the last, with what it took to settle.
    pub seconds: f64,
    /// SIGKILLs in all,
    pub kills: u64,
    /// of them the server's.
    pub kills_of_server: u64,
    /// Times that a robot ended without being killed.
    pub fell: u64,
    /// Messages that a robot was told are written.
    pub sent: u64,
    /// Whether both robots had everything before the time was over.
    pub settled: bool,
    /// The fault that was built in.
    pub fault: Option<String>,
    /// What the checker found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.settled && self.fell == 0
    }
}

/// Runs it all and checks what is left.
///
/// # Errors
/// Where something that must work in spite of all kills does not, such as starting again.
pub async fn soak(programs: &Programs, plan: &Plan) -> anyhow::Result<Report> {
    let mut server = ServerProcess::of(&programs.server, &plan.folder.join("server"))
        .with("IM_FAULT_DROP_WAKEUPS", "2");
    server.start().await?;
    let maya = server.mentor("Maya").await?.to_string();
    let sam = server.student("Sam").await?.to_string();
    let conversation = server.course("Algebra", "Maya", "Sam").await?.to_string();

    let goal = plan.messages / 2;
    let bursts = (goal as u64).div_ceil(BURST).max(1);
    let pause_ms = plan.seconds * 1_000 / bursts;
    let side = |name: &str, person: String, goal: usize| {
        let folder = plan.folder.join(name.to_lowercase());
        let mut robot = RobotProcess::of(
            &programs.robot,
            server.url(),
            &email(name),
            PASSWORD,
            &folder,
        );
        if let Some(fault) = &plan.fault {
            robot = robot.with("SOAK_BREAK", fault);
        }
        Side {
            robot,
            name: name.to_owned(),
            person,
            conversation: conversation.clone(),
            goal,
            pause_ms,
            run: 0,
            written: Vec::new(),
            state: State::default(),
        }
    };
    let sides = [
        side("Maya", maya, goal),
        side("Sam", sam, plan.messages - goal),
    ];
    let mut storm = Storm {
        plan,
        random: SmallRng::seed_from_u64(plan.seed),
        database: server.data().join("instantmentor.db"),
        conversation,
        server,
        sides,
        kills: 0,
        kills_of_server: 0,
        fell: 0,
        news: Instant::now(),
        look: Instant::now() + LOOK,
    };
    storm.run().await
}

/// How a robot says that it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct State {
    online: bool,
    waiting: u64,
    top: u64,
    all_written: bool,
}

/// One of the two, over all its lives.
struct Side {
    robot: RobotProcess,
    name: String,
    person: String,
    conversation: String,
    goal: usize,
    pause_ms: u64,
    run: u64,
    written: Vec<Written>,
    state: State,
}

impl Side {
    /// Starts it, to write what is missing. Each life numbers anew: what was written in the moment
    /// of a kill and never told of may be there or not, and takes no number from another.
    fn start(&mut self) -> io::Result<()> {
        self.run += 1;
        self.state = State::default();
        let left = self.goal.saturating_sub(self.written.len()).to_string();
        let prefix = format!("{} {}-", self.name, self.run);
        let (burst, pause) = (BURST.to_string(), self.pause_ms.to_string());
        self.robot.start(&[
            "send",
            "--stay",
            "--numbered",
            "--to",
            &self.conversation,
            "--count",
            &left,
            "--text-prefix",
            &prefix,
            "--burst",
            &burst,
            "--pause-ms",
            &pause,
        ])
    }

    /// Whether it was news.
    fn heard(&mut self, said: &Value) -> bool {
        let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
        match said.get("event").and_then(Value::as_str) {
            Some("written") => {
                let text = said.get("text").and_then(Value::as_str).unwrap_or_default();
                self.written.push(Written {
                    author: self.person.clone(),
                    text: text.to_owned(),
                });
            }
            Some("state") => {
                self.state.online = said.get("online").and_then(Value::as_bool) == Some(true);
                self.state.waiting = number("waiting");
                self.state.top = number("top");
            }
            Some("all_written") => self.state.all_written = true,
            _ => return false,
        }
        true
    }

    async fn kill9(&mut self) -> io::Result<()> {
        for said in self.robot.kill9().await? {
            self.heard(&said);
        }
        Ok(())
    }

    fn device(&self) -> Device {
        Device {
            name: self.name.clone(),
            folder: self.robot.data().join("accounts").join(&self.person),
        }
    }
}

/// What a robot said, or that it ended.
enum News {
    Said(usize, Option<Value>),
    Kill,
    Look,
}

struct Storm<'a> {
    plan: &'a Plan,
    random: SmallRng,
    database: PathBuf,
    conversation: String,
    server: ServerProcess,
    sides: [Side; 2],
    kills: u64,
    kills_of_server: u64,
    fell: u64,
    news: Instant,
    look: Instant,
}

impl Storm<'_> {
    async fn run(&mut self) -> anyhow::Result<Report> {
        let began = Instant::now();
        for side in &mut self.sides {
            side.start()?;
        }
        let longest = Duration::from_secs(self.plan.seconds * 4 + 120);
        let mut kill = self.next_kill();
        while !self.sides.iter().all(|side| side.state.all_written) {
            if began.elapsed() > longest {
                bail!("seed {}: the robots do not get to the end", self.plan.seed);
            }
            match self.next(Some(kill)).await {
                News::Said(side, said) => self.heard(side, said).await?,
                News::Kill => {
                    self.kill().await?;
                    kill = self.next_kill();
                }
                News::Look => self.tell(began),
            }
        }
        let settled = self.settle(began).await?;
        for side in &mut self.sides {
            side.robot
                .stop()
                .await
                .with_context(|| format!("{} is stopped", side.name))?;
        }
        self.server.stop().await?;
        let written: Vec<Written> = self
            .sides
            .iter()
            .flat_map(|side| side.written.iter().cloned())
            .collect();
        let devices = self.sides.each_ref().map(Side::device);
        let findings = checker::check(&written, &self.database, &self.conversation, &devices)?;
        Ok(Report {
            seed: self.plan.seed,
            seconds: began.elapsed().as_secs_f64(),
            kills: self.kills,
            kills_of_server: self.kills_of_server,
            fell: self.fell,
            sent: written.len() as u64,
            settled,
            fault: self.plan.fault.clone(),
            findings,
        })
    }

    /// Waits until both have everything; false where nothing new came for long before.
    async fn settle(&mut self, began: Instant) -> anyhow::Result<bool> {
        self.news = Instant::now();
        while self.news.elapsed() < QUIET {
            if self.is_settled()? {
                return Ok(true);
            }
            match self.next(None).await {
                News::Said(side, said) => self.heard(side, said).await?,
                News::Kill | News::Look => self.tell(began),
            }
        }
        Ok(false)
    }

    fn is_settled(&self) -> anyhow::Result<bool> {
        let [maya, sam] = self.sides.each_ref().map(|side| side.state);
        let quiet = |state: State| state.online && state.waiting == 0 && state.all_written;
        if !quiet(maya) || !quiet(sam) || maya.top != sam.top {
            return Ok(false);
        }
        Ok(checker::accepted(&self.database, &self.conversation)? == maya.top)
    }

    async fn next(&mut self, kill: Option<Instant>) -> News {
        let [maya, sam] = &mut self.sides;
        let look = self.look;
        tokio::select! {
            said = maya.robot.next() => News::Said(0, said),
            said = sam.robot.next() => News::Said(1, said),
            () = sleep_until(kill.unwrap_or(look)), if kill.is_some() => News::Kill,
            () = sleep_until(look) => News::Look,
        }
    }

    async fn heard(&mut self, side: usize, said: Option<Value>) -> anyhow::Result<()> {
        let [maya, sam] = &mut self.sides;
        let side = if side == 0 { maya } else { sam };
        match said {
            Some(said) => {
                if side.heard(&said) {
                    self.news = Instant::now();
                }
            }
            None => {
                self.fell += 1;
                side.kill9().await?;
                sleep(FELL).await;
                side.start()?;
            }
        }
        Ok(())
    }

    fn next_kill(&mut self) -> Instant {
        let (least, most) = self.plan.kill_every_ms;
        Instant::now() + Duration::from_millis(self.random.random_range(least..=most))
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        self.kills += 1;
        let away = Duration::from_millis(self.random.random_range(AWAY_MS));
        let [maya, sam] = &mut self.sides;
        // The server as often as the robots together.
        let side = match self.random.random_range(0..4) {
            0 => maya,
            1 => sam,
            _ => {
                self.kills_of_server += 1;
                self.server.kill9().await?;
                sleep(away).await;
                return Ok(self.server.start().await?);
            }
        };
        side.kill9().await?;
        sleep(away).await;
        Ok(side.start()?)
    }

    fn tell(&mut self, began: Instant) {
        self.look = Instant::now() + LOOK;
        if !self.plan.progress {
            return;
        }
        let [maya, sam] = self
            .sides
            .each_ref()
            .map(|side| (side.written.len(), side.state));
        // Whether somebody watches is not what this is about.
        drop(writeln!(
            io::stderr(),
            "{:4} s  {} + {} written, {} kills, at {} and {}, waiting {} and {}",
            began.elapsed().as_secs(),
            maya.0,
            sam.0,
            self.kills,
            maya.1.top,
            sam.1.top,
            maya.1.waiting,
            sam.1.waiting,
        ));
    }
}
