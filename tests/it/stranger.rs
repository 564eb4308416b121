//! What an app that nobody here has looked at cannot do to people, to other apps and to us.

use gerege::flow::operate;
use gerege::oauth::client::{Client, Need};
use gerege::oauth::registration::SubjectType;
use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp};
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, Browser};
use crate::register::{DOOR, bearer, open, redeem, registered, send};
use crate::road::{request, text};
use crate::signup::begin;

const CB: &str = "https://quiz.example/cb";

/// A public app of a stranger's.
fn quiz(more: &Value) -> Value {
    let mut body = json!({
        "client_name": "Tiny quiz",
        "redirect_uris": [CB],
        "token_endpoint_auth_method": "none",
    });
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

/// Changes what an app registered.
fn change(app: &TestApp, client: &Value, more: &Value) -> Answer {
    let mut body = quiz(more);
    body["client_id"] = client["client_id"].clone();
    let mut keeper = bearer(app, &text(client, "registration_access_token"));
    let at = format!("{DOOR}/{}", text(client, "client_id"));
    send(&mut keeper, "PUT", &at, &body)
}

/// Where a request of the app leads in this browser.
fn go(browser: &mut Browser, id: &str, scope: &str, more: &[(&str, &str)]) -> Answer {
    let own = [
        ("client_id", id),
        ("redirect_uri", CB),
        ("scope", scope),
        ("nonce", ""),
    ];
    let mut all: Vec<(&str, &str)> = own
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name))
        .collect();
    all.extend(more);
    let stored = browser.get(&request(&all));
    browser.arrive(stored)
}

/// A browser in which a person is signed in.
fn signed_in(app: &TestApp, username: &str) -> Browser {
    let mut browser = app.browser();
    let fields = [("login", username), ("password", PASSWORD)];
    browser.fill("/signin", &fields).is(303);
    browser
}

/// What the app gets for the code in an answer.
fn tokens(app: &TestApp, id: &str, redirect: &str, answer: &Answer) -> Value {
    let code = answer.param("code").expect("a code");
    redeem(&mut app.browser(), &code, redirect, &[("client_id", id)])
        .is(200)
        .json()
}

const WISH: &str = r#"{"userinfo":{"email":{"essential":true},"name":{"essential":true}}}"#;

#[test]
fn what_was_allowed_is_what_the_page_showed() {
    let app = open();
    app.person("temuulen");
    let client = registered(&app, &quiz(&json!({ "scope": "openid" })));
    let id = text(&client, "client_id");
    let mut browser = signed_in(&app, "temuulen");
    let page = go(
        &mut browser,
        &id,
        "openid profile email",
        &[("claims", WISH)],
    )
    .is(200);
    assert!(!page.text().contains("See your email address"));
    // While the person reads, the app makes more of itself.
    change(&app, &client, &json!({ "scope": "openid profile email" })).is(200);
    let again = browser.allow(&page).is(409);
    assert!(again.text().contains("has changed what it asks for"));
    assert!(again.text().contains("See your email address"));
    // And once more, with less: what is allowed is what the second page showed.
    let answer = {
        let allowed = browser.allow(&again);
        browser.arrive(allowed)
    };
    assert_eq!(
        tokens(&app, &id, CB, &answer)["scope"],
        "openid profile email"
    );
    app.deliver();
}

#[test]
fn what_a_document_makes_of_itself_later_is_asked_anew() {
    let (app, server) = (
        TestApp::with(&[
            ("REGISTRATION__METADATA_DOCUMENTS", "true"),
            ("NETWORK__ALLOW", "127.0.0.1"),
        ]),
        Elsewhere::new(),
    );
    app.person("temuulen");
    let id = server.url("/client.json");
    let say = |scope: &str| {
        let document = json!({ "client_id": id, "client_name": "Far app", "redirect_uris": [CB],
            "scope": scope });
        server.answers("/client.json", 200, &document.to_string());
    };
    say("openid");
    let mut browser = signed_in(&app, "temuulen");
    let page = go(&mut browser, &id, "openid email", &[]).is(200);
    say("openid email");
    app.pass(std::time::Duration::from_secs(601));
    let again = go(&mut browser, &id, "openid email", &[]).is(200);
    assert!(again.text().contains("See your email address"));
    // The first request is the one that its page showed, whatever the document says by now.
    let allowed = browser.allow(&page);
    let answer = browser.arrive(allowed);
    assert_eq!(tokens(&app, &id, CB, &answer)["scope"], "openid");
    app.deliver();
}

/// What an app hears that asks without a page.
fn silently(browser: &mut Browser, id: &str, more: &[(&str, &str)]) -> String {
    let all = [&[("prompt", "none")], more].concat();
    let answer = go(browser, id, "openid", &all).is(303);
    answer.param("error").unwrap_or_default()
}

#[test]
fn no_app_learns_unasked_who_sits_in_front_of_it() {
    let app = open();
    let account = app.person("temuulen");
    for subject_type in ["public", "pairwise"] {
        let client = registered(&app, &quiz(&json!({ "subject_type": subject_type })));
        let id = text(&client, "client_id");
        let sub = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, account.id);
        let nobody = r#"{"id_token":{"sub":{"value":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}}}"#;
        let (mut here, mut empty) = (signed_in(&app, "temuulen"), app.browser());
        for more in [
            &[][..],
            &[("login_hint", "temuulen")],
            &[("login_hint", "temuulen@mail.example")],
            &[("login_hint", account.id.as_str())],
            &[("login_hint", "bayar")],
            &[("claims", sub.as_str())],
            &[("claims", nobody)],
        ] {
            for browser in [&mut here, &mut empty] {
                let error = silently(browser, &id, more);
                assert_eq!(error, "login_required", "{subject_type} {more:?}");
            }
        }
    }
    app.deliver();
}

#[test]
fn our_mail_carries_no_words_of_a_stranger() {
    let app = open();
    let client = registered(&app, &quiz(&json!({ "client_name": "Win a prize" })));
    let link = json!({ "client_name": "prize: www.evil.example", "redirect_uris": [CB] });
    send(&mut app.browser(), "POST", DOOR, &link).is(400);
    let (id, mut browser) = (text(&client, "client_id"), app.browser());
    let page = go(&mut browser, &id, "openid", &[("prompt", "create")]).is(200);
    let begun = begin(
        &mut browser,
        &page.path,
        "temuulen",
        &[("name", "Look at www.evil.example")],
    );
    let page = browser.follow(&begun.leads("/signup/agree")).is(200);
    browser
        .submit(&page, &[("decision", "accept")])
        .leads("/signup/email");
    let letter = app.letter("temuulen@mail.example");
    for words in ["prize", "quiz.example", "evil.example"] {
        assert!(!letter.text.contains(words), "{}", letter.text);
    }
}

#[test]
fn no_app_bears_our_name_or_one_of_the_operators() {
    let app = open();
    app.person("temuulen");
    for name in [
        "Gerege",
        "g\u{435}rege settings",
        "Demo messenger",
        "Demo-M\u{435}ssenger",
        "\u{2800}",
        "\u{3164}",
        "A\u{300}\u{300}\u{300}\u{300}",
    ] {
        let body = quiz(&json!({ "client_name": name }));
        let answer = send(&mut app.browser(), "POST", DOOR, &body).is(400);
        assert_eq!(answer.json()["error"], "invalid_client_metadata", "{name}");
    }
    // What it is called it may go on to be called; and each page says that nobody looked at it.
    let client = registered(&app, &quiz(&json!({})));
    change(&app, &client, &json!({})).is(200);
    let (id, mut browser) = (text(&client, "client_id"), signed_in(&app, "temuulen"));
    let page = go(&mut browser, &id, "openid", &[]);
    let allowed = browser.allow(&page);
    browser.arrive(allowed).is(303);
    let page = go(&mut browser, &id, "openid", &[]).is(200);
    assert!(page.path.starts_with("/signin/continue"), "{}", page.path);
    assert!(page.text().contains("has checked this app"));
    app.deliver();
}

#[test]
fn an_app_that_is_known_by_a_document_is_shown_with_its_host() {
    let (app, server) = (
        TestApp::with(&[
            ("REGISTRATION__METADATA_DOCUMENTS", "true"),
            ("NETWORK__ALLOW", "127.0.0.1"),
        ]),
        Elsewhere::new(),
    );
    app.person("temuulen");
    let id = server.url("/client.json");
    let document = json!({ "client_id": id, "client_name": "Far app",
        "redirect_uris": [CB, "http://127.0.0.1/cb"] });
    server.answers("/client.json", 200, &document.to_string());
    for redirect in [CB, "http://127.0.0.1/cb"] {
        let mut browser = signed_in(&app, "temuulen");
        let page = go(&mut browser, &id, "openid", &[("redirect_uri", redirect)]).is(200);
        assert!(page.text().contains("It describes itself at"), "{redirect}");
        assert!(page.text().contains("127.0.0.1</bdi>"), "{redirect}");
    }
    app.deliver();
}

fn operator(app: &TestApp, client: &Value, change: fn(&mut Client)) {
    let id = text(client, "client_id");
    let done = operate::client::edit(&app.app, &id, change);
    app.wait(done).unwrap();
}

#[test]
fn what_the_operator_demands_of_an_app_it_cannot_take_back() {
    let app = open();
    let client = registered(&app, &quiz(&json!({ "scope": "openid profile email" })));
    operator(&app, &client, |client| {
        client.scopes.retain(|name| name != "email");
        client.registration.subject_type = SubjectType::Pairwise;
        client.asking.par = Need::Required;
    });
    let loose = json!({ "scope": "openid profile email", "subject_type": "public" });
    let told = change(&app, &client, &loose).is(200).json();
    assert_eq!(told["scope"], "openid profile");
    assert_eq!(told["subject_type"], "pairwise");
    assert_eq!(told["require_pushed_authorization_requests"], true);
    let refused = change(&app, &client, &json!({ "scope": "email" })).is(400);
    assert_eq!(refused.json()["error"], "invalid_client_metadata");
}

#[test]
fn an_app_that_wants_other_subs_begins_anew() {
    let app = open();
    let account = app.person("temuulen");
    let pairwise = json!({ "subject_type": "pairwise" });
    let client = registered(&app, &quiz(&pairwise));
    let (id, mut browser) = (text(&client, "client_id"), signed_in(&app, "temuulen"));
    let page = go(&mut browser, &id, "openid", &[]);
    let allowed = browser.allow(&page);
    let answer = browser.arrive(allowed);
    let had = tokens(&app, &id, CB, &answer);
    let mut reader = bearer(&app, &text(&had, "access_token"));
    let sub = reader.get("/oauth2/userinfo").is(200).json()["sub"].clone();
    assert_ne!(sub, account.id);
    change(&app, &client, &pairwise).is(200);
    reader.get("/oauth2/userinfo").is(200);
    change(&app, &client, &json!({ "subject_type": "public" })).is(200);
    reader.get("/oauth2/userinfo").is(401);
    let page = go(&mut browser, &id, "openid", &[]).is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    app.deliver();
}

#[test]
fn an_app_under_another_name_or_at_another_place_is_allowed_anew() {
    let app = open();
    app.person("temuulen");
    let client = registered(&app, &quiz(&json!({})));
    let (id, mut browser) = (text(&client, "client_id"), signed_in(&app, "temuulen"));
    let mut allowed = |redirect: &str| {
        let page = go(&mut browser, &id, "openid", &[("redirect_uri", redirect)]).is(200);
        let asked = page.path.starts_with("/consent");
        if asked {
            let answer = browser.allow(&page);
            browser.arrive(answer).is(303);
        }
        !asked
    };
    assert!(!allowed(CB));
    assert!(allowed(CB));
    let near = "https://quiz.example/new";
    change(&app, &client, &json!({ "redirect_uris": [near] })).is(200);
    assert!(allowed(near), "the same name at the same host");
    let far = "https://evil.example/cb";
    change(&app, &client, &json!({ "redirect_uris": [far] })).is(200);
    assert!(!allowed(far));
    let named = json!({ "redirect_uris": [far], "client_name": "Settings" });
    change(&app, &client, &named).is(200);
    assert!(!allowed(far));
    app.deliver();
}

// RFC 9700 4.11.2
#[test]
fn nobody_is_sent_on_to_an_unchecked_app_without_a_click() {
    let app = open();
    let bye = "https://quiz.example/bye";
    let client = registered(&app, &quiz(&json!({ "post_logout_redirect_uris": [bye] })));
    let (id, mut browser) = (text(&client, "client_id"), app.browser());
    for more in [
        &[("response_type", "token")][..],
        &[("scope", "unknown")],
        &[("prompt", "nonsense")],
        &[("response_type", "x"), ("response_mode", "form_post")],
    ] {
        let page = go(&mut browser, &id, "openid", more).is(400);
        assert!(page.header("location").is_none(), "{more:?}");
        let html = page.text();
        assert!(html.contains("quiz.example/cb"), "the way on: {more:?}");
        assert!(!html.contains("data-send"), "{more:?}");
        assert!(html.contains("has checked this app"));
    }
    assert_eq!(silently(&mut browser, &id, &[]), "login_required");
    let query = crate::http::encode(&[
        ("client_id", id.as_str()),
        ("post_logout_redirect_uri", bye),
    ]);
    let page = browser.get(&format!("/oauth2/logout?{query}")).is(200);
    assert!(!page.text().contains("quiz.example/bye"));
    // One that the operator looked at is answered as any other.
    operator(&app, &client, |client| client.registration.checked = true);
    go(&mut browser, &id, "openid", &[("scope", "unknown")]).is(303);
    let answer = browser.get(&format!("/oauth2/logout?{query}")).is(303);
    assert_eq!(answer.location(), bye);
}
