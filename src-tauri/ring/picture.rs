//! The caller's picture: initials on a disc, with a slow pulse around it while it rings.

use std::cell::Cell;
use std::f64::consts::TAU;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gtk::prelude::*;
use gtk::{cairo, glib};

use super::Rgb;

const DISC: f64 = 56.0;
/// The disc and as much around it as the pulse needs.
const SIZE: i32 = 80;
const PERIOD: Duration = Duration::from_millis(2_400);
/// Smooth enough for something this slow, at a third of the work of every frame.
const STEP: Duration = Duration::from_millis(50);

/// The picture and the switch of its pulse.
pub(super) struct Picture {
    root: gtk::Overlay,
    label: gtk::Label,
    pulsing: Rc<Cell<bool>>,
}

impl Picture {
    /// Draws `initials` on a disc of this colour. It pulses where the desktop wants animations.
    pub(super) fn new(initials: &str, colour: Rgb) -> Self {
        let root = gtk::Overlay::new();
        root.set_valign(gtk::Align::Start);
        let label = gtk::Label::new(Some(initials));
        label.style_context().add_class("initials");
        let pulsing = Rc::new(Cell::new(true));
        let area = gtk::DrawingArea::new();
        area.set_size_request(SIZE, SIZE);
        let began = Instant::now();
        let animated = gtk::Settings::default().is_some_and(|s| s.is_gtk_enable_animations());
        area.connect_draw({
            let pulsing = Rc::clone(&pulsing);
            move |_, cr| {
                let halo = pulsing
                    .get()
                    .then(|| halo(animated.then(|| began.elapsed())));
                if let Err(error) = draw(cr, colour, halo) {
                    tracing::debug!(%error, "the picture was not drawn");
                }
                glib::Propagation::Proceed
            }
        });
        if animated {
            let (area, pulsing) = (area.downgrade(), Rc::clone(&pulsing));
            glib::timeout_add_local(STEP, move || match area.upgrade() {
                Some(area) if pulsing.get() => {
                    area.queue_draw();
                    glib::ControlFlow::Continue
                }
                _ => glib::ControlFlow::Break,
            });
        }
        root.add(&area);
        root.add_overlay(&label);
        Self {
            root,
            label,
            pulsing,
        }
    }

    /// The widget to put into the card.
    pub(super) fn widget(&self) -> &gtk::Overlay {
        &self.root
    }

    /// Writes other letters on it.
    pub(super) fn set_initials(&self, initials: &str) {
        self.label.set_text(initials);
    }

    /// Ends the pulse.
    pub(super) fn rest(&self) {
        self.pulsing.set(false);
        self.root.queue_draw();
    }
}

/// A ring around the disc: how far out of the disc, in pixels, and how opaque.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Halo {
    reach: f64,
    alpha: f64,
}

/// The halo at a time since the beginning; without a time one that stands still.
fn halo(elapsed: Option<Duration>) -> Halo {
    let room = (f64::from(SIZE) - DISC) / 2.0;
    let Some(elapsed) = elapsed else {
        return Halo {
            reach: room / 2.0,
            alpha: 0.25,
        };
    };
    let phase = (elapsed.as_secs_f64() / PERIOD.as_secs_f64()).fract();
    // Out quickly, then slower, and gone before it starts anew.
    let out = 1.0 - (1.0 - phase).powi(3);
    Halo {
        reach: room * out,
        alpha: 0.45 * (1.0 - phase).powi(2),
    }
}

fn draw(cr: &cairo::Context, Rgb(r, g, b): Rgb, halo: Option<Halo>) -> Result<(), cairo::Error> {
    let (r, g, b) = (
        f64::from(r) / 255.0,
        f64::from(g) / 255.0,
        f64::from(b) / 255.0,
    );
    let centre = f64::from(SIZE) / 2.0;
    if let Some(Halo { reach, alpha }) = halo {
        cr.set_source_rgba(r, g, b, alpha);
        cr.arc(centre, centre, DISC / 2.0 + reach, 0.0, TAU);
        cr.fill()?;
    }
    cr.set_source_rgb(r, g, b);
    cr.arc(centre, centre, DISC / 2.0, 0.0, TAU);
    cr.fill()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulse_goes_out_and_fades_within_its_room() {
        let mut before = Halo {
            reach: -1.0,
            alpha: 1.0,
        };
        for step in 0..48 {
            let now = halo(Some(STEP * step));
            assert!(now.reach > before.reach && now.reach <= 12.0);
            assert!(now.alpha < before.alpha && now.alpha >= 0.0);
            before = now;
        }
        assert!(before.alpha < 0.001, "nothing jumps when it starts anew");
        assert_eq!(halo(Some(PERIOD)), halo(Some(Duration::ZERO)));
    }

    #[test]
    fn without_animations_it_stands_still_and_is_still_seen() {
        let still = halo(None);
        assert!(still.reach > 0.0 && still.alpha > 0.0);
    }
}
