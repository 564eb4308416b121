//! The modules about DPoP.

use super::*;

#[test]
fn fapi2_security_profile_final_access_token_type_header_case_sensitivity() {
    let mut bank = Bank::new();
    let (tokens, _) = bank.sign_in(ONE, &[]);
    let token = text(&tokens, "access_token");
    for scheme in ["dPOp", "dpop", "DPOP"] {
        let proof = bank.proof(
            &bank.bound,
            "GET",
            "/oauth2/userinfo",
            &json!({ "ath": ath(&token) }),
        );
        let mut browser = bank
            .app()
            .browser()
            .with("Authorization", &format!("{scheme} {token}"))
            .with("DPOP", &proof);
        browser.get("/oauth2/userinfo").is(200);
    }
}

/// Signs in with proofs whose claims are changed, at every door.
#[track_caller]
fn proofs_succeed(change: impl Fn(i64) -> Value) {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let more = change(bank.now());
    let claims = |nonce: &str| {
        let mut all = more.clone();
        all["nonce"] = nonce.into();
        all
    };
    let nonce = |answer: Answer| answer.header("dpop-nonce").expect("a nonce").to_owned();
    let send = |path: &str, fields: &[(&str, &str)], nonce: Option<&str>| {
        let more = nonce.map_or_else(|| more.clone(), claims);
        let proof = bank.proof(&bank.bound, "POST", path, &more);
        let assertion = bank.assert(ONE, &bank.claims(ONE));
        let own = [
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
        ];
        let mut browser = bank.app().browser().with("DPoP", &proof);
        browser.post(path, &[&own, fields].concat())
    };
    let wish = bank.wish(&[]);
    let wish: Vec<(&str, &str)> = wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let first = nonce(send("/oauth2/par", &wish, None).is(400));
    send("/oauth2/par", &wish, Some(&first)).is(201);
    let fields = redeeming(&code, CALLBACK);
    let tokens = send("/oauth2/token", &fields, Some(&first)).is(200).json();
    bank.resource_by(&tokens, &bank.bound, &more).is(200);
}

#[test]
fn fapi2_security_profile_final_check_dpop_proof_nbf_exp() {
    proofs_succeed(|now| json!({ "nbf": now, "exp": now + 300 }));
}

#[test]
fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds() {
    proofs_succeed(|now| json!({ "iat": now - 10 }));
}

#[test]
fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds() {
    proofs_succeed(|now| json!({ "iat": now + 10 }));
}

#[test]
fn fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails() {
    let bank = Bank::new();
    let named = jkt(&Signer::ec());
    let pushed = bank.push_by(ONE, &[("dpop_jkt", &named)], Some(&bank.bound));
    refused(pushed, 400, "invalid_dpop_proof");
}

#[test]
fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt() {
    let mut bank = Bank::new();
    let other = Signer::ec();
    let at = bank.opened(ONE, &bank.push_by(ONE, &[], Some(&other)));
    let code = bank.walk(&at)["code"].clone();
    refused(bank.redeem(ONE, &code), 400, "invalid_grant");
}

#[test]
fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt() {
    let mut bank = Bank::new();
    let named = jkt(&Signer::ec());
    let code = bank.code(ONE, &[("dpop_jkt", &named)]);
    refused(bank.redeem(ONE, &code), 400, "invalid_grant");
}

#[test]
fn fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success() {
    let mut bank = Bank::new();
    let at = bank.opened(ONE, &bank.push_by(ONE, &[], Some(&bank.bound)));
    let code = bank.walk(&at)["code"].clone();
    let tokens = bank.redeem(ONE, &code).is(200).json();
    bank.resource(&tokens).is(200);
}

#[test]
fn fapi2_security_profile_final_ensure_dpop_auth_code_binding_success() {
    let mut bank = Bank::new();
    let named = jkt(&bank.bound);
    let pushed = bank.push_by(ONE, &[("dpop_jkt", &named)], Some(&bank.bound));
    let at = bank.opened(ONE, &pushed);
    let code = bank.walk(&at)["code"].clone();
    bank.redeem(ONE, &code).is(200);
}

#[test]
fn fapi2_security_profile_final_dpop_negative_tests() {
    // At an https address: it has a port that need not be written.
    let mut bank = Bank::at("security", Suite::at(TestApp::real()));
    let (tokens, _) = bank.sign_in(ONE, &[]);
    let token = text(&tokens, "access_token");
    let at = format!("{}/oauth2/userinfo", bank.app().origin);
    let now = bank.now();
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": shown(&bank.bound) });
    let claims = || {
        json!({
            "jti": bank.app().app.rng.id(), "htm": "GET", "htu": at, "iat": now,
            "ath": ath(&token),
        })
    };
    let send = |proofs: &[String]| {
        let mut browser = bank.app().browser();
        browser = browser.with("Authorization", &format!("DPoP {token}"));
        for proof in proofs {
            browser = browser.with("DPoP", proof);
        }
        browser.get("/oauth2/userinfo").status
    };
    let sign = |header: &Value, claims: &Value| bank.bound.sign(header, claims);
    assert_eq!(send(&[sign(&header, &claims())]), 200);
    let mut bad: Vec<(&str, Vec<String>)> = vec![
        ("none", vec![]),
        (
            "two",
            vec![sign(&header, &claims()), sign(&header, &claims())],
        ),
        ("no JWT", vec!["not.a.jwt".into()]),
        ("no parts", vec!["proof".into()]),
    ];
    for name in ["typ", "alg", "jwk"] {
        let header = without(header.clone(), name);
        bad.push((name, vec![sign(&header, &claims())]));
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        bad.push((name, vec![sign(&header, &without(claims(), name))]));
    }
    let head = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        sign(&header, &claims())
    };
    let say = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        sign(&header, &claims)
    };
    let good = sign(&header, &claims());
    let (message, _) = good.rsplit_once('.').unwrap();
    let unsigned = json!({ "typ": "dpop+jwt", "alg": "none", "jwk": shown(&bank.bound) });
    let mut private = shown(&bank.bound);
    private["d"] = json!(b64([7; 32]));
    let stranger = Signer::ec();
    bad.extend([
        ("another typ", vec![head("typ", json!("JWT"))]),
        (
            "none",
            vec![format!(
                "{}.{}.",
                b64(unsigned.to_string()),
                b64(claims().to_string())
            )],
        ),
        (
            "an invalid signature",
            vec![format!("{message}.{}", b64([1; 64]))],
        ),
        ("a private key", vec![head("jwk", private)]),
        ("another method", vec![say("htm", json!("POST"))]),
        (
            "another address",
            vec![say("htu", json!("https://other.example/x"))],
        ),
        ("an hour ahead", vec![say("iat", json!(now + 3600))]),
        ("an hour ago", vec![say("iat", json!(now - 3600))]),
        ("another token", vec![say("ath", json!(ath("other")))]),
        (
            "another key",
            vec![bank.proof(
                &stranger,
                "GET",
                "/oauth2/userinfo",
                &json!({ "ath": ath(&token) }),
            )],
        ),
    ]);
    for (why, proofs) in &bad {
        let status = send(proofs);
        assert!([400, 401].contains(&status), "{why}: {status}");
    }
    let once = sign(&header, &claims());
    assert_eq!(send(std::slice::from_ref(&once)), 200);
    assert_eq!(send(&[once]), 401, "a proof is taken once");
    let host = bank.app().origin.strip_prefix("https://").expect("https");
    let mut extra = header.clone();
    for (name, value) in [
        ("tx_id", json!("1")),
        ("cty", json!("x")),
        ("x5t", json!("AA")),
    ] {
        extra[name] = value;
    }
    let mut more = claims();
    more["more"] = json!({ "a": [1] });
    for (why, good) in [
        (
            "query and fragment are not compared",
            say("htu", json!(format!("{at}?a=b#c"))),
        ),
        (
            "scheme and host in capitals",
            say(
                "htu",
                json!(
                    at.replace("https", "HTTPS")
                        .replace(host, &host.to_uppercase())
                ),
            ),
        ),
        (
            "the port of the scheme",
            say("htu", json!(at.replace(host, &format!("{host}:443")))),
        ),
        ("extra header", sign(&extra, &claims())),
        ("extra claim", sign(&header, &more)),
    ] {
        assert_eq!(send(&[good]), 200, "{why}");
    }
    for (scheme, status) in [("DPOP", 200), ("Bearer", 401)] {
        let bearer = format!("{scheme} {token}");
        let mut browser = bank.app().browser().with("Authorization", &bearer);
        if status == 200 {
            browser = browser.with("DPoP", &sign(&header, &claims()));
        }
        let answer = browser.get("/oauth2/userinfo");
        assert_eq!(answer.status, status, "{scheme}");
    }
}

/// An RSA key is bound by PS256, and its RS256 is taken neither at the token endpoint nor later.
#[test]
fn a_proof_signed_with_rs256_is_taken_nowhere() {
    let mut bank = Bank::new();
    let code = bank.code(ONE, &[]);
    let fields = redeeming(&code, CALLBACK);
    // `proof` signs as the key says: RS256.
    refused(
        bank.ask(ONE, "/oauth2/token", &fields, Some(&RSA)),
        400,
        "invalid_dpop_proof",
    );
    refused(
        bank.push_by(ONE, &[], Some(&RSA)),
        400,
        "invalid_dpop_proof",
    );
    let strong = |method: &str, path: &str, more: Value| {
        let header = json!({ "typ": "dpop+jwt", "alg": "PS256", "jwk": shown(&RSA) });
        let mut claims = json!({
            "jti": bank.app().app.rng.id(), "htm": method, "iat": bank.now(),
            "htu": format!("{}{path}", bank.app().origin),
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{message}.{}", b64(RSA.sign_pss(message.as_bytes())))
    };
    let send = |more: Value| {
        let assertion = bank.assert(ONE, &bank.claims(ONE));
        let own = [
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
        ];
        let proof = strong("POST", "/oauth2/token", more);
        let mut browser = bank.app().browser().with("DPoP", &proof);
        browser.post("/oauth2/token", &[&own[..], &fields].concat())
    };
    let asked = send(json!({}));
    let nonce = asked.header("dpop-nonce").expect("a nonce").to_owned();
    let tokens = send(json!({ "nonce": nonce })).is(200).json();
    bank.resource_by(&tokens, &RSA, &json!({})).is(401);
    let token = text(&tokens, "access_token");
    let proof = strong("GET", "/oauth2/userinfo", json!({ "ath": ath(&token) }));
    let mut browser = bank
        .app()
        .browser()
        .with("Authorization", &format!("DPoP {token}"))
        .with("DPoP", &proof);
    browser.get("/oauth2/userinfo").is(200);
}
