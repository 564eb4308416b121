//! The modules about pushed requests and how they are opened.

use std::time::Duration;

use super::*;

#[test]
fn fapi2_security_profile_final_ensure_registered_redirect_uri() {
    let bank = Bank::new();
    let pushed = bank.push(ONE, &[("redirect_uri", "https://suite.example/other")]);
    refused(pushed, 400, "invalid_request");
}

/// The standard would let it through (RFC 9126 2.4); here each address stands on file.
#[test]
fn fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri() {
    let bank = Bank::new();
    let other = format!("{CALLBACK}/unregistered");
    let pushed = bank.push(ONE, &[("redirect_uri", &other)]);
    refused(pushed, 400, "invalid_request");
}

#[test]
fn fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails() {
    let mut bank = Bank::new();
    let mut wish = bank.wish(&[]);
    wish.push(("client_id".into(), ONE.into()));
    let fields: Vec<(&str, &str)> = wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = bank.walk(&format!("/oauth2/authorize?{}", encode(&fields)));
    assert_eq!(answer["error"], "invalid_request");
    assert_eq!(answer["state"], "state-of-the-suite");
}

#[test]
fn fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request() {
    let bank = Bank::new();
    // One address on file, and no `openid`: elsewhere it could be left out (RFC 6749 3.1.2.3).
    bank.app().write(|c| {
        let mut one = store::client::find(c, ONE)?.expect("the client");
        one.redirects.truncate(1);
        store::client::save(c, &one)
    });
    for scope in ["openid", "profile"] {
        let pushed = bank.push(ONE, &[("redirect_uri", ""), ("scope", scope)]);
        assert!(pushed.text().contains("redirect_uri is missing"), "{scope}");
        refused(pushed, 400, "invalid_request");
    }
}

#[test]
fn fapi2_security_profile_final_ensure_response_type_code_idtoken_fails() {
    let pushed = Bank::new().push(ONE, &[("response_type", "code id_token")]);
    refused(pushed, 400, "unsupported_response_type");
}

#[test]
fn fapi2_security_profile_final_ensure_response_type_token_fails() {
    let pushed = Bank::new().push(ONE, &[("response_type", "token")]);
    refused(pushed, 400, "unsupported_response_type");
}

#[test]
fn fapi2_security_profile_final_par_ensure_pkce_required() {
    let bank = Bank::new();
    // Whatever stands on file.
    bank.app().write(|c| {
        let mut one = store::client::find(c, ONE)?.expect("the client");
        one.pkce = gerege::oauth::client::Pkce::Optional;
        store::client::save(c, &one)
    });
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    refused(bank.push(ONE, &without), 400, "invalid_request");
}

#[test]
fn fapi2_security_profile_final_par_plain_pkce_rejected() {
    let plain = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    refused(Bank::new().push(ONE, &plain), 400, "invalid_request");
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_par_attempt_reuse_request_uri() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    assert!(bank.walk(&at).contains_key("code"));
    let again = bank.suite.browser.get(&at).is(400);
    assert_eq!(again.header("location"), None);
}

/// Going back, or reloading, before anything was decided (5.3.2.2, note 3).
#[test]
fn fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    let first = bank.suite.browser.get(&at);
    bank.suite.browser.arrive(first).is(200);
    assert!(bank.walk(&at).contains_key("code"));
    // Another browser cannot take it over.
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    bank.suite.browser.get(&at).is(303);
    bank.app().browser().get(&at).is(400);
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_par_attempt_to_use_expired_request_uri() {
    let bank = Bank::with("security", &[("TOKENS__PAR_SECONDS", "600")]);
    let pushed = bank.push(ONE, &[]).is(201);
    let life = pushed.json()["expires_in"].as_u64().unwrap();
    assert!((5..600).contains(&life), "{life}");
    let at = bank.opened(ONE, &pushed);
    bank.app().pass(Duration::from_secs(life));
    bank.app().browser().get(&at).is(400);
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    let stolen = at.replace(ONE, TWO);
    let page = bank.suite.browser.get(&stolen).is(400);
    assert_eq!(page.header("location"), None);
    assert!(bank.walk(&at).contains_key("code"));
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param() {
    let uri = "urn:ietf:params:oauth:request_uri:gp_made-up";
    let pushed = Bank::new().push(ONE, &[("request_uri", uri)]);
    refused(pushed, 400, "invalid_request");
}

#[test]
fn fapi2_security_profile_final_par_attempt_invalid_http_method() {
    let bank = Bank::new();
    for method in ["GET", "PUT", "DELETE"] {
        let answer = bank.app().browser().send(method, "/oauth2/par", &[], None);
        answer.is(405);
    }
}

#[test]
fn fapi2_security_profile_final_par_without_duplicate_parameters() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    assert_eq!(
        at.matches('=').count(),
        2,
        "client_id and request_uri: {at}"
    );
    assert!(bank.walk(&at).contains_key("code"));
}

/// Pushes with an assertion whose claims are changed.
fn pushed_by(bank: &Bank, change: impl Fn(&mut Value)) -> Answer {
    let wish = bank.wish(&[]);
    let fields: Vec<(&str, &str)> = wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let assertion = || {
        let mut claims = bank.claims(ONE);
        change(&mut claims);
        bank.assert(ONE, &claims)
    };
    bank.ask_by(ONE, "/oauth2/par", &fields, None, &assertion)
}

#[test]
fn fapi2_security_profile_final_par_test_array_as_audience_fails() {
    let bank = Bank::new();
    let origin = bank.app().origin.clone();
    let answer = pushed_by(&bank, |claims| claims["aud"] = json!([origin]));
    refused(answer, 401, "invalid_client");
}

#[test]
fn fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails() {
    let bank = Bank::new();
    let at = format!("{}/oauth2/par", bank.app().origin);
    let answer = pushed_by(&bank, |claims| claims["aud"] = json!(at));
    refused(answer, 401, "invalid_client");
}

#[test]
fn fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails() {
    let bank = Bank::new();
    let at = format!("{}/oauth2/token", bank.app().origin);
    let answer = pushed_by(&bank, |claims| claims["aud"] = json!(at));
    refused(answer, 401, "invalid_client");
}

/// Moves `iat`, `nbf` and `exp` of an assertion into the future.
fn ahead(claims: &mut Value, seconds: i64) {
    for name in ["iat", "nbf", "exp"] {
        claims[name] = json!(claims[name].as_i64().unwrap() + seconds);
    }
}

#[test]
fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted()
 {
    let bank = Bank::new();
    pushed_by(&bank, |claims| ahead(claims, 8)).is(201);
}

#[test]
fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails()
 {
    let bank = Bank::new();
    let answer = pushed_by(&bank, |claims| ahead(claims, 61));
    refused(answer, 401, "invalid_client");
}
