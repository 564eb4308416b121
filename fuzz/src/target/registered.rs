//! What is on file for the targets: clients and services of every kind, and a grant.

use gerege::clock::Time;
use gerege::oauth::claims_request::Given;
use gerege::oauth::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use gerege::oauth::details::Details;
use gerege::oauth::grant::Grant;
use gerege::oauth::registration::Registration;
use gerege::oauth::service::{Algorithm, KeyOwner, Offers, Proof, Rotation, Service, TokenFormat};
use gerege::rng::digest;

pub const ISSUER: &str = "https://id.steppe.example";
/// When every input arrives.
pub const NOW: Time = Time::from_seconds(1_800_000_000);
/// What confidential clients prove themselves by.
pub const SECRET: &str = "opensesame";

/// A messenger that is an app, one on the web, an app with a scheme of its own, and one that signs.
pub fn clients() -> [Client; 4] {
    let forum = Client {
        id: "forum".into(),
        name: "Forum".into(),
        auth: ClientAuth::ClientSecretBasic,
        secret_hash: Some(digest(SECRET)),
        jwks: None,
        redirects: vec![
            "https://forum.example/back".into(),
            "https://forum.example/back?from=id".into(),
            "https://forum.example/empty?".into(),
        ],
        post_logout: vec![
            "https://forum.example/bye".into(),
            "https://forum.example/bye?a=1".into(),
        ],
        scopes: ["openid", "profile", "email", "chat"]
            .map(String::from)
            .into(),
        grants: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        pkce: Pkce::Optional,
        first_party: false,
        silent: false,
        refresh: RefreshPolicy::Offline,
        id_token_algorithm: Algorithm::RS256,
        id_token_claims: false,
        asking: Asking {
            details: vec!["room".into()],
            ..Asking::default()
        },
        dpop: Need::Optional,
        known: None,
        certificate_bound: false,
        service: None,
        exchange: Vec::new(),
        fapi: None,
        registration: Registration::default(),
        created_at: Time::default(),
    };
    let desk = Client {
        id: "desk".into(),
        auth: ClientAuth::None,
        secret_hash: None,
        redirects: vec![
            "http://127.0.0.1/callback".into(),
            "http://[::1]/callback?x=y".into(),
            "http://localhost:7777/callback".into(),
        ],
        scopes: ["openid", "offline_access", "chat"]
            .map(String::from)
            .into(),
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        pkce: Pkce::Required,
        first_party: true,
        refresh: RefreshPolicy::Always,
        ..forum.clone()
    };
    let phone = Client {
        id: "phone".into(),
        redirects: vec!["com.example.phone:/back".into()],
        ..desk.clone()
    };
    let robot = Client {
        id: "robot".into(),
        auth: ClientAuth::ClientSecretPost,
        redirects: vec!["https://robot.example/".into()],
        scopes: vec!["chat".into(), "files".into()],
        grants: vec![
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
        ],
        ..forum.clone()
    };
    [forum, desk, phone, robot]
}

/// One that takes machines and one that does not.
pub fn services() -> [Service; 2] {
    let chat = Service {
        id: "chat".into(),
        name: "Chat".into(),
        audience: "https://chat.example".into(),
        scopes: vec!["chat".into()],
        details: vec!["room".into()],
        algorithm: Algorithm::ES256,
        format: TokenFormat::Jwt,
        claims: Vec::new(),
        keys: KeyOwner::Own,
        rotation: Rotation::Jwks,
        machine: true,
        userinfo: true,
        proof: Proof::Bearer,
        offers: Offers::default(),
        words: Default::default(),
        secret_hash: Some(digest(SECRET)),
        created_at: Time::default(),
    };
    let files = Service {
        id: "files".into(),
        audience: "https://files.example".into(),
        scopes: vec!["files".into()],
        details: Vec::new(),
        machine: false,
        ..chat.clone()
    };
    [chat, files]
}

/// What a person allowed the messenger that is an app.
pub fn grant() -> Grant {
    Grant {
        id: "g".into(),
        account_id: "a".into(),
        client_id: "desk".into(),
        sid: "s".into(),
        scopes: ["openid", "offline_access", "chat"]
            .map(String::from)
            .into(),
        resources: Vec::new(),
        offline: true,
        claims: Given::default(),
        details: Details::default(),
        nonce: None,
        auth_time: NOW,
        amr: vec!["pwd".into()],
        dpop_jkt: None,
        managed: None,
        created_at: NOW,
        revoked_at: None,
    }
}
