//! Signed answers to authorization requests (JARM).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::oauth::service::Algorithm;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::{encode, jwt, param};
use crate::road::*;

/// Checks a signed answer as JARM 2.4 says, and gives its claims.
#[track_caller]
fn open(app: &TestApp, token: &str, algorithm: &str) -> Value {
    let (header, claims) = jwt(token);
    assert_eq!(header["alg"], algorithm);
    assert_eq!(header["typ"], "oauth-authz-resp+jwt");
    let keys = app.browser().get("/jwks.json").is(200).json();
    let mut known = keys["keys"].as_array().unwrap().iter();
    let jwk = known
        .find(|key| key["kid"] == header["kid"])
        .expect("the issuer's key is published");
    let jwk = serde_json::from_value(jwk.clone()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let kind = algorithm.parse().unwrap();
    let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, kind);
    assert!(good.unwrap());
    URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(claims["iss"], app.origin);
    assert_eq!(claims["aud"], "demo-messenger");
    let now = app.app.clock.now().seconds();
    assert_eq!(claims["exp"].as_i64(), Some(now + 600));
    claims
}

#[test]
fn an_answer_is_signed_in_each_of_its_modes() {
    let app = TestApp::new();
    app.person("temuulen");
    for (mode, sign) in [("jwt", '?'), ("query.jwt", '?'), ("fragment.jwt", '#')] {
        let mut browser = app.browser();
        let at = request(&[("response_mode", mode)]);
        let back = ask(&mut browser, &at, "temuulen").is(303);
        let (to, answer) = back.location().split_once(sign).expect("an answer");
        assert_eq!(to, CALLBACK);
        let token = answer.strip_prefix("response=").expect("a signed one");
        assert!(!token.contains('&'), "nothing beside it: {answer}");
        let claims = open(&app, token, "RS256");
        assert_eq!(claims["state"], "st/ate+1 %");
        redeem(&mut browser, claims["code"].as_str().unwrap()).is(200);
    }
    let mut browser = app.browser();
    let at = request(&[("response_mode", "form_post.jwt")]);
    let page = ask(&mut browser, &at, "temuulen").is(200);
    assert!(!page.text().contains("name=\"code\""));
    let html = page.text();
    let token = html
        .split("name=\"response\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a signed answer");
    assert!(open(&app, token, "RS256")["code"].is_string());
    app.deliver();
}

#[test]
fn a_refusal_is_signed_too_with_the_clients_algorithm() {
    let app = TestApp::new();
    for (algorithm, name) in [
        (Algorithm::ES256, "ES256"),
        (Algorithm::EdDSA, "EdDSA"),
        (Algorithm::RS256, "RS256"),
    ] {
        app.write(move |c| {
            let mut demo = store::client::find(c, "demo-messenger")?.expect("the messenger");
            demo.asking.response_algorithm = Some(algorithm);
            store::client::save(c, &demo)
        });
        let mut browser = app.browser();
        for (other, error) in [
            (("prompt", "none"), "login_required"),
            (("response_type", "token"), "unsupported_response_type"),
        ] {
            let stored = browser.get(&request(&[("response_mode", "jwt"), other]));
            let back = browser.arrive(stored).is(303);
            assert_eq!(back.param("error"), None, "{}", back.location());
            let token = param(back.location(), "response").expect("a signed answer");
            let claims = open(&app, &token, name);
            assert_eq!(claims["error"], error);
            assert_eq!(claims["state"], "st/ate+1 %");
        }
    }
}

#[test]
fn a_signed_answer_is_no_token() {
    let app = TestApp::new();
    app.person("temuulen");
    arm(&app);
    let mut browser = app.browser();
    let back = ask(
        &mut browser,
        &request(&[("response_mode", "jwt")]),
        "temuulen",
    );
    let token = param(back.location(), "response").expect("a signed answer");
    let mut asking = app
        .browser()
        .with("Authorization", &format!("Bearer {token}"));
    asking.get("/oauth2/userinfo").is(401);
    assert_eq!(
        introspect(&app, "demo-chat", &token),
        json!({ "active": false })
    );
    let out = format!("/oauth2/logout?{}", encode(&[("id_token_hint", &token)]));
    assert_eq!(browser.get(&out).header("location"), None);
    browser.get("/account").is(200);
}

#[test]
fn id_tokens_are_signed_by_eddsa_for_who_asks_for_it() {
    let app = TestApp::new();
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the messenger");
        demo.id_token_algorithm = Algorithm::EdDSA;
        store::client::save(c, &demo)
    });
    let tokens = tokens(&app, &mut app.browser(), "temuulen");
    let (header, _) = jwt(&text(&tokens, "id_token"));
    assert_eq!(header["alg"], "EdDSA");
    let keys = app.browser().get("/jwks.json").is(200).json();
    let known = keys["keys"].as_array().unwrap();
    assert!(known.iter().any(|key| key["kid"] == header["kid"]));
}
