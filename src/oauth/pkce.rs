//! Proof Key for Code Exchange (RFC 7636), S256 only.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::client::{Client, Pkce};
use super::error::{Code, Problem};
use crate::rng::digest;

/// What a verifier turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits, or none was due and none came.
    Good,
    /// It does not fit: counted, five kill the code (PROTOCOL.md 2).
    Wrong,
    /// It came where none may come, or is missing: refused, not counted.
    Refused(Problem),
}

/// Whether this client must send a challenge. Public ones always must (RFC 9700 2.1.1), and so
/// must those that are held to FAPI (FAPI 2.0 Security Profile 5.3.2.2, 5).
pub fn is_required(client: &Client) -> bool {
    client.is_public() || client.pkce == Pkce::Required || client.fapi.is_some()
}

/// Reads the challenge of an authorization request.
///
/// # Errors
/// `invalid_request` when it is missing where required, malformed, or not S256
/// (RFC 7636 4.4.1).
pub fn challenge(
    challenge: Option<&str>,
    method: Option<&str>,
    required: bool,
) -> Result<Option<String>, Problem> {
    let refuse = |why| Err(Problem::new(Code::InvalidRequest, why));
    match (challenge, method) {
        (None, None) if !required => Ok(None),
        (None, None) => refuse("code_challenge is missing: this client must use PKCE with S256"),
        (None, Some(_)) => refuse("code_challenge_method came without code_challenge"),
        // RFC 7636 4.3: without a method, `plain` is meant.
        (Some(_), None) => refuse("code_challenge_method is missing: it must be S256"),
        (Some(_), Some(method)) if method != "S256" => refuse("code_challenge_method must be S256"),
        // A SHA-256 digest in base64url has 43 characters (RFC 7636 4.2).
        (Some(text), Some(_)) if text.len() == 43 && text.bytes().all(is_base64url) => {
            Ok(Some(text.to_owned()))
        }
        _ => refuse("code_challenge must be 43 characters of base64url"),
    }
}

/// Compares a verifier with the challenge of its code (RFC 7636 4.6).
pub fn verify(challenge: Option<&str>, verifier: Option<&str>) -> Verdict {
    let refuse = |why| Verdict::Refused(Problem::new(Code::InvalidGrant, why));
    match (challenge, verifier) {
        (None, None) => Verdict::Good,
        // RFC 9700 4.8.2: someone took the challenge out of the request on its way.
        (None, Some(_)) => refuse("code_verifier came, but the request had no code_challenge"),
        (Some(_), None) => refuse("code_verifier is missing"),
        (Some(challenge), Some(verifier)) => {
            let fits = is_verifier(verifier)
                && verify_slices_are_equal(digest(verifier).as_bytes(), challenge.as_bytes())
                    .is_ok();
            if fits { Verdict::Good } else { Verdict::Wrong }
        }
    }
}

/// 43 to 128 unreserved characters (RFC 7636 4.1).
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_standard_fits() {
        assert_eq!(verify(Some(CHALLENGE), Some(VERIFIER)), Verdict::Good);
    }

    #[test]
    fn only_s256_is_taken() {
        let table = [
            (Some(CHALLENGE), Some("S256"), true, Some(true)),
            (Some(CHALLENGE), Some("S256"), false, Some(true)),
            (None, None, false, Some(false)),
            (None, None, true, None),
            (None, Some("S256"), false, None),
            (Some(CHALLENGE), None, true, None),
            (Some(CHALLENGE), None, false, None),
            (Some(CHALLENGE), Some("plain"), true, None),
            (Some(CHALLENGE), Some("s256"), true, None),
            (Some("short"), Some("S256"), true, None),
            (
                Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c="),
                Some("S256"),
                true,
                None,
            ),
            (
                Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="),
                Some("S256"),
                true,
                None,
            ),
        ];
        for (text, method, required, wanted) in table {
            let got = challenge(text, method, required);
            assert_eq!(
                got.ok().map(|got| got.is_some()),
                wanted,
                "{text:?} {method:?}"
            );
        }
    }

    #[test]
    fn a_downgrade_is_refused() {
        // SECURITY R48: a verifier without a challenge, and a challenge without a verifier.
        for (challenge, verifier) in [(None, Some(VERIFIER)), (Some(CHALLENGE), None)] {
            assert!(matches!(
                verify(challenge, verifier),
                Verdict::Refused(Problem {
                    code: Code::InvalidGrant,
                    ..
                })
            ));
        }
        assert_eq!(verify(None, None), Verdict::Good);
    }

    #[test]
    fn a_wrong_verifier_is_told_apart() {
        let short = &VERIFIER[1..];
        let long = "a".repeat(129);
        for verifier in [CHALLENGE, short, &long, "é", "", &VERIFIER.to_lowercase()] {
            assert_eq!(verify(Some(CHALLENGE), Some(verifier)), Verdict::Wrong);
        }
    }

    proptest! {
        #[test]
        fn each_verifier_fits_its_own_challenge_alone(
            one in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}"
        ) {
            let made = digest(&one);
            prop_assert_eq!(challenge(Some(&made), Some("S256"), true), Ok(Some(made.clone())));
            prop_assert_eq!(verify(Some(&made), Some(&one)), Verdict::Good);
            prop_assert_eq!(verify(Some(&made), Some(&other)) == Verdict::Good, one == other);
        }
    }
}
