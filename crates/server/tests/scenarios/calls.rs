//! Sam the student and Maya the mentor call each other through the real server.

mod bad_days;
mod signalling;
mod talking;

use crate::school::{Account, Device, School};
use im_protocol::{
    CallId, ConversationId, DeviceId, WireError,
    call::{
        CallAccept, CallChanged, CallConnected, CallEnd, CallReceipt, CallReject, CallStart,
        CallState, CallView, MediaKinds, RejectReason, RingReceipt,
    },
    conversation::{Changes, ChangesSince, Content, Message},
    sync::{Fact, SnapshotAsk},
};
use std::time::Duration;

/// Sam at his laptop, Maya at her desk and with her tablet, all connected.
pub(super) struct Called {
    pub(super) school: School,
    pub(super) conversation: ConversationId,
    pub(super) sam: Account,
    pub(super) maya: Account,
    pub(super) laptop: Device,
    pub(super) desk: Device,
    pub(super) tablet: Device,
}

impl Called {
    pub(super) async fn new() -> Self {
        let school = School::open().await;
        let (maya, sam, conversation) = school.maya_and_sam().await;
        let mayas_tablet = school.sign_in("Maya", DeviceId::new()).await;
        Self {
            laptop: school.connect(&sam).await,
            desk: school.connect(&maya).await,
            tablet: school.connect(&mayas_tablet).await,
            conversation,
            sam,
            maya,
            school,
        }
    }

    /// Sam rings, and both of Maya's devices hear it.
    pub(super) async fn ringing(&mut self) -> CallId {
        let start = video_call(self.conversation);
        let view = self.laptop.ask(start.clone()).await.unwrap();
        assert_eq!((view.id, view.state), (start.id, CallState::Ringing));
        for device in [&mut self.desk, &mut self.tablet] {
            let rung = hears(device, CallState::Ringing).await;
            assert_eq!(rung.id, start.id);
        }
        start.id
    }

    /// Maya takes it at her desk.
    pub(super) async fn accepted(&mut self) -> CallId {
        let id = self.ringing().await;
        self.desk.accept(id).await.unwrap();
        hears(&mut self.laptop, CallState::Accepted).await;
        id
    }

    /// And both have media.
    pub(super) async fn connected(&mut self) -> CallId {
        let id = self.accepted().await;
        for device in [&self.laptop, &self.desk] {
            device.ask(CallConnected { id }).await.unwrap();
        }
        hears(&mut self.laptop, CallState::Connected).await;
        hears(&mut self.desk, CallState::Connected).await;
        id
    }

    pub(super) fn advance(&self, milliseconds: u64) {
        let clock = self.school.running().clock();
        clock.advance(Duration::from_millis(milliseconds));
    }
}

pub(super) fn video_call(conversation: ConversationId) -> CallStart {
    CallStart {
        id: CallId::new(),
        conversation,
        media: MediaKinds::VIDEO,
        about: "fractions".into(),
    }
}

/// The next word of a call in this state.
pub(super) async fn hears(device: &mut Device, state: CallState) -> CallView {
    let fits = |told: &CallChanged| told.call.state == state;
    device.hear_where(fits).await.call
}

impl Device {
    pub(super) async fn accept(&self, id: CallId) -> Result<CallView, WireError> {
        let media = MediaKinds::AUDIO;
        self.ask(CallAccept { id, media }).await
    }

    pub(super) async fn reject(&self, id: CallId) -> Result<CallView, WireError> {
        let reason = RejectReason::BackSoon;
        self.ask(CallReject { id, reason }).await
    }

    pub(super) async fn hang_up(&self, id: CallId) -> Result<CallView, WireError> {
        self.ask(CallEnd { id, failed: false }).await
    }

    pub(super) async fn shows(&self, id: CallId) {
        let receipt = RingReceipt::Shown;
        self.ask(CallReceipt { id, receipt }).await.unwrap();
    }

    /// The messages of a conversation.
    pub(super) async fn history(&self, conversation: ConversationId) -> Vec<Message> {
        let asked = ChangesSince {
            conversation,
            rev: 0,
            limit: 100,
        };
        let Changes { messages, .. } = self.ask(asked).await.unwrap();
        messages
    }

    /// Unread messages of a conversation.
    pub(super) async fn unread(&self, conversation: ConversationId) -> u32 {
        let snapshot = self.ask(SnapshotAsk { after: None }).await.unwrap();
        let mut all = snapshot.conversations.into_iter();
        all.find(|one| one.id == conversation).unwrap().unread
    }
}

/// The records of calls in a conversation.
pub(super) fn records(messages: &[Message]) -> Vec<&Content> {
    let contents = messages.iter().map(|message| &message.content);
    contents
        .filter(|content| matches!(content, Content::Call { .. }))
        .collect()
}

/// The calls among some facts.
pub(super) fn calls(facts: &[Fact]) -> Vec<&CallView> {
    let calls = facts.iter().filter_map(|fact| match fact {
        Fact::Call(view) => Some(view),
        _ => None,
    });
    calls.collect()
}
