//! Where whole files are kept: in the folder `files/kept`, or in a bucket that speaks S3.

use super::{STAGED, failed};
use crate::{
    config::{Bucket, ConfigError},
    error::Error,
};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use im_protocol::UnixMs;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig, aws::AmazonS3Builder,
    buffered::BufWriter, local::LocalFileSystem, path::Path as Key,
};
use std::{io, ops::Range, path::Path, sync::Arc, time::Duration};
use tokio::io::AsyncWriteExt as _;

/// Bytes in one part of a file on its way into a bucket. S3 takes no fewer than 5 MiB.
const PART: usize = 8 * 1024 * 1024;
/// Parts on their way at the same time.
const PARTS: usize = 2;
/// What whole files are kept under, in the folder.
const KEPT: &str = "kept";

/// The place.
pub(crate) struct Kept {
    store: Arc<dyn ObjectStore>,
    /// What the names in it begin with.
    prefix: String,
    /// Whether the files that grow are in the same file system, under [`STAGED`].
    beside_staged: bool,
}

/// A file that was found there.
pub(super) struct Found {
    /// The name of the object.
    pub(super) object: String,
    /// When it was put there.
    pub(super) at: UnixMs,
}

impl Kept {
    pub(super) fn in_folder(folder: &Path) -> Result<Self, ConfigError> {
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(|error| unusable(&error))?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true)),
            prefix: KEPT.to_owned(),
            beside_staged: true,
        })
    }

    pub(super) fn in_bucket(bucket: &Bucket) -> Result<Self, ConfigError> {
        // An error means that it was said before: by another server in this process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Somebody waits, and asks again.
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: Duration::from_secs(10),
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&bucket.name)
            .with_retry(retry);
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                // Without TLS only where the operator wrote so.
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &bucket.region {
            builder = builder.with_region(region);
        }
        if let Some((key, secret)) = &bucket.login {
            builder = builder
                .with_access_key_id(key)
                .with_secret_access_key(secret);
        }
        let store = builder.build().map_err(|error| unusable(&error))?;
        Ok(Self {
            store: Arc::new(store),
            prefix: bucket.prefix.clone(),
            beside_staged: false,
        })
    }

    /// Puts a file that has grown up there. Doing it again changes nothing.
    pub(super) async fn put(&self, object: &str, staged: &Path) -> Result<(), Error> {
        let key = self.key(object);
        if self.beside_staged {
            // A second name for the same bytes: nothing is copied.
            let from = Key::from(format!("{STAGED}/{object}"));
            return self.store.copy(&from, &key).await.map_err(gone_wrong);
        }
        let mut file = tokio::fs::File::open(staged).await.map_err(failed)?;
        let mut writer =
            BufWriter::with_capacity(self.store.clone(), key, PART).with_max_concurrency(PARTS);
        if let Err(error) = tokio::io::copy(&mut file, &mut writer).await {
            // What has arrived is not to lie there for ever.
            if let Err(error) = writer.abort().await {
                tracing::warn!(error = %Shape(&error), "parts of a file stay in the bucket");
            }
            return Err(failed(error));
        }
        writer.shutdown().await.map_err(failed)
    }

    /// A part of a file, as it is read.
    pub(super) async fn get(
        &self,
        object: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, Error> {
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
        let found = self.store.get_opts(&self.key(object), options).await;
        Ok(found.map_err(gone_wrong)?.into_stream())
    }

    /// Removes a file; that there is none is as good.
    pub(super) async fn remove(&self, object: &str) -> Result<(), Error> {
        match self.store.delete(&self.key(object)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(gone_wrong(error)),
        }
    }

    /// All files of a database's life.
    pub(super) fn all_of(&self, life: &str) -> BoxStream<'static, Result<Found, Error>> {
        use futures_util::StreamExt as _;
        let before = self.prefix.clone();
        let found = self.store.list(Some(&self.key(life)));
        let found = found.map(move |meta| {
            let meta = meta.map_err(gone_wrong)?;
            let object = meta.location.as_ref().strip_prefix(before.as_str());
            let object = object.unwrap_or_default().trim_start_matches('/');
            Ok(Found {
                object: object.to_owned(),
                at: meta.last_modified.timestamp_millis(),
            })
        });
        found.boxed()
    }

    fn key(&self, object: &str) -> Key {
        Key::from(format!("{}/{object}", self.prefix))
    }
}

fn unusable(error: &object_store::Error) -> ConfigError {
    ConfigError::Variable {
        name: "IM_FILES_URL",
        reason: Shape(error).to_string(),
    }
}

/// What a place did not do: told as the disk being full, or as `unavailable`.
fn gone_wrong(error: object_store::Error) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = source {
        if let Some(one) = one.downcast_ref::<io::Error>()
            && one.get_ref().is_none()
        {
            return failed(one.kind().into());
        }
        source = one.source();
    }
    tracing::error!(error = %Shape(&error), "the place of files failed");
    Error::unavailable()
}

/// An error without names of objects, addresses and keys: only its kind.
struct Shape<'a>(&'a object_store::Error);

impl std::fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use object_store::Error as E;
        f.write_str(match self.0 {
            E::NotFound { .. } => "a file is not there",
            E::PermissionDenied { .. } => "it is not allowed",
            E::Unauthenticated { .. } => "key and secret are not taken",
            E::Precondition { .. } | E::NotModified { .. } => "it was changed meanwhile",
            E::InvalidPath { .. } => "a name is not taken",
            E::UnknownConfigurationKey { .. } => "a setting is not known",
            _ => "it did not do what was asked",
        })
    }
}
