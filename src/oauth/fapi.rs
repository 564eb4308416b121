//! FAPI 2.0 as one switch on a client: what the Security Profile and Message Signing (both final)
//! ask of it becomes required, and nothing weaker is taken from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::authorize::AuthorizeRequest;
use super::client::{Client, ClientAuth, GrantType, Pkce};
use super::error::{Code, Problem};
use super::json::numeric_date;
use super::redirect::{Delivery, Kind, register_check};
use super::service::{Algorithm, Proof, Service, TokenFormat};
use crate::clock::Time;

/// What may sign assertions, proofs and requests (Security Profile 5.4.1). The last is another
/// name of the one before it (RFC 9864 2.2).
pub const ALGORITHMS: [&str; 4] = ["PS256", "ES256", "EdDSA", "Ed25519"];

/// A code lives no longer (Security Profile 5.3.2.1, 11).
pub const CODE: Duration = Duration::from_secs(60);

/// A pushed request waits less than ten minutes (Security Profile 5.3.2.2, 12).
pub const PUSHED: Duration = Duration::from_secs(599);

/// A signed request may be this old, and run this long (Message Signing 5.3.1).
const SIGNED: Duration = Duration::from_secs(3600);

/// How much of FAPI 2.0 a client is held to: the Security Profile in any case, of Message Signing
/// each part that is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fapi {
    /// Its requests are signed (Message Signing 5.3).
    pub jar: bool,
    /// Our answers to them are (Message Signing 5.4).
    pub jarm: bool,
    /// What services hear of its tokens is (Message Signing 5.5).
    pub introspection: bool,
}

impl Fapi {
    /// From its parts, joined by `+`, of which `security` is the first; `message-signing` is all
    /// of them.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut fapi = Self::default();
        if name == "message-signing" {
            (fapi.jar, fapi.jarm, fapi.introspection) = (true, true, true);
            return Some(fapi);
        }
        let mut parts = name.split('+');
        if parts.next() != Some("security") {
            return None;
        }
        for part in parts {
            let on = match part {
                "jar" => &mut fapi.jar,
                "jarm" => &mut fapi.jarm,
                "introspection" => &mut fapi.introspection,
                _ => return None,
            };
            if std::mem::replace(on, true) {
                return None; // twice
            }
        }
        Some(fapi)
    }

    /// Its parts, joined by `+`.
    pub fn name(self) -> String {
        let parts = [
            ("security", true),
            ("jar", self.jar),
            ("jarm", self.jarm),
            ("introspection", self.introspection),
        ];
        let on = parts.into_iter().filter(|(_, on)| *on);
        on.map(|(part, _)| part).collect::<Vec<_>>().join("+")
    }
}

/// Why a client cannot be held to FAPI as it stands. `Display` is the sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Security Profile 5.3.2.1, 3 and 6.
    #[error("FAPI asks that the app proves itself by private_key_jwt or by a certificate")]
    Auth,
    /// Security Profile 5.3.2.2, 5.
    #[error("FAPI asks for PKCE with each sign-in")]
    Pkce,
    /// Security Profile 5.3.2.2, 8; apps on this machine are not excepted, since they keep no key.
    #[error("FAPI answers to https addresses only, and {0} is none")]
    Redirect(String),
    /// Security Profile 5.4.1.
    #[error("FAPI takes PS256, ES256 and EdDSA, and the app's {0} are signed with RS256")]
    Algorithm(&'static str),
    /// Security Profile 5.4.1.
    #[error("FAPI takes PS256, ES256 and EdDSA, and a key of the app is for {0}")]
    Key(String),
    /// Its requests cannot be pushed.
    #[error("FAPI has no device_code grant: such a request cannot be pushed")]
    Device,
}

/// Judges a client that is held to FAPI, beside the rules for every client.
///
/// # Errors
/// The first reason against it.
pub fn check(client: &Client) -> Result<(), Fault> {
    if client.fapi.is_none() {
        return Ok(());
    }
    match client.auth {
        ClientAuth::PrivateKeyJwt
        | ClientAuth::TlsClientAuth
        | ClientAuth::SelfSignedTlsClientAuth => {}
        ClientAuth::None | ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost => {
            return Err(Fault::Auth);
        }
    }
    if client.pkce == Pkce::Optional {
        return Err(Fault::Pkce);
    }
    let plain = |uri: &&String| register_check(uri) != Ok(Kind::Https);
    if let Some(uri) = client.redirects.iter().find(plain) {
        return Err(Fault::Redirect(uri.clone()));
    }
    if client.id_token_algorithm == Algorithm::RS256 {
        return Err(Fault::Algorithm("ID tokens"));
    }
    if client.response_algorithm() == Algorithm::RS256 {
        return Err(Fault::Algorithm("answers"));
    }
    if client.registration.userinfo_algorithm == Some(Algorithm::RS256) {
        return Err(Fault::Algorithm("answers of userinfo"));
    }
    if client.may(GrantType::DeviceCode) {
        return Err(Fault::Device);
    }
    check_keys(client.jwks.as_deref().unwrap_or_default())
}

/// A key that says what it is for says an algorithm that is taken.
fn check_keys(jwks: &str) -> Result<(), Fault> {
    let set: Value = serde_json::from_str(jwks).unwrap_or_default();
    let keys = set.get("keys").and_then(Value::as_array);
    for key in keys.into_iter().flatten() {
        let named = |name: &str| key.get(name).and_then(Value::as_str);
        if named("use").is_some_and(|what| what != "sig") {
            continue;
        }
        if let Some(alg) = named("alg").filter(|alg| !ALGORITHMS.contains(alg)) {
            return Err(Fault::Key(alg.to_owned()));
        }
    }
    Ok(())
}

/// Judges a request of a client that is held to FAPI.
///
/// # Errors
/// `invalid_request`, with the parameter named.
pub fn judge(fapi: Fapi, request: &AuthorizeRequest, delivery: Delivery) -> Result<(), Problem> {
    let wrong = |why: &str| Err(Problem::new(Code::InvalidRequest, why));
    // Security Profile 5.3.2.2, 6
    if request.redirect_uri.is_none() {
        return wrong("redirect_uri is missing: FAPI asks this client for it");
    }
    // Message Signing 5.4
    if fapi.jarm && !delivery.signed {
        return wrong("response_mode must be jwt: FAPI asks this client for signed answers");
    }
    Ok(())
}

/// Why a service's tokens are not for a client that is held to FAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Whoever has one has the right (Security Profile 5.3.2.1, 4).
    Bearer,
    /// They are signed with RS256 (Security Profile 5.4.1).
    Algorithm,
}

/// Whether a client may be given tokens for a service at all.
///
/// # Errors
/// [`Unfit`], for clients that are held to FAPI.
pub fn judge_service(client: &Client, service: &Service) -> Result<(), Unfit> {
    if client.fapi.is_none() {
        return Ok(());
    }
    if service.proof == Proof::Bearer {
        return Err(Unfit::Bearer);
    }
    if service.format == TokenFormat::Jwt && service.algorithm == Algorithm::RS256 {
        return Err(Unfit::Algorithm);
    }
    Ok(())
}

/// Whether an algorithm is one of FAPI's.
pub fn is_allowed(algorithm: &str) -> bool {
    ALGORITHMS.contains(&algorithm)
}

/// Whether a token says one of those algorithms. The same word of its header chose how its
/// signature was checked.
pub fn is_strong(token: &str) -> bool {
    use base64::Engine as _;
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }
    let header = token.split('.').next().unwrap_or_default();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
    header
        .ok()
        .and_then(|header| serde_json::from_slice::<Header>(&header).ok())
        .is_some_and(|header| is_allowed(&header.alg))
}

/// The refusal of another algorithm; `what` is what was signed with it.
pub fn weak(code: Code, what: &str) -> Problem {
    Problem::new(
        code,
        format!("alg of {what} must be PS256, ES256 or EdDSA: FAPI asks this client for it"),
    )
}

/// Judges from when and until when a signed request is good (Message Signing 5.3.1), beside what
/// holds for every one.
///
/// # Errors
/// `invalid_request_object`.
pub fn check_times(payload: &[u8], now: Time) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Times {
        nbf: Option<serde_json::Number>,
        exp: Option<serde_json::Number>,
    }
    let wrong = |why: &str| Problem::new(Code::InvalidRequestObject, why);
    let times: Times = serde_json::from_slice(payload)
        .map_err(|_| wrong("nbf or exp of the request object is no time"))?;
    let begins = times.nbf.as_ref().and_then(numeric_date);
    let begins = begins.ok_or_else(|| wrong("nbf of the request object is missing"))?;
    let ends = times.exp.as_ref().and_then(numeric_date);
    let ends = ends.ok_or_else(|| wrong("exp of the request object is missing"))?;
    if begins.plus(SIGNED) < now {
        return Err(wrong("nbf of the request object is more than an hour ago"));
    }
    if ends > begins.plus(SIGNED) {
        return Err(wrong(
            "exp of the request object is more than an hour after its nbf",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "fapi_test.rs"]
mod tests;
