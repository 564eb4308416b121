//! The `claims` parameter, classes of proof, and what a person leaves out on the consent page
//! (OpenID Connect Core 5.5, RFC 9470).

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::{Answer, Browser, basic, jwt};
use crate::road::*;

/// The forum's request, with parameters added or changed.
fn forum(other: &[(&str, &str)]) -> String {
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ];
    let kept = own
        .iter()
        .filter(|(name, _)| !other.iter().any(|(had, _)| had == name));
    let all: Vec<(&str, &str)> = other.iter().chain(kept).copied().collect();
    request(&all)
}

/// What the forum's way ends in: the answer at its address.
fn arrive(browser: &mut Browser, at: &str) -> Answer {
    let stored = browser.get(at);
    browser.arrive(stored)
}

fn exchange(app: &TestApp, back: &Answer) -> Value {
    let code = back
        .param("code")
        .unwrap_or_else(|| panic!("{}", back.location()));
    app.browser()
        .with("Authorization", &basic("forum", SECRET))
        .post(
            "/oauth2/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", FORUM),
                ("code_verifier", VERIFIER),
            ],
        )
        .is(200)
        .json()
}

fn userinfo(app: &TestApp, tokens: &Value) -> Value {
    let token = text(tokens, "access_token");
    app.browser()
        .with("Authorization", &format!("Bearer {token}"))
        .get("/oauth2/userinfo")
        .is(200)
        .json()
}

#[test]
fn a_claim_asked_for_by_name_is_shown_allowed_and_given() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let claims = r#"{"id_token":{"email":{"essential":true}},"userinfo":{"preferred_username":null,"picture":null}}"#;
    let page = ask(&mut browser, &forum(&[("claims", claims)]), "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    for words in ["See your email address", "Know your name and username"] {
        assert!(page.text().contains(words), "{words}");
    }
    // What the app says that it needs is no choice.
    assert_eq!(page.ticked("scope"), ["profile"]);
    let allowed = browser.allow(&page);
    let tokens = exchange(&app, &browser.arrive(allowed));
    assert_eq!(tokens["scope"], "openid");
    let (_, id) = jwt(&text(&tokens, "id_token"));
    assert_eq!(id["email"], "temuulen@mail.example");
    assert!(id["preferred_username"].is_null() && id["name"].is_null());
    let sub = id["sub"].clone();
    let told = json!({ "sub": sub, "preferred_username": "temuulen" });
    assert_eq!(userinfo(&app, &tokens), told);
    // Remembered; and left out, it is not given.
    let back = arrive(&mut browser, &forum(&[("claims", claims)])).is(303);
    assert!(back.param("code").is_some());
    let again = forum(&[("claims", claims), ("prompt", "consent")]);
    let page = arrive(&mut browser, &again);
    let allowed = browser.submit(&page, &[("decision", "allow")]);
    let tokens = exchange(&app, &browser.arrive(allowed));
    assert_eq!(userinfo(&app, &tokens), json!({ "sub": sub }));
}

#[test]
fn what_is_left_out_on_the_consent_page_is_not_granted_and_is_asked_again() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let at = forum(&[("scope", "openid profile email offline_access")]);
    let page = ask(&mut browser, &at, "temuulen").is(200);
    assert_eq!(page.ticked("scope"), ["profile", "email", "offline_access"]);
    assert!(
        page.text()
            .contains("Keep you signed in until you sign out")
    );
    // Nothing more can be ticked than was asked for, and `openid` stays.
    let fields = [
        ("scope", "profile"),
        ("scope", "room"),
        ("decision", "allow"),
    ];
    let allowed = browser.submit(&page, &fields);
    let tokens = exchange(&app, &browser.arrive(allowed));
    assert_eq!(tokens["scope"], "openid profile");
    assert!(tokens["refresh_token"].is_null());
    assert!(userinfo(&app, &tokens)["email"].is_null());
    let narrow = arrive(&mut browser, &forum(&[("scope", "openid profile")])).is(303);
    assert!(narrow.param("code").is_some());
    let page = arrive(&mut browser, &at).is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
}

#[test]
fn an_app_that_stays_signed_in_in_any_case_says_so() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = gerege::store::client::find(c, "forum")?.expect("the forum");
        forum.refresh = gerege::oauth::client::RefreshPolicy::Always;
        gerege::store::client::save(c, &forum)
    });
    let mut browser = app.browser();
    let page = ask(&mut browser, &forum(&[]), "temuulen").is(200);
    assert!(
        page.text()
            .contains("Keep you signed in until you sign out")
    );
    assert!(page.ticked("scope").is_empty());
    let allowed = browser.allow(&page);
    let tokens = exchange(&app, &browser.arrive(allowed));
    assert_eq!(tokens["scope"], "openid");
    assert!(tokens["refresh_token"].is_string());
}

#[test]
fn a_sub_that_is_asked_for_signs_in_nobody_else() {
    let app = TestApp::new();
    let sub = app.person("temuulen").id;
    app.person("saraa");
    let wish = |sub: &str| format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
    let mut browser = app.browser();
    let at = request(&[("claims", &wish(&sub))]);
    assert!(ask(&mut browser, &at, "temuulen").param("code").is_some());
    let mut other = app.browser();
    let refused = ask(&mut other, &at, "saraa").is(303);
    assert_eq!(refused.param("error").as_deref(), Some("login_required"));
    let silent = request(&[("claims", &wish("nobody")), ("prompt", "none")]);
    let refused = arrive(&mut browser, &silent).is(303);
    assert_eq!(refused.param("error").as_deref(), Some("login_required"));
}

#[test]
fn the_class_of_a_proof_is_told_and_one_out_of_reach_is_refused() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    arm(&app);
    let mut browser = app.browser();
    let at = request(&[("acr_values", "phr urn:gerege:acr:password")]);
    let back = ask(&mut browser, &at, "temuulen").is(303);
    let tokens = redeem(&mut browser, &back.param("code").unwrap())
        .is(200)
        .json();
    let access = text(&tokens, "access_token");
    let heard = introspect(&app, "demo-chat", &access);
    let now = app.app.clock.now().seconds();
    for claims in [jwt(&text(&tokens, "id_token")).1, jwt(&access).1, heard] {
        assert_eq!(claims["acr"], "urn:gerege:acr:password", "{claims}");
        assert_eq!(claims["auth_time"].as_i64(), Some(now));
    }
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["phr","phrh"]}}}"#;
    let refused = arrive(&mut browser, &request(&[("claims", essential)])).is(303);
    let error = refused.param("error");
    assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
    assert_eq!(refused.param("code"), None);
}
