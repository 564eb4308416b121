//! What the operator takes from an app is gone at once, from what people allowed it before too.

use std::time::Duration;

use gerege::flow::operate::client;
use gerege::{store, worker};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, basic};
use crate::register::{arrive, code, redeem};
use crate::road::{FORUM, SECRET, ask, introspect, register, request, text};

/// Takes scopes from the forum.
fn take(app: &TestApp, names: &'static [&'static str]) {
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.retain(|had| !names.contains(&had.as_str()));
        store::client::save(c, &forum)
    });
    // What was read of a grant holds for half a second.
    app.pass(Duration::from_secs(1));
}

fn refreshed(app: &TestApp, tokens: &Value, more: &[(&str, &str)]) -> Answer {
    let token = text(tokens, "refresh_token");
    let own = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    forum.post("/oauth2/token", &[&own, more].concat())
}

fn userinfo(app: &TestApp, tokens: &Value) -> Answer {
    let bearer = format!("Bearer {}", text(tokens, "access_token"));
    let mut reader = app.browser().with("Authorization", &bearer);
    reader.get("/oauth2/userinfo")
}

#[test]
fn what_is_taken_from_an_app_is_in_no_token_and_no_answer() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let code = code(&mut browser, "forum", FORUM, "temuulen");
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let tokens = redeem(&mut forum, &code, FORUM, &[]).is(200).json();
    assert!(userinfo(&app, &tokens).is(200).json()["email"].is_string());

    take(&app, &["email"]);
    assert!(
        userinfo(&app, &tokens)
            .is(200)
            .json()
            .get("email")
            .is_none()
    );
    let next = refreshed(&app, &tokens, &[]).is(200).json();
    assert_eq!(next["scope"], "openid profile offline_access");
    assert!(userinfo(&app, &next).is(200).json().get("email").is_none());
    let asked = refreshed(&app, &tokens, &[("scope", "openid email")]).is(400);
    assert_eq!(asked.json()["error"], "invalid_scope");

    take(&app, &["openid"]);
    userinfo(&app, &tokens).is(403);
    let next = refreshed(&app, &tokens, &[]).is(200).json();
    assert!(next.get("id_token").is_none(), "{next}");

    take(&app, &["offline_access"]);
    let ended = refreshed(&app, &tokens, &[]).is(400);
    assert_eq!(ended.json()["error"], "invalid_grant");
    app.deliver();
}

fn asking_for_the_room() -> String {
    request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid room offline_access"),
    ])
}

#[test]
fn a_service_does_not_hear_of_what_was_taken_from_an_app() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        store::client::save(c, &forum)
    });
    let at = asking_for_the_room();
    let mut browser = app.browser();
    let page = ask(&mut browser, &at, "temuulen");
    let allowed = browser.allow(&page);
    let codes = browser.arrive(allowed).param("code").expect("a code");
    let again = browser.get(&at);
    let late = browser.arrive(again).param("code").expect("a code");
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let tokens = redeem(&mut forum, &codes, FORUM, &[]).is(200).json();
    let access = text(&tokens, "access_token");
    assert_eq!(introspect(&app, "room", &access)["active"], true);
    let own = [("grant_type", "client_credentials"), ("scope", "room")];
    let machine = forum.post("/oauth2/token", &own).is(200).json();
    let machine = text(&machine, "access_token");
    assert_eq!(introspect(&app, "room", &machine)["active"], true);

    take(&app, &["room"]);
    assert_eq!(introspect(&app, "room", &access)["active"], false);
    assert_eq!(introspect(&app, "room", &machine)["active"], false);
    for tokens in [
        refreshed(&app, &tokens, &[]).is(200).json(),
        redeem(&mut forum, &late, FORUM, &[]).is(200).json(),
    ] {
        assert_eq!(tokens["scope"], "openid offline_access");
    }
    take(&app, &["openid", "offline_access", "profile", "email"]);
    refreshed(&app, &tokens, &[]).is(400);
    app.deliver();
}

#[test]
fn userinfo_of_a_service_opens_to_no_token_that_lost_all() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        store::client::save(c, &forum)?;
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.userinfo = true;
        store::client::save_service(c, &room)
    });
    let at = asking_for_the_room();
    let mut browser = app.browser();
    let page = ask(&mut browser, &at, "temuulen");
    let allowed = browser.allow(&page);
    let code = browser.arrive(allowed).param("code").expect("a code");
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let tokens = redeem(&mut forum, &code, FORUM, &[]).is(200).json();
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let mut reader = app.browser().with("Authorization", &bearer);
    let told = reader.get("/services/room/userinfo").is(200).json();
    assert_eq!(told["preferred_username"], "temuulen");
    take(&app, &["room"]);
    let refused = reader.get("/services/room/userinfo").is(401).json();
    assert_eq!(refused["error"], "invalid_token");
    app.deliver();
}

#[test]
fn an_app_known_by_a_document_stays_out_once_it_was_removed() {
    let (app, server) = (
        TestApp::with(&[
            ("REGISTRATION__METADATA_DOCUMENTS", "true"),
            ("NETWORK__ALLOW", "127.0.0.1"),
        ]),
        Elsewhere::new(),
    );
    let back = "https://app.example/cb";
    let id = server.url("/client.json");
    let document = json!({ "client_id": id, "client_name": "Far app", "redirect_uris": [back],
        "grant_types": ["authorization_code", "refresh_token"] });
    server.answers("/client.json", 200, &document.to_string());
    app.person("temuulen");
    let mut browser = app.browser();
    let given = code(&mut browser, &id, back, "temuulen");
    let tokens = redeem(&mut app.browser(), &given, back, &[("client_id", &id)]);
    let refresh = text(&tokens.is(200).json(), "refresh_token");
    let waits = arrive(&mut browser, &id, back, "temuulen").is(200);
    server.asked();
    let remove = |forget| app.wait(client::remove(&app.app, &id, forget)).unwrap();
    let gone = remove(false);
    assert_eq!((gone.ended, gone.kept_out), (1, true));
    app.pass(Duration::from_secs(700));
    arrive(&mut browser, &id, back, "temuulen").is(400);
    // What was under way does not get there either.
    browser.submit(&waits, &[]).is(400);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", id.as_str()),
    ];
    assert_ne!(app.browser().post("/oauth2/token", &fields).status, 200);
    assert_eq!(server.asked().len(), 0, "it is read no more");
    // Nothing sweeps that away.
    app.pass(Duration::from_secs(60 * 86_400));
    let now = app.app.clock.now();
    app.wait(worker::tidy(&app.app, now)).unwrap();
    arrive(&mut browser, &id, back, "temuulen").is(400);
    assert!(!remove(true).kept_out);
    arrive(&mut browser, &id, back, "temuulen").is(200);
    app.deliver();
}
