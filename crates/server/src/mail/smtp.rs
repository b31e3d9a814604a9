//! The way to the mail server: SMTP (RFC 5321), one connection a mail.

use super::words;
use crate::{
    config::{Mail, Tls},
    error::Error,
    store::mail::Kind,
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::authentication::Credentials,
};
use std::time::Duration;

/// How long a mail server may take to answer.
const WITHIN: Duration = Duration::from_secs(20);

/// Why a mail was not sent, with the mail server's answer; 0 where there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may be later.
    Later(u16),
    /// It will not be.
    Never(u16),
}

/// Hands mails to the mail server.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// To this mail server.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(super) fn new(settings: &Mail) -> Result<Self, Error> {
        type Smtp = AsyncSmtpTransport<Tokio1Executor>;
        let failed = |_| Error::Broken("TLS to the mail server cannot be set up");
        let builder = match settings.tls {
            Tls::Implicit => Smtp::relay(&settings.host).map_err(failed)?,
            Tls::Starttls => Smtp::starttls_relay(&settings.host).map_err(failed)?,
            Tls::None => Smtp::builder_dangerous(&settings.host),
        };
        let builder = builder.port(settings.port).timeout(Some(WITHIN));
        let builder = match &settings.login {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.clone()))
            }
            None => builder,
        };
        Ok(Self {
            transport: builder.build(),
            from: settings.from.clone(),
        })
    }

    /// Sends a mail; it is the mail server's once this answers.
    ///
    /// # Errors
    /// As [`Trouble`] tells.
    pub(super) async fn send(&self, to: &str, kind: Kind, code: &str) -> Result<(), Trouble> {
        // An address that has another shape for mail than for us can be sent nothing, ever.
        let to = to.parse().map_err(|_| Trouble::Never(0))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(words::subject(kind))
            .header(ContentType::TEXT_PLAIN)
            .body(words::body(kind, code))
            .map_err(|_| Trouble::Never(0))?;
        // What goes wrong may quote addresses: only its number goes on.
        let sent = tokio::time::timeout(2 * WITHIN, self.transport.send(message));
        match sent.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let status = error.status().map_or(0, u16::from);
                Err(trouble(error.is_permanent(), status))
            }
            Err(_) => Err(Trouble::Later(0)),
        }
    }
}

/// What an answer means. That we may not send at all is a matter of the configuration, which the
/// operator mends, and not of the mail.
fn trouble(permanent: bool, status: u16) -> Trouble {
    // RFC 4954, sections 4 and 6; RFC 3207, section 4.
    let ours = matches!(status, 530 | 534 | 535 | 538);
    if permanent && !ours {
        Trouble::Never(status)
    } else {
        Trouble::Later(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_is_tried_again_an_unknown_one_is_not_and_a_wrong_password_is_mended() {
        assert_eq!(trouble(false, 452), Trouble::Later(452));
        assert_eq!(trouble(false, 0), Trouble::Later(0));
        assert_eq!(trouble(true, 550), Trouble::Never(550));
        assert_eq!(trouble(true, 535), Trouble::Later(535));
    }
}
