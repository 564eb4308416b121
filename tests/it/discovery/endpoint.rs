//! Every endpoint of the document does what it is there for, at the URL that is told, and so does
//! each alias of it, to an app that shows its certificate there.

use super::manage::{call, manager};
use super::*;

const MACHINE: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "room")];

/// No door stands beside one that is told.
fn nothing_beside(world: &World, at: &str) {
    let mut program = world.program();
    for beside in [&format!("{at}x"), &format!("{at}/"), &at.to_uppercase()] {
        assert_eq!(program.get(beside).status, 404, "{beside}");
    }
}

/// A door for programs: it takes what they post, and nothing else.
fn posted(world: &World, at: &str) {
    let mut program = world.program();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let empty = program.send("POST", at, &kind, Some(b"")).status;
    assert!([400, 401, 415].contains(&empty), "{at}: {empty}");
    program.get(at).is(405);
    nothing_beside(world, at);
}

pub fn authorization(world: &mut World, value: &Value) {
    let at = world.path(value);
    let first = world.browser.get(&format!("{at}?{}", request(&[])));
    let back = world.browser.arrive(first).is(303);
    assert!(back.location().starts_with(BACK), "{}", back.location());
    world
        .redeem(&back.param("code").expect("a code"), &[])
        .is(200);
    nothing_beside(world, &at);
}

pub fn token(world: &mut World, value: &Value) {
    let at = world.path(value);
    let given = world.post(&at, &MACHINE).is(200).json();
    let claims = jwt(&text(&given, "access_token")).1;
    assert_eq!(claims["aud"], "https://room.example");
    posted(world, &at);
}

pub fn userinfo(world: &mut World, value: &Value) {
    let at = world.path(value);
    let tokens = world.tokens(&[], &[]);
    let own = format!("Bearer {}", text(&tokens, "access_token"));
    let mut program = world.program().with("Authorization", &own);
    let sub = &jwt(&text(&tokens, "id_token")).1["sub"];
    assert_eq!(program.get(&at).is(200).json()["sub"], *sub);
    world.program().get(&at).is(401);
    nothing_beside(world, &at);
}

/// What the room hears of a token.
fn heard(world: &World, at: &str, token: &str) -> Value {
    let mut room = world
        .program()
        .with("Authorization", &basic("room", SECRET));
    room.post(at, &[("token", token)]).is(200).json()["active"].clone()
}

pub fn introspection(world: &mut World, value: &Value) {
    let at = world.path(value);
    let given = world.post(&world.at("token_endpoint"), &MACHINE);
    let token = text(&given.is(200).json(), "access_token");
    assert_eq!(heard(world, &at, &token), true);
    assert_eq!(heard(world, &at, "made-up"), false);
    posted(world, &at);
}

pub fn revocation(world: &mut World, value: &Value) {
    let at = world.path(value);
    let tokens = world.tokens(&[("scope", "openid offline_access")], &[]);
    let kept = text(&tokens, "refresh_token");
    let refresh = |world: &World| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &*kept)];
        world.post(&world.at("token_endpoint"), &fields)
    };
    refresh(world).is(200);
    world.post(&at, &[("token", &kept)]).is(200);
    assert_eq!(refresh(world).is(400).json()["error"], "invalid_grant");
    posted(world, &at);
}

/// RP-Initiated Logout 1.0, 2 and 3: the session is over, and the person is back at the app.
pub fn end_session(world: &mut World, value: &Value) {
    let at = world.path(value);
    let tokens = world.tokens(&[], &[]);
    let query = encode(&[
        ("id_token_hint", &text(&tokens, "id_token")),
        ("post_logout_redirect_uri", "https://forum.example/bye"),
        ("state", "bye"),
    ]);
    let back = world.browser.get(&format!("{at}?{query}")).is(303);
    assert_eq!(back.location(), "https://forum.example/bye?state=bye");
    assert_eq!(world.refused(&[("prompt", "none")]), "login_required");
    sign_in(&mut world.browser, "temuulen");
    world.app.deliver();
    nothing_beside(world, &at);
}

/// RFC 8628 3.2: codes, and the page on which one is typed; 3.5: the other one is waited with.
pub fn device(world: &mut World, value: &Value) {
    let at = world.path(value);
    let fields = [("client_id", "television"), ("scope", "openid")];
    let begun = world.program().post(&at, &fields).is(200).json();
    let page = text(&begun, "verification_uri_complete");
    let page = page.strip_prefix(&world.app.origin).expect("ours");
    let typed = world.browser.get(page).is(200).hidden("user_code");
    assert_eq!(typed, Some(text(&begun, "user_code")));
    let fields = [
        ("client_id", "television"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", &text(&begun, "device_code")),
    ];
    let token = world.at("token_endpoint");
    let waits = world.program().post(&token, &fields).is(400).json();
    assert_eq!(waits["error"], "authorization_pending");
    posted(world, &at);
}

/// CIBA 7.3: asked here, allowed by the person, and redeemed.
pub fn backchannel(world: &mut World, value: &Value) {
    let at = world.path(value);
    assert_eq!(at, world.at("backchannel_authentication_endpoint"));
    super::asked::grant(world);
    posted(world, &at);
}

/// RFC 9126 2.2 and 4: pushed here, and opened by a browser.
pub fn pushed(world: &mut World, value: &Value) {
    let at = world.path(value);
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(request(&[]).as_bytes())
        .into_owned()
        .collect();
    let fields: Vec<(&str, &str)> = asked
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| world.shown.is_none() || *name != "client_id")
        .collect();
    let pushed = world.post(&at, &fields).is(201).json();
    let query = encode(&[
        ("client_id", "crawler"),
        ("request_uri", &text(&pushed, "request_uri")),
    ]);
    let code = world.open(&query).is(303).param("code").expect("a code");
    world.redeem(&code, &[]).is(200);
    posted(world, &at);
}

/// RFC 7591 3.2.1 and RFC 7592 2.1: an app registers, and reads what is on file where it is told
/// to.
pub fn registration(world: &mut World, value: &Value) {
    let at = world.path(value);
    let body = json!({ "redirect_uris": [BACK], "client_name": "New app" });
    let answer = send(&mut world.program(), "POST", &at, &body);
    let made = answer.is(201).json();
    let own = format!("Bearer {}", text(&made, "registration_access_token"));
    let place = world.path(&made["registration_client_uri"]);
    let mut program = world.program().with("Authorization", &own);
    let on_file = program.get(&place).is(200).json();
    assert_eq!(on_file["client_id"], made["client_id"]);
    posted(world, &at);
}

/// The key of an ID token is there.
pub fn jwks(world: &mut World, value: &Value) {
    let at = world.path(value);
    let tokens = world.tokens(&[], &[]);
    let header = jwt(&text(&tokens, "id_token")).0;
    let keys = world.program().get(&at).is(200).json();
    let mut kids = keys["keys"].as_array().unwrap().iter();
    assert!(kids.any(|key| key["kid"] == header["kid"]));
    nothing_beside(world, &at);
}

/// Grant Management 6.2 to 6.4: the base of addresses, one for each grant.
pub fn grants(world: &mut World, value: &Value) {
    assert_eq!(world.path(value), world.at("grant_management_endpoint"));
    let tokens = world.tokens(&[("grant_management_action", "create")], &[]);
    let id = text(&tokens, "grant_id");
    let token = manager(world);
    let told = call(world, &token, "GET", &id).is(200).json();
    assert!(told["scopes"][0]["scope"].is_string(), "{told}");
    call(world, &token, "DELETE", &id).is(204);
    call(world, &token, "GET", &id).is(404);
    call(world, "made-up", "GET", &id).is(401);
}

/// RFC 8705 5: what the endpoint of the same name does, each does for an app by its certificate,
/// and only for that one.
pub fn aliases(world: &mut World, value: &Value) {
    world.edit(|crawler| {
        let name = "crawler.example".to_owned();
        crawler.auth = ClientAuth::TlsClientAuth;
        crawler.known = Some(gerege::oauth::certificate::Known::Dns(name));
    });
    world.shown = Some(world.showing("crawler.example"));
    for (name, at) in value.as_object().expect("aliases") {
        assert!(world.told[name].is_string(), "{name} is an endpoint");
        println!("{name} by certificate");
        trial(name)(world, at);
    }
    world.shown = Some(world.showing("other.example"));
    let at = world.at("token_endpoint");
    let refused = world.post(&at, &MACHINE).is(401).json();
    assert_eq!(refused["error"], "invalid_client");
    world.shown = None;
    world.edit(|crawler| crawler.auth = ClientAuth::ClientSecretBasic);
}
