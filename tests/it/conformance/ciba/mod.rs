//! The modules of fapi-ciba-id1-test-plan that have meaning for a client without the FAPI profile:
//! the suite asks, by plain or by signed requests, and a person decides on their page.

mod desk;
mod object;
mod ping;

use gerege::oauth::client::GrantType;
use gerege::oauth::service::Algorithm;

use super::*;
use crate::ciba::{GRANT, decide, open};
use crate::signin::sign_in;

/// The suite, allowed to ask people.
fn setting() -> Suite {
    let suite = Suite::new();
    suite.app.write(|c| {
        for id in ["suite", "suite-two"] {
            let mut client = store::client::find(c, id)?.expect("the suite");
            client.grants.push(GrantType::Ciba);
            client.id_token_algorithm = Algorithm::ES256;
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
fn fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request() {
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
