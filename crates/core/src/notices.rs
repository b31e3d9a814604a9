//! Which notifications are shown, and what a click on one does.
//!
//! A message of somebody else that has only just been written is shown, unless the person looks at
//! its conversation or has read it already. A missed call is shown also when it was missed while
//! this device was away, as long as it is unread. Both go once they are read, wherever that is.

use crate::{
    notify::{Action, Notification, NotificationAction, NotificationId, Urgency},
    session::Context,
    store::{conversation, message, person},
};
use im_contract::catalogue::words;
use im_protocol::{
    CallId, ConversationId, PersonId,
    call::CallOutcome,
    conversation::{Content, Message},
};
use std::collections::HashSet;

/// Messages that are looked through for missed calls once they are read: more than anybody leaves
/// on a screen.
const LOOKED_THROUGH: u32 = 50;

/// Messages of others that were not known before have been stored.
pub(crate) async fn arrived(context: &Context, messages: &[Message], live: bool) {
    let visible = *context.visible.borrow();
    let mut told = HashSet::new();
    for message in messages {
        let conversation = message.conversation;
        match &message.content {
            Content::Call { .. } => {
                if let Some(call) = missed_call(&message.content)
                    && unread(context, message).await
                {
                    let id = NotificationId::MissedCall { call, conversation };
                    missed(context, id, message.author).await;
                }
            }
            Content::Deleted => {}
            Content::Text { .. } | Content::Unknown => {
                let looked_at = visible == Some(conversation);
                if live
                    && !looked_at
                    && !told.contains(&conversation)
                    && unread(context, message).await
                {
                    told.insert(conversation);
                    written(context, conversation, message.author).await;
                }
            }
        }
    }
}

/// The person looks at a conversation: its messages are before their eyes.
pub(crate) fn looked_at(context: &Context, conversation: ConversationId) {
    context
        .notifier
        .withdraw(NotificationId::Message(conversation));
}

/// The person has read further in a conversation, on this device or on another.
pub(crate) async fn read(context: &Context, conversation: ConversationId) {
    let me = context.me;
    let found = context
        .store
        .cache
        .read(move |connection| {
            let Some(entry) = conversation::get(connection, conversation)? else {
                return Ok((true, Vec::new()));
            };
            let unread = message::first_unread(connection, conversation, entry.read_seq, me)?;
            let end = Some(entry.read_seq.saturating_add(1));
            let read = message::before(connection, conversation, end, LOOKED_THROUGH)?;
            Ok((unread.is_none(), read))
        })
        .await;
    match found {
        Ok((all, read)) => {
            if all {
                looked_at(context, conversation);
            }
            for call in read.iter().filter_map(|read| missed_call(&read.content)) {
                let id = NotificationId::MissedCall { call, conversation };
                context.notifier.withdraw(id);
            }
        }
        Err(error) => tracing::warn!(%error, "what was read is not known"),
    }
}

/// The call that this is the record of, where nobody took it.
fn missed_call(content: &Content) -> Option<CallId> {
    match content {
        Content::Call {
            call,
            outcome: CallOutcome::Missed | CallOutcome::Canceled | CallOutcome::Busy,
            ..
        } => Some(*call),
        Content::Call { .. } | Content::Text { .. } | Content::Deleted | Content::Unknown => None,
    }
}

/// The person acted on a notification. Gives whether it was one of these; else it is a call's.
pub(crate) fn acted(context: &Context, acted: NotificationAction) -> bool {
    let conversation = match acted.id {
        NotificationId::Message(conversation) | NotificationId::MissedCall { conversation, .. } => {
            conversation
        }
        NotificationId::Ring(_) => return false,
    };
    if acted.action == Action::Open {
        context.notifier.withdraw(acted.id);
        context.events.show(conversation);
    }
    true
}

async fn written(context: &Context, conversation: ConversationId, author: PersonId) {
    let name = name(context, author).await;
    context.notifier.show(Notification {
        id: NotificationId::Message(conversation),
        title: words("notify_message_title", &[("name", &name)]),
        body: words("notify_message_body", &[("name", &name)]),
        buttons: Vec::new(),
        urgency: Urgency::Normal,
    });
}

async fn missed(context: &Context, id: NotificationId, caller: PersonId) {
    let name = name(context, caller).await;
    context.notifier.show(Notification {
        id,
        title: words("notify_missed_title", &[("name", &name)]),
        body: words("notify_missed_body", &[("name", &name)]),
        buttons: Vec::new(),
        urgency: Urgency::Normal,
    });
}

/// Whether nobody has read it yet; also where that is not known, since one too many does less harm.
async fn unread(context: &Context, message: &Message) -> bool {
    let (id, seq) = (message.conversation, message.seq);
    let found = context
        .store
        .cache
        .read(move |connection| {
            let entry = conversation::get(connection, id)?;
            Ok(entry.is_none_or(|entry| seq > entry.read_seq))
        })
        .await;
    found.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether it is unread is not known");
        true
    })
}

/// The app's own name where the person's is not known (yet).
async fn name(context: &Context, id: PersonId) -> String {
    let found = context
        .store
        .cache
        .read(move |connection| person::get(connection, id))
        .await;
    match found {
        Ok(Some(person)) => person.name,
        Ok(None) | Err(_) => words("app_name", &[]),
    }
}

#[cfg(test)]
mod tests {
    use im_contract::catalogue;

    #[test]
    fn every_word_used_here_is_in_the_catalogue() {
        for key in [
            "app_name",
            "notify_message_title",
            "notify_message_body",
            "notify_missed_title",
            "notify_missed_body",
        ] {
            assert!(catalogue::has(key), "{key}");
        }
    }
}
