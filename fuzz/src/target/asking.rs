//! What an app's own server asks of a person (CIBA 7.1), and what a second app of a family brings
//! (Native SSO 4.2).

use std::sync::LazyLock;

use gerege::oauth::ciba::{CibaRequest, Hint, LONGEST_MESSAGE};
use gerege::oauth::client::{Client, GrantType};
use gerege::oauth::params::{Params, encode_all};
use gerege::oauth::scope as scopes;
use gerege::oauth::sso::{Ask, is_asked};

use super::registered::{ISSUER, clients, services};
use crate::Depth;

pub const WORDS: &[&str] = &[
    "scope=",
    "openid",
    "profile",
    "chat",
    "device_sso",
    "login_hint=",
    "login_hint_token=",
    "id_token_hint=",
    "binding_message=",
    "requested_expiry=",
    "user_code=",
    "acr_values=",
    "resource=",
    "https://chat.example",
    "client_notification_token=",
    "subject_token=",
    "subject_token_type=urn:ietf:params:oauth:token-type:id_token",
    "actor_token=",
    "actor_token_type=urn:openid:params:token-type:device-secret",
    "audience=",
    "requested_token_type=",
    "%00",
    "%E2%80%AE",
    "%F0%9F%91%8D",
];

/// One that asks, and one that is told.
static ASKERS: LazyLock<[Client; 2]> = LazyLock::new(|| {
    let [forum, ..] = clients();
    let polls = Client {
        grants: vec![GrantType::Ciba],
        ..forum
    };
    let mut told = polls.clone();
    told.registration.ciba_notification = Some("https://forum.example/told".into());
    [polls, told]
});

/// A request for `/oauth2/ciba`, or for an exchange of this kind.
pub fn ciba(input: &[u8]) -> Depth {
    let Ok(params) = Params::parse(input) else {
        return Depth::Door;
    };
    if is_asked(&params) {
        return exchange(&params);
    }
    let services = services();
    let mut depth = Depth::Judged;
    for client in ASKERS.iter() {
        let Ok(asked) = CibaRequest::parse(&params, false, client, &services, ISSUER) else {
            continue;
        };
        depth = Depth::Accepted;
        let scope = &asked.asked.scopes;
        assert!(scopes::has(scope, "openid") && scopes::within(scope, &client.scopes));
        let hints = ["login_hint", "id_token_hint", "login_hint_token"];
        let count = hints.iter().filter(|name| params.one(name).is_some());
        assert_eq!(count.count(), 1);
        match &asked.hint {
            Hint::Login(login) => assert_eq!(params.one("login_hint"), Some(login.as_str())),
            Hint::IdToken(token) => assert_eq!(params.one("id_token_hint"), Some(token.as_str())),
        }
        if let Some(message) = &asked.message {
            assert!(!message.is_empty() && message.chars().count() <= LONGEST_MESSAGE);
            assert!(!message.chars().any(char::is_control));
        }
        assert!(asked.expiry.is_none_or(|expiry| !expiry.is_zero()));
        // It becomes a header.
        let told = client.registration.ciba_notification.is_some();
        assert_eq!(asked.notify.is_some(), told);
        if let Some(token) = &asked.notify {
            assert!(token.bytes().all(|byte| byte.is_ascii_graphic()) && token.len() <= 1024);
        }
        // What is stored reads as itself.
        let stored = serde_json::to_string(&asked.asked).unwrap();
        assert_eq!(
            serde_json::from_str::<gerege::oauth::pending::Asked>(&stored).unwrap(),
            asked.asked
        );
        let again = Params::parse(encode_all(params.iter()).as_bytes()).unwrap();
        let again = CibaRequest::parse(&again, false, client, &services, ISSUER);
        assert!(again.is_ok_and(|again| again == asked));
    }
    depth
}

fn exchange(params: &Params) -> Depth {
    match Ask::parse(params) {
        Ok(ask) => {
            assert!(!ask.id_token.is_empty() && !ask.device_secret.is_empty());
            // Unless the same stands in another parameter, too.
            let holds = |(_, value): &(&str, &str)| value.contains(&ask.device_secret);
            let alone = params.iter().filter(holds).count() == 1;
            assert!(!alone || !format!("{ask:?}").contains(&format!("{:?}", ask.device_secret)));
            Depth::Accepted
        }
        Err(_) => Depth::Judged,
    }
}
