//! Signing keys: made, wrapped, published, and used. The only place that signs a token.

/// Certificates of clients (RFC 8705).
pub mod certificate;
mod check;
mod fit;
mod master;
mod roca;
mod signer;
#[cfg(test)]
#[path = "vectors_test.rs"]
mod vectors;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

pub use check::{Proof, Read, Unread, read_assertion, read_proof, read_signed};
pub use fit::usable;
pub use master::{Master, Purpose};
pub use signer::seed;

use crate::clock::Time;
use crate::oauth::metadata::Document;
use crate::oauth::service::Algorithm;
use crate::recent::Recent;
use crate::rng::{Rng, digest};
use crate::store::key::Row;

/// The owner of keys that sign ID tokens and tokens of services without keys of their own.
pub const ISSUER: &str = "issuer";

/// Why keys could not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The master key cannot be read or made.
    #[error("the master key cannot be used: {0}")]
    Master(String),
    /// The database was made with another master key.
    #[error("the master key is not the one that this database was made with")]
    OtherMaster,
    /// A sealed thing does not open with this key.
    #[error("a sealed value does not open with this master key")]
    Sealed,
    /// No key of that owner and algorithm signs now.
    #[error("no {1:?} key of {0} signs now")]
    Missing(String, Algorithm),
    /// The cryptography failed.
    #[error("a key cannot be used: {0}")]
    Crypto(String),
}

/// One signing key in memory.
pub struct Key {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// [`ISSUER`] or a service's id.
    pub owner: String,
    /// Its algorithm; it serves no other (RFC 8725 3.1).
    pub algorithm: Algorithm,
    /// The public half with `kid`, `alg` and `use` (RFC 7517).
    pub jwk: Value,
    /// SubjectPublicKeyInfo in PEM.
    pub pem: String,
    /// When it was made.
    pub created_at: Time,
    /// From when it signs.
    pub active_at: Time,
    /// From when it signs no more.
    pub retired_at: Option<Time>,
    /// From when it is published no more.
    pub gone_at: Option<Time>,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Key {
    /// Whether it signs now.
    pub fn signs(&self, now: Time) -> bool {
        self.active_at <= now && self.retired_at.is_none_or(|at| now < at)
    }

    /// Whether it stands in the published set now.
    pub fn is_published(&self, now: Time) -> bool {
        self.gone_at.is_none_or(|at| now < at)
    }
}

/// All signing keys, and the master key that wraps them.
pub struct Keys {
    master: Master,
    ring: RwLock<Arc<Ring>>,
    sets: RwLock<HashMap<String, Set>>,
    /// Access tokens whose signature was checked before, by their digest: the key that made it,
    /// and what they say.
    seen: Recent<(String, Arc<Map<String, Value>>)>,
}

/// Tokens in it: about two megabytes of them.
const SEEN: usize = 1000;

type Ring = Vec<Arc<Key>>;

/// A published set as it was written last.
struct Set {
    /// Of these keys.
    ring: Arc<Ring>,
    /// When the next of them goes out of it.
    until: Option<Time>,
    document: Arc<Document>,
}

impl Keys {
    /// No keys yet.
    pub fn new(master: Master) -> Self {
        signer::install();
        Self {
            master,
            ring: RwLock::default(),
            sets: RwLock::default(),
            seen: Recent::new(SEEN),
        }
    }

    /// The master key.
    pub fn master(&self) -> &Master {
        &self.master
    }

    /// Makes a key. Takes tens of milliseconds for RSA: never on an async thread.
    pub fn make(
        &self,
        owner: &str,
        algorithm: Algorithm,
        number: usize,
        active_at: Time,
        now: Time,
        rng: &Rng,
    ) -> Result<Row, Error> {
        let private = generate(algorithm)?;
        let (public, _) = public_half(algorithm, &private)?;
        let kid = thumbprint(&public);
        let wrapped = self
            .master
            .seal(Purpose::Wrap, kid.as_bytes(), &private, rng)?;
        Ok(Row {
            slot: slot(owner, algorithm, number),
            owner: owner.to_owned(),
            algorithm: name(algorithm).to_owned(),
            public_jwk: public.to_string(),
            private_wrapped: URL_SAFE_NO_PAD.encode(wrapped),
            created_at: now.millis(),
            active_at: active_at.millis(),
            retired_at: None,
            gone_at: None,
            kid,
        })
    }

    /// Takes the rows of the database as the keys of this process.
    pub fn load(&self, rows: &[Row]) -> Result<(), Error> {
        let old = self.all();
        let mut ring = Vec::with_capacity(rows.len());
        for row in rows {
            let times = (
                Time::from_millis(row.active_at),
                row.retired_at.map(Time::from_millis),
                row.gone_at.map(Time::from_millis),
            );
            let known = old.iter().find(|key| {
                key.kid == row.kid && (key.active_at, key.retired_at, key.gone_at) == times
            });
            ring.push(match known {
                Some(key) => key.clone(),
                None => Arc::new(self.unwrap(row)?),
            });
        }
        let same = ring.len() == old.len()
            && ring
                .iter()
                .zip(old.iter())
                .all(|(one, other)| Arc::ptr_eq(one, other));
        if !same {
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        }
        Ok(())
    }

    fn unwrap(&self, row: &Row) -> Result<Key, Error> {
        let algorithm = parse(&row.algorithm)
            .ok_or_else(|| Error::Crypto(format!("{} is not an algorithm", row.algorithm)))?;
        let wrapped = URL_SAFE_NO_PAD
            .decode(&row.private_wrapped)
            .map_err(|_| Error::Sealed)?;
        let private = self
            .master
            .open(Purpose::Wrap, row.kid.as_bytes(), &wrapped)?;
        let (mut jwk, pem) = public_half(algorithm, &private)?;
        let decoding = check::decoding_key(&jwk).ok_or_else(|| crypto("a public half is odd"))?;
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".into(), row.kid.clone().into());
            members.insert("alg".into(), name(algorithm).into());
            members.insert("use".into(), "sig".into());
        }
        let parsed = signer::Parsed::from_pkcs8(jose(algorithm), &private)
            .ok_or_else(|| Error::Crypto(format!("key {} cannot be parsed", row.kid)))?;
        signer::keep(&private, parsed);
        Ok(Key {
            kid: row.kid.clone(),
            owner: row.owner.clone(),
            algorithm,
            jwk,
            pem,
            created_at: row.created_at.into(),
            active_at: row.active_at.into(),
            retired_at: row.retired_at.map(Time::from_millis),
            gone_at: row.gone_at.map(Time::from_millis),
            encoding: match algorithm {
                Algorithm::RS256 => EncodingKey::from_rsa_der(&private),
                Algorithm::ES256 => EncodingKey::from_ec_der(&private),
                Algorithm::EdDSA => EncodingKey::from_ed_der(&private),
            },
            decoding,
        })
    }

    /// All keys, oldest first.
    pub fn all(&self) -> Arc<Ring> {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The key of an owner that signs now: the newest that has become active.
    pub fn current(&self, owner: &str, algorithm: Algorithm, now: Time) -> Option<Arc<Key>> {
        self.all()
            .iter()
            .rev()
            .filter(|key| key.owner == owner && key.algorithm == algorithm && key.signs(now))
            .max_by_key(|key| key.active_at)
            .cloned()
    }

    /// By `kid`, published or not.
    pub fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.all().iter().find(|key| key.kid == kid).cloned()
    }

    /// The published keys of an owner as a JWK set (RFC 7517 5).
    pub fn jwks(&self, owner: &str, now: Time) -> Value {
        let keys: Vec<Value> = self
            .all()
            .iter()
            .filter(|key| key.owner == owner && key.is_published(now))
            .map(|key| key.jwk.clone())
            .collect();
        json!({ "keys": keys })
    }

    /// The same as it is sent; written anew only when it has changed.
    pub fn set(&self, owner: &str, now: Time) -> Arc<Document> {
        let ring = self.all();
        let stands =
            |set: &Set| Arc::ptr_eq(&set.ring, &ring) && set.until.is_none_or(|until| now < until);
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(owner).filter(|set| stands(set)) {
            return set.document.clone();
        }
        drop(sets);
        let document = Arc::new(Document::new(self.jwks(owner, now).to_string()));
        let ends = ring.iter().filter_map(|key| key.gone_at);
        let set = Set {
            until: ends.filter(|end| now < *end).min(),
            ring: ring.clone(),
            document: document.clone(),
        };
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        sets.retain(|_, set| stands(set));
        sets.insert(owner.to_owned(), set);
        document
    }

    /// Signs `claims` with the owner's current key (RFC 7515).
    pub fn sign<T: Serialize>(
        &self,
        owner: &str,
        algorithm: Algorithm,
        typ: &str,
        claims: &T,
        now: Time,
    ) -> Result<String, Error> {
        let key = self
            .current(owner, algorithm, now)
            .ok_or_else(|| Error::Missing(owner.to_owned(), algorithm))?;
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(jose(algorithm))
        };
        jsonwebtoken::encode(&header, claims, &key.encoding)
            .map_err(|error| Error::Crypto(error.to_string()))
    }
}

/// What only one key may hold: the place of the `number`th key of an owner and algorithm.
pub fn slot(owner: &str, algorithm: Algorithm, number: usize) -> String {
    format!("{owner}/{}/{number}", name(algorithm))
}

/// The registered name of an algorithm (RFC 7518 3.1).
pub const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        Algorithm::EdDSA => "EdDSA",
    }
}

/// An algorithm by its registered name.
pub fn parse(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

const fn jose(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}

fn crypto(error: impl std::fmt::Display) -> Error {
    Error::Crypto(error.to_string())
}

/// A private key as PKCS#8.
fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Error> {
    let der = match algorithm {
        Algorithm::RS256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(crypto)?;
            let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
                AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(crypto)?;
            der.as_ref().to_vec()
        }
        Algorithm::ES256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(crypto)?;
            key.to_pkcs8v1().map_err(crypto)?.as_ref().to_vec()
        }
        // The second version of PKCS#8 is not read by all (DEPENDENCIES 3.5).
        Algorithm::EdDSA => {
            let key = Ed25519KeyPair::generate().map_err(crypto)?;
            key.to_pkcs8v1().map_err(crypto)?.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(der))
}

/// The public half as the required members of a JWK (RFC 7638 3.2) and as PEM.
fn public_half(algorithm: Algorithm, private: &[u8]) -> Result<(Value, String), Error> {
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let spki = |der: PublicKeyX509Der<'_>| {
        pem::encode_config(
            &pem::Pem::new("PUBLIC KEY", der.as_ref()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    };
    Ok(match algorithm {
        Algorithm::RS256 => {
            let key = RsaKeyPair::from_pkcs8(private).map_err(crypto)?;
            let parts = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
            (
                json!({ "e": b64(&parts.e), "kty": "RSA", "n": b64(&parts.n) }),
                spki(key.public_key().as_der().map_err(crypto)?),
            )
        }
        Algorithm::ES256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                .map_err(crypto)?;
            // An uncompressed point: 4, then x, then y (SEC 1 2.3.3).
            let point = key.public_key().as_ref();
            let (x, y) = (
                point.get(1..33).unwrap_or_default(),
                point.get(33..65).unwrap_or_default(),
            );
            (
                json!({ "crv": "P-256", "kty": "EC", "x": b64(x), "y": b64(y) }),
                spki(key.public_key().as_der().map_err(crypto)?),
            )
        }
        Algorithm::EdDSA => {
            let key = Ed25519KeyPair::from_pkcs8(private).map_err(crypto)?;
            (
                json!({ "crv": "Ed25519", "kty": "OKP", "x": b64(key.public_key().as_ref()) }),
                spki(key.public_key().as_der().map_err(crypto)?),
            )
        }
    })
}

/// RFC 7638 3: the digest of the required members in the order of their names, which is how
/// serde_json writes them.
fn thumbprint(jwk: &Value) -> String {
    digest(&jwk.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(Master::new(&[7; 32]))
    }

    #[test]
    fn a_thumbprint_is_that_of_rfc_7638() {
        let jwk = json!({
            "e": "AQAB",
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        });
        assert_eq!(
            thumbprint(&jwk),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn every_algorithm_signs_what_its_public_half_verifies() {
        let (keys, now) = (keys(), Time::from_seconds(1_800_000_000));
        let mut rows = Vec::new();
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            rows.push(
                keys.make(ISSUER, algorithm, 1, now, now, &Rng::System)
                    .unwrap(),
            );
        }
        keys.load(&rows).unwrap();
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let token = keys
                .sign(ISSUER, algorithm, "JWT", &json!({ "sub": "a" }), now)
                .unwrap();
            let key = keys.current(ISSUER, algorithm, now).unwrap();
            let jwk = serde_json::from_value(key.jwk.clone()).unwrap();
            let mut rules = jsonwebtoken::Validation::new(jose(algorithm));
            rules.required_spec_claims.clear();
            let decoded = jsonwebtoken::decode::<Value>(
                &token,
                &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(),
                &rules,
            )
            .unwrap();
            assert_eq!(decoded.claims["sub"], "a");
            assert_eq!(decoded.header.kid.as_deref(), Some(key.kid.as_str()));
            assert!(key.pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        }
        assert_eq!(keys.jwks(ISSUER, now)["keys"].as_array().unwrap().len(), 3);
        assert!(
            keys.jwks("other", now)["keys"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_new_key_signs_from_its_time_and_the_old_one_no_longer() {
        let (keys, now) = (keys(), Time::from_seconds(1_800_000_000));
        let later = Time::from_seconds(1_800_000_100);
        let mut old = keys
            .make(ISSUER, Algorithm::ES256, 1, now, now, &Rng::System)
            .unwrap();
        let new = keys
            .make(ISSUER, Algorithm::ES256, 2, later, now, &Rng::System)
            .unwrap();
        old.retired_at = Some(later.millis());
        old.gone_at = Some(later.millis() + 1000);
        keys.load(&[old.clone(), new.clone()]).unwrap();
        let signs = |at| {
            keys.current(ISSUER, Algorithm::ES256, at)
                .unwrap()
                .kid
                .clone()
        };
        assert_eq!(signs(now), old.kid);
        assert_eq!(signs(later), new.kid);
        assert_eq!(
            keys.jwks(ISSUER, later)["keys"].as_array().unwrap().len(),
            2
        );
        let after = Time::from_millis(later.millis() + 1000);
        assert_eq!(
            keys.jwks(ISSUER, after)["keys"].as_array().unwrap().len(),
            1
        );
        // As it is sent, too, and in this order.
        for (at, count) in [(later, 2), (later, 2), (after, 1), (after, 1)] {
            let sent: Value = serde_json::from_str(&keys.set(ISSUER, at).text).unwrap();
            assert_eq!(sent["keys"].as_array().unwrap().len(), count);
        }
        let third = keys
            .make(ISSUER, Algorithm::ES256, 3, later, now, &Rng::System)
            .unwrap();
        keys.load(&[old, new, third.clone()]).unwrap();
        assert!(keys.set(ISSUER, after).text.contains(&third.kid));
        keys.load(&[third]).unwrap();
        assert_eq!(keys.set(ISSUER, after).text.matches("kid").count(), 1);
    }

    #[test]
    fn another_master_key_unwraps_nothing() {
        let now = Time::from_seconds(1_800_000_000);
        let row = keys()
            .make(ISSUER, Algorithm::ES256, 1, now, now, &Rng::System)
            .unwrap();
        let other = Keys::new(Master::new(&[8; 32]));
        assert!(matches!(other.load(&[row]), Err(Error::Sealed)));
    }
}
