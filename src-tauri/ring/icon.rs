//! The ring's few icons, drawn as lines in the colour of the text beside them. An icon theme or an
//! SVG loader is not always installed, and a ring without its signs would be worse than none.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use gtk::prelude::*;
use gtk::{cairo, glib};

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Icon {
    /// With picture.
    Camera,
    /// With sound.
    Microphone,
    /// No.
    Cross,
    /// There is more below.
    Chevron,
}

const SIZE: i32 = 16;
/// The drawings' own grid.
const GRID: f64 = 24.0;

impl Icon {
    /// A widget with the drawing. It says nothing to screen readers: the words beside it do.
    pub(super) fn widget(self) -> gtk::DrawingArea {
        let area = gtk::DrawingArea::new();
        area.set_size_request(SIZE, SIZE);
        area.set_valign(gtk::Align::Center);
        area.connect_draw(move |area, cr| {
            let context = area.style_context();
            let colour = context.color(context.state());
            if let Err(error) = self.draw(cr, &colour) {
                tracing::debug!(%error, "an icon was not drawn");
            }
            glib::Propagation::Proceed
        });
        area
    }

    fn draw(self, cr: &cairo::Context, colour: &gtk::gdk::RGBA) -> Result<(), cairo::Error> {
        let scale = f64::from(SIZE) / GRID;
        cr.scale(scale, scale);
        cr.set_line_width(2.25);
        cr.set_line_cap(cairo::LineCap::Round);
        cr.set_line_join(cairo::LineJoin::Round);
        cr.set_source_rgba(colour.red(), colour.green(), colour.blue(), colour.alpha());
        match self {
            Self::Camera => {
                round_box(cr, (2.0, 5.5), (14.0, 13.0), 2.5);
                polyline(cr, &[(16.0, 10.5), (22.0, 7.0), (22.0, 17.0), (16.0, 13.5)]);
                cr.stroke()
            }
            Self::Microphone => {
                round_box(cr, (9.0, 2.0), (6.0, 12.0), 3.0);
                cr.new_sub_path();
                cr.arc(12.0, 11.0, 7.0, 0.0, PI);
                polyline(cr, &[(12.0, 18.0), (12.0, 22.0)]);
                cr.stroke()
            }
            Self::Cross => {
                polyline(cr, &[(6.0, 6.0), (18.0, 18.0)]);
                polyline(cr, &[(18.0, 6.0), (6.0, 18.0)]);
                cr.stroke()
            }
            Self::Chevron => {
                polyline(cr, &[(6.0, 9.0), (12.0, 15.0), (18.0, 9.0)]);
                cr.stroke()
            }
        }
    }
}

fn polyline(cr: &cairo::Context, points: &[(f64, f64)]) {
    cr.new_sub_path();
    for &(x, y) in points {
        cr.line_to(x, y);
    }
}

fn round_box(cr: &cairo::Context, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) {
    let (right, bottom) = (x + width - radius, y + height - radius);
    cr.new_sub_path();
    cr.arc(right, y + radius, radius, -FRAC_PI_2, 0.0);
    cr.arc(right, bottom, radius, 0.0, FRAC_PI_2);
    cr.arc(x + radius, bottom, radius, FRAC_PI_2, PI);
    cr.arc(x + radius, y + radius, radius, PI, TAU - FRAC_PI_2);
    cr.close_path();
}
