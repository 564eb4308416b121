//! What the document says of asking people from an app's own server (CIBA), and of the apps of one
//! family (Native SSO).

use super::*;
use crate::ciba::{GRANT, decide, open};

/// Asks as the app; one name may be asked about ten times in a quarter of an hour.
fn ask(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.app.pass(Duration::from_secs(901));
    let own = [("scope", "openid"), ("login_hint", "temuulen")];
    let at = world.at("backchannel_authentication_endpoint");
    let answer = world.post(&at, &[&own, fields].concat());
    world.app.deliver();
    answer
}

fn poll(world: &World, begun: &Value) -> Answer {
    let id = text(begun, "auth_req_id");
    world.post(
        &world.at("token_endpoint"),
        &[("grant_type", GRANT), ("auth_req_id", &id)],
    )
}

fn allow(world: &mut World) {
    let page = open(&mut world.browser);
    decide(&mut world.browser, &page, "allow").is(200);
}

/// The whole way, for the list of grants.
pub fn grant(world: &mut World) {
    let begun = ask(world, &[]).is(200).json();
    allow(world);
    poll(world, &begun).is(200);
}

/// Polled, and told; `push` would need the tokens themselves to be sent.
pub fn modes(world: &mut World, value: &Value) {
    let (list, _) = listed(value, &["push"]);
    for one in list {
        match one {
            "poll" => grant(world),
            "ping" => {
                let server = Elsewhere::new();
                server.answers("/told", 204, "");
                let at = server.url("/told");
                world.edit(move |crawler| {
                    crawler.registration.ciba_notification = Some(at.clone());
                });
                let token = [("client_notification_token", "8d67dc78-7faa-4d41-aabd")];
                let begun = ask(world, &token).is(200).json();
                allow(world);
                let sent = gerege::flow::ciba::send_due(&world.app.app);
                assert_eq!(world.app.wait(sent).unwrap(), 1);
                assert!(
                    server.asked()[0]
                        .body
                        .contains(&text(&begun, "auth_req_id"))
                );
                poll(world, &begun).is(200);
                world.edit(|crawler| crawler.registration.ciba_notification = None);
            }
            other => panic!("nobody tries the mode {other}"),
        }
    }
}

pub fn algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    let object = |world: &World, alg: &str| {
        world.app.pass(Duration::from_secs(901));
        let now = world.now();
        let claims = json!({
            "iss": "crawler", "aud": world.app.origin, "iat": now, "nbf": now, "exp": now + 60,
            "jti": alg, "scope": "openid", "login_hint": "temuulen",
        });
        world.sign(alg, json!({ "typ": "JWT" }), &claims)
    };
    for one in list {
        let request = object(world, one);
        let taken = world.post("/oauth2/ciba", &[("request", &request)]);
        assert_eq!(taken.status, 200, "{one}: {}", taken.text());
        world.app.deliver();
    }
    for one in others {
        let request = object(world, one);
        let refused = world.post("/oauth2/ciba", &[("request", &request)]);
        let error = text(&refused.is(400).json(), "error");
        assert_eq!(error, "invalid_request", "{one}"); // CIBA 13
    }
}

/// A code of the person's own is neither asked for nor missed.
pub fn user_code(world: &mut World, value: &Value) {
    assert_eq!(value, false);
    ask(world, &[("user_code", "1234")]).is(200);
}

/// A second app of the family signs in by what the first was given.
pub fn family(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    world.app.write(|c| {
        let crawler = store::client::find(c, "crawler")?.expect("the crawler");
        let sister = Client {
            id: "sister".into(),
            ..crawler
        };
        let _ = store::client::add(c, &sister)?;
        Ok(())
    });
    let first = world.tokens(&[("scope", "openid offline_access device_sso")], &[]);
    let (id_token, secret) = (text(&first, "id_token"), text(&first, "device_secret"));
    let issuer = world.app.origin.clone();
    let fields = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("audience", issuer.as_str()),
        ("subject_token", &id_token),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        ),
        ("actor_token", &secret),
        (
            "actor_token_type",
            "urn:openid:params:token-type:device-secret",
        ),
    ];
    let mut sister = world
        .app
        .browser()
        .with("Authorization", &basic("sister", SECRET));
    let given = sister.post("/oauth2/token", &fields).is(200).json();
    assert_eq!(jwt(&text(&given, "id_token")).1["aud"], "sister");
}
