//! What apps say of themselves (RFC 7591, Client ID Metadata Documents), what they ask for in
//! detail (RFC 9396), and what they do with a grant of theirs.

use std::sync::LazyLock;

use gerege::oauth::authorize::AuthorizeRequest;
use gerege::oauth::client::{Client, ClientAuth, GrantType, Pkce};
use gerege::oauth::details::Details;
use gerege::oauth::document;
use gerege::oauth::grant::Grant;
use gerege::oauth::management::{Action, Managed, show};
use gerege::oauth::params::Params;
use gerege::oauth::redirect::register_check;
use gerege::oauth::register::{self, Identity, Names, Policy, check_change, told};
use gerege::oauth::registration::{Origin, check, check_keys};
use gerege::oauth::scope as scopes;
use gerege::oauth::service::Service;
use serde_json::{Map, Value, json};
use url::Url;

use super::registered::{ISSUER, NOW, clients, grant, services};
use super::text;
use crate::Depth;

pub const METADATA: &[&str] = &[
    "\"redirect_uris\":[\"https://app.example/cb\"]",
    "\"http://127.0.0.1/cb\"",
    "\"com.example.app:/cb\"",
    "\"https://id.steppe.example/account\"",
    "\"client_id\":\"https://app.example/client.json\"",
    "\"client_name\":\"App\"",
    "\"Steppe\"",
    "\"scope\":\"openid chat\"",
    "\"grant_types\":[\"authorization_code\",\"refresh_token\"]",
    "\"client_credentials\"",
    "\"response_types\":[\"code\"]",
    "\"token_endpoint_auth_method\":\"none\"",
    "\"private_key_jwt\"",
    "\"client_secret_post\"",
    "\"jwks\":{\"keys\":[{\"kty\":\"EC\"}]}",
    "\"jwks_uri\":\"https://app.example/keys\"",
    "\"d\":\"AA\"",
    "\"subject_type\":\"pairwise\"",
    "\"sector_identifier_uri\":\"https://app.example/s\"",
    "\"id_token_signed_response_alg\":\"ES256\"",
    "\"userinfo_signed_response_alg\":\"RS256\"",
    "\"default_max_age\":600",
    "\"require_auth_time\":true",
    "\"dpop_bound_access_tokens\":true",
    "\"require_signed_request_object\":true",
    "\"authorization_details_types\":[\"room\"]",
    "\"tls_client_certificate_bound_access_tokens\":true",
    "\"initiate_login_uri\":\"https://app.example/login\"",
    "\"post_logout_redirect_uris\":[\"https://app.example/bye\"]",
    "\"backchannel_logout_uri\":\"https://app.example/out\"",
    "\"request_uris\":[\"https://app.example/r#1\"]",
    "\"contacts\":[\"a@app.example\"]",
    "\"client_secret\":\"x\"",
    "\"id_token_encrypted_response_alg\":\"RSA-OAEP\"",
    "\"application_type\":\"native\"",
    "\"family\":\"steppe\"",
    "application/json",
    "application/client+json",
    "https://app.example/client.json",
    "null",
    "true",
    "[]",
    "\\u0000",
    "\\u202e",
];

static CLIENTS: LazyLock<[Client; 4]> = LazyLock::new(clients);
static SERVICES: LazyLock<[Service; 2]> = LazyLock::new(services);

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    scopes: ["openid", "profile", "email", "chat"]
        .map(String::from)
        .into(),
    details: vec!["room".into()],
    certificates: true,
    pkce: Pkce::Optional,
    names: Names {
        server: "Steppe".into(),
        known: vec!["Forum".into()],
    },
    own: ISSUER.into(),
});

/// What holds of everybody who registered itself, whichever way.
fn strangers(client: &Client) {
    assert!(!client.redirects.is_empty());
    for uri in client.redirects.iter().chain(&client.post_logout) {
        assert!(register_check(uri).is_ok(), "{uri}");
        let at = Url::parse(uri).unwrap();
        assert_ne!(
            at.origin().ascii_serialization(),
            ISSUER,
            "answered at our own pages"
        );
    }
    assert!(!client.scopes.is_empty() && scopes::within(&client.scopes, &POLICY.scopes));
    assert!(scopes::within(&client.asking.details, &POLICY.details));
    assert!(client.may(GrantType::AuthorizationCode));
    let two = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    assert!(client.grants.iter().all(|grant| two.contains(grant)));
    // Only the operator says such things.
    let on_file = &client.registration;
    assert!(!client.first_party && !client.silent && client.is_unchecked());
    assert!(on_file.family.is_none() && on_file.ciba_notification.is_none() && !on_file.checked);
    assert!(client.known.is_none() && client.service.is_none() && client.fapi.is_none());
    assert!(client.exchange.is_empty() && client.secret_hash.is_none());
    assert!(!client.is_public() || client.pkce == Pkce::Required);
    if let Some(jwks) = &client.jwks {
        assert_eq!(check_keys(jwks), Ok(()));
        assert!(on_file.jwks_uri.is_none(), "keys in two places");
    }
    if client.auth == ClientAuth::PrivateKeyJwt {
        assert!(client.jwks.is_some() || on_file.jwks_uri.is_some());
    }
    assert!(!client.name.trim().is_empty() && !client.name.chars().any(char::is_control));
    assert_eq!(check(client), Ok(()));
    let stored = serde_json::to_string(client).unwrap();
    assert!(serde_json::from_str::<Client>(&stored).unwrap() == *client);
}

/// Client metadata in JSON, as an app sends it.
pub fn registration(input: &[u8]) -> Depth {
    let Ok(sent) = serde_json::from_slice::<Map<String, Value>>(input) else {
        return Depth::Door;
    };
    let read = |sent: &Map<String, Value>| {
        let identity = Identity {
            id: "app".into(),
            origin: Origin::Registered,
            created_at: NOW,
        };
        register::client(sent, identity, &POLICY)
    };
    let Ok(client) = read(&sent) else {
        return Depth::Judged;
    };
    assert!(client.id == "app" && client.created_at == NOW);
    strangers(&client);
    // What is told back, sent again, changes nothing (RFC 7592 2.2).
    let mut back = told(&client);
    assert!(!back.keys().any(|name| name.contains("secret")));
    assert!(read(&back).unwrap() == client, "{back:?}");
    assert!(check_change(&back, &client).is_err());
    back.remove("client_id_issued_at");
    assert_eq!(check_change(&back, &client), Ok(()));
    Depth::Accepted
}

/// An address, the kind of what lies there, and the document, a line each.
pub fn document(input: &[u8]) -> Depth {
    let text = text!(input);
    let Some((address, rest)) = text.split_once('\n') else {
        return Depth::Door;
    };
    let Some((kind, body)) = rest.split_once('\n') else {
        return Depth::Door;
    };
    if !document::is_address(address) {
        return Depth::Judged;
    }
    let url = Url::parse(address).unwrap();
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    assert_eq!(url.as_str(), address, "two readers see two addresses");
    assert!(url.scheme() == "https" || url.scheme() == "http" && local);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let read = |body: &[u8]| document::read(address, kind, body, &POLICY, NOW);
    let Ok(client) = read(body.as_bytes()) else {
        return Depth::Judged;
    };
    assert!(client.id == address && client.is_public() && client.pkce == Pkce::Required);
    assert!(body.len() <= 5 * 1024);
    strangers(&client);
    let said: Value = serde_json::from_str(body).unwrap();
    assert!(said["client_id"] == address && said.get("client_secret").is_none());
    let back = serde_json::to_vec(&told(&client)).unwrap();
    if back.len() <= 5 * 1024 {
        assert!(read(&back).unwrap() == client);
    }
    let elsewhere = "https://evil.example/client.json";
    let other = document::read(elsewhere, kind, body.as_bytes(), &POLICY, NOW);
    assert!(other.is_err() || address == elsewhere);
    Depth::Accepted
}

pub const DETAILS: &[&str] = &[
    "{\"type\":\"room\"}",
    "\"type\":\"room\"",
    "\"type\":\"disk\"",
    "\"actions\":[\"read\",\"write\"]",
    "\"locations\":[\"https://chat.example\"]",
    "\"locations\":[\"https://files.example\"]",
    "\"datatypes\":[]",
    "\"privileges\":[\"admin\"]",
    "\"identifier\":\"general\"",
    "\"room\":{\"name\":\"general\",\"until\":10}",
    "1.50",
    "1e3",
    "9007199254740993",
    "\\u202e",
    "\\u0000",
    "\\n",
    "\\\"",
    "null",
    "true",
    "[]",
    "{}",
    ",",
];

/// An app that is registered for a type of the chat server, and one that is for none.
static ASKERS: LazyLock<[Client; 2]> = LazyLock::new(|| {
    [&["room".to_owned()][..], &[]].map(|types| {
        let mut app = CLIENTS[0].clone();
        app.asking.details = types.to_vec();
        app
    })
});

/// `authorization_details`.
pub fn details(input: &[u8]) -> Depth {
    let text = text!(input);
    let [listed, unlisted] = &*ASKERS;
    let asked = ["openid", "chat"].map(String::from);
    let read = |text: &str| Details::parse(text, listed, &asked, SERVICES.as_slice());
    let Ok(details) = read(text) else {
        return if text.trim_start().starts_with(['[', '{']) {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let sent = details.json();
    let all = sent.as_array().unwrap();
    assert!(!details.is_empty() && all.len() <= 16);
    assert!(read(&sent.to_string()).unwrap() == details, "{sent}");
    let stored = serde_json::to_string(&details).unwrap();
    assert!(serde_json::from_str::<Details>(&stored).unwrap() == details);
    for one in all {
        assert_eq!(one["type"], "room");
        assert!(one.to_string().len() <= 1024);
        let places = one.get("locations").and_then(Value::as_array);
        let places = places.into_iter().flatten();
        assert!(
            places
                .into_iter()
                .all(|place| place == "https://chat.example")
        );
    }
    // A person reads all of it, and nothing else.
    let lines = details.lines(SERVICES.as_slice());
    assert_eq!(lines.len(), all.len());
    for (line, one) in lines.iter().zip(all) {
        assert!(line.service == "chat" && line.kind == "room");
        assert_eq!(line.says.len() + 1, one.as_object().unwrap().len());
        let words = line.says.iter().flat_map(|(name, value)| [name, value]);
        for word in words {
            assert!(!word.chars().any(char::is_control), "{word:?}");
        }
    }
    // Whose it is.
    let [chat, files] = &*SERVICES;
    assert!(details.of(Some(chat)) == details && details.of(Some(files)).is_empty());
    assert!(details.of(None).is_empty() && details.and(&details) == details);
    // Neither an app that has not registered the type nor one without a scope of the service.
    assert!(Details::parse(text, unlisted, &asked, SERVICES.as_slice()).is_err());
    assert!(Details::parse(text, listed, &asked[..1], SERVICES.as_slice()).is_err());
    Depth::Accepted
}

pub const MANAGEMENT: &[&str] = &[
    "grant_management_action=",
    "create",
    "merge",
    "replace",
    "query",
    "revoke",
    "update",
    "grant_id=",
    "old",
    "scope=",
    "openid",
    "profile",
    "chat",
    "offline_access",
    "resource=https://chat.example",
    "%00",
    "%20",
];

/// The two parameters of grant management, with the scopes that are allowed now.
pub fn grant_management(input: &[u8]) -> Depth {
    let Ok(params) = Params::parse(input) else {
        return Depth::Door;
    };
    let request = AuthorizeRequest::parse(&params);
    let said = (&request.grant_management_action, &request.grant_id);
    if said == (&None, &None) {
        return Depth::Door;
    }
    let mut depth = Depth::Judged;
    for client in CLIENTS.iter() {
        let Ok(action) = Action::read(&request, client) else {
            continue;
        };
        depth = Depth::Accepted;
        let action = action.expect("one of the two was said");
        assert!(!client.is_public(), "anybody can name a public app");
        assert_eq!(action.names(), request.grant_id.as_deref());
        let word = match action {
            Action::Create => "create",
            Action::Merge(_) => "merge",
            Action::Replace(_) => "replace",
        };
        assert_eq!(request.grant_management_action.as_deref(), Some(word));
        let now = request.scope.as_deref().unwrap_or("openid");
        let Ok(now) = scopes::parse(now) else {
            continue;
        };
        let old = grant();
        let new = Grant {
            id: "new".into(),
            scopes: now.clone(),
            resources: request.resource.clone(),
            ..grant()
        };
        let merges = matches!(action, Action::Merge(_));
        // What the person allows no more is not taken along.
        let less = &old.scopes[..1];
        let cut = action.settle(new.clone(), Some(&old), Some(less));
        let kept = [less, &now].concat();
        assert!(scopes::within(
            &cut.scopes,
            if merges { &kept } else { &now }
        ));
        let settled = action.settle(new.clone(), Some(&old), None);
        assert!(scopes::within(&now, &settled.scopes));
        assert_eq!(
            scopes::within(&old.scopes, &settled.scopes),
            merges || scopes::within(&old.scopes, &now)
        );
        if merges {
            let both = [old.scopes.clone(), now.clone()].concat();
            assert!(scopes::within(&settled.scopes, &both));
        } else {
            assert!(settled.scopes == now && settled.resources == new.resources);
        }
        for (at, name) in settled.scopes.iter().enumerate() {
            assert!(!settled.scopes[..at].contains(name), "{name} twice");
        }
        let names = action.names();
        let managed = Managed {
            id: names.unwrap_or("new").to_owned(),
            takes_over: names.is_some(),
        };
        assert_eq!(settled.managed.as_ref(), Some(&managed));
        let again = action.settle(settled.clone(), Some(&old), None);
        assert!(again.scopes == settled.scopes && again.resources == settled.resources);
        let stored = serde_json::to_string(&settled).unwrap();
        assert!(serde_json::from_str::<Grant>(&stored).unwrap() == settled);
        // What the client reads is what was allowed, and not whose it is (6.4).
        let shown = show(&settled);
        let told = shown["scopes"][0]["scope"].as_str().unwrap();
        assert_eq!(scopes::parse(told).unwrap(), settled.scopes);
        assert!(!shown.contains_key("account_id") && shown["created_at"] == json!(NOW.seconds()));
    }
    depth
}
