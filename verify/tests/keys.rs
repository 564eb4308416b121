//! Key files: which are read, and which are refused and why.
#![allow(clippy::unwrap_used)]

mod sign;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair;
use gerege_verify::{KeyError, Keys};
use proptest::prelude::*;
use serde_json::json;
use sign::{Signer, b64, set, with};

#[test]
fn key_files_of_no_use_are_refused() {
    let (ec_pair, rsa_pair, ed) = (Signer::ec(), Signer::rsa(), Signer::ed());
    let (ec, rsa) = (ec_pair.jwk(Some("e")), rsa_pair.jwk(Some("r")));
    let p384 = {
        let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(
            &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        )
        .unwrap();
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref()))
    };
    let off_curve = with(ec.clone(), "y", ec["x"].clone());
    for (name, jwk) in [
        ("kty oct", json!({"kty": "oct"})),
        ("for encryption", with(ec.clone(), "use", json!("enc"))),
        (
            "key_ops without verify",
            with(ec.clone(), "key_ops", json!(["sign"])),
        ),
        ("RSA for PS256", with(rsa.clone(), "alg", json!("PS256"))),
        ("RSA for HS256", with(rsa.clone(), "alg", json!("HS256"))),
        (
            "RSA of 1024 bits",
            with(rsa.clone(), "n", json!(b64([0xff; 128]))),
        ),
        ("another curve", with(ec.clone(), "crv", json!("P-384"))),
        ("a point off the curve", off_curve),
        (
            "a coordinate cut short",
            with(ec.clone(), "x", json!("AAAA")),
        ),
        (
            "padded",
            with(
                ed.jwk(None),
                "x",
                json!(format!("{}=", ed.jwk(None)["x"].as_str().unwrap())),
            ),
        ),
        ("kid a number", with(ec.clone(), "kid", json!(1))),
    ] {
        let result = Keys::from_jwks(&set(std::slice::from_ref(&jwk)));
        assert_eq!(result.unwrap_err(), KeyError::NoneUsable, "{name}");
        assert!(
            Keys::from_jwks(&set(&[jwk, ed.jwk(Some("d"))])).is_ok(),
            "{name}"
        );
    }
    for (text, error) in [
        (set(&[]), KeyError::NoneUsable),
        (set(&[ec.clone(), ec.clone()]), KeyError::DoubledKid),
        (
            set(&[with(ec.clone(), "d", json!("AAAA"))]),
            KeyError::Secret,
        ),
        (set(&[json!({"kty": "oct", "k": "AAAA"})]), KeyError::Secret),
        (r#"{"keys":[],"keys":[]}"#.into(), KeyError::Json),
        (r#"{"keys":{}}"#.into(), KeyError::Json),
        ("[]".into(), KeyError::Json),
        (String::new(), KeyError::Json),
    ] {
        assert_eq!(Keys::from_jwks(&text).unwrap_err(), error, "{text}");
    }
    for (text, error) in [
        (String::new(), KeyError::Pem),
        (ec_pair.pem() + &rsa_pair.pem(), KeyError::Pem),
        (
            ec_pair.pem().replace("PUBLIC KEY", "CERTIFICATE"),
            KeyError::Pem,
        ),
        (
            ec_pair.pem().replace("PUBLIC KEY", "PRIVATE KEY"),
            KeyError::Secret,
        ),
        (p384, KeyError::NoneUsable),
    ] {
        assert_eq!(Keys::from_pem(&text).unwrap_err(), error, "{text}");
    }
}

proptest! {
    #[test]
    fn no_key_file_makes_the_reader_panic(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(Keys::from_jwks(&text).is_err());
        prop_assert!(Keys::from_pem(&text).is_err());
        let _ = Keys::from_pem(&pem::encode(&pem::Pem::new("PUBLIC KEY", bytes)));
    }
}
