//! REST with the server: one request, one answer, one shape of error.

mod bytes;

pub(crate) use bytes::Part;

use crate::account::{ServerAddress, TokenError, Tokens};
use im_contract::{ErrorKind, UiError};
use im_protocol::{ErrorCode, WireError};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};

/// From the first byte sent to the last one read.
const WHOLE: Duration = Duration::from_secs(15);
/// The same for what is read piece by piece.
const LONG: Duration = Duration::from_secs(3_600);
/// For the connection alone.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no answer. Holds no address and no payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestError {
    /// Nobody answered (in time).
    #[error("the server cannot be reached")]
    Unreachable,
    /// Something answered, in another language.
    #[error("the answer is not one of this protocol")]
    NotAServer,
    /// The server refused.
    #[error("the server refused: {}", .0.code)]
    Refused(WireError),
    /// There is no token to ask with, now.
    #[error("there is no token: {0}")]
    Token(#[from] TokenError),
}

impl RestError {
    /// Whether the same request may succeed later without anybody changing it.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable | Self::NotAServer | Self::Token(TokenError::Unavailable) => true,
            Self::Refused(error) => error.retryable || error.code.retryable(),
            Self::Token(TokenError::Refused) => false,
        }
    }
}

impl From<&RestError> for UiError {
    fn from(error: &RestError) -> Self {
        match error {
            RestError::Unreachable => Self::new(ErrorKind::ServerUnreachable),
            RestError::NotAServer => Self::new(ErrorKind::NotAServer),
            RestError::Refused(error) => Self::from(error),
            RestError::Token(TokenError::Unavailable) => Self::new(ErrorKind::NotConnected),
            RestError::Token(TokenError::Refused) => Self::new(ErrorKind::SignInAgain),
        }
    }
}

impl From<RestError> for UiError {
    fn from(error: RestError) -> Self {
        Self::from(&error)
    }
}

/// What can be asked of any server.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
}

impl Http {
    /// A client that trusts the system's roots, follows no redirects and keeps no cookies.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(crate) fn new() -> Result<Self, UiError> {
        let broken = |_| UiError::new(ErrorKind::Internal);
        let mut roots = rustls::RootCertStore::empty();
        // Certificates that cannot be read are left out, as everybody does.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| UiError::new(ErrorKind::Internal))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .build()
            .map_err(broken)?;
        Ok(Self { client })
    }

    /// One request that needs no token.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn request<R: DeserializeOwned>(
        &self,
        server: &ServerAddress,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<R, RestError> {
        read(send(self.build(server, method, path, body)).await?).await
    }

    fn build(
        &self,
        server: &ServerAddress,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> RequestBuilder {
        let request = self.client.request(method, server.route(path));
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

async fn send(request: RequestBuilder) -> Result<Response, RestError> {
    // What reqwest says holds the address: only its kind goes on.
    let answer = request.send().await.map_err(|_| RestError::Unreachable)?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(refusal(answer).await)
    }
}

/// The whole of an answer.
async fn read<R: DeserializeOwned>(answer: Response) -> Result<R, RestError> {
    let bytes = answer.bytes().await.map_err(|_| RestError::Unreachable)?;
    serde_json::from_slice(&bytes).map_err(|_| RestError::NotAServer)
}

/// What an answer that is no success says.
async fn refusal(answer: Response) -> RestError {
    #[derive(Deserialize)]
    struct Refusal {
        error: WireError,
    }
    let status = answer.status();
    let Ok(bytes) = answer.bytes().await else {
        return RestError::Unreachable;
    };
    match serde_json::from_slice::<Refusal>(&bytes) {
        Ok(refusal) => RestError::Refused(refusal.error),
        // A balancer in front of a server that is down.
        Err(_) if status.is_server_error() => RestError::Unreachable,
        Err(_) => RestError::NotAServer,
    }
}

/// Whether a fresh access token may help.
fn is_old_token(error: &RestError) -> bool {
    matches!(error, RestError::Refused(why)
        if matches!(why.code, ErrorCode::TokenExpired | ErrorCode::Unauthorized))
}

/// What can be asked of the server by the signed-in person.
#[derive(Clone)]
pub(crate) struct Rest {
    /// The plain door.
    pub(crate) http: Http,
    /// Whose.
    pub(crate) server: ServerAddress,
    /// With which tokens.
    pub(crate) tokens: Tokens,
}

impl Rest {
    /// Reads.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, RestError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    /// Reads what may be long, piece by piece; whoever reads it sees to the time.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn stream(&self, path: &str) -> Result<Response, RestError> {
        let get = || {
            let request = self.http.client.get(self.server.route(path));
            request.timeout(LONG)
        };
        self.authorized(get).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn post<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<R, RestError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Sets something.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn put<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<R, RestError> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    /// Takes something away.
    ///
    /// # Errors
    /// As [`RestError`] tells.
    pub(crate) async fn delete<R: DeserializeOwned>(&self, path: &str) -> Result<R, RestError> {
        self.ask(Method::DELETE, path, None::<&()>).await
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<R, RestError> {
        let request = || self.http.build(&self.server, method.clone(), path, body);
        read(self.authorized(request).await?).await
    }

    /// The one way of every request of the signed-in person. An access token may be refused as expired
    /// before its time (a clock was set, a secret was changed): it is refreshed once.
    async fn authorized(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RestError> {
        let token = self.tokens.access().await?;
        let mut answer = send(request().bearer_auth(token.expose())).await;
        if answer.as_ref().is_err_and(is_old_token) {
            self.tokens.refused(token);
            let token = self.tokens.access().await?;
            answer = send(request().bearer_auth(token.expose())).await;
        }
        if let Err(error) = &answer {
            self.heed(error);
        }
        answer
    }

    /// A refusal may say that the session is over.
    fn heed(&self, error: &RestError) {
        if let RestError::Refused(error) = error
            && matches!(
                error.code,
                ErrorCode::SessionRevoked | ErrorCode::AccountDeleted
            )
        {
            self.tokens.end(error);
        }
    }
}
