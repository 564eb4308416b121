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
use crate::oauth::authenticate::AssertionClaims;
use crate::oauth::dpop;
use crate::oauth::json::object;
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

/// Members that a header may have; any other could choose a key or change the meaning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

struct Parts<'a, H = Header> {
    header: H,
    claims: Vec<u8>,
    message: &'a str,
    signature: &'a str,
}

/// Three parts of canonical base64url (RFC 7515 7.1).
fn split<H: serde::de::DeserializeOwned>(token: &str) -> Option<Parts<'_, H>> {
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
    let fits = |typ: &String| types.iter().any(|one| one.eq_ignore_ascii_case(typ));
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

/// Reads a client's assertion with the public keys that it registered (RFC 7523 3).
pub fn read_assertion(jwks: &str, assertion: &str) -> Option<AssertionClaims> {
    // RFC 7523 3 names no type; some say what it is.
    let types = ["JWT", "client-authentication+jwt"];
    let claims = read_signed(jwks, assertion, &types).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The header of a proof (RFC 9449 4.2).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofHeader {
    typ: String,
    alg: String,
    jwk: PublicJwk,
    /// Tells nothing: the key stands beside it.
    #[serde(rename = "kid")]
    _kid: Option<String>,
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
    if parts.header.typ != "dpop+jwt" {
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
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::keys::{ISSUER, Master};
    use crate::oauth::service::Algorithm;
    use crate::rng::Rng;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    /// A proof by a fixed key; `change` may spoil header and claims before they are signed.
    fn proof(change: impl Fn(&mut Value, &mut Value)) -> String {
        let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        let mut header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk });
        let mut claims = json!({ "jti": "1", "htm": "POST", "htu": "https://a.example", "iat": 1 });
        change(&mut header, &mut claims);
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    #[test]
    fn a_proof_is_signed_by_the_public_key_in_its_header() {
        signer_installed();
        let jkt = read_proof(&proof(|_, _| ())).unwrap().jkt;
        assert_eq!(jkt.len(), 43);
        type Change = fn(&mut Value, &mut Value);
        let same: [Change; 4] = [
            |header, _| header["alg"] = json!("Ed25519"),
            |header, _| header["kid"] = json!("1"),
            |header, _| header["jwk"]["use"] = json!("sig"),
            |_, claims| claims["more"] = json!([1]),
        ];
        for change in same {
            assert_eq!(read_proof(&proof(change)).unwrap().jkt, jkt);
        }
        let refused: [Change; 22] = [
            |header, _| header["typ"] = json!("JWT"),
            |header, _| header["typ"] = json!("at+jwt"),
            |header, _| header["typ"] = json!("DPoP+JWT"),
            |header, _| header["alg"] = json!("none"),
            |header, _| header["alg"] = json!("None"),
            |header, _| header["alg"] = json!("HS256"),
            |header, _| header["alg"] = json!("ES256"),
            |header, _| header["alg"] = json!("RS256"),
            |header, _| header["jwk"]["d"] = json!("AA"),
            |header, _| header["jwk"]["k"] = json!("AA"),
            |header, _| header["jwk"]["kty"] = json!("oct"),
            |header, _| header["jwk"]["kty"] = json!("EC"),
            |header, _| header["jwk"]["crv"] = json!("Ed448"),
            |header, _| header["jwk"]["x"] = json!(URL_SAFE_NO_PAD.encode([0; 32])),
            |header, _| header["jwk"]["x"] = json!(URL_SAFE_NO_PAD.encode([9; 31])),
            |header, _| header["jwk"] = json!("https://a.example/key"),
            |header, _| header["crit"] = json!(["exp"]),
            |header, _| header["jku"] = json!("https://a.example/keys"),
            |header, _| header["x5c"] = json!(["AA"]),
            |header, _| header["b64"] = json!(false),
            |_, claims| claims["iat"] = json!("1"),
            |_, claims| claims["jti"] = json!(1),
        ];
        for (at, change) in refused.into_iter().enumerate() {
            assert!(read_proof(&proof(change)).is_none(), "{at}");
        }
        for name in ["jti", "htm", "htu", "iat"] {
            let without = proof(|_, claims| {
                claims.as_object_mut().unwrap().remove(name);
            });
            assert!(read_proof(&without).is_none(), "{name}");
        }
        let good = proof(|_, _| ());
        let (message, signature) = good.rsplit_once('.').unwrap();
        let zero = URL_SAFE_NO_PAD.encode([0; 64]);
        for bad in [
            format!("{message}."),
            format!("{message}.{zero}"),
            format!("{message}.{signature}="),
            format!("{message}.{signature}.{signature}"),
            format!("{good} "),
            String::new(),
        ] {
            assert!(read_proof(&bad).is_none(), "{bad}");
        }
    }

    fn signer_installed() {
        super::super::signer::install();
    }

    #[test]
    fn a_proof_that_names_a_member_twice_is_none() {
        signer_installed();
        let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#
        );
        let sign = |header: &str, claims: &str| {
            let message = [header, claims]
                .map(|part| URL_SAFE_NO_PAD.encode(part))
                .join(".");
            let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
            format!("{message}.{signature}")
        };
        let claims = r#"{"jti":"1","htm":"POST","htu":"https://a.example","iat":1}"#;
        assert!(read_proof(&sign(&header, claims)).is_some());
        let doubled = claims.replace(r#""jti":"1""#, r#""jti":"1","jti":"2""#);
        assert!(read_proof(&sign(&header, &doubled)).is_none());
        let doubled = header.replace(r#""crv""#, r#""x":"AA","crv""#);
        assert!(read_proof(&sign(&doubled, claims)).is_none());
    }

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
    fn of_several_keys_that_fit_the_header_names_one() {
        signer_installed();
        let pen = |seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let jwk = |seed, kid: Value| {
            let x = URL_SAFE_NO_PAD.encode(pen(seed).public_key().as_ref());
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid })
        };
        let sign = |header: Value| {
            let message = format!("{}.e30", URL_SAFE_NO_PAD.encode(header.to_string()));
            let signature = URL_SAFE_NO_PAD.encode(pen(1).sign(message.as_bytes()));
            format!("{message}.{signature}")
        };
        let (bare, named) = (
            sign(json!({ "alg": "EdDSA" })),
            sign(json!({ "alg": "EdDSA", "kid": "1" })),
        );
        let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
        let one = json!({ "keys": [rsa, jwk(1, json!("1"))] }).to_string();
        let two = json!({ "keys": [jwk(2, json!("2")), jwk(1, json!("1"))] }).to_string();
        let same = json!({ "keys": [jwk(1, json!("1")), jwk(2, json!("1"))] }).to_string();
        for (set, token, good) in [
            (&one, &bare, true),
            (&one, &named, true),
            (&two, &bare, false),
            (&two, &named, true),
            (&same, &named, false),
        ] {
            assert_eq!(read_signed(set, token, &[]).is_ok(), good, "{set} {token}");
        }
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
