//! Where refresh tokens are kept: in the system's keyring, never in a file.

mod keyring;
mod memory;

pub use self::keyring::KeyringSecrets;
pub use memory::MemorySecrets;

use futures_util::future::BoxFuture;
use std::fmt;
use zeroize::Zeroizing;

/// A secret text. Never printed; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for those who must send or store it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a store could not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no keyring on this computer.
    #[error("there is no keyring")]
    Missing,
    /// The keyring is there and locked, or does not answer: worth another try later.
    #[error("the keyring is locked")]
    Locked,
    /// The person was asked to unlock the keyring and did not: not to be asked again at once.
    #[error("the keyring was not unlocked")]
    Dismissed,
}

/// A place for secrets. Every call is bounded in time by the implementation.
pub trait SecretStore: Send + Sync + 'static {
    /// The secret under this key, if there is one.
    ///
    /// # Errors
    /// Where the store cannot be read now.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>>;

    /// Keeps a secret in place of the former one.
    ///
    /// # Errors
    /// Where the store cannot be written now.
    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>>;

    /// Whether what is kept is there at the next start too. What is kept for as long as the process
    /// lives must not be the only key to anything on disk.
    fn outlives_the_process(&self) -> bool {
        true
    }

    /// Forgets a secret; none is no error.
    ///
    /// # Errors
    /// Where the store cannot be written now.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>>;
}
