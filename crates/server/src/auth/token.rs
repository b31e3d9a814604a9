//! Access tokens: JWT (RFC 7519), HS256; and random codes.

use crate::error::Error;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use im_protocol::{ErrorCode, PersonId, SessionId, UnixMs, people::Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How long an access token holds, milliseconds: a quarter of an hour.
pub(super) const ACCESS_MS: i64 = 15 * 60 * 1_000;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    #[serde(rename = "sub")]
    pub person: PersonId,
    /// In which sign-in.
    #[serde(rename = "sid")]
    pub session: SessionId,
    /// As what, for clients; the server looks the role up.
    pub role: Role,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// When it was made, seconds since 1970.
    pub iat: i64,
    /// Makes it unlike any other.
    pub jti: String,
}

impl Claims {
    /// When it ends, milliseconds since 1970.
    #[must_use]
    pub const fn expires_at_ms(&self) -> UnixMs {
        self.exp.saturating_mul(1_000)
    }
}

/// Signs and checks access tokens.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Keys {
    /// Keys from the server's secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The time is compared below, by the server's own clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// An access token from now on.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn issue(
        &self,
        person: PersonId,
        session: SessionId,
        role: Role,
        now: UnixMs,
    ) -> Result<String, Error> {
        let claims = Claims {
            person,
            session,
            role,
            exp: (now + ACCESS_MS) / 1_000,
            iat: now / 1_000,
            jti: random_code(12)?,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|_| Error::Broken("a token cannot be signed"))
    }

    /// What a token says, if it is ours and has not ended.
    ///
    /// # Errors
    /// `token_expired` or `unauthorized`.
    pub fn verify(&self, token: &str, now: UnixMs) -> Result<Claims, Error> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.map_err(|_| Error::unauthorized())?.claims;
        if claims.expires_at_ms() <= now {
            return Err(Error::refused(
                ErrorCode::TokenExpired,
                "The access token has expired.",
            ));
        }
        Ok(claims)
    }
}

/// A secret that is handed out once and stored as its hash.
pub struct Secret {
    /// To be handed out.
    pub text: String,
    /// To be stored: SHA-256, hexadecimal. The text has 256 random bits, so no salt is needed.
    pub hash: String,
}

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn new() -> Result<Self, Error> {
        let text = random_code(32)?;
        let hash = Self::hash_of(&text);
        Ok(Self { text, hash })
    }

    /// What is stored of a text that was handed out.
    #[must_use]
    pub fn hash_of(text: &str) -> String {
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}

/// Random bytes as URL-safe base64.
///
/// # Errors
/// Where the system has no randomness.
pub fn random_code(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|_| Error::Broken("the system has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_700_000_000_000;

    fn code(result: Result<Claims, Error>) -> ErrorCode {
        result.unwrap_err().to_wire().code
    }

    #[test]
    fn expired_and_forged_tokens_are_told_apart() {
        let keys = Keys::new(b"the server's secret");
        let (maya, session) = (PersonId::new(), SessionId::new());
        let token = keys.issue(maya, session, Role::Mentor, NOW).unwrap();
        let claims = keys.verify(&token, NOW + ACCESS_MS - 1_000).unwrap();
        assert_eq!((claims.person, claims.session), (maya, session));
        let late = keys.verify(&token, NOW + ACCESS_MS);
        assert_eq!(code(late), ErrorCode::TokenExpired);

        let other = Keys::new(b"another secret");
        assert_eq!(code(other.verify(&token, NOW)), ErrorCode::Unauthorized);
        // Forged wins over expired: nothing in it can be believed.
        let late = other.verify(&token, NOW + 2 * ACCESS_MS);
        assert_eq!(code(late), ErrorCode::Unauthorized);
        assert_eq!(code(keys.verify("a.b.c", NOW)), ErrorCode::Unauthorized);
    }

    #[test]
    fn a_token_without_signature_is_forged() {
        let keys = Keys::new(b"the server's secret");
        let token = keys
            .issue(PersonId::new(), SessionId::new(), Role::Admin, NOW)
            .unwrap();
        let payload = token.split('.').nth(1).unwrap();
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let unsigned = format!("{head}.{payload}.");
        assert_eq!(code(keys.verify(&unsigned, NOW)), ErrorCode::Unauthorized);
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let keys = Keys::new(b"the server's secret");
        let (maya, session) = (PersonId::new(), SessionId::new());
        let issue = || keys.issue(maya, session, Role::Mentor, NOW).unwrap();
        assert_ne!(issue(), issue());
    }
}
