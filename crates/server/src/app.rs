//! Everything that requests and events need, shared by all of them.

use crate::{
    access::Actor,
    auth::{Keys, Passwords, sessions::Seen},
    bulk,
    clock::Clock,
    config::Config,
    dispatch::Table,
    files::Files,
    hub::Hub,
    mail::Bell,
    presence::Presence,
    rates::Rates,
    socket::Live,
    store::Store,
    writer::Writer,
};
use im_protocol::{FeedEpoch, people::Me, sessions::SessionChanged};
use std::sync::{Arc, atomic::AtomicUsize};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The running server's parts.
pub(crate) struct App {
    /// What the operator chose.
    pub(crate) config: Config,
    /// The time.
    pub(crate) clock: Clock,
    /// For reading.
    pub(crate) store: Store,
    /// For writing.
    pub(crate) writer: Writer,
    /// Who is connected.
    pub(crate) hub: Arc<Hub>,
    /// Who counts as there.
    pub(crate) presence: Arc<Presence>,
    /// Devices that have gone since this was last written down.
    pub(crate) seen: Seen,
    /// Signs and checks access tokens.
    pub(crate) keys: Keys,
    /// Hashes and checks passwords.
    pub(crate) passwords: Passwords,
    /// Against floods.
    pub(crate) rates: Rates,
    /// Where files are, and who hands them over.
    pub(crate) files: Files,
    /// Rung when mail was queued.
    pub(crate) bell: Bell,
    /// Told when something is to be written to a whole course.
    pub(crate) bulk: bulk::Bell,
    /// The life of the database.
    pub(crate) epoch: FeedEpoch,
    /// What clients may send.
    pub(crate) events: Table,
    /// Open sockets, those without a handshake included.
    pub(crate) sockets: AtomicUsize,
    /// Cancelled when the server stops: nothing new begins.
    pub(crate) stop: CancellationToken,
    /// What is to be over before the database is closed.
    pub(crate) tasks: TaskTracker,
}

impl App {
    /// A person as they are told of themselves: nothing is left to be shown where nobody asks.
    pub(crate) fn seen(&self, me: Me) -> Me {
        let asks = self.config.mail.is_some() || self.config.requires_verified();
        Me {
            verified: me.verified || !asks,
            ..me
        }
    }

    /// A person as one who asks for something.
    pub(crate) fn actor(&self, me: &Me) -> Actor {
        Actor {
            person: me.person.id,
            role: me.person.role,
            verified: me.verified || !self.config.requires_verified(),
        }
    }

    /// A connection has gone. `for_good` where its device said so, or was silent for long: its
    /// presence then ends at once.
    pub(crate) fn left(&self, live: &Arc<Live>, for_good: bool) {
        if self.hub.detach(live) {
            let now = self.clock.steady();
            self.presence
                .left(live.person(), live.device(), now, for_good);
            self.seen.note(live.session(), self.clock.now());
            self.tell_others(live);
        }
    }

    /// A person's other devices show the list of devices anew.
    pub(crate) fn tell_others(&self, live: &Live) {
        self.hub
            .tell_others(live.person(), live.device(), &SessionChanged {});
    }
}
