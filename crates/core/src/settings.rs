//! What the person chose for this device: a small file.

use crate::account::replace;
use im_contract::views::Settings;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the file is.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("settings.json")
}

/// What was chosen, or the defaults where nothing was or it cannot be read.
pub(crate) fn load(path: &Path) -> Settings {
    fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Keeps the choice.
///
/// # Errors
/// What the file system says.
pub(crate) fn save(path: &Path, settings: &Settings) -> io::Result<()> {
    replace(path, &serde_json::to_vec_pretty(settings)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_contract::views::Theme;

    #[test]
    fn a_choice_is_kept_and_nonsense_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        assert_eq!(load(&path), Settings::default());
        let dark = Settings {
            theme: Theme::Dark,
            ..Settings::default()
        };
        save(&path, &dark).unwrap();
        assert_eq!(load(&path), dark);
        // Of an app that knew less.
        fs::write(&path, r#"{"theme":"dark"}"#).unwrap();
        assert_eq!(load(&path), dark);
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(load(&path), Settings::default());
    }
}
