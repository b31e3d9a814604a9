//! What is known of this installation before anybody has signed in: its id, and who used it last.
//! A small file without secrets.

use crate::store::make_private;
use im_protocol::{DeviceId, PersonId, people::Me};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installation {
    /// Made at the first start and kept.
    pub(crate) device: DeviceId,
    /// The server used last.
    #[serde(default)]
    pub(crate) server: Option<String>,
    /// Who is signed in there, if anybody.
    #[serde(default)]
    pub(crate) person: Option<Remembered>,
    /// Whether the last one was signed out from another device, until somebody signs in.
    #[serde(default)]
    pub(crate) signed_out_elsewhere: bool,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// As the server told last.
    pub(crate) me: Me,
    /// Whether the server has refused the session since.
    #[serde(default)]
    pub(crate) locked: bool,
    /// Whether they are signed out and what is kept of them is being wiped, and by whom.
    #[serde(default)]
    pub(crate) leaving: Option<Leaving>,
}

impl Remembered {
    /// Somebody who is signed in.
    pub(crate) const fn new(me: Me) -> Self {
        Self {
            me,
            locked: false,
            leaving: None,
        }
    }
}

/// From where a person was signed out of this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Leaving {
    /// On this device.
    Here,
    /// From another one.
    Elsewhere,
}

/// Where the file is.
#[derive(Debug, Clone)]
pub(crate) struct InstallationFile {
    folder: PathBuf,
}

impl InstallationFile {
    /// The file in this data folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Reads the file. Where there is none, or one that cannot be read, a new installation begins.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn load(&self) -> io::Result<Installation> {
        make_private(&self.folder)?;
        match fs::read(self.path()) {
            Ok(bytes) => {
                if let Ok(known) = serde_json::from_slice(&bytes) {
                    return Ok(known);
                }
                tracing::warn!("the file of this installation cannot be read: it begins anew");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let new = Installation {
            device: DeviceId::new(),
            server: None,
            person: None,
            signed_out_elsewhere: false,
        };
        self.save(&new)?;
        Ok(new)
    }

    /// Replaces the file, whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn save(&self, installation: &Installation) -> io::Result<()> {
        replace(&self.path(), &serde_json::to_vec_pretty(installation)?)
    }

    /// The folder of a person's databases.
    pub(crate) fn account_folder(&self, person: PersonId) -> PathBuf {
        self.folder.join("accounts").join(person.to_string())
    }

    fn path(&self) -> PathBuf {
        self.folder.join("installation.json")
    }
}

/// Writes a file beside the old one and puts it in its place.
///
/// # Errors
/// What the file system says.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::people::{Person, Role};

    #[test]
    fn the_device_is_made_once_and_the_last_person_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = InstallationFile::new(&folder.path().join("new"));
        let mut first = file.load().unwrap();
        assert_eq!(file.load().unwrap(), first);
        first.server = Some("https://example.org".to_owned());
        first.person = Some(Remembered {
            me: Me {
                person: Person {
                    id: PersonId::new(),
                    name: "Maya".to_owned(),
                    role: Role::Mentor,
                },
                email: "maya@example.org".to_owned(),
                verified: true,
            },
            locked: true,
            leaving: Some(Leaving::Elsewhere),
        });
        file.save(&first).unwrap();
        assert_eq!(file.load().unwrap(), first);
    }

    #[test]
    fn a_file_that_cannot_be_read_does_not_stop_the_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("installation.json"), "{ not json").unwrap();
        let file = InstallationFile::new(folder.path());
        assert_eq!(file.load().unwrap().person, None);
    }
}
