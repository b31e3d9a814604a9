//! Blocking, reporting, and what administrators do about it: all of it is asked of the server, which
//! alone knows. What it changes comes by the feed, as everything does.

use crate::{courses::failed, session::Context};
use im_contract::{
    UiError,
    moderation::{
        AccountRow, AccountsView, AssignArgs, AuditPage, AuditRow, BlockArgs, CloseReportArgs,
        FileReportArgs, MessagePlace, RemoveMessageArgs, ReportView, SuspendArgs,
    },
    views::PersonView,
};
use im_protocol::{
    command::Done,
    courses::AssignMentor,
    moderation::{
        Accounts, Audit, AuditEntry, Blocks, FileReport, Reason, RemoveMessage, Report,
        ReportedMessage, Reports,
    },
};

/// Whom the person blocks, by name.
///
/// # Errors
/// Where the server cannot be asked; the same for all that follow, and where it refuses.
pub(crate) async fn blocks(context: &Context) -> Result<Vec<PersonView>, UiError> {
    let told = context.rest.get::<Blocks>("/v1/blocks").await;
    let people = told.map_err(|error| failed(&error))?.people.into_iter();
    Ok(people.map(|one| context.live.person(one)).collect())
}

/// Blocks somebody, or does not anymore.
pub(crate) async fn set_block(context: &Context, args: BlockArgs) -> Result<(), UiError> {
    let path = format!("/v1/blocks/{}", args.person);
    let done = if args.on {
        context.rest.put::<Done>(&path, &Done {}).await
    } else {
        context.rest.delete::<Done>(&path).await
    };
    done.map(drop).map_err(|error| failed(&error))
}

/// Reports a person, or one of their messages.
pub(crate) async fn file(context: &Context, args: FileReportArgs) -> Result<(), UiError> {
    let asked = FileReport {
        id: args.id,
        person: args.person,
        message: args.message.map(|place| ReportedMessage {
            conversation: place.conversation,
            message: place.message,
        }),
        reason: args.reason,
        text: args.text,
    };
    let done = context.rest.post::<Done>("/v1/reports", &asked).await;
    done.map(drop).map_err(|error| failed(&error))
}

/// What was reported.
pub(crate) async fn reports(context: &Context) -> Result<Vec<ReportView>, UiError> {
    let told = context.rest.get::<Reports>("/v1/reports").await;
    let reports = told.map_err(|error| failed(&error))?.reports.into_iter();
    let view = |report: Report| ReportView {
        id: report.id,
        reporter: context.live.person(report.reporter),
        person: context.live.person(report.person),
        message: report.message.map(|place| MessagePlace {
            conversation: place.conversation,
            message: place.message,
        }),
        words: report.words,
        message_there: report.message_there,
        reason: report.reason,
        text: report.text,
        at: report.reported_at,
        closed_at: report.closed_at,
    };
    Ok(reports.map(view).collect())
}

/// A report was dealt with.
pub(crate) async fn close(context: &Context, args: CloseReportArgs) -> Result<(), UiError> {
    let path = format!("/v1/reports/{}/close", args.report);
    because(context, &path, args.reason).await
}

/// Removes somebody's message.
pub(crate) async fn remove(context: &Context, args: RemoveMessageArgs) -> Result<(), UiError> {
    let path = format!("/v1/messages/{}/remove", args.message.message);
    let asked = RemoveMessage {
        conversation: args.message.conversation,
        reason: args.reason,
    };
    let done = context.rest.post::<Done>(&path, &asked).await;
    done.map(drop).map_err(|error| failed(&error))
}

/// People whose name or address has this in it.
pub(crate) async fn accounts(context: &Context, search: &str) -> Result<AccountsView, UiError> {
    // Only what a query takes as it is: the rest as bytes (RFC 3986, section 2.1).
    let mut query = String::new();
    for byte in search.trim().bytes() {
        if byte.is_ascii_alphanumeric() {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
    let path = format!("/v1/accounts?search={query}");
    let told = context.rest.get::<Accounts>(&path).await;
    let told = told.map_err(|error| failed(&error))?;
    let accounts = told.accounts.into_iter().map(|one| AccountRow {
        person: context.live.person(one.person),
        email: one.email,
        suspended_at: one.suspended_at,
        mentor: one.mentor,
    });
    Ok(AccountsView {
        accounts: accounts.collect(),
        more: told.more,
    })
}

/// Keeps somebody out, or lets them in again.
pub(crate) async fn suspend(context: &Context, args: SuspendArgs) -> Result<(), UiError> {
    let what = if args.on { "suspend" } else { "unsuspend" };
    let path = format!("/v1/accounts/{}/{what}", args.person);
    because(context, &path, args.reason).await
}

/// Gives a student a mentor.
pub(crate) async fn assign(context: &Context, args: AssignArgs) -> Result<(), UiError> {
    let path = format!("/v1/people/{}/mentor", args.student);
    let mentor = args.mentor;
    let done = context
        .rest
        .put::<Done>(&path, &AssignMentor { mentor })
        .await;
    done.map(drop).map_err(|error| failed(&error))
}

/// What was done, newest first.
pub(crate) async fn audit(context: &Context, before: Option<u64>) -> Result<AuditPage, UiError> {
    let path = match before {
        Some(n) => format!("/v1/audit?before={n}"),
        None => "/v1/audit".to_owned(),
    };
    let told = context.rest.get::<Audit>(&path).await;
    let told = told.map_err(|error| failed(&error))?;
    let row = |entry: AuditEntry| AuditRow {
        n: entry.n,
        at: entry.at,
        actor: entry.actor.map(|one| one.name),
        action: entry.action,
        subject: entry.subject.map(|one| one.name),
        reason: entry.reason,
    };
    Ok(AuditPage {
        entries: told.entries.into_iter().map(row).collect(),
        more: told.more,
    })
}

async fn because(context: &Context, path: &str, reason: String) -> Result<(), UiError> {
    let done = context.rest.post::<Done>(path, &Reason { reason }).await;
    done.map(drop).map_err(|error| failed(&error))
}
