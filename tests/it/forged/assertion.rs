//! Assertions by which a client did not prove itself (RFC 7523 3).

use gerege::oauth::client::ClientAuth;
use gerege::store;
use serde_json::{Value, json};

use super::*;
use crate::http::{Answer, basic, encode, jwt};
use crate::road::{SECRET, register, text, tokens};
use crate::sign::without;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct World {
    app: TestApp,
    pens: Pens,
}

impl World {
    /// Two clients that prove themselves by assertions.
    fn new() -> Self {
        let app = TestApp::new();
        register(&app);
        let pens = Pens::new();
        let (own, others) = (pens.own(), pens.others());
        app.write(move |c| {
            let mut forum = store::client::find(c, "forum")?.expect("the forum");
            forum.auth = ClientAuth::PrivateKeyJwt;
            forum.secret_hash = None;
            forum.jwks = Some(own.clone());
            store::client::save(c, &forum)?;
            forum.id = "other".into();
            forum.jwks = Some(others.clone());
            store::client::add(c, &forum).map(|_| ())
        });
        Self { app, pens }
    }

    fn claims(&self) -> Value {
        let now = self.app.app.clock.now().seconds();
        json!({
            "iss": "forum", "sub": "forum", "aud": self.app.origin, "jti": self.app.app.rng.id(),
            "iat": now, "exp": now + 60,
        })
    }

    fn send(&self, assertion: &str) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        self.app.browser().post("/oauth2/token", &fields)
    }
}

fn rows(world: &World) -> Vec<Row> {
    let claims = || world.claims();
    let mut rows = world.pens.rows(&claims);
    let good = world.pens.sign(&claims());
    let [_, said, _] = parts(&good);
    let own = hs256(b"forum", &json!({ "alg": "HS256", "kid": "r" }), said);
    rows.push(("HS256 with its own id".into(), own));
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "logout+jwt",
        "oauth-authz-req+jwt",
        "jose",
    ] {
        let header = json!({ "alg": "ES256", "kid": "e", "typ": typ });
        rows.push((format!("typ {typ}"), world.pens.ec.sign(&header, &claims())));
    }
    let doubled = claims().to_string().replacen('{', r#"{"sub":"other","#, 1);
    let header = world.pens.header().to_string();
    rows.push((
        "sub twice".into(),
        world.pens.ec.sign_text(&header, &doubled),
    ));
    rows.extend(wrong_claims(world, &|claims| world.pens.sign(claims)));
    rows
}

fn wrong_claims(world: &World, sign: &dyn Fn(&Value) -> String) -> Vec<Row> {
    let now = world.app.app.clock.now().seconds();
    let origin = &world.app.origin;
    let table = [
        ("iss", json!("other")),
        ("iss", json!(origin)),
        ("iss", Value::Null),
        ("iss", json!(["forum"])),
        ("sub", json!("other")),
        ("sub", json!("Forum")),
        ("sub", json!("forum\u{0}")),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("sub", json!(["forum"])),
        ("aud", json!("https://other.example")),
        ("aud", json!(format!("{origin}/"))),
        ("aud", json!(origin.to_uppercase())),
        ("aud", json!(format!("{origin}/oauth2/revoke"))),
        ("aud", json!([origin])),
        ("aud", json!([origin, "https://other.example"])),
        ("aud", json!({ "a": origin })),
        ("aud", json!("")),
        ("aud", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(now + 3 * 3600)),
        ("exp", json!(1e300)),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!([now + 60])),
        ("exp", Value::Null),
        ("iat", json!(now + 120)),
        ("nbf", json!(now + 120)),
        ("nbf", json!("now")),
        ("jti", json!("")),
        ("jti", json!("j".repeat(257))),
        ("jti", json!(1)),
        ("jti", Value::Null),
    ];
    table
        .into_iter()
        .map(|(name, value)| {
            let mut claims = world.claims();
            let row = format!("{name} = {value:.40}");
            if value.is_null() {
                claims = without(claims, name);
            } else {
                claims[name] = value;
            }
            (row, sign(&claims))
        })
        .collect()
}

#[test]
fn an_assertion_that_comes_again_is_called_so() {
    let world = World::new();
    let good = world.pens.sign(&world.claims());
    world.send(&good).is(200);
    let again = world.send(&good).is(401).json();
    assert_eq!(again["error"], "invalid_client");
    let why = again["error_description"].as_str().unwrap();
    assert!(why.contains("was used before"), "{why}");
}

#[test]
fn no_forged_assertion_proves_a_client() {
    let world = World::new();
    let app = &world.app;
    let rows = rows(&world);
    assert!(rows.len() >= 120, "{}", rows.len());
    let before = app.dump();
    for (name, assertion) in &rows {
        let answer = world.send(assertion);
        refused(&answer, name);
        let error = text(&answer.json(), "error");
        assert!(
            // Many wrong ones from one address are told to wait; a right one never is.
            [
                "invalid_client",
                "invalid_request",
                "temporarily_unavailable"
            ]
            .contains(&error.as_str()),
            "{name}: {error}"
        );
    }
    assert!(app.dump() == before, "a row was changed");
    let good = world.pens.sign(&world.claims());
    world.send(&good).is(200);
    // Once, and never again.
    refused(&world.send(&good), "used before");
    let rsa = world
        .pens
        .rsa
        .sign(&json!({ "alg": "RS256", "kid": "r" }), &world.claims());
    world.send(&rsa).is(200);
    // What is not understood says nothing (RFC 7515 4).
    for (name, value) in HARMLESS {
        let mut header = world.pens.header();
        header[name] = json!(value);
        let assertion = world.pens.ec.sign(&header, &world.claims());
        world.send(&assertion).is(200);
    }
}

#[test]
fn what_is_no_assertion_of_this_client_proves_nobody() {
    let world = World::new();
    let app = &world.app;
    let given = tokens(app, &mut app.browser(), "temuulen");
    let mut request = world.claims();
    request["client_id"] = json!("forum");
    let rows = [
        ("an access token", text(&given, "access_token")),
        ("an ID token", text(&given, "id_token")),
        ("a refresh token", text(&given, "refresh_token")),
        // RFC 9101 10.8: a request object has no sub.
        (
            "a request object",
            world.pens.sign(&without(request, "sub")),
        ),
    ];
    for (name, assertion) in rows {
        refused(&world.send(&assertion), name);
    }
    let assertion = world.pens.sign(&world.claims());
    let base = [
        ("grant_type", "client_credentials"),
        ("client_assertion", assertion.as_str()),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], more].concat();
    for (name, fields) in [
        ("no type", with(&[])),
        (
            "another type",
            with(&[(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
            )]),
        ),
        (
            "another client's name",
            with(&[("client_assertion_type", TYPE), ("client_id", "other")]),
        ),
        (
            "a secret beside it",
            with(&[("client_assertion_type", TYPE), ("client_secret", SECRET)]),
        ),
        (
            "another assertion beside it",
            with(&[
                ("client_assertion_type", TYPE),
                ("client_assertion", "x.y.z"),
            ]),
        ),
        (
            "its type twice",
            with(&[
                ("client_assertion_type", TYPE),
                ("client_assertion_type", TYPE),
            ]),
        ),
    ] {
        refused(&app.browser().post("/oauth2/token", &fields), name);
    }
    let fields = with(&[("client_assertion_type", TYPE)]);
    let mut basic_too = app.browser().with("Authorization", &basic("forum", SECRET));
    refused(&basic_too.post("/oauth2/token", &fields), "Basic beside it");
    let at = format!("/oauth2/token?{}", encode(&fields));
    refused(&app.browser().post(&at, &base[..1]), "in the URL");
    // None of that has spent it.
    assert_eq!(jwt(&assertion).1["sub"], "forum");
    app.browser().post("/oauth2/token", &fields).is(200);
}
