//! TLS: an own authority is trusted when named, and nobody else.

use crate::harness::{Node, ask, client, connected, reach_state};
use im_socketio::{DisconnectReason, Options, OptionsError, State, connect};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

/// An authority and a server with a certificate of it.
struct School {
    authority_pem: String,
    node: Node,
    _files: TempDir,
}

impl School {
    async fn start(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let files = TempDir::new().unwrap();
        let write = |name: &str, text: String| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = write("cert.pem", certificate.pem());
        let key = write("key.pem", key.serialize_pem());
        let settings = [
            ("TLS_CERT", certificate.as_str()),
            ("TLS_KEY", key.as_str()),
        ];
        Self {
            authority_pem: authority.pem(),
            node: Node::start_with(&settings).await,
            _files: files,
        }
    }

    fn options(&self, trusting: &Self) -> Options {
        let mut options = Options::new(format!("https://localhost:{}", self.node.port));
        options.extra_roots_pem = vec![trusting.authority_pem.clone().into_bytes()];
        options
    }
}

#[tokio::test]
async fn a_server_of_an_own_authority_is_trusted() {
    let school = School::start("localhost").await;
    let (client, _events) = connected(school.options(&school)).await;
    assert_eq!(ask(&client, "echo", json!("safe")).await, "safe");
}

#[tokio::test]
async fn a_stranger_and_a_wrong_name_are_not_trusted() {
    let school = School::start("localhost").await;
    let stranger = School::start("localhost").await;
    let misnamed = School::start("example.org").await;
    for options in [school.options(&stranger), misnamed.options(&misnamed)] {
        let (client, _events) = client(options);
        let state = reach_state(&client, |state| matches!(state, State::Waiting { .. })).await;
        assert!(
            matches!(
                &state,
                State::Waiting {
                    reason: DisconnectReason::Tls,
                    ..
                }
            ),
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn a_broken_root_certificate_is_told_before_anything_happens() {
    let mut options = Options::new("https://localhost");
    options.extra_roots_pem = vec![b"no certificate".to_vec()];
    let auth = || async { Ok(json!({})) };
    assert_eq!(
        connect(options, auth).err(),
        Some(OptionsError::Certificate)
    );
}
