//! Carries out a plan.

use super::{
    Place, Report,
    book::{Answer, Book},
    device::{self, News, Order},
    journal::Journal,
    plan::{Act, Plan, Step, What},
    server::{self, Server},
    telling,
};
use crate::checker::{self, Case};
use anyhow::{Context as _, bail};
use im_testkit::{
    Cable, RobotProcess, ServerProcess,
    server::{PASSWORD, email},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Nothing new for so long means that nothing more will come. A lost wake-up costs up to 15 s, a
/// broken connection may cost as much again, and a device waits up to 30 s for the next try.
const QUIET: Duration = Duration::from_secs(75);
/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(500);
/// How often the progress is told.
const TELL: Duration = Duration::from_secs(5);
/// News that may wait.
const NEWS: usize = 4096;

/// A device in its life from a first sign-in to its being lost or wiped.
struct Life {
    device: device::Device,
    name: String,
    person: usize,
    /// Whether its robot was ever signed in.
    signed_in: bool,
    /// Whether its robot listens now.
    ready: bool,
    /// Whether it was lost or wiped.
    gone: bool,
    /// What was there when it had caught up first; none while it has not.
    before: Option<HashMap<String, i64>>,
    /// Whether its task is over.
    over: bool,
}

pub(super) struct Storm<'a> {
    plan: &'a Plan,
    place: Place<'a>,
    server: Option<Server>,
    url: String,
    database: PathBuf,
    /// The files that people choose.
    handed: PathBuf,
    /// Ids, by the plan's numbers.
    people: Vec<String>,
    conversations: Vec<String>,
    lives: Vec<Life>,
    /// The present life of each device of the plan.
    present: Vec<usize>,
    book: Book,
    journal: Journal,
    /// Who has signed other devices out.
    signing_out: HashSet<usize>,
    news: mpsc::Receiver<(usize, News)>,
    tell_news: mpsc::Sender<(usize, News)>,
    began: Instant,
    report: Report,
}

impl<'a> Storm<'a> {
    /// Starts the server and every device.
    pub(super) async fn begin(plan: &'a Plan, place: Place<'a>) -> anyhow::Result<Self> {
        let folder = place.folder.join("server");
        let mut server =
            ServerProcess::of(&place.programs.server, &folder).with("IM_FAULT_DROP_WAKEUPS", "2");
        server.start().await?;
        let mut people = Vec::new();
        for someone in &plan.people {
            let id = if someone.mentor {
                server.mentor(&someone.name).await?
            } else {
                server.student(&someone.name).await?
            };
            people.push(id.to_string());
        }
        let handed = place.folder.join("handed");
        fs::create_dir_all(&handed)?;
        let name = |person: usize| plan.people.get(person).map(|someone| someone.name.as_str());
        let mut conversations = Vec::new();
        for (number, (mentor, student)) in plan.conversations.iter().enumerate() {
            let pair = name(*mentor).zip(name(*student));
            let (mentor, student) = pair.context("a conversation of nobody")?;
            let title = format!("Course {number}");
            let id = server.course(&title, mentor, student).await?;
            conversations.push(id.to_string());
        }
        let (tell_news, news) = mpsc::channel(NEWS);
        let mut storm = Self {
            plan,
            place,
            url: server.url().to_owned(),
            database: server.data().join("instantmentor.db"),
            handed,
            server: Some(Server::of(server)),
            people,
            conversations,
            lives: Vec::new(),
            present: Vec::new(),
            book: Book::default(),
            journal: Journal::create(&place.folder.join("journal.jsonl"), plan)?,
            signing_out: HashSet::new(),
            news,
            tell_news,
            began: Instant::now(),
            report: Report {
                seed: plan.seed,
                people: plan.people.len(),
                conversations: plan.conversations.len(),
                fault: place.fault.map(str::to_owned),
                ..Report::default()
            },
        };
        for person in &plan.devices {
            let life = storm.start(*person).await?;
            storm.present.push(life);
        }
        Ok(storm)
    }

    /// A new device of this person.
    async fn start(&mut self, person: usize) -> anyhow::Result<usize> {
        let number = self.lives.len();
        let someone = self.plan.people.get(person).context("a device of nobody")?;
        let name = format!("{}-{number}", someone.name);
        let line = Cable::to(&self.url).await;
        let folder = self.place.folder.join("devices").join(&name);
        let mut robot = RobotProcess::of(
            &self.place.programs.robot,
            &line.url(),
            &email(&someone.name),
            PASSWORD,
            &folder,
        );
        if let Some(fault) = self.place.fault {
            robot = robot.with("SOAK_BREAK", fault);
        }
        self.lives.push(Life {
            device: device::Device::start(number, robot, line, self.tell_news.clone()),
            name,
            person,
            signed_in: false,
            ready: false,
            gone: false,
            before: None,
            over: false,
        });
        Ok(number)
    }

    pub(super) async fn run(mut self) -> anyhow::Result<Report> {
        // Everybody is there when it begins.
        while !self.lives.iter().all(|life| life.ready) {
            self.next(self.began + QUIET).await?;
            if self.began.elapsed() > QUIET {
                bail!("seed {}: somebody cannot sign in", self.plan.seed);
            }
        }
        self.began = Instant::now();
        let plan = self.plan;
        let mut tell = self.began + TELL;
        for step in &plan.steps {
            let at = self.began + Duration::from_millis(step.at_ms);
            loop {
                self.next(at.min(tell)).await?;
                if Instant::now() >= tell {
                    tell += TELL;
                    self.tell();
                }
                if Instant::now() >= at {
                    break;
                }
            }
            let done = self.take(step).await?;
            self.report.skipped += u64::from(!done);
            self.journal.step(self.began.elapsed(), step, done)?;
        }
        self.report.acting_seconds = self.began.elapsed().as_secs_f64();
        let server = self.server.take().context("the server is gone")?;
        let (mut server, away) = server.given_back().await?;
        self.report.outage_seconds = away.as_secs_f64();
        for life in self.lives.iter().filter(|life| !life.over) {
            life.device.order(Order::Heal);
        }
        self.report.settled = self.settle().await?;
        self.report.seconds = self.began.elapsed().as_secs_f64();
        for life in self.lives.iter().filter(|life| !life.over) {
            life.device.order(Order::Stop);
        }
        let patience = Instant::now() + QUIET;
        while !self.lives.iter().all(|life| life.over) {
            self.next(patience).await?;
            if Instant::now() >= patience {
                bail!("seed {}: a device does not end", self.plan.seed);
            }
        }
        server.stop().await?;
        self.sum_up()
    }

    /// Waits for the next news, until then at most.
    async fn next(&mut self, until: Instant) -> anyhow::Result<()> {
        tokio::select! {
            // News first: an answer that is there counts before what happens next.
            biased;
            news = self.news.recv() => {
                let (life, news) = news.context("nobody tells news")?;
                self.heard(life, news).await?;
            }
            () = sleep_until(until) => {}
        }
        Ok(())
    }

    async fn heard(&mut self, number: usize, news: News) -> anyhow::Result<()> {
        let Some(life) = self.lives.get_mut(number) else {
            return Ok(());
        };
        match news {
            News::Said(said) => return self.said(number, &said).await,
            News::Away => life.ready = false,
            News::Fell => {
                life.ready = false;
                // One that was wiped ends, as it should.
                if !life.gone {
                    self.report.fell += 1;
                    let note = format!("{} ended by itself", life.name);
                    self.journal.note(self.began.elapsed(), note)?;
                }
            }
            News::Over(done) => {
                life.ready = false;
                life.over = true;
                done.with_context(|| life.name.clone())?;
            }
        }
        Ok(())
    }

    async fn said(&mut self, number: usize, said: &Value) -> anyhow::Result<()> {
        let Some(life) = self.lives.get_mut(number) else {
            return Ok(());
        };
        match said.get("event").and_then(Value::as_str) {
            Some("signed_in") => {
                let fresh = said.get("fresh").and_then(Value::as_bool) == Some(true);
                if fresh && life.signed_in {
                    // Killed while it was wiped, or after.
                    return self.wiped(number).await;
                }
                life.signed_in = true;
            }
            Some("state") => {
                life.ready = !life.gone;
                let online = said.get("online").and_then(Value::as_bool) == Some(true);
                if online && life.before.is_none() {
                    // Who is there from the beginning has everything.
                    life.before = Some(if number < self.plan.devices.len() {
                        HashMap::new()
                    } else {
                        checker::heads(&self.database)?
                    });
                }
            }
            Some("signed_out") => return self.wiped(number).await,
            Some("done" | "refused") => {
                if let Some(op) = self.book.answered(said)
                    && let Some(entry) = self.book.entry(op)
                {
                    self.journal.answered(self.began.elapsed(), entry)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A device was wiped: its person goes on with a new one.
    async fn wiped(&mut self, number: usize) -> anyhow::Result<()> {
        let Some(life) = self.lives.get_mut(number).filter(|life| !life.gone) else {
            return Ok(());
        };
        if !self.signing_out.contains(&life.person) {
            bail!("{} was wiped although nobody signed it out", life.name);
        }
        self.report.devices_wiped += 1;
        let note = format!("{} was wiped", life.name);
        self.journal.note(self.began.elapsed(), note)?;
        self.replace(number).await
    }

    async fn replace(&mut self, number: usize) -> anyhow::Result<()> {
        let Some(life) = self.lives.get_mut(number) else {
            return Ok(());
        };
        life.gone = true;
        life.ready = false;
        life.device.order(Order::Lose);
        let person = life.person;
        let new = self.start(person).await?;
        for present in &mut self.present {
            if *present == number {
                *present = new;
            }
        }
        Ok(())
    }

    /// Carries out a step. False where it is not possible as things are.
    async fn take(&mut self, step: &Step) -> anyhow::Result<bool> {
        match &step.what {
            What::Act { device, op, act } => Ok(self.act(*device, *op, act)?),
            What::KillDevice { device, away_ms } => {
                let away = Duration::from_millis(*away_ms);
                let done = self.order(*device, Order::Kill(away));
                self.report.kills += u64::from(done);
                Ok(done)
            }
            What::ReplaceDevice { device } => {
                let Some(number) = self.present.get(*device).copied() else {
                    return Ok(false);
                };
                self.report.kills += 1;
                self.report.devices_lost += 1;
                self.replace(number).await?;
                Ok(true)
            }
            What::KillServer { away_ms } => {
                let away = Duration::from_millis(*away_ms);
                let done = self.server_order(server::Order::Kill(away));
                self.report.kills += u64::from(done);
                self.report.kills_of_server += u64::from(done);
                Ok(done)
            }
            What::RestartServer => {
                let done = self.server_order(server::Order::Restart);
                self.report.stops_of_server += u64::from(done);
                Ok(done)
            }
            What::PauseServer { ms } => {
                let done = self.server_order(server::Order::Pause(Duration::from_millis(*ms)));
                self.report.stops_of_server += u64::from(done);
                Ok(done)
            }
            What::CutLine { device } => {
                let done = self.order(*device, Order::Cut);
                self.report.cuts += u64::from(done);
                Ok(done)
            }
            What::PullLine { device, ms } => {
                let done = self.order(*device, Order::Pull(Duration::from_millis(*ms)));
                self.report.cuts += u64::from(done);
                Ok(done)
            }
            What::SlowLine {
                device,
                late_ms,
                ms,
            } => {
                let late = Duration::from_millis(*late_ms);
                let done = self.order(*device, Order::Slow(late, Duration::from_millis(*ms)));
                self.report.slowed += u64::from(done);
                Ok(done)
            }
        }
    }

    fn order(&self, device: usize, order: Order) -> bool {
        let life = self
            .present
            .get(device)
            .and_then(|life| self.lives.get(*life));
        life.is_some_and(|life| life.device.order(order))
    }

    fn server_order(&self, order: server::Order) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| server.order(order))
    }

    fn act(&mut self, device: usize, op: u64, act: &Act) -> io::Result<bool> {
        let Some(number) = self.present.get(device).copied() else {
            return Ok(false);
        };
        let Some(life) = self.lives.get(number).filter(|life| life.ready) else {
            return Ok(false);
        };
        let Some(line) = telling::line(op, act, &self.book, &self.conversations, &self.handed)?
        else {
            return Ok(false);
        };
        if !life.device.order(Order::Tell(line)) {
            return Ok(false);
        }
        let person = life.person;
        if *act == Act::SignOutOthers {
            self.signing_out.insert(person);
        }
        self.book.asked(op, number, person, act.clone());
        Ok(true)
    }

    /// Waits until every device has everything; false where nothing new came for long before.
    async fn settle(&mut self) -> anyhow::Result<bool> {
        let mut before = None;
        let mut moved = Instant::now();
        let mut tell = Instant::now();
        loop {
            let look = Instant::now() + LOOK;
            while Instant::now() < look {
                self.next(look).await?;
            }
            let under_way = self.under_way()?;
            if under_way.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= tell {
                tell += TELL;
                self.tell();
                self.say(&format!("       {}", under_way.join(", ")));
            }
            if before.as_ref() != Some(&under_way) {
                before = Some(under_way);
                moved = Instant::now();
            }
            if moved.elapsed() > QUIET {
                let note = format!("not done: {}", before.unwrap_or_default().join(", "));
                self.journal.note(self.began.elapsed(), note)?;
                return Ok(false);
            }
        }
    }

    fn under_way(&self) -> anyhow::Result<Vec<String>> {
        let devices = self.devices();
        checker::under_way(&self.case(&devices))
    }

    fn devices(&self) -> Vec<checker::Device> {
        let folder = |life: &Life| {
            let person = self.people.get(life.person).cloned().unwrap_or_default();
            life.device.folder.join("accounts").join(person)
        };
        self.lives
            .iter()
            .map(|life| checker::Device {
                name: life.name.clone(),
                person: life.person,
                folder: folder(life),
                gone: life.gone,
                before: life.before.clone().unwrap_or_default(),
            })
            .collect()
    }

    fn case<'b>(&'b self, devices: &'b [checker::Device]) -> Case<'b> {
        Case {
            book: &self.book,
            server: &self.database,
            handed: &self.handed,
            people: &self.people,
            conversations: &self.conversations,
            devices,
        }
    }

    fn sum_up(mut self) -> anyhow::Result<Report> {
        let devices = self.devices();
        let findings = checker::check(&self.case(&devices))?;
        for example in &findings.examples {
            self.journal.note(self.began.elapsed(), example.clone())?;
        }
        self.journal.close()?;
        let mut report = self.report;
        for entry in self.book.entries() {
            match (&entry.answer, &entry.act) {
                (Answer::Done { .. }, Act::Send { .. }) => report.sent += 1,
                (Answer::Done { .. }, _) => report.done += 1,
                (Answer::Refused, _) => report.refused_at_once += 1,
                (Answer::None, _) => {}
            }
        }
        report.devices = devices.len();
        let there = (report.acting_seconds - report.outage_seconds).max(1.0);
        report.accepted_per_second = findings.accepted as f64 / there;
        report.findings = findings;
        Ok(report)
    }

    fn tell(&self) {
        let answered = self.book.entries().iter();
        let answered = answered
            .filter(|entry| entry.answer != Answer::None)
            .count();
        let away = self.lives.iter().filter(|life| !life.gone && !life.ready);
        self.say(&format!(
            "{:4} s  {answered} of {} acts answered, {} kills, {} cuts, {} away",
            self.began.elapsed().as_secs(),
            self.book.entries().len(),
            self.report.kills,
            self.report.cuts,
            away.count(),
        ));
    }

    fn say(&self, line: &str) {
        if self.place.progress {
            // Whether somebody watches is not what this is about.
            drop(writeln!(io::stderr(), "{line}"));
        }
    }
}
