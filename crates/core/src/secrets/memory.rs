//! Secrets in memory only: for a headless person, and where nothing shall outlive the process.

use super::{Secret, SecretError, SecretStore};
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Keeps secrets for as long as it lives.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    kept: Mutex<HashMap<String, Secret>>,
}

impl SecretStore for MemorySecrets {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key.to_owned(), secret);
        Box::pin(std::future::ready(Ok(())))
    }

    fn outlives_the_process(&self) -> bool {
        false
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(key);
        Box::pin(std::future::ready(Ok(())))
    }
}
