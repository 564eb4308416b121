//! Signed answers to introspection (RFC 9701).

use serde_json::Value;

use super::claims::Claims;
use crate::clock::Time;

/// The media type of a signed answer; without its first half the `typ` of the token.
pub const SIGNED: &str = "application/token-introspection+jwt";

/// Whether a caller takes a signed answer (RFC 9701 4): its `Accept` names the type, and does not
/// refuse it by weight (RFC 9110 12.4.2). A wildcard does not ask for it.
pub fn is_wanted(accept: &[u8]) -> bool {
    let text = String::from_utf8_lossy(accept);
    text.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(SIGNED));
        named
            && !parts.any(|part| {
                let weight = part.to_ascii_lowercase();
                weight
                    .strip_prefix("q=")
                    .is_some_and(|q| q.trim_matches(['0', '.', ' ']).is_empty())
            })
    })
}

/// The claims of a signed answer for `audience` (RFC 9701 5). It has no `sub` and no `exp`, so that
/// nobody takes it for an access token.
pub fn signed(issuer: &str, audience: &str, answer: Claims, now: Time) -> Claims {
    let mut claims = Claims::new();
    claims.insert("iss".into(), issuer.into());
    claims.insert("aud".into(), audience.into());
    claims.insert("iat".into(), now.seconds().into());
    claims.insert("token_introspection".into(), Value::Object(answer));
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_signed_answer_is_given_to_who_asks_for_it() {
        for (accept, wanted) in [
            ("application/token-introspection+jwt", true),
            ("Application/Token-Introspection+JWT", true),
            (
                "application/json, application/token-introspection+jwt;q=0.9",
                true,
            ),
            ("application/token-introspection+jwt; q=1", true),
            ("application/token-introspection+jwt;q=0", false),
            ("application/token-introspection+jwt; q=0.000", false),
            ("application/json", false),
            ("*/*", false),
            ("application/*", false),
            ("application/token-introspection+jwts", false),
            ("", false),
        ] {
            assert_eq!(is_wanted(accept.as_bytes()), wanted, "{accept}");
        }
    }

    #[test]
    fn it_cannot_be_taken_for_an_access_token() {
        let mut answer = Claims::new();
        answer.insert("active".into(), true.into());
        let claims = signed("https://a.example", "chat", answer, Time::from_seconds(5));
        assert_eq!(
            Value::Object(claims),
            json!({ "iss": "https://a.example", "aud": "chat", "iat": 5,
                    "token_introspection": { "active": true } })
        );
    }
}
