//! What one person, app or network may pile up here has an end.

use std::time::Duration;

use gerege::oauth::registration::Origin;
use gerege::{store, worker};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::backchannel::{tell, told_at_by};
use crate::elsewhere::Elsewhere;
use crate::http::{Browser, basic, encode};
use crate::register::{DOOR, arrive, bearer, code, open, redeem, registered};
use crate::road::{FORUM, SECRET, refresh, register, request, text, tokens};
use crate::signin::sign_in;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const CB: &str = "https://app.example/cb";

fn standing(app: &TestApp, account_id: &str) -> usize {
    let (id, now) = (account_id.to_owned(), app.app.clock.now());
    app.read(move |c| store::grant::list(c, &id, now)).len()
}

#[test]
fn a_grant_that_no_app_comes_for_is_gone_within_the_hour() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let first = code(&mut browser, "forum", FORUM, "temuulen");
    let second = code(&mut browser, "forum", FORUM, "temuulen");
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    redeem(&mut forum, &second, FORUM, &[]).is(200);
    assert_eq!(standing(&app, &account.id), 2);
    app.pass(Duration::from_secs(3600));
    assert_eq!(standing(&app, &account.id), 1);
    app.pass(Duration::from_secs(300 * 86_400));
    assert_eq!(
        standing(&app, &account.id),
        1,
        "it was given a refresh token"
    );
    // Those that wait are bounded before they run out.
    let mut browser = app.browser();
    for _ in 0..105 {
        app.pass(Duration::from_millis(1));
        code(&mut browser, "forum", FORUM, "temuulen");
    }
    assert_eq!(standing(&app, &account.id), 101);
    redeem(&mut forum, &first, FORUM, &[]).is(400);
    app.deliver();
}

#[test]
fn the_oldest_sign_in_of_an_app_ends_when_there_are_too_many() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let sign_in = |browser: &mut Browser, forum: &mut Browser| {
        app.pass(Duration::from_millis(1));
        let code = code(browser, "forum", FORUM, "temuulen");
        text(
            &redeem(forum, &code, FORUM, &[]).is(200).json(),
            "refresh_token",
        )
    };
    let refreshed = |forum: &mut Browser, token: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        forum.post("/oauth2/token", &fields)
    };
    let first = sign_in(&mut browser, &mut forum);
    let second = sign_in(&mut browser, &mut forum);
    for _ in 2..100 {
        sign_in(&mut browser, &mut forum);
    }
    refreshed(&mut forum, &first).is(200);
    // One that no app comes for ends nothing.
    code(&mut browser, "forum", FORUM, "temuulen");
    refreshed(&mut forum, &first).is(200);
    sign_in(&mut browser, &mut forum);
    refreshed(&mut forum, &first).is(400);
    refreshed(&mut forum, &second).is(200);
    assert_eq!(standing(&app, &account.id), 101, "with the one that waits");
    let log = browser.get("/account/log").is(200).text();
    assert!(log.contains("Ended the oldest sign-in of Forum"), "{log}");
    app.deliver();
}

#[test]
fn one_network_begins_few_sign_ins_where_nobody_is_signed_in() {
    let app = TestApp::limited(&[]);
    app.person("temuulen");
    register(&app);
    let mut known = app.browser();
    sign_in(&mut known, "temuulen");
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ]);
    let begin = || app.browser().get(&at);
    let begun = (0..100).take_while(|_| begin().status == 303).count();
    assert_eq!(begun, 60);
    let slow = begin().is(429);
    assert_eq!(slow.header("retry-after"), Some("1"));
    // Whoever is signed in does not wait for them.
    known.get(&at).is(303);
    app.pass(Duration::from_secs(2));
    assert_eq!((0..5).filter(|_| begin().status == 303).count(), 2);
    // A pushed request waits to be opened, and is not spent by being too early.
    let fields = at.split_once('?').unwrap().1.to_owned();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let pushed = forum.send("POST", "/oauth2/par", &kind, Some(fields.as_bytes()));
    let uri = text(&pushed.is(201).json(), "request_uri");
    let opened = encode(&[("client_id", "forum"), ("request_uri", &uri)]);
    let open = || app.browser().get(&format!("/oauth2/authorize?{opened}"));
    open().is(429);
    app.pass(Duration::from_secs(1));
    open().is(303);
    app.deliver();
}

#[test]
fn an_app_that_nobody_uses_any_more_is_removed() {
    let app = open();
    app.person("temuulen");
    let body = json!({ "redirect_uris": [CB], "token_endpoint_auth_method": "none" });
    let apps: Vec<Value> = (0..3).map(|_| registered(&app, &body)).collect();
    let use_it = |which: &Value| {
        let mut browser = app.browser();
        let mut page = arrive(&mut browser, &text(which, "client_id"), CB, "temuulen");
        if page.path.starts_with("/signin/continue") {
            let sent = browser.submit(&page, &[]);
            page = browser.arrive(sent);
        } else if page.path.starts_with("/consent") {
            let sent = browser.allow(&page);
            page = browser.arrive(sent);
        }
        page.is(303).param("code").expect("a code");
    };
    apps.iter().for_each(use_it);
    let looked_at = text(&apps[2], "client_id");
    app.write(move |c| {
        let mut client = store::client::find(c, &looked_at)?.expect("the app");
        client.registration.checked = true;
        store::client::save(c, &client)
    });
    app.pass(Duration::from_secs(20 * 86_400));
    use_it(&apps[1]);
    app.pass(Duration::from_secs(15 * 86_400));
    let now = app.app.clock.now();
    app.wait(worker::sweep(&app.app, now)).unwrap();
    app.wait(worker::tidy(&app.app, now)).unwrap();
    for (client, status) in apps.iter().zip([401, 200, 200]) {
        let token = text(client, "registration_access_token");
        let at = format!("{DOOR}/{}", text(client, "client_id"));
        bearer(&app, &token).get(&at).is(status);
    }
    let gone = text(&apps[0], "client_id");
    let left = app.read(move |c| store::client::find(c, &gone));
    assert_eq!(left, None);
    app.deliver();
}

#[test]
fn one_browser_keeps_few_requests() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ]);
    let begun: Vec<String> = (0..105)
        .map(|_| {
            app.pass(Duration::from_millis(1));
            browser.get(&at).is(303).location().to_owned()
        })
        .collect();
    for (number, status) in [(0, 400), (4, 400), (5, 303), (104, 303)] {
        assert_eq!(browser.get(&begun[number]).status, status, "{number}");
    }
    app.deliver();
}

/// How often a line of this kind stands in somebody's log.
fn lines(app: &TestApp, account_id: &str, kind: &'static str) -> usize {
    let id = account_id.to_owned();
    let log = app.read(move |c| store::event::list(c, &id, 10_000));
    log.iter().filter(|line| line.kind == kind).count()
}

fn sweep(app: &TestApp) {
    let now = app.app.clock.now();
    app.wait(worker::sweep(&app.app, now)).unwrap();
}

#[test]
fn the_device_that_was_away_the_longest_is_signed_out_when_there_are_too_many() {
    let (app, forum) = (TestApp::new(), Elsewhere::new());
    let account = app.person("temuulen");
    register(&app);
    told_at_by(&app, "forum", &forum.url("/out"));
    forum.answers("/out", 200, "");
    let mut first = app.browser();
    code(&mut first, "forum", FORUM, "temuulen");
    let mut second = app.browser();
    let mut all = 1;
    let mut more = |browser: &mut Browser| {
        app.pass(Duration::from_millis(1));
        sign_in(browser, "temuulen");
        all += 1;
        all
    };
    more(&mut second);
    while more(&mut app.browser()) < 100 {}
    first.get("/account").is(200);
    tell(&app);
    assert_eq!(forum.asked().len(), 0);
    more(&mut app.browser());
    first.get("/account").is(303);
    second.get("/account").is(200);
    tell(&app);
    assert_eq!(forum.asked().len(), 1, "as after \"Sign out\"");
    // One line a day, however many.
    for _ in 0..5 {
        more(&mut app.browser());
    }
    assert_eq!(lines(&app, &account.id, "session.many"), 1);
    // Those that have run out are not too many.
    app.pass(DAY);
    more(&mut app.browser());
    assert_eq!(lines(&app, &account.id, "session.many"), 1);
    app.deliver();
}

#[test]
fn refresh_tokens_of_a_grant_that_ended_go_with_it() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let first = tokens(&app, &mut browser, "temuulen");
    let mut token = text(&first, "refresh_token");
    let used = token.clone();
    for _ in 0..30 {
        token = text(
            &refresh(&mut browser, &token).is(200).json(),
            "refresh_token",
        );
    }
    let grant = token.split('~').nth(1).unwrap().to_owned();
    // One row for all of them, and no more than a few times in it.
    let kept = || {
        let grant = grant.clone();
        app.read(move |c| store::grant::find_family(c, &grant))
    };
    let family = kept().expect("a family");
    assert_eq!((family.generation, family.used.len()), (30, 16));
    app.pass(DAY * 2);
    sweep(&app);
    assert!(kept().is_some(), "a replay would be seen");
    // However old a token is: it ends those that came after it.
    refresh(&mut browser, &used).is(400);
    refresh(&mut browser, &token).is(400);
    app.pass(HOUR);
    sweep(&app);
    assert!(kept().is_some());
    app.pass(DAY);
    sweep(&app);
    assert!(kept().is_none());
    app.deliver();
}

#[test]
fn the_log_says_once_a_day_that_an_app_has_too_many_sign_ins() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let mut sign_in = || {
        app.pass(Duration::from_millis(1));
        let code = code(&mut browser, "forum", FORUM, "temuulen");
        redeem(&mut forum, &code, FORUM, &[]).is(200);
    };
    for _ in 0..104 {
        sign_in();
    }
    assert_eq!(lines(&app, &account.id, "app.many"), 1);
    app.pass(DAY);
    sign_in();
    assert_eq!(lines(&app, &account.id, "app.many"), 2);
    app.deliver();
}

#[test]
fn sign_ins_for_ten_minutes_end_none_that_lasts() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let lasting = code(&mut browser, "forum", FORUM, "temuulen");
    let lasting = redeem(&mut forum, &lasting, FORUM, &[]).is(200).json();
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
        ("prompt", "none"),
    ]);
    for _ in 0..105 {
        app.pass(Duration::from_millis(1));
        let stored = browser.get(&at);
        let back = browser.arrive(stored).is(303);
        let code = back.param("code").expect("a code");
        redeem(&mut forum, &code, FORUM, &[]).is(200);
    }
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &text(&lasting, "refresh_token")),
    ];
    forum.post("/oauth2/token", &fields).is(200);
    app.deliver();
}

#[test]
fn apps_that_the_operator_looked_at_keep_no_others_from_being_removed() {
    let app = open();
    register(&app);
    let now = app.app.clock.now();
    app.write(move |c| {
        let mut one = store::client::find(c, "forum")?.expect("the forum");
        for number in 0..1002 {
            one.id = format!("app-{number:04}");
            one.registration.origin = Origin::Registered;
            one.registration.checked = number < 1001;
            let _ = store::client::add(c, &one)?;
            store::registered::add(c, &one.id, None, now)?;
        }
        Ok(())
    });
    app.pass(DAY * 31);
    let now = app.app.clock.now();
    app.wait(worker::tidy(&app.app, now)).unwrap();
    for (id, stays) in [("app-0000", true), ("app-1000", true), ("app-1001", false)] {
        let found = app.read(move |c| store::client::find(c, id));
        assert_eq!(found.is_some(), stays, "{id}");
    }
}
