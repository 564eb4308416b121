//! Proofs of a key that nobody proved (RFC 9449 4.3), at the token endpoint and at userinfo.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::*;
use crate::http::Answer;
use crate::road::{code, redeem, refresh, text, tokens};
use crate::sign::without;

struct World {
    app: TestApp,
    key: Signer,
}

/// A key as a proof shows it.
fn shown(key: &Signer) -> Value {
    without(without(key.jwk(None), "alg"), "use")
}

impl World {
    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": shown(&self.key) })
    }

    fn claims(&self) -> Value {
        json!({
            "jti": self.app.app.rng.id(), "htm": "POST",
            "htu": format!("{}/oauth2/token", self.app.origin),
            "iat": self.app.app.clock.now().seconds(),
        })
    }

    fn good(&self) -> String {
        self.key.sign(&self.header(), &self.claims())
    }

    fn send(&self, proof: &str) -> Answer {
        refresh(&mut self.app.browser().with("DPoP", proof), "made-up")
    }
}

fn rows(world: &World) -> Vec<Row> {
    let good = world.good();
    let [_, claims, signature] = parts(&good);
    let sign = |header: &Value| world.key.sign(header, &world.claims());
    let head = |name: &str, value: Value| {
        let mut header = world.header();
        header[name] = value;
        header
    };
    // An empty header is no proof at all, and spaces around one are not its own.
    let written = |row: &Row| !row.1.is_empty();
    let mut rows: Vec<Row> = spellings(&good).into_iter().filter(written).collect();
    rows.extend(signatures(&good));
    for none in NONE {
        let header = b64(head("alg", json!(none)).to_string());
        rows.push((none.into(), format!("{header}.{claims}.")));
        rows.push((
            format!("{none}, signed"),
            format!("{header}.{claims}.{signature}"),
        ));
    }
    let jwk = shown(&world.key).to_string();
    for (name, secret) in [("the key", jwk.as_bytes()), ("nothing", b"".as_slice())] {
        let header = head("alg", json!("HS256"));
        rows.push((format!("HS256 with {name}"), hs256(secret, &header, claims)));
    }
    for alg in ["RS256", "PS256", "ES384", "EdDSA", "Ed25519", "es256", ""] {
        rows.push((format!("alg {alg}"), sign(&head("alg", json!(alg)))));
    }
    for typ in [
        "JWT",
        "at+jwt",
        "DPoP+jwt",
        "dpop",
        "application/jwt",
        "text/dpop+jwt",
        "application/application/dpop+jwt",
        "",
    ] {
        rows.push((format!("typ {typ}"), sign(&head("typ", json!(typ)))));
    }
    for name in ["typ", "alg", "jwk"] {
        rows.push((format!("no {name}"), sign(&without(world.header(), name))));
    }
    for (name, value) in [
        ("jku", json!("https://thief.example/keys")),
        ("x5u", json!("https://thief.example/chain")),
        ("x5c", json!(["MII"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("enc", json!("A128GCM")),
        ("zip", json!("DEF")),
        ("jwk", json!("https://thief.example/key")),
        ("jwk", json!([shown(&world.key)])),
        ("jwk", Value::Null),
        ("jwk", json!({})),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("jwk", shown(&Signer::ec())),
        ("jwk", shown(&Signer::ed())),
    ] {
        rows.push((format!("{name} {value:.40}"), sign(&head(name, value))));
    }
    for (name, value) in [
        ("d", json!(b64([7; 32]))),
        ("k", json!("AAAA")),
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("kty", json!("OKP")),
        ("x", json!(b64([0; 32]))),
        ("x", json!(b64([9; 31]))),
        ("y", json!("")),
        ("y", json!(1)),
    ] {
        let mut header = world.header();
        let row = format!("jwk.{name} {value:.20}");
        header["jwk"][name] = value;
        rows.push((row, sign(&header)));
    }
    let twice = world.header().to_string();
    let twice = twice.replacen('{', r#"{"alg":"none","#, 1);
    rows.push((
        "alg twice".into(),
        world.key.sign_text(&twice, &world.claims().to_string()),
    ));
    rows.extend(wrong_claims(world));
    rows
}

fn wrong_claims(world: &World) -> Vec<Row> {
    let now = world.app.app.clock.now().seconds();
    let origin = &world.app.origin;
    let mut rows = Vec::new();
    for (name, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htm", json!(["POST"])),
        ("htm", json!("")),
        ("htu", json!(format!("{origin}/oauth2/token/"))),
        ("htu", json!(format!("{origin}/oauth2/userinfo"))),
        ("htu", json!("https://other.example/oauth2/token")),
        ("htu", json!(format!("{origin}.other.example/oauth2/token"))),
        ("htu", json!("/oauth2/token")),
        ("htu", json!("")),
        ("iat", json!(now - 3600)),
        ("iat", json!(now + 3600)),
        ("iat", json!(0)),
        ("iat", json!(-1)),
        ("iat", json!(1e300)),
        ("iat", json!(now.to_string())),
        ("jti", json!("")),
        ("jti", json!("j".repeat(257))),
        ("jti", json!(1)),
        ("nonce", json!(1)),
    ] {
        let mut claims = world.claims();
        let row = format!("{name} = {value:.40}");
        claims[name] = value;
        rows.push((row, world.key.sign(&world.header(), &claims)));
    }
    for name in ["jti", "htm", "htu", "iat"] {
        let claims = without(world.claims(), name);
        rows.push((
            format!("no {name}"),
            world.key.sign(&world.header(), &claims),
        ));
    }
    let doubled = world.claims().to_string();
    let doubled = doubled.replacen('{', r#"{"jti":"1","#, 1);
    let doubled = world.key.sign_text(&world.header().to_string(), &doubled);
    rows.push(("jti twice".into(), doubled));
    rows
}

#[test]
fn no_forged_proof_is_taken() {
    let world = World {
        app: TestApp::new(),
        key: Signer::ec(),
    };
    let rows = rows(&world);
    assert!(rows.len() >= 90, "{}", rows.len());
    let before = world.app.dump();
    for (name, proof) in &rows {
        let answer = world.send(proof);
        refused(&answer, name);
        assert_eq!(
            text(&answer.json(), "error"),
            "invalid_dpop_proof",
            "{name}"
        );
    }
    assert!(world.app.dump() == before, "a row was changed");
    // With a good one the made-up refresh token is what is wrong, and nothing is written down.
    let good = world.good();
    for _ in 0..2 {
        assert_eq!(text(&world.send(&good).json(), "error"), "invalid_grant");
    }
    // What is not understood says nothing (RFC 7515 4).
    for (name, value) in HARMLESS {
        let mut header = world.header();
        header[name] = json!(value);
        let answer = world.send(&world.key.sign(&header, &world.claims()));
        assert_eq!(text(&answer.json(), "error"), "invalid_grant", "{name}");
    }
    let two = [world.good(), world.good()];
    let mut browser = world
        .app
        .browser()
        .with("DPoP", &two[0])
        .with("DPoP", &two[1]);
    let answer = refresh(&mut browser, "made-up");
    assert_eq!(text(&answer.json(), "error"), "invalid_dpop_proof");
    let mut nonced = world.claims();
    nonced["nonce"] = json!("made-up");
    let answer = world.send(&world.key.sign(&world.header(), &nonced));
    assert_eq!(text(&answer.json(), "error"), "use_dpop_nonce");
}

#[test]
fn a_token_is_no_proof_and_a_proof_no_token() {
    let world = World {
        app: TestApp::new(),
        key: Signer::ec(),
    };
    let app = &world.app;
    let given = tokens(app, &mut app.browser(), "temuulen");
    for name in ["access_token", "id_token", "refresh_token"] {
        let answer = world.send(&text(&given, name));
        assert_eq!(
            text(&answer.json(), "error"),
            "invalid_dpop_proof",
            "{name}"
        );
    }
    let proof = world.good();
    for scheme in ["Bearer", "DPoP"] {
        let mut asking = app.browser();
        asking = asking.with("Authorization", &format!("{scheme} {proof}"));
        asking
            .with("DPoP", &world.good())
            .get("/oauth2/userinfo")
            .is(401);
    }
    // A bound token with the proof of another key, and of another token.
    let code = code(&mut app.browser(), "temuulen");
    let mut browser = app.browser().with("DPoP", &world.good());
    let kept = text(&redeem(&mut browser, &code).is(200).json(), "refresh_token");
    app.deliver();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", kept.as_str()),
        ("resource", app.origin.as_str()),
    ];
    let mut browser = app.browser().with("DPoP", &world.good());
    let bound = crate::road::token(&mut browser, &fields).is(200).json();
    let bound = text(&bound, "access_token");
    let ath = |token: &str| b64(digest(&SHA256, token.as_bytes()));
    let ask = |key: &Signer, ath: Value| {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": shown(key) });
        let mut claims = world.claims();
        claims["htm"] = json!("GET");
        claims["htu"] = json!(format!("{}/oauth2/userinfo", app.origin));
        claims["ath"] = ath;
        let mut asking = app.browser();
        asking = asking.with("Authorization", &format!("DPoP {bound}"));
        asking
            .with("DPoP", &key.sign(&header, &claims))
            .get("/oauth2/userinfo")
            .status
    };
    assert_eq!(ask(&world.key, json!(ath(&bound))), 200);
    assert_eq!(ask(&Signer::ec(), json!(ath(&bound))), 401);
    for wrong in [
        json!(ath("other")),
        json!(bound),
        json!(""),
        json!(format!("{}=", ath(&bound))),
    ] {
        assert_eq!(ask(&world.key, wrong.clone()), 401, "{wrong:.30}");
    }
}
