//! Apps hear that a session ended (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use gerege::flow::{logout, operate};
use gerege::store;
use gerege::store::logout::Count;
use gerege::worker;
use serde_json::Value;

use crate::app::TestApp;
use crate::elsewhere::{Asked, Elsewhere};
use crate::http::{Browser, basic, encode, jwt};
use crate::road::{FORUM, SECRET, VERIFIER, ask, register, request, text};
use crate::signin::sign_in;

pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The forum, told at `url`.
fn told_at(app: &TestApp, url: &str) {
    register(app);
    told_at_by(app, "forum", url);
}

/// Any app, told at `url`.
pub fn told_at_by(app: &TestApp, client: &'static str, url: &str) {
    let url = url.to_owned();
    app.write(move |c| {
        let mut client = store::client::find(c, client)?.expect("the app");
        client.registration.backchannel_logout_uri = Some(url.clone());
        store::client::save(c, &client)
    });
}

/// Signs in to the forum and gives its ID token.
fn into_forum(app: &TestApp, browser: &mut Browser, username: &str) -> String {
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ]);
    let mut page = ask(browser, &at, username);
    if page.status == 200 {
        let allowed = browser.allow(&page);
        page = browser.arrive(allowed);
    }
    let code = page.is(303).param("code").expect("a code");
    let tokens = app
        .browser()
        .with("Authorization", &basic("forum", SECRET))
        .post(
            "/oauth2/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", FORUM),
                ("code_verifier", VERIFIER),
            ],
        );
    text(&tokens.is(200).json(), "id_token")
}

pub fn tell(app: &TestApp) {
    while app.wait(logout::send_due(&app.app)).unwrap() > 0 {}
}

fn count(app: &TestApp) -> Count {
    app.wait(logout::count(&app.app, None)).unwrap()
}

/// Checks a logout token as an app does (2.6) and gives its claims.
fn checked(app: &TestApp, asked: &Asked, id_token: &str) -> Value {
    assert_eq!(asked.method, "POST");
    assert!(asked.head.contains("application/x-www-form-urlencoded"));
    let token = asked.body.strip_prefix("logout_token=").expect("a token");
    let (header, claims) = jwt(token);
    let (id_header, id_claims) = jwt(id_token);
    assert_eq!(header["typ"], "logout+jwt");
    assert_eq!(header["alg"], id_header["alg"]);
    let keys = app.browser().get("/jwks.json").json();
    let kids: Vec<&Value> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| &k["kid"])
        .collect();
    assert!(kids.contains(&&header["kid"]), "{header}");
    for name in ["iss", "sub", "aud", "sid"] {
        assert_eq!(claims[name], id_claims[name], "{name}");
    }
    assert!(claims["events"][EVENT].is_object());
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        120
    );
    assert!(claims.get("nonce").is_none() && claims["jti"].is_string());
    claims
}

#[test]
fn every_way_in_which_a_session_ends_tells_its_apps_once() {
    type End = fn(&TestApp, &mut Browser, &str);
    let ends: [(&str, End); 5] = [
        ("sign-out", |_, browser, _| {
            browser.fill("/signout", &[("decision", "signout")]).is(303);
        }),
        ("by an app", |_, browser, hint| {
            let query = encode(&[("id_token_hint", hint)]);
            browser.get(&format!("/oauth2/logout?{query}")).is(200);
        }),
        ("by the operator", |app, _, _| {
            let id = account(app);
            app.wait(operate::person::sign_out(&app.app, id)).unwrap();
        }),
        ("a lock", |app, _, _| {
            let id = account(app);
            app.wait(operate::person::lock(&app.app, id)).unwrap();
        }),
        ("everywhere", |app, _, _| {
            let mut other = app.browser();
            sign_in(&mut other, "temuulen");
            other
                .fill("/account/devices", &[("everywhere", "else")])
                .is(303);
        }),
    ];
    for (name, end) in ends {
        let (app, forum) = (TestApp::new(), Elsewhere::new());
        told_at(&app, &forum.url("/out"));
        forum.answers("/out", 200, "");
        app.person("temuulen");
        let mut browser = app.browser();
        let id_token = into_forum(&app, &mut browser, "temuulen");
        tell(&app);
        assert_eq!(forum.asked().len(), 0, "{name}: told too early");
        end(&app, &mut browser, &id_token);
        tell(&app);
        let asked = forum.asked();
        assert_eq!(asked.len(), 1, "{name}");
        checked(&app, &asked[0], &id_token);
        app.pass(Duration::from_secs(3600));
        tell(&app);
        assert_eq!(forum.asked().len(), 0, "{name}: told twice");
        assert_eq!((count(&app).done, count(&app).waiting), (1, 0), "{name}");
        app.deliver();
    }
}

fn account(app: &TestApp) -> String {
    app.read(|c| store::account::find_by_username(c, "temuulen"))
        .expect("the account")
        .id
}

#[test]
fn an_app_that_is_down_is_told_later_with_a_fresh_token() {
    let (app, forum) = (TestApp::new(), Elsewhere::new());
    told_at(&app, &forum.url("/out"));
    forum.answers("/out", 503, "");
    app.person("temuulen");
    let mut browser = app.browser();
    let id_token = into_forum(&app, &mut browser, "temuulen");
    browser.fill("/signout", &[("decision", "signout")]).is(303);
    tell(&app);
    let first = checked(&app, &forum.asked()[0], &id_token);
    assert_eq!(count(&app).waiting, 1);
    app.pass(Duration::from_secs(5));
    forum.answers("/out", 204, "");
    tell(&app);
    let second = checked(&app, &forum.asked()[0], &id_token);
    assert_ne!(first["jti"], second["jti"]);
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
    assert_eq!(
        count(&app),
        Count {
            waiting: 0,
            done: 1,
            given_up: 0
        }
    );
    app.deliver();
}

#[test]
fn a_refusal_is_final_and_a_redirect_is_not_followed() {
    for (status, wanted) in [
        (
            400,
            Count {
                waiting: 0,
                done: 0,
                given_up: 1,
            },
        ),
        (
            302,
            Count {
                waiting: 1,
                done: 0,
                given_up: 0,
            },
        ),
    ] {
        let (app, forum) = (TestApp::new(), Elsewhere::new());
        told_at(&app, &forum.url("/out"));
        forum.answers_with("/out", status, "Location: /elsewhere\r\n", "");
        app.person("temuulen");
        let mut browser = app.browser();
        into_forum(&app, &mut browser, "temuulen");
        browser.fill("/signout", &[("decision", "signout")]).is(303);
        tell(&app);
        let asked = forum.asked();
        assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/out"));
        assert_eq!(count(&app), wanted);
        app.deliver();
    }
}

#[test]
fn an_app_is_told_long_after_its_grant_was_swept() {
    let (app, forum) = (TestApp::new(), Elsewhere::new());
    told_at(&app, &forum.url("/out"));
    forum.answers("/out", 200, "");
    app.person("temuulen");
    let mut browser = app.browser();
    let id_token = into_forum(&app, &mut browser, "temuulen");
    for _ in 0..5 {
        app.pass(Duration::from_secs(9 * 3600));
        let now = app.app.clock.now();
        app.wait(worker::sweep(&app.app, now)).unwrap();
    }
    let id = account(&app);
    app.wait(operate::person::sign_out(&app.app, id)).unwrap();
    tell(&app);
    let asked = forum.asked();
    assert_eq!(asked.len(), 1);
    checked(&app, &asked[0], &id_token);
    app.deliver();
}

// PROTOCOL 6
#[test]
fn an_address_that_a_stranger_typed_leads_nowhere_inside() {
    let (app, forum) = (TestApp::new(), Elsewhere::new());
    told_at(&app, &forum.url("/out"));
    app.write(|c| {
        let mut client = store::client::find(c, "forum")?.expect("the forum");
        client.registration.origin = gerege::oauth::registration::Origin::Registered;
        store::client::save(c, &client)
    });
    app.person("temuulen");
    let mut browser = app.browser();
    into_forum(&app, &mut browser, "temuulen");
    browser.fill("/signout", &[("decision", "signout")]).is(303);
    tell(&app);
    assert_eq!(forum.asked().len(), 0);
    assert_eq!(count(&app).given_up, 1);
    app.deliver();
}

/// Sign-outs that an app is to be told of.
fn due(app: &TestApp, client: &str, count: usize) {
    let (client, now) = (client.to_owned(), app.app.clock.now());
    app.write(move |c| {
        for number in 0..count {
            let new = store::logout::Logout {
                sid: format!("session-{number}"),
                client_id: client.clone(),
                account_id: "account".into(),
                created_at: now.millis(),
                due_at: now.millis(),
                ends_at: now.plus(Duration::from_secs(86_400)).millis(),
                tries: 0,
                sent_at: None,
                failed_at: None,
                said: None,
            };
            store::logout::add(c, &new)?;
        }
        Ok(())
    });
}

/// An app that registered itself, told at `url`.
fn strangers(app: &TestApp, id: &str, url: &str) {
    let (id, url, now) = (id.to_owned(), url.to_owned(), app.app.clock.now());
    app.write(move |c| {
        let mut client = store::client::find(c, "forum")?.expect("the forum");
        client.id.clone_from(&id);
        client.registration.origin = gerege::oauth::registration::Origin::Registered;
        client.registration.backchannel_logout_uri = Some(url.clone());
        let _ = store::client::add(c, &client)?;
        store::registered::add(c, &id, None, now)
    });
}

#[test]
fn apps_of_strangers_that_do_not_answer_hold_up_nobody_elses() {
    let (app, forum) = (
        TestApp::with(&[("NETWORK__ALLOW", "127.0.0.0/8")]),
        Elsewhere::new(),
    );
    told_at(&app, &forum.url("/out"));
    forum.answers("/out", 200, "");
    // It takes calls and never answers.
    let (silent, listener) = crate::app::free_port();
    for number in 0..20 {
        let id = format!("app-{number}");
        strangers(&app, &id, &format!("http://{silent}/out"));
        due(&app, &id, 3);
    }
    app.pass(Duration::from_secs(1));
    due(&app, "forum", 2);
    let mut telling = logout::Telling::default();
    let begun = app.wait(telling.begin(&app.app)).unwrap();
    assert_eq!(begun, 9, "8 of strangers, and one for the forum");
    while count(&app).done == 0 {
        app.wait(telling.ended()).expect("the forum").unwrap();
    }
    assert_eq!(forum.asked().len(), 1);
    assert!(!telling.is_empty(), "the others are still being told");
    // The next for the forum, whatever becomes of them.
    while count(&app).done == 1 {
        app.wait(telling.begin(&app.app)).unwrap();
        assert!(telling.len() <= 9, "one call for each app");
        app.wait(telling.ended()).expect("the forum").unwrap();
    }
    drop(listener);
    while let Some(ended) = app.wait(telling.ended()) {
        ended.unwrap();
    }
}

#[test]
fn an_app_of_strangers_is_given_up_after_few_tries() {
    let (app, server) = (
        TestApp::with(&[("NETWORK__ALLOW", "127.0.0.0/8")]),
        Elsewhere::new(),
    );
    register(&app);
    strangers(&app, "app-1", &server.url("/out"));
    server.answers("/out", 503, "");
    due(&app, "app-1", 1);
    for _ in 0..20 {
        tell(&app);
        app.pass(Duration::from_secs(3600));
    }
    assert_eq!(server.asked().len(), 8);
    assert_eq!((count(&app).waiting, count(&app).given_up), (0, 1));
}

// The id of an app that is gone may be given to another one.
#[test]
fn an_app_hears_nothing_of_the_people_of_one_that_had_its_id() {
    let app = TestApp::with(&[
        ("NETWORK__ALLOW", "127.0.0.0/8"),
        ("REGISTRATION__MODE", "open"),
    ]);
    let (old, new) = (Elsewhere::new(), Elsewhere::new());
    old.answers("/out", 500, "");
    new.answers("/out", 200, "");
    told_at(&app, &old.url("/out"));
    app.person("temuulen");
    let forum = app.read(|c| store::client::find(c, "forum")).expect("it");
    let (mut stays, mut goes) = (app.browser(), app.browser());
    let remove = |way: usize| match way {
        0 => {
            app.wait(operate::client::remove(&app.app, "forum", false))
                .unwrap();
        }
        1 => {
            app.wait(operate::client::remove(&app.app, "forum", true))
                .unwrap();
        }
        _ => {
            let made = app.app.clock.now();
            app.write(move |c| {
                store::grant::revoke_app(c, "forum", made)?;
                store::registered::add(c, "forum", None, made)
            });
            app.pass(Duration::from_secs(60 * 86_400));
            let now = app.app.clock.now();
            app.wait(worker::sweep(&app.app, now)).unwrap();
            app.wait(worker::tidy(&app.app, now)).unwrap();
        }
    };
    for way in 0..3 {
        let mut again = forum.clone();
        again.registration.backchannel_logout_uri = Some(old.url("/out"));
        app.write(move |c| {
            let _ = store::client::add(c, &again)?;
            Ok(())
        });
        into_forum(&app, &mut stays, "temuulen");
        into_forum(&app, &mut goes, "temuulen");
        let at = request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid"),
        ]);
        let begun = goes.get(&at).leads("/oauth2/authorize/");
        let page = goes.get("/signout").is(200);
        goes.submit(&page, &[("decision", "signout")]);
        tell(&app);
        let waits = || {
            let list = app.wait(logout::list(&app.app, Some("forum".into()), 10));
            list.unwrap().len()
        };
        assert_eq!(waits(), 1, "{way}");
        remove(way);
        assert_eq!(app.read(|c| store::client::find(c, "forum")), None, "{way}");
        let mut other = forum.clone();
        other.name = "Another".into();
        other.registration.backchannel_logout_uri = Some(new.url("/out"));
        app.write(move |c| {
            let _ = store::client::add(c, &other)?;
            Ok(())
        });
        app.pass(Duration::from_secs(1800));
        let page = stays.get("/signout").is(200);
        if way < 2 {
            stays.submit(&page, &[("decision", "signout")]);
        }
        tell(&app);
        assert_eq!(new.asked().len(), 0, "{way}");
        assert_eq!(waits(), 0, "{way}");
        // Nor is anybody asked on its behalf.
        goes.get(begun.location()).is(400);
        app.wait(operate::client::remove(&app.app, "forum", true))
            .unwrap();
    }
    app.deliver();
}
