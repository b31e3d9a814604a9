//! The tray: icon and menu. On Linux a tray is a menu only (no clicks, no tooltip), shown by
//! whoever hosts `StatusNotifierItem`s; where nobody does, nothing is seen and no error comes: see
//! `surroundings`. The icon comes when a host comes.

mod face;
mod keeper;

pub(crate) use face::{Face, Known};
pub(crate) use keeper::{TrayBell, TrayKeeper};

use im_contract::catalogue::words;
use im_protocol::people::Availability;
use tauri::{
    AppHandle, Runtime,
    image::Image,
    menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};

/// The presets in the menu, in their order.
const PRESETS: [Availability; 4] = [
    Availability::Available,
    Availability::InSession,
    Availability::Break,
    Availability::Offline,
];

/// What a person picked in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picked {
    /// Open the main window.
    Open,
    /// Set the status.
    Status(Availability),
    /// End the app.
    Quit,
}

impl Picked {
    /// What the menu item of this id stands for.
    fn from_id(id: &str) -> Option<Self> {
        match id {
            "open" | "unread" => Some(Self::Open),
            "quit" => Some(Self::Quit),
            _ => PRESETS
                .into_iter()
                .find(|preset| face::key(*preset) == id)
                .map(Self::Status),
        }
    }
}

/// The tray's icon and the items whose words change.
pub(crate) struct Tray<R: Runtime> {
    icon: TrayIcon<R>,
    unread: MenuItem<R>,
    presets: Vec<(Availability, CheckMenuItem<R>)>,
    shown: Option<Face>,
}

impl<R: Runtime> Tray<R> {
    /// Builds the tray. `picked` is called on the main thread and must return at once.
    ///
    /// # Errors
    /// Where the desktop's library refuses.
    pub(crate) fn build(
        app: &AppHandle<R>,
        picked: impl Fn(Picked) + Send + Sync + 'static,
    ) -> tauri::Result<Self> {
        let face = Face::of(&Known::default());
        let open = MenuItem::with_id(app, "open", words("tray_open", &[]), true, None::<&str>)?;
        let unread = MenuItem::with_id(app, "unread", &face.unread, true, None::<&str>)?;
        let quit = MenuItem::with_id(app, "quit", words("tray_quit", &[]), true, None::<&str>)?;
        let mut presets = Vec::new();
        for preset in PRESETS {
            let id = face::key(preset);
            let item = CheckMenuItem::with_id(app, id, words(id, &[]), false, false, None::<&str>)?;
            presets.push((preset, item));
        }
        let line = || PredefinedMenuItem::separator(app);
        let (first, second) = (line()?, line()?);
        let mut items: Vec<&dyn IsMenuItem<R>> = vec![&open, &unread, &first];
        items.extend(presets.iter().map(|(_, item)| item as &dyn IsMenuItem<R>));
        items.extend([&second as &dyn IsMenuItem<R>, &quit]);
        let menu = Menu::with_items(app, &items)?;
        let icon = TrayIconBuilder::with_id("main")
            .icon(Image::from_bytes(face.icon)?)
            .menu(&menu)
            .show_menu_on_left_click(true)
            .on_menu_event(move |_, event| {
                if let Some(choice) = Picked::from_id(event.id().as_ref()) {
                    picked(choice);
                }
            })
            .build(app)?;
        Ok(Self {
            icon,
            unread,
            presets,
            shown: None,
        })
    }

    /// Shows what is known. Costs next to nothing where nothing has changed.
    ///
    /// # Errors
    /// Where the desktop's library refuses.
    pub(crate) fn show(&mut self, known: &Known) -> tauri::Result<()> {
        let face = Face::of(known);
        // A click turns the mark of an item over by itself, also where nothing has changed.
        for (preset, item) in &self.presets {
            item.set_checked(face.checked == Some(*preset))?;
        }
        if self.shown.as_ref() == Some(&face) {
            return Ok(());
        }
        self.icon.set_icon(Some(Image::from_bytes(face.icon)?))?;
        // The title is what screen readers and some desktops show for the icon.
        self.icon.set_title(Some(&face.title))?;
        self.unread.set_text(&face.unread)?;
        for (_, item) in &self.presets {
            item.set_enabled(known.may_set_status)?;
        }
        self.shown = Some(face);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_of_the_menu_means_something() {
        assert_eq!(Picked::from_id("open"), Some(Picked::Open));
        assert_eq!(Picked::from_id("quit"), Some(Picked::Quit));
        assert_eq!(
            Picked::from_id("status_break"),
            Some(Picked::Status(Availability::Break))
        );
        assert_eq!(Picked::from_id("something"), None);
    }
}
