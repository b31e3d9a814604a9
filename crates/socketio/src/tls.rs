//! Which certificates are trusted: the system's, and those of the options.

use crate::error::OptionsError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::Arc;
use tokio::{sync::OnceCell, task};

/// What is trusted. Clones share the configuration, which is made when it is first needed: reading
/// the system's certificates takes some milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    extra: Vec<CertificateDer<'static>>,
    config: Arc<OnceCell<Arc<ClientConfig>>>,
}

/// There is no TLS to be had on this machine.
#[derive(Debug)]
pub(crate) struct NoTrust;

impl Trust {
    /// # Errors
    /// [`OptionsError::Certificate`] if one of the PEM texts holds no certificate or a broken one.
    pub(crate) fn new(extra_pem: &[Vec<u8>]) -> Result<Self, OptionsError> {
        let mut extra = Vec::new();
        let mut store = RootCertStore::empty();
        for pem in extra_pem {
            let before = extra.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| OptionsError::Certificate)?;
                store
                    .add(certificate.clone())
                    .map_err(|_| OptionsError::Certificate)?;
                extra.push(certificate);
            }
            if extra.len() == before {
                return Err(OptionsError::Certificate);
            }
        }
        Ok(Self {
            extra,
            config: Arc::default(),
        })
    }

    /// The configuration for a TLS connection.
    ///
    /// # Errors
    /// If no certificate at all is trusted here.
    pub(crate) async fn config(&self) -> Result<Arc<ClientConfig>, NoTrust> {
        let extra = self.extra.clone();
        self.config
            .get_or_try_init(|| async {
                task::spawn_blocking(move || build(extra))
                    .await
                    .map_err(|_| NoTrust)?
            })
            .await
            .cloned()
    }
}

fn build(extra: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, NoTrust> {
    let found = rustls_native_certs::load_native_certs();
    if !found.errors.is_empty() {
        tracing::warn!(
            errors = found.errors.len(),
            "some of the system's certificates cannot be read"
        );
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs.into_iter().chain(extra));
    if store.is_empty() {
        tracing::warn!("the system has no certificates");
        return Err(NoTrust);
    }
    // The provider by name: with two of them in one build there is no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| NoTrust)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n",
        ] {
            let result = Trust::new(&[pem.as_bytes().to_vec()]);
            assert_eq!(result.unwrap_err(), OptionsError::Certificate, "{pem}");
        }
        assert!(Trust::new(&[]).is_ok());
    }
}
