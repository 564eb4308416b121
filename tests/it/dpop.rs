//! Tokens bound to a key that the app holds (RFC 9449): asked for, used, refreshed, stolen.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::oauth::client::{GrantType, Need};
use gerege::oauth::service::Proof;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::ciba;
use crate::device;
use crate::http::{Answer, Browser, basic, jwt};
use crate::road::*;
use crate::sso;

/// An app's key.
pub struct Key(EcdsaKeyPair);

impl Key {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = self.0.public_key().as_ref();
        json!({ "crv": "P-256", "kty": "EC", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
    }

    pub fn jkt(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    /// A proof with claims added or changed.
    pub fn proof(&self, app: &TestApp, method: &str, path: &str, more: Value) -> String {
        let mut claims = json!({
            "jti": app.app.rng.id(),
            "htm": method,
            "htu": format!("{}{path}", app.origin),
            "iat": app.app.clock.now().seconds(),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let signature = self
            .0
            .sign(&SystemRandom::new(), message.as_bytes())
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Asks the token endpoint as the demo messenger, with a proof.
    fn token(&self, app: &TestApp, fields: &[(&str, &str)], more: Value) -> Answer {
        let proof = self.proof(app, "POST", "/oauth2/token", more);
        token(&mut app.browser().with("DPoP", &proof), fields)
    }

    fn redeem(&self, app: &TestApp, code: &str) -> Answer {
        self.token(app, &redeeming(code), json!({}))
    }

    fn refresh(&self, app: &TestApp, token: &str, resource: &str) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("resource", resource),
        ];
        self.token(app, &fields, json!({}))
    }

    fn ask(&self, app: &TestApp, token: &str, more: Value) -> Answer {
        let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        let mut claims = json!({ "ath": ath });
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let proof = self.proof(app, "GET", "/oauth2/userinfo", claims);
        app.browser()
            .with("Authorization", &format!("DPoP {token}"))
            .with("DPoP", &proof)
            .get("/oauth2/userinfo")
    }
}

fn redeeming(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn error(answer: Answer, status: u16) -> String {
    text(&answer.is(status).json(), "error")
}

/// The demo chat server checks proofs from now on.
pub fn check_proofs(app: &TestApp) {
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo service");
        chat.proof = Proof::Dpop;
        store::client::save_service(c, &chat)
    });
}

/// The demo messenger must prove its key from now on.
fn must_prove(app: &TestApp) {
    app.write(|c| {
        let mut client = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        client.dpop = Need::Required;
        store::client::save(c, &client)
    });
}

#[test]
fn a_bound_token_opens_only_with_its_key() {
    let app = TestApp::new();
    app.person("temuulen");
    arm(&app);
    check_proofs(&app);
    let (key, thief) = (Key::new(), Key::new());
    let code = code(&mut app.browser(), "temuulen");
    let tokens = key.redeem(&app, &code).is(200).json();
    assert_eq!(tokens["token_type"], "DPoP");
    let access = text(&tokens, "access_token");
    assert_eq!(jwt(&access).1["cnf"], json!({ "jkt": key.jkt() }));
    let heard = introspect(&app, "demo-chat", &access);
    assert_eq!(heard["token_type"], "DPoP");
    assert_eq!(heard["cnf"]["jkt"], key.jkt());

    // The refresh token is bound as well, and stays the same.
    let first = text(&tokens, "refresh_token");
    let own = key.refresh(&app, &first, &app.origin).is(200).json();
    assert_eq!(text(&own, "refresh_token"), first);
    assert_eq!(own["token_type"], "DPoP");
    assert_eq!(
        error(thief.refresh(&app, &first, &app.origin), 400),
        "invalid_grant"
    );
    assert_eq!(
        error(refresh(&mut app.browser(), &first), 400),
        "invalid_grant"
    );
    app.pass(Duration::from_secs(120));
    // None of it ended anything.
    let own = key.refresh(&app, &first, &app.origin).is(200).json();
    let own = text(&own, "access_token");

    let claims = key.ask(&app, &own, json!({})).is(200).json();
    assert_eq!(claims["preferred_username"], "temuulen");
    for (what, answer) in [
        ("another key", thief.ask(&app, &own, json!({}))),
        (
            "another token's proof",
            key.ask(&app, &own, json!({ "ath": "x" })),
        ),
        (
            "another method",
            key.ask(&app, &own, json!({ "htm": "POST" })),
        ),
        (
            "no proof",
            app.browser()
                .with("Authorization", &format!("DPoP {own}"))
                .get("/oauth2/userinfo"),
        ),
        (
            "as a bearer token",
            app.browser()
                .with("Authorization", &format!("Bearer {own}"))
                .get("/oauth2/userinfo"),
        ),
        (
            "in the body",
            app.browser()
                .post("/oauth2/userinfo", &[("access_token", &own)]),
        ),
    ] {
        assert_eq!(answer.status, 401, "{what}");
        let told: Vec<&str> = answer.headers("www-authenticate").collect();
        assert!(
            told.iter()
                .any(|one| one.starts_with("DPoP ") && one.contains("algs=\"ES256")),
            "{what}: {told:?}"
        );
        assert!(
            told.iter().any(|one| one.contains("error=")),
            "{what}: {told:?}"
        );
    }
}

// RFC 7009 2.1: a public app is known by its id; libraries send no proof there.
#[test]
fn a_bound_token_is_given_back_without_its_key() {
    let app = TestApp::new();
    app.person("temuulen");
    let key = Key::new();
    let code = code(&mut app.browser(), "temuulen");
    let kept = text(&key.redeem(&app, &code).is(200).json(), "refresh_token");
    let fields = [("client_id", "demo-messenger"), ("token", &kept)];
    app.browser().post("/oauth2/revoke", &fields).is(200);
    let ended = key.refresh(&app, &kept, &app.origin);
    assert_eq!(error(ended, 400), "invalid_grant");
}

#[test]
fn a_proof_is_taken_once() {
    let app = TestApp::new();
    app.person("temuulen");
    let key = Key::new();
    let code = code(&mut app.browser(), "temuulen");
    let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
    let mut browser = app.browser().with("DPoP", &proof);
    // A refusal of something else takes it too.
    let elsewhere = [("resource", "https://nowhere.example")];
    let wrong = token(&mut browser, &[&redeeming(&code)[..], &elsewhere].concat());
    assert_eq!(error(wrong, 400), "invalid_target");
    assert_eq!(
        error(redeem(&mut browser, &code), 400),
        "invalid_dpop_proof"
    );
    for more in [
        json!({ "htm": "GET" }),
        json!({ "htu": format!("{}/oauth2/userinfo", app.origin) }),
        json!({ "htu": "https://evil.example/oauth2/token" }),
        json!({ "iat": 1_700_000_000 }),
        json!({ "iat": 1_900_000_000 }),
        json!({ "jti": "" }),
        json!({ "jti": 1 }),
    ] {
        let refused = key.token(&app, &redeeming(&code), more.clone());
        assert_eq!(error(refused, 400), "invalid_dpop_proof", "{more}");
    }
    let two = app
        .browser()
        .with("DPoP", &key.proof(&app, "POST", "/oauth2/token", json!({})))
        .with("DPoP", &key.proof(&app, "POST", "/oauth2/token", json!({})));
    let mut two = two;
    assert_eq!(error(redeem(&mut two, &code), 400), "invalid_dpop_proof");
    // The code is still there for whoever does it right.
    key.redeem(&app, &code).is(200);
}

#[test]
fn a_service_that_takes_tokens_from_anyone_gets_no_bound_one() {
    let app = TestApp::new();
    app.person("temuulen");
    let key = Key::new();
    let code_ = code(&mut app.browser(), "temuulen");
    let tokens = key.redeem(&app, &code_).is(200).json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(jwt(&text(&tokens, "access_token")).1.get("cnf").is_none());
    // What the messenger keeps is bound all the same.
    let kept = text(&tokens, "refresh_token");
    assert_eq!(
        error(refresh(&mut app.browser(), &kept), 400),
        "invalid_grant"
    );
    key.refresh(&app, &kept, &app.origin).is(200);

    check_proofs(&app);
    let code_ = code(&mut app.browser(), "temuulen");
    app.deliver();
    // What the operator changes is seen within a second.
    app.pass(Duration::from_secs(1));
    let refused = redeem(&mut app.browser(), &code_);
    assert_eq!(error(refused, 400), "invalid_dpop_proof");
    key.redeem(&app, &code_).is(200);
}

#[test]
fn a_client_that_must_prove_its_key_works_with_our_nonces() {
    let app = TestApp::new();
    app.person("temuulen");
    must_prove(&app);
    check_proofs(&app);
    let key = Key::new();
    let code = code(&mut app.browser(), "temuulen");
    assert_eq!(
        error(redeem(&mut app.browser(), &code), 400),
        "invalid_dpop_proof"
    );
    let asked = key.redeem(&app, &code);
    let nonce = asked.header("dpop-nonce").expect("a nonce").to_owned();
    assert_eq!(error(asked, 400), "use_dpop_nonce");
    let made_up = key.token(&app, &redeeming(&code), json!({ "nonce": "made-up" }));
    assert!(made_up.header("dpop-nonce").is_some());
    assert_eq!(error(made_up, 400), "use_dpop_nonce");
    let given = key
        .token(&app, &redeeming(&code), json!({ "nonce": nonce }))
        .is(200);
    let next = given
        .header("dpop-nonce")
        .expect("the next nonce")
        .to_owned();
    let kept = text(&given.json(), "refresh_token");
    let again = |nonce: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", kept.as_str()),
        ];
        key.token(&app, &fields, json!({ "nonce": nonce }))
    };
    again(&next).is(200);
    // A nonce lives for five minutes.
    app.pass(Duration::from_secs(301));
    let old = again(&next);
    let next = old.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(error(old, 400), "use_dpop_nonce");
    again(&next).is(200);
    // Nothing goes out to a service that would not check.
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo service");
        chat.proof = Proof::Bearer;
        store::client::save_service(c, &chat)
    });
    assert_eq!(error(again(&next), 400), "invalid_target");
}

#[test]
fn a_code_may_name_the_key_that_redeems_it() {
    let app = TestApp::new();
    app.person("temuulen");
    let (key, thief) = (Key::new(), Key::new());
    let ask_with = |jkt: &str| {
        ask(
            &mut app.browser(),
            &request(&[("dpop_jkt", jkt)]),
            "temuulen",
        )
    };
    let code = ask_with(&key.jkt()).is(303).param("code").expect("a code");
    assert_eq!(
        error(redeem(&mut app.browser(), &code), 400),
        "invalid_grant"
    );
    assert_eq!(error(thief.redeem(&app, &code), 400), "invalid_grant");
    key.redeem(&app, &code).is(200);
    let back = app
        .browser()
        .get(&request(&[("dpop_jkt", "short")]))
        .is(303);
    assert_eq!(back.param("error").as_deref(), Some("invalid_request"));
}

#[test]
fn a_machines_token_is_bound_and_a_confidential_clients_refresh_token_is_not() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let (key, other) = (Key::new(), Key::new());
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        forum.grants.push(GrantType::ClientCredentials);
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.proof = Proof::Dpop;
        store::client::save(c, &forum)?;
        store::client::save_service(c, &room)
    });
    let call = |key: Option<&Key>, fields: &[(&str, &str)]| {
        let mut browser = app.browser().with("Authorization", &basic("forum", SECRET));
        if let Some(key) = key {
            let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
            browser = browser.with("DPoP", &proof);
        }
        browser.post("/oauth2/token", fields)
    };
    let machine = [("grant_type", "client_credentials"), ("scope", "room")];
    assert_eq!(error(call(None, &machine), 400), "invalid_dpop_proof");
    let given = call(Some(&key), &machine).is(200).json();
    assert_eq!(given["token_type"], "DPoP");
    assert_eq!(
        jwt(&text(&given, "access_token")).1["cnf"]["jkt"],
        key.jkt()
    );

    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid offline_access"),
    ]);
    let mut browser = app.browser();
    let consent = ask(&mut browser, &at, "temuulen");
    let answer = browser.allow(&consent);
    let back = browser.arrive(answer);
    let code = back.param("code").expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", FORUM),
        ("code_verifier", VERIFIER),
    ];
    let given = call(Some(&key), &fields).is(200).json();
    let kept = text(&given, "refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", kept.as_str()),
    ];
    let next = call(Some(&other), &fields).is(200).json();
    assert_eq!(
        jwt(&text(&next, "access_token")).1["cnf"]["jkt"],
        other.jkt()
    );
}

#[test]
fn a_page_of_another_site_may_send_proofs_and_read_nonces() {
    let app = TestApp::new();
    must_prove(&app);
    let mut browser: Browser = app.browser().with("Origin", "https://app.example");
    let asked = browser.send("OPTIONS", "/oauth2/token", &[], None);
    assert!(
        asked
            .header("access-control-allow-headers")
            .unwrap()
            .contains("DPoP")
    );
    let key = Key::new();
    let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
    let refused = token(
        &mut browser.with("DPoP", &proof),
        &[("grant_type", "refresh_token"), ("refresh_token", "x")],
    );
    assert!(
        refused
            .header("access-control-expose-headers")
            .unwrap()
            .contains("DPoP-Nonce")
    );
    assert_eq!(error(refused, 400), "use_dpop_nonce");
}

// RFC 9449 10.1
#[test]
fn a_proof_with_a_pushed_request_binds_the_code() {
    let app = TestApp::new();
    app.person("temuulen");
    let (key, thief) = (Key::new(), Key::new());
    let challenge = challenge(VERIFIER);
    let jkt = key.jkt();
    let push = |by: &Key, named: Option<&str>| {
        let mut fields = vec![
            ("client_id", "demo-messenger"),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid chat"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        fields.extend(named.map(|jkt| ("dpop_jkt", jkt)));
        let proof = by.proof(&app, "POST", "/oauth2/par", json!({}));
        app.browser()
            .with("DPoP", &proof)
            .post("/oauth2/par", &fields)
    };
    assert_eq!(error(push(&thief, Some(&jkt)), 400), "invalid_dpop_proof");
    push(&key, Some(&jkt)).is(201);
    let receipt = push(&key, None).is(201).json();
    let at = format!(
        "/oauth2/authorize?{}",
        crate::http::encode(&[
            ("client_id", "demo-messenger"),
            ("request_uri", &text(&receipt, "request_uri")),
        ])
    );
    let code = ask(&mut app.browser(), &at, "temuulen")
        .param("code")
        .expect("a code");
    assert_eq!(
        error(redeem(&mut app.browser(), &code), 400),
        "invalid_grant"
    );
    assert_eq!(error(thief.redeem(&app, &code), 400), "invalid_grant");
    key.redeem(&app, &code).is(200);
}

#[test]
fn a_proof_beside_what_opens_nothing_is_not_written_down() {
    let app = TestApp::new();
    app.person("temuulen");
    let key = Key::new();
    let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
    let send = |code: &str| token(&mut app.browser().with("DPoP", &proof), &redeeming(code));
    for _ in 0..3 {
        assert_eq!(error(send("gc_made-up"), 400), "invalid_grant");
    }
    let code = code(&mut app.browser(), "temuulen");
    let tokens = send(&code).is(200).json();
    assert_eq!(error(send(&code), 400), "invalid_dpop_proof");
    let look = |token: &str, proof: &str| {
        let answer = app
            .browser()
            .with("Authorization", &format!("DPoP {token}"))
            .with("DPoP", proof)
            .get("/oauth2/userinfo");
        (answer.status, answer.json()["error"].clone())
    };
    let made = |token: &str| {
        let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        key.proof(&app, "GET", "/oauth2/userinfo", json!({ "ath": ath }))
    };
    let proof = made("made-up");
    for _ in 0..3 {
        assert_eq!(look("made-up", &proof), (401, json!("invalid_token")));
    }
    let refresh = text(&tokens, "refresh_token");
    let own = key.refresh(&app, &refresh, &app.origin).is(200).json();
    let good = text(&own, "access_token");
    let proof = made(&good);
    assert_eq!(look(&good, &proof).0, 200);
    assert_eq!(look(&good, &proof), (401, json!("invalid_dpop_proof")));
}

// RFC 6749 5.2, RFC 8628 3.5, CIBA 11, Native SSO 4.3
#[test]
fn a_proof_beside_what_gives_nothing_yet_or_never_is_not_written_down() {
    let app = TestApp::new();
    app.person("temuulen");
    sso::family(&app);
    ciba::bank(&app);
    device::television(&app);
    let proof = Key::new().proof(&app, "POST", "/oauth2/token", json!({}));
    let caller = || app.browser().with("DPoP", &proof);
    let bank = || caller().with("Authorization", &basic("bank", SECRET));
    let machine = [("grant_type", "client_credentials")];
    let asked = [("grant_type", ciba::GRANT), ("auth_req_id", "gb_made-up")];
    let pair = |secret: &str| {
        let tokens = json!({ "id_token": "made-up", "device_secret": secret });
        sso::trade_by(&mut caller(), &app, &tokens, &[])
    };
    for _ in 0..3 {
        let refused = token(&mut caller(), &machine);
        assert_eq!(error(refused, 400), "unauthorized_client");
        let refused = bank().post("/oauth2/token", &asked);
        assert_eq!(error(refused, 400), "invalid_grant");
        assert_eq!(error(pair("gs_made-up"), 400), "invalid_grant");
    }
    // A code that is real, and that nobody has decided on.
    let begun = device::begin(&app);
    for wanted in ["authorization_pending", "slow_down", "slow_down"] {
        assert_eq!(error(device::poll(&mut caller(), &begun), 400), wanted);
    }
    let mut browser = app.browser();
    let page = device::arrive(&mut browser, &begun, "temuulen");
    app.deliver();
    let clicked = browser.submit(&page, &[("decision", "allow"), ("seen", "1")]);
    browser.arrive(clicked).is(200);
    // Now there is something to give, and the proof is taken.
    device::poll(&mut caller(), &begun).is(200);
    let again = token(&mut caller(), &redeeming("gc_made-up"));
    assert_eq!(error(again, 400), "invalid_grant");
    let code = code(&mut app.browser(), "temuulen");
    app.deliver();
    let again = token(&mut caller(), &redeeming(&code));
    assert_eq!(error(again, 400), "invalid_dpop_proof");
    // A code that was used is no better than one that was made up.
    let proof = Key::new().proof(&app, "POST", "/oauth2/token", json!({}));
    for _ in 0..2 {
        let refused = device::poll(&mut app.browser().with("DPoP", &proof), &begun);
        assert_eq!(error(refused, 400), "invalid_grant");
    }
}
