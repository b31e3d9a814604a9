//! The rings that are open, on GTK's thread, and their order on the screen.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use super::window::{View, bar_behind};
use super::{Ring, RingChoice, RingEvent, place};

thread_local! {
    /// Oldest first. Borrowed only to look something up: GTK calls back in the middle of things.
    static RINGS: RefCell<Vec<Rc<View>>> = const { RefCell::new(Vec::new()) };
}

/// Opens a ring.
pub(super) fn open(id: u64, ring: &Ring, asked: Instant, on_event: Box<dyn Fn(RingEvent)>) {
    tracing::debug!(call = ring.call_id, "a ring opens");
    let view = Rc::new(View::new(id, ring, asked, on_event));
    RINGS.with_borrow_mut(|rings| rings.push(Rc::clone(&view)));
    arrange();
    view.show();
}

/// The ring with this id, as long as it is open.
pub(super) fn find(id: u64) -> Option<Rc<View>> {
    RINGS.with_borrow(|rings| rings.iter().find(|view| view.id() == id).map(Rc::clone))
}

/// Hands on what the person chose, and closes the ring unless it has something left to show.
pub(super) fn choose(id: u64, choice: RingChoice) {
    let Some(view) = find(id) else { return };
    let counted = view.choose(&choice);
    match choice {
        RingChoice::AcceptVideo | RingChoice::AcceptAudio => {}
        RingChoice::Decline { .. } if !counted => {}
        RingChoice::Decline { .. } | RingChoice::Dismissed => close(id),
    }
}

/// Says who calls.
pub(super) fn rename(id: u64, name: &str, initials: &str, title: &str) {
    if let Some(view) = find(id) {
        view.rename(name, initials, title);
    }
}

/// Shows a ring's last word.
pub(super) fn end(id: u64, words: &str) {
    if let Some(view) = find(id) {
        view.end(words);
    }
}

/// Closes a ring; those below move up.
pub(super) fn close(id: u64) {
    let Some(view) = find(id) else { return };
    RINGS.with_borrow_mut(|rings| rings.retain(|view| view.id() != id));
    view.close();
    arrange();
}

/// Puts every ring in its place, on each screen by itself.
pub(super) fn arrange() {
    let mut rings = RINGS.with_borrow(Clone::clone);
    let bar = bar_behind();
    while let Some(first) = rings.first() {
        let (work, gap) = (first.work(), if first.floating() { 0 } else { place::GAP });
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            rings.into_iter().partition(|view| view.work() == work);
        let sizes: Vec<_> = here.iter().map(|view| view.size()).collect();
        for (view, corner) in here.iter().zip(place::stack(work, gap, bar, &sizes)) {
            view.place(corner);
        }
        rings = elsewhere;
    }
}
