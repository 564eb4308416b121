//! Requests that the suite signs, and what may be wrong with them. CIBA 13 has one word for all.

use gerege::oauth::client::Need;

use super::*;
use crate::jar::Pen;

/// The suite signs its requests, as it must from now on.
fn signing() -> (Suite, Pen) {
    let suite = setting();
    let pen = Pen::new(&suite.app);
    pen.register(&suite.app, "suite", Need::Required);
    (suite, pen)
}

/// What the suite asks, as claims.
fn wish(suite: &Suite) -> serde_json::Map<String, Value> {
    let now = suite.app.app.clock.now().seconds();
    let all = json!({
        "iss": "suite", "aud": suite.app.origin, "exp": now + 300, "nbf": now, "iat": now,
        "jti": gerege::rng::Rng::System.id(), "scope": "openid", "login_hint": PERSON,
    });
    all.as_object().unwrap().clone()
}

fn send(suite: &Suite, pen: &Pen, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Answer {
    let mut all = wish(suite);
    change(&mut all);
    let object = pen.sign(Algorithm::ES256, "JWT", &Value::Object(all));
    ask_as(suite, "suite", &[("request", &object)])
}

/// The same request, changed, is refused; unchanged it is taken.
#[track_caller]
fn object_fails(change: impl Fn(&mut serde_json::Map<String, Value>, i64)) {
    let (suite, pen) = signing();
    let now = suite.app.app.clock.now().seconds();
    fails(
        send(&suite, &pen, |all| change(all, now)),
        "invalid_request",
    );
    send(&suite, &pen, |_| {}).is(200);
    suite.app.deliver();
}

#[track_caller]
fn without(name: &str) {
    object_fails(|all, _| {
        all.remove(name);
    });
}

#[test]
fn fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails() {
    let (suite, _) = signing();
    fails(ask(&suite, &[]), "invalid_request");
}

#[test]
fn fapi_ciba_id1_ensure_different_client_id_and_issuer_in_backchannel_authorization_request() {
    object_fails(|all, _| {
        all.insert("iss".into(), "suite-two".into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_bad_aud_fails() {
    object_fails(|all, _| {
        all.insert("aud".into(), "https://www.other1.example.com/".into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_bad_iss_fails() {
    object_fails(|all, _| {
        all.insert("iss".into(), "suite-x".into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_aud_fails() {
    without("aud");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_exp_fails() {
    without("exp");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_iat_fails() {
    without("iat");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_iss_fails() {
    without("iss");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_jti_fails() {
    without("jti");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_missing_nbf_fails() {
    without("nbf");
}

#[test]
fn fapi_ciba_id1_ensure_request_object_expired_exp_fails() {
    object_fails(|all, now| {
        all.insert("exp".into(), (now - 300).into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails() {
    object_fails(|all, now| {
        all.insert("exp".into(), (now + 70 * 60).into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails() {
    object_fails(|all, now| {
        all.insert("nbf".into(), (now + 600).into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails() {
    object_fails(|all, now| {
        all.insert("nbf".into(), (now - 70 * 60).into());
    });
}

#[test]
fn fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails() {
    let (suite, pen) = signing();
    let wish = Value::Object(wish(&suite));
    let object = pen.sign(Algorithm::ES256, "JWT", &wish);
    let (signed, signature) = object.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[9] ^= 0x55;
    let bad = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
    fails(
        ask_as(&suite, "suite", &[("request", &bad)]),
        "invalid_request",
    );
    // It was not taken, so the good one still is; once.
    ask_as(&suite, "suite", &[("request", &object)]).is(200);
    fails(
        ask_as(&suite, "suite", &[("request", &object)]),
        "invalid_request",
    );
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails() {
    let (suite, pen) = signing();
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let body = URL_SAFE_NO_PAD.encode(Value::Object(wish(&suite)).to_string());
    let object = format!("{head}.{body}.");
    // Also where it need not sign.
    for need in [Need::Required, Need::Optional] {
        pen.register(&suite.app, "suite", need);
        fails(
            ask_as(&suite, "suite", &[("request", &object)]),
            "invalid_request",
        );
    }
}

#[test]
fn fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails() {
    let (suite, pen) = signing();
    let other = Pen::of(&suite.app, 4);
    // The first client's request, by a key of the second; by the second client, without any; and
    // in its own name, by the first one's.
    let wish = Value::Object(wish(&suite));
    let object = other.sign(Algorithm::ES256, "JWT", &wish);
    fails(
        ask_as(&suite, "suite", &[("request", &object)]),
        "invalid_request",
    );
    let object = pen.sign(Algorithm::ES256, "JWT", &wish);
    fails(
        ask_as(&suite, "suite-two", &[("request", &object)]),
        "invalid_request",
    );
    other.register(&suite.app, "suite-two", Need::Required);
    fails(
        ask_as(&suite, "suite-two", &[("request", &object)]),
        "invalid_request",
    );
}

#[test]
fn fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds() {
    let (suite, pen) = signing();
    for expiry in [json!("30"), json!(30)] {
        let begun = send(&suite, &pen, |all| {
            all.insert("requested_expiry".into(), expiry.clone());
        });
        assert_eq!(begun.is(200).json()["expires_in"], 30);
        suite.app.deliver();
    }
}

#[test]
fn fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails() {
    // Beside `login_hint`, inside of what is signed.
    for name in ["login_hint_token", "id_token_hint"] {
        object_fails(|all, _| {
            all.insert(name.into(), "xxxxxxxxxxxxxxxxxxxx".into());
        });
    }
}
