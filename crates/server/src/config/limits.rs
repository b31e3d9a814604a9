//! What one client, one address and the whole server may use.

use serde::Deserialize;

/// Rates are a burst that may come at once and a number per second at which it fills up again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections in all.
    pub sockets: usize,
    /// Connections of one person.
    pub sockets_per_person: usize,
    /// How long a connection may be without a request, or take for the head or the body of one,
    /// milliseconds.
    pub request_ms: u64,
    /// New connections from one address. The /64 of an IPv6 address counts as one, here and below.
    pub connects: Rate,
    /// Registering, signing in and accepting invitations from one address.
    pub sign_ins: Rate,
    /// Signing in to one account from one address.
    pub sign_ins_per_account: Rate,
    /// Signing in to one account, wherever from. Who guesses from many addresses can keep its owner
    /// out with it, so it is wide.
    pub sign_ins_per_account_anywhere: Rate,
    /// Refreshing tokens from one address.
    pub refreshes: Rate,
    /// Mails that are asked for from one address.
    pub mails: Rate,
    /// Mails that are asked for to one e-mail address, wherever from.
    pub mails_per_account: Rate,
    /// Exports of everything, of one person.
    pub exports: Rate,
    /// Files that one person begins to hand over, or fetches.
    pub files: Rate,
    /// What one person writes to whole courses.
    pub bulks: Rate,
    /// What one person reports.
    pub reports: Rate,
    /// Messages of one person.
    pub messages: Rate,
    /// Calls that one person starts.
    pub calls: Rate,
    /// Call events and signalling of one person, the starts included.
    pub signals: Rate,
    /// What the devices of one person say they have stored.
    pub acks: Rate,
    /// All other events and REST requests of one person, those that cannot be read included.
    pub requests: Rate,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// How many a second in the long run; may be a fraction.
    pub per_second: f64,
}

impl Rate {
    const fn new(burst: u32, per_second: f64) -> Self {
        Self { burst, per_second }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 10_000,
            sockets_per_person: 20,
            request_ms: 30_000,
            connects: Rate::new(200, 20.0),
            sign_ins: Rate::new(20, 0.5),
            sign_ins_per_account: Rate::new(10, 0.1),
            sign_ins_per_account_anywhere: Rate::new(100, 1.0),
            refreshes: Rate::new(200, 5.0),
            // A class that registers behind one address is not held up by it: registering counts as
            // signing in.
            mails: Rate::new(20, 0.05),
            mails_per_account: Rate::new(3, 1.0 / 300.0),
            exports: Rate::new(3, 1.0 / 600.0),
            // A long conversation with pictures, scrolled through.
            files: Rate::new(300, 20.0),
            bulks: Rate::new(5, 1.0 / 60.0),
            reports: Rate::new(10, 1.0 / 60.0),
            messages: Rate::new(500, 50.0),
            calls: Rate::new(6, 0.1),
            signals: Rate::new(300, 50.0),
            // One for each batch of facts: more than a window's worth waits for nobody.
            acks: Rate::new(1_000, 200.0),
            requests: Rate::new(300, 50.0),
        }
    }
}

impl Limits {
    /// Limits so wide that only a flood meets them: for load tests from one address, and for a
    /// school behind one address.
    #[must_use]
    pub fn wide() -> Self {
        let wide = Rate::new(100_000, 20_000.0);
        Self {
            sockets: 20_000,
            sockets_per_person: 1_000,
            request_ms: 30_000,
            connects: wide,
            sign_ins: wide,
            sign_ins_per_account: wide,
            sign_ins_per_account_anywhere: wide,
            refreshes: wide,
            mails: wide,
            mails_per_account: wide,
            exports: wide,
            files: wide,
            bulks: wide,
            reports: wide,
            messages: wide,
            calls: wide,
            signals: wide,
            acks: wide,
            requests: wide,
        }
    }
}
