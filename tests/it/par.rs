//! Pushed authorization requests (RFC 9126): left at `/oauth2/par`, opened once by one browser.

use std::collections::BTreeSet;
use std::time::Duration;

use gerege::oauth::client::Need;
use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser, basic, encode, jwt};
use crate::race::{CALLERS, race};
use crate::road::*;

/// Pushes the demo messenger's request, with parameters added, changed, or (by an empty value)
/// left out; gives the reference.
pub fn push(app: &TestApp, other: &[(&str, &str)]) -> String {
    let pushed = send(&mut app.browser(), other).is(201).json();
    text(&pushed, "request_uri")
}

/// Where a browser opens a reference.
pub fn opened(request_uri: &str) -> String {
    let fields = [
        ("client_id", "demo-messenger"),
        ("request_uri", request_uri),
    ];
    format!("/oauth2/authorize?{}", encode(&fields))
}

fn send(browser: &mut Browser, other: &[(&str, &str)]) -> Answer {
    let query = request(other);
    let body = query.split_once('?').expect("a query").1.to_owned();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    browser.send("POST", "/oauth2/par", &kind, Some(body.as_bytes()))
}

#[track_caller]
fn error(answer: &Answer, code: &str) {
    assert_eq!(answer.json()["error"], code, "{}", answer.text());
    assert!(answer.json()["request_uri"].is_null());
}

#[test]
fn a_pushed_request_signs_in_and_what_the_browser_adds_is_not_read() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let answer = send(&mut app.browser(), &[]).is(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pushed = answer.json();
    assert_eq!(pushed["expires_in"], 60);
    let uri = text(&pushed, "request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let at = format!(
        "{}&state=other&redirect_uri=https%3A%2F%2Fevil.example&scope=x&prompt=none",
        opened(&uri)
    );
    let back = ask(&mut browser, &at, "temuulen").is(303);
    assert!(back.location().starts_with(CALLBACK), "{}", back.location());
    assert_eq!(back.param("state").as_deref(), Some("st/ate+1 %"));
    let tokens = redeem(&mut browser, &back.param("code").unwrap())
        .is(200)
        .json();
    let (_, id) = jwt(&text(&tokens, "id_token"));
    assert_eq!(id["nonce"], "nonce-1");
}

#[test]
fn a_reference_is_opened_once_by_the_client_that_pushed_within_a_minute() {
    let app = TestApp::new();
    register(&app);
    let mut browser = app.browser();
    let uri = push(&app, &[]);
    // Another's, and guesses at ours.
    for at in [
        opened(&uri).replace("demo-messenger", "forum"),
        opened(&uri).replace("demo-messenger", "nobody"),
        opened(&uri).replace("client_id=demo-messenger&", ""),
        opened(&format!("{uri}A")),
        opened(&uri[..uri.len() - 1]),
        opened("urn:ietf:params:oauth:request_uri:"),
        opened("urn:ietf:params:oauth:request_uri:gp_guess"),
    ] {
        let answer = browser.get(&at).is(400);
        assert_eq!(answer.header("location"), None, "{at}");
    }
    let first = browser.get(&opened(&uri)).leads("/oauth2/authorize/");
    // Going back or reloading is no second use; another browser's is.
    let same = browser.get(&opened(&uri)).is(303);
    assert_eq!(same.location(), first.location());
    let other = opened(&uri).replace("demo-messenger", "forum");
    browser.get(&other).is(400);
    let mut thief = app.browser();
    thief.get("/signin");
    let again = thief.get(&opened(&uri)).is(400);
    crate::pages::skeleton(&again);
    assert_eq!(again.h1(), "That sign-in has run out");
    // Unopened it waits a minute; opened it lives as long as any.
    let late = push(&app, &[]);
    let in_time = push(&app, &[]);
    app.pass(Duration::from_secs(59));
    let stored = browser.get(&opened(&in_time)).is(303);
    app.pass(Duration::from_secs(2));
    browser.get(&opened(&late)).is(400);
    app.pass(Duration::from_secs(30 * 60));
    assert!(browser.arrive(stored).path.starts_with("/signin"));
}

// RFC 9126 7.3
#[test]
fn a_reference_whose_request_was_answered_opens_nothing_for_any_of_many() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let uri = push(&app, &[]);
    let back = ask(&mut browser, &opened(&uri), "temuulen").is(303);
    let code = back.param("code").expect("a code");
    // Tabs of the browser that it was answered in, strangers, and one who is signed in as well.
    let mut other = app.browser();
    crate::signin::sign_in(&mut other, "temuulen");
    app.deliver();
    let kinds = [browser, app.browser(), other];
    let callers = kinds.iter().cycle().take(CALLERS).cloned().collect();
    let at = opened(&uri);
    let answers = race(callers, move |browser| browser.get(&at));
    let told = |answer: &Answer| (answer.status, answer.header("location").map(str::to_owned));
    let told: BTreeSet<_> = answers.iter().map(told).collect();
    assert_eq!(told, [(400, None)].into(), "of {}", answers.len());
    // The code that it was answered with is as good as before.
    redeem(&mut app.browser(), &code).is(200);
}

#[test]
fn a_request_is_judged_when_it_is_pushed() {
    let app = TestApp::new();
    register(&app);
    let before = app.dump();
    let mut browser = app.browser();
    for (other, code) in [
        (
            &[("redirect_uri", "https://evil.example/")][..],
            "invalid_request",
        ),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("scope", "openid room")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("resource", "https://nowhere.example")], "invalid_target"),
        (
            &[("request_uri", "urn:ietf:params:oauth:request_uri:x")],
            "invalid_request",
        ),
    ] {
        error(&send(&mut browser, other).is(400), code);
    }
    // RFC 9126 2.3: another method.
    browser.get("/oauth2/par").is(405);
    assert_eq!(app.dump(), before);
}

#[test]
fn whoever_pushes_proves_itself_as_at_the_token_endpoint() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let forum = [("redirect_uri", FORUM), ("scope", "openid profile")];
    let asks = |client: &'static str| [&[("client_id", client)], &forum[..]].concat();
    // A confidential client that proves nothing, and one with a wrong secret.
    error(
        &send(&mut app.browser(), &asks("forum")).is(401),
        "invalid_client",
    );
    error(
        &send(&mut app.browser(), &asks("nobody")).is(401),
        "invalid_client",
    );
    let mut liar = app
        .browser()
        .with("Authorization", &basic("forum", "guess"));
    error(&send(&mut liar, &asks("forum")).is(401), "invalid_client");
    // One that pushes in another's name.
    let mut client = app.browser().with("Authorization", &basic("forum", SECRET));
    error(
        &send(&mut client, &asks("demo-messenger")).is(400),
        "invalid_request",
    );
    // Its name may stand in the header alone.
    let pushed = send(&mut client, &asks("")).is(201).json();
    let at = opened(&text(&pushed, "request_uri")).replace("demo-messenger", "forum");
    let page = ask(&mut app.browser(), &at, "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
}

#[test]
fn a_client_that_must_push_is_answered_nothing_else() {
    let app = TestApp::new();
    app.person("temuulen");
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.asking.par = Need::Required;
        store::client::save(c, &demo)
    });
    let mut browser = app.browser();
    let refused = browser.get(&request(&[])).is(303);
    assert_eq!(refused.param("error").as_deref(), Some("invalid_request"));
    let uri = push(&app, &[]);
    let stored = browser.get(&opened(&uri));
    let page = browser.arrive(stored);
    let signed = browser.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
    assert!(browser.arrive(signed).is(303).param("code").is_some());
    let found = browser
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    assert_eq!(found["require_pushed_authorization_requests"], false);
}

#[test]
fn a_client_changed_after_the_push_is_judged_as_it_is_now() {
    let app = TestApp::new();
    let uri = push(&app, &[]);
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.redirects = vec!["http://127.0.0.1/elsewhere".into()];
        store::client::save(c, &demo)
    });
    let mut browser = app.browser();
    let stored = browser.get(&opened(&uri));
    let page = browser.arrive(stored).is(400);
    assert_eq!(page.header("location"), None);
}

#[test]
fn what_anyone_may_push_has_a_bound_by_address_and_by_length() {
    let app = TestApp::new();
    register(&app);
    let zeros = format!("{}1", "0".repeat(30_000));
    let prompt = "login ".repeat(5_000);
    for long in [("max_age", zeros.as_str()), ("prompt", &prompt)] {
        error(
            &send(&mut app.browser(), &[long]).is(400),
            "invalid_request",
        );
    }
    let tries = 0..100;
    let taken = tries
        .map(|_| send(&mut app.browser(), &[]).status)
        .take_while(|status| *status == 201)
        .count();
    assert!((50..=60).contains(&taken), "{taken}");
    let slow = send(&mut app.browser(), &[]).is(429);
    assert!(slow.header("retry-after").is_some());
    // An app that proves itself is one address for all its people.
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let asks = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ];
    send(&mut forum, &asks).is(201);
}

// RFC 9110 9.2.1
#[test]
fn whoever_asks_for_a_head_spends_nothing() {
    let app = TestApp::new();
    let uri = push(&app, &[]);
    let mut browser = app.browser();
    browser.send("HEAD", &opened(&uri), &[], None).is(405);
    let stored = browser.get(&opened(&uri)).is(303);
    let at = stored.location().to_owned();
    browser.send("HEAD", &at, &[], None).is(405);
    browser.send("HEAD", "/oauth2/logout", &[], None).is(405);
    assert!(browser.arrive(stored).path.starts_with("/signin"));
}

#[test]
fn what_was_pushed_is_swept() {
    let app = TestApp::new();
    push(&app, &[]);
    let used = push(&app, &[]);
    app.browser().get(&opened(&used)).is(303);
    app.pass(Duration::from_secs(61));
    let now = app.app.clock.now();
    assert_eq!(app.write(move |c| store::pushed::sweep(c, now)), 2);
}
