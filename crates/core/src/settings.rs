//! What the person chose for this device: a small file.

use crate::{account::replace, events::EventHub};
use im_contract::{CoreEvent, views::Settings};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

/// The file and what is in it.
pub(crate) struct SettingsFile {
    path: PathBuf,
    /// Held while the file is written, so that what was chosen last is what stays.
    writing: Mutex<()>,
    chosen: watch::Sender<Settings>,
    events: EventHub,
}

impl SettingsFile {
    /// Reads what was chosen before: the defaults where nothing was or it cannot be read. Waits for
    /// the disk.
    pub(crate) fn open(data_dir: &Path, events: EventHub) -> Self {
        let path = data_dir.join("settings.json");
        Self {
            chosen: watch::Sender::new(load(&path)),
            path,
            writing: Mutex::default(),
            events,
        }
    }

    /// What is chosen now.
    pub(crate) fn chosen(&self) -> Settings {
        *self.chosen.borrow()
    }

    /// Keeps a choice, and tells of it. Waits for the disk.
    ///
    /// # Errors
    /// What the file system says; then the choice before it stays.
    pub(crate) fn keep(&self, chosen: Settings) -> io::Result<()> {
        // A panic while it was held leaves nothing half done: the file is replaced in one step.
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        replace(&self.path, &serde_json::to_vec_pretty(&chosen)?)?;
        self.chosen.send_replace(chosen);
        self.events.tell(CoreEvent::Settings(chosen));
        Ok(())
    }
}

fn load(path: &Path) -> Settings {
    fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_contract::views::Theme;

    fn open(folder: &Path) -> SettingsFile {
        SettingsFile::open(folder, EventHub::new())
    }

    #[test]
    fn a_choice_is_kept_and_nonsense_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path());
        assert_eq!(file.chosen(), Settings::default());
        let dark = Settings {
            theme: Theme::Dark,
            ..Settings::default()
        };
        file.keep(dark).unwrap();
        assert_eq!(file.chosen(), dark);
        assert_eq!(open(folder.path()).chosen(), dark);
        // Of an app that knew less.
        fs::write(&file.path, r#"{"theme":"dark"}"#).unwrap();
        assert_eq!(open(folder.path()).chosen(), dark);
        fs::write(&file.path, "nonsense").unwrap();
        assert_eq!(open(folder.path()).chosen(), Settings::default());
    }

    #[test]
    fn a_choice_that_cannot_be_kept_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(&folder.path().join("gone"));
        let dark = Settings {
            theme: Theme::Dark,
            ..Settings::default()
        };
        assert!(file.keep(dark).is_err());
        assert_eq!(file.chosen(), Settings::default());
    }
}
