//! What a client that is held to FAPI may not be, ask or sign.

use serde_json::json;

use super::*;
use crate::oauth::client::Need;
use crate::oauth::client::tests::client;

const NOW: Time = Time::from_seconds(1_800_000_000);

/// A client that FAPI takes.
fn bank() -> Client {
    let mut bank = client(&["https://bank.example/cb"], "openid");
    bank.auth = ClientAuth::PrivateKeyJwt;
    bank.jwks = Some(json!({ "keys": [{ "kty": "EC", "alg": "ES256" }] }).to_string());
    bank.id_token_algorithm = Algorithm::ES256;
    bank.fapi = Some(Fapi::default());
    bank
}

#[test]
fn each_demand_on_a_registration_is_told_by_name() {
    assert_eq!(check(&bank()), Ok(()));
    type Row = (fn(&mut Client), Fault);
    let table: Vec<Row> = vec![
        (|one| one.auth = ClientAuth::None, Fault::Auth),
        (|one| one.auth = ClientAuth::ClientSecretBasic, Fault::Auth),
        (|one| one.auth = ClientAuth::ClientSecretPost, Fault::Auth),
        (|one| one.pkce = Pkce::Optional, Fault::Pkce),
        (
            |one| one.redirects.push("http://127.0.0.1/cb".into()),
            Fault::Redirect("http://127.0.0.1/cb".into()),
        ),
        (
            |one| one.redirects.push("com.example.bank:/cb".into()),
            Fault::Redirect("com.example.bank:/cb".into()),
        ),
        (
            |one| one.id_token_algorithm = Algorithm::RS256,
            Fault::Algorithm("ID tokens"),
        ),
        (
            |one| one.asking.response_algorithm = Some(Algorithm::RS256),
            Fault::Algorithm("answers"),
        ),
        (
            |one| one.registration.userinfo_algorithm = Some(Algorithm::RS256),
            Fault::Algorithm("answers of userinfo"),
        ),
        (|one| one.grants.push(GrantType::DeviceCode), Fault::Device),
        (
            |one| one.jwks = Some(r#"{"keys":[{"kty":"RSA","alg":"RS256"}]}"#.into()),
            Fault::Key("RS256".into()),
        ),
    ];
    for (change, fault) in table {
        let mut one = bank();
        change(&mut one);
        assert_eq!(check(&one), Err(fault.clone()), "{fault}");
        one.fapi = None;
        assert_eq!(check(&one), Ok(()), "without FAPI: {fault}");
    }
    for auth in [
        ClientAuth::TlsClientAuth,
        ClientAuth::SelfSignedTlsClientAuth,
    ] {
        let mut one = bank();
        one.auth = auth;
        one.jwks = Some(r#"{"keys":[{"kty":"RSA","use":"enc","alg":"RSA-OAEP"}]}"#.into());
        assert_eq!(check(&one), Ok(()), "{auth:?}");
    }
}

#[test]
fn the_switch_makes_each_part_required() {
    let mut one = bank();
    assert!(one.must_push() && one.must_prove_key() && !one.must_sign());
    assert_eq!(one.response_algorithm(), Algorithm::ES256);
    one.certificate_bound = true;
    assert!(!one.must_prove_key(), "its certificate binds its tokens");
    one.fapi = Fapi::from_name("message-signing");
    assert!(one.must_sign());
    one.fapi = None;
    assert!(!one.must_push() && !one.must_sign());
    assert_eq!(one.response_algorithm(), Algorithm::RS256);
    one.dpop = Need::Required;
    assert!(one.must_prove_key());
}

#[test]
fn its_parts_have_names() {
    for (name, jar, jarm, introspection) in [
        ("security", false, false, false),
        ("security+jar", true, false, false),
        ("security+jarm", false, true, false),
        ("security+introspection", false, false, true),
        ("security+jar+jarm", true, true, false),
        ("security+jar+jarm+introspection", true, true, true),
    ] {
        let fapi = Fapi::from_name(name).unwrap();
        let parts = (fapi.jar, fapi.jarm, fapi.introspection);
        assert_eq!(parts, (jar, jarm, introspection), "{name}");
        assert_eq!(fapi.name(), name);
    }
    let all = Fapi::from_name("message-signing").unwrap();
    assert_eq!(all.name(), "security+jar+jarm+introspection");
    assert_eq!(
        Fapi::from_name("security+jarm+jar"),
        Fapi::from_name("security+jar+jarm")
    );
    for bad in [
        "",
        "fapi2",
        "jar",
        "security+",
        "Security",
        "security+jar+jar",
        "jar+security",
        "security+security",
    ] {
        assert_eq!(Fapi::from_name(bad), None, "{bad}");
    }
}

#[test]
fn a_request_names_its_address_and_how_it_is_answered() {
    let asked = |address: bool| AuthorizeRequest {
        redirect_uri: address.then(|| "https://bank.example/cb".to_owned()),
        ..AuthorizeRequest::default()
    };
    let mode = |name: &str| Delivery::from_name(name).unwrap();
    let security = Fapi::default();
    let signing = Fapi::from_name("message-signing").unwrap();
    assert!(judge(security, &asked(true), mode("query")).is_ok());
    assert!(judge(signing, &asked(true), mode("jwt")).is_ok());
    for (fapi, address, name, word) in [
        (security, false, "query", "redirect_uri"),
        (signing, true, "query", "response_mode"),
        (signing, true, "form_post", "response_mode"),
        (signing, false, "jwt", "redirect_uri"),
    ] {
        let problem = judge(fapi, &asked(address), mode(name)).unwrap_err();
        assert_eq!(problem.code, Code::InvalidRequest);
        assert!(problem.description.starts_with(word), "{problem}");
    }
}

#[test]
fn only_its_algorithms_sign() {
    use base64::Engine as _;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    for (alg, good) in [
        ("PS256", true),
        ("ES256", true),
        ("EdDSA", true),
        ("Ed25519", true),
        ("RS256", false),
        ("es256", false),
        ("none", false),
        ("HS256", false),
        ("", false),
    ] {
        let header = part(&json!({ "alg": alg }).to_string());
        assert_eq!(is_strong(&format!("{header}.e30.AA")), good, "{alg}");
    }
    for bad in ["", ".", "x.y.z", &part(r#"{"alg":"ES256","alg":"RS256"}"#)] {
        assert!(!is_strong(bad), "{bad}");
    }
}

#[test]
fn a_signed_request_is_an_hour_old_at_most_and_runs_an_hour() {
    let seconds = NOW.seconds();
    for (nbf, exp, good) in [
        (json!(seconds), json!(seconds + 60), true),
        (json!(seconds), json!(seconds + 3600), true),
        (json!(seconds + 8), json!(seconds + 60), true),
        (json!(seconds - 3600), json!(seconds), true),
        (json!(seconds), json!(seconds + 3601), false),
        (json!(seconds - 3601), json!(seconds + 60), false),
        (json!(seconds - 1800), json!(seconds + 1801), false),
        (json!(null), json!(seconds + 60), false),
        (json!(seconds), json!(null), false),
        (json!("soon"), json!(seconds + 60), false),
    ] {
        let payload = json!({ "nbf": nbf, "exp": exp, "state": "s" }).to_string();
        assert_eq!(
            check_times(payload.as_bytes(), NOW).is_ok(),
            good,
            "{payload}"
        );
    }
    assert!(check_times(b"[]", NOW).is_err());
}
