//! Signing in, staying signed in, signing out (UX S1, S5, S6).

use std::sync::{Arc, Barrier};
use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser};
use crate::pages::{dressed, skeleton};

/// Signs in by username at a page; gives where it leads.
pub fn sign_in_at(browser: &mut Browser, at: &str, login: &str, password: &str) -> Answer {
    browser.fill(at, &[("login", login), ("password", password)])
}

/// Signs in and passes.
pub fn sign_in(browser: &mut Browser, login: &str) {
    sign_in_at(browser, "/signin", login, PASSWORD).leads("/account");
}

// R04 R07 R35 R52
#[test]
fn a_person_signs_in_by_name_or_address_in_any_case() {
    let app = TestApp::new();
    app.person("temuulen");
    for login in [
        "temuulen",
        "Temuulen",
        " temuulen ",
        "TEMUULEN@mail.example",
        "temuulen@localhost",
    ] {
        let mut browser = app.browser();
        let page = browser.get("/signin").is(200);
        skeleton(&page);
        dressed(&page);
        let before = browser.cookies.get("gerege").cloned().unwrap();
        let answer = browser.submit(&page, &[("login", login), ("password", PASSWORD)]);
        let answer = answer.leads("/account");
        let after = browser.cookies.get("gerege").cloned().unwrap();
        assert_ne!(before, after, "a new cookie value at sign-in");
        browser.follow(&answer).is(200);
        // R35: the value from before opens nothing.
        let mut fixed = app.browser();
        fixed.cookies.insert("gerege".into(), before);
        fixed.get("/account").leads("/signin");
        app.deliver();
    }
}

// R07
#[test]
fn the_form_is_one_that_password_managers_know() {
    let app = TestApp::new();
    let html = app.browser().get("/signin").is(200).text();
    for part in [
        "autocomplete=\"username webauthn\"",
        "autocomplete=\"current-password\"",
        "type=\"password\"",
        "name=\"login\"",
        "name=\"password\"",
        "name=\"keep\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("autocomplete=\"off\""));
    let html = app.browser().get("/signup").is(200).text();
    for part in [
        "autocomplete=\"name\"",
        "autocomplete=\"username\"",
        "autocomplete=\"email\"",
        "autocomplete=\"new-password\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

// R10
#[test]
fn an_unknown_name_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut seen = Vec::new();
    for login in ["temuulen", "nobody22"] {
        let mut browser = app.browser();
        let before = app.app.hasher.count().done;
        let answer = sign_in_at(&mut browser, "/signin", login, "not the password at all");
        assert_eq!(app.app.hasher.count().done, before + 1, "one hash each");
        let names: Vec<String> = answer
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let text = answer.text().replace(login, "NAME");
        let token = answer.token().unwrap();
        seen.push((answer.status, names, text.replace(&token, "TOKEN")));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, 422);
    assert!(!seen[0].2.contains("not the password at all"));
}

// R20 R22
#[test]
fn wrong_passwords_slow_down_and_a_known_device_gets_through() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut owner = app.browser();
    sign_in(&mut owner, "temuulen");
    let mut thief = app.browser();
    let mut slowed = None;
    for count in 1..=10 {
        let answer = sign_in_at(
            &mut thief,
            "/signin",
            "temuulen",
            "a wrong guess of someone",
        );
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(wait >= 1);
            assert!(
                answer.errors().join("").contains("Wait"),
                "{:?}",
                answer.errors()
            );
            slowed = Some(count);
            break;
        }
        assert_eq!(answer.status, 422);
    }
    assert_eq!(slowed, Some(6), "five tries are free");
    // The right password does not get through from there either, and the owner does.
    assert_eq!(
        sign_in_at(&mut thief, "/signin", "temuulen", PASSWORD).status,
        429
    );
    owner.cookies.remove("gerege");
    sign_in(&mut owner, "temuulen");
    // After the wait everybody may.
    app.pass(Duration::from_secs(901));
    sign_in(&mut thief, "temuulen");
    app.deliver();
}

// R20: the canonical name counts, and names do not betray that they are one person.
#[test]
fn case_does_not_give_new_tries() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let mut statuses = Vec::new();
    for login in [
        "temuulen",
        "TEMUULEN",
        "Temuulen",
        " temuulen",
        "tEmUULEN",
        "temuulen",
        "temuulen",
    ] {
        statuses
            .push(sign_in_at(&mut browser, "/signin", login, "a wrong guess of someone").status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
}

// R23
#[test]
fn parallel_guesses_count() {
    let app = TestApp::new();
    app.person("temuulen");
    let before = app.app.hasher.count().done;
    let callers = 40;
    let gate = Arc::new(Barrier::new(callers));
    let threads: Vec<_> = (0..callers)
        .map(|_| {
            let (mut browser, gate) = (app.browser(), gate.clone());
            std::thread::spawn(move || {
                let page = browser.get("/signin");
                gate.wait();
                browser
                    .submit(
                        &page,
                        &[
                            ("login", "temuulen"),
                            ("password", "a wrong guess of someone"),
                        ],
                    )
                    .status
            })
        })
        .collect();
    let statuses: Vec<u16> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    let evaluated = statuses.iter().filter(|status| **status == 422).count();
    assert_eq!(evaluated, 5, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [422, 429].contains(status)),
        "{statuses:?}"
    );
    assert!(
        app.app.hasher.count().done - before <= 5 + 1,
        "what is not evaluated is not hashed"
    );
}

// R21
#[test]
fn one_address_is_bounded_and_told_when_to_come_again() {
    let app = TestApp::limited(&[]);
    let mut browser = app.browser();
    let page = browser.get("/signin").is(200);
    let answers: Vec<Answer> = (0..60)
        .map(|count| {
            let login = format!("name{count}");
            browser.submit(
                &page,
                &[("login", &login), ("password", "a wrong guess of someone")],
            )
        })
        .collect();
    let many = answers
        .iter()
        .find(|answer| answer.status == 429)
        .expect("a bound");
    assert!(many.header("retry-after").is_some());
    skeleton(many);
    app.pass(Duration::from_secs(120));
    browser.get("/signin").is(200);
}

// R37
#[test]
fn signing_out_ends_it_on_the_server() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let copy = browser.clone();
    let page = browser.get("/signout").is(200);
    skeleton(&page);
    browser
        .submit(&page, &[("decision", "stay")])
        .leads("/account");
    browser.get("/account").is(200);
    let out = browser.submit(&page, &[("decision", "signout")]);
    let out = browser.arrive(out).is(200);
    assert!(out.h1().contains("signed out"), "{}", out.h1());
    browser.get("/account").leads("/signin");
    copy.clone().get("/account").leads("/signin");
}

// R38
#[test]
fn sessions_end_by_themselves() {
    let app = TestApp::new();
    app.person("temuulen");
    let hour = Duration::from_secs(3600);
    let signed = |keep: bool| {
        let mut browser = app.browser();
        let page = browser.get("/signin");
        let mut fields = vec![("login", "temuulen"), ("password", PASSWORD)];
        if keep {
            fields.push(("keep", "1"));
        }
        browser.submit(&page, &fields).leads("/account");
        app.deliver();
        browser
    };
    let (mut short, mut kept) = (signed(false), signed(true));
    app.pass(hour * 11);
    short.get("/account").is(200);
    app.pass(hour * 11);
    short.get("/account").is(200);
    app.pass(hour * 3);
    // 25 hours in all, though never 12 idle.
    short.get("/account").leads("/signin");
    kept.get("/account").is(200);
    app.pass(hour * 24 * 59);
    kept.get("/account").is(200);
    app.pass(hour * 24 * 61);
    kept.get("/account").leads("/signin");
}

// R40
#[test]
fn a_closed_account_is_out_at_once_and_learns_so_only_by_its_password() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let (id, now) = (account.id.clone(), app.app.clock.now());
    app.write(move |c| store::account::set_locked(c, &id, Some(now)));
    browser.get("/account").leads("/signin");
    let mut other = app.browser();
    let right = sign_in_at(&mut other, "/signin", "temuulen", PASSWORD);
    assert_eq!(right.status, 403);
    assert!(
        right.errors().join("").contains("closed"),
        "{:?}",
        right.errors()
    );
    let wrong = sign_in_at(
        &mut other,
        "/signin",
        "temuulen",
        "a wrong guess of someone",
    )
    .is(422);
    assert!(!wrong.errors().join("").contains("closed"));
}

// R71
#[test]
fn a_sign_in_from_a_new_device_is_told_by_mail() {
    let app = TestApp::new();
    app.person("temuulen");
    sign_in(&mut app.browser(), "temuulen");
    assert!(
        app.letters("temuulen@mail.example").is_empty(),
        "the first device is no news"
    );
    let mut second = app.browser();
    sign_in(&mut second, "temuulen");
    let letter = app.letter("temuulen@mail.example");
    assert!(letter.text.contains("Firefox on Linux"), "{}", letter.text);
    assert!(letter.text.contains("/account/devices"), "{}", letter.text);
    second.cookies.remove("gerege");
    sign_in(&mut second, "temuulen");
    assert_eq!(
        app.letters("temuulen@mail.example").len(),
        1,
        "a known device is no news"
    );
}

// R42
#[test]
fn a_form_counts_only_from_our_own_page_in_the_same_browser() {
    let app = TestApp::new();
    app.person("temuulen");
    let fields = [("login", "temuulen"), ("password", PASSWORD)];
    // No token, a made-up one, another browser's.
    let mut browser = app.browser();
    let page = browser.get("/signin").is(200);
    browser.post("/signin", &fields).is(403);
    browser
        .post("/signin", &[&[("form", "AAAA")], &fields[..]].concat())
        .is(403);
    let other = app.browser().get("/signin").token().unwrap();
    browser
        .post(
            "/signin",
            &[&[("form", other.as_str())], &fields[..]].concat(),
        )
        .is(403);
    // Ours, sent from elsewhere.
    let token = page.token().unwrap();
    let body = crate::http::encode(&[&[("form", token.as_str())], &fields[..]].concat());
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            (name, value),
        ];
        let answer = browser.send("POST", "/signin", &headers, Some(body.as_bytes()));
        assert_eq!(answer.status, 403, "{name}: {value}");
        skeleton(&answer);
    }
    // What our own pages send: they send no referrer, so their origin is null (Fetch 3.2).
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let null = ("Origin", "null");
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 303),
    ] {
        let headers = [kind, null, ("Sec-Fetch-Site", site)];
        let answer = browser
            .clone()
            .send("POST", "/signin", &headers, Some(body.as_bytes()));
        assert_eq!(answer.status, status, "null and {site}");
    }
    app.deliver();
    // Left open for more than a day.
    app.pass(Duration::from_secs(25 * 3600));
    browser.submit(&page, &fields).is(422);
    let origin = app.origin.clone();
    let fresh = browser.get("/signin").is(200);
    let mut browser = browser.with("Origin", &origin);
    browser.submit(&fresh, &fields).leads("/account");
    app.deliver();
}

// R46
#[test]
fn no_parameter_leads_elsewhere() {
    let app = TestApp::new();
    app.person("temuulen");
    for name in [
        "next",
        "return_to",
        "redirect",
        "url",
        "continue",
        "for",
        "request",
        "back",
    ] {
        for value in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:1",
        ] {
            let mut browser = app.browser();
            let at = format!("/signin?{}", crate::http::encode(&[(name, value)]));
            let page = browser.get(&at).is(200);
            assert!(!page.text().contains("href=\"https://evil"), "{at}");
            let answer = browser.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
            assert!(
                answer.location().starts_with("/account"),
                "{at}: {}",
                answer.location()
            );
            let at = format!("/confirm?{}", crate::http::encode(&[(name, value)]));
            let page = browser.get(&at).is(200);
            let answer = browser.submit(&page, &[("password", PASSWORD)]);
            assert!(
                answer.location().starts_with("/account"),
                "{at}: {}",
                answer.location()
            );
        }
    }
    app.deliver();
}

// R06
#[test]
fn a_password_does_not_run_out() {
    let app = TestApp::new();
    app.person("temuulen");
    app.pass(Duration::from_secs(400 * 24 * 3600));
    sign_in(&mut app.browser(), "temuulen");
}

// R19
#[test]
fn signing_in_asks_no_riddle() {
    let app = TestApp::with(&[("CHECK__KIND", "picture")]);
    app.person("temuulen");
    let mut browser = app.browser();
    for _ in 0..7 {
        let answer = sign_in_at(
            &mut browser,
            "/signin",
            "temuulen",
            "a wrong guess of someone",
        );
        for word in ["/signup/check", "<img", "<audio"] {
            assert!(!answer.text().contains(word), "{word}");
        }
    }
}
