//! Sam the student and Maya the mentor call each other: real cores, the real server, simulated
//! media.

mod bad_days;
mod talking;

use super::device::{DEADLINE, Device};
use im_contract::{
    Commands, CoreEvent,
    args::{CallAcceptArgs, CallArgs, CallStartArgs, Nothing, ReadArgs},
    views::{CallPhase, CallProgress, Ring, RingEnd},
};
use im_core::notify::NotificationId;
use im_protocol::{CallId, ConversationId, people::Role};
use im_testkit::TestServer;
use tokio::time::timeout;

/// The two with a device each, in a conversation about a course.
struct Pair {
    server: TestServer,
    conversation: ConversationId,
    sam: Device,
    maya: Device,
}

impl Pair {
    async fn new() -> Self {
        let server = TestServer::start().await;
        server.person("Maya", Role::Mentor).await;
        server.person("Sam", Role::Student).await;
        let conversation = server.course("Algebra", "Maya", "Sam").await;
        Self {
            sam: Device::of("Sam", &server.url()).await,
            maya: Device::of("Maya", &server.url()).await,
            conversation,
            server,
        }
    }

    /// Sam rings, and Maya's device shows it.
    async fn ringing(&mut self) -> CallId {
        let call = self.sam.rings_up(self.conversation).await;
        assert_eq!(self.maya.ring().await.call, call.call);
        call.call
    }

    /// And Maya takes it.
    async fn connected(&mut self) -> CallId {
        let call = self.ringing().await;
        self.maya.accept(call).await;
        self.sam.phase(CallPhase::Connected).await;
        self.maya.phase(CallPhase::Connected).await;
        call
    }
}

impl Device {
    /// Starts a video call.
    async fn rings_up(&self, conversation: ConversationId) -> CallProgress {
        let args = CallStartArgs {
            conversation,
            video: true,
            about: "fractions".to_owned(),
        };
        self.core.calls_start(args).await.unwrap()
    }

    /// Waits for a ring.
    async fn ring(&mut self) -> Ring {
        self.until("it rings", |core| {
            Box::pin(async move { !rings(core).await.is_empty() })
        })
        .await;
        rings(&self.core).await.remove(0)
    }

    /// Waits until a ring is told.
    async fn ring_told(&mut self) -> Ring {
        let told = async {
            loop {
                match self.events.recv().await {
                    Some(CoreEvent::Ring(ring)) => return ring,
                    Some(_) => {}
                    None => panic!("the core is gone"),
                }
            }
        };
        timeout(DEADLINE, told).await.expect("no ring is told")
    }

    /// Waits until nothing rings.
    async fn quiet(&mut self) {
        self.until("nothing rings", |core| {
            Box::pin(async move { rings(core).await.is_empty() })
        })
        .await;
    }

    /// Waits for the event that a call does not ring here anymore.
    async fn ring_end(&mut self, call: CallId) -> RingEnd {
        let told = async {
            loop {
                match self.events.recv().await {
                    Some(CoreEvent::RingEnded { call: of, end }) if of == call => return end,
                    Some(_) => {}
                    None => panic!("the core is gone"),
                }
            }
        };
        timeout(DEADLINE, told).await.expect("it rings on")
    }

    async fn accept(&self, call: CallId) {
        let args = CallAcceptArgs { call, video: false };
        self.core.calls_accept(args).await.unwrap();
    }

    async fn hang_up(&self, call: CallId) {
        self.core.calls_hang_up(CallArgs { call }).await.unwrap();
    }

    async fn current(&self) -> Option<CallProgress> {
        self.core.calls_current(Nothing {}).await.unwrap()
    }

    /// Waits until the call on this device has come this far.
    async fn phase(&mut self, phase: CallPhase) -> CallProgress {
        self.until(&format!("the call is {phase:?}"), |core| {
            Box::pin(async move {
                let current = core.calls_current(Nothing {}).await.unwrap();
                current.is_some_and(|call| call.phase == phase)
            })
        })
        .await;
        self.current().await.unwrap()
    }
}

#[tokio::test]
async fn a_missed_call_is_notified_until_the_conversation_is_read_wherever_that_is() {
    let mut pair = Pair::new().await;
    let mut laptop = Device::of("Maya", &pair.server.url()).await;
    let call = pair.ringing().await;
    pair.sam.hang_up(call).await;
    let conversation = pair.conversation;
    let missed = NotificationId::MissedCall { call, conversation };
    for device in [&mut pair.maya, &mut laptop] {
        device.shows(&[missed]).await;
    }
    let seq = laptop.conversations().await[0].head_seq;
    let args = ReadArgs { conversation, seq };
    laptop.core.conversations_read(args).await.unwrap();
    laptop.shows(&[]).await;
    pair.maya.shows(&[]).await;
}

async fn rings(core: &im_core::Core) -> Vec<Ring> {
    core.calls_rings(Nothing {}).await.unwrap()
}
