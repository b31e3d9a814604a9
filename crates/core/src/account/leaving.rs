//! Going out: signing out, and wiping what this device keeps of who is signed out.
//!
//! That wiping has begun is noted first and what is there is deleted then, so that a kill in
//! between is no way to keep anything: the next start goes on with it.

use super::{AccountTask, installation::Leaving, storage};
use crate::{
    blocking::blocking,
    rest::Rest,
    store::{self, Database, outbox},
};
use im_contract::{
    UiError,
    args::{SignOutResult, Unsent},
};
use im_protocol::people::Me;
use std::{fs, io, time::Duration};
use tokio::time::timeout;

/// How long telling the server of a sign-out may take.
const SIGN_OUT: Duration = Duration::from_secs(5);

impl AccountTask {
    pub(super) async fn sign_out(&mut self, unsent: Unsent) -> Result<SignOutResult, UiError> {
        let Some(person) = self.installation.person.clone() else {
            return Ok(SignOutResult {
                done: true,
                unsent: 0,
            });
        };
        // From here on nothing more is taken: what is written while the server is told would be
        // confirmed and then deleted.
        let waiting = match &self.signed_in {
            Some(here) => here.running.open.context.store.seal().await?,
            None => self.unsent(&person.me).await?,
        };
        if waiting > 0 && unsent == Unsent::Ask {
            if let Some(here) = &self.signed_in {
                here.running.open.context.store.unseal();
            }
            return Ok(SignOutResult {
                done: false,
                unsent: waiting,
            });
        }
        self.note_leaving(Leaving::Here).await;
        if let Some(here) = &self.signed_in {
            // While there is a connection to say so.
            here.running.open.calls.close().await;
            let rest = Rest {
                http: self.http.clone(),
                server: here.server.clone(),
                tokens: here.tokens.clone(),
            };
            let nothing = serde_json::json!({});
            let told = rest.post::<serde_json::Value>("/v1/auth/sign-out", &nothing);
            // Without the network the server finds out when the session is not renewed.
            if !matches!(timeout(SIGN_OUT, told).await, Ok(Ok(_))) {
                tracing::info!("the server could not be told of the sign-out");
            }
        }
        self.end_session().await;
        let wiped = self.finish_wiping().await;
        self.publish(None).await;
        wiped.map(|()| SignOutResult {
            done: true,
            unsent: 0,
        })
    }

    /// Notes that the account is to be wiped from this device. Where the disk then refuses to delete,
    /// it is locked, and tried again at the next start and at the next sign-out or sign-in.
    pub(super) async fn note_leaving(&mut self, by: Leaving) {
        if let Some(person) = &mut self.installation.person {
            person.locked = true;
            person.leaving = Some(by);
        }
        if self.save_installation().await.is_err() {
            // A full disk has room again once the files are gone.
            tracing::warn!("that the account is being wiped could not be noted");
        }
    }

    /// Goes on with a wiping that has begun, if one has.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) async fn finish_wiping(&mut self) -> Result<(), UiError> {
        let Some(person) = self.installation.person.clone() else {
            return Ok(());
        };
        let Some(by) = person.leaving else {
            return Ok(());
        };
        self.keyring_at = None;
        self.parts.notifier.clear();
        let folder = self.file.account_folder(person.me.person.id);
        match blocking(move || fs::remove_dir_all(folder)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(&error)),
            _ => {}
        }
        for key in [self.secret_key(&person.me), self.cache_key(&person.me)] {
            if let Err(error) = self.parts.secrets.delete(&key).await {
                tracing::warn!(%error, "a secret could not be deleted from the keyring");
            }
        }
        self.installation.person = None;
        self.installation.signed_out_elsewhere = by == Leaving::Elsewhere;
        if let Err(error) = self.save_installation().await {
            // What would be forgotten at the next start has not happened.
            self.installation.person = Some(person);
            return Err(error);
        }
        Ok(())
    }

    /// Messages not sent yet, failed ones included, whether the account is locked or not.
    pub(super) async fn unsent(&self, me: &Me) -> Result<u32, UiError> {
        if let Some(here) = &self.signed_in {
            let store = &here.running.open.context.store;
            return Ok(store.outbox.read(outbox::len).await?);
        }
        let path = store::outbox_path(&self.file.account_folder(me.person.id));
        let opened = blocking(move || {
            let there = path.exists();
            let open = || Database::open(&path, store::OUTBOX, 1, None);
            there.then(open).transpose()
        });
        let Some(database) = opened.await? else {
            return Ok(0);
        };
        let count = database.read(outbox::len).await;
        database.close().await;
        Ok(count?)
    }
}
