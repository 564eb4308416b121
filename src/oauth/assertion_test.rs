//! Tables of assertions.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const ISSUER: &str = "https://steppe.example";
const TOKEN: &str = "https://steppe.example/oauth2/token";

/// One that says this, with no signature to speak of.
pub fn assertion(payload: &str) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
}

#[test]
fn an_assertion_is_for_us_alone_and_once() {
    let now = Time::from_seconds(10_000);
    let base = json!({
        "iss": "forum", "sub": "forum", "aud": ISSUER, "exp": 10_060, "iat": 10_000, "jti": "j1"
    });
    let table = [
        (json!({}), Some(true)),
        (json!({"aud": TOKEN}), None),
        (json!({"aud": [ISSUER]}), Some(false)),
        (json!({"aud": [ISSUER, TOKEN]}), Some(false)),
        (json!({"aud": "https://steppe.example/"}), Some(false)),
        (json!({"aud": "https://other.example"}), Some(false)),
        (json!({"aud": null}), Some(false)),
        (json!({"iss": "other"}), Some(false)),
        (json!({"sub": "other"}), Some(false)),
        (json!({"iss": "other", "sub": "other"}), Some(false)),
        (json!({"exp": 10_000}), Some(true)),
        (json!({"exp": 9_941}), Some(true)),
        (json!({"exp": 9_940}), Some(false)),
        (json!({"exp": 13_660}), Some(true)),
        (json!({"exp": 13_661}), Some(false)),
        (json!({"exp": 10_060.5}), Some(true)),
        (json!({"exp": 1e300}), Some(false)),
        (json!({"exp": -1}), Some(false)),
        (json!({"iat": 10_060}), Some(true)),
        (json!({"iat": 10_061}), Some(false)),
        (json!({"nbf": 10_061}), Some(false)),
        (json!({"iat": null}), Some(true)),
        (json!({"jti": null}), Some(false)),
        (json!({"jti": ""}), Some(false)),
        (json!({"jti": "x".repeat(257)}), Some(false)),
    ];
    for (change, wanted) in table {
        let mut claims = base.clone();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims: Claims = serde_json::from_value(claims).unwrap();
        let strict = check("forum", &claims, ISSUER, &[], now);
        let legacy = check("forum", &claims, ISSUER, &[TOKEN], now);
        // `None` stands for what only clients of the old kind may send.
        assert_eq!(strict.is_ok(), wanted.unwrap_or(false), "{change}");
        assert_eq!(legacy.is_ok(), wanted.unwrap_or(true), "{change}");
        if let Ok(id) = strict {
            assert_eq!(id.jti, "j1");
            assert!(id.until > now);
        }
    }
    let missing = json!({"iss": "forum", "sub": "forum", "aud": ISSUER, "jti": "j"});
    assert!(serde_json::from_value::<Claims>(missing).is_err());
}

#[test]
fn an_assertion_names_its_client_before_it_is_checked() {
    assert_eq!(subject(&assertion("{\"sub\":\"a\"}")).as_deref(), Some("a"));
    for bad in [
        "",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        &assertion("{}"),
        &assertion("{\"sub\":\"\"}"),
        &assertion("{\"sub\":1}"),
    ] {
        assert_eq!(subject(bad), None);
    }
}

proptest! {
    #[test]
    fn any_assertion_is_read_or_refused(text in "\\PC{0,60}", payload in "\\PC{0,60}") {
        let _ = subject(&text);
        let _ = subject(&assertion(&payload));
    }
}
