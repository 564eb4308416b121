//! Grants that clients manage, and services that are told of.

use super::*;

/// A token by which the app manages its grants.
pub fn manager(world: &World) -> String {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "grant_management_query grant_management_revoke"),
    ];
    let at = world.at("token_endpoint");
    text(&world.post(&at, &fields).is(200).json(), "access_token")
}

/// Asks about a grant, at the address below the endpoint.
pub fn call(world: &World, token: &str, method: &str, id: &str) -> Answer {
    let mut program = world
        .program()
        .with("Authorization", &format!("Bearer {token}"));
    let at = format!("{}/{id}", world.at("grant_management_endpoint"));
    program.send(method, &at, &[], None)
}

pub fn actions(world: &mut World, value: &Value) {
    let token = manager(world);
    let call = |world: &World, method: &str, id: &str| call(world, &token, method, id);
    let tokens = world.tokens(&[("grant_management_action", "create")], &[]);
    let id = text(&tokens, "grant_id");
    let (list, others) = listed(value, &["update", "delete"]);
    for one in &list {
        match *one {
            "create" => {}
            "query" => drop(call(world, "GET", &id).is(200)),
            "revoke" => {}
            action => {
                let wish = [
                    ("grant_management_action", action),
                    ("grant_id", id.as_str()),
                ];
                assert_eq!(world.tokens(&wish, &[])["grant_id"], id.as_str(), "{one}");
            }
        }
    }
    for one in others {
        let wish = [("grant_management_action", one), ("grant_id", id.as_str())];
        assert_eq!(world.refused(&wish), "invalid_request", "{one}");
    }
    assert!(list.contains(&"revoke") && list.contains(&"create"));
    call(world, "DELETE", &id).is(204);
}

pub fn not_required(world: &mut World, value: &Value) {
    assert_eq!(*value, false);
    world.code(&[]);
}

/// The resource names us, and we name it; others are told of by nobody.
pub fn resources(world: &mut World, value: &Value) {
    let at = "/.well-known/oauth-protected-resource/services/";
    let told = world.app.browser().get(&format!("{at}room")).is(200).json();
    assert_eq!(*value, json!([told["resource"]]));
    assert_eq!(told["authorization_servers"], json!([world.app.origin]));
    world.app.browser().get(&format!("{at}demo-chat")).is(404);
}
