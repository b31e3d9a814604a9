//! How the socket is kept: which credential each connect has, what a refusal means, and the one
//! quiet line that a person sees of it.

use crate::{
    account::{ServerAddress, TokenError, Tokens},
    secrets::Secret,
};
use im_contract::{
    ErrorKind, UiError,
    views::{Connection, ConnectionState},
};
use im_protocol::{
    DeviceId, ErrorCode, WireError,
    handshake::{Auth, Refused, Versions},
};
use im_socketio::{AuthError, OnRefusal, Options, Refusal, State};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The access token that the server knows of this connection. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct TokenInUse(Arc<Mutex<Option<Secret>>>);

impl TokenInUse {
    /// It is this one now.
    pub(crate) fn set(&self, token: Secret) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, token: &Secret) -> bool {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.as_ref() == Some(token)
    }

    fn take(&self) -> Option<Secret> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Gives each connect a token that is good, and says what to do where the server refuses.
pub(crate) struct SocketAuth {
    tokens: Tokens,
    device: DeviceId,
    app: String,
    used: TokenInUse,
}

impl SocketAuth {
    pub(crate) fn new(tokens: Tokens, device: DeviceId, app: String) -> Self {
        Self {
            tokens,
            device,
            app,
            used: TokenInUse::default(),
        }
    }
}

impl SocketAuth {
    /// What the present connection began with.
    pub(crate) fn in_use(&self) -> TokenInUse {
        self.used.clone()
    }
}

impl im_socketio::Auth for SocketAuth {
    async fn auth(&self) -> Result<Value, AuthError> {
        let token = self.tokens.access().await.map_err(|error| match error {
            TokenError::Unavailable => AuthError::Unavailable,
            TokenError::Refused => AuthError::SignedOut,
        })?;
        let auth = Auth {
            token: token.expose().to_owned(),
            versions: Versions::OURS,
            app: self.app.clone(),
            features: Vec::new(),
            device: self.device,
        };
        self.used.set(token);
        serde_json::to_value(auth).map_err(|_| AuthError::Unavailable)
    }

    async fn refused(&self, refusal: &Refusal) -> OnRefusal {
        let code = ErrorCode::from(refusal.code.clone());
        tracing::info!(%code, "the server refused the connection");
        match code {
            // A server with another secret takes the refresh token all the same.
            ErrorCode::TokenExpired | ErrorCode::Unauthorized => {
                if let Some(token) = self.used.take() {
                    self.tokens.refused(token);
                }
                OnRefusal::Retry
            }
            code @ (ErrorCode::SessionRevoked | ErrorCode::AccountDeleted) => {
                let told = refusal.data_as::<Refused>().map(|refused| refused.error);
                let why = told.unwrap_or_else(|_| WireError::new(code, ""));
                self.tokens.end(&why);
                OnRefusal::Stop
            }
            ErrorCode::UpgradeRequired => OnRefusal::Stop,
            code if code.retryable() => OnRefusal::Retry,
            _ => OnRefusal::Stop,
        }
    }
}

/// How to connect to this server.
pub(crate) fn options(server: &ServerAddress) -> Options {
    Options::new(server.to_string())
}

/// What else the line tells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// Whether the server has said its first words on this connection.
    pub(crate) ready: bool,
    /// Messages not sent yet.
    pub(crate) waiting: u32,
    /// Whether what was missed is still being fetched.
    pub(crate) catching_up: bool,
    /// Whether the server said that it closes for a moment.
    pub(crate) restarts: bool,
    /// Why what comes cannot be kept on this device, where it cannot.
    pub(crate) unkept: Option<ErrorKind>,
    /// Round trip.
    pub(crate) latency: Option<Duration>,
}

/// The line.
pub(crate) fn line(state: &State, beside: Beside) -> Connection {
    let away = beside
        .restarts
        .then(|| UiError::new(ErrorKind::ServerRestarts));
    let (state, retry_in, problem) = match state {
        State::Connected { .. } if beside.ready => (
            ConnectionState::Online,
            None,
            beside.unkept.map(UiError::new),
        ),
        State::Connected { .. } | State::Connecting { .. } => {
            (ConnectionState::Connecting, None, away)
        }
        State::Waiting { retry_in, .. } => (ConnectionState::Waiting, Some(*retry_in), away),
        State::Refused { error } => (ConnectionState::Refused, None, Some(problem(error))),
        State::Closed => (ConnectionState::Off, None, None),
    };
    Connection {
        state,
        retry_in_ms: retry_in.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        waiting: beside.waiting,
        catching_up: beside.catching_up,
        problem,
        latency_ms: beside
            .latency
            .filter(|_| state == ConnectionState::Online)
            .map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
    }
}

/// A line, and when it was told first.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// As it was then.
    pub(crate) line: Connection,
    at: Instant,
}

impl Told {
    /// A line that is told now.
    pub(crate) fn now(line: Connection) -> Self {
        Self {
            line,
            at: Instant::now(),
        }
    }

    /// The line for who asks at this moment: of a wait what is left.
    pub(crate) fn as_of(&self, now: Instant) -> Connection {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let mut line = self.line.clone();
        line.retry_in_ms = line.retry_in_ms.map(|left| left.saturating_sub(passed));
        line
    }
}

/// The line where there is no socket.
pub(crate) fn no_line(problem: Option<UiError>) -> Connection {
    Connection {
        state: match problem {
            Some(_) => ConnectionState::Refused,
            None => ConnectionState::Off,
        },
        retry_in_ms: None,
        waiting: 0,
        catching_up: false,
        problem,
        latency_ms: None,
    }
}

fn problem(refusal: &Refusal) -> UiError {
    match refusal.data_as::<Refused>() {
        Ok(refused) if refused.error.code == ErrorCode::UpgradeRequired => {
            version_problem(refused.versions)
        }
        Ok(refused) => UiError::from(&refused.error),
        Err(_) => UiError::new(ErrorKind::NotAServer),
    }
}

/// Which of the two is to be updated. A server that does not say what it speaks is taken for the
/// newer one.
pub(crate) fn version_problem(theirs: Option<Versions>) -> UiError {
    let server_is_older =
        theirs.is_some_and(|theirs| theirs.protocol < Versions::OURS.min_protocol);
    UiError::new(if server_is_older {
        ErrorKind::ServerTooOld
    } else {
        ErrorKind::AppTooOld
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(data: Value) -> Connection {
        let error = Refusal::from_payload(json!({ "message": "no", "data": data }));
        line(&State::Refused { error }, Beside::default())
    }

    #[test]
    fn an_older_and_a_newer_server_are_told_apart() {
        let newer = refused(json!({ "code": "upgrade_required", "message": "",
            "versions": { "protocol": 90, "min_protocol": 80 } }));
        assert_eq!(newer.state, ConnectionState::Refused);
        assert_eq!(newer.problem.unwrap().kind, ErrorKind::AppTooOld);
        let older = refused(json!({ "code": "upgrade_required", "message": "",
            "versions": { "protocol": 0, "min_protocol": 0 } }));
        assert_eq!(older.problem.unwrap().kind, ErrorKind::ServerTooOld);
    }

    #[test]
    fn somebody_elses_refusal_is_no_servers_of_ours() {
        let line = refused(json!([1]));
        assert_eq!(line.problem.unwrap().kind, ErrorKind::NotAServer);
    }

    #[test]
    fn who_asks_in_the_middle_of_a_wait_hears_what_is_left_of_it() {
        let told = Told::now(Connection {
            retry_in_ms: Some(30_000),
            ..no_line(None)
        });
        let left = |seconds| {
            let now = told.at + Duration::from_secs(seconds);
            told.as_of(now).retry_in_ms
        };
        assert_eq!(left(0), Some(30_000));
        assert_eq!(left(20), Some(10_000));
        assert_eq!(left(40), Some(0));
    }

    #[test]
    fn the_line_is_online_only_after_the_servers_first_words() {
        let state = State::Connected {
            sid: "x".to_owned(),
        };
        let mut beside = Beside {
            latency: Some(Duration::from_millis(12)),
            waiting: 3,
            ..Beside::default()
        };
        let early = line(&state, beside);
        assert_eq!(early.state, ConnectionState::Connecting);
        assert_eq!(early.latency_ms, None);
        beside.ready = true;
        let ready = line(&state, beside);
        assert_eq!(
            (ready.state, ready.problem),
            (ConnectionState::Online, None)
        );
        let unkept = Some(ErrorKind::Storage);
        let full = line(&state, Beside { unkept, ..beside });
        assert_eq!(full.problem.map(|why| why.kind), unkept);
        assert_eq!((ready.latency_ms, ready.waiting), (Some(12), 3));
    }
}
