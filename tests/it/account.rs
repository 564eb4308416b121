//! The account pages: what a person sees of the account and takes back (UX 1.6).

use std::time::Duration;

use gerege::flow::client::Caller;
use gerege::flow::presented;
use gerege::oauth::bearer::{Scheme, Token};
use gerege::oauth::binding::Held;
use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::pages::{dressed, skeleton};
use crate::road::{arm, introspect, refresh, text, token, tokens};
use crate::signin::{sign_in, sign_in_at};

const NEW: &str = "another lantern nine saddle";

const PAGES: [&str; 7] = [
    "/account",
    "/account/details",
    "/account/signing-in",
    "/account/devices",
    "/account/apps",
    "/account/log",
    "/account/agreements",
];

#[test]
fn every_page_of_the_account_stands_and_needs_a_sign_in() {
    let app = TestApp::new();
    let mut browser = app.browser();
    for path in PAGES {
        let answer = app.browser().get(path);
        assert!(
            [303].contains(&answer.status) && answer.location().starts_with("/signin"),
            "{path}"
        );
    }
    let mut owner = app.browser();
    tokens(&app, &mut owner, "temuulen");
    sign_in(&mut browser, "temuulen");
    for path in PAGES {
        let page = browser.get(path).is(200);
        skeleton(&page);
        dressed(&page);
        assert!(page.text().contains("temuulen@localhost"), "{path}");
    }
    app.deliver();
}

// R39
#[test]
fn a_person_sees_and_ends_other_sessions() {
    let app = TestApp::new();
    app.person("temuulen");
    let (mut here, mut there) = (app.browser(), app.browser());
    sign_in(&mut there, "temuulen");
    sign_in(&mut here, "temuulen");
    app.deliver();
    let page = here.get("/account/devices").is(200);
    let html = page.text();
    let session = html
        .split('<')
        .filter(|tag| tag.starts_with("button") && tag.contains("name=\"session\""))
        .find_map(|tag| crate::http::attribute(tag, "value"))
        .expect("another session");
    let ended = here
        .submit(&page, &[("session", &session)])
        .leads("/account/devices");
    let after = here.follow(&ended).is(200);
    assert!(after.text().contains("role=\"status\""), "it is said");
    there.get("/account").leads("/signin");
    here.get("/account").is(200);
    // Somebody else's session cannot be ended by its id.
    app.person("other");
    let mut other = app.browser();
    sign_in(&mut other, "other");
    sign_in(&mut there, "temuulen");
    app.deliver();
    let page = here.get("/account/devices").is(200).text();
    let ids: Vec<String> = page
        .split('<')
        .filter(|tag| tag.contains("name=\"session\""))
        .filter_map(|tag| crate::http::attribute(tag, "value"))
        .collect();
    for id in ids {
        let token = other
            .get("/account/devices")
            .token()
            .unwrap_or_else(|| other.get("/account/details").token().unwrap());
        other.post("/account/devices", &[("form", &token), ("session", &id)]);
    }
    there.get("/account").is(200);
}

// R30 R39
#[test]
fn signing_out_everywhere_else_ends_messengers_too() {
    let app = TestApp::new();
    let mut messenger = app.browser();
    let tokens = tokens(&app, &mut messenger, "temuulen");
    let mut here = app.browser();
    sign_in(&mut here, "temuulen");
    app.deliver();
    let page = here.get("/account/devices").is(200);
    here.submit(&page, &[("everywhere", "else")])
        .leads("/account/devices");
    messenger.get("/account").leads("/signin");
    refresh(&mut messenger, &text(&tokens, "refresh_token")).is(400);
    here.get("/account").is(200);
}

// R08 R41 R71
#[test]
fn a_new_password_needs_a_fresh_proof_and_ends_the_rest() {
    let app = TestApp::new();
    app.person("temuulen");
    let (mut here, mut there) = (app.browser(), app.browser());
    sign_in(&mut there, "temuulen");
    sign_in(&mut here, "temuulen");
    app.deliver();
    let page = here.get("/account/signing-in").is(200);
    app.pass(Duration::from_secs(11 * 60));
    here.get("/account/signing-in")
        .leads("/confirm?for=signing-in");
    // Posted past it all the same: nothing changes.
    here.submit(&page, &[("password", NEW)]).leads("/confirm");
    let confirm = here.get("/confirm?for=signing-in").is(200);
    skeleton(&confirm);
    here.submit(&confirm, &[("password", "a wrong guess of someone")])
        .is(422);
    let before = here.cookies["gerege"].clone();
    here.submit(&confirm, &[("password", PASSWORD)])
        .leads("/account/signing-in");
    assert_ne!(
        here.cookies["gerege"], before,
        "a new cookie value at step-up"
    );
    let page = here.get("/account/signing-in").is(200);
    here.submit(&page, &[("password", "short")]).is(422);
    here.submit(&page, &[("password", NEW)])
        .leads("/account/signing-in");
    here.get("/account").is(200);
    there.get("/account").leads("/signin");
    let told = app.letter("temuulen@mail.example");
    assert!(told.text.contains("changed"), "{}", told.text);
    assert_eq!(
        sign_in_at(&mut app.browser(), "/signin", "temuulen", PASSWORD).status,
        422
    );
    sign_in_at(&mut app.browser(), "/signin", "temuulen", NEW).leads("/account");
    app.deliver();
}

// R59: taking an app back ends its tokens.
#[test]
fn a_connected_app_is_removed() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let page = browser.get("/account/apps").is(200);
    assert!(page.text().contains("Demo messenger"));
    let removed = browser.submit(&page, &[("client", "demo-messenger")]);
    let after = browser.arrive(removed).is(200);
    assert!(after.text().contains("role=\"status\""));
    refresh(&mut browser, &text(&tokens, "refresh_token")).is(400);
    let page = browser.get("/account/apps").is(200);
    assert!(!page.text().contains("name=\"client\""), "none is left");
}

#[test]
fn an_app_that_is_removed_is_out_at_once_and_within_a_second_elsewhere() {
    let app = TestApp::new();
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let chat = text(&tokens, "access_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &text(&tokens, "refresh_token")),
        ("resource", &app.origin),
    ];
    let own = text(&token(&mut browser, &fields).is(200).json(), "access_token");
    let bearer = format!("Bearer {own}");
    // What introspection says to the chat server, and whether userinfo answers the app.
    let here = || {
        app.pass(Duration::from_millis(1));
        let mut holder = app.browser().with("Authorization", &bearer);
        let told = holder.get("/oauth2/userinfo").status == 200;
        (introspect(&app, "demo-chat", &chat)["active"] == true, told)
    };
    let process = app.second();
    let service = app
        .read(|c| store::client::find_service(c, "demo-chat"))
        .expect("the demo service");
    let caller = Caller::Service(service.into());
    let shown = Token {
        scheme: Scheme::Bearer,
        text: own.clone(),
    };
    let there = || {
        app.pass(Duration::from_millis(1));
        let held = Held::default();
        let told = presented::userinfo(&process, &shown, &held, None);
        let told = app.wait(told).unwrap().is_ok();
        let heard = app.wait(presented::introspect(&process, &caller, &chat));
        (heard.unwrap().told["active"] == true, told)
    };
    // Both remember what they read.
    for _ in 0..2 {
        assert_eq!((here(), there()), ((true, true), (true, true)));
    }
    let page = browser.get("/account/apps").is(200);
    browser
        .submit(&page, &[("client", "demo-messenger")])
        .is(303);
    assert_eq!(here(), (false, false));
    app.pass(Duration::from_millis(998));
    assert_eq!(there(), (false, false));
}

#[test]
fn a_name_is_changed_and_shown_as_it_is() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let page = browser.get("/account/details").is(200);
    let name = "<b>Тэмүүлэн</b> & \"co\"";
    browser
        .submit(&page, &[("save", "name"), ("name", name)])
        .leads("/account/details");
    let page = browser.get("/account").is(200);
    assert!(page.text().contains("&lt;b&gt;Тэмүүлэн"), "escaped");
    assert!(!page.text().contains("<b>Тэмүүлэн"));
    let page = browser.get("/account/details").is(200);
    let empty = browser
        .submit(&page, &[("save", "name"), ("name", " ")])
        .is(422);
    skeleton(&empty);
    // A strip cannot be written by a link from outside.
    let forged = browser
        .get("/account/details?done=password&mark=AAAA")
        .is(200);
    assert!(!forged.text().contains("role=\"status\""));
}

#[test]
fn an_app_that_never_came_for_its_code_is_signed_in_nowhere() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let code = crate::road::code(&mut browser, "temuulen");
    let shows = |browser: &mut crate::http::Browser| {
        let html = browser.get("/account/devices").is(200).text();
        html.contains("Demo messenger")
    };
    assert!(!shows(&mut browser));
    crate::road::redeem(&mut browser, &code).is(200);
    assert!(shows(&mut browser));
    // What a new password signs out is told before it is typed: browsers and apps.
    app.deliver();
    browser.fill("/forgot", &[("login", "temuulen")]).is(303);
    let link = app.letter("temuulen@mail.example").link("/reset/");
    let page = browser.get(&link).is(200).text();
    assert!(
        page.contains("Demo messenger") && page.contains("Firefox"),
        "{page}"
    );
}

#[test]
fn an_agreement_is_listed_with_its_language_by_name() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser().with("Accept-Language", "de");
    sign_in(&mut browser, "temuulen");
    let html = browser.get("/account/agreements").is(200).text();
    assert!(
        html.contains("(English)") || html.contains("(Deutsch)"),
        "{html}"
    );
    assert!(!html.contains(">en<") && !html.contains(">de<"), "{html}");
    app.deliver();
}
