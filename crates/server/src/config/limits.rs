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
    /// New connections from one address.
    pub connects: Rate,
    /// Registering, signing in and accepting invitations from one address.
    pub sign_ins: Rate,
    /// Signing in to one account, wherever from.
    pub sign_ins_per_account: Rate,
    /// Refreshing tokens from one address.
    pub refreshes: Rate,
    /// Messages of one person.
    pub messages: Rate,
    /// Call events and signalling of one person.
    pub signals: Rate,
    /// All other events and REST requests of one person.
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
            connects: Rate::new(200, 20.0),
            sign_ins: Rate::new(20, 0.5),
            sign_ins_per_account: Rate::new(10, 0.1),
            refreshes: Rate::new(200, 5.0),
            messages: Rate::new(500, 50.0),
            signals: Rate::new(300, 50.0),
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
            connects: wide,
            sign_ins: wide,
            sign_ins_per_account: wide,
            refreshes: wide,
            messages: wide,
            signals: wide,
            requests: wide,
        }
    }
}
