//! Native SSO: the second app of a family signs in by what the first keeps on the device.

use std::time::Duration;

use gerege::oauth::client::Client;
use gerege::rng::digest;
use gerege::store;
use serde_json::Value;

use crate::app::TestApp;
use crate::http::{Answer, Browser, jwt};
use crate::road::*;

const TRADE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const SECRET_KIND: &str = "urn:openid:params:token-type:device-secret";

/// The demo messenger has a sister app, of one family.
pub fn family(app: &TestApp) {
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.registration.family = Some("steppe".into());
        store::client::save(c, &demo)?;
        let calls = Client {
            id: "calls".into(),
            name: "Steppe Calls".into(),
            ..demo
        };
        let _ = store::client::add(c, &calls)?;
        Ok(())
    });
}

fn edit(app: &TestApp, id: &'static str, change: fn(&mut Client)) {
    app.write(move |c| {
        let mut client = store::client::find(c, id)?.expect("the client");
        change(&mut client);
        store::client::save(c, &client)
    });
}

/// Signs in to the messenger with `device_sso`.
pub fn first(app: &TestApp, browser: &mut Browser, scope: &str) -> Value {
    app.person("temuulen");
    let back = ask(browser, &request(&[("scope", scope)]), "temuulen");
    let code = back.is(303).param("code").expect("a code");
    let tokens = redeem(browser, &code).is(200).json();
    app.deliver();
    tokens
}

pub const SCOPE: &str = "openid profile email offline_access device_sso chat";

/// Trades as the sister app, with parameters added, changed, or (by an empty value) left out.
pub fn trade(app: &TestApp, tokens: &Value, other: &[(&str, &str)]) -> Answer {
    let (id_token, secret) = (text(tokens, "id_token"), text(tokens, "device_secret"));
    let own = [
        ("grant_type", TRADE),
        ("client_id", "calls"),
        ("audience", app.origin.as_str()),
        ("subject_token", id_token.as_str()),
        ("subject_token_type", ID_TOKEN),
        ("actor_token", secret.as_str()),
        ("actor_token_type", SECRET_KIND),
    ];
    let all: Vec<(&str, &str)> = own
        .into_iter()
        .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name))
        .chain(other.iter().copied().filter(|(_, value)| !value.is_empty()))
        .collect();
    app.browser().post("/oauth2/token", &all)
}

fn error(answer: Answer) -> String {
    text(&answer.is(400).json(), "error")
}

#[test]
fn a_second_app_of_the_family_signs_in_without_a_browser() {
    let app = TestApp::new();
    family(&app);
    let mut browser = app.browser();
    let tokens = first(&app, &mut browser, SCOPE);
    let claims = jwt(&text(&tokens, "id_token")).1;
    let secret = text(&tokens, "device_secret");
    assert_eq!(claims["ds_hash"], digest(&secret));
    assert!(claims["sid"].is_string());
    assert!(!app.dump().contains(&secret));
    // Each ID token of the grant is of the same secret, which is given once.
    let next = refresh(&mut browser, &text(&tokens, "refresh_token"))
        .is(200)
        .json();
    assert_eq!(
        jwt(&text(&next, "id_token")).1["ds_hash"],
        claims["ds_hash"]
    );
    assert!(next.get("device_secret").is_none());

    // The ID token may have run out (Native SSO 4.3).
    app.pass(Duration::from_secs(24 * 3600));
    let given = trade(&app, &tokens, &[]).is(200).json();
    assert_eq!(
        given["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    let new = jwt(&text(&given, "id_token")).1;
    assert_eq!(new["aud"], "calls");
    for name in ["sub", "sid", "auth_time"] {
        assert_eq!(new[name], claims[name], "{name}");
    }
    assert!(given.get("device_secret").is_none() && new.get("ds_hash").is_none());
    let access = jwt(&text(&given, "access_token")).1;
    assert_eq!(
        (&access["client_id"], &access["aud"]),
        (&"calls".into(), &"demo-chat".into())
    );
    // It lives by itself from here on.
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "calls"),
        ("refresh_token", &text(&given, "refresh_token")),
    ];
    app.browser().post("/oauth2/token", &fields).is(200);
    let issuer = app.origin.clone();
    let own = trade(
        &app,
        &tokens,
        &[("resource", &issuer), ("scope", "openid email")],
    );
    let own = own.is(200).json();
    assert_eq!(own["scope"], "openid email");

    let mut signed_in = app.browser();
    crate::signin::sign_in(&mut signed_in, "temuulen");
    app.deliver();
    let log = signed_in.get("/account/log").is(200).text();
    assert!(log.contains("Signed in to Steppe Calls by another app of its maker"));
    let apps = signed_in.get("/account/apps").is(200).text();
    assert!(apps.contains("Steppe Calls"));
    // Without the first app's grant nothing opens a further one; those that are open stay.
    signed_in.fill("/account/apps", &[("client", "demo-messenger")]);
    assert_eq!(error(trade(&app, &tokens, &[])), "invalid_grant");
    app.browser().post("/oauth2/token", &fields).is(200);
}

// Native SSO 4.3
#[test]
fn neither_half_of_the_pair_opens_anything_alone() {
    let app = TestApp::new();
    family(&app);
    let mut browser = app.browser();
    let tokens = first(&app, &mut browser, SCOPE);
    // A second sign-in of the same person: another pair.
    let back = browser.get(&request(&[("scope", SCOPE)]));
    let back = browser.arrive(back);
    let back = if back.status == 303 {
        back
    } else {
        let id = back.text();
        let id = id.split("name=\"account\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let clicked = browser.submit(&back, &[("account", &id)]);
        browser.arrive(clicked)
    };
    let other = redeem(&mut browser, &back.param("code").expect("a code"))
        .is(200)
        .json();
    assert_ne!(other["device_secret"], tokens["device_secret"]);
    let secret = text(&other, "device_secret");
    let (access, refresh_) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let cut = &secret[..secret.len() - 1];
    for (what, wanted) in [
        (("actor_token", secret.as_str()), "invalid_grant"),
        (("actor_token", cut), "invalid_grant"),
        (("actor_token", refresh_.as_str()), "invalid_grant"),
        (("actor_token", ""), "invalid_request"),
        (("actor_token_type", ""), "invalid_request"),
        (("actor_token_type", ID_TOKEN), "invalid_request"),
        (("subject_token", ""), "invalid_request"),
        (("subject_token", access.as_str()), "invalid_grant"),
        (("audience", ""), "invalid_target"),
        (("audience", "demo-chat"), "invalid_target"),
        (("scope", "room"), "invalid_scope"),
    ] {
        assert_eq!(error(trade(&app, &tokens, &[what])), wanted, "{what:?}");
    }
    trade(&app, &tokens, &[]).is(200);
    trade(&app, &other, &[]).is(200);
}

#[test]
fn only_a_family_that_the_operator_named_shares() {
    let app = TestApp::new();
    family(&app);
    let mut browser = app.browser();
    let tokens = first(&app, &mut browser, SCOPE);
    edit(&app, "calls", |client| client.registration.family = None);
    app.pass(Duration::from_secs(2));
    assert_eq!(error(trade(&app, &tokens, &[])), "unauthorized_client");
    edit(&app, "calls", |client| {
        client.registration.family = Some("taiga".into())
    });
    app.pass(Duration::from_secs(2));
    assert_eq!(error(trade(&app, &tokens, &[])), "invalid_grant");
    edit(&app, "calls", |client| {
        client.registration.family = Some("steppe".into())
    });
    app.pass(Duration::from_secs(2));
    // One of another maker: the person must have allowed it before, in a browser.
    edit(&app, "calls", |client| client.first_party = false);
    app.pass(Duration::from_secs(2));
    assert_eq!(error(trade(&app, &tokens, &[])), "interaction_required");
    edit(&app, "calls", |client| client.first_party = true);
    app.pass(Duration::from_secs(2));
    trade(&app, &tokens, &[]).is(200);
    // The person is closed out.
    let id = app.read(|c| {
        Ok(store::account::find_by_username(c, "temuulen")?
            .expect("they")
            .id)
    });
    app.wait(gerege::flow::operate::person::lock(&app.app, id))
        .unwrap();
    assert_eq!(error(trade(&app, &tokens, &[])), "invalid_grant");
}

#[test]
fn an_app_of_no_family_gets_no_device_secret() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let tokens = first(&app, &mut browser, SCOPE);
    assert!(tokens.get("device_secret").is_none());
    assert!(jwt(&text(&tokens, "id_token")).1.get("ds_hash").is_none());
}

#[test]
fn a_person_may_leave_it_out() {
    let app = TestApp::new();
    family(&app);
    edit(&app, "demo-messenger", |client| client.first_party = false);
    app.person("temuulen");
    let mut browser = app.browser();
    let page = ask(&mut browser, &request(&[("scope", SCOPE)]), "temuulen").is(200);
    assert!(
        page.text()
            .contains("Sign you in to the other apps of its maker")
    );
    assert!(page.ticked("scope").contains(&"device_sso".to_owned()));
    let left = [
        ("scope", "profile"),
        ("scope", "offline_access"),
        ("decision", "allow"),
    ];
    let answer = browser.submit(&page, &left);
    let back = browser.arrive(answer);
    let code = back.is(303).param("code").expect("a code");
    let tokens = redeem(&mut browser, &code).is(200).json();
    assert!(tokens.get("device_secret").is_none());
    app.deliver();
}
