//! What one call has asked of the server and has no answer to, in order.
//!
//! All requests about a call may be repeated without harm, so each is sent until it is answered:
//! again after a reconnect, again when the server says "later". What has lost its meaning is
//! taken out.

use super::words::{Request, Ticket};
use std::collections::VecDeque;

/// Requests kept at most; beyond it the oldest candidates go. They are re-gathered by the next
/// negotiation.
const KEPT: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// To be sent as soon as there is a connection.
    Waiting,
    /// On its way.
    Sent(Ticket),
    /// To be sent again at this time, milliseconds.
    Later(u64),
}

#[derive(Debug)]
struct Item {
    request: Request,
    standing: Standing,
}

/// The queue of one call.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    items: VecDeque<Item>,
}

impl Unacknowledged {
    pub(super) fn push(&mut self, request: Request) {
        if self.items.len() >= KEPT
            && let Some(oldest) = self
                .items
                .iter()
                .position(|item| matches!(item.request, Request::Candidate(_)))
        {
            self.items.remove(oldest);
        }
        self.items.push_back(Item {
            request,
            standing: Standing::Waiting,
        });
    }

    /// What can be sent now, in order, up to the first that has to wait.
    pub(super) fn send(
        &mut self,
        now: u64,
        mut ticket: impl FnMut() -> Ticket,
    ) -> Vec<(Ticket, Request)> {
        let mut out = Vec::new();
        for item in &mut self.items {
            match item.standing {
                Standing::Sent(_) => continue,
                Standing::Later(at) if at > now => break,
                Standing::Waiting | Standing::Later(_) => {
                    let ticket = ticket();
                    item.standing = Standing::Sent(ticket);
                    out.push((ticket, item.request.clone()));
                }
            }
        }
        out
    }

    /// The connection is gone: nothing that was on its way can still be answered.
    pub(super) fn offline(&mut self) {
        for item in &mut self.items {
            item.standing = Standing::Waiting;
        }
    }

    /// The request that this answers, taken out. None for one that lost its meaning meanwhile.
    pub(super) fn answered(&mut self, ticket: Ticket) -> Option<Request> {
        let place = self
            .items
            .iter()
            .position(|item| item.standing == Standing::Sent(ticket))?;
        self.items.remove(place).map(|item| item.request)
    }

    /// Puts off what was on its way. False where it is not here.
    pub(super) fn later(&mut self, ticket: Ticket, at: u64) -> bool {
        let found = self
            .items
            .iter_mut()
            .find(|item| item.standing == Standing::Sent(ticket));
        match found {
            Some(item) => {
                item.standing = Standing::Later(at);
                true
            }
            None => false,
        }
    }

    /// The request on its way under this ticket.
    pub(super) fn get(&self, ticket: Ticket) -> Option<&Request> {
        self.items
            .iter()
            .find(|item| item.standing == Standing::Sent(ticket))
            .map(|item| &item.request)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Request) -> bool) {
        self.items.retain(|item| keep(&item.request));
    }

    pub(super) fn any(&self, is: impl Fn(&Request) -> bool) -> bool {
        self.items.iter().any(|item| is(&item.request))
    }

    /// When the next one that was put off is due.
    pub(super) fn due(&self) -> Option<u64> {
        self.items.iter().find_map(|item| match item.standing {
            Standing::Sent(_) => None,
            Standing::Later(at) => Some(at),
            Standing::Waiting => Some(0),
        })
    }
}
