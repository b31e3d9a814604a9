//! The four ways in: signing in, registering, accepting an invitation, a code for a new password.

use super::ServerAddress;
use crate::{
    connection::version_problem,
    rest::{Http, RestError},
};
use im_contract::{
    ErrorKind, UiError,
    args::{InvitationArgs, RegisterArgs, ResetArgs, SignInArgs},
};
use im_protocol::{
    ErrorCode, WireError,
    account::Reset,
    handshake::Versions,
    limits,
    rest::{AcceptInvitation, Device, Register, ServerVersion, SignIn, SignedIn},
};
use reqwest::Method;

/// Which way.
pub(crate) enum How {
    /// With a password that is known.
    SignIn(SignInArgs),
    /// As a new student.
    Register(RegisterArgs),
    /// By an invitation.
    Invitation(InvitationArgs),
    /// With a code for a new password.
    Reset(ResetArgs),
}

/// Goes in.
///
/// # Errors
/// What a person can do something about: the address, the server, the versions, the password.
pub(crate) async fn enter(
    http: &Http,
    how: How,
    device: Device,
) -> Result<(ServerAddress, SignedIn), UiError> {
    let server = match &how {
        How::SignIn(args) => &args.server,
        How::Register(args) => &args.server,
        How::Invitation(args) => &args.server,
        How::Reset(args) => &args.server,
    };
    let server =
        ServerAddress::parse(server).map_err(|_| UiError::new(ErrorKind::BadServerAddress))?;
    check(&how)?;
    speaks_with_us(http, &server).await?;
    let (path, answer) = match how {
        How::SignIn(args) => {
            let body = SignIn {
                email: args.email.trim().to_owned(),
                password: args.password,
                device,
            };
            let path = "/v1/auth/sign-in";
            (path, post(http, &server, path, &body).await)
        }
        How::Register(args) => {
            let body = Register {
                email: args.email.trim().to_owned(),
                password: args.password,
                name: args.name.trim().to_owned(),
                device,
            };
            let path = "/v1/auth/register";
            (path, post(http, &server, path, &body).await)
        }
        How::Invitation(args) => {
            let body = AcceptInvitation {
                code: args.code.trim().to_owned(),
                password: args.password,
                name: args.name.trim().to_owned(),
                device,
            };
            let path = "/v1/auth/accept-invitation";
            (path, post(http, &server, path, &body).await)
        }
        How::Reset(args) => {
            let body = Reset {
                email: args.email.trim().to_owned(),
                code: args.code,
                password: args.password,
                device,
            };
            let path = "/v1/auth/reset";
            (path, post(http, &server, path, &body).await)
        }
    };
    let signed_in = answer.map_err(|error| match &error {
        RestError::Refused(refusal) => refused(path, refusal),
        _ => UiError::from(&error),
    })?;
    Ok((server, signed_in))
}

async fn post(
    http: &Http,
    server: &ServerAddress,
    path: &str,
    body: &(impl serde::Serialize + Sync),
) -> Result<SignedIn, RestError> {
    http.request(server, Method::POST, path, Some(body)).await
}

/// Refuses a server that is too old or too new for this app.
pub(super) async fn speaks_with_us(http: &Http, server: &ServerAddress) -> Result<(), UiError> {
    let version: ServerVersion = http
        .request(server, Method::GET, "/v1/version", None::<&()>)
        .await?;
    match Versions::OURS.common(version.versions) {
        Some(_) => Ok(()),
        None => Err(version_problem(Some(version.versions))),
    }
}

/// What the server's refusal means on this way.
fn refused(path: &str, error: &WireError) -> UiError {
    let kind = match (path, &error.code) {
        ("/v1/auth/sign-in", ErrorCode::Unauthorized) => ErrorKind::WrongPassword,
        ("/v1/auth/register", ErrorCode::Conflict) => ErrorKind::EmailTaken,
        (
            "/v1/auth/accept-invitation",
            ErrorCode::NotFound | ErrorCode::Gone | ErrorCode::Conflict | ErrorCode::Unauthorized,
        ) => ErrorKind::BadInvitation,
        ("/v1/auth/reset", ErrorCode::NotFound) => ErrorKind::BadCode,
        _ => return UiError::from(error),
    };
    UiError::new(kind)
}

/// Whether it looks like an e-mail address; the server looks closer.
pub(super) fn is_email(text: &str) -> bool {
    let text = text.trim();
    let looks_right = text
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    looks_right && text.chars().count() <= limits::EMAIL_CHARS
}

/// What the server would refuse is not sent.
fn check(how: &How) -> Result<(), UiError> {
    let missing = |field: &str| Err(UiError::new(ErrorKind::Invalid).with("field", field));
    let (email, name, code, password) = match how {
        How::SignIn(args) => (Some(&args.email), None, None, &args.password),
        How::Register(args) => (Some(&args.email), Some(&args.name), None, &args.password),
        How::Invitation(args) => (None, Some(&args.name), Some(&args.code), &args.password),
        How::Reset(args) => (Some(&args.email), None, Some(&args.code), &args.password),
    };
    if email.is_some_and(|email| !is_email(email)) {
        return missing("email");
    }
    if let Some(name) = name.map(|name| name.trim()) {
        if name.is_empty() {
            return missing("name");
        }
        if name.chars().count() > limits::NAME_CHARS {
            return Err(UiError::new(ErrorKind::TooLong)
                .with("field", "name")
                .with("limit", limits::NAME_CHARS));
        }
    }
    if code.is_some_and(|code| code.trim().is_empty()) {
        return missing("code");
    }
    let new = !matches!(how, How::SignIn(_));
    let short = password.chars().count() < if new { limits::PASSWORD_MIN_CHARS } else { 1 };
    if short || password.len() > limits::PASSWORD_MAX_BYTES {
        return missing("password");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(name: &str, email: &str, password: &str) -> How {
        How::Register(RegisterArgs {
            server: "https://example.org".to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
        })
    }

    #[test]
    fn what_is_missing_is_named_before_anything_is_sent() {
        let field = |how: How| {
            let error = check(&how).unwrap_err();
            error.params.get("field").cloned().unwrap_or_default()
        };
        assert_eq!(field(register("Sam", "sam", "long enough!")), "email");
        assert_eq!(field(register("Sam", "@x", "long enough!")), "email");
        assert_eq!(field(register(" ", "sam@x.org", "long enough!")), "name");
        assert_eq!(field(register("Sam", "sam@x.org", "short")), "password");
        assert!(check(&register("Sam", "sam@x.org", "long enough!")).is_ok());
        let long = check(&register(&"S".repeat(81), "sam@x.org", "long enough!"));
        let long = long.unwrap_err();
        assert_eq!(long.kind, ErrorKind::TooLong);
        assert_eq!(long.params.get("field").map(String::as_str), Some("name"));
        // An old password may be shorter than what is asked for today.
        let old = How::SignIn(SignInArgs {
            server: String::new(),
            email: "sam@x.org".to_owned(),
            password: "short".to_owned(),
        });
        assert!(check(&old).is_ok());
    }

    #[test]
    fn a_refusal_says_what_it_means_on_its_way() {
        let kind = |path, code| refused(path, &WireError::new(code, "")).kind;
        assert_eq!(
            kind("/v1/auth/sign-in", ErrorCode::Unauthorized),
            ErrorKind::WrongPassword
        );
        assert_eq!(
            kind("/v1/auth/register", ErrorCode::Conflict),
            ErrorKind::EmailTaken
        );
        assert_eq!(
            kind("/v1/auth/accept-invitation", ErrorCode::Gone),
            ErrorKind::BadInvitation
        );
        assert_eq!(
            kind("/v1/auth/sign-in", ErrorCode::RateLimited),
            ErrorKind::TooFast
        );
    }
}
