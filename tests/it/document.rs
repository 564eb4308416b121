//! Apps known by a document at their `client_id`
//! (draft-ietf-oauth-client-id-metadata-document-02).

use std::net::Ipv4Addr;
use std::time::Duration;

use gerege::app::App;
use gerege::flow;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::http::encode;
use crate::register::{DOOR, Signer, arrive, code, redeem, registered, send};
use crate::road::{ask, request, text};

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
    let cases: [(&str, u16, &str, String); 8] = [
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
        ("/long", 200, "application/json", " ".repeat(6_000)),
        ("/secret", 200, "application/json", {
            let mut document = document(&server.url("/secret"), CB);
            document["client_secret"] = json!("a");
            document.to_string()
        }),
        // Nobody reads the list there: it would see the `sub`s of whoever it names.
        ("/sector", 200, "application/json", {
            let mut document = document(&server.url("/sector"), CB);
            document["subject_type"] = json!("pairwise");
            document["sector_identifier_uri"] = json!("https://victim.example/list.json");
            document.to_string()
        }),
    ];
    for (path, status, kind, body) in cases {
        let headers = format!("Content-Type: {kind}\r\nLocation: /liar\r\n");
        server.answers_with(path, status, &headers, &body);
        let page = arrive(&mut app.browser(), &server.url(path), CB, "temuulen").is(400);
        assert!(page.header("location").is_none(), "{path}");
        assert_eq!(server.asked().len(), 1, "{path}");
        // Mended at its server: good at once.
        let id = server.url(path);
        server.answers(path, 200, &document(&id, CB).to_string());
        arrive(&mut app.browser(), &id, CB, "temuulen").is(200);
        assert_eq!(server.asked().len(), 1, "{path}");
    }
    app.deliver();
}

#[test]
fn one_address_makes_us_read_few_documents() {
    let settings = [
        ("REGISTRATION__METADATA_DOCUMENTS", "true"),
        ("NETWORK__ALLOW", "127.0.0.1"),
    ];
    let (app, server) = (TestApp::limited(&settings), Elsewhere::new());
    let known = server.url("/known");
    server.answers("/known", 200, &document(&known, CB).to_string());
    let ask = |id: &str| {
        let at = request(&[("client_id", id), ("redirect_uri", CB), ("scope", "openid")]);
        app.browser().get(&at)
    };
    ask(&known).is(303);
    for _ in 0..2 {
        for number in 0..40 {
            ask(&server.url(&format!("/{number}")));
        }
        let asked = server.asked().len();
        assert!((1..=20).contains(&asked), "{asked}");
        let slow = ask(&server.url("/another")).is(429);
        assert!(slow.header("retry-after").is_some());
        // What is known is not locked out with the rest, even when it would be read anew.
        ask(&known).is(303);
        app.pass(Duration::from_secs(601));
    }
}

#[test]
fn an_app_comes_on_file_when_it_signs_somebody_in() {
    let (app, server) = (on("127.0.0.1"), Elsewhere::new());
    let id = server.url("/client.json");
    server.answers("/client.json", 200, &document(&id, CB).to_string());
    app.person("temuulen");
    let on_file = || {
        let id = id.clone();
        app.read(move |c| store::client::find(c, &id)).is_some()
    };
    let mut browser = app.browser();
    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    assert!(!on_file());
    // On the way the document is not read again, whatever becomes of it.
    server.answers("/client.json", 500, "");
    app.pass(Duration::from_secs(1800));
    assert_eq!(server.asked().len(), 1);
    let allowed = browser.allow(&page);
    let code = browser.arrive(allowed).is(303).param("code");
    assert!(on_file());
    let code = code.expect("a code");
    redeem(&mut app.browser(), &code, CB, &[("client_id", &id)]).is(200);
    assert_eq!(server.asked().len(), 0);
    app.deliver();
}

#[test]
fn an_app_may_push_before_it_is_on_file() {
    let (app, server) = (on("127.0.0.1"), Elsewhere::new());
    let id = server.url("/client.json");
    server.answers("/client.json", 200, &document(&id, CB).to_string());
    app.person("temuulen");
    let fields = request(&[
        ("client_id", &id),
        ("redirect_uri", CB),
        ("scope", "openid"),
    ]);
    let body = fields.split_once('?').unwrap().1.to_owned();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let pushed = (app.browser()).send("POST", "/oauth2/par", &kind, Some(body.as_bytes()));
    let uri = text(&pushed.is(201).json(), "request_uri");
    let opened = encode(&[("client_id", &id), ("request_uri", &uri)]);
    let mut browser = app.browser();
    let page = ask(
        &mut browser,
        &format!("/oauth2/authorize?{opened}"),
        "temuulen",
    );
    assert!(page.text().contains("Far app"), "{}", page.path);
    let allowed = browser.allow(&page);
    assert!(browser.arrive(allowed).is(303).param("code").is_some());
    assert_eq!(server.asked().len(), 1);
    app.deliver();
}

/// Each server keeps its own copy: an older one undoes nothing of what another server read since.
#[test]
fn two_servers_do_not_undo_each_others_reading() {
    let (app, server) = (on("127.0.0.1"), Elsewhere::new());
    let (id, second) = (server.url("/client.json"), app.second());
    let named = |name: &str| {
        let mut says = document(&id, CB);
        says["client_name"] = name.into();
        server.answers("/client.json", 200, &says.to_string());
    };
    named("First");
    let person = app.person("temuulen").id;
    let mut browser = app.browser();
    let page = arrive(&mut browser, &id, CB, "temuulen").is(200);
    let allowed = browser.allow(&page);
    browser.arrive(allowed).is(303);
    let reads = |house: &App| {
        let read = app.wait(flow::document::current(
            house,
            &id,
            Ipv4Addr::LOCALHOST.into(),
        ));
        read.unwrap().unwrap().expect("an app").name
    };
    let on_file = || {
        let id = id.clone();
        app.read(move |c| store::client::find(c, &id)).expect("it")
    };
    // The other server reads it once it says something else; a person allows that, and the
    // operator looks at it.
    named("Second");
    assert_eq!(reads(&second), "Second");
    let (whose, now) = (person.clone(), app.app.clock.now());
    let mut looked_at = on_file();
    looked_at.registration.checked = true;
    app.write(move |c| {
        store::grant::allow(c, &whose, &looked_at.id, &["openid".into()], now)?;
        store::client::save(c, &looked_at)
    });
    assert_eq!(reads(&app.app), "Second");
    let stands = || {
        let (whose, id) = (person.clone(), id.clone());
        on_file().registration.checked
            && (app.read(move |c| store::grant::consent(c, &whose, &id))).is_some()
    };
    assert!(stands());
    // Where it cannot be read now, what was put on file last counts.
    named("Third");
    app.pass(Duration::from_secs(601));
    assert_eq!(reads(&second), "Third");
    server.answers("/client.json", 500, "");
    assert_eq!(reads(&app.app), "Third");
    assert_eq!(on_file().name, "Third");
    app.deliver();
}

/// An address is read for several things: what is nothing for one must not shut out the other.
#[test]
fn one_app_cannot_keep_anothers_document_from_being_read() {
    let app = TestApp::with(&[
        ("REGISTRATION__METADATA_DOCUMENTS", "true"),
        ("REGISTRATION__MODE", "open"),
        ("NETWORK__ALLOW", "127.0.0.1"),
    ]);
    let server = Elsewhere::new();
    app.person("temuulen");
    let id = server.url("/client.json");
    // Read as the list of a sector, while it is not there yet and once it is.
    let other = json!({ "redirect_uris": [CB], "subject_type": "pairwise",
        "sector_identifier_uri": id });
    send(&mut app.browser(), "POST", DOOR, &other).is(400);
    server.answers("/client.json", 200, &document(&id, CB).to_string());
    arrive(&mut app.browser(), &id, CB, "temuulen").is(200);
    // Read as a request object, which a server may answer otherwise.
    let id = server.url("/other.json");
    let keys = serde_json::from_str::<Value>(&Signer::new().set()).unwrap();
    let other = json!({ "redirect_uris": [CB], "jwks": keys, "request_uris": [id],
        "token_endpoint_auth_method": "private_key_jwt" });
    let other = text(&registered(&app, &other), "client_id");
    server.answers_with("/other.json", 200, "Content-Type: application/jwt\r\n", "x");
    let at = request(&[
        ("client_id", &other),
        ("redirect_uri", CB),
        ("request_uri", &id),
    ]);
    app.browser().get(&at);
    assert!(server.asked().len() >= 3, "it was read");
    server.answers("/other.json", 200, &document(&id, CB).to_string());
    arrive(&mut app.browser(), &id, CB, "temuulen").is(200);
    app.deliver();
}
