//! Which keys count: a typed Enter must not open a microphone.
//!
//! A window that comes up while somebody types can get the keyboard without being asked for, by
//! the window manager or because the window before it closed. So keys count only after the ring has been there for
//! a moment, and only a moment after the keyboard came to it, unless the person clicked on it. A
//! key that was down before that stays without effect until it is let go.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long a ring must have been on screen, and must have had the keyboard, before keys count.
pub(super) const QUIET: Duration = Duration::from_millis(700);

/// Decides for one ring which key presses count. Time and input go in, a verdict comes out.
#[derive(Debug)]
pub(super) struct KeyGuard {
    opened: Instant,
    focused: Option<Instant>,
    clicked: bool,
    /// Hardware codes of keys that went down while keys did not count.
    held: HashSet<u16>,
}

impl KeyGuard {
    /// For a ring that came on screen at `opened`.
    pub(super) fn new(opened: Instant) -> Self {
        Self {
            opened,
            focused: None,
            clicked: false,
            held: HashSet::new(),
        }
    }

    /// The window was painted only now: its first moment begins here.
    pub(super) fn shown(&mut self, now: Instant) {
        self.opened = now;
    }

    /// The keyboard came to the window.
    pub(super) fn focus_in(&mut self, now: Instant) {
        self.focused = Some(now);
    }

    /// The keyboard went elsewhere; releases will not be heard any more.
    pub(super) fn focus_out(&mut self) {
        self.focused = None;
        self.clicked = false;
        self.held.clear();
    }

    /// The person pressed the pointer in the window.
    pub(super) fn click(&mut self) {
        self.clicked = true;
    }

    /// Whether the press of the key with this hardware code counts.
    pub(super) fn press(&mut self, key: u16, now: Instant) -> bool {
        if !self.armed(now) {
            self.held.insert(key);
            return false;
        }
        !self.held.contains(&key)
    }

    /// A key was let go. Says whether its press had counted, as far as is known.
    pub(super) fn release(&mut self, key: u16) -> bool {
        !self.held.remove(&key)
    }

    fn armed(&self, now: Instant) -> bool {
        let since = |then: Instant| now.saturating_duration_since(then) >= QUIET;
        match self.focused {
            Some(focused) => since(self.opened) && (self.clicked || since(focused)),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTER: u16 = 36;
    const ESC: u16 = 9;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn maya_types_on_while_it_pops_up_and_nothing_happens() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.focus_in(t0);
        assert!(!guard.press(ENTER, after(t0, 5)));
        assert!(!guard.press(ENTER, after(t0, 699)));
    }

    #[test]
    fn keys_do_not_count_without_the_keyboard_being_there() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        assert!(!guard.press(ENTER, after(t0, 5_000)));
    }

    #[test]
    fn maya_clicks_on_the_ring_and_presses_enter_at_once() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.click();
        guard.focus_in(after(t0, 2_000));
        assert!(guard.press(ENTER, after(t0, 2_050)));
    }

    #[test]
    fn a_click_does_not_shorten_the_first_moment() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.focus_in(after(t0, 100));
        guard.click();
        assert!(!guard.press(ENTER, after(t0, 699)));
        guard.release(ENTER);
        assert!(guard.press(ENTER, after(t0, 700)));
    }

    #[test]
    fn the_keyboard_that_falls_to_the_ring_by_itself_waits_too() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        // Maya closes a dialog with Enter; the window manager hands the keyboard to the ring.
        guard.focus_in(after(t0, 10_000));
        assert!(!guard.press(ENTER, after(t0, 10_100)));
        guard.release(ENTER);
        assert!(guard.press(ENTER, after(t0, 10_700)));
    }

    #[test]
    fn a_key_held_down_since_before_stays_without_effect_until_it_is_let_go() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.focus_in(t0);
        assert!(!guard.press(ENTER, after(t0, 600)));
        assert!(
            !guard.press(ENTER, after(t0, 800)),
            "the repeat of a held key"
        );
        assert!(
            guard.press(ESC, after(t0, 800)),
            "another key is another matter"
        );
        assert!(!guard.release(ENTER), "its press did not count");
        assert!(guard.press(ENTER, after(t0, 900)));
        assert!(guard.release(ENTER));
    }

    #[test]
    fn leaving_and_coming_back_begins_anew() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.click();
        guard.focus_in(after(t0, 1_000));
        guard.focus_out();
        guard.focus_in(after(t0, 5_000));
        assert!(!guard.press(ENTER, after(t0, 5_001)));
    }

    #[test]
    fn the_first_moment_counts_from_the_painting() {
        let t0 = Instant::now();
        let mut guard = KeyGuard::new(t0);
        guard.focus_in(t0);
        guard.shown(after(t0, 400));
        assert!(!guard.press(ENTER, after(t0, 1_000)));
        guard.release(ENTER);
        assert!(guard.press(ENTER, after(t0, 1_100)));
    }
}
