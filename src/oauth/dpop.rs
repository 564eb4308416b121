//! A proof that its sender holds a key (DPoP, RFC 9449), as a value whose signature was verified.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

use super::error::{Code, Problem};
use crate::clock::Time;

/// `dpop_signing_alg_values_supported` (RFC 9449 5.1). `Ed25519` is the newer name of `EdDSA`
/// with such a key (RFC 9864 2.2).
pub const ALGORITHMS: [&str; 5] = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"];

/// Clocks may differ by this much.
const SKEW: Duration = Duration::from_secs(60);

/// A proof may be this old: it is made for one request.
const LIFE: Duration = Duration::from_secs(60);

/// A longer `jti`, in bytes, is refused: it would have to be remembered.
const LONGEST_ID: usize = 256;

/// The claims of a proof (RFC 9449 4.2).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[allow(missing_docs)] // each is the claim of the same name
pub struct Claims {
    pub jti: String,
    pub htm: String,
    pub htu: String,
    /// Seconds; may have a fraction.
    pub iat: serde_json::Number,
    #[serde(default)]
    pub ath: Option<String>,
    #[serde(default)]
    pub nonce: Option<String>,
}

/// The request that a proof came with, which its claims must fit (RFC 9449 4.3).
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URL, built from our own name and never from a header.
    pub url: &'a str,
    /// The access token beside it, where one is used.
    pub access_token: Option<&'a str>,
}

/// What must be remembered so that a proof works once (RFC 9449 11.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofId {
    /// Its `jti`.
    pub jti: String,
    /// Until when.
    pub until: Time,
}

/// Finds the one proof of a request among its `DPoP` headers (RFC 9449 4.3, 1).
///
/// # Errors
/// `invalid_dpop_proof` for two, or one that is no text.
pub fn find<'a>(mut headers: impl Iterator<Item = &'a [u8]>) -> Result<Option<String>, Problem> {
    let Some(first) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        return Err(refuse("the request has more than one DPoP header"));
    }
    std::str::from_utf8(first)
        .map(|text| Some(text.trim().to_owned()))
        .map_err(|_| malformed())
}

/// The refusal of a proof that cannot be read or whose signature does not fit (RFC 9449 5).
pub fn malformed() -> Problem {
    refuse(
        "the DPoP proof is no JWT of type dpop+jwt, signed by the public key in its header with an algorithm that is supported",
    )
}

/// Judges a proof's claims (RFC 9449 4.3). The nonce is not judged here.
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn check(claims: &Claims, call: &Call<'_>, now: Time) -> Result<ProofId, Problem> {
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_ID {
        return Err(refuse("jti of the DPoP proof is empty or too long"));
    }
    if claims.htm != call.method {
        return Err(refuse("htm of the DPoP proof is not the request's method"));
    }
    if place(&claims.htu).is_none_or(|told| Some(told) != place(call.url)) {
        return Err(refuse("htu of the DPoP proof is not the request's address"));
    }
    let made = super::json::numeric_date(&claims.iat)
        .ok_or_else(|| refuse("iat of the DPoP proof is malformed"))?;
    if made > now.plus(SKEW) {
        return Err(refuse(
            "the DPoP proof is from the future; compare the clocks",
        ));
    }
    let until = made.plus(LIFE).plus(SKEW);
    if until <= now {
        return Err(refuse("the DPoP proof is too old; compare the clocks"));
    }
    match (call.access_token, &claims.ath) {
        (None, _) => {}
        (Some(token), Some(ath)) if *ath == hash(token) => {}
        (Some(_), _) => {
            return Err(refuse("ath of the DPoP proof is not the access token's"));
        }
    }
    Ok(ProofId {
        jti: claims.jti.clone(),
        until,
    })
}

/// `ath` of an access token (RFC 9449 4.2).
pub fn hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.as_bytes()))
}

/// An address without query and fragment, in its normal form (RFC 9449 4.3, 9; RFC 3986 6.2).
fn place(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// Whether a text can be `dpop_jkt` (RFC 9449 10): a SHA-256 in base64url.
pub fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == 32)
}

fn refuse(why: &str) -> Problem {
    Problem::new(Code::InvalidDpopProof, why)
}

/// The refusal of a proof by another key than `dpop_jkt` names (RFC 9449 10.1).
pub fn another_key() -> Problem {
    refuse("the DPoP proof is by another key than dpop_jkt names")
}

/// The refusal of a proof that came a second time (RFC 9449 11.1).
pub fn used_before() -> Problem {
    refuse("the DPoP proof was used before; make a new one for each request")
}

/// The answer to a proof whose nonce is missing, old or not ours (RFC 9449 8).
pub fn use_nonce() -> Problem {
    Problem::new(
        Code::UseDpopNonce,
        "repeat the request with the nonce of the DPoP-Nonce header in the proof",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: Time = Time::from_seconds(1_800_000_000);
    const URL: &str = "https://steppe.example/oauth2/token";

    fn claims(change: impl Fn(&mut serde_json::Value)) -> Claims {
        let mut all = json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": 1_800_000_000 });
        change(&mut all);
        serde_json::from_value(all).unwrap()
    }

    fn judge(claims: &Claims, token: Option<&str>) -> bool {
        let call = Call {
            method: "POST",
            url: URL,
            access_token: token,
        };
        check(claims, &call, NOW).is_ok()
    }

    #[test]
    fn a_proof_is_for_one_request_at_one_time() {
        let table = [
            ("htm", json!("POST"), true),
            ("htm", json!("post"), false),
            ("htm", json!("GET"), false),
            ("htu", json!("https://steppe.example/oauth2/token"), true),
            (
                "htu",
                json!("https://steppe.example/oauth2/token?a=b#c"),
                true,
            ),
            (
                "htu",
                json!("HTTPS://STEPPE.example:443/oauth2/token"),
                true,
            ),
            (
                "htu",
                json!("https://steppe.example/x/../oauth2/token"),
                true,
            ),
            ("htu", json!("https://steppe.example/oauth2/token/"), false),
            ("htu", json!("https://steppe.example/oauth2/par"), false),
            ("htu", json!("http://steppe.example/oauth2/token"), false),
            (
                "htu",
                json!("https://steppe.example:444/oauth2/token"),
                false,
            ),
            ("htu", json!("https://other.example/oauth2/token"), false),
            ("htu", json!("https://a@steppe.example/oauth2/token"), false),
            ("htu", json!("/oauth2/token"), false),
            ("htu", json!(""), false),
            ("iat", json!(1_800_000_060), true),
            ("iat", json!(1_800_000_000.5), true),
            ("iat", json!(1_800_000_061), false),
            ("iat", json!(1_799_999_881), true),
            ("iat", json!(1_799_999_880), false),
            ("iat", json!(-1), false),
            ("iat", json!(1e300), false),
            ("jti", json!(""), false),
            ("jti", json!("a".repeat(256)), true),
            ("jti", json!("a".repeat(257)), false),
            ("ath", json!("anything"), true),
        ];
        for (name, value, good) in table {
            let claims = claims(|all| all[name] = value.clone());
            assert_eq!(judge(&claims, None), good, "{name} {value}");
        }
        assert!(!judge(&claims(|_| ()), Some("token")));
        assert!(!judge(
            &claims(|all| all["ath"] = json!("x")),
            Some("token")
        ));
        assert!(judge(
            &claims(|all| all["ath"] = json!(hash("token"))),
            Some("token")
        ));
    }

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_would_be_taken() {
        for iat in 1_799_999_881..=1_800_000_060 {
            let claims = claims(|all| all["iat"] = json!(iat));
            let call = Call {
                method: "POST",
                url: URL,
                access_token: None,
            };
            let until = check(&claims, &call, NOW).unwrap().until;
            assert!(check(&claims, &call, until).is_err());
        }
    }

    #[test]
    fn the_access_token_hash_is_the_standards() {
        // RFC 9449 7.1, figure 13
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn a_request_has_one_proof() {
        let find = |all: &[&[u8]]| find(all.iter().copied());
        assert_eq!(find(&[]).unwrap(), None);
        assert_eq!(find(&[b"a.b.c"]).unwrap(), Some("a.b.c".to_owned()));
        assert!(find(&[b"a.b.c", b"a.b.c"]).is_err());
        assert!(find(&[b"\xff"]).is_err());
    }

    #[test]
    fn a_thumbprint_is_a_sha_256() {
        assert!(is_thumbprint("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        for bad in [
            "",
            "NzbL",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=",
            "!",
        ] {
            assert!(!is_thumbprint(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_address_is_judged(htu in "\\PC{0,60}", iat in any::<i64>()) {
            let claims = claims(|all| {
                all["htu"] = json!(htu);
                all["iat"] = json!(iat);
            });
            prop_assert_eq!(judge(&claims, None), false);
        }
    }
}
