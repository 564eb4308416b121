//! Registrations that are taken, cut, and refused.

use proptest::prelude::*;

use super::*;
use Code::{InvalidClientMetadata as Metadata, InvalidRedirectUri as Redirect};

const CB: &str = "https://app.example/cb";

fn policy() -> Policy {
    Policy {
        scopes: ["openid", "profile", "offline_access"]
            .map(str::to_owned)
            .into(),
        details: vec!["room".into()],
        certificates: true,
        pkce: Pkce::Optional,
        own: "https://id.steppe.example".into(),
        names: Names {
            server: "Steppe ID".into(),
            known: vec!["Steppe chat".into()],
        },
    }
}

fn identity(origin: Origin) -> Identity {
    Identity {
        id: "app-1".into(),
        origin,
        created_at: Time::from_seconds(1000),
    }
}

fn read(sent: Value) -> Result<Client, Problem> {
    let sent = sent.as_object().unwrap().clone();
    client(&sent, identity(Origin::Registered), &policy())
}

/// The smallest registration, with one member set.
fn with(name: &str, value: Value) -> Result<Client, Problem> {
    let mut sent = json!({ "redirect_uris": [CB] });
    sent[name] = value;
    read(sent)
}

#[test]
fn defaults_are_those_of_the_standard() {
    let app = read(json!({ "redirect_uris": [CB] })).unwrap();
    assert_eq!(app.auth, ClientAuth::ClientSecretBasic);
    assert_eq!(app.grants, [GrantType::AuthorizationCode]);
    assert_eq!(app.id_token_algorithm, Algorithm::RS256);
    assert_eq!(app.name, "app.example");
    assert_eq!(app.scopes, policy().scopes);
    assert!(app.is_unchecked() && !app.first_party && !app.silent);
    assert_eq!(app.registration.subject_type, SubjectType::Public);
    let public = with("token_endpoint_auth_method", json!("none")).unwrap();
    assert_eq!(public.pkce, Pkce::Required);
    let sent = json!({ "redirect_uris": [CB] });
    let document = client(
        sent.as_object().unwrap(),
        identity(Origin::Document),
        &policy(),
    );
    assert_eq!(document.unwrap().auth, ClientAuth::None);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "a", "y": "b" }] });
    let table: Vec<(&str, Value, Option<Code>)> = vec![
        (
            "redirect_uris",
            json!([CB, "https://app.example/cb?a=b"]),
            None,
        ),
        ("redirect_uris", json!(["http://127.0.0.1/cb"]), None),
        ("redirect_uris", json!(["com.example.app:/cb"]), None),
        ("redirect_uris", json!([]), Some(Redirect)),
        ("redirect_uris", json!(null), Some(Redirect)),
        (
            "redirect_uris",
            json!(["https://app.example/cb#a"]),
            Some(Redirect),
        ),
        (
            "redirect_uris",
            json!(["http://app.example/cb"]),
            Some(Redirect),
        ),
        ("redirect_uris", json!(["myapp:/cb"]), Some(Redirect)),
        (
            "redirect_uris",
            json!(["https://*.example/cb"]),
            Some(Redirect),
        ),
        (
            "redirect_uris",
            json!(["javascript:alert(1)"]),
            Some(Redirect),
        ),
        ("redirect_uris", json!(CB), Some(Metadata)),
        ("redirect_uris", json!([1]), Some(Metadata)),
        ("redirect_uris", json!(vec![CB; 21]), Some(Metadata)),
        ("token_endpoint_auth_method", json!("none"), None),
        (
            "token_endpoint_auth_method",
            json!("client_secret_post"),
            None,
        ),
        (
            "token_endpoint_auth_method",
            json!("client_secret_jwt"),
            Some(Metadata),
        ),
        (
            "token_endpoint_auth_method",
            json!("private_key_jwt"),
            Some(Metadata),
        ),
        ("token_endpoint_auth_method", json!(1), Some(Metadata)),
        (
            "grant_types",
            json!(["authorization_code", "refresh_token"]),
            None,
        ),
        ("grant_types", json!(["implicit"]), Some(Metadata)),
        ("grant_types", json!(["refresh_token"]), Some(Metadata)),
        ("grant_types", json!(["client_credentials"]), Some(Metadata)),
        ("grant_types", json!(["password"]), Some(Metadata)),
        ("response_types", json!(["code"]), None),
        ("response_types", json!(["code id_token"]), Some(Metadata)),
        ("response_types", json!(["token"]), Some(Metadata)),
        ("application_type", json!("native"), None),
        ("application_type", json!("desktop"), Some(Metadata)),
        ("client_name", json!("Хөх тал"), None),
        ("client_name", json!("a".repeat(81)), Some(Metadata)),
        ("client_name", json!("a\u{202e}b"), Some(Metadata)),
        ("client_name", json!("a\nb"), Some(Metadata)),
        ("client_name", json!("Visit evil.example"), Some(Metadata)),
        ("client_name", json!("a/b"), Some(Metadata)),
        (
            "redirect_uris",
            json!([CB, "https://id.steppe.example/oauth2/logout"]),
            Some(Redirect),
        ),
        (
            "redirect_uris",
            json!(["https://id.steppe.example:443/x"]),
            Some(Redirect),
        ),
        (
            "redirect_uris",
            json!(["https://steppe.example/back"]),
            None,
        ),
        (
            "post_logout_redirect_uris",
            json!(["https://id.steppe.example/x"]),
            Some(Metadata),
        ),
        (
            "initiate_login_uri",
            json!("https://id.steppe.example/oauth2/logout"),
            Some(Metadata),
        ),
        ("client_name", json!("Steppe ID: help"), Some(Metadata)),
        ("client_name", json!("St\u{435}ppe-Chat"), Some(Metadata)),
        ("client_name", json!("Steppe chat two"), None),
        ("client_name", json!("app.example"), None),
        ("client_name", json!(["a"]), Some(Metadata)),
        ("logo_uri", json!("https://app.example/logo.png"), None),
        ("logo_uri", json!("javascript:alert(1)"), Some(Metadata)),
        ("policy_uri", json!("http://app.example/"), Some(Metadata)),
        ("jwks", keys.clone(), None),
        ("jwks", json!({ "keys": [] }), Some(Metadata)),
        (
            "jwks",
            json!({ "keys": [{ "kty": "oct", "k": "a" }] }),
            Some(Metadata),
        ),
        (
            "jwks",
            json!({ "keys": [{ "kty": "EC", "d": "a" }] }),
            Some(Metadata),
        ),
        ("jwks_uri", json!("https://app.example/keys"), None),
        ("jwks_uri", json!("file:///etc/passwd"), Some(Metadata)),
        ("scope", json!("openid chat"), None),
        ("scope", json!("chat"), Some(Metadata)),
        ("scope", json!("a\"b"), Some(Metadata)),
        ("subject_type", json!("pairwise"), None),
        ("subject_type", json!("private"), Some(Metadata)),
        ("id_token_signed_response_alg", json!("ES256"), None),
        (
            "id_token_signed_response_alg",
            json!("none"),
            Some(Metadata),
        ),
        (
            "id_token_signed_response_alg",
            json!("HS256"),
            Some(Metadata),
        ),
        ("userinfo_signed_response_alg", json!("RS256"), None),
        (
            "userinfo_signed_response_alg",
            json!("none"),
            Some(Metadata),
        ),
        (
            "id_token_encrypted_response_alg",
            json!("RSA-OAEP"),
            Some(Metadata),
        ),
        (
            "userinfo_encrypted_response_enc",
            json!("A128GCM"),
            Some(Metadata),
        ),
        (
            "authorization_encrypted_response_alg",
            json!("RSA-OAEP"),
            Some(Metadata),
        ),
        (
            "request_object_encryption_alg",
            json!("RSA-OAEP"),
            Some(Metadata),
        ),
        ("request_object_signing_alg", json!("PS256"), None),
        ("request_object_signing_alg", json!("none"), Some(Metadata)),
        ("request_object_signing_alg", json!("HS256"), Some(Metadata)),
        ("token_endpoint_auth_signing_alg", json!("PS256"), None),
        (
            "token_endpoint_auth_signing_alg",
            json!("HS256"),
            Some(Metadata),
        ),
        // Without keys nothing could be signed.
        ("require_signed_request_object", json!(true), Some(Metadata)),
        ("require_signed_request_object", json!(false), None),
        ("authorization_signed_response_alg", json!("EdDSA"), None),
        (
            "authorization_signed_response_alg",
            json!("none"),
            Some(Metadata),
        ),
        ("authorization_details_types", json!(["room"]), None),
        ("authorization_details_types", json!("room"), Some(Metadata)),
        ("default_max_age", json!(600), None),
        ("default_max_age", json!(-1), Some(Metadata)),
        ("default_max_age", json!("600"), Some(Metadata)),
        ("require_auth_time", json!(true), None),
        ("require_auth_time", json!("true"), Some(Metadata)),
        ("require_pushed_authorization_requests", json!(true), None),
        (
            "initiate_login_uri",
            json!("https://app.example/start"),
            None,
        ),
        (
            "initiate_login_uri",
            json!("http://app.example/start"),
            Some(Metadata),
        ),
        (
            "post_logout_redirect_uris",
            json!(["https://app.example/bye"]),
            None,
        ),
        (
            "post_logout_redirect_uris",
            json!(["http://app.example/bye"]),
            Some(Metadata),
        ),
        (
            "backchannel_logout_uri",
            json!("https://app.example/out"),
            None,
        ),
        (
            "backchannel_logout_uri",
            json!("http://app.example/out"),
            Some(Metadata),
        ),
        ("contacts", json!(["ops@app.example"]), None),
        ("software_id", json!("a\u{0}b"), Some(Metadata)),
        ("something_new", json!({ "a": 1 }), None),
    ];
    for (name, value, wanted) in table {
        let got = with(name, value.clone());
        assert_eq!(
            got.err().map(|problem| problem.code),
            wanted,
            "{name} {value}"
        );
    }
    let both = json!({ "redirect_uris": [CB], "jwks": keys, "jwks_uri": "https://app.example/k" });
    assert!(read(both).is_err());
}

#[test]
fn two_hosts_need_a_list_of_both_to_share_a_pairwise_sub() {
    let mut sent = json!({
        "redirect_uris": [CB, "https://other.example/cb"],
        "subject_type": "pairwise",
    });
    assert!(read(sent.clone()).is_err());
    sent["sector_identifier_uri"] = json!("https://owner.example/list");
    let app = read(sent).unwrap();
    let list = |text: &str| check_sector(&app, text.as_bytes()).is_ok();
    assert!(list(
        r#"["https://other.example/cb","https://app.example/cb","https://x.example/"]"#
    ));
    assert!(!list(r#"["https://app.example/cb"]"#));
    assert!(!list("[]"));
    assert!(!list(r#"{"a":1}"#));
    assert!(!list("<html>"));
}

#[test]
fn a_change_names_itself_and_nothing_that_only_we_say() {
    let mut app = read(json!({ "redirect_uris": [CB] })).unwrap();
    app.secret_hash = Some(crate::rng::digest("opensesame"));
    let good = |sent: Value| check_change(sent.as_object().unwrap(), &app).is_ok();
    assert!(good(json!({ "client_id": "app-1" })));
    assert!(good(
        json!({ "client_id": "app-1", "client_secret": "opensesame" })
    ));
    assert!(!good(
        json!({ "client_id": "app-1", "client_secret": "sesame" })
    ));
    assert!(!good(json!({ "client_id": "app-2" })));
    assert!(!good(json!({})));
    assert!(!good(
        json!({ "client_id": "app-1", "registration_access_token": "a" })
    ));
    assert!(!good(
        json!({ "client_id": "app-1", "client_id_issued_at": 1 })
    ));
}

#[test]
fn what_is_told_can_be_registered_again() {
    let sent = json!({
        "redirect_uris": [CB],
        "client_name": "App",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "subject_type": "pairwise",
        "userinfo_signed_response_alg": "ES256",
        "default_max_age": 60,
        "policy_uri": "https://app.example/privacy",
        "jwks_uri": "https://app.example/jwks.json",
        "require_pushed_authorization_requests": true,
        "require_signed_request_object": true,
        "authorization_signed_response_alg": "ES256",
        "authorization_details_types": ["room"],
        "dpop_bound_access_tokens": true,
        "tls_client_certificate_bound_access_tokens": true,
    });
    let app = read(sent.clone()).unwrap();
    let told = told(&app);
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name}");
    }
    let again = client(&told, identity(Origin::Registered), &policy()).unwrap();
    assert_eq!(again, app);
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(name in "[a-z_]{1,20}", value in ".{0,40}", number: i64) {
        for value in [json!(value), json!([value]), json!(number), json!({ "a": value })] {
            if let Ok(app) = with(&name, value) {
                prop_assert!(!app.redirects.is_empty() && app.is_unchecked());
            }
        }
    }
}
