//! What happens to a session without being asked for: it ends, it fails, the keyring comes.

use super::{
    AccountTask, SignedInHere,
    installation::{Leaving, Remembered},
};
use crate::{blocking::blocking, secrets::SecretError, session::SessionEnd, store};
use im_contract::{ErrorKind, UiError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a session may take to end before its files are closed under it.
const ENDING: Duration = Duration::from_secs(5);
/// Until a keyring that was not there is looked for again.
const KEYRING_AGAIN: Duration = Duration::from_secs(5);
/// The same where the person did not want to unlock it.
const DISMISSED_AGAIN: Duration = Duration::from_secs(60);
/// A session that fails is begun again by itself once in this time; a second failure is shown.
const AGAIN: Duration = Duration::from_secs(60);

/// What happens to a session without being asked for.
pub(super) enum Change {
    Ended(SessionEnd),
    Me,
    Keyring,
}

impl AccountTask {
    pub(super) async fn changed(&mut self, change: Change) {
        match change {
            Change::Keyring => self.publish(None).await,
            Change::Me => {
                if let Some(here) = &mut self.signed_in {
                    here.me = here.running.me.borrow_and_update().clone();
                    let me = here.me.clone();
                    self.installation.person = Some(Remembered::new(me));
                    if self.save_installation().await.is_err() {
                        tracing::warn!("the person's new name could not be kept");
                    }
                }
                self.publish(None).await;
            }
            Change::Ended(SessionEnd::Corrupt) => {
                let Some(here) = self.signed_in.take() else {
                    return;
                };
                let cache = store::cache_path(&self.file.account_folder(here.me.person.id));
                if let Err(error) = blocking(move || store::open::set_aside(&cache)).await {
                    tracing::error!(kind = %error.kind(), "a broken cache could not be set aside");
                }
                self.begin_again(here, ErrorKind::DataUnreadable).await;
            }
            Change::Ended(SessionEnd::SignedOut) => {
                tracing::info!("this device was signed out from another one");
                self.let_go_of_tokens().await;
                self.note_leaving(Leaving::Elsewhere).await;
                if self.finish_wiping().await.is_err() {
                    tracing::error!("what is kept of the account could not be wiped yet");
                }
                self.publish(None).await;
            }
            Change::Ended(SessionEnd::Deleted) => {
                self.let_go_of_tokens().await;
                self.wipe().await;
            }
            Change::Ended(SessionEnd::Refused) => {
                let here = self.signed_in.take();
                if here.is_some_and(|here| here.tokens.is_unread()) {
                    self.keyring_at = Some(Instant::now() + KEYRING_AGAIN);
                } else {
                    self.lock().await;
                }
                self.publish(None).await;
            }
            Change::Ended(SessionEnd::Stopped) => {
                tracing::error!("the session ended without being asked to");
                let Some(here) = self.signed_in.take() else {
                    return;
                };
                // Where its task failed, its files are still open.
                here.running.open.context.store.close().await;
                self.begin_again(here, ErrorKind::Internal).await;
            }
        }
    }

    /// Nobody but the person can go on with this account.
    async fn lock(&mut self) {
        self.keyring_at = None;
        if let Some(person) = &mut self.installation.person {
            person.locked = true;
        }
        if self.save_installation().await.is_err() {
            tracing::warn!("that the session is over could not be kept");
        }
    }

    /// Looks whether the keyring has come that was not there to give the token, and goes on with it.
    pub(super) async fn ask_keyring(&mut self) {
        let Some(person) = &self.installation.person else {
            self.keyring_at = None;
            return;
        };
        let key = self.secret_key(&person.me);
        let why = match self.parts.secrets.get(&key).await {
            Ok(Some(_)) => {
                self.keyring_at = None;
                self.reopen().await;
                return;
            }
            Ok(None) => {
                // It is there and has nothing: locked as before, and for good.
                self.lock().await;
                return;
            }
            Err(why) => why,
        };
        self.wait_for_keyring(why);
    }

    /// Looks again later.
    pub(super) fn wait_for_keyring(&mut self, why: SecretError) {
        let wait = match why {
            SecretError::Missing | SecretError::Locked => KEYRING_AGAIN,
            SecretError::Dismissed => DISMISSED_AGAIN,
        };
        self.keyring_at = Some(Instant::now() + wait);
    }

    /// Begins a session that has failed again, unless that has happened just before: then `why` is
    /// shown.
    async fn begin_again(&mut self, failed: SignedInHere, why: ErrorKind) {
        let now = Instant::now();
        let lately = |at: Instant| now.saturating_duration_since(at) < AGAIN;
        if self.begun_again.replace(now).is_some_and(lately) {
            self.publish(Some(UiError::new(why))).await;
            return;
        }
        let tokens = (failed.tokens, failed.renewing);
        let begun = self
            .begin_with(failed.server, failed.me, tokens, true)
            .await;
        self.publish(begun.err().map(UiError::from)).await;
    }

    /// Nobody is signed in here anymore, and no token that is being renewed is kept.
    async fn let_go_of_tokens(&mut self) {
        if let Some(here) = self.signed_in.take() {
            here.renewing.end().await;
        }
    }

    pub(super) async fn end_session(&mut self) {
        let Some(here) = self.signed_in.take() else {
            return;
        };
        // First: a token that is renewed from here on would be in the keyring after the sign-out.
        here.renewing.end().await;
        // Gone where the session has ended already.
        let _ = here.running.stop.send(());
        if timeout(ENDING, here.running.done).await.is_err() {
            tracing::warn!("the session did not end in time");
            here.running.open.context.store.close().await;
        }
    }
}

/// Waits for what happens to the session, for ever where there is none.
pub(super) async fn change(signed_in: &mut Option<SignedInHere>) -> Change {
    let Some(here) = signed_in else {
        return std::future::pending().await;
    };
    tokio::select! {
        ended = &mut here.running.done => Change::Ended(ended.unwrap_or(SessionEnd::Stopped)),
        Ok(()) = here.running.me.changed() => Change::Me,
        Ok(()) = here.keyring.changed() => Change::Keyring,
    }
}
