//! Cookies, tokens, assertions and proofs that we, or those who say so, did not make open nothing,
//! and change nothing.

mod assertion;
mod grant;
mod matrix;
mod pens;
mod proof;
mod request;
mod token;

use crate::app::TestApp;
use crate::bad_input::{refused, unbroken};
use crate::http::Browser;
use crate::sign::{Signer, b64};
use crate::signin::sign_in;
use pens::Pens;

fn signed(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    browser
}

#[test]
fn forged_cookies_open_nothing() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut good = signed(&app);
    app.deliver();
    good.get("/account").is(200);
    let value = good.cookies["gerege"].clone();
    let turned: String = value.chars().rev().collect();
    let before = app.dump();
    let long = "A".repeat(5_000);
    for forged in [
        "",
        "x",
        "null",
        &value[..42],
        &turned,
        &format!("{value}A"),
        &"A".repeat(43),
        &long,
        &value.to_ascii_uppercase(),
        &format!("\"{value}\"x"),
        "a b",
        "é",
        "%00",
    ] {
        for name in [
            "gerege",
            "gerege-device",
            "gerege-draft",
            "gerege-lang",
            "__Host-gerege",
        ] {
            let mut browser = app.browser();
            browser.cookies.insert(name.into(), forged.to_owned());
            browser.get("/account").leads("/signin");
            let answer = browser.get("/signup/email");
            assert!(answer.status < 400, "{name}: {}", answer.status);
            unbroken(&browser.get("/signup"), name);
        }
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn words_that_are_no_proof_of_anybody_open_nothing() {
    let app = TestApp::new();
    let before = app.dump();
    for said in [
        "Bearer",
        "Bearer ",
        "bearer x y",
        "Basic x",
        "Basic Og==",
        "Basic AGE6Yg==",
        "Basic ////",
        "Negotiate x",
        "é",
    ] {
        let answer = app
            .browser()
            .with("Authorization", said)
            .get("/oauth2/userinfo");
        assert!(
            [400, 401].contains(&answer.status),
            "{said}: {}",
            answer.status
        );
        let answer = app
            .browser()
            .with("Authorization", said)
            .post("/oauth2/token", &[("grant_type", "client_credentials")]);
        refused(&answer, said);
    }
    // A client that names itself with a character no database column holds.
    for claims in [
        r#"{"iss":"a\u0000","sub":"a\u0000"}"#,
        r#"{"iss":"forum","sub":"forum","jti":"\u0000"}"#,
    ] {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"ES256","kid":"\u0000"}"#);
        let assertion = format!("{header}.{}.AAAA", encode(claims));
        let answer = app.browser().post(
            "/oauth2/token",
            &[
                ("grant_type", "client_credentials"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
            ],
        );
        refused(&answer, claims);
    }
    assert_eq!(app.dump(), before);
}

/// A header that says nothing about the signature in four spellings (RFC 7519 6.1).
const NONE: [&str; 4] = ["none", "None", "NONE", "nOnE"];

/// One thing that nobody with the right made, by its name.
type Row = (String, String);

/// The three parts of a token.
fn parts(token: &str) -> [&str; 3] {
    let all: Vec<&str> = token.split('.').collect();
    all.try_into().expect("three parts")
}

/// Ways to write a token that a lenient reader would take for the same (RFC 7515 2, RFC 4648 3.5).
fn spellings(good: &str) -> Vec<Row> {
    let [header, claims, signature] = parts(good);
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Another last letter with the same bytes, where the part leaves bits over.
    let stray = |part: &str| {
        let (rest, last) = part.split_at(part.len() - 1);
        let at = letters.find(last).unwrap();
        (!part.len().is_multiple_of(4)).then(|| format!("{rest}{}", &letters[at ^ 1..=(at ^ 1)]))
    };
    let mut rows: Vec<(&str, String)> = vec![
        ("two parts", format!("{header}.{claims}")),
        ("no signature", format!("{header}.{claims}.")),
        ("no claims", format!("{header}..{signature}")),
        ("a dot behind", format!("{good}.")),
        ("a dot before", format!(".{good}")),
        ("five parts (JWE)", format!("{good}.AAAA.AAAA")),
        (
            "the parts in another order",
            format!("{claims}.{header}.{signature}"),
        ),
        ("a padded header", format!("{header}=.{claims}.{signature}")),
        ("padded claims", format!("{header}.{claims}=.{signature}")),
        ("a padded signature", format!("{good}=")),
        ("twice padded", format!("{good}==")),
        (
            "the other alphabet",
            format!("{header}.{claims}.+{}", &signature[1..]),
        ),
        (
            "a slash for an underscore",
            format!("{header}.{claims}./{}", &signature[1..]),
        ),
        ("a letter cut off", good[..good.len() - 1].to_owned()),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("a letter more", format!("{good}A")),
        ("a byte behind the signature", format!("{good}AAAA")),
        (
            "a byte before the signature",
            format!("{header}.{claims}.AAAA{signature}"),
        ),
        ("twice", format!("{good}{good}")),
        ("nothing", String::new()),
        ("dots", "..".into()),
        ("huge", format!("{good}{}", "A".repeat(20_000))),
        (
            "JSON serialization",
            format!(r#"{{"protected":"{header}","payload":"{claims}","signature":"{signature}"}}"#),
        ),
    ];
    for (name, part, at) in [
        ("stray bits in the header", header, 0),
        ("stray bits in the claims", claims, 1),
        ("stray bits in the signature", signature, 2),
    ] {
        if let Some(other) = stray(part) {
            let mut all = [header, claims, signature];
            all[at] = &other;
            rows.push((name, all.join(".")));
        }
    }
    named(rows)
}

/// Signatures over the right text that are none: of the size of `good`'s, or of its numbers.
fn signatures(good: &str) -> Vec<Row> {
    use base64::Engine as _;
    let [header, claims, signature] = parts(good);
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(signature)
        .unwrap();
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let zero = [0_u8; 32];
    let mut one = zero;
    one[31] = 1;
    let turned: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut flipped = bytes.clone();
    flipped[7] ^= 0x40;
    let size = bytes.len();
    let mut rows = vec![
        ("all zero", vec![0; size]),
        ("all ones", vec![0xff; size]),
        ("the number one", [vec![0; size - 1], vec![1]].concat()),
        ("a byte short", bytes[1..].to_vec()),
        ("a zero before", [&[0], bytes.as_slice()].concat()),
        ("turned round", turned),
        ("one bit flipped", flipped),
    ];
    if size == 64 {
        // RFC 7518 3.4: r and s, each from 1 to the order less one.
        rows.extend([
            ("r = 0", [&zero[..], &bytes[32..]].concat()),
            ("s = 0", [&bytes[..32], &zero[..]].concat()),
            ("r = 0, s = 1", [zero, one].concat()),
            ("r = 1, s = 0", [one, zero].concat()),
            ("r is the order", [&order[..], &bytes[32..]].concat()),
            ("s is the order", [&bytes[..32], &order[..]].concat()),
            ("both are the order", [&order[..], &order[..]].concat()),
            (
                "r and s changed places",
                [&bytes[32..], &bytes[..32]].concat(),
            ),
            ("in DER", der(&bytes)),
        ]);
    }
    let written = rows
        .into_iter()
        .map(|(name, bytes)| (name, format!("{header}.{claims}.{}", b64(bytes))));
    named(written.collect())
}

fn named(rows: Vec<(&str, String)>) -> Vec<Row> {
    rows.into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// r and s as two integers of ASN.1, as certificates have them and RFC 7518 3.4 does not.
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(31);
        let mut value = bytes[from..].to_vec();
        if value[0] & 0x80 != 0 {
            value.insert(0, 0);
        }
        [vec![2, u8::try_from(value.len()).unwrap()], value].concat()
    };
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// A tag over header and claims with a public key as the secret (RFC 8725 2.1).
pub fn hs256(secret: &[u8], header: &serde_json::Value, claims: &str) -> String {
    use aws_lc_rs::hmac;
    let message = format!("{}.{claims}", b64(header.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{message}.{}", b64(hmac::sign(&key, message.as_bytes())))
}

/// Members of a header that choose no key here and change nothing: they are passed over (RFC 7515 4).
const HARMLESS: [(&str, &str); 6] = [
    ("x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("x5t#S256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("cty", "json"),
    ("tx_id", "1"),
    ("nonce", "x"),
    ("JWK", "x"),
];

/// What a header may bring to choose a key, or to change what it means; signed by a stranger's key
/// that it brings.
fn members(thief: &Signer, header: &serde_json::Value, claims: &serde_json::Value) -> Vec<Row> {
    use serde_json::json;
    let certificate = rcgen::generate_simple_self_signed(vec!["thief.example".into()]).unwrap();
    let x5c = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(certificate.cert.der())
    };
    let with = |name: &str, value: serde_json::Value| {
        let mut header = header.clone();
        header[name] = value;
        thief.sign(&header, claims)
    };
    let rows = [
        ("jwk", "jwk", thief.jwk(None)),
        (
            "jwk of the same kid",
            "jwk",
            thief.jwk(header["kid"].as_str()),
        ),
        ("jku", "jku", json!("https://thief.example/keys")),
        ("x5u", "x5u", json!("https://thief.example/chain")),
        ("x5c", "x5c", json!([x5c])),
        ("x5t", "x5t", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("x5t#S256", "x5t#S256", json!(b64([0; 32]))),
        ("crit", "crit", json!(["exp"])),
        ("crit, empty", "crit", json!([])),
        ("b64", "b64", json!(false)),
        ("zip", "zip", json!("DEF")),
        ("enc", "enc", json!("A128GCM")),
        ("a path as kid", "kid", json!("../../../../dev/null")),
        ("SQL as kid", "kid", json!("' UNION SELECT 'AA' --")),
        (
            "an address as kid",
            "kid",
            json!("https://thief.example/key"),
        ),
        ("a kid with NUL", "kid", json!("a\u{0}b")),
        ("an empty kid", "kid", json!("")),
        ("a number as kid", "kid", json!(1)),
        ("a list as kid", "kid", json!([header["kid"]])),
    ];
    let mut all: Vec<Row> = rows
        .into_iter()
        .map(|(row, name, value)| (row.to_owned(), with(name, value)))
        .collect();
    all.push(("a stranger's key".into(), thief.sign(header, claims)));
    all
}
