//! Assertions by which a client did not prove itself (RFC 7523 3).

use gerege::oauth::client::ClientAuth;
use gerege::store;
use serde_json::{Value, json};

use super::*;
use crate::http::{Answer, basic, encode, jwt};
use crate::road::{SECRET, register, text, tokens};
use crate::sign::{set, without};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct World {
    app: TestApp,
    ec: Signer,
    rsa: Signer,
    /// The other client's.
    other: Signer,
}

impl World {
    /// Two clients that prove themselves by assertions.
    fn new() -> Self {
        let app = TestApp::new();
        register(&app);
        let (ec, rsa, other) = (Signer::ec(), Signer::rsa(), Signer::ec());
        let own = set(&[ec.jwk(Some("e")), rsa.jwk(Some("r"))]);
        let others = set(&[other.jwk(Some("e"))]);
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
        Self {
            app,
            ec,
            rsa,
            other,
        }
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
    let header = json!({ "alg": "ES256", "kid": "e" });
    let sign = |claims: &Value| world.ec.sign(&header, claims);
    let good = sign(&world.claims());
    let [_, claims, signature] = parts(&good);
    let head = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let mut rows = spellings(&good);
    rows.extend(signatures(&good));
    rows.extend(members(&Signer::ec(), &header, &world.claims()));
    // The right key signed these.
    for (name, value) in [
        ("jwk", world.ec.jwk(Some("e"))),
        ("jku", json!("https://forum.example/keys")),
        ("x5u", json!("https://forum.example/chain")),
        ("x5c", json!(["MII"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("enc", json!("A128GCM")),
        ("zip", json!("DEF")),
        ("zip", Value::Null),
    ] {
        let row = format!("{name} {value:.40}, signed");
        rows.push((row, world.ec.sign(&head(name, value), &world.claims())));
    }
    for none in NONE {
        let header = b64(head("alg", json!(none)).to_string());
        rows.push((none.into(), format!("{header}.{claims}.")));
        rows.push((
            format!("{none}, signed"),
            format!("{header}.{claims}.{signature}"),
        ));
    }
    let keys = set(&[world.ec.jwk(Some("e")), world.rsa.jwk(Some("r"))]);
    let (pem, der, jwk) = (
        world.rsa.pem(),
        world.rsa.der(),
        world.rsa.jwk(Some("r")).to_string(),
    );
    let hashed = json!({ "alg": "HS256", "kid": "r" });
    for (name, secret) in [
        ("the PEM", pem.as_bytes()),
        ("the DER", &der),
        ("the JWK", jwk.as_bytes()),
        ("the JWK set", keys.as_bytes()),
        ("its own id", b"forum"),
        ("nothing", b""),
    ] {
        rows.push((format!("HS256 with {name}"), hs256(secret, &hashed, claims)));
    }
    for alg in ["RS256", "PS256", "ES384", "EdDSA", "es256", "RS1", ""] {
        let header = b64(head("alg", json!(alg)).to_string());
        rows.push((
            format!("alg {alg}"),
            format!("{header}.{claims}.{signature}"),
        ));
    }
    let wrong = world
        .rsa
        .sign(&json!({ "alg": "PS256", "kid": "r" }), &world.claims());
    rows.push(("an RS256 signature as PS256".into(), wrong));
    let wrong = world
        .rsa
        .sign(&json!({ "alg": "RS256", "kid": "e" }), &world.claims());
    rows.push(("the RSA key under the other's kid".into(), wrong));
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "logout+jwt",
        "oauth-authz-req+jwt",
        "jose",
    ] {
        let token = world.ec.sign(&head("typ", json!(typ)), &world.claims());
        rows.push((format!("typ {typ}"), token));
    }
    let twice = header.to_string().replacen('{', r#"{"alg":"none","#, 1);
    rows.push((
        "alg twice".into(),
        world.ec.sign_text(&twice, &world.claims().to_string()),
    ));
    let doubled = world
        .claims()
        .to_string()
        .replacen('{', r#"{"sub":"other","#, 1);
    rows.push((
        "sub twice".into(),
        world.ec.sign_text(&header.to_string(), &doubled),
    ));
    for text in ["[]", "1", "\"forum\"", "{}", "null", "{"] {
        rows.push((
            format!("claims {text}"),
            world.ec.sign_text(&header.to_string(), text),
        ));
    }
    rows.push((
        "the other client's key".into(),
        world.other.sign(&header, &world.claims()),
    ));
    rows.extend(wrong_claims(world, &sign));
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
    let header = json!({ "alg": "ES256", "kid": "e" });
    let good = world.ec.sign(&header, &world.claims());
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
    let good = world
        .ec
        .sign(&json!({ "alg": "ES256", "kid": "e" }), &world.claims());
    world.send(&good).is(200);
    // Once, and never again.
    refused(&world.send(&good), "used before");
    let rsa = world
        .rsa
        .sign(&json!({ "alg": "RS256", "kid": "r" }), &world.claims());
    world.send(&rsa).is(200);
    // What is not understood says nothing (RFC 7515 4).
    for (name, value) in HARMLESS {
        let mut header = json!({ "alg": "ES256", "kid": "e" });
        header[name] = json!(value);
        world.send(&world.ec.sign(&header, &world.claims())).is(200);
    }
}

#[test]
fn what_is_no_assertion_of_this_client_proves_nobody() {
    let world = World::new();
    let app = &world.app;
    let given = tokens(app, &mut app.browser(), "temuulen");
    let header = json!({ "alg": "ES256", "kid": "e" });
    let good = || world.ec.sign(&header, &world.claims());
    let mut request = world.claims();
    request["client_id"] = json!("forum");
    let rows = [
        ("an access token", text(&given, "access_token")),
        ("an ID token", text(&given, "id_token")),
        ("a refresh token", text(&given, "refresh_token")),
        // RFC 9101 10.8: a request object has no sub.
        (
            "a request object",
            world.ec.sign(&header, &without(request, "sub")),
        ),
    ];
    for (name, assertion) in rows {
        refused(&world.send(&assertion), name);
    }
    let assertion = good();
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
