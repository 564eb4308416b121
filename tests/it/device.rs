//! Apps on other devices (RFC 8628; UX C2): begun on one, allowed on another.

use std::collections::BTreeSet;
use std::time::Duration;

use gerege::oauth::client::{Client, ClientAuth, GrantType, RefreshPolicy};
use gerege::{store, worker};
use serde_json::Value;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser, basic, jwt};
use crate::road::*;
use crate::signin::sign_in;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A public app for televisions, which has no address to return to.
pub fn television(app: &TestApp) {
    app.write(|c| {
        let demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        let television = Client {
            id: "television".into(),
            name: "Television".into(),
            redirects: Vec::new(),
            grants: vec![GrantType::DeviceCode, GrantType::RefreshToken],
            first_party: true,
            ..demo
        };
        let _ = store::client::add(c, &television)?;
        Ok(())
    });
}

/// Begins as the television.
pub fn begin(app: &TestApp) -> Value {
    let fields = [
        ("client_id", "television"),
        ("scope", "openid profile chat"),
    ];
    app.browser().post("/oauth2/device", &fields).is(200).json()
}

/// Asks for tokens as the television.
pub fn poll(browser: &mut Browser, begun: &Value) -> Answer {
    let fields = [
        ("client_id", "television"),
        ("grant_type", GRANT),
        ("device_code", begun["device_code"].as_str().unwrap()),
    ];
    browser.post("/oauth2/token", &fields)
}

fn told(answer: Answer) -> String {
    text(&answer.is(400).json(), "error")
}

/// Types the code and signs in; gives the page on which the person decides.
pub fn arrive(browser: &mut Browser, begun: &Value, username: &str) -> Answer {
    let answer = browser.fill("/device", &[("user_code", &text(begun, "user_code"))]);
    let page = browser.arrive(answer.leads("/oauth2/authorize/"));
    assert!(page.path.starts_with("/signin?request="), "{}", page.path);
    let signed = browser.submit(&page, &[("login", username), ("password", PASSWORD)]);
    browser.arrive(signed)
}

pub fn allow(browser: &mut Browser, page: &Answer) -> Answer {
    let answer = browser.submit(page, &[("decision", "allow"), ("seen", "1")]);
    browser.arrive(answer)
}

#[test]
fn an_app_on_a_television_signs_in() {
    let app = TestApp::new();
    app.person("temuulen");
    television(&app);
    let begun = begin(&app);
    assert_eq!(begun["expires_in"], 600);
    assert_eq!(begun["interval"], 5);
    let code = text(&begun, "user_code");
    assert_eq!(begun["verification_uri"], format!("{}/device", app.origin));
    let complete = format!("{}/device?user_code={code}", app.origin);
    assert_eq!(begun["verification_uri_complete"], complete);
    let mut tv = app.browser();
    assert_eq!(told(poll(&mut tv, &begun)), "authorization_pending");

    // The link fills in the code, and does nothing by itself.
    let mut browser = app.browser();
    let page = browser.get(&complete[app.origin.len()..]).is(200);
    assert!(page.text().contains(&format!("value=\"{code}\"")));
    let page = arrive(&mut browser, &begun, "temuulen");
    assert!(
        page.path.starts_with("/device/allow?request="),
        "{}",
        page.path
    );
    assert_eq!(page.h1(), "Is this your device?");
    assert!(page.text().contains(&code) && page.text().contains("Television"));
    // First-party or not: it is asked, and the code must have been compared.
    let unseen = browser.submit(&page, &[("decision", "allow")]).is(422);
    assert_eq!(unseen.errors().len(), 1);
    app.pass(Duration::from_secs(5));
    assert_eq!(told(poll(&mut tv, &begun)), "authorization_pending");
    let done = allow(&mut browser, &page).is(200);
    assert_eq!(done.path, "/device/done?ended=allowed");

    let tokens = poll(&mut tv, &begun).is(200).json();
    assert_eq!(
        jwt(&text(&tokens, "access_token")).1["preferred_username"],
        "temuulen"
    );
    assert_eq!(jwt(&text(&tokens, "id_token")).1["aud"], "television");
    assert!(tokens["refresh_token"].is_string());
    assert_eq!(told(poll(&mut tv, &begun)), "invalid_grant");
    // It stands among the connected apps, and ends there.
    let apps = browser.get("/account/apps").is(200);
    assert!(apps.text().contains("Television"));
}

#[test]
fn who_asks_too_early_waits_longer() {
    let app = TestApp::new();
    television(&app);
    let (begun, mut tv) = (begin(&app), app.browser());
    let mut at = |seconds| {
        app.pass(Duration::from_secs(seconds));
        told(poll(&mut tv, &begun))
    };
    assert_eq!(at(0), "authorization_pending");
    assert_eq!(at(4), "slow_down"); // from now on 10 seconds
    assert_eq!(at(9), "slow_down"); // 15
    assert_eq!(at(15), "authorization_pending");
    assert_eq!(at(14), "slow_down"); // 20
    assert_eq!(at(20), "authorization_pending");
    assert_eq!(at(600), "expired_token");
    // One that comes late is told so, and it does not lie about for long.
    let mut late = |minutes: u64| {
        app.pass(Duration::from_secs(minutes * 60));
        let now = app.app.clock.now();
        app.wait(worker::sweep(&app.app, now)).unwrap();
        told(poll(&mut tv, &begun))
    };
    assert_eq!(late(55), "expired_token");
    assert_eq!(late(10), "invalid_grant");
}

#[test]
fn what_is_not_mine_is_refused_and_a_code_is_decided_once() {
    let app = TestApp::new();
    app.person("temuulen");
    television(&app);
    let (begun, mut tv, mut browser) = (begin(&app), app.browser(), app.browser());
    let page = arrive(&mut browser, &begun, "temuulen");
    // The same code in another browser, before it was decided.
    let mut other = app.browser();
    let late = arrive(&mut other, &begun, "temuulen");
    app.deliver();
    let answer = browser.submit(&page, &[("decision", "deny")]);
    assert_eq!(browser.arrive(answer).path, "/device/done?ended=denied");
    allow(&mut other, &late).is(400);
    assert_eq!(told(poll(&mut tv, &begun)), "access_denied");
    let wrong = browser.fill("/device", &[("user_code", &text(&begun, "user_code"))]);
    assert_eq!(wrong.is(422).errors().len(), 1);
}

#[test]
fn a_code_runs_out() {
    let app = TestApp::new();
    app.person("temuulen");
    television(&app);
    let (begun, mut browser) = (begin(&app), app.browser());
    let page = arrive(&mut browser, &begun, "temuulen");
    app.pass(Duration::from_secs(601));
    allow(&mut browser, &page).is(400);
    assert_eq!(told(poll(&mut app.browser(), &begun)), "expired_token");
    let late = browser.fill("/device", &[("user_code", &text(&begun, "user_code"))]);
    late.is(422);
    app.wait(gerege::worker::sweep(&app.app, app.app.clock.now()))
        .unwrap();
    assert_eq!(told(poll(&mut app.browser(), &begun)), "expired_token");
    app.pass(Duration::from_secs(25 * 3600));
    app.wait(gerege::worker::sweep(&app.app, app.app.clock.now()))
        .unwrap();
    assert_eq!(told(poll(&mut app.browser(), &begun)), "invalid_grant");
}

#[test]
fn codes_cannot_be_guessed() {
    let app = TestApp::new();
    television(&app);
    let begun = begin(&app);
    let mut browser = app.browser();
    for _ in 0..10 {
        browser
            .fill("/device", &[("user_code", "BBBB-BBBB")])
            .is(422);
    }
    let code = text(&begun, "user_code");
    // Then a right one is not looked up either.
    let slow = browser.fill("/device", &[("user_code", &code)]).is(429);
    assert_eq!(slow.header("retry-after"), Some("900"));
    app.pass(Duration::from_secs(901));
    let other = begin(&app);
    browser
        .fill("/device", &[("user_code", &text(&other, "user_code"))])
        .is(429);
    // New browsers are of the same network: slowed from now on, but not shut out.
    for _ in 0..50 {
        app.browser().fill("/device", &[("user_code", "cccc cccc")]);
    }
    let another = begin(&app);
    let typed = [("user_code", text(&another, "user_code"))];
    let typed = typed.each_ref().map(|(name, code)| (*name, code.as_str()));
    let slow = app.browser().fill("/device", &typed).is(429);
    assert_eq!(slow.header("retry-after"), Some("2"));
    app.pass(Duration::from_secs(2));
    app.browser()
        .fill("/device", &typed)
        .leads("/oauth2/authorize/");
    // Whoever is signed in does not wait for strangers next door, and has tries of their own.
    app.browser().fill("/device", &typed).is(429);
    app.person("temuulen");
    let mut known = app.browser();
    sign_in(&mut known, "temuulen");
    known.fill("/device", &typed).leads("/oauth2/authorize/");
    for _ in 0..10 {
        known.fill("/device", &[("user_code", "BBBB-BBBB")]).is(422);
    }
    known.fill("/device", &typed).is(429);
    let mut second = app.browser();
    sign_in(&mut second, "temuulen");
    second.fill("/device", &typed).is(429);
    app.deliver();
    app.pass(Duration::from_secs(3601));
    let last = begin(&app);
    let typed = text(&last, "user_code").to_lowercase().replace('-', " ");
    app.browser()
        .fill("/device", &[("user_code", &typed)])
        .leads("/oauth2/authorize/");
}

#[test]
fn a_device_code_is_its_clients_own() {
    let app = TestApp::new();
    register(&app);
    television(&app);
    let begun = begin(&app);
    let code = text(&begun, "device_code");
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.grants.push(GrantType::DeviceCode);
        store::client::save(c, &forum)
    });
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let fields = [("grant_type", GRANT), ("device_code", code.as_str())];
    assert_eq!(told(forum.post("/oauth2/token", &fields)), "invalid_grant");
    let made_up = [
        ("client_id", "television"),
        ("grant_type", GRANT),
        ("device_code", "gd_x"),
    ];
    assert_eq!(
        told(app.browser().post("/oauth2/token", &made_up)),
        "invalid_grant"
    );
    // Only who is registered for it may begin, and only as itself.
    let demo = [("client_id", "demo-messenger"), ("scope", "openid")];
    let refused = app.browser().post("/oauth2/device", &demo);
    assert_eq!(told(refused), "unauthorized_client");
    app.browser()
        .post(
            "/oauth2/device",
            &[("client_id", "forum"), ("scope", "openid")],
        )
        .is(401);
    let none = app
        .browser()
        .post("/oauth2/device", &[("client_id", "television")]);
    assert_eq!(told(none), "invalid_scope");
}

#[test]
fn a_stranger_makes_an_account_on_the_way() {
    let app = TestApp::new();
    television(&app);
    let (begun, mut browser) = (begin(&app), app.browser());
    let answer = browser.fill("/device", &[("user_code", &text(&begun, "user_code"))]);
    let signin = browser.arrive(answer);
    let request = signin.path.split_once('?').unwrap().1.to_owned();
    let page = crate::signup::walk_to_code(&mut browser, &format!("/signup?{request}"), "temuulen");
    let code = app.letter("temuulen@mail.example").code();
    let ready = browser.submit(&page, &[("code", &code)]);
    let ready = browser.arrive(ready);
    let answer = browser.submit(&ready, &[]);
    let page = browser.arrive(answer);
    assert!(
        page.path.starts_with("/device/allow?request="),
        "{}",
        page.path
    );
    allow(&mut browser, &page).is(200);
    poll(&mut app.browser(), &begun).is(200);
}

#[test]
fn without_offline_access_it_ends_with_the_browsers_session() {
    let app = TestApp::new();
    app.person("temuulen");
    television(&app);
    arm(&app);
    app.write(|c| {
        let mut television = store::client::find(c, "television")?.expect("the television");
        television.refresh = RefreshPolicy::Offline;
        television.auth = ClientAuth::None;
        store::client::save(c, &television)
    });
    let (begun, mut browser) = (begin(&app), app.browser());
    sign_in(&mut browser, "temuulen");
    let answer = browser.fill("/device", &[("user_code", &text(&begun, "user_code"))]);
    let page = browser.arrive(answer);
    assert!(
        page.path.starts_with("/device/allow?request="),
        "{}",
        page.path
    );
    allow(&mut browser, &page).is(200);
    let tokens = poll(&mut app.browser(), &begun).is(200).json();
    assert!(tokens.get("refresh_token").is_none());
    let access = text(&tokens, "access_token");
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], true);
    browser.fill("/signout", &[("decision", "signout")]);
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], false);
}

/// What a phone makes of a QR picture: of the modules as they are drawn, not as they were meant.
fn read_by_a_phone(svg: &str) -> String {
    let between = |from: &str, to: &str| {
        let rest = svg.split_once(from).expect("such a picture").1;
        rest.split_once(to).expect("its end").0
    };
    let size: usize = between("viewBox=\"0 0 ", " ").parse().unwrap();
    let paper = format!("<path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>");
    assert!(svg.contains(&paper), "{svg:.300}");
    let dark: BTreeSet<(usize, usize)> = between("<path fill=\"#000\" d=\"M", "z\"")
        .split("zM")
        .map(|module| {
            let at = module.strip_suffix("h1v1h-1").expect("a square");
            let (x, y) = at.split_once(' ').expect("its corner");
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect();
    // So many dots of the camera for each module.
    let dots = 5;
    let seen = |x: usize, y: usize| match dark.contains(&(x / dots, y / dots)) {
        true => 0,
        false => 255,
    };
    let mut photo = rqrr::PreparedImage::prepare_from_greyscale(size * dots, size * dots, seen);
    let found = photo.detect_grids();
    assert_eq!(found.len(), 1);
    found[0].decode().unwrap().1
}

#[test]
fn a_picture_carries_the_link() {
    let app = TestApp::new();
    let picture = app
        .browser()
        .get("/device/qr.svg?user_code=WDJB-MJHT")
        .is(200);
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    let code = "WDJB-MJHT";
    let link = format!("{}/device?user_code={code}", app.origin);
    assert_eq!(read_by_a_phone(&picture.text()), link);
    app.browser()
        .get("/device/qr.svg?user_code=nonsense")
        .is(404);
    app.browser().get("/device/qr.svg").is(404);
}
