//! What is told of a service: to verifiers, where it is its own issuer, and to apps that know only
//! the service. Each member is tried; one that nobody tries fails.

use super::*;
use crate::dpop::Key;
use crate::resource::offer;
use crate::road::introspect;

/// A person's token for the chat, and what it says: header and claims.
fn chat(world: &mut World) -> (String, Value, Value) {
    let tokens = world.tokens(&[("scope", "openid chat")], &[("resource", "demo-chat")]);
    let token = text(&tokens, "access_token");
    let (header, claims) = jwt(&token);
    (token, header, claims)
}

fn read(world: &World, at: &str) -> Value {
    world.app.browser().get(at).is(200).json()
}

/// RFC 8414 2, OpenID Connect Discovery 3.
#[test]
fn a_service_that_is_its_own_issuer_tells_the_truth() {
    let mut world = World::new("issuer");
    offer(&world.app, "demo-chat", |chat| {
        chat.offers.own_issuer = true;
    });
    let own = format!("{}/services/demo-chat", world.app.origin);
    let at = "/services/demo-chat/.well-known/openid-configuration";
    let person = world
        .app
        .read(|c| store::account::find_by_username(c, "temuulen"));
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        offer(&world.app, "demo-chat", move |chat| {
            chat.algorithm = algorithm;
        });
        world.app.wait(keyring::refresh(&world.app.app)).unwrap();
        let (token, header, claims) = chat(&mut world);
        let told = read(&world, at);
        assert_eq!(told.as_object().unwrap().len(), 7);
        for (name, value) in told.as_object().unwrap() {
            match name.as_str() {
                "issuer" => {
                    assert_eq!((value, &claims["iss"]), (&json!(own), &json!(own)));
                    assert_eq!(introspect(&world.app, "demo-chat", &token)["iss"], *value);
                }
                "jwks_uri" => {
                    let has = |keys: Value| {
                        let mut keys = keys["keys"].as_array().unwrap().iter();
                        keys.any(|key| key["kid"] == header["kid"])
                    };
                    assert!(has(read(&world, &world.path(value))));
                    assert!(!has(read(&world, &world.at("jwks_uri"))));
                }
                // Nobody signs in under that name, and no app is given anything there.
                "response_types_supported" | "grant_types_supported" => {
                    assert_eq!(value, &json!([]));
                    for door in ["oauth2/authorize", "oauth2/token", "authorize", "token"] {
                        let at = format!("/services/demo-chat/{door}");
                        world.app.browser().get(&at).is(404);
                    }
                }
                "subject_types_supported" => {
                    assert_eq!(value, &json!(["public"]));
                    assert_eq!(claims["sub"], person.as_ref().expect("the person").id);
                }
                "scopes_supported" => {
                    assert_eq!(value, &json!([claims["scope"]]));
                }
                "id_token_signing_alg_values_supported" => {
                    assert_eq!(value, &json!([header["alg"]]));
                    assert_eq!(header["alg"], gerege::keys::name(algorithm));
                }
                other => panic!("nobody tries {other}"),
            }
        }
    }
    world.app.deliver();
    let _ = std::fs::remove_dir_all(&world.folder);
}

const MACHINE: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "room")];

/// RFC 9728 2, for a service by each of its ways to check a token.
#[test]
fn what_apps_read_of_a_service_is_true() {
    let mut world = World::new("resource");
    world.app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.userinfo = true;
        store::client::save_service(c, &room)
    });
    let at = "/.well-known/oauth-protected-resource/services/room";
    let first = read(&world, at);
    for (name, value) in first.as_object().unwrap() {
        println!("{name}");
        match name.as_str() {
            "resource" => {
                let wish = [("resource", value.as_str().unwrap())];
                let tokens = world.tokens(&[("scope", "openid room")], &wish);
                assert_eq!(jwt(&text(&tokens, "access_token")).1["aud"], *value);
            }
            "authorization_servers" => {
                assert_eq!(value, &json!([world.told["issuer"]]));
                assert_eq!(
                    world.told["protected_resources"],
                    json!([first["resource"]])
                );
            }
            "scopes_supported" => {
                let given = world.post(&world.at("token_endpoint"), &MACHINE);
                assert_eq!(value, &json!([given.is(200).json()["scope"]]));
            }
            // Where we answer for the service ourselves: RFC 6750 2.1, and never in the URL (RFC
            // 9700 4.3.2).
            "bearer_methods_supported" => {
                assert_eq!(value, &json!(["header"]));
                let wish = [("resource", "https://room.example")];
                let tokens = world.tokens(&[("scope", "openid room")], &wish);
                let token = text(&tokens, "access_token");
                let own = "/services/room/userinfo";
                let bearer = format!("Bearer {token}");
                let mut app = world.app.browser().with("Authorization", &bearer);
                app.get(own).is(200);
                let mut bare = world.app.browser();
                bare.get(&format!("{own}?access_token={token}")).is(401);
            }
            "resource_name" => assert_eq!(value, "Room"),
            "authorization_details_types_supported" => ask::detail_types(&mut world, value),
            other => panic!("nobody tries {other}"),
        }
    }
    for proof in [Proof::Dpop, Proof::Mtls] {
        world.app.write(move |c| {
            let mut room = store::client::find_service(c, "room")?.expect("the room");
            room.proof = proof;
            store::client::save_service(c, &room)
        });
        world.app.pass(Duration::from_secs(1));
        let told = read(&world, at);
        let mut more = 0;
        for (name, value) in told.as_object().unwrap() {
            println!("{name}");
            if first.get(name) == Some(value) {
                continue;
            }
            more += 1;
            let token = world.at("token_endpoint");
            match (name.as_str(), proof) {
                ("dpop_bound_access_tokens_required", Proof::Dpop) => {
                    assert_eq!(value, true);
                    world.post(&token, &MACHINE).is(400);
                    let proof = Key::new().proof(&world.app, "POST", &token, json!({}));
                    let caller = world.app.browser().with("DPoP", &proof);
                    let mut caller = caller.with("Authorization", &basic("crawler", SECRET));
                    let given = caller.post(&token, &MACHINE).is(200).json();
                    assert_eq!(given["token_type"], "DPoP");
                }
                ("dpop_signing_alg_values_supported", Proof::Dpop) => {
                    prove::proof_algorithms(&mut world, value);
                }
                ("tls_client_certificate_bound_access_tokens", Proof::Mtls) => {
                    world.post(&token, &MACHINE).is(400);
                    prove::certificates(&mut world, value);
                }
                (other, _) => panic!("nobody tries {other}"),
            }
        }
        assert_eq!(more, [2, 1][usize::from(proof == Proof::Mtls)]);
        assert!(
            first
                .as_object()
                .unwrap()
                .keys()
                .all(|name| told.get(name).is_some())
        );
    }
    world.app.deliver();
    let _ = std::fs::remove_dir_all(&world.folder);
}
