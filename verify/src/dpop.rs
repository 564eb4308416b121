//! Tokens that are bound to a key, shown with a proof that the sender holds it (RFC 9449).

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::key;
use crate::refusal::{Part, Refusal};
use crate::verifier::{Parts, after, decode, is_type, read, seconds, text};

/// A proof may be this old, beside the leeway of the clocks.
const LIFE: Duration = Duration::from_secs(60);
/// A longer `jti` is refused: it has to be remembered.
const LONGEST_ID: usize = 256;

/// A request with a bound token: `Authorization: DPoP TOKEN` and one header `DPoP`.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The value of the header `DPoP`. A request with two of them is refused before.
    pub proof: &'a str,
    /// The request's method, such as `GET`.
    pub method: &'a str,
    /// The request's URL as the client sees it, from the service's own settings and not from a
    /// header of the request.
    pub url: &'a str,
}

/// A token with a good proof.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Proved {
    /// What the token says.
    pub claims: Claims,
    /// The thumbprint of the key, the same as in the token (RFC 7638).
    pub jkt: String,
    /// The proof's own id. Whoever must not take a proof twice keeps this together with `jkt`
    /// until [`Proved::until`] and refuses a second one (RFC 9449 11.1).
    pub jti: String,
    /// Until when the proof would be taken.
    pub until: SystemTime,
    /// The nonce in the proof, for services that hand out nonces (RFC 9449 9).
    pub nonce: Option<String>,
}

/// Header members that would choose another key or change the meaning. What else is not known says
/// nothing (RFC 7515 4): clients of any kind make proofs.
const UNWELCOME: [&str; 7] = ["jku", "x5u", "x5c", "crit", "b64", "enc", "zip"];

/// What a proof says, beside the token that it is for.
pub(crate) struct Proof {
    pub(crate) jkt: String,
    jti: String,
    until: SystemTime,
    nonce: Option<String>,
}

impl Proof {
    pub(crate) fn with(self, claims: Claims) -> Proved {
        Proved {
            claims,
            jkt: self.jkt,
            jti: self.jti,
            until: self.until,
            nonce: self.nonce,
        }
    }
}

/// Checks a proof for a token (RFC 9449 4.3).
pub(crate) fn check(
    call: &Call<'_>,
    token: &str,
    leeway: Duration,
    now: SystemTime,
) -> Result<Proof, Refusal> {
    let parts = Parts::split(call.proof).map_err(|_| Refusal::Proof("it is not a signed token"))?;
    let jkt = signed_by(&parts)?;
    let claims = open(parts.claims)?;
    let named = |name| text(&claims, name).map_err(|_| Refusal::Proof("a claim is missing"));
    if named("htm")? != call.method {
        return Err(Refusal::Proof("it is for another method"));
    }
    if place(named("htu")?).is_none_or(|told| Some(told) != place(call.url)) {
        return Err(Refusal::Proof("it is for another address"));
    }
    // RFC 9449 4.3, 12
    if named("ath")? != URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())) {
        return Err(Refusal::Proof("it is for another token"));
    }
    let made = claims.get("iat").and_then(seconds);
    let made = made.ok_or(Refusal::Proof("its time is missing"))?;
    let until = after(after(made, LIFE), leeway);
    if made > after(now, leeway) || until <= now {
        return Err(Refusal::Proof("it is too old, or not good yet"));
    }
    let jti = named("jti")?;
    if jti.len() > LONGEST_ID {
        return Err(Refusal::Proof("its id is too long"));
    }
    let nonce = match claims.get("nonce") {
        None => None,
        Some(_) => Some(named("nonce")?.to_owned()),
    };
    Ok(Proof {
        jkt,
        jti: jti.to_owned(),
        until,
        nonce,
    })
}

/// Verifies a proof by the public key in its own header; gives that key's thumbprint.
fn signed_by(parts: &Parts<'_>) -> Result<String, Refusal> {
    let header = open(parts.header)?;
    if header.keys().any(|name| UNWELCOME.contains(&name.as_str())) {
        return Err(Refusal::Proof(
            "its header has a member that is not accepted",
        ));
    }
    if !is_type(&header, "dpop+jwt") {
        return Err(Refusal::Proof("its type is not `dpop+jwt`"));
    }
    let algorithm = header.get("alg").and_then(Value::as_str);
    let key = match (header.get("jwk"), algorithm) {
        (Some(Value::Object(jwk)), Some(algorithm)) => key::shown(jwk, algorithm),
        _ => None,
    };
    let (jkt, key) = key.ok_or(Refusal::Proof("its key or algorithm is not accepted"))?;
    let signature = decode(parts.signature, Part::Signature)
        .map_err(|_| Refusal::Proof("its signature does not fit"))?;
    key.verify_sig(parts.signed.as_bytes(), &signature)
        .map_err(|_| Refusal::Proof("its signature does not fit"))?;
    Ok(jkt)
}

fn open(part: &str) -> Result<Map<String, Value>, Refusal> {
    read(part, Part::Claims).map_err(|_| Refusal::Proof("it is not strict base64url and JSON"))
}

/// An address without query and fragment, in a form that can be compared (RFC 9449 4.3, 9):
/// scheme and host in small letters, the scheme's own port left out, an empty path as `/`.
fn place(url: &str) -> Option<(String, String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let usual = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = host.strip_suffix(usual).unwrap_or(host);
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    Some((scheme, host.to_ascii_lowercase(), path.to_owned()))
}
