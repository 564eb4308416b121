//! Tokens that come back: our own, and assertions signed by clients. Strict: the key fixes the
//! algorithm, the header chooses nothing but the key (RFC 8725 3.1).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{Key, Keys, jose, parse, roca};
use crate::oauth::assertion;
use crate::oauth::dpop;
use crate::oauth::json::{Members, object};
use crate::rng::digest;

/// A longer token, in bytes, is refused.
const LONGEST: usize = 16 * 1024;

/// RFC 9068 2.1.
const ACCESS: &str = "at+jwt";

/// A token of ours whose signature is good. Its claims are not judged yet.
pub struct Read {
    /// The key that signed it.
    pub key: Arc<Key>,
    /// Its claims.
    pub claims: Arc<Map<String, Value>>,
}

/// Members by which a header would choose a key or change the meaning: a token with one is refused.
/// What else is not known says nothing here (RFC 7515 4). A proof alone brings its key, the first.
const UNWELCOME: [&str; 8] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip"];

/// A header as it is read.
trait Head: serde::de::DeserializeOwned {
    /// What it must not have.
    const UNWELCOME: &[&str];
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl Head for Header {
    const UNWELCOME: &[&str] = &UNWELCOME;
}

/// No member stands twice, and none is unwelcome.
fn head<H: Head>(bytes: &[u8]) -> Option<H> {
    let Members(members) = serde_json::from_slice(bytes).ok()?;
    let unwelcome = |(name, _): &(String, Value)| H::UNWELCOME.contains(&name.as_str());
    if members.iter().any(unwelcome) {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

struct Parts<'a, H = Header> {
    header: H,
    claims: Vec<u8>,
    message: &'a str,
    signature: &'a str,
}

/// Three parts of canonical base64url (RFC 7515 7.1).
fn split<H: Head>(token: &str) -> Option<Parts<'_, H>> {
    if token.len() > LONGEST {
        return None;
    }
    let (message, signature) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    if claims.contains('.') {
        return None;
    }
    // The engine refuses padding and bits left over.
    URL_SAFE_NO_PAD.decode(signature).ok()?;
    Some(Parts {
        header: head(&URL_SAFE_NO_PAD.decode(header).ok()?)?,
        claims: URL_SAFE_NO_PAD.decode(claims).ok()?,
        message,
        signature,
    })
}

fn verifies(parts: &Parts<'_>, algorithm: jsonwebtoken::Algorithm, key: &DecodingKey) -> bool {
    jsonwebtoken::crypto::verify(parts.signature, parts.message.as_bytes(), key, algorithm)
        .unwrap_or(false)
}

impl Keys {
    /// Reads a token of ours of one type: `at+jwt` or `JWT`. A token of another type is none
    /// (RFC 8725 3.11). Retired keys still read: old ID tokens are hints for a year.
    ///
    /// The signature of an access token is checked once, as long as it is among those seen last; a
    /// key that was taken back is found no longer.
    pub fn read(&self, token: &str, typ: &str) -> Option<Read> {
        if typ != ACCESS {
            return self.verified(token, typ);
        }
        let name = digest(token);
        if let Some((kid, claims)) = self.seen.find(&name)
            && let Some(key) = self.find(&kid)
        {
            return Some(Read { key, claims });
        }
        let read = self.verified(token, typ)?;
        let seen = (read.key.kid.clone(), read.claims.clone());
        self.seen.put(name, seen);
        Some(read)
    }

    fn verified(&self, token: &str, typ: &str) -> Option<Read> {
        let parts: Parts<'_> = split(token)?;
        let key = self.find(parts.header.kid.as_deref()?)?;
        let fits = parse(&parts.header.alg) == Some(key.algorithm)
            && parts.header.typ.as_deref() == Some(typ);
        if !fits || !verifies(&parts, jose(key.algorithm), &key.decoding) {
            return None;
        }
        Some(Read {
            claims: Arc::new(object(&parts.claims)?),
            key,
        })
    }
}

pub(super) fn decoding_key(jwk: &Value) -> Option<DecodingKey> {
    let modulus = jwk.get("n").and_then(Value::as_str);
    let modulus = modulus.and_then(|modulus| URL_SAFE_NO_PAD.decode(modulus).ok());
    if modulus.is_some_and(|modulus| roca::is_marked(&modulus)) {
        return None;
    }
    let jwk = serde_json::from_value(jwk.clone()).ok()?;
    DecodingKey::from_jwk(&jwk).ok()
}

/// Why a token that a client signed is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Not three parts of canonical base64url, too long, or with a header that chooses more than
    /// a key.
    Malformed,
    /// `alg` is `none`.
    Unsigned,
    /// Another algorithm than those that clients may sign with.
    Algorithm,
    /// Another type.
    Type,
    /// No key of the client made the signature.
    Signature,
}

/// Reads a token that a client signed with one of the public keys that it registered (RFC 7515
/// 5.2); gives its payload. `types` are those that it may have, if it says (RFC 8725 3.11).
///
/// # Errors
/// [`Unread`].
pub fn read_signed(jwks: &str, token: &str, types: &[&str]) -> Result<Vec<u8>, Unread> {
    let parts: Parts<'_> = split(token).ok_or(Unread::Malformed)?;
    // RFC 7519 6.1, and its other spellings
    if parts.header.alg.eq_ignore_ascii_case("none") {
        return Err(Unread::Unsigned);
    }
    let algorithm = foreign(&parts.header.alg).ok_or(Unread::Algorithm)?;
    let fits = |typ: &String| {
        let typ = short(typ);
        types.iter().any(|one| one.eq_ignore_ascii_case(typ))
    };
    if !parts.header.typ.as_ref().is_none_or(fits) {
        return Err(Unread::Type);
    }
    let set: Value = serde_json::from_str(jwks).map_err(|_| Unread::Signature)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let mut fitting = keys.into_iter().flatten().filter(|jwk| {
        let named = |name: &str| jwk.get(name).and_then(Value::as_str);
        // The key's own kind decides; a symmetric key is never one.
        use jsonwebtoken::Algorithm as Jose;
        let kind = match (named("kty"), named("crv")) {
            (Some("RSA"), _) => matches!(algorithm, Jose::RS256 | Jose::PS256),
            (Some("EC"), Some("P-256")) => algorithm == Jose::ES256,
            (Some("OKP"), Some("Ed25519")) => algorithm == Jose::EdDSA,
            _ => false,
        };
        let meant = match (&parts.header.kid, named("kid")) {
            (Some(asked), Some(kid)) => asked == kid,
            (Some(_), None) => false,
            (None, _) => true,
        };
        // RFC 7517 4.3
        let verifies_by = jwk.get("key_ops").is_none_or(|operations| {
            let mut all = operations.as_array().into_iter().flatten();
            all.any(|one| one == "verify")
        });
        let signs = verifies_by
            && named("use").is_none_or(|what| what == "sig")
            && named("alg").is_none_or(|alg| foreign(alg) == Some(algorithm));
        kind && meant && signs
    });
    // OpenID Connect Core 10.1: of several the header names one. Trying them all would be work that
    // whoever wrote the set can make as large as they like.
    let only = fitting.next().filter(|_| fitting.next().is_none());
    let key = only.and_then(decoding_key);
    if key.is_some_and(|key| verifies(&parts, algorithm, &key)) {
        Ok(parts.claims)
    } else {
        Err(Unread::Signature)
    }
}

/// An algorithm that clients may sign with.
fn foreign(name: &str) -> Option<jsonwebtoken::Algorithm> {
    match name {
        "PS256" => Some(jsonwebtoken::Algorithm::PS256),
        // RFC 9864 2.2: the same by its newer name.
        "Ed25519" => Some(jsonwebtoken::Algorithm::EdDSA),
        other => parse(other).map(jose),
    }
}

/// A `typ` in its short form: `application/` before it says nothing more (RFC 7515 4.1.9).
fn short(typ: &str) -> &str {
    match typ.split_once('/') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("application") => rest,
        _ => typ,
    }
}

/// Reads a client's assertion with the public keys that it registered (RFC 7523 3).
pub fn read_assertion(jwks: &str, assertion: &str) -> Option<assertion::Claims> {
    // RFC 7523 3 names no type; some say what it is.
    let types = ["JWT", "client-authentication+jwt"];
    let claims = read_signed(jwks, assertion, &types).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The header of a proof (RFC 9449 4.2).
#[derive(Deserialize)]
struct ProofHeader {
    typ: String,
    alg: String,
    jwk: PublicJwk,
}

impl Head for ProofHeader {
    const UNWELCOME: &[&str] = UNWELCOME.split_at(1).1;
}

/// A key as a stranger shows it. Members that are not needed are passed over.
#[derive(Deserialize)]
struct PublicJwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    // RFC 7518 6.2.2, 6.3.2 and 6.4: what only the holder may have
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl PublicJwk {
    /// The members that make the thumbprint (RFC 7638 3.2, RFC 8037 2), if the key is of a kind
    /// that the algorithm needs.
    fn required(&self, algorithm: &str) -> Option<(Value, jsonwebtoken::Algorithm)> {
        let secret = [
            &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k,
        ];
        if secret.into_iter().any(Option::is_some) {
            return None; // RFC 9449 4.3, 7
        }
        let kind = (self.kty.as_str(), self.crv.as_deref(), algorithm);
        let algorithm = match kind {
            ("EC", Some("P-256"), "ES256") => jsonwebtoken::Algorithm::ES256,
            ("OKP", Some("Ed25519"), "EdDSA" | "Ed25519") => jsonwebtoken::Algorithm::EdDSA,
            ("RSA", _, "PS256") => jsonwebtoken::Algorithm::PS256,
            ("RSA", _, "RS256") => jsonwebtoken::Algorithm::RS256,
            _ => return None,
        };
        let jwk = match self.kty.as_str() {
            "EC" => {
                json!({ "crv": "P-256", "kty": "EC", "x": self.x.as_ref()?, "y": self.y.as_ref()? })
            }
            "OKP" => json!({ "crv": "Ed25519", "kty": "OKP", "x": self.x.as_ref()? }),
            _ => json!({ "e": self.e.as_ref()?, "kty": "RSA", "n": self.n.as_ref()? }),
        };
        Some((jwk, algorithm))
    }
}

/// A proof whose signature is good, by the key in its own header. Its claims are not judged yet.
#[derive(Debug)]
pub struct Proof {
    /// RFC 7638 thumbprint of the key.
    pub jkt: String,
    /// What it was signed with.
    pub algorithm: String,
    /// Its claims.
    pub claims: dpop::Claims,
}

/// Reads a proof that its sender holds a key (RFC 9449 4.3, 2 to 7).
pub fn read_proof(proof: &str) -> Option<Proof> {
    let parts: Parts<'_, ProofHeader> = split(proof)?;
    if short(&parts.header.typ) != "dpop+jwt" {
        return None;
    }
    let (jwk, algorithm) = parts.header.jwk.required(&parts.header.alg)?;
    let key = decoding_key(&jwk)?;
    let good =
        jsonwebtoken::crypto::verify(parts.signature, parts.message.as_bytes(), &key, algorithm);
    if !good.unwrap_or(false) {
        return None;
    }
    Some(Proof {
        jkt: super::thumbprint(&jwk),
        algorithm: parts.header.alg,
        claims: serde_json::from_slice(&parts.claims).ok()?,
    })
}

#[cfg(test)]
#[path = "check_test.rs"]
mod tests;
