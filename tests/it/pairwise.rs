//! A `sub` for each owner of apps (OpenID Connect Core 8.1; PROTOCOL 1).

use gerege::oauth::registration::SubjectType;
use gerege::oauth::service::Algorithm;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::backchannel::{tell, told_at_by};
use crate::elsewhere::Elsewhere;
use crate::http::{Browser, basic, encode, jwt};
use crate::register::{arrive, code, open, redeem, registered};
use crate::road::{FORUM, SECRET, introspect, register, request, text};

/// Registers `id` at a host of its own beside the forum, all of them pairwise.
fn pairwise(app: &TestApp, also: &[(&'static str, &'static str)]) {
    register(app);
    let also = also.to_vec();
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.registration.subject_type = SubjectType::Pairwise;
        store::client::save(c, &forum)?;
        for (id, redirect) in &also {
            let mut other = forum.clone();
            other.id = (*id).to_owned();
            other.redirects = vec![(*redirect).to_owned()];
            let _ = store::client::add(c, &other)?;
        }
        Ok(())
    });
}

fn tokens(app: &TestApp, browser: &mut Browser, id: &str, redirect: &str) -> Value {
    let code = code(browser, id, redirect, "temuulen");
    let mut own = app.browser().with("Authorization", &basic(id, SECRET));
    redeem(&mut own, &code, redirect, &[]).is(200).json()
}

fn sub(tokens: &Value) -> String {
    text(&jwt(&text(tokens, "id_token")).1, "sub")
}

#[test]
fn apps_of_different_owners_cannot_compare_a_person() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    pairwise(
        &app,
        &[
            ("wiki", "https://forum.example/wiki"),
            ("shop", "https://shop.example/cb"),
        ],
    );
    let mut browser = app.browser();
    let forum = tokens(&app, &mut browser, "forum", FORUM);
    let wiki = tokens(&app, &mut browser, "wiki", "https://forum.example/wiki");
    let shop = tokens(&app, &mut browser, "shop", "https://shop.example/cb");
    assert_eq!(sub(&forum), sub(&wiki), "one host, one owner");
    assert_ne!(sub(&forum), sub(&shop));
    assert_ne!(sub(&forum), account.id);
    assert_eq!(sub(&forum).len(), account.id.len());
    let again = tokens(&app, &mut app.browser(), "forum", FORUM);
    assert_eq!(sub(&forum), sub(&again));
    for tokens in [&forum, &shop] {
        let access = text(tokens, "access_token");
        let mut reader = app
            .browser()
            .with("Authorization", &format!("Bearer {access}"));
        let told = reader.get("/oauth2/userinfo").is(200).json();
        assert_eq!(told["sub"], sub(tokens));
        assert_eq!(jwt(&access).1["sub"], sub(tokens), "the client can read it");
        let body = serde_json::to_string(tokens).unwrap();
        assert!(!body.contains(&account.id));
    }
    app.deliver();
}

/// The apps of a browser share its session: they must not compare that instead.
#[test]
fn apps_of_different_owners_cannot_compare_a_session() {
    let (app, far) = (TestApp::new(), Elsewhere::new());
    app.person("temuulen");
    pairwise(
        &app,
        &[
            ("wiki", "https://forum.example/wiki"),
            ("shop", "https://shop.example/cb"),
        ],
    );
    far.answers("/out", 200, "");
    told_at_by(&app, "shop", &far.url("/out"));
    let mut browser = app.browser();
    let forum = tokens(&app, &mut browser, "forum", FORUM);
    let wiki = tokens(&app, &mut browser, "wiki", "https://forum.example/wiki");
    let shop = tokens(&app, &mut browser, "shop", "https://shop.example/cb");
    let sid = |tokens: &Value| text(&jwt(&text(tokens, "id_token")).1, "sid");
    assert_eq!(sid(&forum), sid(&wiki), "one host, one owner");
    assert_ne!(sid(&forum), sid(&shop));
    for tokens in [&forum, &shop] {
        let (_, access) = jwt(&text(tokens, "access_token"));
        assert!(access.get("sid").is_none(), "{access}");
        let refresh = text(tokens, "refresh_token");
        let id = jwt(&text(tokens, "id_token")).1["aud"].clone();
        let heard = app
            .browser()
            .with("Authorization", &basic(id.as_str().expect("aud"), SECRET))
            .post("/oauth2/introspect", &[("token", &refresh)])
            .is(200)
            .json();
        assert_eq!(heard["sid"], sid(tokens));
    }
    // The hint ends its own session, and the app is told of the one that it knows.
    let query = encode(&[("id_token_hint", text(&shop, "id_token").as_str())]);
    browser.get(&format!("/oauth2/logout?{query}")).is(200);
    browser.get("/account").leads("/signin");
    tell(&app);
    let told = far.asked();
    let token = told[0].body.strip_prefix("logout_token=").expect("a token");
    assert_eq!(jwt(token).1["sid"], sid(&shop));
    app.deliver();
}

#[test]
fn a_hint_means_the_person_that_its_app_knows() {
    let app = TestApp::new();
    app.person("temuulen");
    app.person("bayar");
    pairwise(&app, &[]);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "forum", FORUM);
    let hint = text(&tokens, "id_token");
    let ask = |browser: &mut Browser| {
        let stored = browser.get(&request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid profile email offline_access"),
            ("prompt", "none"),
            ("id_token_hint", &hint),
        ]));
        browser.arrive(stored).is(303)
    };
    assert!(ask(&mut browser).param("code").is_some());
    let mut other = app.browser();
    arrive(&mut other, "forum", FORUM, "bayar").is(200);
    assert_eq!(
        ask(&mut other).param("error").as_deref(),
        Some("login_required")
    );
    // Signing out: the hint speaks for its session without a question.
    let query = encode(&[("id_token_hint", hint.as_str())]);
    browser.get(&format!("/oauth2/logout?{query}")).is(200);
    browser.get("/account").leads("/signin");
    app.deliver();
}

#[test]
fn an_app_cannot_ask_whose_the_public_sub_is() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    pairwise(&app, &[("wiki", "https://wiki.example/cb")]);
    app.write(|c| {
        let mut wiki = store::client::find(c, "wiki")?.expect("the wiki");
        wiki.registration.subject_type = SubjectType::Public;
        store::client::save(c, &wiki)
    });
    let mut browser = app.browser();
    let own = tokens(&app, &mut browser, "forum", FORUM);
    let other = tokens(&app, &mut browser, "wiki", "https://wiki.example/cb");
    assert_eq!(sub(&other), account.id);
    let ask = |browser: &mut Browser, name: &str, value: &str| {
        let stored = browser.get(&request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid profile email offline_access"),
            ("prompt", "none"),
            (name, value),
        ]));
        browser.arrive(stored).is(303)
    };
    let wish = |sub: &str| format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
    let mut none = |name: &str, value: &str| ask(&mut browser, name, value).param("error");
    assert_eq!(none("claims", &wish(&sub(&own))), None);
    assert_eq!(none("id_token_hint", &text(&own, "id_token")), None);
    let refused = Some("login_required".to_owned());
    assert_eq!(none("claims", &wish(&account.id)), refused);
    assert_eq!(none("id_token_hint", &text(&other, "id_token")), refused);
    app.deliver();
}

#[test]
fn a_claim_asked_for_by_name_stands_in_a_signed_userinfo_beside_the_apps_own_sub() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    pairwise(&app, &[]);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        // A key that nobody asked for before.
        forum.registration.userinfo_algorithm = Some(Algorithm::EdDSA);
        store::client::save(c, &forum)
    });
    let mut browser = app.browser();
    let stored = browser.get(&request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
        ("claims", r#"{"userinfo":{"preferred_username":null}}"#),
    ]));
    let page = browser.arrive(stored);
    let fields = [("login", "temuulen"), ("password", crate::app::PASSWORD)];
    let signed = browser.submit(&page, &fields);
    let page = browser.arrive(signed);
    let allowed = browser.allow(&page);
    let code = browser.arrive(allowed).param("code").expect("a code");
    let mut own = app.browser().with("Authorization", &basic("forum", SECRET));
    let tokens = redeem(&mut own, &code, FORUM, &[]).is(200).json();
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let mut reader = app.browser().with("Authorization", &bearer);
    let told = reader.get("/oauth2/userinfo").is(200);
    let (header, claims) = jwt(&told.text());
    assert_eq!(header["alg"], "EdDSA");
    assert_eq!(claims["preferred_username"], "temuulen");
    assert!(claims.get("name").is_none());
    assert_eq!(claims["sub"], sub(&tokens));
    assert_ne!(claims["sub"], account.id);
    app.deliver();
}

#[test]
fn no_token_that_the_app_can_read_shows_the_public_sub() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    pairwise(&app, &[]);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.extend(["room".to_owned(), "chat".to_owned()]);
        store::client::save(c, &forum)?;
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.userinfo = true;
        store::client::save_service(c, &room)
    });
    let to = |scope: &str| {
        let mut browser = app.browser();
        let stored = browser.get(&request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", scope),
        ]));
        let page = browser.arrive(stored);
        let fields = [("login", "temuulen"), ("password", crate::app::PASSWORD)];
        let signed = browser.submit(&page, &fields);
        let page = browser.arrive(signed);
        let allowed = browser.allow(&page);
        let code = browser
            .arrive(allowed)
            .is(303)
            .param("code")
            .expect("a code");
        let mut own = app.browser().with("Authorization", &basic("forum", SECRET));
        redeem(&mut own, &code, FORUM, &[])
    };
    // The room can ask about a token: it is sealed for the app.
    let tokens = to("openid room").is(200).json();
    let access = text(&tokens, "access_token");
    assert!(access.starts_with("ga_"), "{access:.20}");
    assert_eq!(introspect(&app, "room", &access)["sub"], account.id);
    // The app could ask there as well as the room.
    let mut reader = app
        .browser()
        .with("Authorization", &format!("Bearer {access}"));
    reader.get("/services/room/userinfo").is(401);
    // The chat server reads only what shows the public sub.
    assert_eq!(to("openid chat").is(400).json()["error"], "invalid_target");
    app.deliver();
}

/// Codes that go to the person's own machine must not come with the `sub`s of a host that was
/// named beside it.
#[test]
fn a_stranger_does_not_see_the_subs_of_a_host_that_it_only_names() {
    let app = open();
    app.person("temuulen");
    let mut browser = app.browser();
    let (web, machine) = ("https://shop.example/cb", "http://127.0.0.1:9/cb");
    let mut seen = |redirects: &[&str], back: &str| {
        let body = json!({
            "client_name": "Far app", "redirect_uris": redirects, "scope": "openid",
            "token_endpoint_auth_method": "none", "subject_type": "pairwise",
        });
        let id = text(&registered(&app, &body), "client_id");
        let code = code(&mut browser, &id, back, "temuulen");
        let tokens = redeem(&mut app.browser(), &code, back, &[("client_id", &id)]);
        sub(&tokens.is(200).json())
    };
    let honest = seen(&[web], web);
    assert_eq!(
        seen(&["https://shop.example/more"], "https://shop.example/more"),
        honest
    );
    assert_ne!(seen(&[machine, web], machine), honest);
    assert_ne!(seen(&["com.far.app:/cb", web], "com.far.app:/cb"), honest);
    app.deliver();
}
