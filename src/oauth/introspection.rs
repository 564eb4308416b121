//! Signed answers to introspection (RFC 9701).

use serde_json::Value;

use super::claims::Claims;
use crate::clock::Time;

/// The media type of a signed answer (RFC 9701 4); without its first half the `typ` of the token
/// (5).
pub const SIGNED: &str = "application/token-introspection+jwt";

/// Whether a caller takes a signed answer (RFC 9701 4): its `Accept` names the type, and does not
/// refuse it by weight (RFC 9110 12.4.2). A wildcard does not ask for it.
pub fn is_taken(accept: &str) -> bool {
    weight(accept, &[SIGNED]) > 0
}

/// Whether a caller takes a signed answer and would not rather have JSON (RFC 9110 12.5.1).
pub fn is_wanted(accept: &str) -> bool {
    let plain = ["application/json", "application/*", "*/*"];
    is_taken(accept) && weight(accept, &[SIGNED]) >= weight(accept, &plain)
}

/// The weight of the first of these ranges that an `Accept` names, in thousandths; 0 where it names
/// none (RFC 9110 12.4.2 and 12.5.1: the closer one counts).
fn weight(accept: &str, ranges: &[&str]) -> u32 {
    let named = |range: &&str| {
        let mut all = accept.split(',').map(|one| one.split(';').map(str::trim));
        all.find_map(|mut parts| {
            let kind = parts.next()?;
            kind.eq_ignore_ascii_case(range).then(|| {
                let mut weights = parts.filter_map(|part| {
                    let (name, value) = part.split_once('=')?;
                    name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
                });
                weights.next().map_or(1000, thousandths)
            })
        })
    };
    ranges.iter().find_map(named).unwrap_or(0)
}

/// `0.5` as 500. What is no weight says nothing, and counts as none given.
fn thousandths(text: &str) -> u32 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u32,
        _ => 1000,
    }
}

/// The claims of a signed answer for whoever asked, by its audience and by the id that it asked
/// with: readers look for the one or the other (RFC 9701 5, RFC 7519 4.1.3). It has no `sub` and no
/// `exp`, so that nobody takes it for an access token.
pub fn signed(issuer: &str, audience: &str, id: &str, answer: Claims, now: Time) -> Claims {
    let mut claims = Claims::new();
    claims.insert("iss".into(), issuer.into());
    let aud = match audience == id {
        true => audience.into(),
        false => Value::from(vec![audience, id]),
    };
    claims.insert("aud".into(), aud);
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
                "application/json, application/token-introspection+jwt",
                true,
            ),
            // Rather the other.
            (
                "application/json, application/token-introspection+jwt;q=0.5",
                false,
            ),
            (
                "application/json;q=0.5, application/token-introspection+jwt;q=0.4",
                false,
            ),
            ("application/token-introspection+jwt;q=0.9, */*", false),
            // Rather this.
            (
                "application/json;q=0.5, application/token-introspection+jwt",
                true,
            ),
            (
                "application/json;q=0, */*, application/token-introspection+jwt;q=0.1",
                true,
            ),
            ("*/*;q=0.1, application/token-introspection+jwt;Q=0.2", true),
            ("application/token-introspection+jwt;q=x", true),
            ("application/token-introspection+jwt; q=1", true),
            ("application/token-introspection+jwt;q=0", false),
            ("application/token-introspection+jwt; q=0.000", false),
            ("application/json", false),
            ("*/*", false),
            ("application/*", false),
            ("application/token-introspection+jwts", false),
            ("", false),
        ] {
            assert_eq!(is_wanted(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn who_would_rather_have_json_takes_it_signed_all_the_same() {
        assert!(is_taken(
            "application/json, application/token-introspection+jwt;q=0.5"
        ));
        assert!(!is_taken("application/token-introspection+jwt;q=0.0"));
        assert!(!is_taken("*/*"));
    }

    #[test]
    fn it_cannot_be_taken_for_an_access_token() {
        let mut answer = Claims::new();
        answer.insert("active".into(), true.into());
        for (audience, aud) in [
            ("chat", json!("chat")),
            (
                "https://chat.example",
                json!(["https://chat.example", "chat"]),
            ),
        ] {
            let now = Time::from_seconds(5);
            let claims = signed("https://a.example", audience, "chat", answer.clone(), now);
            assert_eq!(
                Value::Object(claims),
                json!({ "iss": "https://a.example", "aud": aud, "iat": 5,
                        "token_introspection": { "active": true } })
            );
        }
    }
}
