//! An assertion by which a client proves itself (RFC 7523 2.2 and 3, OpenID Connect Core 9).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::authenticate::failed;
use super::error::Problem;
use super::json::numeric_date;
use crate::clock::Time;

/// `client_assertion_type` (RFC 7523 2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Clocks may differ by this much (SECURITY R67).
const SKEW: Duration = Duration::from_secs(60);

/// An assertion may run this long; its `jti` is remembered until then.
const LONGEST: Duration = Duration::from_secs(3600);

/// `sub` of an assertion whose signature is not checked: only to find the client and its keys (RFC
/// 7521 4.2: nothing else has to name it).
pub fn subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let mut parts = assertion.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let subject: Subject = serde_json::from_slice(&payload).ok()?;
    // PostgreSQL keeps no text with a NUL, so no client is called so.
    (!subject.sub.is_empty() && !subject.sub.contains('\0')).then_some(subject.sub)
}

/// The claims of an assertion whose signature has been verified (RFC 7523 3).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[allow(missing_docs)] // each is the claim of the same name
pub struct Claims {
    pub iss: String,
    pub sub: String,
    /// One string; an array is refused.
    pub aud: serde_json::Value,
    /// Seconds.
    pub exp: serde_json::Number,
    #[serde(default)]
    pub nbf: Option<serde_json::Number>,
    #[serde(default)]
    pub iat: Option<serde_json::Number>,
    #[serde(default)]
    pub jti: Option<String>,
}

/// What must be remembered so that an assertion works once (RFC 7523 3, 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// Its `jti`.
    pub jti: String,
    /// Until when.
    pub until: Time,
}

/// Checks an assertion's claims (RFC 7523 3). `legacy` are the URLs of endpoints that the client
/// may still name as the audience (`client.assertion_aud = legacy`).
///
/// # Errors
/// `invalid_client` (RFC 7523 3.2).
pub fn check(
    client_id: &str,
    claims: &Claims,
    issuer: &str,
    legacy: &[&str],
    now: Time,
) -> Result<Id, Problem> {
    // RFC 7523 3, 1 and 2.
    if claims.iss != client_id || claims.sub != client_id {
        return Err(failed("iss and sub of the assertion must be the client_id"));
    }
    // RFC 7523 3, 3; PROTOCOL.md 3: one string; an array could be meant for someone else too.
    let aud = claims.aud.as_str();
    if aud.is_none_or(|aud| aud != issuer && !legacy.contains(&aud)) {
        return Err(failed(
            "aud of the assertion must be the issuer, as one string",
        ));
    }
    // RFC 7523 3, 4: it must have an end, and not one that is unreasonably far.
    let exp =
        numeric_date(&claims.exp).ok_or_else(|| failed("exp of the assertion is malformed"))?;
    if exp.plus(SKEW) <= now {
        return Err(failed("the assertion has run out"));
    }
    if exp > now.plus(LONGEST).plus(SKEW) {
        return Err(failed("exp of the assertion is more than an hour ahead"));
    }
    // RFC 7523 3, 5 and 6.
    for early in [&claims.nbf, &claims.iat].into_iter().flatten() {
        if numeric_date(early).is_none_or(|early| early > now.plus(SKEW)) {
            return Err(failed("the assertion is from the future"));
        }
    }
    // RFC 7523 3, 7: it works once.
    let jti = claims
        .jti
        .as_ref()
        .filter(|jti| !jti.is_empty() && jti.len() <= 256)
        .ok_or_else(|| failed("jti of the assertion is missing or too long"))?;
    Ok(Id {
        jti: jti.clone(),
        until: exp.plus(SKEW),
    })
}

#[cfg(test)]
#[path = "assertion_test.rs"]
pub(crate) mod tests;
