//! The person's devices as the server knows them, and their password. Nothing of it is kept here:
//! a list of before would be of no use to somebody who has lost a device.

use crate::{courses::failed, rest::RestError, session::Context};
use im_contract::{
    ErrorKind, UiError,
    devices::{ChangePasswordArgs, DeviceArgs, DeviceView},
};
use im_protocol::{
    ErrorCode,
    command::Done,
    limits,
    sessions::{ChangePassword, Sessions},
};

/// All of them, this one first.
///
/// # Errors
/// Where the server cannot be asked.
pub(crate) async fn list(context: &Context) -> Result<Vec<DeviceView>, UiError> {
    let told = context.rest.get::<Sessions>("/v1/sessions").await;
    let told = told.map_err(|error| failed(&error))?;
    let devices = told.sessions.into_iter().map(|one| DeviceView {
        id: one.id,
        name: one.device_name,
        signed_in_at: one.created_at,
        last_seen_at: one.last_seen_at,
        current: one.current,
        online: one.online,
    });
    Ok(devices.collect())
}

/// Signs one of the others out.
///
/// # Errors
/// Where the server cannot be asked, or knows no such device of this person.
pub(crate) async fn sign_out(context: &Context, args: DeviceArgs) -> Result<(), UiError> {
    let path = format!("/v1/sessions/{}", args.id);
    let done = context.rest.delete::<Done>(&path).await;
    done.map(drop).map_err(|error| failed(&error))
}

/// Signs all others out.
///
/// # Errors
/// Where the server cannot be asked.
pub(crate) async fn sign_out_others(context: &Context) -> Result<(), UiError> {
    let path = "/v1/sessions/end-others";
    let done = context.rest.post::<Done>(path, &Done {}).await;
    done.map(drop).map_err(|error| failed(&error))
}

/// Gives the person another password.
///
/// # Errors
/// `invalid` with the field `old_password` or `new_password`; what else the server says.
pub(crate) async fn change_password(
    context: &Context,
    args: ChangePasswordArgs,
) -> Result<(), UiError> {
    let wrong = |field: &str| UiError::new(ErrorKind::Invalid).with("field", field);
    let short = args.new.chars().count() < limits::PASSWORD_MIN_CHARS;
    if short || args.new.len() > limits::PASSWORD_MAX_BYTES {
        return Err(wrong("new_password"));
    }
    let asked = ChangePassword {
        old: args.old,
        new: args.new,
    };
    let path = "/v1/auth/change-password";
    match context.rest.post::<Done>(path, &asked).await {
        Ok(_) => Ok(()),
        Err(RestError::Refused(error)) => Err(match error.code {
            ErrorCode::Forbidden => wrong("old_password"),
            ErrorCode::Invalid => wrong("new_password"),
            _ => UiError::from(&error),
        }),
        Err(error) => Err(failed(&error)),
    }
}
