//! Which notifications are shown, and what a click on one does.
//!
//! A message of somebody else that has only just been written is shown, unless the person looks at
//! its conversation. A missed call is shown also when it was missed while this device was away, as
//! long as it is unread.

use crate::{
    notify::{Action, Notification, NotificationAction, NotificationId, Urgency},
    session::Context,
    store::{StoreError, conversation, person},
};
use im_contract::catalogue::words;
use im_protocol::{
    ConversationId, PersonId,
    call::CallOutcome,
    conversation::{Content, Message},
};
use std::collections::HashSet;

/// Messages of others that were not known before have been stored.
pub(crate) async fn arrived(context: &Context, messages: &[Message], live: bool) {
    let visible = *context.visible.borrow();
    let mut told = HashSet::new();
    for message in messages {
        match &message.content {
            Content::Call {
                call,
                outcome: CallOutcome::Missed | CallOutcome::Canceled | CallOutcome::Busy,
                ..
            } => {
                let id = NotificationId::MissedCall {
                    call: *call,
                    conversation: message.conversation,
                };
                match unread(context, message).await {
                    Ok(true) => missed(context, id, message.author).await,
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "whether it is unread is not known"),
                }
            }
            Content::Text { .. } | Content::Unknown => {
                let looked_at = visible == Some(message.conversation);
                if live && !looked_at && told.insert(message.conversation) {
                    written(context, message.conversation, message.author).await;
                }
            }
            Content::Call { .. } => {}
        }
    }
}

/// The person has read a conversation, or looks at it.
pub(crate) fn read(context: &Context, conversation: ConversationId) {
    context
        .notifier
        .withdraw(NotificationId::Message(conversation));
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

async fn unread(context: &Context, message: &Message) -> Result<bool, StoreError> {
    let (id, seq) = (message.conversation, message.seq);
    context
        .store
        .cache
        .read(move |connection| {
            let entry = conversation::get(connection, id)?;
            Ok(entry.is_none_or(|entry| seq > entry.read_seq))
        })
        .await
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
