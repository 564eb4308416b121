//! Apps that register themselves and look after it (RFC 7591, RFC 7592, OpenID Connect Dynamic
//! Client Registration 1.0).

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::flow::register;
use gerege::{store, worker};
use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp};
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, Browser, basic, encode, jwt};
use crate::race::race;
use crate::road::{VERIFIER, challenge, request, text};

pub const DOOR: &str = "/oauth2/register";
const CB: &str = "https://app.example/cb";

/// Everyone may register, and name machines of this one.
pub fn open() -> TestApp {
    TestApp::with(&[
        ("REGISTRATION__MODE", "open"),
        ("REGISTRATION__PKCE", "optional"),
        ("NETWORK__ALLOW", "127.0.0.1"),
    ])
}

pub fn send(browser: &mut Browser, method: &str, path: &str, body: &Value) -> Answer {
    let kind = [("Content-Type", "application/json")];
    browser.send(method, path, &kind, Some(body.to_string().as_bytes()))
}

pub fn bearer(app: &TestApp, token: &str) -> Browser {
    app.browser()
        .with("Authorization", &format!("Bearer {token}"))
}

pub fn registered(app: &TestApp, body: &Value) -> Value {
    let answer = send(&mut app.browser(), "POST", DOOR, body);
    answer.is(201).json()
}

/// The page that an app's request leads to, past the sign-in.
pub fn arrive(browser: &mut Browser, client_id: &str, redirect: &str, username: &str) -> Answer {
    let at = request(&[
        ("client_id", client_id),
        ("redirect_uri", redirect),
        ("scope", "openid profile email offline_access"),
    ]);
    let stored = browser.get(&at);
    let mut page = browser.arrive(stored);
    if page.path.starts_with("/signin?") {
        let fields = [("login", username), ("password", PASSWORD)];
        let signed = browser.submit(&page, &fields);
        page = browser.arrive(signed);
    }
    page
}

/// The code that an app gets once everything is allowed.
pub fn code(browser: &mut Browser, client_id: &str, redirect: &str, username: &str) -> String {
    let mut page = arrive(browser, client_id, redirect, username);
    if page.path.starts_with("/consent") {
        let allowed = browser.allow(&page);
        page = browser.arrive(allowed);
    }
    page.is(303).param("code").expect("a code")
}

/// Redeems a code, proved by these headers and fields.
pub fn redeem(browser: &mut Browser, code: &str, redirect: &str, more: &[(&str, &str)]) -> Answer {
    let own = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", VERIFIER),
    ];
    browser.post("/oauth2/token", &[&own[..], more].concat())
}

#[test]
fn nobody_registers_where_it_is_off() {
    let app = TestApp::new();
    let discovery = app
        .browser()
        .get("/.well-known/openid-configuration")
        .json();
    assert!(discovery.get("registration_endpoint").is_none());
    send(
        &mut app.browser(),
        "POST",
        DOOR,
        &json!({ "redirect_uris": [CB] }),
    )
    .is(404);
    app.browser().get("/oauth2/register/app-1").is(404);
}

#[test]
fn a_token_registers_as_many_apps_as_it_was_made_for() {
    let app = TestApp::with(&[("REGISTRATION__MODE", "token")]);
    let discovery = app
        .browser()
        .get("/.well-known/openid-configuration")
        .json();
    let endpoint = text(&discovery, "registration_endpoint");
    assert_eq!(endpoint, format!("{}{DOOR}", app.origin));
    let body = json!({ "redirect_uris": [CB] });
    let none = send(&mut app.browser(), "POST", DOOR, &body).is(401);
    let header = none.header("www-authenticate").unwrap().to_owned();
    assert!(
        header.starts_with("Bearer") && !header.contains("error"),
        "{header}"
    );
    let day = Duration::from_secs(86_400);
    let make = |uses| {
        let made = register::make_initial(&app.app, "the team", uses, day);
        app.wait(made).unwrap().0
    };
    let token = make(2);
    for wrong in ["x", "gi_x", &token[1..], &format!("{token}A")] {
        let answer = send(&mut bearer(&app, wrong), "POST", DOOR, &body).is(401);
        assert_eq!(answer.json()["error"], "invalid_token");
    }
    // What was wrong with the metadata costs no use.
    send(&mut bearer(&app, &token), "POST", DOOR, &json!({})).is(400);
    send(&mut bearer(&app, &token), "POST", DOOR, &body).is(201);
    send(&mut bearer(&app, &token), "POST", DOOR, &body).is(201);
    send(&mut bearer(&app, &token), "POST", DOOR, &body).is(401);
    let (late, ended) = (make(1), make(1));
    assert_eq!(app.wait(register::end_initial(&app.app)).unwrap(), 2);
    send(&mut bearer(&app, &ended), "POST", DOOR, &body).is(401);
    let fresh = make(1);
    app.pass(day);
    for token in [late, fresh] {
        send(&mut bearer(&app, &token), "POST", DOOR, &body).is(401);
    }
}

#[test]
fn one_use_of_a_token_is_one_app_for_fifty_callers() {
    let app = TestApp::with(&[("REGISTRATION__MODE", "token")]);
    let made = register::make_initial(&app.app, "", 1, Duration::from_secs(60));
    let token = app.wait(made).unwrap().0;
    let answers = race(vec![bearer(&app, &token); 50], |browser| {
        send(browser, "POST", DOOR, &json!({ "redirect_uris": [CB] }))
    });
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    let lost = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!((won, lost), (1, 49));
}

#[test]
fn an_unknown_app_is_marked_and_always_needs_a_click() {
    let app = open();
    app.person("temuulen");
    let client = registered(
        &app,
        &json!({
            "redirect_uris": [CB],
            "client_name": "Little app",
            "policy_uri": "https://app.example/privacy",
            "tos_uri": "https://app.example/terms",
            "logo_uri": "https://app.example/logo.png",
            "client_uri": "https://app.example/",
            "initiate_login_uri": "https://app.example/start?from=gerege",
            "userinfo_signed_response_alg": "ES256",
            "grant_types": ["authorization_code", "refresh_token"],
        }),
    );
    assert_eq!(client["client_secret_expires_at"], 0);
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let mut browser = app.browser();
    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    for words in [
        "Little app",
        "app.example",
        "has checked this app",
        "https://app.example/privacy",
        "https://app.example/terms",
        "https://app.example/logo.png",
    ] {
        assert!(page.text().contains(words), "{words}");
    }
    assert!(
        !page.text().contains("<img"),
        "a picture tells its server who looks"
    );
    let first = code(&mut browser, &id, CB, "temuulen");
    let mut own = app.browser().with("Authorization", &basic(&id, &secret));
    let tokens = redeem(&mut own, &first, CB, &[]).is(200).json();
    let (_, claims) = jwt(&text(&tokens, "id_token"));
    assert!(
        claims.get("name").is_none(),
        "profile claims stand in userinfo"
    );

    // OpenID Connect Core 5.3.2
    let told = bearer(&app, &text(&tokens, "access_token"))
        .get("/oauth2/userinfo")
        .is(200);
    assert_eq!(told.header("content-type"), Some("application/jwt"));
    let (header, signed) = jwt(&told.text());
    assert_eq!(header["alg"], "ES256");
    assert_eq!(
        (&signed["iss"], &signed["aud"]),
        (&json!(app.origin), &json!(id))
    );
    assert_eq!(signed["sub"], claims["sub"]);
    assert_eq!(signed["preferred_username"], "temuulen");
    assert!(signed.get("exp").is_none());

    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    assert!(page.path.starts_with("/signin/continue"), "{}", page.path);
    let apps = browser.get("/account/apps").is(200).text();
    assert!(
        apps.contains("https://app.example/start?from=gerege"),
        "{apps}"
    );
    // The operator looked at it: it is an app like others from then on.
    let changed = id.clone();
    app.write(move |c| {
        let mut client = store::client::find(c, &changed)?.expect("the app");
        client.registration.checked = true;
        store::client::save(c, &client)
    });
    arrive(&mut browser, &id, CB, "temuulen").is(303);
    // It changed itself: nobody has looked at what it is now.
    let body = json!({ "client_id": id, "redirect_uris": [CB], "client_name": "Your bank" });
    let mut keeper = bearer(&app, &text(&client, "registration_access_token"));
    send(&mut keeper, "PUT", &format!("{DOOR}/{id}"), &body).is(200);
    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    app.deliver();
}

#[test]
fn an_app_reads_changes_and_removes_its_own_registration_alone() {
    let app = open();
    app.person("temuulen");
    let body =
        json!({ "redirect_uris": [CB], "grant_types": ["authorization_code", "refresh_token"] });
    let (client, other) = (registered(&app, &body), registered(&app, &body));
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let at = format!("{DOOR}/{id}");
    assert_eq!(
        client["registration_client_uri"],
        format!("{}{at}", app.origin)
    );
    let token = text(&client, "registration_access_token");
    let strangers = [
        app.browser(),
        bearer(&app, &text(&other, "registration_access_token")),
        bearer(&app, "gm_x"),
        app.browser().with("Authorization", &basic(&id, &secret)),
    ];
    for mut stranger in strangers {
        stranger.get(&at).is(401);
        send(
            &mut stranger,
            "PUT",
            &at,
            &json!({ "client_id": id, "redirect_uris": [CB] }),
        )
        .is(401);
        stranger.send("DELETE", &at, &[], None).is(401);
    }
    let mut keeper = bearer(&app, &token);
    let read = keeper.get(&at).is(200).json();
    assert_eq!(read["redirect_uris"], json!([CB]));
    assert!(
        read.get("client_secret").is_none(),
        "it is kept as a digest"
    );
    for bad in [
        json!({ "redirect_uris": [CB] }),
        json!({ "client_id": other["client_id"], "redirect_uris": [CB] }),
        json!({ "client_id": id, "client_secret": "wrong", "redirect_uris": [CB] }),
        json!({ "client_id": id, "redirect_uris": ["http://app.example/cb"] }),
        json!({ "client_id": id, "redirect_uris": [CB], "registration_access_token": token }),
    ] {
        send(&mut keeper, "PUT", &at, &bad).is(400);
    }
    assert_eq!(keeper.get(&at).is(200).json(), read);
    // What is left out goes back to its default (RFC 7592 2.2).
    let change = json!({
        "client_id": id,
        "client_secret": secret,
        "redirect_uris": ["https://app.example/new"],
        "client_name": "New name",
    });
    let changed = send(&mut keeper, "PUT", &at, &change).is(200).json();
    assert_eq!(changed["client_name"], "New name");
    assert_eq!(changed["grant_types"], json!(["authorization_code"]));
    let mut browser = app.browser();
    let code = code(&mut browser, &id, "https://app.example/new", "temuulen");
    let mut own = app.browser().with("Authorization", &basic(&id, &secret));
    let tokens = redeem(&mut own, &code, "https://app.example/new", &[])
        .is(200)
        .json();
    let mut reader = bearer(&app, &text(&tokens, "access_token"));
    reader.get("/oauth2/userinfo").is(200);
    keeper.send("DELETE", &at, &[], None).is(204);
    keeper.get(&at).is(401);
    reader.get("/oauth2/userinfo").is(401);
    app.deliver();
}

#[test]
fn bad_metadata_is_refused_with_the_standards_words() {
    let app = open();
    let before = app.dump();
    for (body, error) in [
        (json!({}), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": ["https://app.example/#a"] }),
            "invalid_redirect_uri",
        ),
        (
            json!({ "redirect_uris": [CB], "grant_types": ["implicit"] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [CB], "backchannel_logout_uri": "http://10.0.0.1/" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [CB], "sector_identifier_uri": "https://10.0.0.1/list" }),
            "invalid_client_metadata",
        ),
    ] {
        let answer = send(&mut app.browser(), "POST", DOOR, &body).is(400);
        assert_eq!(answer.json()["error"], error, "{body}");
        assert!(answer.json()["error_description"].is_string());
    }
    for bytes in [&b"[]"[..], b"{", b"\xff", b""] {
        let kind = [("Content-Type", "application/json")];
        let answer = app.browser().send("POST", DOOR, &kind, Some(bytes)).is(400);
        assert_eq!(answer.json()["error"], "invalid_client_metadata");
    }
    app.browser().post(DOOR, &[("redirect_uris", CB)]).is(415);
    let long = json!({ "redirect_uris": [CB], "client_name": "a".repeat(70_000) });
    send(&mut app.browser(), "POST", DOOR, &long).is(413);
    assert_eq!(app.dump(), before);
}

#[test]
fn a_sector_is_proved_by_its_list() {
    let (app, owner) = (open(), Elsewhere::new());
    let two = ["https://app.example/cb", "https://other.example/cb"];
    let body = |list: &str| {
        json!({
            "redirect_uris": two,
            "subject_type": "pairwise",
            "sector_identifier_uri": owner.url(list),
        })
    };
    owner.answers("/good", 200, &json!(two).to_string());
    owner.answers("/short", 200, &json!([two[0]]).to_string());
    owner.answers("/html", 200, "<html>");
    owner.answers_with("/moved", 302, "Location: /good\r\n", "");
    for list in ["/short", "/html", "/moved", "/none"] {
        let answer = send(&mut app.browser(), "POST", DOOR, &body(list)).is(400);
        assert_eq!(answer.json()["error"], "invalid_client_metadata", "{list}");
    }
    let client = registered(&app, &body("/good"));
    assert_eq!(client["subject_type"], "pairwise");
}

/// A client's key, and the set that it publishes.
pub struct Signer(EcdsaKeyPair);

impl Signer {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn set(&self) -> String {
        let point = self.0.public_key().as_ref();
        let (x, y) = (
            URL_SAFE_NO_PAD.encode(&point[1..33]),
            URL_SAFE_NO_PAD.encode(&point[33..]),
        );
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y }] }).to_string()
    }

    pub fn assertion(&self, app: &TestApp, id: &str, jti: &str) -> String {
        let claims = json!({
            "iss": id, "sub": id, "aud": app.origin, "jti": jti,
            "exp": app.app.clock.now().seconds() + 60,
        });
        self.sign(&claims)
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({ "alg": "ES256" })), part(claims));
        let signature = self
            .0
            .sign(&SystemRandom::new(), message.as_bytes())
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

#[test]
fn keys_are_read_from_their_address_and_anew_once_a_minute() {
    let (app, server) = (open(), Elsewhere::new());
    let (old, new, third) = (Signer::new(), Signer::new(), Signer::new());
    server.answers("/keys", 200, &old.set());
    let client = registered(
        &app,
        &json!({
            "redirect_uris": [CB],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": server.url("/keys"),
        }),
    );
    assert!(client.get("client_secret").is_none());
    let id = text(&client, "client_id");
    let mut count = 0;
    let mut proves = |signer: &Signer| {
        count += 1;
        let assertion = signer.assertion(&app, &id, &count.to_string());
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        let answer = redeem(&mut app.browser(), "gc_x", CB, &fields);
        // A made-up code: what is refused is it, and not the client.
        answer.json()["error"] == "invalid_grant"
    };
    let asked = || server.asked().len();
    assert!(proves(&old));
    assert!(proves(&old));
    assert_eq!(asked(), 1);
    // The key was changed: read anew at once.
    server.answers("/keys", 200, &new.set());
    assert!(proves(&new));
    assert_eq!(asked(), 1);
    assert!(!proves(&old));
    assert!(!proves(&third));
    assert_eq!(asked(), 0, "once a minute");
    server.answers("/keys", 200, &third.set());
    app.pass(Duration::from_secs(61));
    assert!(proves(&third));
    assert_eq!(asked(), 1);
}

#[test]
fn an_app_registers_how_it_asks_and_is_answered() {
    let (app, server) = (open(), Elsewhere::new());
    app.person("temuulen");
    let (old, new) = (Signer::new(), Signer::new());
    server.answers("/keys", 200, &old.set());
    let client = registered(
        &app,
        &json!({
            "redirect_uris": [CB],
            "jwks_uri": server.url("/keys"),
            "require_signed_request_object": true,
            "request_object_signing_alg": "ES256",
            "authorization_signed_response_alg": "ES256",
        }),
    );
    assert_eq!(client["require_signed_request_object"], true);
    assert_eq!(client["authorization_signed_response_alg"], "ES256");
    let id = text(&client, "client_id");
    let object = |signer: &Signer| {
        signer.sign(&json!({
            "iss": id, "aud": app.origin, "exp": app.app.clock.now().seconds() + 60,
            "client_id": id, "redirect_uri": CB, "response_type": "code", "scope": "openid",
            "response_mode": "jwt", "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        }))
    };
    let get = |browser: &mut Browser, request: &str| {
        let own = [("client_id", id.as_str()), ("request", request)];
        let beside = [("redirect_uri", CB), ("response_type", "code")];
        let query = encode(&[&own[..], &beside].concat());
        browser.get(&format!("/oauth2/authorize?{query}"))
    };
    let mut browser = app.browser();
    let refused = get(&mut browser, &object(&new)).clicked();
    let code = refused.param("error").expect("an error");
    assert_eq!(code, "invalid_request_object");
    assert!(!server.asked().is_empty());
    // What is no token of anybody's makes nobody fetch keys.
    app.pass(Duration::from_secs(61));
    get(&mut browser, "eyJ").clicked();
    assert!(server.asked().is_empty());
    // The key was changed, and the app pushes what it signed with the new one.
    server.answers("/keys", 200, &new.set());
    let mut own = app.browser().with(
        "Authorization",
        &basic(&id, &text(&client, "client_secret")),
    );
    own.post("/oauth2/par", &[("request", &object(&new))])
        .is(201);
    own.post("/oauth2/par", &[("request", &object(&old))])
        .is(400);
    let stored = get(&mut browser, &object(&new));
    let page = browser.arrive(stored);
    let fields = [("login", "temuulen"), ("password", PASSWORD)];
    let signed = browser.submit(&page, &fields);
    let page = browser.arrive(signed);
    let allowed = browser.allow(&page);
    let answer = browser.arrive(allowed).is(303);
    let (header, claims) = jwt(&answer.param("response").expect("a signed answer"));
    assert_eq!(header["alg"], "ES256");
    assert_eq!(claims["aud"], id.as_str());
    assert!(text(&claims, "code").starts_with("gc_"));
    app.deliver();
}

#[test]
fn an_app_that_nobody_uses_is_removed_in_time() {
    let app = open();
    app.person("temuulen");
    let body = json!({ "redirect_uris": [CB], "token_endpoint_auth_method": "none" });
    let (used, unused) = (registered(&app, &body), registered(&app, &body));
    let mut browser = app.browser();
    let code = code(&mut browser, &text(&used, "client_id"), CB, "temuulen");
    let id = text(&used, "client_id");
    redeem(&mut app.browser(), &code, CB, &[("client_id", &id)]).is(200);
    app.pass(Duration::from_secs(31 * 86_400));
    let now = app.app.clock.now();
    app.wait(worker::tidy(&app.app, now)).unwrap();
    for (client, status) in [(used, 200), (unused, 401)] {
        let token = text(&client, "registration_access_token");
        let at = format!("{DOOR}/{}", text(&client, "client_id"));
        bearer(&app, &token).get(&at).is(status);
    }
    app.deliver();
}
