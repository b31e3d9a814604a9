//! The system's keyring: the Secret Service on Linux, the Keychain, the Credential Manager.
//!
//! The keyring's calls block, and a locked one blocks until somebody answers its prompt (at
//! autostart nobody does). So they are made on a thread of their own, and who asks waits for at
//! most [`PATIENCE`]; what is to be kept or deleted still is when it comes later, in its order.

use super::{Secret, SecretError, SecretStore};
use futures_util::future::BoxFuture;
use keyring::{Entry, Error};
use std::{thread, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How long an asker waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Calls that may wait behind one that blocks; a further one is told that the keyring is locked.
const QUEUE: usize = 16;

type Call = Box<dyn FnOnce() + Send>;

/// Secrets in the system's keyring, under one service name.
#[derive(Debug)]
pub struct KeyringSecrets {
    service: String,
    calls: mpsc::Sender<Call>,
}

impl KeyringSecrets {
    /// The keyring's entries of this service, such as the app's id.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub fn new(service: impl Into<String>) -> std::io::Result<Self> {
        let (calls, mut queue) = mpsc::channel::<Call>(QUEUE);
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                while let Some(call) = queue.blocking_recv() {
                    call();
                }
            })?;
        Ok(Self {
            service: service.into(),
            calls,
        })
    }

    /// `late`: whether the call is still worth making when its asker has stopped waiting.
    fn ask<'a, R, F>(
        &'a self,
        key: &'a str,
        late: bool,
        call: F,
    ) -> BoxFuture<'a, Result<R, SecretError>>
    where
        R: Send + 'static,
        F: FnOnce(&Entry) -> Result<R, Error> + Send + 'static,
    {
        let service = self.service.clone();
        let user = key.to_owned();
        let (reply, answer) = oneshot::channel();
        let call: Call = Box::new(move || {
            // What nobody waits for would only ask the person once more for the same.
            if !late && reply.is_closed() {
                return;
            }
            let result = Entry::new(&service, &user).and_then(|entry| call(&entry));
            // Nobody waits anymore where the patience was over.
            let _ = reply.send(result.map_err(|error| kind(&error)));
        });
        Box::pin(async move {
            self.calls.try_send(call).map_err(|_| SecretError::Locked)?;
            match timeout(PATIENCE, answer).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(SecretError::Missing),
                Err(_) => Err(SecretError::Locked),
            }
        })
    }
}

fn kind(error: &Error) -> SecretError {
    match error {
        Error::NoStorageAccess(_) => SecretError::Dismissed,
        _ => SecretError::Missing,
    }
}

impl SecretStore for KeyringSecrets {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        self.ask(key, false, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            // What is not text was not written by us: as good as nothing.
            Err(Error::NoEntry | Error::BadEncoding(_)) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn put<'a>(&'a self, key: &'a str, secret: Secret) -> BoxFuture<'a, Result<(), SecretError>> {
        self.ask(key, true, move |entry| entry.set_password(secret.expose()))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SecretError>> {
        self.ask(key, true, |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            result => result,
        })
    }
}
