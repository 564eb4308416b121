//! Tokens that someone could try, each refused for its own reason, and the good ones beside them.
#![allow(clippy::unwrap_used)]

mod sign;

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::hmac;
use gerege_verify::{Keys, Part, Refusal, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};
use sign::{AUDIENCE, ISSUER, NOW, Signer, at, b64, claims, now, set, with, without};

struct World {
    rsa: Signer,
    ec: Signer,
    ed: Signer,
    other: Signer,
    verifier: Verifier,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (rsa, ec, ed, other) = (Signer::rsa(), Signer::ec(), Signer::ed(), Signer::ec());
    let keys = set(&[rsa.jwk(Some("r")), ec.jwk(Some("e")), ed.jwk(Some("d"))]);
    let verifier = Verifier::new(ISSUER, AUDIENCE, Keys::from_jwks(&keys).unwrap());
    World {
        rsa,
        ec,
        ed,
        other,
        verifier,
    }
});

fn hs256(key: &[u8], header: &Value) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", b64(tag.as_ref()))
}

#[test]
fn good_tokens_of_each_algorithm_are_read() {
    let w = &*WORLD;
    for (signer, kid) in [(&w.rsa, "r"), (&w.ec, "e"), (&w.ed, "d")] {
        let token = signer.sign(&signer.header(kid), &claims());
        let read = w.verifier.check(&token, now()).unwrap();
        assert_eq!(read.sub, "8f3kq");
        assert_eq!(read.client_id, "demo");
        assert_eq!(read.scopes, ["openid", "chat"]);
        assert!(read.has_scope("chat") && !read.has_scope("cha"));
        assert_eq!(read.username.as_deref(), Some("temuulen"));
        assert_eq!(read.jid.as_deref(), Some("temuulen@steppe.example"));
        assert_eq!(read.text("sid"), Some("s1"));
        assert_eq!(read.expires_at, at(NOW + 590));
        assert_eq!(Value::from(read.raw), claims());

        for keys in [
            Keys::from_pem(&signer.pem()).unwrap(),
            Keys::from_jwks(&signer.jwk(Some(kid)).to_string()).unwrap(),
            Keys::from_jwks(&signer.jwk(None).to_string()).unwrap(),
        ] {
            let verifier = Verifier::new(ISSUER, AUDIENCE, keys);
            verifier.check(&token, now()).unwrap();
            let nameless = signer.sign(&without(signer.header(kid), "kid"), &claims());
            verifier.check(&nameless, now()).unwrap();
        }
    }
}

#[test]
fn what_the_standards_leave_open_is_read_too() {
    let w = &*WORLD;
    let header = w.ec.header("e");
    for (name, header, claims) in [
        (
            "long typ",
            with(header.clone(), "typ", json!("application/at+jwt")),
            claims(),
        ),
        (
            "aud list of one",
            header.clone(),
            with(claims(), "aud", json!([AUDIENCE])),
        ),
        ("no scope", header.clone(), without(claims(), "scope")),
        (
            "exp within the leeway",
            header.clone(),
            with(claims(), "exp", json!(NOW - 29)),
        ),
        (
            "iat within the leeway",
            header.clone(),
            with(claims(), "iat", json!(NOW + 30)),
        ),
        ("nbf now", header.clone(), with(claims(), "nbf", json!(NOW))),
        (
            "a header member that means nothing",
            with(header.clone(), "x", json!(1)),
            claims(),
        ),
    ] {
        let result = w.verifier.check(&w.ec.sign(&header, &claims), now());
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}

/// Wrong in the header, in the choice of key, or in the signature.
fn forged_headers() -> Vec<(&'static str, String, Refusal)> {
    let w = &*WORLD;
    let (r, e) = (w.rsa.header("r"), w.ec.header("e"));
    let unsigned = |alg: &str| {
        let header = with(r.clone(), "alg", json!(alg)).to_string();
        format!("{}.{}.", b64(header), b64(claims().to_string()))
    };
    let signed = |header: Value| w.ec.sign(&header, &claims());
    let named = |name: &str, value: Value| signed(with(e.clone(), name, value));
    let good = signed(e.clone());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let hs = with(r.clone(), "alg", json!("HS256"));
    let pss = {
        let header = with(r.clone(), "alg", json!("PS256"));
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        format!("{message}.{}", b64(w.rsa.sign_pss(message.as_bytes())))
    };
    let pss_as_rs = {
        let message = format!("{}.{}", b64(r.to_string()), b64(claims().to_string()));
        format!("{message}.{}", b64(w.rsa.sign_pss(message.as_bytes())))
    };
    let member = Refusal::HeaderMember;
    vec![
        ("none", unsigned("none"), Refusal::Algorithm),
        ("None", unsigned("None"), Refusal::Algorithm),
        ("NONE", unsigned("NONE"), Refusal::Algorithm),
        ("nOnE", unsigned("nOnE"), Refusal::Algorithm),
        ("no algorithm name", unsigned(""), Refusal::Algorithm),
        (
            "alg missing",
            signed(without(e.clone(), "alg")),
            Refusal::Algorithm,
        ),
        ("alg a number", named("alg", json!(256)), Refusal::Algorithm),
        (
            "alg a list",
            named("alg", json!(["ES256"])),
            Refusal::Algorithm,
        ),
        (
            "alg in small letters",
            named("alg", json!("es256")),
            Refusal::Algorithm,
        ),
        (
            "HS256 with the DER",
            hs256(&w.rsa.der(), &hs),
            Refusal::Algorithm,
        ),
        (
            "HS256 with the PEM",
            hs256(w.rsa.pem().as_bytes(), &hs),
            Refusal::Algorithm,
        ),
        (
            "HS256 with the JWK",
            hs256(w.rsa.jwk(Some("r")).to_string().as_bytes(), &hs),
            Refusal::Algorithm,
        ),
        ("HS256 with nothing", hs256(b"", &hs), Refusal::Algorithm),
        ("PS256 with the RS256 key", pss, Refusal::Algorithm),
        ("a PSS signature as RS256", pss_as_rs, Refusal::Signature),
        (
            "RS512 with the RS256 key",
            w.rsa
                .sign(&with(r.clone(), "alg", json!("RS512")), &claims()),
            Refusal::Algorithm,
        ),
        (
            "ES384 with the ES256 key",
            named("alg", json!("ES384")),
            Refusal::Algorithm,
        ),
        (
            "the EC key as EdDSA",
            named("alg", json!("EdDSA")),
            Refusal::Algorithm,
        ),
        (
            "ES256 with the kid of RSA",
            named("kid", json!("r")),
            Refusal::Algorithm,
        ),
        (
            "a key that is not ours",
            w.other.sign(&e, &claims()),
            Refusal::Signature,
        ),
        (
            "jwk in the header",
            w.other
                .sign(&with(e.clone(), "jwk", w.other.jwk(Some("e"))), &claims()),
            member("jwk"),
        ),
        (
            "jku",
            named("jku", json!("https://steppe.example/k")),
            member("jku"),
        ),
        (
            "x5u",
            named("x5u", json!("https://steppe.example/k")),
            member("x5u"),
        ),
        ("x5c", named("x5c", json!(["MIIB"])), member("x5c")),
        ("x5t", named("x5t", json!("AAAA")), member("x5t")),
        (
            "x5t#S256",
            named("x5t#S256", json!("AAAA")),
            member("x5t#S256"),
        ),
        ("crit", named("crit", json!(["exp"])), member("crit")),
        ("crit empty", named("crit", json!([])), member("crit")),
        ("b64 false", named("b64", json!(false)), member("b64")),
        ("enc", named("enc", json!("A128GCM")), member("enc")),
        ("zip", named("zip", json!("DEF")), member("zip")),
        (
            "typ of ID tokens",
            named("typ", json!("JWT")),
            Refusal::Type,
        ),
        (
            "typ of logout tokens",
            named("typ", json!("logout+jwt")),
            Refusal::Type,
        ),
        (
            "typ in other letters",
            named("typ", json!("AT+JWT")),
            Refusal::Type,
        ),
        (
            "typ with a parameter",
            named("typ", json!("at+jwt; a=b")),
            Refusal::Type,
        ),
        ("typ a list", named("typ", json!(["at+jwt"])), Refusal::Type),
        (
            "typ missing",
            signed(without(e.clone(), "typ")),
            Refusal::Type,
        ),
        ("kid unknown", named("kid", json!("x")), Refusal::UnknownKey),
        (
            "kid a path",
            named("kid", json!("../../dev/null")),
            Refusal::UnknownKey,
        ),
        (
            "kid with SQL",
            named("kid", json!("e' OR '1'='1")),
            Refusal::UnknownKey,
        ),
        ("kid a number", named("kid", json!(1)), Refusal::UnknownKey),
        ("kid null", named("kid", json!(null)), Refusal::UnknownKey),
        (
            "kid missing among several keys",
            signed(without(e.clone(), "kid")),
            Refusal::UnknownKey,
        ),
        ("no signature", format!("{message}."), Refusal::Signature),
        (
            "r and s zero",
            format!("{message}.{}", b64([0; 64])),
            Refusal::Signature,
        ),
        (
            "a short signature",
            format!("{message}.{}", b64([1; 63])),
            Refusal::Signature,
        ),
        (
            "a byte behind the signature",
            format!("{message}.{signature}AAAA"),
            Refusal::Signature,
        ),
        (
            "claims exchanged",
            {
                let header = message.split('.').next().unwrap();
                let claims = with(claims(), "sub", json!("someone"));
                format!("{header}.{}.{signature}", b64(claims.to_string()))
            },
            Refusal::Signature,
        ),
        (
            "alg twice",
            w.ec.sign_text(
                r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"e"}"#,
                &claims().to_string(),
            ),
            Refusal::Doubled(Part::Header),
        ),
        (
            "the header a list",
            w.ec.sign_text(r#"["ES256"]"#, &claims().to_string()),
            Refusal::Json(Part::Header),
        ),
        (
            "the header empty",
            w.ec.sign_text("", &claims().to_string()),
            Refusal::Json(Part::Header),
        ),
    ]
}

/// Rightly signed, but saying something wrong.
fn forged_claims() -> Vec<(&'static str, String, Refusal)> {
    let w = &*WORLD;
    let header = w.ec.header("e");
    let signed = |claims: Value| w.ec.sign(&header, &claims);
    let named = |name: &str, value: Value| signed(with(claims(), name, value));
    let lacking = |name: &str| signed(without(claims(), name));
    let text = |text: &str| w.ec.sign_text(&header.to_string(), text);
    let bad = Refusal::Claim;
    vec![
        ("exp missing", lacking("exp"), bad("exp")),
        ("exp past", named("exp", json!(NOW - 30)), Refusal::Expired),
        ("exp long past", named("exp", json!(0)), Refusal::Expired),
        ("exp a text", named("exp", json!("1900000000")), bad("exp")),
        ("exp null", named("exp", json!(null)), bad("exp")),
        ("exp a list", named("exp", json!([NOW + 9])), bad("exp")),
        ("exp negative", named("exp", json!(-1)), bad("exp")),
        ("exp a fraction", named("exp", json!(1.9e9)), bad("exp")),
        (
            "exp in milliseconds",
            named("exp", json!((NOW + 9) * 1000)),
            bad("exp"),
        ),
        (
            "exp past all time",
            named("exp", json!(u64::MAX)),
            bad("exp"),
        ),
        ("iat missing", lacking("iat"), bad("iat")),
        ("iat ahead", named("iat", json!(NOW + 31)), Refusal::NotYet),
        ("nbf ahead", named("nbf", json!(NOW + 31)), Refusal::NotYet),
        ("nbf a text", named("nbf", json!("0")), bad("nbf")),
        ("iss missing", lacking("iss"), bad("iss")),
        (
            "iss another",
            named("iss", json!("https://id.other.example")),
            Refusal::Issuer,
        ),
        (
            "iss with a slash",
            named("iss", json!("https://id.steppe.example/")),
            Refusal::Issuer,
        ),
        (
            "iss in capitals",
            named("iss", json!("https://ID.steppe.example")),
            Refusal::Issuer,
        ),
        ("iss a list", named("iss", json!([ISSUER])), bad("iss")),
        ("aud missing", lacking("aud"), bad("aud")),
        (
            "aud another",
            named("aud", json!("files")),
            Refusal::Audience,
        ),
        (
            "aud the client (an ID token)",
            named("aud", json!("demo")),
            Refusal::Audience,
        ),
        (
            "aud in capitals",
            named("aud", json!("Chat")),
            Refusal::Audience,
        ),
        (
            "aud two",
            named("aud", json!([AUDIENCE, "files"])),
            Refusal::Audience,
        ),
        ("aud empty list", named("aud", json!([])), Refusal::Audience),
        (
            "aud list in list",
            named("aud", json!([[AUDIENCE]])),
            Refusal::Audience,
        ),
        (
            "aud an object",
            named("aud", json!({"chat": 1})),
            bad("aud"),
        ),
        ("sub missing", lacking("sub"), bad("sub")),
        ("sub empty", named("sub", json!("")), bad("sub")),
        ("sub a number", named("sub", json!(7)), bad("sub")),
        (
            "client_id missing (an ID token)",
            lacking("client_id"),
            bad("client_id"),
        ),
        ("jti missing", lacking("jti"), bad("jti")),
        (
            "scope a list",
            named("scope", json!(["chat"])),
            bad("scope"),
        ),
        (
            "username a number",
            named("preferred_username", json!(1)),
            bad("preferred_username"),
        ),
        ("jid a list", named("jid", json!(["a@b"])), bad("jid")),
        (
            "bound by cnf",
            named("cnf", json!({"jkt": "x"})),
            Refusal::Bound,
        ),
        (
            "sub twice",
            text(
                &claims()
                    .to_string()
                    .replacen('{', r#"{"sub":"someone","#, 1),
            ),
            Refusal::Doubled(Part::Claims),
        ),
        (
            "a doubled member deep inside",
            text(
                &claims()
                    .to_string()
                    .replacen('{', r#"{"act":{"sub":1,"sub":2},"#, 1),
            ),
            Refusal::Doubled(Part::Claims),
        ),
        (
            "claims a text",
            text(r#""hello""#),
            Refusal::Json(Part::Claims),
        ),
        (
            "claims with a tail",
            text(&format!("{}x", claims())),
            Refusal::Json(Part::Claims),
        ),
    ]
}

/// A good token, written in a way that a lenient reader would take.
fn forged_spellings() -> Vec<(&'static str, String, Refusal)> {
    let w = &*WORLD;
    let good = w.ec.sign(&w.ec.header("e"), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return vec![];
    };
    // 64 bytes leave two letters, the last of which has four unused bits.
    let stray = {
        let (rest, last) = signature.split_at(signature.len() - 1);
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let next = letters.find(last).unwrap() + 1;
        format!("{rest}{}", &letters[next..=next])
    };
    let base64 = |part| Refusal::Base64(part);
    vec![
        ("empty", String::new(), Refusal::Shape),
        ("dots only", "..".into(), Refusal::Json(Part::Header)),
        ("one part", (*header).to_owned(), Refusal::Shape),
        ("two parts", format!("{header}.{payload}"), Refusal::Shape),
        ("a dot behind", format!("{good}."), Refusal::Shape),
        ("a dot before", format!(".{good}"), Refusal::Shape),
        (
            "five parts (JWE)",
            format!("{good}.AAAA.AAAA"),
            Refusal::Shape,
        ),
        (
            "JSON serialization",
            r#"{"payload":"e30","signature":""}"#.into(),
            Refusal::Shape,
        ),
        (
            "padded signature",
            format!("{good}=="),
            base64(Part::Signature),
        ),
        (
            "padded header",
            format!("{header}=.{payload}.{signature}"),
            base64(Part::Header),
        ),
        (
            "stray bits",
            format!("{header}.{payload}.{stray}"),
            base64(Part::Signature),
        ),
        (
            "a space behind",
            format!("{good} "),
            base64(Part::Signature),
        ),
        (
            "a line break inside",
            format!("{header}.{payload}.\n{signature}"),
            base64(Part::Signature),
        ),
        (
            "plus for minus",
            format!("{header}.{payload}.+{}", &signature[1..]),
            base64(Part::Signature),
        ),
        ("NUL before", format!("\0{good}"), base64(Part::Header)),
        (
            "Bearer before",
            format!("Bearer {good}"),
            base64(Part::Header),
        ),
        (
            "huge",
            w.ec.sign(
                &w.ec.header("e"),
                &with(claims(), "pad", json!("x".repeat(16 * 1024))),
            ),
            Refusal::TooLong,
        ),
    ]
}

#[test]
fn forged_tokens_are_refused_each_for_its_reason() {
    let all = [forged_headers(), forged_claims(), forged_spellings()].concat();
    assert!(all.len() >= 100, "{}", all.len());
    for (name, token, reason) in all {
        assert_eq!(WORLD.verifier.check(&token, now()), Err(reason), "{name}");
        assert!(!reason.to_string().is_empty());
    }
}

#[test]
fn leeway_is_a_minute_at_most() {
    let w = &*WORLD;
    let keys = || Keys::from_jwks(&w.ec.jwk(Some("e")).to_string()).unwrap();
    let token = |exp: u64| {
        w.ec.sign(&w.ec.header("e"), &with(claims(), "exp", json!(exp)))
    };
    let none = Verifier::new(ISSUER, AUDIENCE, keys()).with_leeway(Duration::ZERO);
    assert_eq!(none.check(&token(NOW), now()), Err(Refusal::Expired));
    assert!(none.check(&token(NOW + 1), now()).is_ok());
    let day = Verifier::new(ISSUER, AUDIENCE, keys()).with_leeway(Duration::from_secs(86400));
    assert!(day.check(&token(NOW - 59), now()).is_ok());
    assert_eq!(day.check(&token(NOW - 60), now()), Err(Refusal::Expired));
}

proptest! {
    #[test]
    fn no_text_makes_the_check_panic(token in "\\PC{0,200}") {
        prop_assert!(WORLD.verifier.check(&token, now()).is_err());
    }

    #[test]
    fn no_header_or_claims_make_the_check_panic(
        header in prop::collection::vec(any::<u8>(), 0..80),
        claims in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let w = &*WORLD;
        let message = format!("{}.{}", b64(&header), b64(&claims));
        let token = format!("{message}.{}", b64(w.ed.sign_bytes(message.as_bytes())));
        prop_assert!(w.verifier.check(&token, now()).is_err());
        let message = format!("{}.{}", b64(w.ed.header("d").to_string()), b64(&claims));
        let token = format!("{message}.{}", b64(w.ed.sign_bytes(message.as_bytes())));
        prop_assert!(w.verifier.check(&token, now()).is_err());
    }

    #[test]
    fn a_good_token_with_one_letter_changed_is_refused(at in 0usize..1000, to in "[A-Za-z0-9_.=-]") {
        let w = &*WORLD;
        let good = w.ed.sign(&w.ed.header("d"), &claims());
        let at = at % good.len();
        let mut forged = good.clone();
        forged.replace_range(at..=at, &to);
        prop_assume!(forged != good);
        prop_assert!(w.verifier.check(&forged, now()).is_err());
    }
}
