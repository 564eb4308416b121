//! Access tokens that we did not make, or not for there.

use std::time::{Duration, UNIX_EPOCH};

use gerege::keys::ISSUER;
use gerege::oauth::client::GrantType;
use gerege::oauth::service::{Algorithm, TokenFormat};
use gerege::store;
use gerege_verify::{Keys, Verifier};
use serde_json::{Value, json};

use super::*;
use crate::http::{basic, jwt};
use crate::road::{SECRET, arm, introspect, register, text, token, tokens};
use crate::sign::without;

/// What an app holds, honestly given.
struct World {
    app: TestApp,
    /// For the demo chat server, by its own RS256 key.
    chat: String,
    /// For ourselves, by the issuer's ES256 key.
    own: String,
    /// For the room, whose tokens the issuer's key signs.
    room: String,
    id: String,
    refresh: String,
    thief: [Signer; 2],
}

impl World {
    fn new() -> Self {
        let app = TestApp::new();
        register(&app);
        arm(&app);
        app.write(|c| {
            let mut forum = store::client::find(c, "forum")?.expect("the forum");
            forum.scopes.push("room".into());
            forum.grants.push(GrantType::ClientCredentials);
            store::client::save(c, &forum)
        });
        let mut browser = app.browser();
        let given = tokens(&app, &mut browser, "temuulen");
        let refresh = text(&given, "refresh_token");
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
            ("resource", app.origin.as_str()),
        ];
        let own = token(&mut browser, &fields).is(200).json();
        Self {
            chat: text(&given, "access_token"),
            own: text(&own, "access_token"),
            room: machine(&app),
            id: text(&given, "id_token"),
            refresh: text(&own, "refresh_token"),
            thief: [Signer::rsa(), Signer::ec()],
            app,
        }
    }

    /// Signs with a key of ours what we would not.
    fn sign(
        &self,
        owner: &str,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl serde::Serialize,
    ) -> String {
        let now = self.app.app.clock.now();
        let signed = self.app.app.keys.sign(owner, algorithm, typ, claims, now);
        signed.unwrap()
    }
}

/// The room's token for a machine.
fn machine(app: &TestApp) -> String {
    let fields = [("grant_type", "client_credentials"), ("scope", "room")];
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let given = forum.post("/oauth2/token", &fields).is(200).json();
    text(&given, "access_token")
}

/// An object whose first member stands again.
struct Doubled<'a>(&'a Value, &'static str);

impl serde::Serialize for Doubled<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self.0.as_object().unwrap().iter();
        let (name, first) = (self.1.to_owned(), json!("someone-else"));
        serializer.collect_map(std::iter::once((&name, &first)).chain(own))
    }
}

/// Everything that is refused at every door.
fn rows(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    for (good, thief) in [
        (&world.chat, &world.thief[0]),
        (&world.own, &world.thief[1]),
    ] {
        let (header, said) = jwt(good);
        let [_, claims, signature] = parts(good);
        let alg = header["alg"].as_str().unwrap().to_owned();
        let mut add = |name: String, token: String| rows.push((format!("{alg}: {name}"), token));
        for (name, token) in spellings(good).into_iter().chain(signatures(good)) {
            add(name, token);
        }
        for (name, token) in members(thief, &header, &said) {
            add(name, token);
        }
        let head = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            b64(header.to_string())
        };
        for none in NONE {
            let header = head("alg", json!(none));
            add(none.into(), format!("{header}.{claims}."));
            add(
                format!("{none}, signed"),
                format!("{header}.{claims}.{signature}"),
            );
        }
        for other in [
            json!("HS256"),
            json!("HS512"),
            json!("RS512"),
            json!("PS256"),
            json!("ES384"),
            json!("EdDSA"),
            json!("RS1"),
            json!(""),
            json!(256),
            json!([alg]),
            json!(null),
            json!(alg.to_lowercase()),
        ] {
            let header = head("alg", other.clone());
            add(
                format!("alg {other}"),
                format!("{header}.{claims}.{signature}"),
            );
        }
        for typ in [
            "JWT",
            "logout+jwt",
            "AT+JWT",
            "dpop+jwt",
            "oauth-authz-resp+jwt",
            "",
        ] {
            let header = head("typ", json!(typ));
            add(
                format!("typ {typ}"),
                format!("{header}.{claims}.{signature}"),
            );
        }
        let bare = b64(without(header.clone(), "kid").to_string());
        add("no kid".into(), format!("{bare}.{claims}.{signature}"));
        let text = header.to_string();
        let twice = b64(text.replacen('{', r#"{"alg":"none","#, 1));
        add("alg twice".into(), format!("{twice}.{claims}.{signature}"));
        let mut other = said.clone();
        other["sub"] = json!("someone-else");
        let [header, ..] = parts(good);
        let other = b64(other.to_string());
        add(
            "other claims".into(),
            format!("{header}.{other}.{signature}"),
        );
    }
    rows.extend(hashed(world));
    rows.extend(signed(world));
    for (name, text) in [
        ("an ID token", &world.id),
        ("a refresh token", &world.refresh),
    ] {
        rows.push((name.into(), text.clone()));
    }
    rows
}

/// A public key taken for a secret (RFC 8725 2.1).
fn hashed(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    let [_, claims, _] = parts(&world.chat);
    let mut header = jwt(&world.chat).0;
    header["alg"] = json!("HS256");
    let read = |path: &str| world.app.browser().get(path).is(200).text();
    let pem = read("/services/demo-chat/current.pem");
    let jwk = read("/services/demo-chat/current.jwk");
    let set = read("/services/demo-chat/jwks.json");
    let der = pem::parse(&pem).unwrap().into_contents();
    let modulus: Value = serde_json::from_str(&jwk).unwrap();
    let modulus = modulus["n"].as_str().unwrap();
    for (name, secret) in [
        ("the PEM", pem.as_bytes()),
        (
            "the PEM without its last line break",
            pem.trim_end().as_bytes(),
        ),
        ("the DER", &der),
        ("the JWK", jwk.as_bytes()),
        ("the JWK set", set.as_bytes()),
        ("the modulus", modulus.as_bytes()),
        ("nothing", b""),
    ] {
        rows.push((format!("HS256 with {name}"), hs256(secret, &header, claims)));
    }
    rows
}

/// Rightly signed, by one of our own keys, and wrong all the same.
fn signed(world: &World) -> Vec<Row> {
    let now = world.app.app.clock.now().seconds();
    let (_, chat) = jwt(&world.chat);
    let (_, own) = jwt(&world.own);
    let (es, rs) = (Algorithm::ES256, Algorithm::RS256);
    let mut rows = vec![
        // The issuer's key does not open a service that has its own, nor the other way round.
        (
            "the issuer's key for the chat server",
            world.sign(ISSUER, es, "at+jwt", &chat),
        ),
        (
            "the issuer's RSA key for the chat server",
            world.sign(ISSUER, rs, "at+jwt", &chat),
        ),
        (
            "the chat server's key for ourselves",
            world.sign("demo-chat", rs, "at+jwt", &own),
        ),
        (
            "claims that say sub twice",
            world.sign("demo-chat", rs, "at+jwt", &Doubled(&chat, "gid")),
        ),
        (
            "an answer to a request",
            world.sign(ISSUER, es, "oauth-authz-resp+jwt", &own),
        ),
        ("a logout token", world.sign(ISSUER, es, "logout+jwt", &own)),
        (
            "a signed introspection",
            world.sign(ISSUER, es, "token-introspection+jwt", &own),
        ),
        ("of no type", world.sign(ISSUER, es, "", &own)),
    ];
    let past = now - 3600;
    for (name, member, value) in [
        ("run out", "exp", json!(past)),
        ("an end that is a text", "exp", json!("1900000000")),
        ("no end", "exp", Value::Null),
        ("another issuer", "iss", json!("https://other.example")),
        (
            "the issuer with a slash",
            "iss",
            json!(format!("{}/", world.app.origin)),
        ),
        ("another audience", "aud", json!("https://other.example")),
        (
            "a list of audiences",
            "aud",
            json!(["demo-chat", world.app.origin]),
        ),
        ("no audience", "aud", Value::Null),
        ("the client as audience", "aud", json!("demo-messenger")),
        ("another grant", "gid", json!("aaaaaaaaaaaaaaaaaaaaaaaaaa")),
        ("a grant with SQL", "gid", json!("' OR 1=1 --")),
    ] {
        for (good, owner, algorithm) in [(&chat, "demo-chat", rs), (&own, ISSUER, es)] {
            let mut claims = good.clone();
            if value.is_null() {
                claims = without(claims, member);
            } else {
                claims[member] = value.clone();
            }
            rows.push((name, world.sign(owner, algorithm, "at+jwt", &claims)));
        }
    }
    named(rows)
}

#[test]
fn forged_tokens_open_nothing() {
    let world = World::new();
    let app = &world.app;
    let rows = rows(&world);
    assert!(rows.len() >= 150, "{}", rows.len());
    let keys = app.browser().get("/services/demo-chat/jwks.json").is(200);
    let keys = Keys::from_jwks(&keys.text()).unwrap();
    let verifier = Verifier::new(app.origin.clone(), "demo-chat", keys);
    let seconds = app.app.clock.now().seconds().unsigned_abs();
    let now = UNIX_EPOCH + Duration::from_secs(seconds);
    let before = app.dump();
    let userinfo = |token: &str| {
        let mut asking = app.browser();
        asking = asking.with("Authorization", &format!("Bearer {token}"));
        asking.get("/oauth2/userinfo")
    };
    for (name, token) in &rows {
        // A grant that is gone, and a service's own end of it, only we can know.
        let ours = name.contains("grant");
        assert!(
            ours || verifier.check(token, now).is_err(),
            "{name}: gerege-verify"
        );
        if !token.contains(['\r', '\n', '\0']) {
            let answer = userinfo(token);
            assert!(
                [400, 401].contains(&answer.status),
                "{name}: {}",
                answer.status
            );
            crate::bad_input::tells_nothing(&answer, name);
        }
        for service in ["demo-chat", "room"] {
            let mut asking = app.browser();
            asking = asking.with("Authorization", &basic(service, SECRET));
            let answer = asking.post("/oauth2/introspect", &[("token", token)]);
            if answer.status == 200 {
                assert_eq!(
                    answer.json(),
                    json!({ "active": false }),
                    "{name} at {service}"
                );
            } else {
                refused(&answer, name);
            }
        }
    }
    assert!(app.dump() == before, "a row was changed");
    // The good ones beside them.
    userinfo(&world.own).is(200);
    assert_eq!(introspect(app, "demo-chat", &world.chat)["active"], true);
    assert_eq!(introspect(app, "room", &world.room)["active"], true);
    verifier.check(&world.chat, now).unwrap();
}

#[test]
fn a_token_opens_no_other_door_than_its_own() {
    let world = World::new();
    let app = &world.app;
    let own_door = [
        (&world.own, "userinfo"),
        (&world.chat, "demo-chat"),
        (&world.room, "room"),
    ];
    for (token, own) in own_door {
        for door in ["userinfo", "demo-chat", "room"] {
            let open = if door == "userinfo" {
                let mut asking = app.browser();
                asking = asking.with("Authorization", &format!("Bearer {token}"));
                asking.get("/oauth2/userinfo").status == 200
            } else {
                introspect(app, door, token)["active"] == true
            };
            // The room takes machines here; a person's token for it there is none.
            let may = door == own && (door != "room" || machine_is_let_in(app));
            assert_eq!(open, may, "{own}'s at {door}");
        }
    }
}

fn machine_is_let_in(app: &TestApp) -> bool {
    app.read(|c| Ok(store::client::find_service(c, "room")?.is_some_and(|room| room.machine)))
}

#[test]
fn an_opaque_token_that_is_cut_or_changed_opens_nothing() {
    let world = World::new();
    let app = &world.app;
    app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.format = TokenFormat::Opaque;
        store::client::save_service(c, &room)
    });
    app.pass(Duration::from_secs(1));
    let (good, other) = (machine(app), machine(app));
    let sealed = good
        .strip_prefix("ga_")
        .expect("an opaque token")
        .to_owned();
    let size = sealed.len();
    let mut rows: Vec<(String, String)> = named(vec![
        ("a letter cut off", good[..good.len() - 1].into()),
        ("half of it", good[..good.len() / 2].into()),
        ("its first letter cut off", good[1..].into()),
        ("without its prefix", sealed.clone()),
        ("its prefix alone", "ga_".into()),
        ("its prefix twice", format!("ga_{good}")),
        ("another prefix", format!("gr_{sealed}")),
        ("the prefix in capitals", format!("GA_{sealed}")),
        ("a letter more", format!("{good}A")),
        ("four letters more", format!("{good}AAAA")),
        ("a padded one", format!("{good}=")),
        ("twice", format!("{good}{sealed}")),
        (
            "turned round",
            format!("ga_{}", sealed.chars().rev().collect::<String>()),
        ),
        ("in capitals", format!("ga_{}", sealed.to_ascii_uppercase())),
        ("all of one letter", format!("ga_{}", "A".repeat(size))),
        ("a space behind", format!("{good} x")),
        (
            "the halves of two",
            format!("ga_{}{}", &sealed[..size / 2], &other[3 + size / 2..]),
        ),
    ]);
    for at in (0..size).step_by(size / 12) {
        let letter = if &sealed[at..=at] == "A" { "B" } else { "A" };
        let mut changed = sealed.clone();
        changed.replace_range(at..=at, letter);
        rows.push((format!("letter {at} changed"), format!("ga_{changed}")));
    }
    assert!(rows.len() >= 25, "{}", rows.len());
    for (name, token) in &rows {
        assert_eq!(
            introspect(app, "room", token),
            json!({ "active": false }),
            "{name}"
        );
        let mut asking = app.browser();
        asking = asking.with("Authorization", &format!("Bearer {token}"));
        let status = asking.get("/oauth2/userinfo").status;
        assert!([400, 401].contains(&status), "{name}: {status}");
    }
    assert_eq!(introspect(app, "room", &good)["active"], true);
    assert_eq!(introspect(app, "demo-chat", &good)["active"], false);
}
