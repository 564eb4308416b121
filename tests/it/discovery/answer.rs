//! What we answer: who we are, where the doors are, and how what we say is signed.

use super::*;
use crate::backchannel::{EVENT, tell, told_at_by};

pub fn issuer(world: &mut World, value: &Value) {
    assert_eq!(value, &json!(world.app.origin));
    let tokens = world.tokens(&[], &[]);
    assert_eq!(&jwt(&text(&tokens, "id_token")).1["iss"], value);
}

pub fn subject_types(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["anonymous", "Public", "ephemeral"]);
    let mut subs = BTreeSet::new();
    for one in &list {
        let kind = match *one {
            "public" => SubjectType::Public,
            "pairwise" => SubjectType::Pairwise,
            other => panic!("nobody tries {other}"),
        };
        world.edit(move |crawler| crawler.registration.subject_type = kind);
        let tokens = world.tokens(&[], &[]);
        let sub = text(&jwt(&text(&tokens, "id_token")).1, "sub");
        assert_eq!(world.userinfo(&tokens).json()["sub"], sub);
        subs.insert(sub);
        world.registers("subject_type", json!(one)).is(201);
    }
    assert_eq!(subs.len(), list.len(), "each is another");
    for one in others {
        world.registers("subject_type", json!(one)).is(400);
    }
    world.edit(|crawler| crawler.registration.subject_type = SubjectType::Public);
}

pub fn claims(world: &mut World, value: &Value) {
    let others = [
        "phone_number",
        "address",
        "birthdate",
        "gender",
        "picture",
        "groups",
    ];
    let (list, others) = listed(value, &others);
    let issuer = world.app.origin.clone();
    let own = [("resource", issuer.as_str())];
    let wanted: Value = list
        .iter()
        .chain(&others)
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let wanted = json!({ "id_token": wanted, "userinfo": wanted }).to_string();
    let everything = format!("{EVERYTHING} device_sso");
    let asked = [("scope", everything.as_str()), ("claims", wanted.as_str())];
    let tokens = world.tokens(&asked, &own);
    let id = jwt(&text(&tokens, "id_token")).1;
    let info = world.userinfo(&tokens).json();
    let told: BTreeSet<&str> = [&id, &info]
        .into_iter()
        .flat_map(|claims| claims.as_object().unwrap().keys().map(String::as_str))
        .collect();
    for one in &list {
        assert!(told.contains(one), "{one} is told by nobody");
    }
    for one in told {
        assert!(list.contains(&one), "{one} is told and not listed");
    }
}

pub fn claim_types(world: &mut World, value: &Value) {
    assert_eq!(value, &json!(["normal"]));
    let tokens = world.tokens(
        &[("scope", EVERYTHING)],
        &[("resource", &world.app.origin.clone())],
    );
    let told = world.userinfo(&tokens).json();
    // OpenID Connect Core 5.6.2: no aggregated ones, no distributed ones.
    assert!(told["_claim_names"].is_null() && told["_claim_sources"].is_null());
}

fn algorithm(name: &str) -> Algorithm {
    gerege::keys::parse(name).unwrap_or_else(|| panic!("nobody tries {name}"))
}

pub fn id_token_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    for one in list {
        let kind = algorithm(one);
        world.edit(move |crawler| crawler.id_token_algorithm = kind);
        let tokens = world.tokens(&[], &[]);
        world.verified(&text(&tokens, "id_token"), one);
        world
            .registers("id_token_signed_response_alg", json!(one))
            .is(201);
    }
    for one in others {
        let answer = world.registers("id_token_signed_response_alg", json!(one));
        assert_eq!(answer.status, 400, "{one}");
    }
}

pub fn userinfo_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    for one in list {
        let kind = Some(algorithm(one));
        world.edit(move |crawler| crawler.registration.userinfo_algorithm = kind);
        let tokens = world.tokens(&[], &[]);
        let answer = world.userinfo(&tokens);
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        world.verified(&answer.text(), one);
        world
            .registers("userinfo_signed_response_alg", json!(one))
            .is(201);
    }
    world.edit(|crawler| crawler.registration.userinfo_algorithm = None);
    for one in others {
        let answer = world.registers("userinfo_signed_response_alg", json!(one));
        assert_eq!(answer.status, 400, "{one}");
    }
}

pub fn answer_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    for one in list {
        let kind = Some(algorithm(one));
        world.edit(move |crawler| crawler.asking.response_algorithm = kind);
        let back = world.ask(&[("response_mode", "jwt")]).is(303);
        let response = back.param("response").expect("a signed answer");
        assert!(world.verified(&response, one)["code"].is_string());
    }
    for one in others {
        let answer = world.registers("authorization_signed_response_alg", json!(one));
        assert_eq!(answer.status, 400, "{one}");
    }
}

/// A service's algorithm is the one that signs what it hears.
pub fn introspection_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    for one in list {
        let kind = algorithm(one);
        world.app.write(move |c| {
            let mut room = store::client::find_service(c, "room")?.expect("the room");
            room.algorithm = kind;
            store::client::save_service(c, &room)
        });
        world.app.wait(keyring::refresh(&world.app.app)).unwrap();
        let fields = [("grant_type", "client_credentials"), ("scope", "room")];
        let given = world.post("/oauth2/token", &fields).is(200).json();
        let token = text(&given, "access_token");
        let mut room = world.app.browser();
        room = room.with("Authorization", &basic("room", SECRET));
        room = room.with("Accept", "application/token-introspection+jwt");
        let answer = room
            .post("/oauth2/introspect", &[("token", &token)])
            .is(200);
        let told = world.verified(&answer.text(), one);
        assert_eq!(told["token_introspection"]["active"], true);
    }
    for one in others {
        assert!(gerege::keys::parse(one).is_none(), "{one}");
    }
}

/// The app hears that the session ended, by its id.
pub fn logouts(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    let server = Elsewhere::new();
    server.answers("/out", 200, "");
    told_at_by(&world.app, "crawler", &server.url("/out"));
    let tokens = world.tokens(&[], &[]);
    let id = jwt(&text(&tokens, "id_token")).1;
    let browser = &mut world.browser;
    browser.fill("/signout", &[("decision", "signout")]).is(303);
    tell(&world.app);
    let asked = server.asked();
    let [asked] = asked.as_slice() else {
        panic!("told {} times", asked.len());
    };
    let token = asked.body.strip_prefix("logout_token=").expect("a token");
    let (_, told) = jwt(token);
    assert_eq!((&told["sid"], &told["sub"]), (&id["sid"], &id["sub"]));
    assert!(told["events"][EVENT].is_object());
    world.edit(|crawler| crawler.registration.backchannel_logout_uri = None);
    sign_in(&mut world.browser, "temuulen");
    world.app.deliver();
}

/// An app that nobody registered, known by the document at its `client_id`.
pub fn documents(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    let server = Elsewhere::new();
    let id = server.url("/client.json");
    let document = json!({
        "client_id": id, "client_name": "Far app", "redirect_uris": [BACK],
        "grant_types": ["authorization_code"],
    });
    server.answers("/client.json", 200, &document.to_string());
    let page = world.ask(&[("client_id", &id)]).is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
}
