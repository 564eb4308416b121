//! Signing keys that are not there yet when somebody needs them.

use std::sync::mpsc;
use std::time::Duration;

use gerege::flow::keyring;
use gerege::oauth::service::{Algorithm, KeyOwner};
use gerege::store;

use crate::app::TestApp;
use crate::http::{Browser, basic, jwt};
use crate::road::*;

// An app that asks in the first seconds, or right after a service was added, waits for the key.
#[test]
fn who_asks_while_a_key_is_being_made_waits_and_loses_nothing() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let own = text(&tokens(&app, &mut browser, "oyuna"), "refresh_token");
    let code = code(&mut app.browser(), "temuulen");
    // The services get keys of their own, and the worker has not come round yet.
    app.write(|c| {
        for id in ["demo-chat", "room"] {
            let mut service = store::client::find_service(c, id)?.expect("the service");
            service.keys = KeyOwner::Own;
            service.algorithm = Algorithm::EdDSA;
            store::client::save_service(c, &service)?;
        }
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        store::client::save(c, &forum)
    });
    app.pass(Duration::from_secs(1));
    let (tell, told) = mpsc::channel();
    let ask = |mut browser: Browser, fields: Vec<(&'static str, String)>| {
        let tell = tell.clone();
        std::thread::spawn(move || {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            tell.send(browser.post("/oauth2/token", &fields)).unwrap();
        });
    };
    let owned = |fields: &[(&'static str, &str)]| {
        let own = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        fields.iter().map(own).collect::<Vec<_>>()
    };
    let demo = ("client_id", "demo-messenger");
    ask(
        browser,
        owned(&[
            demo,
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]),
    );
    let refresh = [
        demo,
        ("grant_type", "refresh_token"),
        ("refresh_token", &own),
    ];
    ask(app.browser(), owned(&refresh));
    ask(
        app.browser().with("Authorization", &basic("forum", SECRET)),
        owned(&[("grant_type", "client_credentials"), ("scope", "room")]),
    );
    let early = told.recv_timeout(Duration::from_millis(400));
    assert!(early.is_err(), "answered without a key");
    app.wait(keyring::refresh(&app.app)).unwrap();
    for _ in 0..3 {
        let tokens = told.recv().unwrap().is(200).json();
        assert_eq!(jwt(&text(&tokens, "access_token")).0["alg"], "EdDSA");
    }
}

#[test]
fn the_key_that_signs_answers_is_made_when_it_is_first_needed() {
    let app = TestApp::new();
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo service");
        chat.algorithm = Algorithm::EdDSA;
        chat.secret_hash = Some(gerege::rng::digest(SECRET));
        store::client::save_service(c, &chat)
    });
    let answer = app
        .browser()
        .with("Authorization", &basic("demo-chat", SECRET))
        .with("Accept", "application/token-introspection+jwt")
        .post("/oauth2/introspect", &[("token", "made-up")])
        .is(200);
    assert_eq!(jwt(&answer.text()).0["alg"], "EdDSA");
}
