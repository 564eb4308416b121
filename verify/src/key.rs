//! Public keys, read from a JWK set, a single JWK or a PEM file. A key has one algorithm, for good.

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::json;
use crate::roca;

/// Members of a JWK that hold secrets (RFC 7518 6.2.2, 6.3.2, 6.4).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The algorithm that a key is for (RFC 7518 3.1, RFC 8037 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits or more.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Its name in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// Why a key file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a JSON object, or one that names a member twice.
    Json,
    /// Not one `PUBLIC KEY` block in PEM (RFC 7468 13).
    Pem,
    /// No key in it is an RSA (2048 bits or more), P-256 or Ed25519 key for signatures.
    NoneUsable,
    /// It holds a secret. A service that only checks must never have one.
    Secret,
    /// Two keys have the same `kid`.
    DoubledKid,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "the key set is not JSON, or names a member twice",
            Self::Pem => "the key file is not one PUBLIC KEY block in PEM",
            Self::NoneUsable => {
                "no usable key: RSA of 2048 bits or more, P-256 or Ed25519 is needed"
            }
            Self::Secret => "the key file holds a secret key; use the public half",
            Self::DoubledKid => "two keys of the set have the same kid",
        })
    }
}

impl std::error::Error for KeyError {}

/// One public key.
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    kid: Option<String>,
    parsed: ParsedPublicKey,
}

impl Key {
    /// Whether `signature` over `message` was made with this key's private half.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

/// The public keys that a service trusts.
pub struct Keys(Vec<Key>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| (key.algorithm, &key.kid)))
            .finish()
    }
}

impl Keys {
    /// Reads a JWK set, or a single JWK (RFC 7517). Keys of other kinds, for other uses or with
    /// something missing are passed over (RFC 7517 5).
    ///
    /// # Errors
    /// When nothing usable is left, when two keys have one `kid`, or when a secret is in it.
    pub fn from_jwks(text: &str) -> Result<Self, KeyError> {
        let top = json::object(text.as_bytes()).map_err(|_| KeyError::Json)?;
        let list = match top.get("keys") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
            Some(_) => return Err(KeyError::Json),
            None => vec![&top],
        };
        if list
            .iter()
            .any(|jwk| SECRET.iter().any(|name| jwk.contains_key(*name)))
        {
            return Err(KeyError::Secret);
        }
        let keys: Vec<Key> = list.into_iter().filter_map(read_jwk).collect();
        let mut kids = HashSet::new();
        if !keys
            .iter()
            .filter_map(|key| key.kid.as_ref())
            .all(|kid| kids.insert(kid))
        {
            return Err(KeyError::DoubledKid);
        }
        if keys.is_empty() {
            return Err(KeyError::NoneUsable);
        }
        Ok(Self(keys))
    }

    /// Reads one public key in PEM (`BEGIN PUBLIC KEY`). It has no `kid`, so it is tried for
    /// whatever `kid` a token names.
    ///
    /// # Errors
    /// When it is not one such block, or a key of another kind.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = pem::parse_many(text).map_err(|_| KeyError::Pem)?;
        if blocks.iter().any(|block| block.tag().contains("PRIVATE")) {
            return Err(KeyError::Secret);
        }
        let [block] = blocks.as_slice() else {
            return Err(KeyError::Pem);
        };
        if block.tag() != "PUBLIC KEY" {
            return Err(KeyError::Pem);
        }
        let der = block.contents();
        // The kind of key that stands in the DER decides; only one of the three can read it.
        let (algorithm, parsed) = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der)
            .map(|parsed| (Algorithm::RS256, parsed))
            .or_else(|_| {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, der)
                    .map(|parsed| (Algorithm::ES256, parsed))
            })
            .or_else(|_| {
                ParsedPublicKey::new(&ED25519, der).map(|parsed| (Algorithm::EdDSA, parsed))
            })
            .map_err(|_| KeyError::NoneUsable)?;
        Ok(Self(vec![Key {
            algorithm,
            kid: None,
            parsed,
        }]))
    }

    /// The key for a token that names `kid`. Without a name there must be no choice; a key
    /// without a name must be alone to be meant.
    pub(crate) fn choose(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, self.0.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(_), [only]) if only.kid.is_none() => Some(only),
            (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
        }
    }

    /// Whether a token that names `kid` finds its key here.
    #[cfg(feature = "fetch")]
    pub(crate) fn has(&self, kid: Option<&str>) -> bool {
        self.choose(kid).is_some()
    }
}

/// One JWK; `None` when it is not a key that we can use to check signatures.
fn read_jwk(jwk: &Map<String, Value>) -> Option<Key> {
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return None; // RFC 7517 4.2
    }
    if let Some(operations) = jwk.get("key_ops") {
        // RFC 7517 4.3
        if !operations.as_array()?.iter().any(|one| one == "verify") {
            return None;
        }
    }
    let kid = match jwk.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str()?.to_owned()),
    };
    let (algorithm, parsed) = match (text(jwk, "kty")?, text(jwk, "crv")) {
        ("RSA", _) => (Algorithm::RS256, rsa(jwk)?), // RFC 7518 6.3
        ("EC", Some("P-256")) => (Algorithm::ES256, p256(jwk)?), // RFC 7518 6.2
        ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, ed25519(jwk)?), // RFC 8037 2
        _ => return None,
    };
    if jwk
        .get("alg")
        .is_some_and(|named| named != algorithm.name())
    {
        return None; // a key for PS256 is no key for RS256
    }
    Some(Key {
        algorithm,
        kid,
        parsed,
    })
}

/// The public key that a proof shows for itself, and its thumbprint (RFC 9449 4.3, RFC 7638 3.2);
/// `None` when it is a secret, or no key for the algorithm.
pub(crate) fn shown(
    jwk: &Map<String, Value>,
    algorithm: &str,
) -> Option<(String, ParsedPublicKey)> {
    if SECRET.iter().any(|name| jwk.contains_key(*name)) {
        return None;
    }
    let (parsed, members): (_, &[&str]) = match (text(jwk, "kty")?, text(jwk, "crv"), algorithm) {
        ("RSA", _, "RS256") => (rsa(jwk)?, &["e", "kty", "n"]),
        ("RSA", _, "PS256") => (rsa_for(jwk, &RSA_PSS_2048_8192_SHA256)?, &["e", "kty", "n"]),
        ("EC", Some("P-256"), "ES256") => (p256(jwk)?, &["crv", "kty", "x", "y"]),
        // RFC 9864 2.2: the newer name.
        ("OKP", Some("Ed25519"), "EdDSA" | "Ed25519") => (ed25519(jwk)?, &["crv", "kty", "x"]),
        _ => return None,
    };
    // In the order of their names, without spaces; none of them needs escaping.
    let members: Vec<String> = members
        .iter()
        .map(|name| Some(format!("\"{name}\":\"{}\"", text(jwk, name)?)))
        .collect::<Option<_>>()?;
    let whole = format!("{{{}}}", members.join(","));
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, whole.as_bytes()));
    Some((thumbprint, parsed))
}

fn rsa(jwk: &Map<String, Value>) -> Option<ParsedPublicKey> {
    rsa_for(jwk, &RSA_PKCS1_2048_8192_SHA256)
}

fn rsa_for(jwk: &Map<String, Value>, way: &'static RsaParameters) -> Option<ParsedPublicKey> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    if !(256..=1024).contains(&n.len()) {
        return None; // RFC 7518 3.3: 2048 bits or more
    }
    if roca::is_marked(&n) {
        return None;
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(way)
        .ok()
}

fn p256(jwk: &Map<String, Value>) -> Option<ParsedPublicKey> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return None; // RFC 7518 6.2.1.2: full length, always
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
}

fn ed25519(jwk: &Map<String, Value>) -> Option<ParsedPublicKey> {
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return None;
    }
    ParsedPublicKey::new(&ED25519, x).ok()
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}
