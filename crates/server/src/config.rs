//! What an operator chooses: by environment (`IM_*`), by a TOML file, or left as it is.
//!
//! The environment wins over the file. TLS is not served here yet: in production a reverse proxy
//! in front terminates it, on the same machine or a trusted network.

mod files;
mod limits;
mod mail;

pub use files::{Bucket, Files};
pub use limits::{Limits, Rate};
pub use mail::{Mail, Tls};

use im_protocol::limits::SEND_ITEMS;
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// The shortest token secret that production takes, in bytes.
pub const SECRET_MIN_BYTES: usize = 32;
/// Where the server listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8470;

/// Why a configuration cannot be used. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("the configuration file {path} cannot be read: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {path} is wrong: {reason}")]
    Toml {
        /// Which.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A variable has a value that cannot be used.
    #[error("{name} is wrong: {reason}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wanted.
        reason: String,
    },
    /// Production without a secret of its own.
    #[error(
        "production needs IM_TOKEN_SECRET (or token_secret in the file): a random text of at \
         least {SECRET_MIN_BYTES} bytes that is used nowhere else, for example from \
         `openssl rand -base64 48`; {0}"
    )]
    Secret(&'static str),
    /// Fewer messages at once than come in one request: it would be refused for ever.
    #[error(
        "limits.messages.burst is {0}, and {SEND_ITEMS} at least are needed: so many messages may \
         come at once, and less would hold up for ever who wrote that many without a connection"
    )]
    Messages(u32),
    /// What is set for mail does not go together.
    #[error("mail cannot be sent like this: {0}")]
    Mail(&'static str),
}

/// Everything the server needs to know before it starts.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder with the database, and the files where no bucket is named. Made where it is missing.
    pub data: PathBuf,
    /// Origins that browsers may come from, such as `https://mentor.example.org`. Outside
    /// production every localhost origin is allowed too. Native clients send none.
    pub origins: Vec<String>,
    /// Signs access tokens. None outside production: one is made and kept in the data folder.
    pub token_secret: Option<String>,
    /// Holds the server to what a public one needs.
    pub production: bool,
    /// Takes the client's address from `X-Forwarded-For`, set by the proxy in front.
    pub behind_proxy: bool,
    /// Ways through networks for calls.
    pub ice: Ice,
    /// How mail is sent; none where it is not.
    pub mail: Option<Mail>,
    /// Whether students have to show that their address is theirs before they write, join courses
    /// and begin conversations. Unless told otherwise: where mail is sent.
    pub require_verified: Option<bool>,
    /// Whether students may register by themselves.
    pub registration: Registration,
    /// What becomes of files.
    pub files: Files,
    /// What one client may ask for.
    pub limits: Limits,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .field("production", &self.production)
            .finish_non_exhaustive()
    }
}

/// Whether students may register by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// They may.
    #[default]
    Open,
    /// They may not.
    Closed,
}

/// STUN and TURN servers that clients are told of.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ice {
    /// Such as `stun:stun.example.org:3478` (RFC 7064).
    pub stun: Vec<String>,
    /// Such as `turn:relay.example.org:3478?transport=udp` (RFC 7065).
    pub turn: Vec<String>,
    /// Shared with the TURN server (`static-auth-secret` of coturn).
    pub turn_secret: Option<String>,
}

impl Config {
    /// A server for one machine, with its data in `data`, listening on localhost.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            data: data.into(),
            origins: Vec::new(),
            token_secret: None,
            production: false,
            behind_proxy: false,
            ice: Ice::default(),
            mail: None,
            require_verified: None,
            registration: Registration::Open,
            files: Files::default(),
            limits: Limits::default(),
        }
    }

    /// Whether students have to show that their address is theirs.
    #[must_use]
    pub fn requires_verified(&self) -> bool {
        self.require_verified.unwrap_or(self.mail.is_some())
    }

    /// The configuration of this process: `IM_CONFIG` or `file` names a TOML file, `IM_*` override
    /// it.
    ///
    /// # Errors
    /// Where a value cannot be used; the text says which and what is wanted.
    pub fn load(file: Option<&Path>, env: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let named = env.get("IM_CONFIG").map(PathBuf::from);
        let mut settings = match file.map(Path::to_path_buf).or(named) {
            Some(path) => Settings::read(&path)?,
            None => Settings::default(),
        };
        settings.override_by(env)?;
        settings.into_config()
    }

    /// Refuses what cannot work, and what must not run in production.
    ///
    /// # Errors
    /// A burst of messages that is smaller than a request may be; mail that cannot be sent; a
    /// missing, short or well-known token secret in production.
    pub fn check(&self) -> Result<(), ConfigError> {
        let burst = self.limits.messages.burst;
        if usize::try_from(burst).is_ok_and(|burst| burst < SEND_ITEMS) {
            return Err(ConfigError::Messages(burst));
        }
        match &self.mail {
            Some(mail) => mail.check().map_err(ConfigError::Mail)?,
            None if self.requires_verified() => {
                return Err(ConfigError::Mail(
                    "IM_REQUIRE_VERIFIED wants IM_SMTP_HOST: nobody could show their address",
                ));
            }
            None => {}
        }
        if !self.production {
            return Ok(());
        }
        let Some(secret) = &self.token_secret else {
            return Err(ConfigError::Secret("there is none"));
        };
        if secret.len() < SECRET_MIN_BYTES {
            return Err(ConfigError::Secret("this one is too short"));
        }
        let lower = secret.to_lowercase();
        let known = ["secret", "change", "example", "development", "default"];
        let first = lower.chars().next();
        if known.iter().any(|word| lower.contains(word)) || lower.chars().all(|c| Some(c) == first)
        {
            return Err(ConfigError::Secret(
                "this one looks like a default that others know too",
            ));
        }
        Ok(())
    }
}

/// The file's shape; every key may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    host: Option<IpAddr>,
    port: Option<u16>,
    data: Option<PathBuf>,
    origins: Vec<String>,
    token_secret: Option<String>,
    production: bool,
    behind_proxy: bool,
    ice: Ice,
    mail: mail::Settings,
    require_verified: Option<bool>,
    registration: Registration,
    files: files::Settings,
    limits: Limits,
}

impl Settings {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_path_buf(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Toml {
            path: path.to_path_buf(),
            // The message only: the excerpt of a toml error could show the secret's line.
            reason: error.message().to_owned(),
        })
    }

    fn override_by(&mut self, env: &HashMap<String, String>) -> Result<(), ConfigError> {
        let get = |name: &'static str| env.get(name).filter(|value| !value.is_empty());
        let list = |text: &String| -> Vec<String> {
            let parts = text.split(',').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        if let Some(text) = get("IM_HOST") {
            self.host = Some(parse("IM_HOST", text, "an IP address")?);
        }
        if let Some(text) = get("IM_PORT") {
            self.port = Some(parse("IM_PORT", text, "a number from 0 to 65535")?);
        }
        if let Some(text) = get("IM_DATA") {
            self.data = Some(PathBuf::from(text));
        }
        if let Some(text) = get("IM_ORIGINS") {
            self.origins = list(text);
        }
        if let Some(text) = get("IM_TOKEN_SECRET") {
            self.token_secret = Some(text.clone());
        }
        if let Some(text) = get("IM_PRODUCTION") {
            self.production = flag("IM_PRODUCTION", text)?;
        }
        if let Some(text) = get("IM_BEHIND_PROXY") {
            self.behind_proxy = flag("IM_BEHIND_PROXY", text)?;
        }
        if let Some(text) = get("IM_STUN") {
            self.ice.stun = list(text);
        }
        if let Some(text) = get("IM_TURN") {
            self.ice.turn = list(text);
        }
        if let Some(text) = get("IM_LIMITS") {
            self.limits = match text.as_str() {
                "usual" => Limits::default(),
                "wide" => Limits::wide(),
                _ => {
                    return Err(ConfigError::Variable {
                        name: "IM_LIMITS",
                        reason: "usual or wide is wanted; single limits go into the file".into(),
                    });
                }
            };
        }
        if let Some(text) = get("IM_REQUIRE_VERIFIED") {
            self.require_verified = Some(flag("IM_REQUIRE_VERIFIED", text)?);
        }
        if let Some(text) = get("IM_REGISTRATION") {
            self.registration = match text.as_str() {
                "open" => Registration::Open,
                "closed" => Registration::Closed,
                _ => {
                    return Err(ConfigError::Variable {
                        name: "IM_REGISTRATION",
                        reason: "open or closed is wanted".into(),
                    });
                }
            };
        }
        self.mail.override_by(env)?;
        self.files.override_by(env)?;
        if let Some(text) = get("IM_TURN_SECRET") {
            self.ice.turn_secret = Some(text.clone());
        }
        Ok(())
    }

    fn into_config(self) -> Result<Config, ConfigError> {
        if !self.ice.turn.is_empty() && self.ice.turn_secret.is_none() {
            return Err(ConfigError::Variable {
                name: "IM_TURN_SECRET",
                reason: "TURN servers are named, so the secret shared with them is needed".into(),
            });
        }
        let host = self.host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(Config {
            listen: SocketAddr::new(host, self.port.unwrap_or(DEFAULT_PORT)),
            data: self.data.unwrap_or_else(|| PathBuf::from("im-data")),
            origins: self.origins,
            token_secret: self.token_secret,
            production: self.production,
            behind_proxy: self.behind_proxy,
            ice: self.ice,
            mail: self.mail.into_mail()?,
            require_verified: self.require_verified,
            registration: self.registration,
            files: self.files.into_files()?,
            limits: self.limits,
        })
    }
}

fn parse<T: std::str::FromStr>(
    name: &'static str,
    text: &str,
    wanted: &str,
) -> Result<T, ConfigError> {
    text.parse().map_err(|_| ConfigError::Variable {
        name,
        reason: format!("{wanted} is wanted"),
    })
}

fn flag(name: &'static str, text: &str) -> Result<bool, ConfigError> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        _ => Err(ConfigError::Variable {
            name,
            reason: "1 or 0 is wanted".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "port = 1000\norigins = [\"https://a.example\"]\n").unwrap();
        let config = Config::load(Some(&file), &env(&[("IM_PORT", "2000")])).unwrap();
        assert_eq!(config.listen.port(), 2000);
        assert_eq!(config.origins, ["https://a.example"]);
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_secret_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "token_secret = 'hush-hush'\nprot = 1000\n").unwrap();
        let error = Config::load(Some(&file), &env(&[]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("prot"), "{error}");
        assert!(!error.contains("hush-hush"), "{error}");
    }

    #[test]
    fn a_limit_that_would_hold_up_an_outbox_for_ever_is_refused_in_plain_words() {
        let mut config = Config::new("unused");
        config.limits.messages.burst = 50;
        config.check().unwrap();
        config.limits.messages.burst = 49;
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("limits.messages.burst is 49"), "{error}");
        assert!(error.contains("50 at least"), "{error}");
    }

    #[test]
    fn production_wants_a_secret_of_its_own() {
        let mut config = Config::new("unused");
        config.production = true;
        let bad = [
            None,
            Some("short"),
            Some("change-me-change-me-change-me-change-me"),
            Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ];
        for secret in bad {
            config.token_secret = secret.map(str::to_owned);
            assert!(config.check().is_err(), "{secret:?}");
        }
        config.token_secret = Some("q7mXk0Zr5v8yB2nWc4uT9pLs1dFg6hJk".into());
        config.check().unwrap();
    }

    #[test]
    fn a_wrong_value_says_what_is_wanted() {
        let error = Config::load(None, &env(&[("IM_PORT", "many")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "IM_PORT is wrong: a number from 0 to 65535 is wanted"
        );
        assert!(Config::load(None, &env(&[("IM_TURN", "turn:a.example")])).is_err());
    }
}
