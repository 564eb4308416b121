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

fn verifies(parts: &Parts<'_>, algorithm: jsonwebtoken::Algorithm, key: &DecodingKey) -> bool {
    jsonwebtoken::crypto::verify(parts.signature, parts.message.as_bytes(), key, algorithm)
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
        if !fits || !verifies(&parts, jose(key.algorithm), &key.decoding) {
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
    let parts = split(token).ok_or(Unread::Malformed)?;
    // RFC 7519 6.1, and its other spellings
    if parts.header.alg.eq_ignore_ascii_case("none") {
        return Err(Unread::Unsigned);
    }
    let algorithm = foreign(&parts.header.alg).ok_or(Unread::Algorithm)?;
    let fits = |typ: &String| types.iter().any(|one| one.eq_ignore_ascii_case(typ));
    if !parts.header.typ.as_ref().is_none_or(fits) {
        return Err(Unread::Type);
    }
    let set: Value = serde_json::from_str(jwks).map_err(|_| Unread::Signature)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let verified = keys.into_iter().flatten().any(|jwk| {
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
        let signs = named("use").is_none_or(|what| what == "sig")
            && named("alg").is_none_or(|alg| foreign(alg) == Some(algorithm));
        kind && meant
            && signs
            && decoding_key(jwk).is_some_and(|key| verifies(&parts, algorithm, &key))
    });
    if verified {
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

/// Reads a client's assertion with the public keys that it registered (RFC 7523 3).
pub fn read_assertion(jwks: &str, assertion: &str) -> Option<AssertionClaims> {
    // RFC 7523 3 names no type; some say what it is.
    let types = ["JWT", "client-authentication+jwt"];
    let claims = read_signed(jwks, assertion, &types).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::keys::{ISSUER, Master};
    use crate::oauth::service::Algorithm;
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

    #[test]
    fn what_a_client_signed_is_read_by_its_kind() {
        let keys = Keys::new(Master::new(&[7; 32]));
        let now = Time::from_seconds(1_800_000_000);
        let row = keys
            .make("client", Algorithm::ES256, 1, now, now, &Rng::System)
            .unwrap();
        keys.load(&[row]).unwrap();
        let set = keys.jwks("client", now).to_string();
        let sign = |typ| {
            keys.sign("client", Algorithm::ES256, typ, &json!({ "a": 1 }), now)
                .unwrap()
        };
        let read = |token: &str| read_signed(&set, token, &["x+jwt", "JWT"]);
        for typ in ["x+jwt", "JWT", "jwt"] {
            assert_eq!(read(&sign(typ)).unwrap(), br#"{"a":1}"#);
        }
        assert_eq!(read(&sign("at+jwt")), Err(Unread::Type));
        let good = sign("JWT");
        let (_, rest) = good.split_once('.').unwrap();
        let kid = &keys.all()[0].kid;
        let swap = |header: Value| {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            read(&format!("{header}.{rest}"))
        };
        for alg in ["none", "None", "NONE", "nOnE"] {
            assert_eq!(swap(json!({ "alg": alg })), Err(Unread::Unsigned));
        }
        assert_eq!(
            read(&format!(
                "{}.e30.",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)
            )),
            Err(Unread::Unsigned)
        );
        for alg in ["HS256", "ES384", "RS1", ""] {
            assert_eq!(
                swap(json!({ "alg": alg, "kid": kid })),
                Err(Unread::Algorithm)
            );
        }
        for alg in ["RS256", "PS256", "EdDSA"] {
            assert_eq!(
                swap(json!({ "alg": alg, "kid": kid })),
                Err(Unread::Signature)
            );
        }
        assert_eq!(
            swap(json!({ "alg": "ES256", "kid": "other" })),
            Err(Unread::Signature)
        );
        for extra in ["jwk", "jku", "x5u", "x5c", "crit", "b64"] {
            assert_eq!(
                swap(json!({ "alg": "ES256", extra: "x" })),
                Err(Unread::Malformed)
            );
        }
        assert_eq!(read_signed("", &good, &["JWT"]), Err(Unread::Signature));
    }
}
