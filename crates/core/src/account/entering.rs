//! Coming in: signing in, and starting the session of who is known.

use super::{
    AccountTask, CannotBegin, SignedInHere,
    address::ServerAddress,
    cache_key::{self, Cache},
    doors::{self, How},
    installation::Remembered,
    tokens::{Renewing, ServerRefresher, TokenTask, Tokens},
};
use crate::session;
use im_contract::{ErrorKind, UiError, views::Account};
use im_protocol::{
    people::Me,
    rest::{SignedIn, Tokens as Pair},
};
use std::sync::Arc;

impl AccountTask {
    pub(super) async fn sign_in(&mut self, how: How) -> Result<Account, UiError> {
        if self.signed_in.is_some() {
            return Err(UiError::new(ErrorKind::Invalid).with("field", "account"));
        }
        // Of who was signed out nothing may be left for the next one.
        self.finish_wiping().await?;
        let device = im_protocol::rest::Device {
            id: self.installation.device,
            name: self.parts.device_name.clone(),
        };
        let (server, answer) = doors::enter(&self.http, how, device).await?;
        let SignedIn { me, tokens, .. } = answer;
        if let Err(error) = self.begin(server.clone(), me.clone(), Some(tokens)).await {
            // Nobody will use this token.
            let _ = self.parts.secrets.delete(&self.secret_key(&me)).await;
            return Err(error.into());
        }
        let before = self.installation.clone();
        self.installation.server = Some(server.to_string());
        let key = self.secret_key(&me);
        self.installation.person = Some(Remembered::new(me));
        self.installation.signed_out_elsewhere = false;
        if let Err(error) = self.save_installation().await {
            // What would be forgotten at the next start has not happened.
            self.end_session().await;
            let _ = self.parts.secrets.delete(&key).await;
            self.installation = before;
            self.publish(None).await;
            return Err(error);
        }
        self.keyring_at = None;
        self.publish(None).await;
        Ok(self.slot.borrow().account.clone())
    }

    /// Starts the session of a person, with the tokens of a sign-in or the stored ones.
    pub(super) async fn begin(
        &mut self,
        server: ServerAddress,
        me: Me,
        fresh: Option<Pair>,
    ) -> Result<(), CannotBegin> {
        let refresher = ServerRefresher {
            http: self.http.clone(),
            server: server.clone(),
        };
        let is_fresh = fresh.is_some();
        let (tokens, mut task) = TokenTask::new(
            Arc::new(refresher),
            Arc::clone(&self.parts.secrets),
            self.secret_key(&me),
            fresh,
        );
        if is_fresh {
            task.save_first().await;
        }
        let renewing = task.start();
        self.begin_with(server, me, (tokens, renewing), is_fresh)
            .await
    }

    /// The same with tokens that are there. `now`: somebody has just given the password, or has had
    /// the cache open until now; the keyring is not waited for.
    pub(super) async fn begin_with(
        &mut self,
        server: ServerAddress,
        me: Me,
        (tokens, renewing): (Tokens, Renewing),
        now: bool,
    ) -> Result<(), CannotBegin> {
        let folder = self.file.account_folder(me.person.id);
        let name = self.cache_key(&me);
        let key = match cache_key::find(&*self.parts.secrets, &name, &folder, now).await? {
            Cache::Encrypted(key) => Some(key),
            Cache::Clear => None,
            Cache::Waits(why) => return Err(CannotBegin::NoKey(why)),
        };
        let encrypted = key.is_some();
        let running = session::start(session::Parts {
            me: me.clone(),
            server: server.clone(),
            device: self.installation.device,
            app: self.parts.app.clone(),
            folder,
            key,
            tokens: tokens.clone(),
            http: self.http.clone(),
            clock: self.parts.clock.clone(),
            events: self.parts.events.clone(),
            notifier: self.parts.notifier.clone(),
            ringtone: Arc::clone(&self.parts.ringtone),
            media: Arc::clone(&self.parts.media),
            visible: self.parts.visible.clone(),
        })
        .await?;
        self.signed_in = Some(SignedInHere {
            server,
            me,
            keyring: tokens.keyring(),
            tokens,
            renewing,
            encrypted,
            running,
        });
        Ok(())
    }
}
