//! The modules about the flow, the code and the client's assertion.

use std::time::Duration;

use super::*;

#[test]
fn fapi2_security_profile_final_discovery_end_point_verification() {
    let bank = Bank::new();
    for at in ["openid-configuration", "oauth-authorization-server"] {
        let at = format!("/.well-known/{at}");
        let told = bank.app().browser().get(&at).is(200).json();
        assert_eq!(told["issuer"], bank.app().origin);
        let holds = |name: &str, value: &str| {
            let list = told[name].as_array().unwrap_or_else(|| panic!("no {name}"));
            assert!(list.iter().any(|one| one == value), "{name}: {list:?}");
        };
        holds("response_types_supported", "code");
        holds("response_modes_supported", "jwt");
        holds("code_challenge_methods_supported", "S256");
        holds("token_endpoint_auth_methods_supported", "private_key_jwt");
        for name in [
            "token_endpoint_auth_signing_alg_values_supported",
            "request_object_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
        ] {
            for alg in ["PS256", "ES256", "EdDSA", "Ed25519"] {
                holds(name, alg);
            }
        }
        for name in [
            "id_token_signing_alg_values_supported",
            "authorization_signing_alg_values_supported",
            "introspection_signing_alg_values_supported",
        ] {
            holds(name, "ES256");
            holds(name, "EdDSA");
        }
        assert_eq!(told["authorization_response_iss_parameter_supported"], true);
        assert!(told["require_pushed_authorization_requests"].is_boolean());
        for name in [
            "pushed_authorization_request_endpoint",
            "token_endpoint",
            "authorization_endpoint",
            "jwks_uri",
        ] {
            let at = told[name].as_str().unwrap();
            assert!(at.starts_with(&bank.app().origin), "{name}");
        }
    }
}

#[test]
fn fapi2_security_profile_final_happy_flow() {
    for mut bank in [Bank::new(), Bank::signing()] {
        let (tokens, claims) = bank.sign_in(ONE, &[]);
        assert_eq!(claims["nonce"], "nonce-of-the-suite");
        let known = bank.resource(&tokens).is(200).json();
        assert_eq!(known["sub"], claims["sub"]);
        let (_, access) = jwt(&text(&tokens, "access_token"));
        assert_eq!(access["cnf"]["jkt"], jkt(&bank.bound));
        // The token is good for nobody without the key, and never in a query.
        let token = text(&tokens, "access_token");
        let at = format!("/oauth2/userinfo?access_token={token}");
        bank.app().browser().get(&at).is(401);
        let bearer = format!("Bearer {token}");
        let mut thief = bank.app().browser().with("Authorization", &bearer);
        thief.get("/oauth2/userinfo").is(401);

        // The second client: an address with a query, another request beside the reference, and the
        // key named instead of proved.
        let jkt = jkt(&bank.bound);
        let nonce = "n".repeat(43);
        let other = [
            ("redirect_uri", SECOND),
            ("dpop_jkt", jkt.as_str()),
            ("nonce", nonce.as_str()),
        ];
        let pushed = bank.push(TWO, &other);
        let at = format!("{}&state=other&scope=x", bank.opened(TWO, &pushed));
        let answer = bank.walk(&at);
        assert_eq!(answer["dummy1"], "lorem");
        assert_eq!(answer["state"], "state-of-the-suite");
        let fields = redeeming(&answer["code"], SECOND);
        let tokens = bank.ask(TWO, "/oauth2/token", &fields, Some(&bank.bound));
        let claims = bank.checked(TWO, &tokens.is(200).json());
        assert_eq!(claims["nonce"], nonce);
    }
}

#[test]
fn fapi2_security_profile_final_user_rejects_authentication() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    let page = crate::road::ask(&mut bank.suite.browser, &at, PERSON).is(200);
    let browser = &mut bank.suite.browser;
    let denied = browser.submit(&page, &[("decision", "deny")]);
    let answer = parameters(&browser.arrive(denied).is(303), '?');
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(answer["state"], "state-of-the-suite");
    assert_eq!(answer["iss"], bank.app().origin);
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_request_without_state_success() {
    let mut bank = Bank::new();
    let answer = bank.answer(ONE, &[("state", "")]);
    assert!(!answer.contains_key("state"));
    let tokens = bank.redeem(ONE, &answer["code"]).is(200).json();
    assert!(bank.checked(ONE, &tokens)["s_hash"].is_null());
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_request_without_nonce_success() {
    let (_, claims) = Bank::new().sign_in(ONE, &[("nonce", "")]);
    assert!(claims["nonce"].is_null());
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success() {
    let nonce = "n".repeat(64);
    let (_, claims) = Bank::new().sign_in(ONE, &[("nonce", &nonce)]);
    assert_eq!(claims["nonce"], nonce);
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_request_with_long_nonce() {
    let nonce = "n".repeat(384);
    let (_, claims) = Bank::new().sign_in(ONE, &[("nonce", &nonce)]);
    assert_eq!(claims["nonce"], nonce);
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_request_with_long_state() {
    let state = "s".repeat(384);
    let answer = Bank::new().answer(ONE, &[("state", &state)]);
    assert_eq!(answer["state"], state);
}

#[test]
fn fapi2_security_profile_final_ensure_other_scope_order_succeeds() {
    let mut bank = Bank::new();
    let (tokens, _) = bank.sign_in(ONE, &[("scope", "email profile openid")]);
    assert!(bank.resource(&tokens).is(200).json()["email"].is_string());
}

#[test]
fn fapi2_security_profile_final_test_claims_parameter_identity_claims() {
    let mut bank = Bank::new();
    let wanted =
        r#"{"id_token":{"name":{"essential":true},"nobody":null},"userinfo":{"email":null}}"#;
    let (tokens, claims) = bank.sign_in(ONE, &[("claims", wanted), ("scope", "openid profile")]);
    assert_eq!(claims["name"], "Temuulen");
    let told = bank.resource(&tokens).is(200).json();
    assert_eq!(told["email"], "temuulen@mail.example");
}

#[test]
fn fapi2_security_profile_final_test_essential_acr_sca_claim() {
    let mut bank = Bank::new();
    let wanted = r#"{"id_token":{"acr":{"essential":true,"value":"urn:openbanking:psd2:sca"}}}"#;
    let pushed = bank.push(ONE, &[("claims", wanted)]);
    refused(pushed, 400, "unmet_authentication_requirements");
    bank.sign_in(ONE, &[]);
}

#[test]
fn fapi2_security_profile_final_ensure_client_id_in_token_endpoint() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    // The second client's assertion, by the first one's key.
    let assertion = || bank.assert_by(&bank.one, &bank.claims(TWO));
    let fields = redeeming(&code, CALLBACK);
    let by = Some(&bank.bound);
    let answer = bank.ask_by(TWO, "/oauth2/token", &fields, by, &assertion);
    refused(answer, 401, "invalid_client");
    // The second client's name beside the first one's assertion.
    let assertion = || bank.assert(ONE, &bank.claims(ONE));
    let answer = bank.ask_by(TWO, "/oauth2/token", &fields, by, &assertion);
    refused(answer, 400, "invalid_request");
    bank.redeem(ONE, &code).is(200);
}

#[test]
fn fapi2_security_profile_final_ensure_holder_of_key_required() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let answer = bank.ask(ONE, "/oauth2/token", &redeeming(&code, CALLBACK), None);
    refused(answer, 400, "invalid_dpop_proof");
    bank.redeem(ONE, &code).is(200);
}

#[test]
fn fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    refused(bank.redeem(TWO, &code), 400, "invalid_grant");
    bank.redeem(ONE, &code).is(200);
}

#[test]
fn fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let tokens = bank.redeem(ONE, &code).is(200).json();
    bank.resource(&tokens).is(200);
    bank.app().pass(Duration::from_secs(1));
    refused(bank.redeem(ONE, &code), 400, "invalid_grant");
    bank.resource(&tokens).is(401);
}

#[test]
fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code() {
    // Whatever the operator sets for others (5.3.2.1, 11).
    let mut bank = Bank::with("security", &[("TOKENS__CODE_SECONDS", "600")]);
    let code = bank.code(ONE, &[]);
    bank.app().pass(Duration::from_secs(61));
    refused(bank.redeem(ONE, &code), 400, "invalid_grant");
}

#[test]
fn fapi2_security_profile_final_ensure_pkce_code_verifier_required() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let fields = redeeming(&code, CALLBACK);
    let answer = bank.ask(ONE, "/oauth2/token", &fields[..3], Some(&bank.bound));
    refused(answer, 400, "invalid_grant");
}

#[test]
fn fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let mut fields = redeeming(&code, CALLBACK);
    fields[3].1 = "another-verifier-with-more-than-43-characters-0";
    let answer = bank.ask(ONE, "/oauth2/token", &fields, Some(&bank.bound));
    refused(answer, 400, "invalid_grant");
}

#[test]
fn fapi2_security_profile_final_refresh_token() {
    let mut bank = Bank::new();
    let other = [("scope", "openid offline_access"), ("prompt", "consent")];
    let (tokens, first) = bank.sign_in(ONE, &other);
    let refresh = text(&tokens, "refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let ask = |client: &str, by| bank.ask(client, "/oauth2/token", &fields, by);
    let newer = ask(ONE, Some(&bank.bound)).is(200).json();
    assert_eq!(text(&newer, "refresh_token"), refresh, "never rotated");
    assert_eq!(bank.checked(ONE, &newer)["sub"], first["sub"]);
    bank.resource(&newer).is(200);
    // Without the client's proof of itself, without a key, and as another client.
    let bare = [&[("client_id", ONE)], &fields[..]].concat();
    let proof = bank.proof(&bank.bound, "POST", "/oauth2/token", &json!({}));
    let mut nobody = bank.app().browser().with("DPoP", &proof);
    refused(nobody.post("/oauth2/token", &bare), 401, "invalid_client");
    refused(ask(ONE, None), 400, "invalid_dpop_proof");
    refused(ask(TWO, Some(&bank.bound)), 400, "invalid_grant");
    // What is lost on the way can be asked for again; by a new key, too, and bound to that one: the
    // client proves itself (RFC 9449 5).
    let new = Signer::ec();
    let newest = ask(ONE, Some(&new)).is(200).json();
    bank.resource_by(&newest, &new, &json!({})).is(200);
    bank.resource(&newest).is(401);
    ask(ONE, Some(&bank.bound)).is(200);
}

/// Redeems with an assertion that is wrong, and afterwards with a good one.
#[track_caller]
fn assertion_fails(change: impl Fn(&mut Value)) {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let fields = redeeming(&code, CALLBACK);
    let assertion = || {
        let mut claims = bank.claims(ONE);
        change(&mut claims);
        bank.assert(ONE, &claims)
    };
    let by = Some(&bank.bound);
    let answer = bank.ask_by(ONE, "/oauth2/token", &fields, by, &assertion);
    refused(answer, 401, "invalid_client");
    bank.redeem(ONE, &code).is(200);
}

#[test]
fn fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() {
    assertion_fails(|claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 300));
}

#[test]
fn fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails() {
    assertion_fails(|claims| claims["aud"] = json!("https://other.example"));
}

#[test]
fn fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails() {
    assertion_fails(|claims| *claims = without(claims.clone(), "sub"));
}

#[test]
fn fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let fields = [&[("client_id", ONE)], &redeeming(&code, CALLBACK)[..]].concat();
    let proof = bank.proof(&bank.bound, "POST", "/oauth2/token", &json!({}));
    let mut nobody = bank.app().browser().with("DPoP", &proof);
    refused(nobody.post("/oauth2/token", &fields), 401, "invalid_client");
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let fields = redeeming(&code, CALLBACK);
    let by = Some(&bank.bound);
    let rsa = |alg: &str| {
        let header = json!({ "alg": alg, "kid": "rsa" });
        let message = format!(
            "{}.{}",
            b64(header.to_string()),
            b64(bank.claims(ONE).to_string())
        );
        let signature = if alg == "RS256" {
            RSA.sign_bytes(message.as_bytes())
        } else {
            RSA.sign_pss(message.as_bytes())
        };
        format!("{message}.{}", b64(signature))
    };
    let answer = bank.ask_by(ONE, "/oauth2/token", &fields, by, &|| rsa("RS256"));
    refused(answer, 401, "invalid_client");
    let answer = bank.ask_by(ONE, "/oauth2/token", &fields, by, &|| rsa("PS256"));
    answer.is(200);
}

/// `client_auth_type=mtls`, `sender_constrain=mtls`: the same by a certificate, behind a proxy.
#[test]
fn the_happy_flow_by_certificate() {
    use crate::mtls;
    let folder = crate::app::own_folder("fapi-mtls");
    let (authority, pem) = mtls::authority("Steppe CA");
    let file = folder.join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let settings = [
        ("MTLS__HEADER", "Client-Cert"),
        ("MTLS__PROXIES", "127.0.0.0/8"),
        ("MTLS__CA_FILE", file.to_str().unwrap()),
    ];
    let mut bank = Bank::with("security", &settings);
    bank.app().write(|c| {
        let mut one = store::client::find(c, ONE)?.expect("the client");
        one.auth = ClientAuth::TlsClientAuth;
        one.jwks = None;
        let name = "bank.example".to_owned();
        one.known = Some(gerege::oauth::certificate::Known::Dns(name));
        one.certificate_bound = true;
        operate::client::check(&one).expect("the operator could register it");
        store::client::save(c, &one)
    });
    let signed = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = mtls::params("bank.example");
        let signed = params.signed_by(&key, &authority).unwrap();
        mtls::header(signed.der())
    };
    let (own, renewed) = (signed(), signed());
    let ask = |bank: &Bank, path: &str, fields: &[(&str, &str)], certificate: Option<&str>| {
        let mut browser = bank.app().browser();
        if let Some(certificate) = certificate {
            browser = browser.with("Client-Cert", certificate);
        }
        browser.post(path, &[&[("client_id", ONE)], fields].concat())
    };
    let wish = bank.wish(&[]);
    let wish: Vec<(&str, &str)> = wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    refused(
        ask(&bank, "/oauth2/par", &wish, None),
        401,
        "invalid_client",
    );
    let pushed = ask(&bank, "/oauth2/par", &wish, Some(&own));
    let at = bank.opened(ONE, &pushed);
    let code = bank.walk(&at)["code"].clone();
    let fields = redeeming(&code, CALLBACK);
    let bare = ask(&bank, "/oauth2/token", &fields, None);
    refused(bare, 401, "invalid_client");
    let tokens = ask(&bank, "/oauth2/token", &fields, Some(&own))
        .is(200)
        .json();
    let token = text(&tokens, "access_token");
    assert!(jwt(&token).1["cnf"]["x5t#S256"].is_string());
    let resource = |certificate: Option<&str>| {
        let mut browser = bank.app().browser();
        browser = browser.with("Authorization", &format!("Bearer {token}"));
        if let Some(certificate) = certificate {
            browser = browser.with("Client-Cert", certificate);
        }
        browser.get("/oauth2/userinfo").status
    };
    let told = (
        resource(Some(&own)),
        resource(Some(&renewed)),
        resource(None),
    );
    assert_eq!(told, (200, 401, 401));
    let _ = std::fs::remove_dir_all(&folder);
}
