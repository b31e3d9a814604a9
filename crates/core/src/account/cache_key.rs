//! Whether the cache is encrypted, and with which key.
//!
//! The key is made when the cache is, and kept in the keyring beside the token. What is in the cache
//! the server has too, so a key that is gone for good costs a download, and nothing else. A keyring
//! that is only locked, or not there yet (a desktop that is starting), is waited for.

use crate::{
    blocking::blocking,
    secrets::{SecretError, SecretStore},
    store::{
        self, StoreError,
        key::{self, AtRest, Key},
    },
};
use std::path::{Path, PathBuf};

/// What becomes of the cache.
#[derive(Debug)]
pub(super) enum Cache {
    /// Opened with this key; what is in clear is encrypted first.
    Encrypted(Key),
    /// Opened as it is, in clear: there is no keyring for a key.
    Clear,
    /// It waits for its key.
    Waits(SecretError),
}

/// What the keyring says.
enum Keyring {
    Has(Key),
    /// Nothing that could be a key.
    Empty,
    Cannot(SecretError),
}

/// What is to be done with a cache.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Open,
    /// A new key is made and kept. Whether an unreadable cache is deleted before.
    NewKey {
        delete: bool,
    },
    OpenInClear,
    /// Deleted, and begun anew in clear.
    DeleteAndOpenInClear,
    Wait,
}

/// Decides. `now`: the person has just signed in and does not wait for a keyring.
const fn decide(file: AtRest, keyring: &Keyring, now: bool) -> Step {
    match (file, keyring) {
        (_, Keyring::Has(_)) => Step::Open,
        (AtRest::Encrypted, Keyring::Empty) => Step::NewKey { delete: true },
        (AtRest::Absent | AtRest::Clear, Keyring::Empty) => Step::NewKey { delete: false },
        (AtRest::Absent | AtRest::Clear, Keyring::Cannot(_)) => Step::OpenInClear,
        (AtRest::Encrypted, Keyring::Cannot(_)) if now => Step::DeleteAndOpenInClear,
        (AtRest::Encrypted, Keyring::Cannot(_)) => Step::Wait,
    }
}

/// Finds the key to the cache of this folder, kept under this name, or makes one. `now`: the person
/// has just signed in and does not wait for a keyring.
///
/// # Errors
/// What the file system says.
pub(super) async fn find(
    secrets: &dyn SecretStore,
    name: &str,
    folder: &Path,
    now: bool,
) -> Result<Cache, StoreError> {
    if !secrets.outlives_the_process() {
        return Ok(Cache::Clear);
    }
    let path = store::cache_path(folder);
    let file = {
        let path = path.clone();
        blocking(move || key::at_rest(&path).map_err(StoreError::Io)).await?
    };
    let keyring = match secrets.get(name).await {
        Ok(secret) => secret
            .and_then(Key::kept)
            .map_or(Keyring::Empty, Keyring::Has),
        Err(error) => Keyring::Cannot(error),
    };
    let step = decide(file, &keyring, now);
    Ok(match (step, keyring) {
        (Step::Open, Keyring::Has(key)) => Cache::Encrypted(key),
        (Step::NewKey { delete }, _) => {
            let key = Key::new();
            match secrets.put(name, key.secret()).await {
                Ok(()) => {
                    if delete {
                        tracing::warn!("the key of the cache is gone: it is begun anew");
                        remove(path).await?;
                    }
                    Cache::Encrypted(key)
                }
                Err(_) if !delete => Cache::Clear,
                Err(error) if !now => Cache::Waits(error),
                Err(_) => {
                    remove(path).await?;
                    Cache::Clear
                }
            }
        }
        (Step::DeleteAndOpenInClear, _) => {
            tracing::warn!("the keyring does not give the key of the cache: it is begun anew");
            remove(path).await?;
            Cache::Clear
        }
        (Step::Wait, Keyring::Cannot(error)) => Cache::Waits(error),
        _ => Cache::Clear,
    })
}

async fn remove(cache: PathBuf) -> Result<(), StoreError> {
    blocking(move || key::remove(&cache)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_in_clear_only_where_there_is_no_keyring_for_a_key() {
        use AtRest::{Absent, Clear, Encrypted};
        let has = || Keyring::Has(Key::new());
        let locked = || Keyring::Cannot(SecretError::Locked);
        let missing = || Keyring::Cannot(SecretError::Missing);
        for now in [false, true] {
            for file in [Absent, Clear, Encrypted] {
                assert_eq!(decide(file, &has(), now), Step::Open);
                let delete = file == Encrypted;
                let new = Step::NewKey { delete };
                assert_eq!(decide(file, &Keyring::Empty, now), new);
            }
            for file in [Absent, Clear] {
                assert_eq!(decide(file, &locked(), now), Step::OpenInClear);
                assert_eq!(decide(file, &missing(), now), Step::OpenInClear);
            }
        }
        // What is there is not thrown away only because a desktop is still starting,
        assert_eq!(decide(Encrypted, &locked(), false), Step::Wait);
        assert_eq!(decide(Encrypted, &missing(), false), Step::Wait);
        // and who has just given the password does not wait for another one.
        let anew = Step::DeleteAndOpenInClear;
        assert_eq!(decide(Encrypted, &locked(), true), anew);
        assert_eq!(decide(Encrypted, &missing(), true), anew);
    }
}
