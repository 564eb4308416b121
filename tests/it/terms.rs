//! A newer agreement: asked for at a sign-in, put off inside its grace, in the way after it
//! (UX W3).

use std::time::Duration;

use gerege::flow::terms;
use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::Browser;
use crate::pages::{dressed, skeleton};
use crate::road::{ask, request};
use crate::signin::sign_in_at;

const DAY: Duration = Duration::from_secs(86_400);

/// Publishes the next version of an agreement, with ten days of grace.
pub fn publish(app: &TestApp, document: &str, words: &str) {
    let file = app.folder().join(format!("{document}.md"));
    let head = "title: Terms of use\nlanguage: en\ngrace_days: 10\nin_force: 2020-01-01";
    let text = format!("---\n{head}\nchanges: {words}\n---\n# {words}\n");
    std::fs::write(&file, text).unwrap();
    let done = app.wait(terms::publish(&app.app, &file)).unwrap();
    assert!(done[0].new, "{done:?}");
}

fn accepted(app: &TestApp, username: &str) -> Vec<i64> {
    let username = username.to_owned();
    let mut all: Vec<i64> = app.read(move |c| {
        let account = store::account::find_by_username(c, &username)?.unwrap();
        let all = store::terms::accepted(c, &account.id)?;
        Ok(all.into_iter().map(|one| one.version).collect())
    });
    all.sort_unstable();
    all
}

fn enter(browser: &mut Browser, to: &str) -> crate::http::Answer {
    let led = sign_in_at(browser, "/signin", "temuulen", PASSWORD).leads(to);
    browser.follow(&led)
}

#[test]
fn a_newer_agreement_is_asked_for_at_a_plain_sign_in() {
    let app = TestApp::new();
    app.person("temuulen");
    publish(&app, "terms", "We moved");
    let mut browser = app.browser();
    let page = enter(&mut browser, "/signin/terms").is(200);
    assert_eq!(page.h1(), "The agreement has changed");
    assert!(page.text().contains("We moved"));
    // The date in the file lies in the past; the grace counts from today.
    assert!(page.text().contains("25 January 2027"), "{}", page.text());
    skeleton(&page);
    dressed(&page);
    let seen = page.hidden("seen_terms").unwrap();
    let yes = [("decision", "accept"), ("seen_terms", seen.as_str())];
    browser.submit(&page, &yes).leads("/account");
    assert_eq!(accepted(&app, "temuulen"), [1, 2]);
    browser.get("/account").is(200);
    browser.get("/signin/terms").leads("/account");
    enter(&mut app.browser(), "/account").is(200);
    app.deliver();
}

#[test]
fn later_is_an_answer_once_at_each_sign_in_and_inside_the_grace() {
    let app = TestApp::new();
    app.person("temuulen");
    publish(&app, "terms", "We moved");
    let mut browser = app.browser();
    let page = enter(&mut browser, "/signin/terms").is(200);
    browser
        .submit(&page, &[("decision", "later")])
        .leads("/account");
    browser.get("/account").is(200);
    // The same sign-in is not asked again, on no way.
    for _ in 0..2 {
        let stored = browser.get(&request(&[])).is(303);
        let page = browser.arrive(stored).is(200);
        assert!(page.path.starts_with("/signin/continue"), "{}", page.path);
    }
    // The next one is.
    let mut next = app.browser();
    let page = ask(&mut next, &request(&[]), "temuulen").is(200);
    assert!(page.path.starts_with("/signin/terms?"), "{}", page.path);
    let later = next.submit(&page, &[("decision", "later")]);
    assert!(next.arrive(later).param("code").is_some());
    // After the grace "later" is none, and nothing goes on without a yes.
    app.pass(10 * DAY);
    let mut last = app.browser();
    let page = enter(&mut last, "/signin/terms").is(200);
    assert!(!page.text().contains("value=\"later\""));
    last.get("/account").leads("/signin/terms");
    last.get("/account/apps").leads("/signin/terms");
    last.submit(&page, &[("decision", "later")]).is(303);
    last.get("/account").leads("/signin/terms");
    let page = last.get("/signin/terms").is(200);
    last.submit(&page, &[("decision", "decline")])
        .leads("/signout");
    last.get("/account").leads("/signin");
    assert_eq!(
        last.get("/signout").is(200).h1(),
        format!("You are signed out of {}", app.app.config.name)
    );
    app.deliver();
}

#[test]
fn who_never_accepted_any_reads_other_words() {
    let app = TestApp::new();
    app.person("temuulen");
    publish(&app, "privacy", "We begin");
    let mut browser = app.browser();
    let page = enter(&mut browser, "/signin/terms").is(200);
    assert_eq!(page.h1(), "Read and accept before you go on");
    assert!(!page.text().contains("has changed"));
    assert!(!page.text().contains("What changed"));
    app.deliver();
}

#[test]
fn the_languages_of_a_version_hold_the_same() {
    let app = TestApp::new();
    let folder = app.folder().join("own");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |language: &str, more: &str| {
        let text = format!("---\ntitle: T\nlanguage: {language}\n{more}---\n# {more}\n");
        std::fs::write(folder.join(format!("rules.{language}.md")), text).unwrap();
    };
    for more in [
        "in_force: 2028-01-01\n",
        "grace_days: 3\n",
        "optional: true\n",
    ] {
        write("en", more);
        write("de", "");
        let refused = app.wait(terms::publish(&app.app, &folder)).unwrap_err();
        let key = more.split(':').next().unwrap();
        assert!(refused.to_string().contains(key), "{refused}");
    }
    // A date that has passed is as good as none.
    write("en", "in_force: 2020-01-01\n");
    let done = app.wait(terms::publish(&app.app, &folder)).unwrap();
    assert_eq!(done.iter().filter(|one| one.new).count(), 2);
    // So is a translation held to what stands.
    write("mn", "in_force: 2028-01-01\n");
    app.wait(terms::publish(&app.app, &folder)).unwrap_err();
    write("mn", "");
    let done = app.wait(terms::publish(&app.app, &folder)).unwrap();
    assert_eq!(done.iter().filter(|one| one.new).count(), 1);
}
