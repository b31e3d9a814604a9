//! The command line.

use crate::{
    acting,
    call::{self, Answer, Calling},
    lines::tell,
    messages::{self, Writing},
    person::{Person, Who},
    senses::{self, Equipment, Senses},
    status,
};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use im_contract::views::KeyringState;
use im_media::LOG_RULES;
use im_protocol::{call::RejectReason, people::Availability};
use serde_json::json;
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A headless person of InstantMentor.
#[derive(Parser)]
#[command(name = "instantmentor-robot", version)]
struct Cli {
    #[command(flatten)]
    who: WhoArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct WhoArgs {
    /// The server's address.
    #[arg(
        long,
        global = true,
        env = "IM_SERVER",
        default_value = "http://localhost:8470"
    )]
    server: String,
    /// The address to sign in with.
    #[arg(long, global = true, env = "IM_ROBOT_EMAIL")]
    email: Option<String>,
    /// The password; better given by the environment or --password-stdin.
    #[arg(long, global = true, env = "IM_ROBOT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Read the password from the first line of standard input.
    #[arg(long, global = true)]
    password_stdin: bool,
    /// The folder for cache and outbox.
    #[arg(
        long,
        global = true,
        env = "IM_ROBOT_DATA",
        default_value = "robot-data"
    )]
    data_dir: PathBuf,
    /// Keep the token in the system's keyring, as the app does, instead of in memory.
    #[arg(long, global = true)]
    keyring: bool,
    /// How long to wait for what must come before it can begin, in seconds.
    #[arg(long, global = true, default_value_t = 60.0)]
    wait: f64,
}

#[derive(Subcommand)]
enum Command {
    /// Sign in and end. With --keyring whoever starts next on this folder is signed in, under this
    /// computer's name as the app would be.
    SignIn,
    /// Write messages, and end when all are sent.
    Send {
        /// A conversation's id, or the name of the other.
        #[arg(long)]
        to: String,
        /// How many.
        #[arg(long, default_value_t = 1)]
        count: u64,
        /// The text.
        #[arg(long, default_value = "Message ")]
        text_prefix: String,
        /// Append 1, 2, 3 … to the text.
        #[arg(long)]
        numbered: bool,
        /// Send the lines of standard input instead.
        #[arg(long, conflicts_with_all = ["count", "text_prefix", "numbered"])]
        stdin: bool,
        /// So many at once, then a pause.
        #[arg(long, default_value_t = 1)]
        burst: u64,
        /// The pause in milliseconds.
        #[arg(long, default_value_t = 0)]
        pause_ms: u64,
        /// Stay connected until SIGTERM.
        #[arg(long)]
        stay: bool,
    },
    /// Print what is written in all conversations, as it is on this device.
    List,
    /// Do what standard input says, one JSON object a line, until it ends.
    Act,
    /// Print what the other writes.
    Recv {
        /// A conversation's id, or the name of the other.
        #[arg(long)]
        from: String,
        /// End after so many.
        #[arg(long, default_value_t = u64::MAX)]
        until: u64,
        /// Leave out what is there already.
        #[arg(long)]
        only_new: bool,
    },
    /// A mentor's status.
    Status {
        #[command(subcommand)]
        what: Option<StatusCommand>,
    },
    /// Ring somebody.
    Call {
        /// A conversation's id, or the name of the other.
        #[arg(long)]
        to: String,
        /// What it is about.
        #[arg(long, default_value = "")]
        about: String,
        /// Give up after so many seconds of ringing.
        #[arg(long)]
        give_up: Option<f64>,
        #[command(flatten)]
        talk: TalkArgs,
    },
    /// Wait for a ring and answer it.
    Answer {
        /// Decline: declined, back_soon, in_session or write_instead.
        #[arg(long, value_parser = reason, conflicts_with = "ignore")]
        reject: Option<RejectReason>,
        /// Let it ring.
        #[arg(long)]
        ignore: bool,
        /// Answer after so many milliseconds of ringing.
        #[arg(long, default_value_t = 0)]
        after_ms: u64,
        #[command(flatten)]
        talk: TalkArgs,
    },
}

#[derive(Subcommand)]
enum StatusCommand {
    /// Print the own status and those of all mentors (the default).
    Get,
    /// Set the own status.
    Set {
        /// available, in_session, break or offline.
        #[arg(value_parser = availability)]
        availability: Availability,
        /// Own words.
        #[arg(default_value = "")]
        message: String,
    },
}

#[derive(Args)]
struct TalkArgs {
    /// With picture.
    #[arg(long)]
    video: bool,
    /// A WAV file to say, over and over.
    #[arg(long)]
    speak: Option<PathBuf>,
    /// What to show: `pattern`, or a YUV4MPEG2 file.
    #[arg(long)]
    show: Option<String>,
    /// The pattern's size.
    #[arg(long, default_value = "640x360", value_parser = size)]
    size: (usize, usize),
    /// The pattern's pictures a second.
    #[arg(long, default_value_t = 30)]
    fps: u32,
    /// A WAV file for what is heard.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Hang up after so many seconds of talking.
    #[arg(long = "for")]
    talk_for: Option<f64>,
}

impl TalkArgs {
    fn equipment(&self) -> Equipment {
        Equipment {
            speak: self.speak.clone(),
            show: self.show.clone(),
            size: self.size,
            frames_per_second: self.fps,
            record: self.record.clone(),
        }
    }

    fn talk(&self) -> Option<Duration> {
        self.talk_for.map(seconds)
    }
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}

fn reason(text: &str) -> Result<RejectReason, String> {
    let known = word(text).filter(|reason| *reason != RejectReason::Other);
    known.ok_or_else(|| "declined, back_soon, in_session or write_instead is wanted".to_owned())
}

fn availability(text: &str) -> Result<Availability, String> {
    word(text).ok_or_else(|| "available, in_session, break or offline is wanted".to_owned())
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('x');
    let parsed =
        parts.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    parsed.ok_or_else(|| "a size such as 640x360 is wanted".to_owned())
}

fn seconds(text: f64) -> Duration {
    Duration::try_from_secs_f64(text).unwrap_or_default()
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("IM_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let filter = LOG_RULES
        .into_iter()
        .filter_map(|rule| rule.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to complain where even this cannot be written.
            writeln!(io::stderr(), "instantmentor-robot: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let who = cli.who.read()?;
    let (engine, senses) = match &cli.command {
        Command::Call { talk, .. } | Command::Answer { talk, .. } => {
            let (engine, senses) =
                Senses::open(talk.equipment()).context("a file cannot be used")?;
            (engine, Some(senses))
        }
        _ => (senses::no_devices(), None),
    };
    let acting = async {
        let mut person = Person::start(&who, engine).await?;
        tell("signed_in", json!({ "fresh": person.fresh }))?;
        let done = tokio::select! {
            done = act(&mut person, &who, cli.command) => done,
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        };
        person.core.stop().await;
        done
    };
    let done = acting.await;
    if let Some(senses) = senses {
        let summary = senses.close().await?;
        tell("summary", summary)?;
    }
    done
}

async fn act(person: &mut Person, who: &Who, command: Command) -> anyhow::Result<()> {
    match command {
        Command::SignIn => {
            person.connected().await?;
            let kept = person.token_is_in().await?;
            anyhow::ensure!(
                !who.keyring || kept == KeyringState::Kept,
                "the keyring did not take the token: {kept:?}"
            );
            tell("ready", json!({ "kept": who.keyring }))?;
            Ok(())
        }
        Command::Send {
            to,
            count,
            text_prefix,
            numbered,
            stdin,
            burst,
            pause_ms,
            stay,
        } => {
            let conversation = person.conversation(&to).await?.id;
            let writing = Writing {
                count,
                prefix: text_prefix,
                numbered,
                stdin,
                burst,
                pause: Duration::from_millis(pause_ms),
                stay,
            };
            messages::send(person, conversation, writing).await
        }
        Command::List => messages::list(person).await,
        Command::Act => acting::act(person).await,
        Command::Recv {
            from,
            until,
            only_new,
        } => {
            let conversation = person.conversation(&from).await?.id;
            messages::receive(person, conversation, until, only_new).await
        }
        Command::Status { what } => match what.unwrap_or(StatusCommand::Get) {
            StatusCommand::Get => status::get(person).await,
            StatusCommand::Set {
                availability,
                message,
            } => status::set(person, availability, message).await,
        },
        Command::Call {
            to,
            about,
            give_up,
            talk,
        } => {
            let calling = Calling {
                conversation: person.conversation(&to).await?.id,
                video: talk.video,
                about,
                talk: talk.talk(),
                give_up: give_up.map(seconds),
            };
            call::start(person, calling).await
        }
        Command::Answer {
            reject,
            ignore,
            after_ms,
            talk,
        } => {
            let answer = match reject {
                Some(reason) => Answer::Reject(reason),
                None if ignore => Answer::Ignore,
                None => Answer::Accept {
                    video: talk.video,
                    talk: talk.talk(),
                },
            };
            let after = Duration::from_millis(after_ms);
            call::answer(person, who.patience, after, answer).await
        }
    }
}

impl WhoArgs {
    fn read(self) -> anyhow::Result<Who> {
        let mut password = self.password;
        if self.password_stdin {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            password = Some(line.trim_end_matches(['\r', '\n']).to_owned());
        }
        Ok(Who {
            server: self.server,
            email: self.email,
            password,
            data_dir: self.data_dir,
            keyring: self.keyring,
            patience: seconds(self.wait),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn words_and_sizes_are_read_and_nonsense_is_refused() {
        assert_eq!(reason("back_soon"), Ok(RejectReason::BackSoon));
        assert!(reason("never").is_err());
        assert_eq!(availability("break"), Ok(Availability::Break));
        assert!(availability("asleep").is_err());
        assert_eq!(size("1280x720"), Ok((1280, 720)));
        assert!(size("1280").is_err());
    }
}
