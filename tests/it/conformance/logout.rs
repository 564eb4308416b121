//! oidcc-rp-initiated-logout-certification-test-plan.

use super::*;

/// Signs in and gives the ID token.
fn signed_in(suite: &mut Suite) -> String {
    let (tokens, _) = suite.sign_in(&[]);
    tokens["id_token"].as_str().unwrap().to_owned()
}

/// Asks for signing out; answers "Sign out?" where it is asked.
fn sign_out(suite: &mut Suite, fields: &[(&str, &str)]) -> (Answer, bool) {
    let at = format!("/oauth2/logout?{}", encode(fields));
    let page = suite.browser.get(&at);
    if page.status == 200 && page.token().is_some() && page.text().contains("\"signout\"") {
        return (
            suite.browser.submit(&page, &[("decision", "signout")]),
            true,
        );
    }
    (page, false)
}

/// Nobody is signed in any more.
#[track_caller]
fn is_out(suite: &mut Suite) {
    let answer = suite.answer(&[("prompt", "none")]);
    assert_eq!(answer["error"], "login_required");
}

#[track_caller]
fn is_in(suite: &mut Suite) {
    assert!(suite.answer(&[("prompt", "none")]).contains_key("code"));
}

/// An error for the person, and nothing is done.
#[track_caller]
fn refused(suite: &mut Suite, fields: &[(&str, &str)]) {
    let (page, asked) = sign_out(suite, fields);
    assert!(!asked, "{}", page.h1());
    assert!(page.is(400).header("location").is_none());
    is_in(suite);
}

#[test]
fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let suite = Suite::new();
    let document = suite
        .app
        .browser()
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    let at = document["end_session_endpoint"].as_str().unwrap();
    assert!(at.starts_with(&suite.app.origin));
}

#[test]
fn oidcc_rp_initiated_logout() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", SIGNED_OUT),
        ("state", "bye/1"),
    ];
    let (back, _) = sign_out(&mut suite, &fields);
    assert_eq!(
        back.is(303).location(),
        format!("{SIGNED_OUT}?state=bye%2F1")
    );
    is_out(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let fields = [
        ("id_token_hint", hint.as_str()),
        (
            "post_logout_redirect_uri",
            "https://suite.example/elsewhere",
        ),
    ];
    refused(&mut suite, &fields);
}

/// The ID token as the suite changes it: to `alg: none`, without a signature; beside that, with the
/// old one, and with one that was touched.
#[test]
fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let [header, claims, signature] = hint.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let (mut none, _) = jwt(&hint);
    none["alg"] = "none".into();
    let none = URL_SAFE_NO_PAD.encode(none.to_string());
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[7] ^= 0x40;
    let touched = URL_SAFE_NO_PAD.encode(bytes);
    for bad in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}.{touched}"),
    ] {
        let fields = [
            ("id_token_hint", bad.as_str()),
            ("post_logout_redirect_uri", SIGNED_OUT),
        ];
        refused(&mut suite, &fields);
    }
}

/// What our ID token says, signed by the suite: by a key of its own, in our key's name too, and by
/// the client's secret.
#[test]
fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    use aws_lc_rs::hmac;
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let (header, claims) = jwt(&hint);
    let key = crate::sign::Signer::rsa();
    let own = json!({ "alg": "RS256", "kid": "of-the-suite" });
    let mut bad = vec![
        key.sign(&own, &claims),
        key.sign(&header, &claims),
        "not.a.token".to_owned(),
    ];
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&claims));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&secret, message.as_bytes());
    bad.push(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag)));
    for bad in bad {
        let fields = [
            ("id_token_hint", bad.as_str()),
            ("post_logout_redirect_uri", SIGNED_OUT),
        ];
        refused(&mut suite, &fields);
    }
}

#[test]
fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let mut suite = Suite::new();
    signed_in(&mut suite);
    let (_, asked) = sign_out(&mut suite, &[("post_logout_redirect_uri", SIGNED_OUT)]);
    // Nobody proved who asks: it is no app that leads on, and the person is asked or told.
    assert!(!asked);
    is_in(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_no_params() {
    let mut suite = Suite::new();
    signed_in(&mut suite);
    let (page, asked) = sign_out(&mut suite, &[]);
    assert!(asked, "the person is asked");
    assert!(page.header("location").is_none());
    is_out(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let (page, _) = sign_out(&mut suite, &[("id_token_hint", &hint)]);
    assert!(page.is(200).header("location").is_none());
    is_out(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_no_state() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", SIGNED_OUT),
    ];
    let (back, _) = sign_out(&mut suite, &fields);
    assert_eq!(back.is(303).location(), SIGNED_OUT);
    is_out(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_only_state() {
    let mut suite = Suite::new();
    signed_in(&mut suite);
    let (page, asked) = sign_out(&mut suite, &[("state", "x")]);
    assert!(asked);
    assert!(page.header("location").is_none());
    is_out(&mut suite);
}

#[test]
fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let mut suite = Suite::new();
    let hint = signed_in(&mut suite);
    let added = format!("{SIGNED_OUT}?foo=bar");
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", added.as_str()),
    ];
    refused(&mut suite, &fields);
}
