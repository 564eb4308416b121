//! oidcc-basic-certification-test-plan, and oidcc-formpost-basic-certification-test-plan, whose
//! modules are the same with the answer as a form. These clients send no PKCE and no nonce where
//! the module does not.

use std::time::Duration;

use gerege::oauth::client::Need;
use gerege::oauth::service::Algorithm;

use super::*;
use crate::jar::Pen;
use crate::road::{VERIFIER, challenge};

fn oidcc_server(suite: &mut Suite) {
    let answer = suite.answer(&[]);
    assert_eq!(answer["state"], "state-of-the-suite");
    let tokens = suite.redeem("suite", &answer["code"]).is(200);
    assert_eq!(tokens.header("cache-control"), Some("no-store"));
    let tokens = tokens.json();
    let claims = suite.id_token("suite", &tokens);
    assert_eq!(claims["nonce"], "nonce-of-the-suite");
    assert_eq!(suite.userinfo(&tokens)["sub"], claims["sub"]);
}

fn oidcc_response_type_missing(suite: &mut Suite) {
    let answer = suite.answer(&[("response_type", "")]);
    assert_eq!(answer["error"], "invalid_request");
    assert_eq!(answer["state"], "state-of-the-suite");
}

fn oidcc_idtoken_signature(suite: &mut Suite) {
    let (tokens, _) = suite.sign_in(&[]);
    let (header, _) = jwt(tokens["id_token"].as_str().unwrap());
    assert!(header["kid"].is_string());
}

/// "May be skipped where `none` is not supported": it never is.
fn oidcc_idtoken_unsigned(suite: &mut Suite) {
    let document = suite
        .app
        .browser()
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    let algorithms = document["id_token_signing_alg_values_supported"].to_string();
    assert!(!algorithms.contains("none"), "{algorithms}");
}

fn oidcc_userinfo_get(suite: &mut Suite) {
    let (tokens, claims) = suite.sign_in(&[]);
    let answer = suite.ask_userinfo(&tokens).is(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["sub"], claims["sub"]);
}

fn oidcc_userinfo_post_header(suite: &mut Suite) {
    let (tokens, claims) = suite.sign_in(&[]);
    let token = tokens["access_token"].as_str().unwrap();
    let answer = suite
        .app
        .browser()
        .with("Authorization", &format!("Bearer {token}"))
        .send("POST", "/oauth2/userinfo", &[], Some(b""))
        .is(200);
    assert_eq!(answer.json()["sub"], claims["sub"]);
}

fn oidcc_userinfo_post_body(suite: &mut Suite) {
    let (tokens, claims) = suite.sign_in(&[]);
    let token = tokens["access_token"].as_str().unwrap();
    let fields = [("access_token", token)];
    let answer = suite.app.browser().post("/oauth2/userinfo", &fields);
    assert_eq!(answer.is(200).json()["sub"], claims["sub"]);
}

fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: &mut Suite) {
    let (_, claims) = suite.sign_in(&[("nonce", "")]);
    assert!(claims["nonce"].is_null());
}

fn oidcc_scope_profile(suite: &mut Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "openid profile")]);
    let told = suite.userinfo(&tokens);
    assert_eq!(told["name"], "Temuulen");
    assert_eq!(told["preferred_username"], PERSON);
    assert!(told["email"].is_null());
}

fn oidcc_scope_email(suite: &mut Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "openid email")]);
    let told = suite.userinfo(&tokens);
    assert_eq!(told["email"], "temuulen@mail.example");
    assert_eq!(told["email_verified"], true);
    assert!(told["name"].is_null());
}

/// No address is kept: the request succeeds and nothing is told.
fn oidcc_scope_address(suite: &mut Suite) {
    let (tokens, claims) = suite.sign_in(&[("scope", "openid address")]);
    assert_eq!(suite.userinfo(&tokens), json!({ "sub": claims["sub"] }));
}

/// No telephone number is kept either.
fn oidcc_scope_phone(suite: &mut Suite) {
    let (tokens, claims) = suite.sign_in(&[("scope", "openid phone")]);
    assert_eq!(suite.userinfo(&tokens), json!({ "sub": claims["sub"] }));
}

fn oidcc_scope_all(suite: &mut Suite) {
    let scope = "openid profile email address phone";
    let (tokens, _) = suite.sign_in(&[("scope", scope)]);
    let told = suite.userinfo(&tokens);
    assert!(told["name"].is_string() && told["email"].is_string());
}

/// Newer versions of the suite have it within `oidcc-alternate-happy-flow`.
fn oidcc_ensure_other_scope_order_succeeds(suite: &mut Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "email openid")]);
    assert!(suite.userinfo(&tokens)["email"].is_string());
}

fn oidcc_alternate_happy_flow(suite: &mut Suite) {
    let long = "s".repeat(128);
    // Scopes and parameters the other way round.
    let other = [
        ("nonce", long.as_str()),
        ("state", long.as_str()),
        ("scope", "email openid"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("client_id", "suite-two"),
    ];
    let (tokens, claims) = suite.sign_in(&other);
    assert_eq!(claims["nonce"], long);
    assert!(suite.userinfo(&tokens)["email"].is_string());
}

fn oidcc_display_page(suite: &mut Suite) {
    suite.sign_in(&[("display", "page")]);
}

fn oidcc_display_popup(suite: &mut Suite) {
    suite.sign_in(&[("display", "popup")]);
}

fn oidcc_prompt_login(suite: &mut Suite) {
    let (_, first) = suite.sign_in(&[]);
    suite.app.pass(Duration::from_secs(2));
    let at = suite.request(&[("prompt", "login")]);
    let (back, pages) = suite.walk(&at);
    assert!(
        pages
            .iter()
            .any(|page| page == "/confirm" || page == "/signin"),
        "the person proves again who they are: {pages:?}"
    );
    let code = suite.back(&back).remove("code").unwrap();
    let tokens = suite.redeem("suite", &code).is(200).json();
    let second = suite.id_token("suite", &tokens);
    assert_eq!(first["sub"], second["sub"]);
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64());
}

fn oidcc_prompt_none_not_logged_in(suite: &mut Suite) {
    let answer = suite.answer(&[("prompt", "none")]);
    assert_eq!(answer["error"], "login_required");
    assert_eq!(answer["state"], "state-of-the-suite");
}

fn oidcc_prompt_none_logged_in(suite: &mut Suite) {
    let (_, first) = suite.sign_in(&[]);
    let (_, second) = suite.sign_in(&[("prompt", "none")]);
    assert_eq!(first["sub"], second["sub"]);
    assert_eq!(first["auth_time"], second["auth_time"]);
}

fn oidcc_max_age_1(suite: &mut Suite) {
    let (_, first) = suite.sign_in(&[]);
    suite.app.pass(Duration::from_secs(2));
    let (_, second) = suite.sign_in(&[("max_age", "1")]);
    let times = (first["auth_time"].as_i64(), second["auth_time"].as_i64());
    assert!(times.1 > times.0, "{times:?}");
}

fn oidcc_max_age_10000(suite: &mut Suite) {
    let (_, first) = suite.sign_in(&[]);
    suite.app.pass(Duration::from_secs(2));
    let (_, second) = suite.sign_in(&[("max_age", "10000")]);
    assert_eq!(first["auth_time"], second["auth_time"]);
    assert!(second["auth_time"].is_i64());
}

fn oidcc_ensure_request_with_unknown_parameter_succeeds(suite: &mut Suite) {
    suite.sign_in(&[("extra", "foobar")]);
}

fn oidcc_id_token_hint(suite: &mut Suite) {
    let (tokens, first) = suite.sign_in(&[]);
    let hint = tokens["id_token"].as_str().unwrap().to_owned();
    suite.app.pass(Duration::from_secs(2));
    let (_, second) = suite.sign_in(&[("prompt", "none"), ("id_token_hint", &hint)]);
    for same in ["sub", "auth_time"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
}

fn oidcc_login_hint(suite: &mut Suite) {
    let at = suite.request(&[("login_hint", PERSON)]);
    let first = suite.browser.get(&at);
    let page = suite.browser.arrive(first).is(200);
    assert!(page.text().contains("value=\"temuulen\""), "filled in");
    suite.sign_in(&[("login_hint", PERSON)]);
}

fn oidcc_ui_locales(suite: &mut Suite) {
    let at = suite.request(&[("ui_locales", "se de")]);
    let first = suite.browser.get(&at);
    let page = suite.browser.arrive(first).is(200);
    assert!(page.text().contains("<html lang=\"de\""), "{}", page.h1());
    suite.sign_in(&[("ui_locales", "se")]);
}

fn oidcc_claims_locales(suite: &mut Suite) {
    suite.sign_in(&[("claims_locales", "se")]);
}

fn oidcc_ensure_request_with_acr_values_succeeds(suite: &mut Suite) {
    let (_, claims) = suite.sign_in(&[("acr_values", "urn:gerege:acr:password 1 2")]);
    assert_eq!(claims["acr"], "urn:gerege:acr:password");
}

fn oidcc_codereuse(suite: &mut Suite) {
    let code = suite.code(&[]);
    suite.redeem("suite", &code).is(200);
    let again = suite.redeem("suite", &code).is(400);
    assert_eq!(again.json()["error"], "invalid_grant");
}

fn oidcc_codereuse_30seconds(suite: &mut Suite) {
    let code = suite.code(&[]);
    let tokens = suite.redeem("suite", &code).is(200).json();
    suite.ask_userinfo(&tokens).is(200);
    suite.app.pass(Duration::from_secs(30));
    let again = suite.redeem("suite", &code).is(400);
    assert_eq!(again.json()["error"], "invalid_grant");
    // What the first use gave is taken back (RFC 6749 4.1.2).
    suite.ask_userinfo(&tokens).is(401);
}

fn oidcc_ensure_registered_redirect_uri(suite: &mut Suite) {
    let at = suite.request(&[("redirect_uri", "https://suite.example/other")]);
    let page = suite.browser.get(&at).is(400);
    assert!(page.header("location").is_none());
    assert!(page.text().contains("<h1"), "a page says why");
}

fn oidcc_ensure_post_request_succeeds(suite: &mut Suite) {
    let at = suite.request(&[]);
    let (path, body) = at.split_once('?').unwrap();
    let sent = suite.browser.post_bytes(path, body.as_bytes()).is(303);
    let next = sent.location().to_owned();
    let (back, _) = suite.walk(&next);
    let answer = suite.back(&back);
    suite.redeem("suite", &answer["code"]).is(200);
}

fn oidcc_server_client_secret_post(suite: &mut Suite) {
    suite.sign_in(&[("client_id", "suite-post")]);
}

fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(suite: &mut Suite) {
    let at = "https://suite.example/request.jwt";
    let answer = suite.answer(&[("request_uri", at)]);
    let error = answer["error"].as_str();
    assert!(
        ["request_uri_not_supported", "invalid_request_uri"].contains(&error),
        "{error}"
    );
}

fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(suite: &mut Suite) {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let object = format!(
        "{}.{}.",
        part(json!({ "alg": "none" })),
        part(json!({
            "client_id": "suite", "redirect_uri": CALLBACK, "response_type": "code",
            "scope": "openid", "state": "state-of-the-suite", "nonce": "nonce-inside",
        }))
    );
    let answer = suite.answer(&[("request", &object)]);
    let error = answer["error"].as_str();
    assert!(
        ["request_not_supported", "invalid_request_object"].contains(&error),
        "{error}"
    );
}

/// Two addresses, one in a request object and one beside it: the one inside counts. Without a
/// signature none does, and nobody is led anywhere.
fn oidcc_ensure_request_object_with_redirect_uri(suite: &mut Suite) {
    let elsewhere = ("redirect_uri", "https://suite.example/other");
    let now = suite.app.app.clock.now().seconds();
    let inside = json!({
        "iss": "suite", "aud": suite.app.origin, "exp": now + 60, "client_id": "suite",
        "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid",
        "response_mode": suite.mode, "nonce": "nonce-inside",
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&inside));
    let at = suite.request(&[elsewhere, ("request", &unsigned)]);
    let page = suite.browser.get(&at).is(400);
    assert!(page.header("location").is_none());
    let pen = Pen::new(&suite.app);
    pen.register(&suite.app, "suite", Need::Optional);
    let signed = pen.sign(Algorithm::RS256, "oauth-authz-req+jwt", &inside);
    let answer = suite.answer(&[elsewhere, ("request", &signed)]);
    let tokens = suite.redeem("suite", &answer["code"]).is(200).json();
    assert_eq!(suite.id_token("suite", &tokens)["nonce"], "nonce-inside");
}

fn oidcc_claims_essential(suite: &mut Suite) {
    let claims = r#"{"userinfo":{"name":{"essential":true}}}"#;
    let (tokens, id) = suite.sign_in(&[("claims", claims)]);
    assert_eq!(suite.userinfo(&tokens)["name"], "Temuulen");
    assert!(id.get("name").is_none(), "it was asked for at userinfo");
}

fn oidcc_refresh_token(suite: &mut Suite) {
    let scope = "openid offline_access";
    let (tokens, first) = suite.sign_in(&[("scope", scope), ("prompt", "consent")]);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    suite.app.pass(Duration::from_secs(1));
    let newer = suite.token("suite", &fields).is(200).json();
    let second = suite.id_token("suite", &newer);
    for same in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
    suite.ask_userinfo(&newer).is(200);
    // Another client gets nothing for it.
    let stolen = suite.token("suite-two", &fields).is(400).json();
    assert_eq!(stolen["error"], "invalid_grant");
}

fn oidcc_ensure_request_with_valid_pkce_succeeds(suite: &mut Suite) {
    let challenge = challenge(VERIFIER);
    let code = suite.code(&[
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    suite.token("suite", &fields).is(200);
}

/// Each module once with the answer in the query and once as a form that sends itself.
macro_rules! modules {
    ($($name:ident)*) => {
        /// `response_mode=default`
        mod query {
            $(#[test]
            fn $name() {
                super::$name(&mut super::Suite::new());
            })*
        }

        /// `response_mode=form_post`
        mod form_post {
            $(#[test]
            fn $name() {
                super::$name(&mut super::Suite::new().by_form_post());
            })*
        }
    };
}

modules! {
    oidcc_server
    oidcc_response_type_missing
    oidcc_idtoken_signature
    oidcc_idtoken_unsigned
    oidcc_userinfo_get
    oidcc_userinfo_post_header
    oidcc_userinfo_post_body
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow
    oidcc_scope_profile
    oidcc_scope_email
    oidcc_scope_address
    oidcc_scope_phone
    oidcc_scope_all
    oidcc_ensure_other_scope_order_succeeds
    oidcc_alternate_happy_flow
    oidcc_display_page
    oidcc_display_popup
    oidcc_prompt_login
    oidcc_prompt_none_not_logged_in
    oidcc_prompt_none_logged_in
    oidcc_max_age_1
    oidcc_max_age_10000
    oidcc_ensure_request_with_unknown_parameter_succeeds
    oidcc_id_token_hint
    oidcc_login_hint
    oidcc_ui_locales
    oidcc_claims_locales
    oidcc_ensure_request_with_acr_values_succeeds
    oidcc_codereuse
    oidcc_codereuse_30seconds
    oidcc_ensure_registered_redirect_uri
    oidcc_ensure_post_request_succeeds
    oidcc_server_client_secret_post
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
    oidcc_ensure_request_object_with_redirect_uri
    oidcc_claims_essential
    oidcc_refresh_token
    oidcc_ensure_request_with_valid_pkce_succeeds
}
