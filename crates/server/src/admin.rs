//! `instantmentor-server admin`: an [`Operator`] on the command line, beside a running server or
//! without one. SQLite lets two processes write one after the other.

use crate::{
    auth::random_code,
    cli::{Failure, say},
    clock::Clock,
    config::Config,
    error::Error,
    hub::Hub,
    operator::{DEMO_PASSWORD, Operator, moderation},
    server::{self, StartError},
    store::Store,
    writer::Writer,
};
use clap::Subcommand;
use im_protocol::people::Role;
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an admin's account.
    CreateAdmin {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// The name shown.
        #[arg(long)]
        name: String,
        /// Read the password from standard input; without it one is made and shown once.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Invite a mentor or an admin; shows the code to give to them, once.
    Invite {
        /// Who is invited.
        #[arg(long)]
        email: String,
        /// mentor or admin.
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Make a code for somebody who has forgotten the password; shows it once. They enter it in the
    /// app within half an hour, under "Forgot password?".
    ResetPassword {
        /// Who.
        #[arg(long)]
        email: String,
    },
    /// Add a course.
    AddCourse {
        /// The title shown.
        #[arg(long)]
        title: String,
        /// Who teaches it.
        #[arg(long)]
        mentor_email: String,
        /// With it students can enrol by themselves.
        #[arg(long)]
        code: Option<String>,
    },
    /// Enrol a student in a course.
    Enrol {
        /// The course's id or code.
        #[arg(long)]
        course: String,
        /// Who.
        #[arg(long)]
        student_email: String,
    },
    /// Take a student out of a course: what was said stays to be read.
    Unenrol {
        /// The course's id or code.
        #[arg(long)]
        course: String,
        /// Who.
        #[arg(long)]
        student_email: String,
    },
    /// Give a student a mentor in place of whoever was; without a mentor, take the assignment away.
    Assign {
        /// To whom.
        #[arg(long)]
        student_email: String,
        /// Whom.
        #[arg(long)]
        mentor_email: Option<String>,
    },
    /// Enrol a student who has bought a course elsewhere. The same purchase again changes nothing.
    RecordPurchase {
        /// The shop's own number of it.
        #[arg(long)]
        number: String,
        /// The course's id or code.
        #[arg(long)]
        course: String,
        /// Who.
        #[arg(long)]
        student_email: String,
    },
    /// Keep somebody out: their devices are signed out and wiped, and nobody reaches them.
    Suspend {
        /// Who.
        #[arg(long)]
        email: String,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// Let them in again.
    Unsuspend {
        /// Who.
        #[arg(long)]
        email: String,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// Show what people reported.
    Reports,
    /// Show who did what to whom, newest first.
    Audit {
        /// How many lines.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Fill the database with people, courses and conversations to try everything with. Their
    /// password is known to everybody: refused in production.
    Demo,
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "mentor" => Ok(Role::Mentor),
        "admin" => Ok(Role::Admin),
        _ => Err("mentor or admin is wanted".into()),
    }
}

/// Runs a command against the configured data folder.
pub(crate) async fn run(config: Config, command: Command) -> Result<(), Failure> {
    if config.production && matches!(command, Command::Demo) {
        return Err("demo people have a known password: not in production".into());
    }
    let store = open(&config.data).await?;
    // Nobody is connected here; a running server looks at its feeds.
    let hub = Arc::new(Hub::default());
    let (writer, task) = Writer::new(store.clone(), Clock::default(), hub).await?;
    let stop = CancellationToken::new();
    let writing = task.spawn(stop.clone())?;
    let done = match Operator::new(writer) {
        Ok(operator) => carry_out(&operator, &store, command).await,
        Err(error) => Err(plain(error)),
    };
    stop.cancel();
    writing.await.ok();
    store.close().await;
    done
}

/// How long a server may take to make or to mend its database while it starts.
const STARTING: Duration = Duration::from_secs(3);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(100);

/// Opens the database. One of another version is brought to this one only where no server runs on
/// it: that one would find it changed under its hands.
async fn open(folder: &Path) -> Result<Store, Failure> {
    let until = Instant::now() + STARTING;
    loop {
        if Store::is_of_this_version(folder).await {
            return Ok(Store::open(folder).await?);
        }
        match server::lock(folder) {
            // Let go with the end of this function: a server may start beside the command.
            Ok(_lock) => return Ok(Store::open(folder).await?),
            // A server that has only just begun is not of another version yet.
            Err(StartError::Busy(_)) if Instant::now() < until => sleep(LOOK).await,
            Err(StartError::Busy(path)) => {
                return Err(format!(
                    "the server that runs on the data folder {} is of another version: stop it first",
                    path.display()
                )
                .into());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn carry_out(operator: &Operator, store: &Store, command: Command) -> Result<(), Failure> {
    match command {
        Command::CreateAdmin {
            email,
            name,
            password_stdin,
        } => {
            let given = if password_stdin {
                let mut line = String::new();
                io::stdin().read_line(&mut line)?;
                Some(line.trim_end_matches(['\r', '\n']).to_owned())
            } else {
                None
            };
            let password = match &given {
                Some(given) => given.clone(),
                None => random_code(15).map_err(plain)?,
            };
            let added = operator.add_person(&email, &name, Role::Admin, &password);
            added.await.map_err(plain)?;
            match given {
                Some(_) => say("admin created")?,
                None => say(&format!("admin created, password: {password}"))?,
            }
        }
        Command::Invite { email, role } => {
            let invitation = operator.invite(&email, role).await.map_err(plain)?;
            say(&format!("invitation code: {}", invitation.code))?;
        }
        Command::ResetPassword { email } => {
            let code = operator.reset_code(&email).await.map_err(plain)?;
            say(&format!("code for a new password: {code}"))?;
        }
        Command::AddCourse {
            title,
            mentor_email,
            code,
        } => {
            let added = operator.add_course(&title, &mentor_email, code.as_deref());
            say(&format!("course: {}", added.await.map_err(plain)?))?;
        }
        Command::Enrol {
            course,
            student_email,
        } => {
            let enrolled = operator.enrol(&course, &student_email).await;
            say(&format!("conversation: {}", enrolled.map_err(plain)?))?;
        }
        Command::Unenrol {
            course,
            student_email,
        } => {
            let removed = operator.unenrol(&course, &student_email).await;
            say(match removed.map_err(plain)? {
                true => "taken out",
                false => "was not in it",
            })?;
        }
        Command::Assign {
            student_email,
            mentor_email,
        } => {
            let assigned = operator.assign(&student_email, mentor_email.as_deref());
            match assigned.await.map_err(plain)? {
                Some(conversation) => say(&format!("conversation: {conversation}"))?,
                None => say("no mentor is assigned")?,
            }
        }
        Command::RecordPurchase {
            number,
            course,
            student_email,
        } => {
            let recorded = operator.record_purchase(&number, &course, &student_email);
            let recorded = recorded.await.map_err(plain)?;
            let what = if recorded.new { "recorded" } else { "known" };
            say(&format!("{what}, conversation: {}", recorded.conversation))?;
        }
        Command::Suspend { email, reason } => {
            let done = operator.suspend(&email, true, &reason).await;
            done.map_err(plain)?;
            say("suspended")?;
        }
        Command::Unsuspend { email, reason } => {
            let done = operator.suspend(&email, false, &reason).await;
            done.map_err(plain)?;
            say("let in again")?;
        }
        Command::Reports => {
            for report in moderation::reports(store).await.map_err(plain)? {
                say(&line_of(&report)?)?;
            }
        }
        Command::Audit { limit } => {
            for entry in moderation::audited(store, limit).await.map_err(plain)? {
                say(&line_of(&entry)?)?;
            }
        }
        Command::Demo => {
            let people = operator.fill_with_demo().await.map_err(plain)?;
            for person in people {
                let (role, name, email) = (person.role_name(), person.name, person.email());
                say(&format!("{role:8} {name:16} {email:22} {DEMO_PASSWORD}"))?;
            }
        }
    }
    Ok(())
}

/// One line of JSON, for people and programs alike.
fn line_of(value: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value)?)
}

/// The sentence of a refusal, or what the database said.
fn plain(error: Error) -> Failure {
    match error {
        Error::Refused(refused) => refused.message.into(),
        other => other.into(),
    }
}
