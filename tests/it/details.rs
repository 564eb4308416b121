//! Rich authorization requests (RFC 9396): asked for, read by a person, and told to the service.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::{Answer, Browser, basic, jwt};
use crate::road::*;
use gerege::oauth::service::TokenFormat;
use gerege::store;

const WISH: &str = r#"[{"type":"payment","actions":["initiate"],"creditor":"<b>Saraa</b>","amount":{"currency":"EUR","value":"12.50"}}]"#;

/// A forum that may ask for payments in the service `room`.
fn setting() -> TestApp {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        forum.asking.details = vec!["payment".into()];
        store::client::save(c, &forum)?;
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.details = vec!["payment".into(), "door".into()];
        store::client::save_service(c, &room)
    });
    app
}

fn wish(details: &str, other: &[(&str, &str)]) -> String {
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid offline_access room"),
        ("authorization_details", details),
    ];
    request(&[&own, other].concat())
}

fn token(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    app.browser()
        .with("Authorization", &basic("forum", SECRET))
        .post("/oauth2/token", fields)
}

fn allowed(app: &TestApp, browser: &mut Browser, page: &Answer) -> Value {
    let allowed = browser.allow(page);
    let code = browser.arrive(allowed).is(303).param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", FORUM),
        ("code_verifier", VERIFIER),
    ];
    token(app, &fields).is(200).json()
}

#[test]
fn what_is_asked_for_in_detail_is_read_allowed_and_told_to_its_service() {
    let app = setting();
    let mut browser = app.browser();
    let page = ask(&mut browser, &wish(WISH, &[]), "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    let html = page.text();
    for words in [
        "payment",
        "<bdi>actions</bdi>: <bdi>&quot;initiate&quot;</bdi>",
        "&lt;b&gt;Saraa",
        "12.50",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("<b>Saraa"));
    let tokens = allowed(&app, &mut browser, &page);
    let wanted: Value = serde_json::from_str(WISH).unwrap();
    assert_eq!(tokens["authorization_details"], wanted);
    let access = text(&tokens, "access_token");
    assert_eq!(jwt(&access).1["authorization_details"], wanted);
    let heard = introspect(&app, "room", &access);
    assert_eq!(heard["authorization_details"], wanted);
    // The same for as long as the grant lives; and for no other audience.
    let refresh = text(&tokens, "refresh_token");
    let own = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let again = token(&app, &own).is(200).json();
    assert_eq!(again["authorization_details"], wanted);
    let origin = app.origin.clone();
    let elsewhere = [&own[..], &[("resource", origin.as_str())]].concat();
    let told = token(&app, &elsewhere).is(200).json();
    assert!(told["authorization_details"].is_null());
    let (_, claims) = jwt(&text(&told, "access_token"));
    assert!(claims["authorization_details"].is_null());
    // Each is a new question, also when its scopes are on file.
    let stored = browser.get(&wish(WISH, &[]));
    assert!(browser.arrive(stored).is(200).path.starts_with("/consent"));
    let stored = browser.get(&wish(WISH, &[("prompt", "none")]));
    let silent = browser.arrive(stored).is(303);
    assert_eq!(silent.param("error").as_deref(), Some("consent_required"));
}

#[test]
fn an_opaque_token_tells_its_details_to_whoever_asks_for_its_service() {
    let app = setting();
    app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.format = TokenFormat::Opaque;
        store::client::save_service(c, &room)
    });
    let mut browser = app.browser();
    let page = ask(&mut browser, &wish(WISH, &[]), "temuulen").is(200);
    let tokens = allowed(&app, &mut browser, &page);
    let heard = introspect(&app, "room", &text(&tokens, "access_token"));
    assert_eq!(heard["authorization_details"][0]["type"], "payment");
}

#[test]
fn details_that_nobody_declared_are_refused() {
    let app = setting();
    let mut browser = app.browser();
    let there = |details: &str| wish(details, &[]);
    for at in [
        there("payment"),
        there("{}"),
        there("[]"),
        there(r#"[{"type":"unknown"}]"#),
        there(r#"[{"type":"door"}]"#),
        there(r#"[{"type":"payment","locations":["https://elsewhere.example"]}]"#),
        there(WISH).replace("+room", ""),
    ] {
        let stored = browser.get(&at);
        let back = browser.arrive(stored).is(303);
        let error = back.param("error");
        assert_eq!(
            error.as_deref(),
            Some("invalid_authorization_details"),
            "{at}"
        );
    }
    let narrowed = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("authorization_details", WISH),
    ];
    let refused = token(&app, &narrowed).is(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
    let found = browser.get("/.well-known/openid-configuration").json();
    let types = &found["authorization_details_types_supported"];
    assert_eq!(*types, json!(["payment", "door"]));
}

#[test]
fn people_read_what_a_service_is_and_what_a_scope_does_there() {
    let app = setting();
    let read = || {
        let mut browser = app.browser();
        let at = request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid room"),
        ]);
        let page = ask(&mut browser, &at, "temuulen").is(200);
        assert!(page.path.starts_with("/consent"), "{}", page.path);
        let asked = page.text();
        let allowed = browser.allow(&page);
        browser.arrive(allowed).is(303);
        let connected = browser.get("/account/apps").is(200).text();
        browser.fill("/account/apps", &[("client", "forum")]);
        (asked, connected)
    };
    let say = |messenger: Option<bool>, said: Option<&'static str>| {
        app.write(move |c| {
            let mut room = store::client::find_service(c, "room")?.expect("the room");
            room.words.messenger = messenger;
            room.words.scopes = said
                .map(|said| ("room".to_owned(), said.to_owned()))
                .into_iter()
                .collect();
            store::client::save_service(c, &room)
        });
        // What is registered is read anew after a while.
        app.pass(std::time::Duration::from_secs(60));
        read()
    };
    for (messenger, said, words) in [
        (None, None, "Use Room for “room”"),
        (None, Some("Open <the> doors"), "Open &lt;the&gt; doors"),
        (Some(true), None, "Sign you in to the messenger server Room"),
    ] {
        let (asked, connected) = say(messenger, said);
        let plain = |html: &str| html.replace(['\u{2068}', '\u{2069}'], "");
        assert!(plain(&asked).contains(words), "{asked}");
        assert!(plain(&connected).contains(words), "{connected}");
        assert_eq!(
            asked.contains("Send and receive messages"),
            messenger == Some(true)
        );
    }
    app.deliver();
}
