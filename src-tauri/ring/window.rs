//! One ring's window: how it comes up, what the keyboard does in it and how it goes.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use gtk::prelude::*;
use gtk::{gdk, glib};

use super::card::Card;
use super::guard::{KeyGuard, QUIET};
use super::{Ring, RingChoice, RingEvent, look, stack, waiting};
use crate::area::Area;

/// How long the last word of a ring ("answered elsewhere") stays.
const LAST_WORD: Duration = Duration::from_millis(2_500);
/// Room for the shadow around the card, as in `ring.css`.
const SHADOW: i32 = 12;

/// What tells a ring from the app's other windows.
const ROLE: &str = "ring";
/// How high the bar is that says in the main window that it rings, as in `RingBanner.svelte`.
const BAR: i32 = 57;

/// Where a ring is in its short life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ringing,
    /// The person decided.
    Chosen,
    Ended,
}

/// A ring's window and what belongs to it. Lives on GTK's thread.
pub(super) struct View {
    id: u64,
    window: gtk::Window,
    card: Card,
    connecting: String,
    waiting: String,
    /// When the caller began to wait, by this machine's monotonic clock.
    since: Instant,
    work: Area,
    floating: bool,
    guard: RefCell<KeyGuard>,
    phase: Cell<Phase>,
    shown: Cell<bool>,
    on_event: Box<dyn Fn(RingEvent)>,
}

impl View {
    /// Makes the window without showing it. `asked` is when the ring was asked for.
    pub(super) fn new(
        id: u64,
        ring: &Ring,
        asked: Instant,
        on_event: Box<dyn Fn(RingEvent)>,
    ) -> Self {
        look::load();
        let window = gtk::Window::new(gtk::WindowType::Toplevel);
        let floating = see_through(&window);
        window.set_title(&ring.texts.title);
        window.set_role(ROLE);
        window.set_type_hint(gdk::WindowTypeHint::Dialog);
        window.set_decorated(false);
        window.set_resizable(false);
        window.set_keep_above(true);
        window.stick();
        window.set_skip_taskbar_hint(true);
        window.set_skip_pager_hint(true);
        // Not even a window manager that hands the keyboard to every new window gives it to one
        // that does not take it. It takes it once nobody can be typing into it by accident.
        window.set_accept_focus(false);
        window.set_focus_on_map(false);
        window.style_context().add_class(ring.theme.class());
        if let Some(accessible) = window.accessible() {
            accessible.set_role(gtk::atk::Role::Alert);
            accessible.set_name(&ring.texts.title);
        }
        let card = Card::new(ring, move |choice| stack::choose(id, choice));
        window.add(card.widget());
        let view = Self {
            id,
            window,
            card,
            connecting: ring.texts.connecting.clone(),
            waiting: ring.texts.waiting.clone(),
            since: asked.checked_sub(ring.waiting).unwrap_or(asked),
            work: work_area(),
            floating,
            guard: RefCell::new(KeyGuard::new(asked)),
            phase: Cell::new(Phase::Ringing),
            shown: Cell::new(false),
            on_event,
        };
        view.tick();
        view.connect();
        view
    }

    /// Which ring this is.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The part of the screen that it was opened on.
    pub(super) fn work(&self) -> Area {
        self.work
    }

    /// Whether it brings its own shadow, and with it its own distance to its neighbours.
    pub(super) fn floating(&self) -> bool {
        self.floating
    }

    /// Width and height that it has or will have.
    pub(super) fn size(&self) -> (i32, i32) {
        let (_, natural) = self.window.preferred_size();
        (natural.width, natural.height)
    }

    /// Puts it there.
    pub(super) fn place(&self, (x, y): (i32, i32)) {
        self.window.move_(x, y);
    }

    /// Brings it up.
    pub(super) fn show(&self) {
        self.window.show();
        // GTK forgets this where it is set before the window is there.
        self.window.set_urgency_hint(true);
        // GTK has just chosen the first button; then Enter would press that.
        self.window.set_focus(None::<&gtk::Widget>);
    }

    /// Tells the shell what was chosen, once, and changes what is shown. Says whether it counted.
    pub(super) fn choose(&self, choice: &RingChoice) -> bool {
        if self.phase.get() != Phase::Ringing {
            return false;
        }
        self.settle(Phase::Chosen);
        if matches!(choice, RingChoice::AcceptVideo | RingChoice::AcceptAudio) {
            self.card.settle(&self.connecting);
        }
        (self.on_event)(RingEvent::Chosen(choice.clone()));
        true
    }

    /// Says who calls.
    pub(super) fn rename(&self, name: &str, initials: &str, title: &str) {
        self.window.set_title(title);
        if let Some(accessible) = self.window.accessible() {
            accessible.set_name(title);
        }
        self.card.set_name(name, initials);
    }

    /// Shows a last word, and asks to be closed shortly after.
    pub(super) fn end(&self, words: &str) {
        if self.phase.get() == Phase::Ended {
            return;
        }
        self.settle(Phase::Ended);
        self.card.settle(words);
        let id = self.id;
        glib::timeout_add_local_once(LAST_WORD, move || stack::close(id));
    }

    /// Takes it off the screen and lets GTK destroy it.
    pub(super) fn close(&self) {
        self.settle(Phase::Ended);
        self.window.hide();
        self.window.close();
    }

    /// Writes the waiting time and comes again when it changes.
    pub(super) fn tick(&self) {
        if self.phase.get() != Phase::Ringing {
            return;
        }
        let waited = self.since.elapsed();
        self.card
            .set_waiting(&waiting::sentence(&self.waiting, waited));
        let id = self.id;
        glib::timeout_add_local_once(waiting::until_next(waited), move || {
            if let Some(view) = stack::find(id) {
                view.tick();
            }
        });
    }

    fn settle(&self, phase: Phase) {
        self.phase.set(phase);
        self.window.set_urgency_hint(false);
    }

    /// The handlers know the ring by its id only, so that none of them keeps it alive.
    fn connect(&self) {
        let id = self.id;
        let window = &self.window;
        window.connect_draw(move |_, _| {
            if let Some(view) = stack::find(id)
                && !view.shown.replace(true)
            {
                view.first_paint();
            }
            glib::Propagation::Proceed
        });
        window.connect_size_allocate(move |_, _| {
            // Not now: the window is in the middle of taking its size.
            glib::idle_add_local_once(stack::arrange);
        });
        window.connect_button_press_event(move |_, _| {
            guard(id, |guard| guard.click());
            glib::Propagation::Proceed
        });
        window.connect_focus_in_event(move |window, _| {
            guard(id, |guard| guard.focus_in(Instant::now()));
            window.set_urgency_hint(false);
            glib::Propagation::Proceed
        });
        window.connect_focus_out_event(move |_, _| {
            guard(id, KeyGuard::focus_out);
            glib::Propagation::Proceed
        });
        window.connect_key_press_event(move |_, event| {
            stack::find(id).map_or(glib::Propagation::Stop, |view| view.key(event))
        });
        window.connect_key_release_event(move |_, event| {
            let counts = guard(id, |guard| guard.release(event.hardware_keycode()));
            if counts == Some(true) {
                glib::Propagation::Proceed
            } else {
                glib::Propagation::Stop
            }
        });
        window.connect_delete_event(move |_, _| {
            // A ring that is not on the stack any more is being destroyed, which is GTK's default.
            stack::choose(id, RingChoice::Dismissed);
            glib::Propagation::Proceed
        });
    }

    fn first_paint(&self) {
        self.guard.borrow_mut().shown(Instant::now());
        let id = self.id;
        // After this turn of the loop the picture is with the display server.
        glib::idle_add_local_once(move || {
            // One that was over before it was seen was not shown to anybody.
            if let Some(view) = stack::find(id)
                && view.phase.get() == Phase::Ringing
            {
                (view.on_event)(RingEvent::Shown);
            }
        });
        glib::timeout_add_local_once(QUIET, move || {
            if let Some(view) = stack::find(id) {
                view.window.set_accept_focus(true);
            }
        });
    }

    fn key(&self, event: &gdk::EventKey) -> glib::Propagation {
        use gdk::keys::constants as key;
        let counts = self
            .guard
            .borrow_mut()
            .press(event.hardware_keycode(), Instant::now());
        if !counts || self.phase.get() != Phase::Ringing {
            return glib::Propagation::Stop;
        }
        let pressed = event.keyval();
        if pressed == key::Escape {
            if !self.card.fold() {
                stack::choose(self.id, RingChoice::Decline { reason: None });
            }
            return glib::Propagation::Stop;
        }
        let enter = pressed == key::Return || pressed == key::KP_Enter || pressed == key::ISO_Enter;
        // Once the person has gone to a button with Tab, Enter presses that button.
        if enter && self.window.focused_widget().is_none() {
            stack::choose(self.id, RingChoice::AcceptAudio);
            return glib::Propagation::Stop;
        }
        glib::Propagation::Proceed
    }
}

fn guard<T>(id: u64, ask: impl FnOnce(&mut KeyGuard) -> T) -> Option<T> {
    stack::find(id).map(|view| ask(&mut view.guard.borrow_mut()))
}

/// Lets the desktop shine through around the card where there is a compositor to do it. Elsewhere
/// what is meant to be transparent would be black.
fn see_through(window: &gtk::Window) -> bool {
    let Some(screen) = WidgetExt::screen(window) else {
        return false;
    };
    let Some(visual) = screen.rgba_visual().filter(|_| screen.is_composited()) else {
        return false;
    };
    window.set_visual(Some(&visual));
    window.set_app_paintable(true);
    window.style_context().add_class("floating");
    // Pointer presses on the shadow belong to what is below it.
    window.connect_size_allocate(|window, size| {
        let card = gtk::cairo::RectangleInt::new(
            SHADOW,
            SHADOW,
            size.width() - 2 * SHADOW,
            size.height() - 2 * SHADOW,
        );
        let region = gtk::cairo::Region::create_rectangle(&card);
        window.input_shape_combine_region(Some(&region));
    });
    true
}

/// Where the main window says that it rings, if it is on screen: at its upper edge, with what can be
/// done at its end. A ring that covered it would leave two halves of two answers.
pub(super) fn bar_behind() -> Option<Area> {
    gtk::Window::list_toplevels()
        .into_iter()
        .filter_map(|widget| widget.downcast::<gtk::Window>().ok())
        .filter(|window| {
            window.role().as_deref() != Some(ROLE)
                && window.window_type() == gtk::WindowType::Toplevel
                && window.type_hint() == gdk::WindowTypeHint::Normal
                && window.is_visible()
        })
        .find_map(|window| {
            let surface = window.window()?;
            if surface.state().contains(gdk::WindowState::ICONIFIED) {
                return None;
            }
            let (_, x, y) = surface.origin();
            Some(Area {
                x,
                y,
                width: surface.width(),
                height: BAR,
            })
        })
}

/// The usable part of the screen where the pointer is; on systems that do not tell where that is,
/// of the first screen.
fn work_area() -> Area {
    let display = gdk::Display::default();
    let monitor = display.as_ref().and_then(|display| {
        let pointed = display
            .default_seat()
            .and_then(|seat| seat.pointer())
            .map(|pointer| {
                let (_, x, y) = pointer.position();
                (x, y)
            });
        pointed
            .and_then(|(x, y)| display.monitor_at_point(x, y))
            .or_else(|| display.primary_monitor())
            .or_else(|| display.monitor(0))
    });
    monitor.map_or(
        Area {
            x: 0,
            y: 0,
            width: 1280,
            height: 720,
        },
        |monitor| {
            let area = monitor.workarea();
            Area {
                x: area.x(),
                y: area.y(),
                width: area.width(),
                height: area.height(),
            }
        },
    )
}
