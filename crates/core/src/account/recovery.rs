//! A forgotten password, and showing that the address is the person's own: what goes beside the
//! account's task.

use super::{
    ServerAddress,
    doors::{is_email, speaks_with_us},
};
use crate::{
    rest::{Http, RestError},
    session::{Mail, OpenAccount},
};
use im_contract::{
    ErrorKind, UiError,
    args::{CodeArgs, ForgotArgs},
};
use im_protocol::{
    ErrorCode,
    account::{Forgot, Verify},
    command::Done,
    people::Me,
};
use reqwest::Method;

/// Asks for a mail with a code for a new password.
///
/// # Errors
/// What a person can do something about; never whether there is an account.
pub(crate) async fn forgot(http: &Http, args: ForgotArgs) -> Result<(), UiError> {
    let server = ServerAddress::parse(&args.server);
    let server = server.map_err(|_| UiError::new(ErrorKind::BadServerAddress))?;
    if !is_email(&args.email) {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "email"));
    }
    speaks_with_us(http, &server).await?;
    let body = Forgot {
        email: args.email.trim().to_owned(),
    };
    http.request::<Done>(&server, Method::POST, "/v1/auth/forgot", Some(&body))
        .await?;
    Ok(())
}

/// Shows the address by the code from the mail.
///
/// # Errors
/// `bad_code` where it is not taken; what stands between here and the server.
pub(crate) async fn verify(open: &OpenAccount, args: CodeArgs) -> Result<(), UiError> {
    if args.code.trim().is_empty() {
        return Err(UiError::new(ErrorKind::Invalid).with("field", "code"));
    }
    let body = Verify { code: args.code };
    let told = open.context.rest.post::<Me>("/v1/auth/verify", &body);
    let me = told.await.map_err(|error| match &error {
        RestError::Refused(refusal) if refusal.code == ErrorCode::NotFound => {
            UiError::new(ErrorKind::BadCode)
        }
        _ => UiError::from(&error),
    })?;
    open.tell(Mail::Me(me)).await;
    Ok(())
}

/// Asks for the mail with that code again.
///
/// # Errors
/// `no_mail` where the server sends none; what stands between here and the server.
pub(crate) async fn resend(open: &OpenAccount) -> Result<(), UiError> {
    let nothing = serde_json::json!({});
    let path = "/v1/auth/verify/resend";
    open.context.rest.post::<Done>(path, &nothing).await?;
    Ok(())
}
