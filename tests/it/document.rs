//! Apps known by a document at their `client_id`
//! (draft-ietf-oauth-client-id-metadata-document-02).

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::register::{arrive, code, redeem};
use crate::road::text;

const CB: &str = "https://app.example/cb";

fn on(allow: &str) -> TestApp {
    TestApp::with(&[
        ("REGISTRATION__METADATA_DOCUMENTS", "true"),
        ("NETWORK__ALLOW", allow),
    ])
}

fn document(id: &str, redirect: &str) -> Value {
    json!({ "client_id": id, "client_name": "Far app", "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"] })
}

#[test]
fn a_document_is_a_client_only_where_the_operator_says_so() {
    let server = Elsewhere::new();
    let id = server.url("/client.json");
    server.answers("/client.json", 200, &document(&id, CB).to_string());
    for (app, why) in [
        (
            TestApp::with(&[("NETWORK__ALLOW", "127.0.0.1")]),
            "switched off",
        ),
        (on(""), "an address inside a network"),
    ] {
        app.person("temuulen");
        let page = arrive(&mut app.browser(), &id, CB, "temuulen").is(400);
        assert_eq!(server.asked().len(), 0, "{why}");
        assert!(page.header("location").is_none());
    }
}

#[test]
fn a_person_signs_in_to_an_app_that_nobody_registered() {
    let (app, server) = (on("127.0.0.1"), Elsewhere::new());
    let discovery = app
        .browser()
        .get("/.well-known/openid-configuration")
        .json();
    assert_eq!(discovery["client_id_metadata_document_supported"], true);
    assert!(discovery.get("registration_endpoint").is_none());
    let id = server.url("/client.json");
    server.answers("/client.json", 200, &document(&id, CB).to_string());
    app.person("temuulen");
    let mut browser = app.browser();
    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    for words in ["Far app", "app.example", "has checked this app"] {
        assert!(page.text().contains(words), "{words}");
    }
    let code = code(&mut browser, &id, CB, "temuulen");
    let tokens = redeem(&mut app.browser(), &code, CB, &[("client_id", &id)]);
    let tokens = tokens.is(200).json();
    let refresh = text(&tokens, "refresh_token");
    let mut own = app.browser();
    own.post(
        "/oauth2/token",
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh),
            ("client_id", &id),
        ],
    )
    .is(200);
    assert_eq!(server.asked().len(), 1, "it is kept");
    assert!(browser.get("/account/apps").text().contains("Far app"));

    // Changed at its server: what counts is what it says now.
    let new = "https://app.example/new";
    server.answers("/client.json", 200, &document(&id, new).to_string());
    app.pass(Duration::from_secs(601));
    arrive(&mut browser, &id, CB, "temuulen").is(400);
    arrive(&mut browser, &id, new, "temuulen").is(200);
    app.deliver();
}

#[test]
fn a_document_that_is_not_one_makes_no_client() {
    let (app, server) = (on("127.0.0.1"), Elsewhere::new());
    app.person("temuulen");
    let other = server.url("/other");
    let cases: [(&str, u16, &str, String); 7] = [
        ("/none", 404, "application/json", String::new()),
        ("/moved", 302, "application/json", String::new()),
        (
            "/html",
            200,
            "text/html",
            document(&server.url("/html"), CB).to_string(),
        ),
        (
            "/liar",
            200,
            "application/json",
            document(&other, CB).to_string(),
        ),
        ("/list", 200, "application/json", "[]".into()),
        ("/long", 200, "application/json", " ".repeat(70_000)),
        ("/secret", 200, "application/json", {
            let mut document = document(&server.url("/secret"), CB);
            document["client_secret"] = json!("a");
            document.to_string()
        }),
    ];
    for (path, status, kind, body) in cases {
        let headers = format!("Content-Type: {kind}\r\nLocation: /liar\r\n");
        server.answers_with(path, status, &headers, &body);
        let page = arrive(&mut app.browser(), &server.url(path), CB, "temuulen").is(400);
        assert!(page.header("location").is_none(), "{path}");
        // Once a minute at most, whoever asks.
        arrive(&mut app.browser(), &server.url(path), CB, "temuulen").is(400);
        assert_eq!(server.asked().len(), 1, "{path}");
    }
}
