//! One call: the task that owns the connection, the threads and the devices.

mod link;
mod negotiation;
mod pump;
mod statistics;
mod streams;

use crate::{
    engine::EngineConfig,
    notice::Noticed,
    page::PictureServer,
    rtp::Kind,
    transport::{
        Certificate, Numbered, Transport, TransportConfig, TransportEvent, TransportState,
    },
};
use im_call::media::{MediaCommand, MediaEvent, MediaSetup, PictureUrls};
use link::Link;
use negotiation::Negotiation;
use pump::Pump;
use statistics::Statistics;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use streams::Streams;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};

/// Transport events that may wait.
const TRANSPORT_EVENTS: usize = 256;

/// One call's media. Ends when the core drops its end.
pub(crate) struct Call {
    commands: mpsc::Receiver<MediaCommand>,
    events: mpsc::Sender<MediaEvent>,
    negotiation: Negotiation,
    streams: Streams,
    statistics: Statistics,
    transports: mpsc::Receiver<Numbered>,
    current: watch::Sender<Option<Arc<dyn Transport>>>,
    ask: mpsc::Receiver<()>,
    notices: mpsc::Receiver<Noticed>,
    page: bool,
    tasks: JoinSet<()>,
    link: Link,
}

/// The core is gone: nobody is there to go on for.
struct Gone;

impl Call {
    /// Starts the threads, which open devices by themselves.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub(crate) fn new(
        setup: MediaSetup,
        config: EngineConfig,
        certificate: Certificate,
        commands: mpsc::Receiver<MediaCommand>,
        events: mpsc::Sender<MediaEvent>,
    ) -> std::io::Result<Self> {
        let transport = TransportConfig {
            ice_servers: setup.ice_servers,
            bind: config.bind.clone(),
        };
        let page = config.page;
        let opened = streams::open(config, setup.send)?;
        let (transport_events, transports) = mpsc::channel(TRANSPORT_EVENTS);
        let (current, watched) = watch::channel(None);
        let mut tasks = JoinSet::new();
        for (kind, packets) in [(Kind::Audio, opened.audio), (Kind::Video, opened.video)] {
            let transport = watched.clone();
            let pump = Pump {
                kind,
                packets,
                transport,
            };
            tasks.spawn(pump.run());
        }
        let negotiation = Negotiation::new(
            transport,
            certificate,
            Arc::clone(&opened.streams.feedback),
            opened.inbound,
            transport_events,
        );
        Ok(Self {
            commands,
            events,
            negotiation,
            statistics: Statistics::new(&opened.streams),
            streams: opened.streams,
            transports,
            current,
            ask: opened.ask,
            notices: opened.notices,
            page,
            tasks,
            link: Link::default(),
        })
    }

    /// Runs until the core drops its end.
    pub(crate) async fn run(mut self) {
        // Whatever ends it, the ending is the same.
        let Err(Gone) = self.serve().await;
        self.tasks.abort_all();
        if let Some(transport) = self.current.send_replace(None) {
            transport.close().await;
        }
        // Threads are waited for, which is not for this one to do.
        let streams = self.streams;
        tokio::task::spawn_blocking(move || drop(streams));
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Gone> {
        let mut pages = self.serve_page().await;
        let mut levels = interval(Duration::from_millis(100));
        let mut seconds = interval(Duration::from_secs(1));
        levels.set_missed_tick_behavior(MissedTickBehavior::Skip);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let keys_until = self.link.deadline();
            tokio::select! {
                command = self.commands.recv() => self.command(command.ok_or(Gone)?).await?,
                Some(numbered) = self.transports.recv() => self.transport(numbered).await?,
                Some(noticed) = self.notices.recv() => self.noticed(noticed).await?,
                Some(urls) = pages.recv() => self.tell(MediaEvent::Pictures(urls)).await?,
                Some(()) = self.ask.recv() => self.ask_key_frame().await,
                () = sleep_until(keys_until.unwrap_or_else(Instant::now).into()),
                    if keys_until.is_some() =>
                {
                    if let Some(event) = self.link.time(Instant::now()) {
                        tracing::warn!("keys are missing: the connection has to be rebuilt");
                        self.tell(event).await?;
                    }
                }
                _ = levels.tick() => self.mention(MediaEvent::Levels(self.streams.levels())),
                _ = seconds.tick() => {
                    let stats = self.statistics.now();
                    self.mention(MediaEvent::Stats(stats));
                }
            }
        }
    }

    /// Tells what must not be left out.
    async fn tell(&self, event: MediaEvent) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }

    /// Tells what the next one replaces anyway.
    fn mention(&self, event: MediaEvent) {
        drop(self.events.try_send(event));
    }

    async fn serve_page(&mut self) -> mpsc::Receiver<PictureUrls> {
        let (sender, receiver) = mpsc::channel(4);
        if self.page {
            let (remote, own) = (self.streams.remote.clone(), self.streams.own.clone());
            match PictureServer::bind(remote, own, sender).await {
                Ok(server) => drop(self.tasks.spawn(server.run())),
                Err(error) => tracing::error!(%error, "pictures cannot be offered to the page"),
            }
        }
        receiver
    }

    async fn command(&mut self, command: MediaCommand) -> Result<(), Gone> {
        match command {
            MediaCommand::Microphone(on) => self.streams.microphone(on),
            MediaCommand::Camera(on) => self.streams.camera(on),
            other => {
                let outcome = self.negotiation.command(other).await;
                if let Some(transport) = self.negotiation.take_replaced() {
                    self.link.replaced();
                    let before = self.current.send_replace(Some(transport));
                    if let Some(before) = before {
                        self.tasks.spawn(async move { before.close().await });
                    }
                }
                if let Some(event) = outcome {
                    self.tell(event).await?;
                }
            }
        }
        Ok(())
    }

    async fn transport(&mut self, numbered: Numbered) -> Result<(), Gone> {
        if numbered.transport != self.negotiation.number() {
            return Ok(());
        }
        match numbered.event {
            TransportEvent::Candidate(candidate) => {
                let generation = self.negotiation.generation();
                self.tell(MediaEvent::LocalCandidate {
                    generation,
                    candidate,
                })
                .await
            }
            TransportEvent::State(state) => {
                if state == TransportState::Up {
                    // Whatever was made before went nowhere.
                    self.streams.feedback.want_key_frame();
                }
                match self.link.state(state, Instant::now()) {
                    Some(event) => self.tell(event).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn noticed(&mut self, noticed: Noticed) -> Result<(), Gone> {
        let event = match noticed {
            Noticed::Device(notice) => MediaEvent::Notice(notice),
            Noticed::DeviceBack(notice) => MediaEvent::NoticeOver(notice),
            Noticed::FirstSound => MediaEvent::FirstSound,
            Noticed::Picture { width, height } => MediaEvent::Picture { width, height },
        };
        self.tell(event).await
    }

    async fn ask_key_frame(&self) {
        let transport = self.current.borrow().clone();
        if let Some(transport) = transport {
            transport.request_key_frame().await;
        }
    }
}
