//! Passwords: Argon2id (RFC 9106), a few at a time, on threads of their own.

use crate::error::Error;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes computed at the same time: each takes 19 MiB and a core for some ten milliseconds.
const AT_ONCE: usize = 2;
/// Beyond so many waiting the asker is told to come back.
const WAITING: usize = 100;

/// Hashes and checks passwords.
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Checked where there is no account, so that its lack cannot be told by the time.
    nobody: Arc<str>,
}

impl Passwords {
    /// Ready to hash; computes one hash.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn new() -> Result<Self, Error> {
        let nobody = hash(&super::random_code(16)?)?;
        Ok(Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            nobody: nobody.into(),
        })
    }

    /// The hash of a password, to be stored.
    ///
    /// # Errors
    /// `unavailable` where too many wait.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.compute(move || hash(&password)).await?
    }

    /// Whether a password is the one behind a hash. Takes as long where there is no hash.
    ///
    /// # Errors
    /// `unavailable` where too many wait.
    pub async fn check(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| self.nobody.clone(), Arc::from);
        let fits = self.compute(move || {
            PasswordHash::new(&stored).is_ok_and(|parsed| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &parsed)
                    .is_ok()
            })
        });
        Ok(fits.await? && known)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = self.waiting.clone().try_acquire_owned();
        let waiting = waiting.map_err(|_| Error::unavailable())?;
        let running = self.running.clone().acquire_owned().await;
        let running = running.map_err(|_| Error::unavailable())?;
        drop(waiting);
        let computed = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(running);
            result
        });
        computed
            .await
            .map_err(|_| Error::Broken("a password's hash was not computed"))
    }
}

fn hash(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash
        .map_err(|_| Error::Broken("a password cannot be hashed"))?
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_fits_and_nobody_has_none() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        let stored = Some(stored);
        assert!(
            passwords
                .check("correct horse".into(), stored.clone())
                .await
                .unwrap()
        );
        assert!(!passwords.check("wrong horse".into(), stored).await.unwrap());
        assert!(!passwords.check("correct horse".into(), None).await.unwrap());
    }
}
