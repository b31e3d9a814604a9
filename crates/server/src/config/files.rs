//! Where files are kept and which are taken: the `[files]` table of the file, `IM_FILES_*`.

use super::ConfigError;
use im_protocol::limits;
use serde::Deserialize;
use std::collections::HashMap;

/// Programs for Windows, Linux and macOS, by their content. Nobody is to start what somebody sent.
const PROGRAMS: [&str; 3] = [
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-mach-binary",
];

/// What becomes of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Where whole files are kept; none for the folder `files` in the data folder.
    pub bucket: Option<Bucket>,
    /// Bytes in one file, at most.
    pub max_bytes: u64,
    /// Files of one person that are not whole yet, at most.
    pub open: u64,
    /// Bytes that one person may hand over on one day.
    pub bytes_per_day: u64,
    /// Bytes of the disk that files leave to the database.
    pub keep_free: u64,
    /// Media types that are not taken, as their content shows them.
    pub refused: Vec<String>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            bucket: None,
            max_bytes: limits::FILE_BYTES,
            open: 20,
            bytes_per_day: 2 * 1024 * 1024 * 1024,
            keep_free: 256 * 1024 * 1024,
            refused: PROGRAMS.map(str::to_owned).into(),
        }
    }
}

/// A place that speaks S3.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket.
    pub name: String,
    /// What the names of our objects begin with; may be empty.
    pub prefix: String,
    /// Where it is asked, such as `https://s3.example.org`; none for Amazon's own.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Key and secret; none where the machine it runs on vouches for it.
    pub login: Option<(String, String)>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// The table's shape.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    url: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    key: Option<String>,
    secret: Option<String>,
    max_bytes: Option<u64>,
    open: Option<u64>,
    bytes_per_day: Option<u64>,
    keep_free: Option<u64>,
    refused: Option<Vec<String>>,
}

impl Settings {
    pub(super) fn override_by(&mut self, env: &HashMap<String, String>) -> Result<(), ConfigError> {
        let get = |name: &'static str| env.get(name).filter(|value| !value.is_empty()).cloned();
        for (field, name) in [
            (&mut self.url, "IM_FILES_URL"),
            (&mut self.endpoint, "IM_FILES_ENDPOINT"),
            (&mut self.region, "IM_FILES_REGION"),
            (&mut self.key, "IM_FILES_KEY"),
            (&mut self.secret, "IM_FILES_SECRET"),
        ] {
            if let Some(text) = get(name) {
                *field = Some(text);
            }
        }
        for (field, name) in [
            (&mut self.max_bytes, "IM_FILES_MAX_BYTES"),
            (&mut self.bytes_per_day, "IM_FILES_BYTES_PER_DAY"),
            (&mut self.keep_free, "IM_FILES_KEEP_FREE"),
        ] {
            if let Some(text) = get(name) {
                *field = Some(super::parse(name, &text, "a number of bytes")?);
            }
        }
        if let Some(text) = get("IM_FILES_REFUSED") {
            let types = text.split(',').map(str::trim);
            let types = types.filter(|one| !one.is_empty() && *one != "none");
            self.refused = Some(types.map(str::to_owned).collect());
        }
        Ok(())
    }

    pub(super) fn into_files(self) -> Result<Files, ConfigError> {
        let usual = Files::default();
        let login = match (self.key, self.secret) {
            (Some(key), Some(secret)) => Some((key, secret)),
            (None, None) => None,
            _ => {
                return Err(wrong(
                    "IM_FILES_KEY",
                    "it goes together with IM_FILES_SECRET: set both or neither",
                ));
            }
        };
        let bucket = match self.url {
            Some(url) => {
                let (name, prefix) = place(&url)?;
                Some(Bucket {
                    name,
                    prefix,
                    endpoint: self.endpoint,
                    region: self.region,
                    login,
                })
            }
            None => None,
        };
        let max_bytes = self.max_bytes.unwrap_or(usual.max_bytes);
        if max_bytes == 0 {
            return Err(wrong("IM_FILES_MAX_BYTES", "at least 1 is wanted"));
        }
        Ok(Files {
            bucket,
            max_bytes,
            open: self.open.unwrap_or(usual.open),
            bytes_per_day: self.bytes_per_day.unwrap_or(usual.bytes_per_day),
            keep_free: self.keep_free.unwrap_or(usual.keep_free),
            refused: self.refused.unwrap_or(usual.refused),
        })
    }
}

/// Bucket and prefix out of `s3://bucket/prefix`.
fn place(url: &str) -> Result<(String, String), ConfigError> {
    let bad = || {
        wrong(
            "IM_FILES_URL",
            "s3://BUCKET or s3://BUCKET/PREFIX is wanted",
        )
    };
    let rest = url.strip_prefix("s3://").ok_or_else(bad)?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if name.is_empty() {
        return Err(bad());
    }
    Ok((name.to_owned(), prefix.trim_matches('/').to_owned()))
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

    fn load(pairs: &[(&str, &str)]) -> Result<Files, ConfigError> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Config::load(None, &owned.collect())?.files)
    }

    #[test]
    fn files_are_in_the_folder_unless_a_bucket_is_named() {
        let usual = load(&[]).unwrap();
        assert_eq!(usual.bucket, None);
        assert_eq!(usual.max_bytes, 104_857_600);
        assert_eq!(usual.refused.len(), 3);
        let other = load(&[
            ("IM_FILES_URL", "s3://school/mentor/"),
            ("IM_FILES_KEY", "key"),
            ("IM_FILES_SECRET", "hush-hush"),
            ("IM_FILES_REFUSED", "none"),
            ("IM_FILES_MAX_BYTES", "5"),
        ]);
        let other = other.unwrap();
        let bucket = other.bucket.unwrap();
        assert_eq!(
            (bucket.name.as_str(), bucket.prefix.as_str()),
            ("school", "mentor")
        );
        assert!(!format!("{bucket:?}").contains("hush-hush"));
        assert_eq!((other.max_bytes, other.refused.len()), (5, 0));
    }

    #[test]
    fn what_cannot_be_is_refused_and_no_secret_repeated() {
        let bad: [&[(&str, &str)]; 5] = [
            &[("IM_FILES_URL", "/var/files")],
            &[("IM_FILES_URL", "s3://")],
            &[("IM_FILES_SECRET", "hush-hush")],
            &[("IM_FILES_MAX_BYTES", "many")],
            &[("IM_FILES_MAX_BYTES", "0")],
        ];
        for settings in bad {
            let error = load(settings).unwrap_err().to_string();
            assert!(!error.contains("hush-hush"), "{error}");
        }
    }
}
