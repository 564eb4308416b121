//! A form that is sent twice: by a double click, whose second post comes with the cookie from
//! before or after the first answer, or from another tab (UX 1.1, PROTOCOL 3).

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::chromium::{Callback, Chromium};
use crate::ciba;
use crate::device::{arrive, begin, poll, television};
use crate::http::{Answer, Browser, param};
use crate::road::{VERIFIER, ask, redeem, request, token};
use crate::signup::walk_to_code;

/// Posts a page's form twice. The answer to the first is lost, or the browser keeps its cookies.
fn twice(
    browser: &mut Browser,
    page: &Answer,
    fields: &[(&str, &str)],
    lost: bool,
) -> (Answer, Answer) {
    let before = browser.cookies.clone();
    let first = browser.submit(page, fields);
    if lost {
        browser.cookies = before;
    }
    let second = browser.submit(page, fields);
    (first, second)
}

fn sessions(app: &TestApp, username: &str) -> usize {
    let username = username.to_owned();
    app.read(move |c| {
        let account = store::account::find_by_username(c, &username)?.unwrap();
        Ok(store::browser::sessions_of(c, &account.id)?.len())
    })
}

/// What the app is given in the end, and that it works.
fn is_in(browser: &mut Browser, answer: Answer) -> String {
    let back = browser.arrive(answer).is(303);
    let given = back.param("code");
    let given = given.unwrap_or_else(|| panic!("{}", back.location()));
    redeem(browser, &given).is(200);
    given
}

// R35
#[test]
fn a_double_click_on_sign_in_signs_in_once_and_the_app_gets_its_code() {
    for lost in [true, false] {
        let app = TestApp::new();
        app.person("temuulen");
        let fields = [("login", "temuulen"), ("password", PASSWORD)];
        // With an app that waits.
        let mut browser = app.browser();
        let stored = browser.get(&request(&[])).is(303);
        let page = browser.arrive(stored).is(200);
        let (_, second) = twice(&mut browser, &page, &fields, lost);
        is_in(&mut browser, second.leads("/oauth2/authorize/"));
        assert_eq!(sessions(&app, "temuulen"), 1, "lost: {lost}");
        // Without one.
        let mut browser = app.browser();
        let page = browser.get("/signin").is(200);
        let (_, second) = twice(&mut browser, &page, &fields, lost);
        let home = browser.follow(&second.leads("/account")).is(200);
        assert!(home.text().contains("Temuulen"), "lost: {lost}");
        assert_eq!(sessions(&app, "temuulen"), 2, "lost: {lost}");
        app.deliver();
    }
}

// R35 R42
#[test]
fn the_cookie_from_before_opens_nothing_without_the_same_proof_and_not_for_long() {
    let app = TestApp::new();
    app.person("temuulen");
    app.person("saran");
    let own = [("login", "temuulen"), ("password", PASSWORD)];
    let mut browser = app.browser();
    let stored = browser.get(&request(&[])).is(303);
    let page = browser.arrive(stored).is(200);
    let before = browser.clone();
    browser.submit(&page, &own).is(303);
    // It shows nobody's account.
    before.clone().get("/account").leads("/signin");
    // Another person's proof gets a browser of its own, not this one.
    let mut thief = before.clone();
    thief
        .submit(&page, &[("login", "saran"), ("password", PASSWORD)])
        .is(303);
    let gone = thief.get(
        page.path
            .replace("/signin?request=", "/oauth2/authorize/")
            .as_str(),
    );
    assert_eq!(gone.is(400).h1(), "That sign-in has run out");
    thief.get("/account").is(200);
    assert!(!thief.get("/account").text().contains("Temuulen"));
    browser.get("/account").is(200);
    // A wrong password proves nothing.
    let mut wrong = before.clone();
    wrong
        .submit(&page, &[("login", "temuulen"), ("password", "not the one")])
        .is(422);
    // After half a minute it is a stranger's.
    app.pass(Duration::from_secs(31));
    let mut late = before.clone();
    late.submit(&page, &own).is(303);
    assert_eq!(sessions(&app, "temuulen"), 2);
    browser.get("/account").is(200);
    // Signed out, the one from before is no way back in.
    let out = browser.get("/signout").is(200);
    let old = browser.clone();
    browser.submit(&out, &[("decision", "signout")]).is(303);
    old.clone().get("/account").leads("/signin");
    app.deliver();
}

#[test]
fn a_double_click_on_confirm_goes_on() {
    for lost in [true, false] {
        let app = TestApp::new();
        app.person("temuulen");
        let mut browser = app.browser();
        crate::signin::sign_in(&mut browser, "temuulen");
        app.pass(Duration::from_secs(3600));
        let page = browser.get("/confirm?for=details").is(200);
        let (_, second) = twice(&mut browser, &page, &[("password", PASSWORD)], lost);
        let on = browser.follow(&second.leads("/account/details"));
        on.is(200);
        assert_eq!(sessions(&app, "temuulen"), 1);
    }
}

#[test]
fn a_double_click_on_the_code_makes_one_account_that_is_signed_in() {
    for lost in [true, false] {
        let app = TestApp::new();
        let mut browser = app.browser();
        let stored = browser.get(&request(&[("prompt", "create")])).is(303);
        let at = stored.location().to_owned();
        let at = browser.get(&at).leads("/signup").location().to_owned();
        let page = walk_to_code(&mut browser, &at, "temuulen");
        let code = app.letter("temuulen@mail.example").code();
        let before = browser.clone();
        let (first, second) = twice(&mut browser, &page, &[("code", &code)], lost);
        first.leads("/signup/done");
        let done = browser.follow(&second.leads("/signup/done")).is(200);
        assert_eq!(done.h1(), "Your account is ready", "lost: {lost}");
        assert_eq!(sessions(&app, "temuulen"), 1, "lost: {lost}");
        // Another code proves nothing, and after too many of them the right one proves nothing either.
        let wrong = if code == "000000" { "111111" } else { "000000" };
        for code in [wrong; 10].into_iter().chain([code.as_str()]) {
            let mut thief = before.clone();
            let led = thief.submit(&page, &[("code", code)]);
            assert!(
                led.header("set-cookie")
                    .is_none_or(|set| !set.contains("gerege="))
            );
        }
        // Continue, twice.
        let (_, second) = twice(&mut browser, &done, &[("keep", "1")], lost);
        is_in(&mut browser, second.leads("/oauth2/authorize/"));
    }
}

#[test]
fn a_double_click_on_continue_as_gives_the_app_a_code() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    crate::signin::sign_in(&mut browser, "temuulen");
    let stored = browser.get(&request(&[])).is(303);
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/signin/continue"), "{}", page.path);
    let account = page.text();
    let id = account.split("name=\"account\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    let first = browser.submit(&page, &[("account", &id)]);
    // The first way is gone to its end.
    let first = browser.arrive(first).param("code").unwrap();
    let second = browser.submit(&page, &[("account", &id)]);
    let second = browser.arrive(second).param("code").unwrap();
    assert_ne!(first, second);
    // Two never work at once.
    redeem(&mut browser, &first).is(400);
    redeem(&mut browser, &second).is(200);
    // What was used is not given again.
    let third = browser.submit(&page, &[("account", &id)]);
    browser.arrive(third).is(400);
}

#[test]
fn a_double_click_on_the_decision_for_a_device_is_told_the_same_once_more() {
    for (decision, end) in [("allow", "allowed"), ("deny", "denied")] {
        let app = TestApp::new();
        app.person("temuulen");
        television(&app);
        let begun = begin(&app);
        let mut browser = app.browser();
        let page = arrive(&mut browser, &begun, "temuulen");
        let fields = [("decision", decision), ("seen", "1")];
        let done = format!("/device/done?ended={end}");
        for _ in 0..2 {
            // The whole way, each time.
            let answer = browser.submit(&page, &fields);
            assert_eq!(browser.arrive(answer).is(200).path, done);
        }
        let told = poll(&mut app.browser(), &begun);
        assert_eq!(told.status, if end == "allowed" { 200 } else { 400 });
        // Another answer changes nothing, and a minute later it is an old page.
        let other = if end == "allowed" { "deny" } else { "allow" };
        let answer = browser.submit(&page, &[("decision", other), ("seen", "1")]);
        assert_eq!(browser.arrive(answer).is(200).path, done);
        assert_eq!(poll(&mut app.browser(), &begun).status, 400);
        app.pass(Duration::from_secs(31));
        let answer = browser.submit(&page, &fields);
        browser.arrive(answer).is(400);
        app.deliver();
    }
}

#[test]
fn a_double_click_on_what_a_server_asked_is_told_the_same_once_more() {
    let app = TestApp::new();
    app.person("temuulen");
    ciba::bank(&app);
    let begun = ciba::ask(&app, &[]).is(200).json();
    let mut browser = app.browser();
    crate::signin::sign_in(&mut browser, "temuulen");
    let page = ciba::open(&mut browser);
    for _ in 0..2 {
        let end = ciba::decide(&mut browser, &page, "allow").is(200);
        assert_eq!(end.path, "/device/done?ended=allowed");
    }
    ciba::poll_as(&app, "bank", &begun).is(200);
    // Whoever else knows the address of the request hears nothing.
    let id = page.path.split("request=").nth(1).unwrap();
    let mut other = app.browser();
    crate::signin::sign_in(&mut other, "temuulen");
    other.get(&format!("/oauth2/authorize/{id}")).is(400);
    app.deliver();
}

#[test]
fn an_answered_request_stays_open_for_half_a_minute_to_its_browser_alone() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let back = ask(&mut browser, &request(&[]), "temuulen").is(303);
    let at = back.path.clone();
    assert!(at.starts_with("/oauth2/authorize/"), "{at}");
    let mut other = app.browser();
    crate::signin::sign_in(&mut other, "temuulen");
    other.get(&at).is(400);
    browser.get(&at).is(303);
    app.pass(Duration::from_secs(31));
    browser.get(&at).is(400);
    app.deliver();
}

#[test]
fn what_was_finished_in_another_tab_leads_on() {
    let app = TestApp::new();
    // The wizard.
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let first = browser.get("/signup").is(200);
    let code = app.letter("temuulen@mail.example").code();
    browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/done");
    app.pass(Duration::from_secs(120));
    browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/done");
    browser
        .submit(&first, &[("name", "Saran"), ("username", "saran")])
        .leads("/signup/done");
    browser
        .submit(&first, &[("other", "forget")])
        .leads("/signup/done");
    // Signing in.
    let mut browser = app.browser();
    let tab = browser.get("/signin").is(200);
    crate::signin::sign_in(&mut browser, "temuulen");
    app.pass(Duration::from_secs(120));
    let cookies = browser.cookies.clone();
    browser
        .submit(&tab, &[("login", "temuulen"), ("password", "wrong one")])
        .leads("/account");
    assert_eq!(browser.cookies, cookies);
    // Signing out.
    let tab = browser.get("/signout").is(200);
    browser.submit(&tab, &[("decision", "signout")]).is(303);
    browser
        .submit(&tab, &[("decision", "signout")])
        .leads("/signout");
    app.deliver();
}

// UX 1.1
#[test]
fn a_page_that_was_open_for_long_keeps_its_answers() {
    let app = TestApp::new();
    app.person("saran");
    let mut browser = app.browser();
    let signin = browser.get("/signin").is(200);
    let signup = browser.get("/signup").is(200);
    let forgot = browser.get("/forgot").is(200);
    app.pass(Duration::from_secs(25 * 3600));
    let words = "This page was open for a long time. Check your answers and continue.";
    for (page, fields, kept) in [
        (
            &signin,
            vec![("login", "saran"), ("password", PASSWORD)],
            "saran",
        ),
        (
            &signup,
            vec![("name", "Temuulen Bat"), ("username", "temuulen")],
            "temuulen",
        ),
        (&forgot, vec![("login", "saran")], "saran"),
    ] {
        let again = browser.submit(page, &fields).is(422);
        assert_eq!(again.errors(), [words], "{}", page.path);
        let value = format!("value=\"{kept}\"");
        assert!(again.text().contains(&value), "{}", page.path);
        assert!(!again.text().contains(PASSWORD));
        assert_ne!(again.token(), page.token());
    }
    assert!(app.letters("saran@mail.example").is_empty());
    assert!(app.drafts().is_empty());
    // Without any cookie the page says so.
    browser.cookies.clear();
    let without = browser.submit(&signin, &[("login", "saran")]).is(403);
    assert_eq!(without.h1(), "Your browser sent no cookie");
}

#[test]
fn a_real_double_click_brings_the_person_back_to_the_app() {
    let app = TestApp::new();
    app.person("temuulen");
    for script in [false, true] {
        let callback = Callback::listen();
        let at = request(&[("redirect_uri", &callback.uri), ("prompt", "login")]);
        let uri = callback.uri.clone();
        let heard = callback.all();
        let chromium = Chromium::start("twice", script);
        chromium.open(&format!("{}{at}", app.origin));
        chromium.write("#login", "temuulen");
        chromium.write("#password", PASSWORD);
        chromium.click_twice("main form button.btn[type=submit]");
        // The first that comes may be one that the browser gave up for the second.
        let mut given = Vec::new();
        while let Ok(path) =
            heard.recv_timeout(Duration::from_secs(if given.is_empty() { 60 } else { 3 }))
        {
            given.push(param(&path, "code").unwrap_or_else(|| panic!("{path}")));
        }
        assert_eq!(chromium.h1(), "Back in the messenger", "script: {script}");
        let last = given.last().unwrap();
        let answer = token(
            &mut app.browser(),
            &[
                ("grant_type", "authorization_code"),
                ("code", last),
                ("redirect_uri", &uri),
                ("code_verifier", VERIFIER),
            ],
        );
        answer.is(200);
        assert_eq!(sessions(&app, "temuulen"), 1 + usize::from(script));
        app.deliver();
    }
}
