//! Getting back in with a forgotten password (UX S4).

use std::time::Duration;

use gerege::store;

use crate::app::{Letter, PASSWORD, TestApp};
use crate::http::{Answer, Browser};
use crate::pages::{dressed, skeleton};
use crate::road::{refresh, text, tokens};
use crate::signin::{sign_in, sign_in_at};

const NEW: &str = "another lantern nine saddle";

/// Asks for a way back in; gives the page after it.
fn forget(browser: &mut Browser, login: &str) -> Answer {
    let sent = browser.fill("/forgot", &[("login", login)]).leads("/reset");
    browser.follow(&sent).is(200)
}

fn resets(app: &TestApp) -> Vec<Letter> {
    let mut all = app.letters("temuulen@mail.example");
    all.retain(|letter| letter.text.contains("/reset/"));
    all
}

// R27 R29 R30 R33
#[test]
fn a_forgotten_password_is_replaced_by_mail_alone() {
    let app = TestApp::new();
    let mut owner = app.browser();
    let tokens = tokens(&app, &mut owner, "temuulen");
    let mut browser = app.browser();
    let page = forget(&mut browser, "temuulen");
    skeleton(&page);
    let link = resets(&app).pop().expect("a letter").link("/reset/");
    for _ in 0..5 {
        let page = browser.get(&link).is(200);
        dressed(&page);
        skeleton(&page);
        browser.send("HEAD", &link, &[], None).is(200);
    }
    sign_in(&mut app.browser(), "temuulen");
    let page = browser.get(&link).is(200);
    browser.submit(&page, &[("password", "short")]).is(422);
    browser
        .submit(&page, &[("password", NEW)])
        .leads("/reset/done");
    // It does not sign in by itself; sessions and tokens are gone; the owner is told.
    browser.get("/account").leads("/signin");
    owner.get("/account").leads("/signin");
    refresh(&mut owner, &text(&tokens, "refresh_token")).is(400);
    let told = app.letters("temuulen@mail.example");
    assert!(
        told.iter().any(|letter| letter.subject.contains("changed")),
        "{told:?}"
    );
    assert_eq!(
        sign_in_at(&mut app.browser(), "/signin", "temuulen", PASSWORD).status,
        422
    );
    sign_in_at(&mut app.browser(), "/signin", "temuulen", NEW).leads("/account");
    // Once.
    browser.get(&link).is(410);
    let token = browser.get("/forgot").token().unwrap();
    browser
        .post(&link, &[("form", &token), ("password", PASSWORD)])
        .is(410);
    sign_in_at(&mut app.browser(), "/signin", "temuulen", NEW).leads("/account");
    app.deliver();
}

// R27
#[test]
fn a_way_back_in_runs_out() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    forget(&mut browser, "temuulen@mail.example");
    let link = resets(&app).pop().unwrap().link("/reset/");
    let page = browser.get(&link).is(200);
    app.pass(Duration::from_secs(31 * 60));
    let old = browser.get(&link).is(410);
    assert!(old.text().contains("href=\"/forgot\""), "{}", old.text());
    skeleton(&old);
    browser.submit(&page, &[("password", NEW)]).is(410);
    sign_in(&mut app.browser(), "temuulen");
}

// R27: all live ones die together, and with a change of the password.
#[test]
fn one_use_ends_them_all() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    for _ in 0..2 {
        forget(&mut browser, "temuulen");
        app.deliver();
        app.pass(Duration::from_secs(60));
    }
    let links: Vec<String> = resets(&app)
        .iter()
        .map(|letter| letter.link("/reset/"))
        .collect();
    assert_eq!(links.len(), 2);
    let page = browser.get(&links[0]).is(200);
    browser
        .submit(&page, &[("password", NEW)])
        .leads("/reset/done");
    browser.get(&links[1]).is(410);
    app.deliver();
}

// R10 R24
#[test]
fn a_known_and_an_unknown_name_are_answered_alike_and_mail_is_bounded() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut seen = Vec::new();
    for login in ["temuulen", "nobody22", "nobody@mail.example"] {
        let mut browser = app.browser();
        let page = browser.get("/forgot").is(200);
        let sent = browser.submit(&page, &[("login", login)]);
        let after = browser.follow(&sent);
        let token = after.token().unwrap();
        seen.push((
            sent.status,
            sent.location().to_owned(),
            after.text().replace(&token, "TOKEN"),
        ));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    for _ in 0..20 {
        let mut browser = app.browser();
        let answer = browser.fill("/forgot", &[("login", "temuulen")]);
        assert_eq!(answer.status, 303);
        app.deliver();
    }
    assert_eq!(resets(&app).len(), 3, "three in a quarter of an hour");
}

// R28
#[test]
fn no_parameter_sends_it_elsewhere() {
    let app = TestApp::new();
    app.person("temuulen");
    for (name, value) in [
        ("email", "evil@evil.example"),
        ("to", "evil@evil.example"),
        ("login[]", "evil@evil.example"),
        ("cc", "evil@evil.example"),
        ("recipient", "evil@evil.example"),
    ] {
        let mut browser = app.browser();
        browser.fill("/forgot", &[("login", "temuulen"), (name, value)]);
        app.deliver();
        app.pass(Duration::from_secs(24 * 3600));
    }
    for login in [
        "temuulen@mail.example,evil@evil.example",
        "temuulen@mail.example\r\nBcc: evil@evil.example",
        "temuulen@mail.example;evil@evil.example",
        "temuulen@mail.example evil@evil.example",
        "<evil@evil.example> temuulen@mail.example",
    ] {
        let mut browser = app.browser();
        let answer = browser.fill("/forgot", &[("login", login)]);
        assert!(answer.status < 500, "{login:?}");
        app.deliver();
    }
    assert!(app.letters("evil@evil.example").is_empty());
    assert_eq!(resets(&app).len(), 5);
}

// R32
#[test]
fn links_carry_the_public_address_only() {
    let app = TestApp::new();
    app.person("temuulen");
    for (name, value) in [
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
        ("X-Host", "evil.example"),
    ] {
        let mut browser = app.browser().with(name, value);
        forget(&mut browser, "temuulen");
        app.deliver();
        app.pass(Duration::from_secs(24 * 3600));
    }
    // The absolute form of the request line, and a Host of somebody else's.
    let mut browser = app.browser();
    let page = browser.get("/forgot");
    let body = crate::http::encode(&[("form", &page.token().unwrap()), ("login", "temuulen")]);
    let cookie = format!("gerege={}", browser.cookies["gerege"]);
    let request = format!(
        "POST http://evil.example/forgot HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        browser.host,
        body.len()
    );
    let answer = crate::http::raw(app.address, request.as_bytes(), "/forgot");
    assert!(answer.status < 500);
    for letter in resets(&app) {
        assert!(!letter.text.contains("evil"), "{}", letter.text);
        assert!(
            letter.text.contains(&format!("{}/reset/", app.origin)),
            "{}",
            letter.text
        );
    }
    assert!(app.read(store::account::count) == 1);
}
