//! How mail is sent: the `[mail]` table of the file, `IM_SMTP_*` and `IM_MAIL_FROM`.

use super::ConfigError;
use lettre::message::Mailbox;
use serde::Deserialize;
use std::collections::HashMap;

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// From the first byte on (RFC 8314), usually on port 465.
    Implicit,
    /// After STARTTLS (RFC 3207), which must succeed; usually on port 587.
    #[default]
    Starttls,
    /// Not at all: for a mail server on this machine.
    None,
}

/// A mail server that takes our mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its name or address; its certificate is to be for it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Name and password to sign in with; none where it takes mail without.
    pub login: Option<(String, String)>,
    /// Who it is from, such as `InstantMentor <mentor@example.org>`.
    pub from: Mailbox,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl Mail {
    /// Refuses what would give secrets away.
    ///
    /// # Errors
    /// Says what does not go together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let here = matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.tls == Tls::None && !here {
            return Err(
                "without TLS codes and passwords could be read on the way: set IM_SMTP_TLS to \
                 implicit or starttls, or take a mail server on this machine",
            );
        }
        Ok(())
    }
}

/// The table's shape.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    host: Option<String>,
    port: Option<u16>,
    tls: Tls,
    user: Option<String>,
    password: Option<String>,
    from: Option<String>,
}

impl Settings {
    pub(super) fn override_by(&mut self, env: &HashMap<String, String>) -> Result<(), ConfigError> {
        let get = |name: &'static str| env.get(name).filter(|value| !value.is_empty()).cloned();
        if let Some(text) = get("IM_SMTP_PORT") {
            self.port = Some(super::parse("IM_SMTP_PORT", &text, "a number to 65535")?);
        }
        if let Some(text) = get("IM_SMTP_TLS") {
            self.tls = match text.as_str() {
                "implicit" => Tls::Implicit,
                "starttls" => Tls::Starttls,
                "none" => Tls::None,
                _ => return Err(wrong("IM_SMTP_TLS", "implicit, starttls or none is wanted")),
            };
        }
        for (field, name) in [
            (&mut self.host, "IM_SMTP_HOST"),
            (&mut self.user, "IM_SMTP_USER"),
            (&mut self.password, "IM_SMTP_PASSWORD"),
            (&mut self.from, "IM_MAIL_FROM"),
        ] {
            if let Some(text) = get(name) {
                *field = Some(text);
            }
        }
        Ok(())
    }

    /// None where no mail server is named.
    pub(super) fn into_mail(self) -> Result<Option<Mail>, ConfigError> {
        let Some(host) = self.host else {
            return Ok(None);
        };
        let from = self
            .from
            .ok_or_else(|| wrong("IM_MAIL_FROM", "mail needs an address that it is from"))?;
        let from = from.parse().map_err(|_| {
            wrong(
                "IM_MAIL_FROM",
                "an address is wanted, such as InstantMentor <mentor@example.org>",
            )
        })?;
        let login = match (self.user, self.password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => {
                return Err(wrong(
                    "IM_SMTP_USER",
                    "it goes together with IM_SMTP_PASSWORD: set both or neither",
                ));
            }
        };
        let port = self.port.unwrap_or(match self.tls {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        });
        Ok(Some(Mail {
            host,
            port,
            tls: self.tls,
            login,
            from,
        }))
    }
}

fn wrong(name: &'static str, reason: &str) -> ConfigError {
    ConfigError::Variable {
        name,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(None, &owned.collect())?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn where_mail_is_sent_addresses_have_to_be_shown_unless_the_operator_says_otherwise() {
        let server = ("IM_SMTP_HOST", "mail.example.org");
        let from = ("IM_MAIL_FROM", "InstantMentor <mentor@example.org>");
        let config = load(&[server, from]).unwrap();
        let mail = config.mail.as_ref().unwrap();
        assert_eq!((mail.port, mail.tls), (587, Tls::Starttls));
        assert!(config.requires_verified());
        assert!(!format!("{mail:?}").contains("mentor@example.org"));
        let config = load(&[server, from, ("IM_REQUIRE_VERIFIED", "0")]).unwrap();
        assert!(!config.requires_verified());
        assert!(!load(&[]).unwrap().requires_verified());
        assert!(load(&[("IM_REQUIRE_VERIFIED", "1")]).is_err());
    }

    #[test]
    fn what_does_not_go_together_is_refused_and_no_secret_repeated() {
        let server = ("IM_SMTP_HOST", "mail.example.org");
        let from = ("IM_MAIL_FROM", "mentor@example.org");
        let bad: [&[(&str, &str)]; 5] = [
            &[server],
            &[server, ("IM_MAIL_FROM", "nobody")],
            &[server, from, ("IM_SMTP_PASSWORD", "hush-hush")],
            &[server, from, ("IM_SMTP_TLS", "perhaps")],
            &[server, from, ("IM_SMTP_TLS", "none")],
        ];
        for settings in bad {
            let error = load(settings).unwrap_err().to_string();
            assert!(!error.contains("hush-hush"), "{error}");
        }
        let here = ("IM_SMTP_HOST", "localhost");
        load(&[here, from, ("IM_SMTP_TLS", "none")]).unwrap();
    }
}
