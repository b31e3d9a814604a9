//! Two engines call each other for ten seconds and say how it went.
//!
//! `cargo run --release -p im-media --example loopback [width height]`

use anyhow::Context;
use im_call::media::{MediaCall, MediaCommand, MediaEngine, MediaEvent, MediaSetup, MediaStats};
use im_media::{
    Engine, EngineConfig,
    audio::{Frame, input::AudioInput, output::AudioOutput},
    video::{barcode, input::VideoInput, pattern::now_ms, picture::Picture},
};
use im_protocol::{CallId, call::MediaKinds};
use std::{
    io::Write,
    sync::mpsc,
    time::{Duration, Instant},
};
use tokio::time::{sleep_until, timeout};

const LENGTH: Duration = Duration::from_secs(10);

struct Party {
    call: MediaCall,
    eye: mpsc::Receiver<Picture>,
    ear: mpsc::Receiver<Frame>,
    stats: MediaStats,
    connected: Option<Duration>,
}

fn party(width: usize, height: usize) -> anyhow::Result<Party> {
    let (viewer, eye) = mpsc::sync_channel(2_000);
    let (listener, ear) = mpsc::sync_channel(2_000);
    let config = EngineConfig {
        audio_input: AudioInput::Tone { hertz: 440.0 },
        audio_output: AudioOutput::Listener(listener),
        video_input: VideoInput::Pattern {
            width,
            height,
            frames_per_second: 30,
        },
        viewer: Some(viewer),
        ..EngineConfig::headless()
    };
    let setup = MediaSetup {
        call: CallId::new(),
        send: MediaKinds::VIDEO,
        ice_servers: Vec::new(),
    };
    Ok(Party {
        call: Engine::new(config).open(setup)?,
        eye,
        ear,
        stats: MediaStats::default(),
        connected: None,
    })
}

/// Carries an event of one to the other.
async fn carry(
    event: MediaEvent,
    from: &mut Party,
    to: &Party,
    began: Instant,
) -> anyhow::Result<()> {
    let command = match event {
        MediaEvent::LocalOffer { generation, sdp } => MediaCommand::RemoteOffer { generation, sdp },
        MediaEvent::LocalAnswer { generation, sdp } => {
            MediaCommand::RemoteAnswer { generation, sdp }
        }
        MediaEvent::LocalCandidate {
            generation,
            candidate,
        } => MediaCommand::RemoteCandidate {
            generation,
            candidate,
        },
        MediaEvent::Connected => {
            from.connected.get_or_insert(began.elapsed());
            return Ok(());
        }
        MediaEvent::Stats(stats) => {
            from.stats = stats;
            return Ok(());
        }
        _ => return Ok(()),
    };
    Ok(to.call.commands.send(command).await?)
}

/// Processor time of this process so far, in seconds (proc(5), in ticks of 10 ms).
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut sides = std::env::args().skip(1).map(|side| side.parse::<usize>());
    let width = sides.next().transpose()?.unwrap_or(640);
    let height = sides.next().transpose()?.unwrap_or(360);
    let (mut one, mut other) = (party(width, height)?, party(width, height)?);
    let began = Instant::now();
    let before = processor().context("no processor time")?;
    let offer = MediaCommand::Offer {
        generation: 1,
        restart: false,
        rebuild: false,
    };
    one.call.commands.send(offer).await?;
    let end = tokio::time::Instant::now() + LENGTH;
    let mut delays = Vec::new();
    loop {
        for party in [&one, &other] {
            delays.extend(party.eye.try_iter().map(|picture| {
                let (width, luma) = (picture.width, picture.planes().y);
                let painted = barcode::read(luma, width, picture.height, width);
                painted.map(|painted| now_ms().wrapping_sub(painted))
            }));
        }
        tokio::select! {
            Some(event) = one.call.events.recv() => carry(event, &mut one, &other, began).await?,
            Some(event) = other.call.events.recv() => carry(event, &mut other, &one, began).await?,
            () = sleep_until(end) => break,
            else => break,
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = processor().context("no processor time")? - before;
    let unread = delays.iter().filter(|delay| delay.is_none()).count();
    let mut delays: Vec<u32> = delays.into_iter().flatten().collect();
    delays.sort_unstable();
    let mut out = std::io::stdout();
    for (name, party) in [("one", &one), ("other", &other)] {
        let loud = party
            .ear
            .try_iter()
            .filter(|frame| frame.iter().any(|sample| sample.abs() > 0.1));
        writeln!(
            out,
            "{name}: connected {:?}, {} pictures in, {} ms of sound heard, {:?}",
            party.connected,
            party.stats.video_frames_in,
            loud.count() * 10,
            party.stats,
        )?;
    }
    writeln!(
        out,
        "painted to decoded: median {:?} ms (read at each event, up to 50 ms late), {unread} \
         unread; {:.2} pictures a second; {:.1} % of a core for both",
        delays.get(delays.len() / 2),
        delays.len() as f64 / 2.0 / seconds,
        used / seconds * 100.0,
    )?;
    drop(one.call.commands);
    // Its end closes the devices.
    let ended = async { while one.call.events.recv().await.is_some() {} };
    timeout(Duration::from_secs(2), ended)
        .await
        .context("the call did not end")?;
    Ok(())
}
