//! What another service checks with `gerege-verify`: tokens, key sets and key files.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gerege_verify::{Keys, Verifier};
use serde_json::Value;

use super::registered::{ISSUER, NOW};
use super::signer::{KEYS, b64, written};
use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "{ed}",
    "{ec}",
    "{rsa}",
    "{\"keys\":[",
    "]}",
    ",",
    "\"kid\":\"ed\"",
    "\"use\":\"sig\"",
    "\"use\":\"enc\"",
    "\"key_ops\":[\"verify\"]",
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"none\"",
    "\"kty\":\"oct\",\"k\":\"AAAA\"",
    "\"d\":\"AAAA\"",
    "\"kty\":\"OKP\"",
    "\"crv\":\"Ed25519\"",
    "\"x\":\"",
    "\"y\":\"",
    "\"n\":\"",
    "\"e\":\"AQAB\"",
    "{ed.pem}",
    "{ec.pem}",
    "{rsa.pem}",
    "-----BEGIN PUBLIC KEY-----\n",
    "-----END PUBLIC KEY-----\n",
    "PRIVATE",
    "\n",
    "AAAA",
    "=",
];

const AUDIENCE: &str = "https://chat.example";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.seconds() as u64)
}

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(ISSUER, AUDIENCE, Keys::from_jwks(&KEYS.jwks()).unwrap()));

/// A token: the key's name, the header and the claims, a line each.
pub fn verify(input: &[u8]) -> Depth {
    let text = text!(input);
    let Some(written) = written(text) else {
        // Not even three lines: then it is the token itself.
        assert!(VERIFIER.check(text, now()).is_err(), "{text}");
        return Depth::Door;
    };
    let Ok(claims) = VERIFIER.check(&written.token, now()) else {
        return Depth::Judged;
    };
    let algorithm = written.algorithm().expect("the signature cannot be right");
    let header: Value = serde_json::from_str(written.header).unwrap();
    assert_eq!(header["alg"], algorithm);
    assert!(
        header["typ"] == "at+jwt" || header["typ"] == "application/at+jwt",
        "{header}"
    );
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"] {
        assert!(header.get(name).is_none(), "{name} in {header}");
    }
    let raw: Value = serde_json::from_str(written.claims).unwrap();
    assert_eq!(raw["iss"], ISSUER);
    assert!(
        raw["aud"] == AUDIENCE || raw["aud"] == serde_json::json!([AUDIENCE]),
        "{raw}"
    );
    assert!(
        raw.get("cnf").is_none() && raw["sub"] == claims.sub.as_str(),
        "{raw}"
    );
    assert!(claims.expires_at + Duration::from_secs(30) > now());
    assert!(claims.issued_at <= now() + Duration::from_secs(30));
    // Later it is refused, and for another service or from another issuer it always was.
    assert!(
        VERIFIER
            .check(&written.token, claims.expires_at + Duration::from_secs(30))
            .is_err()
    );
    for (issuer, audience) in [
        (ISSUER, "https://files.example"),
        ("https://evil.example", AUDIENCE),
    ] {
        let other = Verifier::new(issuer, audience, Keys::from_jwks(&KEYS.jwks()).unwrap());
        assert!(other.check(&written.token, now()).is_err());
    }
    // No other way to write the same token is taken.
    for other in [
        format!("{}=", written.token),
        format!("{} ", written.token),
        written.token.replace('.', ".."),
        format!("{}.", written.token),
    ] {
        assert!(VERIFIER.check(&other, now()).is_err(), "{other}");
    }
    Depth::Accepted
}

/// A good token by each key, to see what a set of keys lets in.
static TOKENS: LazyLock<[String; 3]> = LazyLock::new(|| {
    ["ed", "ec", "rsa"].map(|name| {
        let algorithm = match name {
            "ed" => "EdDSA",
            "ec" => "ES256",
            _ => "RS256",
        };
        let header = format!("{{\"alg\":\"{algorithm}\",\"typ\":\"at+jwt\",\"kid\":\"{name}\"}}");
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"aud\":\"{AUDIENCE}\",\"sub\":\"a\",\"client_id\":\"c\",\
             \"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000600}}"
        );
        written(&format!("{name}\n{header}\n{claims}"))
            .unwrap()
            .token
    })
});

/// Tries the three tokens. `holds`: whether the input holds the public half that made each.
fn lets_in(keys: &Keys, holds: impl Fn(&str) -> bool, again: Keys) {
    assert_eq!(format!("{keys:?}"), format!("{again:?}"));
    let verifier = Verifier::new(ISSUER, AUDIENCE, again);
    for (name, token) in ["ed", "ec", "rsa"].into_iter().zip(TOKENS.iter()) {
        if verifier.check(token, now()).is_ok() {
            assert!(holds(name), "a token by a key that is not in the set");
        }
    }
}

/// A JWK set or a single JWK; names in braces stand for public halves.
pub fn jwks(input: &[u8]) -> Depth {
    let mut asked = text!(input).to_owned();
    for name in ["ed", "ec", "rsa"] {
        asked = asked.replace(&format!("{{{name}}}"), &KEYS.jwk(name).to_string());
    }
    let Ok(keys) = Keys::from_jwks(&asked) else {
        return if asked.trim_start().starts_with('{') {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let read: Value = serde_json::from_str(&asked).unwrap();
    let list = read
        .get("keys")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_else(|| vec![read]);
    let secret = |jwk: &Value| {
        ["d", "p", "q", "k"]
            .iter()
            .any(|name| jwk.get(name).is_some())
    };
    assert!(!list.iter().any(secret), "a secret is taken");
    let holds = |name: &str| {
        let own = KEYS.jwk(name);
        list.iter().any(|jwk| {
            ["x", "n"]
                .iter()
                .any(|m| own.get(m).is_some() && jwk.get(m) == own.get(m))
        })
    };
    lets_in(&keys, holds, Keys::from_jwks(&asked).unwrap());
    Depth::Accepted
}

/// A key file in PEM; names in braces stand for public halves.
pub fn pem(input: &[u8]) -> Depth {
    let mut asked = text!(input).to_owned();
    for name in ["ed", "ec", "rsa"] {
        asked = asked.replace(&format!("{{{name}.pem}}"), &KEYS.pem(name));
    }
    let Ok(keys) = Keys::from_pem(&asked) else {
        return if asked.contains("-----BEGIN") {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let blocks = pem::parse_many(&asked).unwrap();
    assert!(
        !blocks.iter().any(|block| block.tag().contains("PRIVATE")),
        "a secret is taken"
    );
    // RFC 7468 2: the body, without what stands around it.
    let body = pem::parse(&asked).unwrap();
    assert_eq!(body.tag(), "PUBLIC KEY");
    let holds = |name: &str| {
        let own = pem::parse(KEYS.pem(name)).unwrap();
        b64(own.contents()) == b64(body.contents())
    };
    lets_in(&keys, holds, Keys::from_pem(&asked).unwrap());
    Depth::Accepted
}
