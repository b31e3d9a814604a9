//! The styles of both themes, loaded once for the screen.

use std::cell::Cell;

use gtk::prelude::*;

use super::Theme;

const TEMPLATE: &str = include_str!("ring.css");

/// Names of colours in the template with their values. Text on its ground has a contrast of at
/// least 4.5 to 1 in both themes (WCAG 2.2, 1.4.3).
type Palette = [(&'static str, &'static str)];

const LIGHT: &Palette = &[
    ("surface", "#ffffff"),
    ("border", "#c9ccd4"),
    ("shadow", "rgba(20, 22, 28, 0.28)"),
    ("text", "#1b1d23"),
    ("muted", "#5c616d"),
    ("line", "#dfe1e7"),
    ("control", "#f4f5f7"),
    ("control_hover", "#eaecf0"),
    ("control_active", "#dfe1e7"),
    ("green", "#1a7f4b"),
    ("green_hover", "#16703f"),
    ("green_active", "#125f35"),
    ("red", "#b3261e"),
    ("focus", "#4f5bd5"),
];

const DARK: &Palette = &[
    ("surface", "#1e2027"),
    ("border", "#3a3e4a"),
    ("shadow", "rgba(0, 0, 0, 0.55)"),
    ("text", "#f0f1f4"),
    ("muted", "#a5abb8"),
    ("line", "#3a3e4a"),
    ("control", "#2a2d36"),
    ("control_hover", "#343843"),
    ("control_active", "#3e424e"),
    ("green", "#1a7f4b"),
    ("green_hover", "#1f8752"),
    ("green_active", "#166b40"),
    ("red", "#ff9389"),
    ("focus", "#9aa3ff"),
];

impl Theme {
    /// The class of a ring's window in this theme.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Light => "im-ring-light",
            Self::Dark => "im-ring-dark",
            Self::System if desktop_is_dark() => "im-ring-dark",
            Self::System => "im-ring-light",
        }
    }
}

fn desktop_is_dark() -> bool {
    gtk::Settings::default().is_some_and(|settings| {
        settings.is_gtk_application_prefer_dark_theme()
            || settings
                .gtk_theme_name()
                .is_some_and(|name| name.to_lowercase().ends_with("dark"))
    })
}

/// Gives the styles to the screen, the first time it is called on this thread.
pub(super) fn load() {
    thread_local!(static LOADED: Cell<bool> = const { Cell::new(false) });
    if LOADED.replace(true) {
        return;
    }
    let Some(screen) = gtk::gdk::Screen::default() else {
        return;
    };
    let provider = gtk::CssProvider::new();
    let css = fill(Theme::Light.class(), LIGHT) + &fill(Theme::Dark.class(), DARK);
    if let Err(error) = provider.load_from_data(css.as_bytes()) {
        tracing::error!(%error, "the ring's styles do not load");
        return;
    }
    gtk::StyleContext::add_provider_for_screen(
        &screen,
        &provider,
        gtk::STYLE_PROVIDER_PRIORITY_APPLICATION,
    );
}

fn fill(theme: &str, palette: &Palette) -> String {
    let mut names: Vec<_> = palette.to_vec();
    // The longest first, or `$green` would eat the beginning of `$green_hover`.
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
        .iter()
        .fold(TEMPLATE.replace("$theme", theme), |css, (name, value)| {
            css.replace(&format!("${name}"), value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour<'a>(palette: &'a Palette, wanted: &str) -> &'a str {
        palette.iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    /// Relative luminance as in WCAG 2.2.
    fn luminance(hex: &str) -> f64 {
        let rgb = u32::from_str_radix(hex.trim_start_matches('#'), 16).unwrap();
        let part = |shift: u32| {
            let value = f64::from(rgb >> shift & 0xff) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_name_in_the_template_is_filled_in_both_themes() {
        for css in [fill("im-ring-light", LIGHT), fill("im-ring-dark", DARK)] {
            let left = css.lines().skip(1).find(|line| line.contains('$'));
            assert_eq!(left, None);
        }
    }

    #[test]
    fn words_can_be_read_on_what_is_behind_them() {
        for palette in [LIGHT, DARK] {
            let pairs = [
                ("text", "surface"),
                ("text", "control_hover"),
                ("muted", "surface"),
                ("red", "surface"),
                ("red", "control"),
                ("red", "control_hover"),
            ];
            for (front, back) in pairs {
                let contrast = contrast(colour(palette, front), colour(palette, back));
                assert!(contrast >= 4.5, "{front} on {back}: {contrast:.2}");
            }
            for green in ["green", "green_hover", "green_active"] {
                let contrast = contrast("#ffffff", colour(palette, green));
                assert!(contrast >= 4.5, "white on {green}: {contrast:.2}");
            }
        }
    }
}
