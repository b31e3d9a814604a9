//! Keeping people from harm: blocking, reporting, removing messages, keeping people out. Everything
//! here is written down in the audit, in the transaction that does it.

use crate::{
    access::{Action, Actor, Thing, may},
    app::App,
    auth::sessions::end_session,
    calls,
    error::Error,
    input, messages,
    store::{
        audit::{self, Done},
        block, conversation, erasure, message, person, report, session, status,
    },
    ties::settle,
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ErrorCode, MessageId, PersonId, ReportId,
    conversation::Content,
    limits,
    moderation::{AuditAction, FileReport, ModerationChanged, RemoveMessage},
    people::{Availability, Role, Status},
    sessions::Ended,
};
use std::sync::Arc;

/// Somebody whom the asker knows of, whatever ties them or not.
async fn acquaintance(change: &mut Change, asker: Actor, id: PersonId) -> Result<Role, Error> {
    let conn = change.conn()?;
    erasure::refuse_deleted(conn, asker.person).await?;
    let known = person::known_to(conn, asker.person).await?;
    let found = known.into_iter().find(|one| one.id == id);
    Ok(found.ok_or_else(Error::not_found)?.role)
}

/// Blocks somebody, or does not anymore: nothing goes either way from then on.
pub(crate) async fn set_block(
    app: &Arc<App>,
    actor: Actor,
    id: PersonId,
    on: bool,
) -> Result<(), Error> {
    let done = app.writer.write(Urgency::First, move |change| {
        async move {
            let now = change.now();
            let changed = if on {
                let role = acquaintance(change, actor, id).await?;
                if !may(actor, Action::Block, Thing::Person(id, role)) {
                    return Err(Error::forbidden());
                }
                block::add(change.conn()?, actor.person, id, now).await?
            } else {
                block::remove(change.conn()?, actor.person, id).await?
            };
            if !changed {
                return Ok(());
            }
            settle(change, actor.person, Some(id)).await?;
            let done = Done {
                actor: Some(actor.person),
                action: if on {
                    AuditAction::Block
                } else {
                    AuditAction::Unblock
                },
                subject: Some(id),
                thing: String::new(),
                reason: "",
            };
            audit::note(change.conn()?, &done, now).await
        }
        .boxed()
    });
    done.await
}

/// Reports a person, or one of their messages.
pub(crate) async fn file(app: &Arc<App>, actor: Actor, asked: FileReport) -> Result<(), Error> {
    let text = input::block(&asked.text, limits::REASON_CHARS)?;
    let asked = FileReport { text, ..asked };
    let this = app.clone();
    let filed = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let role = acquaintance(change, actor, asked.person).await?;
            if !may(actor, Action::Report, Thing::Person(asked.person, role)) {
                return Err(Error::forbidden());
            }
            let now = change.now();
            let words = reported_words(change, actor, &asked).await?;
            let conn = change.conn()?;
            match report::reporter(conn, asked.id).await? {
                Some(known) if known == actor.person => return Ok(()),
                Some(_) => {
                    return Err(Error::refused(
                        ErrorCode::IdReused,
                        "This report's id was used before for something else.",
                    ));
                }
                None => {}
            }
            // Not where it is sent again.
            this.rates.report(actor.person)?;
            report::insert(conn, actor.person, &asked, &words, now).await?;
            let done = Done {
                actor: Some(actor.person),
                action: AuditAction::Report,
                subject: Some(asked.person),
                thing: asked.id.to_string(),
                reason: "",
            };
            audit::note(conn, &done, now).await?;
            tell_admins(change);
            Ok(())
        }
        .boxed()
    });
    filed.await
}

/// The words of the message that is reported, as the server has them: nobody can make them up.
async fn reported_words(
    change: &mut Change,
    actor: Actor,
    asked: &FileReport,
) -> Result<String, Error> {
    let Some(place) = asked.message else {
        return Ok(String::new());
    };
    let conn = change.conn()?;
    let heads = conversation::heads(conn, place.conversation).await?;
    heads
        .filter(|heads| may(actor, Action::Read, Thing::Conversation(heads)))
        .ok_or_else(Error::not_found)?;
    let found = message::get(conn, place.conversation, place.message).await?;
    let found = found.filter(|one| one.author == asked.person);
    match found.ok_or_else(Error::not_found)?.content {
        Content::Text { text } => Ok(text),
        // Taken back meanwhile: its words are kept for this.
        Content::Deleted => {
            let words = message::taken_back(conn, place.message).await?;
            Ok(words.unwrap_or_default())
        }
        _ => Err(Error::invalid("Only what somebody wrote can be reported.")),
    }
}

/// A report was dealt with.
pub(crate) async fn close(
    app: &Arc<App>,
    actor: Actor,
    id: ReportId,
    reason: String,
) -> Result<(), Error> {
    let reason = allowed(actor, &reason)?;
    let closed = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let now = change.now();
            let conn = change.conn()?;
            if report::reporter(conn, id).await?.is_none() {
                return Err(Error::not_found());
            }
            let about = report::close(conn, id, Some(actor.person), now).await?;
            if let Some(person) = about {
                let done = Done {
                    actor: Some(actor.person),
                    action: AuditAction::CloseReport,
                    subject: Some(person),
                    thing: id.to_string(),
                    reason: &reason,
                };
                audit::note(conn, &done, now).await?;
                tell_admins(change);
            }
            Ok(())
        }
        .boxed()
    });
    closed.await
}

/// Removes a message: its words are told to nobody anymore.
pub(crate) async fn remove_message(
    app: &Arc<App>,
    actor: Actor,
    id: MessageId,
    asked: RemoveMessage,
) -> Result<(), Error> {
    let reason = allowed(actor, &asked.reason)?;
    let place = asked.conversation;
    let removed = app.writer.write(Urgency::Usual, move |change| {
        async move {
            let Some(author) = messages::remove(change, place, id).await? else {
                return Ok(());
            };
            let now = change.now();
            let done = Done {
                actor: Some(actor.person),
                action: AuditAction::RemoveMessage,
                subject: Some(author),
                thing: id.to_string(),
                reason: &reason,
            };
            audit::note(change.conn()?, &done, now).await?;
            tell_admins(change);
            Ok(())
        }
        .boxed()
    });
    removed.await
}

/// Keeps somebody out, or lets them in again.
pub(crate) async fn suspend(
    app: &Arc<App>,
    actor: Actor,
    id: PersonId,
    on: bool,
    reason: String,
) -> Result<(), Error> {
    let reason = allowed(actor, &reason)?;
    let done = app.writer.write(Urgency::First, move |change| {
        async move {
            let conn = change.conn()?;
            let found = person::get(conn, id).await?.ok_or_else(Error::not_found)?;
            if !may(actor, Action::Suspend, Thing::Person(id, found.role)) {
                return Err(Error::forbidden());
            }
            set_suspended(change, Some(actor.person), id, on, &reason).await
        }
        .boxed()
    });
    done.await
}

/// Keeps somebody out: their sessions end at once, their calls too, and nothing reaches them; or
/// lets them in again. `actor` is none for the operator.
///
/// # Errors
/// Where there is no such person, or the database fails.
pub(crate) async fn set_suspended(
    change: &mut Change,
    actor: Option<PersonId>,
    id: PersonId,
    on: bool,
    reason: &str,
) -> Result<(), Error> {
    let now = change.now();
    let conn = change.conn()?;
    if erasure::is_deleted(conn, id).await? {
        return Err(Error::not_found());
    }
    if !person::set_suspended(conn, id, on.then_some(now)).await? {
        return Ok(());
    }
    if on {
        calls::end_all(change, id).await?;
        for living in session::living_of(change.conn()?, id).await? {
            end_session(change, living, Ended::Suspended).await?;
        }
    }
    settle(change, id, None).await?;
    let shown = status::get(change.conn()?, id).await?;
    if let Some(own) = shown {
        // Who is kept out is not available, whatever they said before.
        let status = if on {
            Status {
                person: id,
                availability: Availability::Offline,
                message: String::new(),
                since: now,
            }
        } else {
            own
        };
        change.after(move |hub| hub.tell_roles(&[Role::Student, Role::Mentor], &status));
    }
    let done = Done {
        actor,
        action: if on {
            AuditAction::Suspend
        } else {
            AuditAction::Unsuspend
        },
        subject: Some(id),
        thing: String::new(),
        reason,
    };
    audit::note(change.conn()?, &done, now).await?;
    tell_admins(change);
    Ok(())
}

/// Whether the asker may moderate; gives the reason as it is kept.
fn allowed(actor: Actor, reason: &str) -> Result<String, Error> {
    if !may(actor, Action::Moderate, Thing::Moderation) {
        return Err(Error::forbidden());
    }
    input::line(reason, limits::REASON_CHARS)
}

fn tell_admins(change: &mut Change) {
    change.after(|hub| hub.tell_roles(&[Role::Admin], &ModerationChanged {}));
}
