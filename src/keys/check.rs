//! Tokens that come back: our own, and assertions signed by clients. Strict: the key fixes the
//! algorithm, the header chooses nothing but the key (RFC 8725 3.1).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Key, Keys, jose, parse};
use crate::oauth::authenticate::AssertionClaims;
use crate::oauth::service::Algorithm;

/// A longer token, in bytes, is refused.
const LONGEST: usize = 16 * 1024;

/// A token of ours whose signature is good. Its claims are not judged yet.
pub struct Read {
    /// The key that signed it.
    pub key: Arc<Key>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Members that a header may have; any other could choose a key or change the meaning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

struct Parts<'a> {
    header: Header,
    claims: Vec<u8>,
    message: &'a str,
    signature: &'a str,
}

/// Three parts of canonical base64url (RFC 7515 7.1).
fn split(token: &str) -> Option<Parts<'_>> {
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
        header: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?,
        claims: URL_SAFE_NO_PAD.decode(claims).ok()?,
        message,
        signature,
    })
}

fn verifies(parts: &Parts<'_>, algorithm: Algorithm, key: &DecodingKey) -> bool {
    jsonwebtoken::crypto::verify(
        parts.signature,
        parts.message.as_bytes(),
        key,
        jose(algorithm),
    )
    .unwrap_or(false)
}

impl Keys {
    /// Reads a token of ours of one type: `at+jwt` or `JWT`. A token of another type is none
    /// (RFC 8725 3.11). Retired keys still read: old ID tokens are hints for a year.
    pub fn read(&self, token: &str, typ: &str) -> Option<Read> {
        let parts = split(token)?;
        let key = self.find(parts.header.kid.as_deref()?)?;
        let fits = parse(&parts.header.alg) == Some(key.algorithm)
            && parts.header.typ.as_deref() == Some(typ);
        if !fits || !verifies(&parts, key.algorithm, &key.decoding) {
            return None;
        }
        Some(Read {
            claims: serde_json::from_slice(&parts.claims).ok()?,
            key,
        })
    }
}

pub(super) fn decoding_key(jwk: &Value) -> Option<DecodingKey> {
    let jwk = serde_json::from_value(jwk.clone()).ok()?;
    DecodingKey::from_jwk(&jwk).ok()
}

/// Reads a client's assertion with the public keys that it registered (RFC 7523 3).
pub fn read_assertion(jwks: &str, assertion: &str) -> Option<AssertionClaims> {
    let parts = split(assertion)?;
    let set: Value = serde_json::from_str(jwks).ok()?;
    let header_algorithm = parse(&parts.header.alg)?;
    let verified = set.get("keys")?.as_array()?.iter().any(|jwk| {
        let named = |name: &str| jwk.get(name).and_then(Value::as_str);
        // The key's own kind decides; a symmetric key is never one.
        let algorithm = match (named("kty"), named("crv")) {
            (Some("RSA"), _) => Algorithm::RS256,
            (Some("EC"), Some("P-256")) => Algorithm::ES256,
            (Some("OKP"), Some("Ed25519")) => Algorithm::EdDSA,
            _ => return false,
        };
        let meant = match (&parts.header.kid, named("kid")) {
            (Some(asked), Some(kid)) => asked == kid,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let signs = named("use").is_none_or(|what| what == "sig")
            && named("alg").is_none_or(|alg| alg == super::name(algorithm));
        meant
            && signs
            && algorithm == header_algorithm
            && decoding_key(jwk).is_some_and(|key| verifies(&parts, algorithm, &key))
    });
    verified
        .then(|| serde_json::from_slice(&parts.claims).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::keys::{ISSUER, Master};
    use crate::rng::Rng;
    use serde_json::json;

    #[test]
    fn only_our_own_tokens_of_the_right_type_are_read() {
        let keys = Keys::new(Master::new(&[7; 32]));
        let now = Time::from_seconds(1_800_000_000);
        let row = keys
            .make(ISSUER, Algorithm::ES256, 1, now, now, &Rng::System)
            .unwrap();
        keys.load(&[row]).unwrap();
        let sign = |typ| {
            keys.sign(ISSUER, Algorithm::ES256, typ, &json!({ "sub": "a" }), now)
                .unwrap()
        };
        let token = sign("at+jwt");
        assert_eq!(keys.read(&token, "at+jwt").unwrap().claims["sub"], "a");
        assert!(keys.read(&token, "JWT").is_none());
        assert!(keys.read(&sign("JWT"), "at+jwt").is_none());
        // SECURITY R66: the header chooses nothing, and nothing can be changed or added.
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts");
        };
        let kid = &keys.all()[0].kid;
        let encode = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
        let mut forged: Vec<String> = ["none", "None", "nOnE", "", "HS256", "RS256", "ES384"]
            .iter()
            .map(|alg| {
                let header = encode(json!({ "alg": alg, "kid": kid, "typ": "at+jwt" }));
                format!("{header}.{claims}.{signature}")
            })
            .collect();
        for extra in ["jwk", "jku", "x5u", "x5c", "crit", "b64"] {
            let header = encode(json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt", extra: "x" }));
            forged.push(format!("{header}.{claims}.{signature}"));
        }
        for bad_kid in ["../../etc/passwd", "' OR 1=1 --", ""] {
            let header = encode(json!({ "alg": "ES256", "kid": bad_kid, "typ": "at+jwt" }));
            forged.push(format!("{header}.{claims}.{signature}"));
        }
        let zero = URL_SAFE_NO_PAD.encode([0; 64]);
        forged.extend([
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            format!("{header}.{claims}.{signature}="),
            format!("{header}.{claims}.{signature}."),
            format!("{header}.{claims}.{signature}A"),
            format!("{header}.{claims}.{zero}"),
            format!(" {token}"),
            format!("{token} "),
            String::new(),
            ".".repeat(2),
            "A".repeat(LONGEST + 1),
        ]);
        for token in forged {
            assert!(keys.read(&token, "at+jwt").is_none(), "{token:.60}");
        }
    }

    #[test]
    fn an_assertion_is_read_with_the_clients_own_keys_only() {
        let keys = Keys::new(Master::new(&[7; 32]));
        let now = Time::from_seconds(1_800_000_000);
        let rows: Vec<_> = ["client", "other"]
            .iter()
            .map(|owner| {
                keys.make(owner, Algorithm::ES256, 1, now, now, &Rng::System)
                    .unwrap()
            })
            .collect();
        keys.load(&rows).unwrap();
        let claims = json!({ "iss": "client", "sub": "client", "aud": "https://id.example", "exp": 1, "jti": "1" });
        let token = keys
            .sign("client", Algorithm::ES256, "JWT", &claims, now)
            .unwrap();
        let set = |owner| keys.jwks(owner, now).to_string();
        assert_eq!(
            read_assertion(&set("client"), &token).unwrap().sub,
            "client"
        );
        assert!(read_assertion(&set("other"), &token).is_none());
        assert!(read_assertion("{}", &token).is_none());
        assert!(read_assertion("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", &token).is_none());
    }
}
