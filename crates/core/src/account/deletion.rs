//! Deleting the account: the server erases it, then this device keeps nothing of it. Other devices
//! hear it from the server, at once or when they come back, and do the same.

use super::{AccountTask, installation::Leaving};
use crate::{rest::RestError, session::OpenAccount};
use im_contract::{ErrorKind, UiError, args::DeleteArgs};
use im_protocol::{ErrorCode, account::DeleteMe, command::Done};

/// Lets the server delete the account.
///
/// # Errors
/// `wrong_password`; what stands between here and the server.
pub(crate) async fn delete(open: &OpenAccount, args: DeleteArgs) -> Result<(), UiError> {
    if args.password.is_empty() {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "password"));
    }
    let body = DeleteMe {
        password: args.password,
    };
    let told = open.context.rest.post::<Done>("/v1/me/delete", &body).await;
    match told {
        Ok(_) => Ok(()),
        // The answer to the first time was lost.
        Err(RestError::Refused(why)) if why.code == ErrorCode::AccountDeleted => Ok(()),
        Err(RestError::Refused(why)) if why.code == ErrorCode::Forbidden => {
            Err(UiError::new(ErrorKind::WrongPassword))
        }
        Err(RestError::Refused(why)) if why.code == ErrorCode::Conflict => {
            Err(UiError::new(ErrorKind::OnlyAdmin))
        }
        Err(error) => Err(error.into()),
    }
}

impl AccountTask {
    /// Takes everything of a deleted account off this device, what is unsent included: nobody could
    /// send it anymore.
    pub(super) async fn wipe(&mut self) {
        if self.installation.person.is_none() {
            // The end of the session has done it already.
            return;
        }
        tracing::info!("the account was deleted: this device keeps nothing of it");
        self.note_leaving(Leaving::Here).await;
        self.end_session().await;
        if self.finish_wiping().await.is_err() {
            tracing::error!("what is kept of a deleted account could not be wiped yet");
        }
        self.publish(None).await;
    }
}
