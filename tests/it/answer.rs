//! Another answer on a page that was answered a moment ago: what the person says last counts, and
//! never two codes at once (PROTOCOL 3).

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::grants::{redeemed, set_up};
use crate::http::{Answer, Browser};
use crate::road::{FORUM, ask, register, request, text};
use crate::terms::publish;

const SCOPES: &str = "openid profile email";

fn forum(more: &[(&str, &str)]) -> String {
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", SCOPES),
    ];
    request(&[&own, more].concat())
}

fn consent(browser: &mut Browser) -> Answer {
    let page = ask(browser, &forum(&[]), "temuulen").is(200);
    assert!(page.path.starts_with("/consent?"), "{}", page.path);
    page
}

/// Presses a button of a page and goes the whole way.
fn press(browser: &mut Browser, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.submit(page, fields);
    browser.arrive(answer)
}

fn allow(browser: &mut Browser, page: &Answer) -> Answer {
    let answer = browser.allow(page);
    browser.arrive(answer).is(303)
}

/// What a person allows the forum, on file.
fn on_file(app: &TestApp, username: &str) -> Option<Vec<String>> {
    let username = username.to_owned();
    app.read(move |c| {
        let account = store::account::find_by_username(c, &username)?.expect("the person");
        store::grant::consent(c, &account.id, "forum")
    })
}

fn logged(app: &TestApp, username: &str) -> Vec<String> {
    let username = username.to_owned();
    app.read(move |c| {
        let account = store::account::find_by_username(c, &username)?.expect("the person");
        let all = store::event::list(c, &account.id, 50)?;
        let mut kinds: Vec<String> = all.into_iter().map(|event| event.kind).collect();
        kinds.retain(|kind| kind.starts_with("app."));
        kinds.sort_unstable();
        Ok(kinds)
    })
}

// "Do not allow" gives no app anything.
#[test]
fn a_no_after_a_yes_takes_the_code_back() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let page = consent(&mut browser);
    let yes = allow(&mut browser, &page);
    assert!(yes.param("code").is_some());
    app.pass(Duration::from_secs(5));
    for _ in 0..2 {
        let no = press(&mut browser, &page, &[("decision", "deny")]).is(303);
        assert_eq!(no.param("error").as_deref(), Some("access_denied"));
        assert_eq!(no.param("code"), None);
    }
    redeemed(&app, &yes).is(400);
    // It is the last word, and nothing was allowed.
    let later = press(&mut browser, &page, &[("decision", "allow")]);
    assert_eq!(later.param("code"), None);
    assert_eq!(on_file(&app, "temuulen"), None);
    assert_eq!(logged(&app, "temuulen"), ["app.allowed", "app.removed"]);
    let stored = browser.get(&forum(&[])).is(303);
    let again = browser.arrive(stored).is(200);
    assert!(again.path.starts_with("/consent?"), "{}", again.path);
    app.deliver();
}

#[test]
fn a_no_that_comes_too_late_says_so_and_where_to_take_it_back() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let page = consent(&mut browser);
    let yes = allow(&mut browser, &page);
    redeemed(&app, &yes).is(200);
    let late = press(&mut browser, &page, &[("decision", "deny")]).is(409);
    assert_eq!(late.h1(), "You allowed this a moment ago");
    assert!(late.text().contains("Connected apps"));
    assert!(on_file(&app, "temuulen").is_some());
    app.deliver();
}

#[test]
fn another_yes_counts_with_its_own_ticks() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let page = consent(&mut browser);
    assert_eq!(page.ticked("scope"), ["profile", "email"]);
    let first = allow(&mut browser, &page);
    let fewer = [("scope", "profile"), ("decision", "allow")];
    let second = press(&mut browser, &page, &fewer).is(303);
    redeemed(&app, &first).is(400);
    let tokens = redeemed(&app, &second).is(200).json();
    assert_eq!(text(&tokens, "scope"), "openid profile");
    assert_eq!(
        on_file(&app, "temuulen"),
        Some(vec!["openid".into(), "profile".into()])
    );
    app.deliver();
}

// R71: whoever allows has it in their own log.
#[test]
fn somebody_else_who_allows_is_remembered_too() {
    let app = TestApp::new();
    app.person("temuulen");
    app.person("oyuna");
    register(&app);
    let mut browser = app.browser();
    let page = consent(&mut browser);
    let his = allow(&mut browser, &page);
    let id = page.path.split_once("request=").unwrap().1.to_owned();
    let page = browser.get(&format!("/signin?request={id}")).is(200);
    let hers = press(
        &mut browser,
        &page,
        &[("login", "oyuna"), ("password", PASSWORD)],
    );
    assert!(hers.path.starts_with("/consent?"), "{}", hers.path);
    let hers = allow(&mut browser, &hers);
    redeemed(&app, &his).is(400);
    redeemed(&app, &hers).is(200);
    for person in ["temuulen", "oyuna"] {
        assert!(on_file(&app, person).is_some(), "{person}");
        assert_eq!(logged(&app, person), ["app.allowed"]);
    }
    app.deliver();
}

#[test]
fn agreements_that_are_declined_after_all_give_no_code() {
    let app = TestApp::new();
    app.person("temuulen");
    publish(&app, "terms", "We moved");
    let mut browser = app.browser();
    let page = ask(&mut browser, &request(&[]), "temuulen").is(200);
    assert!(page.path.starts_with("/signin/terms?"), "{}", page.path);
    let seen = page.hidden("seen_terms").unwrap();
    let yes = [("decision", "accept"), ("seen_terms", seen.as_str())];
    let yes = press(&mut browser, &page, &yes).is(303);
    assert!(yes.param("code").is_some());
    let no = press(&mut browser, &page, &[("decision", "decline")]).is(303);
    assert_eq!(no.param("error").as_deref(), Some("access_denied"));
    crate::road::redeem(&mut app.browser(), &yes.param("code").unwrap()).is(400);
    app.deliver();
}

#[test]
fn a_double_click_with_a_grant_of_its_own_gives_a_code_too() {
    let app = TestApp::new();
    app.person("temuulen");
    set_up(&app);
    let mut browser = app.browser();
    let create = forum(&[("grant_management_action", "create")]);
    let page = ask(&mut browser, &create, "temuulen").is(200);
    let first = allow(&mut browser, &page);
    let second = allow(&mut browser, &page);
    redeemed(&app, &first).is(400);
    let tokens = redeemed(&app, &second).is(200).json();
    let grant = text(&tokens, "grant_id");
    // And what changes one.
    let replace = forum(&[
        ("grant_management_action", "replace"),
        ("grant_id", &grant),
        ("prompt", "consent"),
    ]);
    let stored = browser.get(&replace).is(303);
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/consent?"), "{}", page.path);
    let first = allow(&mut browser, &page);
    let second = allow(&mut browser, &page);
    redeemed(&app, &first).is(400);
    let tokens = redeemed(&app, &second).is(200).json();
    assert_eq!(text(&tokens, "grant_id"), grant);
    app.deliver();
}
