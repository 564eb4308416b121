//! Requests that a client did not sign, or that are not for us (RFC 9101 6).

use gerege::oauth::client::Need;
use gerege::store;
use serde_json::{Value, json};

use super::*;
use crate::jar::{push, sent, wish};
use crate::road::{CALLBACK, FORUM, register};

/// The forum, which signs each request; gives what it signs with.
fn setting(need: Need) -> (TestApp, Pens) {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let pens = Pens::new();
    let own = pens.own();
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.jwks = Some(own.clone());
        forum.asking.request_object = need;
        store::client::save(c, &forum)
    });
    (app, pens)
}

/// Rightly signed, and wrong all the same.
fn signed(app: &TestApp, pens: &Pens) -> Vec<Row> {
    let now = app.app.clock.now().seconds();
    let good = wish(app);
    let mut rows = Vec::new();
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt", "jose"] {
        let mut header = pens.header();
        header["typ"] = json!(typ);
        rows.push((format!("typ {typ}"), pens.ec.sign(&header, &good)));
    }
    let header = pens.header().to_string();
    for member in ["state", "redirect_uri", "iss"] {
        let doubled = good.to_string();
        let doubled = doubled.replacen('{', &format!("{{\"{member}\":\"x\","), 1);
        rows.push((
            format!("{member} twice"),
            pens.ec.sign_text(&header, &doubled),
        ));
    }
    for (name, value) in [
        ("iss", json!("demo-messenger")),
        ("iss", json!(["forum"])),
        ("iss", Value::Null),
        ("aud", json!("https://other.example")),
        ("aud", json!(format!("{}/", app.origin))),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("client_id", json!("demo-messenger")),
        ("client_id", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 4000)),
        ("exp", json!("soon")),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("sub", json!("forum")),
        ("request", json!(pens.sign(&good))),
        ("request_uri", json!("https://forum.example/request.jwt")),
        ("state", json!("a\u{0}b")),
    ] {
        let mut wrong = good.clone();
        let row = format!("{name} = {value:.40}");
        if value.is_null() {
            wrong = crate::sign::without(wrong, name);
        } else {
            wrong[name] = value;
        }
        rows.push((row, pens.sign(&wrong)));
    }
    rows
}

#[test]
fn no_forged_request_is_taken() {
    let (app, pens) = setting(Need::Required);
    let claims = || wish(&app);
    let mut rows = pens.rows(&claims);
    rows.extend(signed(&app, &pens));
    assert!(rows.len() >= 120, "{}", rows.len());
    let mut browser = app.browser();
    browser.get("/signin").is(200);
    let before = app.dump();
    for (name, object) in &rows {
        // An object without any signature is not supported; none at all, or too long a text, is no
        // object.
        let right = |error: &str| match name.as_str() {
            "nothing" | "huge" => error == "invalid_request" || error == "invalid_request_object",
            _ => error == "invalid_request_object" || error == "request_not_supported",
        };
        let pushed = push(&app, &[("request", object)]);
        refused(&pushed, name);
        let error = pushed.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(right(&error), "{name}: {error}");
        let beside = [("redirect_uri", FORUM), ("state", "outside")];
        let answer = browser.get(&sent(object, &beside)).is(303);
        assert!(answer.location().starts_with(FORUM), "{name}");
        let error = answer.param("error").unwrap_or_default();
        assert!(right(&error), "{name}: {error}");
        assert_eq!(answer.param("state").as_deref(), Some("outside"), "{name}");
    }
    assert!(app.dump() == before, "a row was changed");
    // What is not understood says nothing (RFC 7515 4).
    for (name, value) in HARMLESS {
        let mut header = pens.header();
        header[name] = json!(value);
        let object = pens.ec.sign(&header, &claims());
        push(&app, &[("request", &object)]).is(201);
    }
}

#[test]
fn a_request_without_a_signature_is_called_so() {
    let (app, pens) = setting(Need::Optional);
    let good = pens.sign(&wish(&app));
    let [_, claims, _] = parts(&good);
    for none in NONE {
        let header = b64(json!({ "alg": none }).to_string());
        let object = format!("{header}.{claims}.");
        let answer = app
            .browser()
            .get(&sent(&object, &[("redirect_uri", FORUM)]));
        let error = answer.is(303).param("error");
        assert_eq!(error.as_deref(), Some("request_not_supported"), "{none}");
    }
}

#[test]
fn a_request_in_a_wrong_place_is_refused() {
    let (app, pens) = setting(Need::Optional);
    let own = pens.sign(&wish(&app));
    let mut browser = app.browser();
    let beside = [
        ("redirect_uri", FORUM),
        ("request_uri", "https://forum.example/request.jwt"),
    ];
    let both = browser.get(&sent(&own, &beside)).is(303);
    assert_eq!(both.param("error").as_deref(), Some("invalid_request"));
    // Where no address beside it is the client's, a page.
    let answer = browser.get(&sent("x", &[("redirect_uri", "https://evil.example/")]));
    assert_eq!(answer.is(400).header("location"), None);
    // A client without keys, and none at all.
    let messenger =
        sent(&own, &[("redirect_uri", CALLBACK)]).replace("=forum&", "=demo-messenger&");
    let error = browser.get(&messenger).is(303).param("error");
    assert_eq!(error.as_deref(), Some("invalid_request_object"));
    browser
        .get(&sent(&own, &[]).replace("=forum&", "=nobody&"))
        .is(400);
}
