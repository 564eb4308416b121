//! The modules of fapi-ciba-id1-test-plan that have meaning for a client without the FAPI profile:
//! the suite asks, by plain or by signed requests, and a person decides on their page.

use gerege::oauth::client::{GrantType, Need};
use gerege::oauth::service::Algorithm;

use super::*;
use crate::ciba::{GRANT, decide, open};
use crate::elsewhere::Elsewhere;
use crate::jar::Pen;
use crate::signin::sign_in;

/// The suite, allowed to ask people.
fn setting() -> Suite {
    let suite = Suite::new();
    suite.app.write(|c| {
        for id in ["suite", "suite-two"] {
            let mut client = store::client::find(c, id)?.expect("the suite");
            client.grants.push(GrantType::Ciba);
            store::client::save(c, &client)?;
        }
        Ok(())
    });
    suite
}

fn ask_as(suite: &Suite, client: &str, fields: &[(&str, &str)]) -> Answer {
    suite
        .app
        .browser()
        .with("Authorization", &basic(client, SECRET))
        .post("/oauth2/ciba", fields)
}

fn ask(suite: &Suite, more: &[(&str, &str)]) -> Answer {
    let own = [("scope", "openid"), ("login_hint", PERSON)];
    ask_as(suite, "suite", &[&own, more].concat())
}

/// Answers what waits, as the person.
fn answer(suite: &mut Suite, decision: &str) {
    suite.app.deliver();
    if suite.browser.get("/account").status == 303 {
        sign_in(&mut suite.browser, PERSON);
        suite.app.deliver();
    }
    let page = open(&mut suite.browser);
    decide(&mut suite.browser, &page, decision).is(200);
}

fn poll(suite: &Suite, client: &str, begun: &Value) -> Answer {
    let id = begun["auth_req_id"].as_str().unwrap();
    suite.token(client, &[("grant_type", GRANT), ("auth_req_id", id)])
}

#[track_caller]
fn fails(answer: Answer, error: &str) {
    let status = match error {
        "invalid_client" => 401,
        _ => 400,
    };
    assert_eq!(answer.is(status).json()["error"], error);
}

/// The whole way.
#[track_caller]
fn succeeds(suite: &mut Suite, more: &[(&str, &str)]) -> Value {
    let begun = ask(suite, more).is(200).json();
    fails(poll(suite, "suite", &begun), "authorization_pending");
    answer(suite, "allow");
    let tokens = poll(suite, "suite", &begun).is(200).json();
    suite.id_token("suite", &tokens);
    tokens
}

#[test]
fn fapi_ciba_id1_discovery_end_point_verification() {
    let suite = setting();
    let at = "/.well-known/openid-configuration";
    let document = suite.app.browser().get(at).is(200).json();
    let endpoint = document["backchannel_authentication_endpoint"].as_str();
    assert_eq!(
        endpoint,
        Some(&*format!("{}/oauth2/ciba", suite.app.origin))
    );
    let modes = &document["backchannel_token_delivery_modes_supported"];
    assert_eq!(*modes, json!(["poll", "ping"]));
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&GRANT.into()));
    let signing = &document["backchannel_authentication_request_signing_alg_values_supported"];
    assert!(signing.as_array().unwrap().contains(&"PS256".into()));
    assert_eq!(document["backchannel_user_code_parameter_supported"], false);
}

#[test]
fn fapi_ciba_id1() {
    let mut suite = setting();
    let tokens = succeeds(&mut suite, &[]);
    assert!(suite.userinfo(&tokens)["sub"].is_string());
}

/// The same with `ciba_mode=ping`.
#[test]
fn fapi_ciba_id1_ping() {
    let (mut suite, told) = (setting(), Elsewhere::new());
    told.answers("/told", 204, "");
    let url = told.url("/told");
    suite.app.write(move |c| {
        let mut client = store::client::find(c, "suite")?.expect("the suite");
        client.registration.ciba_notification = Some(url.clone());
        store::client::save(c, &client)
    });
    let token = "a".repeat(1024);
    let begun = ask(&suite, &[("client_notification_token", &token)]);
    let begun = begun.is(200).json();
    answer(&mut suite, "allow");
    suite
        .app
        .wait(gerege::flow::ciba::send_due(&suite.app.app))
        .unwrap();
    let asked = told.asked();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(body, json!({ "auth_req_id": begun["auth_req_id"] }));
    poll(&suite, "suite", &begun).is(200);
}

#[test]
fn fapi_ciba_id1_user_rejects_authentication() {
    let mut suite = setting();
    let begun = ask(&suite, &[]).is(200).json();
    answer(&mut suite, "deny");
    fails(poll(&suite, "suite", &begun), "access_denied");
}

#[test]
fn fapi_ciba_id1_auth_req_id_expired() {
    let suite = setting();
    let begun = ask(&suite, &[("requested_expiry", "30")]).is(200).json();
    assert_eq!(begun["expires_in"], 30);
    suite.app.pass(std::time::Duration::from_secs(31));
    fails(poll(&suite, "suite", &begun), "expired_token");
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_refresh_token() {
    let mut suite = setting();
    let begun = ask_as(
        &suite,
        "suite",
        &[("scope", "openid offline_access"), ("login_hint", PERSON)],
    );
    let begun = begun.is(200).json();
    answer(&mut suite, "allow");
    let tokens = poll(&suite, "suite", &begun).is(200).json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let next = suite.token("suite", &fields).is(200).json();
    let claims = suite.id_token("suite", &next);
    assert_eq!(claims["sub"], suite.id_token("suite", &tokens)["sub"]);
    fails(suite.token("suite-two", &fields), "invalid_grant");
}

#[test]
fn fapi_ciba_id1_multiple_call_to_token_endpoint() {
    let suite = setting();
    let begun = ask(&suite, &[]).is(200).json();
    fails(poll(&suite, "suite", &begun), "authorization_pending");
    for _ in 0..3 {
        fails(poll(&suite, "suite", &begun), "slow_down");
    }
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_other_scope_order_succeeds() {
    let mut suite = setting();
    let begun = ask_as(
        &suite,
        "suite",
        &[("scope", "email openid"), ("login_hint", PERSON)],
    );
    let begun = begun.is(200).json();
    answer(&mut suite, "allow");
    let tokens = poll(&suite, "suite", &begun).is(200).json();
    suite.id_token("suite", &tokens);
}

#[test]
fn fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds() {
    let mut suite = setting();
    succeeds(&mut suite, &[("binding_message", "1234")]);
}

#[test]
fn fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message() {
    let suite = setting();
    let long = format!(
        "1234 \u{1f44d}\u{1f3ff} \u{54c1}\u{5ddd} Lor{}",
        "x".repeat(200)
    );
    fails(
        ask(&suite, &[("binding_message", &long)]),
        "invalid_binding_message",
    );
    ask(
        &suite,
        &[(
            "binding_message",
            "1234 \u{1f44d}\u{1f3ff} \u{54c1}\u{5ddd}",
        )],
    )
    .is(200);
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails() {
    let suite = setting();
    let two = [("id_token_hint", "eyJ"), ("login_hint_token", "eyJ")];
    for one in two {
        fails(ask(&suite, &[one]), "invalid_request");
    }
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
fn fapi_ciba_id1_ensure_wrong_authentication_request_id_in_token_endpoint_request() {
    let suite = setting();
    let begun = ask(&suite, &[]).is(200).json();
    let id = begun["auth_req_id"].as_str().unwrap();
    let turned: String = id.chars().rev().collect();
    for wrong in ["mismatched", &turned, &format!("{id}x")] {
        fails(
            poll(&suite, "suite", &json!({ "auth_req_id": wrong })),
            "invalid_grant",
        );
    }
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request() {
    let mut suite = setting();
    let begun = ask(&suite, &[]).is(200).json();
    answer(&mut suite, "allow");
    fails(poll(&suite, "suite-two", &begun), "invalid_grant");
    poll(&suite, "suite", &begun).is(200);
}

#[test]
fn fapi_ciba_id1_ensure_wrong_client_id_in_backchannel_authorization_request() {
    let suite = setting();
    let fields = [
        ("scope", "openid"),
        ("login_hint", PERSON),
        ("client_id", "suite-two"),
    ];
    let answer = ask_as(&suite, "suite", &fields);
    assert!([400, 401].contains(&answer.status), "{}", answer.text());
}

#[test]
fn fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request_fails() {
    let suite = setting();
    let fields = [
        ("scope", "openid"),
        ("login_hint", PERSON),
        ("client_id", "suite"),
    ];
    fails(
        suite.app.browser().post("/oauth2/ciba", &fields),
        "invalid_client",
    );
}

#[test]
fn fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_fails() {
    let suite = setting();
    let begun = ask(&suite, &[]).is(200).json();
    let fields = [
        ("grant_type", GRANT),
        ("auth_req_id", begun["auth_req_id"].as_str().unwrap()),
        ("client_id", "suite"),
    ];
    fails(
        suite.app.browser().post("/oauth2/token", &fields),
        "invalid_client",
    );
    suite.app.deliver();
}

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
        "invalid_request_object",
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
fn fapi_ciba_id1_ensure_backchannel_authorization_request_without_request_fails() {
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
        "invalid_request_object",
    );
    // It was not taken, so the good one still is; once.
    ask_as(&suite, "suite", &[("request", &object)]).is(200);
    fails(
        ask_as(&suite, "suite", &[("request", &object)]),
        "invalid_request_object",
    );
    suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails() {
    let (suite, _) = signing();
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let body = URL_SAFE_NO_PAD.encode(Value::Object(wish(&suite)).to_string());
    fails(
        ask_as(&suite, "suite", &[("request", &format!("{head}.{body}."))]),
        "invalid_request_object",
    );
}

#[test]
fn fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails() {
    let (suite, pen) = signing();
    let object = pen.sign(Algorithm::ES256, "JWT", &Value::Object(wish(&suite)));
    // The second client has no such key.
    fails(
        ask_as(&suite, "suite-two", &[("request", &object)]),
        "invalid_request_object",
    );
}
