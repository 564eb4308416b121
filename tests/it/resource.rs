//! A service that is its own issuer (PROTOCOL 1), and one that apps find us by (RFC 9728).

use std::time::{Duration, UNIX_EPOCH};

use gerege::flow::operate::service as operate;
use gerege::oauth::service::{KeyOwner, Offers, Service};
use gerege::store;
use gerege_verify::{Keys, Refusal, Verifier};
use serde_json::Value;

use crate::app::TestApp;
use crate::http::{basic, jwt};
use crate::road::*;

/// Switches something on for a service, as the operator does.
pub fn offer(app: &TestApp, id: &str, change: impl Fn(&mut Service) + Send + 'static) {
    app.wait(operate::edit(&app.app, id, false, false, change))
        .unwrap_or_else(|why| panic!("{why}"));
    app.pass(Duration::from_secs(1));
}

/// What a verifier does that knows the name of an issuer alone.
fn discovered(app: &TestApp, issuer: &str, audience: &str) -> Verifier {
    let path = |url: &str| url.strip_prefix(&app.origin).expect("ours").to_owned();
    let told = app
        .browser()
        .get(&path(&format!("{issuer}/.well-known/openid-configuration")))
        .is(200)
        .json();
    assert_eq!(told["issuer"], issuer);
    let keys = app.browser().get(&path(&text(&told, "jwks_uri"))).is(200);
    Verifier::new(issuer, audience, Keys::from_jwks(&keys.text()).unwrap())
}

#[test]
fn a_service_that_is_its_own_issuer_takes_its_own_tokens_and_no_other() {
    let app = TestApp::new();
    register(&app);
    arm(&app);
    offer(&app, "demo-chat", |chat| chat.offers.own_issuer = true);
    let own = format!("{}/services/demo-chat", app.origin);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    assert_eq!(jwt(&access).1["iss"], own);
    // The ID token is ours as ever.
    assert_eq!(jwt(&text(&tokens, "id_token")).1["iss"], app.origin);
    let heard = introspect(&app, "demo-chat", &access);
    assert_eq!(
        (&heard["active"], &heard["iss"]),
        (&true.into(), &own.clone().into())
    );

    let now = UNIX_EPOCH + Duration::from_millis(app.app.clock.now().millis() as u64);
    let chat = discovered(&app, &own, "demo-chat");
    assert_eq!(
        chat.check(&access, now).unwrap().text("iss"),
        Some(own.as_str())
    );
    // A machine's token for another service, and one for ourselves.
    let machine = app
        .browser()
        .with("Authorization", &basic("forum", SECRET))
        .post("/oauth2/token", &[("grant_type", "client_credentials")]);
    assert_eq!(machine.status, 200, "{}", machine.text());
    let other = text(&machine.json(), "access_token");
    assert_eq!(chat.check(&other, now), Err(Refusal::UnknownKey));
    let ours = text(
        &token(
            &mut browser,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", &text(&tokens, "refresh_token")),
                ("resource", &app.origin),
            ],
        )
        .is(200)
        .json(),
        "access_token",
    );
    assert_eq!(chat.check(&ours, now), Err(Refusal::UnknownKey));
    // The other way round: whoever trusts our name takes nothing of the service's.
    let house = discovered(&app, &app.origin, "demo-chat");
    assert_eq!(house.check(&access, now), Err(Refusal::UnknownKey));
    browser
        .with("Authorization", &format!("Bearer {access}"))
        .get("/oauth2/userinfo")
        .is(401);
}

#[test]
fn a_service_is_told_of_in_each_place_where_verifiers_look_and_only_when_asked_to() {
    let app = TestApp::new();
    let places = [
        "/services/demo-chat/.well-known/openid-configuration",
        "/services/demo-chat/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/services/demo-chat",
        "/.well-known/oauth-authorization-server/services/demo-chat",
    ];
    for place in places {
        app.browser().get(place).is(404);
    }
    let resource = "/.well-known/oauth-protected-resource/services/demo-chat";
    app.browser().get(resource).is(404);
    offer(&app, "demo-chat", |chat| chat.offers.own_issuer = true);
    let mut told = Vec::new();
    for place in places {
        let mut page = app.browser().with("Origin", "https://app.example");
        let answer = page.get(place).is(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let tag = answer.header("etag").expect("an ETag").to_owned();
        page.send("GET", place, &[("If-None-Match", &tag)], None)
            .is(304);
        told.push(answer.text());
    }
    assert!(told.iter().all(|one| *one == told[0]));
    // Its name and its metadata are two things.
    app.browser().get(resource).is(404);
    for place in [
        "/services/room/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/services/room",
        "/.well-known/oauth-protected-resource",
    ] {
        app.browser().get(place).is(404);
    }
}

#[test]
fn what_cannot_be_its_own_issuer_or_be_found_is_refused_to_the_operator() {
    let app = TestApp::new();
    register(&app);
    let edit = |id: &str, change: fn(&mut Service)| {
        let done = app.wait(operate::edit(&app.app, id, false, false, change));
        done.map(drop).map_err(|why| why.to_string())
    };
    let why = edit("room", |room| room.offers.own_issuer = true).unwrap_err();
    assert!(why.contains("its own key"), "{why}");
    let why = edit("demo-chat", |chat| chat.offers.metadata = true).unwrap_err();
    assert!(why.contains("demo-chat is not an https URL"), "{why}");
    // Taking the key away takes the name away first.
    edit("demo-chat", |chat| chat.offers.own_issuer = true).unwrap();
    edit("demo-chat", |chat| chat.keys = KeyOwner::Issuer).unwrap_err();
    edit("demo-chat", |chat| {
        chat.keys = KeyOwner::Issuer;
        chat.offers = Offers::default();
    })
    .unwrap();
}

#[test]
fn an_app_that_knows_the_service_alone_finds_us_and_gets_a_token_for_it() {
    let app = TestApp::new();
    register(&app);
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.scopes.push("room".into());
        store::client::save(c, &demo)
    });
    let before = discovery(&app);
    assert!(before["protected_resources"].is_null());
    offer(&app, "room", |room| room.offers.metadata = true);
    let told = app
        .browser()
        .get("/.well-known/oauth-protected-resource/services/room")
        .is(200)
        .json();
    assert_eq!(told["resource"], "https://room.example");
    assert_eq!(
        told["authorization_servers"],
        serde_json::json!([app.origin])
    );
    assert_eq!(told["bearer_methods_supported"][0], "header");
    // RFC 9728 4: the two documents name each other.
    assert_eq!(discovery(&app)["protected_resources"][0], told["resource"]);
    app.person("temuulen");
    let mut browser = app.browser();
    let scope = format!("openid {}", told["scopes_supported"][0].as_str().unwrap());
    let at = request(&[("scope", &scope), ("resource", &text(&told, "resource"))]);
    let back = ask(&mut browser, &at, "temuulen").is(303);
    let tokens = redeem(&mut browser, &back.param("code").unwrap()).is(200);
    let (_, claims) = jwt(&text(&tokens.json(), "access_token"));
    assert_eq!(claims["aud"], told["resource"]);
}

fn discovery(app: &TestApp) -> Value {
    let at = "/.well-known/openid-configuration";
    app.browser().get(at).is(200).json()
}
