//! What is told is exactly what there is: every kind that the code knows stands in the document,
//! and no other.

use std::collections::BTreeSet;

use super::*;
use crate::oauth::authenticate::{Presented, check_service};
use crate::oauth::client::ClientAuth;
use crate::oauth::management::Action;
use crate::oauth::prompt::Prompt;
use crate::oauth::redirect::{Delivery, ResponseMode};
use crate::oauth::registration::SubjectType;
use crate::oauth::service::Algorithm;
use crate::oauth::service::tests::service;

#[test]
fn every_endpoint_stands_under_the_issuer() {
    let issuer = "https://steppe.example";
    let document = discovery(issuer, &[service("chat", &["chat"])], &["mn".to_owned()]);
    assert_eq!(document["issuer"], issuer);
    for (name, value) in &document {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            assert!(
                value
                    .as_str()
                    .unwrap()
                    .starts_with("https://steppe.example/"),
                "{name}"
            );
        }
    }
    assert_eq!(document["scopes_supported"][7], "chat");
    assert_eq!(document["ui_locales_supported"], json!(["mn"]));
}

#[test]
fn what_is_refused_is_not_told() {
    let text = Value::Object(discovery("https://steppe.example", &[], &[])).to_string();
    for word in [
        "implicit",
        "\"password\"",
        "plain",
        "none\",\"HS",
        "HS256",
        "token id_token",
        "address",
    ] {
        assert!(!text.contains(word), "{word}");
    }
}

/// Every variant of an enum; one that is left out does not compile.
macro_rules! every {
    ($kind:ident: $($one:ident),+) => {{
        let _ = |kind: $kind| match kind { $($kind::$one { .. } => {}),+ };
        [$($kind::$one),+]
    }};
}

/// The values of a member, each once.
fn listed(document: &Map<String, Value>, name: &str) -> BTreeSet<String> {
    let list = document[name].as_array().expect("a list");
    let once: BTreeSet<String> = list
        .iter()
        .map(|one| one.as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(once.len(), list.len(), "{name}");
    once
}

/// As it goes over the wire.
fn wire(kind: impl serde::Serialize) -> String {
    let value = serde_json::to_value(kind).unwrap();
    value.as_str().expect("a text").to_owned()
}

fn plain() -> Map<String, Value> {
    discovery("https://steppe.example", &[], &[])
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn every_grant_is_told_and_no_other() {
    let all = every!(GrantType: AuthorizationCode, RefreshToken, ClientCredentials, DeviceCode,
        TokenExchange, Ciba);
    let names = all.map(|one| one.name().to_owned());
    assert_eq!(listed(&plain(), "grant_types_supported"), names.into());
    for one in all {
        assert_eq!(GrantType::from_name(one.name()), Some(one));
    }
}

/// RFC 8705 2: those by certificate while certificates are looked at, the one by an authority while
/// there is one.
#[test]
fn every_way_to_prove_oneself_is_told_where_it_works() {
    let all = every!(ClientAuth: None, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt,
        TlsClientAuth, SelfSignedTlsClientAuth);
    let mut own = plain();
    tell_of_certificates(&mut own, false, None);
    let mut vouched = plain();
    tell_of_certificates(&mut vouched, true, None);
    for (document, certificates, authority) in [
        (plain(), false, false),
        (own, true, false),
        (vouched, true, true),
    ] {
        let works = |auth: &ClientAuth| match auth {
            ClientAuth::TlsClientAuth => authority,
            ClientAuth::SelfSignedTlsClientAuth => certificates,
            _ => true,
        };
        let wanted: BTreeSet<String> = all.iter().copied().filter(works).map(wire).collect();
        for name in [
            "token_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_methods_supported",
        ] {
            assert_eq!(listed(&document, name), wanted, "{name}");
        }
    }
}

/// A service is believed by exactly what is told of introspection.
#[test]
fn every_way_in_which_a_service_is_believed_is_told() {
    let mut chat = service("chat", &["chat"]);
    chat.secret_hash = Some(digest("s"));
    let (client_id, secret) = ("chat".to_owned(), "s".to_owned());
    let assertion = "a.b.c".to_owned();
    let der = b"certificate".to_vec();
    let ways = [
        Presented::None {
            client_id: client_id.clone(),
        },
        Presented::Basic {
            client_id: client_id.clone(),
            secret: secret.clone(),
        },
        Presented::Post {
            client_id: client_id.clone(),
            secret,
        },
        Presented::Assertion {
            client_id: client_id.clone(),
            assertion,
        },
        Presented::Certificate { client_id, der },
    ];
    // Another way does not compile until it stands above.
    for way in &ways {
        match way {
            Presented::None { .. }
            | Presented::Basic { .. }
            | Presented::Post { .. }
            | Presented::Assertion { .. }
            | Presented::Certificate { .. } => {}
        }
    }
    let believed = ways
        .iter()
        .filter(|way| check_service(&chat, way).is_ok())
        .map(|way| wire(way.method()));
    let told = listed(&plain(), "introspection_endpoint_auth_methods_supported");
    assert_eq!(told, believed.collect());
}

#[test]
fn every_way_of_an_answer_is_told_plain_and_signed() {
    let mut wanted = set(&["jwt"]);
    for mode in every!(ResponseMode: Query, Fragment, FormPost) {
        let name = match mode {
            ResponseMode::Query => "query",
            ResponseMode::Fragment => "fragment",
            ResponseMode::FormPost => "form_post",
        };
        for (name, signed) in [(name.to_owned(), false), (format!("{name}.jwt"), true)] {
            assert_eq!(Delivery::from_name(&name), Some(Delivery { mode, signed }));
            wanted.insert(name);
        }
    }
    assert_eq!(listed(&plain(), "response_modes_supported"), wanted);
}

#[test]
fn every_prompt_is_told() {
    let told = listed(&plain(), "prompt_values_supported");
    let mut asked = [false; 5];
    for word in &told {
        // A field more does not compile until it stands here.
        let Prompt {
            none,
            login,
            consent,
            create,
            select_account,
        } = Prompt::parse(word).unwrap();
        let one = [none, login, consent, create, select_account];
        assert_eq!(one.iter().filter(|asked| **asked).count(), 1, "{word}");
        for (asked, one) in asked.iter_mut().zip(one) {
            *asked |= one;
        }
    }
    assert_eq!(asked, [true; 5]);
    assert_eq!(told.len(), asked.len());
}

#[test]
fn every_algorithm_that_signs_is_told_of_each_thing_that_is_signed() {
    let all: BTreeSet<String> = every!(Algorithm: RS256, ES256, EdDSA).map(wire).into();
    for name in [
        "id_token_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "authorization_signing_alg_values_supported",
        "introspection_signing_alg_values_supported",
    ] {
        assert_eq!(listed(&plain(), name), all, "{name}");
    }
}

#[test]
fn every_kind_of_subject_is_told() {
    let all = every!(SubjectType: Public, Pairwise).map(wire);
    assert_eq!(listed(&plain(), "subject_types_supported"), all.into());
}

/// Grant Management 7.1: what a request does, and what is done below the endpoint.
#[test]
fn every_action_on_a_grant_is_told() {
    let id = || "g1".to_owned();
    let all = [Action::Create, Action::Merge(id()), Action::Replace(id())];
    let asked = all.iter().map(|one| match one {
        Action::Create => "create".to_owned(),
        Action::Merge(_) => "merge".to_owned(),
        Action::Replace(_) => "replace".to_owned(),
    });
    let done = set(&["query", "revoke"]);
    let told = listed(&plain(), "grant_management_actions_supported");
    assert_eq!(told, asked.chain(done).collect());
}

/// Each scope that means something to us, and each of a service.
#[test]
fn every_scope_is_told() {
    let services = [
        service("chat", &["chat"]),
        service("files", &["files", "chat"]),
    ];
    let document = discovery("https://steppe.example", &services, &[]);
    let wanted = &set(&OURS) | &set(&["chat", "files"]);
    assert_eq!(listed(&document, "scopes_supported"), wanted);
}
