//! Tests of `check`.

use super::*;
use crate::clock::Time;
use crate::keys::{ISSUER, Master};
use crate::oauth::service::Algorithm;
use crate::rng::Rng;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

/// A proof by a fixed key; `change` may spoil header and claims before they are signed.
fn proof(change: impl Fn(&mut Value, &mut Value)) -> String {
    let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    let mut header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk });
    let mut claims = json!({ "jti": "1", "htm": "POST", "htu": "https://a.example", "iat": 1 });
    change(&mut header, &mut claims);
    let message = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

#[test]
fn a_proof_is_signed_by_the_public_key_in_its_header() {
    signer_installed();
    let jkt = read_proof(&proof(|_, _| ())).unwrap().jkt;
    assert_eq!(jkt.len(), 43);
    type Change = fn(&mut Value, &mut Value);
    let same: [Change; 8] = [
        |header, _| header["typ"] = json!("application/dpop+jwt"),
        |header, _| header["alg"] = json!("Ed25519"),
        |header, _| header["kid"] = json!("1"),
        // RFC 7515 4
        |header, _| header["tx_id"] = json!("1"),
        |header, _| header["x5t"] = json!("AA"),
        |header, _| header["more"] = json!({ "crit": ["exp"] }),
        |header, _| header["jwk"]["use"] = json!("sig"),
        |_, claims| claims["more"] = json!([1]),
    ];
    for change in same {
        assert_eq!(read_proof(&proof(change)).unwrap().jkt, jkt);
    }
    let refused: [Change; 25] = [
        |header, _| header["typ"] = json!("JWT"),
        |header, _| header["typ"] = json!("at+jwt"),
        |header, _| header["typ"] = json!("DPoP+JWT"),
        |header, _| header["alg"] = json!("none"),
        |header, _| header["alg"] = json!("None"),
        |header, _| header["alg"] = json!("HS256"),
        |header, _| header["alg"] = json!("ES256"),
        |header, _| header["alg"] = json!("RS256"),
        |header, _| header["jwk"]["d"] = json!("AA"),
        |header, _| header["jwk"]["k"] = json!("AA"),
        |header, _| header["jwk"]["kty"] = json!("oct"),
        |header, _| header["jwk"]["kty"] = json!("EC"),
        |header, _| header["jwk"]["crv"] = json!("Ed448"),
        |header, _| header["jwk"]["x"] = json!(URL_SAFE_NO_PAD.encode([0; 32])),
        |header, _| header["jwk"]["x"] = json!(URL_SAFE_NO_PAD.encode([9; 31])),
        |header, _| header["jwk"] = json!("https://a.example/key"),
        |header, _| header["crit"] = json!(["exp"]),
        |header, _| header["jku"] = json!("https://a.example/keys"),
        |header, _| header["x5c"] = json!(["AA"]),
        |header, _| header["b64"] = json!(false),
        |header, _| header["x5u"] = Value::Null,
        |header, _| header["enc"] = json!("A128GCM"),
        |header, _| header["zip"] = json!("DEF"),
        |_, claims| claims["iat"] = json!("1"),
        |_, claims| claims["jti"] = json!(1),
    ];
    for (at, change) in refused.into_iter().enumerate() {
        assert!(read_proof(&proof(change)).is_none(), "{at}");
    }
    for name in ["jti", "htm", "htu", "iat"] {
        let without = proof(|_, claims| {
            claims.as_object_mut().unwrap().remove(name);
        });
        assert!(read_proof(&without).is_none(), "{name}");
    }
    let good = proof(|_, _| ());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let zero = URL_SAFE_NO_PAD.encode([0; 64]);
    for bad in [
        format!("{message}."),
        format!("{message}.{zero}"),
        format!("{message}.{signature}="),
        format!("{message}.{signature}.{signature}"),
        format!("{good} "),
        String::new(),
    ] {
        assert!(read_proof(&bad).is_none(), "{bad}");
    }
}

fn signer_installed() {
    super::super::signer::install();
}

#[test]
fn a_proof_that_names_a_member_twice_is_none() {
    signer_installed();
    let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let header = format!(
        r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#
    );
    let sign = |header: &str, claims: &str| {
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    };
    let claims = r#"{"jti":"1","htm":"POST","htu":"https://a.example","iat":1}"#;
    assert!(read_proof(&sign(&header, claims)).is_some());
    let doubled = claims.replace(r#""jti":"1""#, r#""jti":"1","jti":"2""#);
    assert!(read_proof(&sign(&header, &doubled)).is_none());
    let doubled = header.replace(r#""crv""#, r#""x":"AA","crv""#);
    assert!(read_proof(&sign(&doubled, claims)).is_none());
}

#[test]
fn only_our_own_tokens_of_the_right_type_are_read() {
    let keys = Keys::new(Master::new(&[7; 32]));
    let now = Time::from_seconds(1_800_000_000);
    let row = keys
        .make(ISSUER, Algorithm::ES256, 1, now, now, &Rng::System)
        .unwrap();
    keys.load(&[row]).unwrap();
    let sign = |typ| {
        keys.sign(ISSUER, Algorithm::ES256, typ, &json!({ "sub": "a" }), now)
            .unwrap()
    };
    let token = sign("at+jwt");
    assert_eq!(keys.read(&token, "at+jwt").unwrap().claims["sub"], "a");
    assert!(keys.read(&token, "JWT").is_none());
    assert!(keys.read(&sign("JWT"), "at+jwt").is_none());
    // SECURITY R66: the header chooses nothing, and nothing can be changed or added.
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let kid = &keys.all()[0].kid;
    let encode = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    let mut forged: Vec<String> = ["none", "None", "nOnE", "", "HS256", "RS256", "ES384"]
        .iter()
        .map(|alg| {
            let header = encode(json!({ "alg": alg, "kid": kid, "typ": "at+jwt" }));
            format!("{header}.{claims}.{signature}")
        })
        .collect();
    for extra in UNWELCOME {
        let header = encode(json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt", extra: "x" }));
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    for bad_kid in ["../../etc/passwd", "' OR 1=1 --", ""] {
        let header = encode(json!({ "alg": "ES256", "kid": bad_kid, "typ": "at+jwt" }));
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    let zero = URL_SAFE_NO_PAD.encode([0; 64]);
    forged.extend([
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}A"),
        format!("{header}.{claims}.{zero}"),
        format!(" {token}"),
        format!("{token} "),
        String::new(),
        ".".repeat(2),
        "A".repeat(LONGEST + 1),
    ]);
    for token in forged {
        assert!(keys.read(&token, "at+jwt").is_none(), "{token:.60}");
    }
}

#[test]
fn an_assertion_is_read_with_the_clients_own_keys_only() {
    let keys = Keys::new(Master::new(&[7; 32]));
    let now = Time::from_seconds(1_800_000_000);
    let rows: Vec<_> = ["client", "other"]
        .iter()
        .map(|owner| {
            keys.make(owner, Algorithm::ES256, 1, now, now, &Rng::System)
                .unwrap()
        })
        .collect();
    keys.load(&rows).unwrap();
    let claims = json!({ "iss": "client", "sub": "client", "aud": "https://id.example", "exp": 1, "jti": "1" });
    let token = keys
        .sign("client", Algorithm::ES256, "JWT", &claims, now)
        .unwrap();
    let set = |owner| keys.jwks(owner, now).to_string();
    assert_eq!(
        read_assertion(&set("client"), &token).unwrap().sub,
        "client"
    );
    assert!(read_assertion(&set("other"), &token).is_none());
    assert!(read_assertion("{}", &token).is_none());
    assert!(read_assertion("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", &token).is_none());
}

#[test]
fn of_several_keys_that_fit_the_header_names_one() {
    signer_installed();
    let pen = |seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let jwk = |seed, kid: Value| {
        let x = URL_SAFE_NO_PAD.encode(pen(seed).public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid })
    };
    let sign = |header: Value| {
        let message = format!("{}.e30", URL_SAFE_NO_PAD.encode(header.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(pen(1).sign(message.as_bytes()));
        format!("{message}.{signature}")
    };
    let (bare, named) = (
        sign(json!({ "alg": "EdDSA" })),
        sign(json!({ "alg": "EdDSA", "kid": "1" })),
    );
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
    let one = json!({ "keys": [rsa, jwk(1, json!("1"))] }).to_string();
    let two = json!({ "keys": [jwk(2, json!("2")), jwk(1, json!("1"))] }).to_string();
    let same = json!({ "keys": [jwk(1, json!("1")), jwk(2, json!("1"))] }).to_string();
    for (set, token, good) in [
        (&one, &bare, true),
        (&one, &named, true),
        (&two, &bare, false),
        (&two, &named, true),
        (&same, &named, false),
    ] {
        assert_eq!(read_signed(set, token, &[]).is_ok(), good, "{set} {token}");
    }
}

#[test]
fn what_a_client_signed_is_read_by_its_kind() {
    let keys = Keys::new(Master::new(&[7; 32]));
    let now = Time::from_seconds(1_800_000_000);
    let row = keys
        .make("client", Algorithm::ES256, 1, now, now, &Rng::System)
        .unwrap();
    keys.load(&[row]).unwrap();
    let set = keys.jwks("client", now).to_string();
    let sign = |typ| {
        keys.sign("client", Algorithm::ES256, typ, &json!({ "a": 1 }), now)
            .unwrap()
    };
    let read = |token: &str| read_signed(&set, token, &["x+jwt", "JWT"]);
    for typ in ["x+jwt", "JWT", "jwt"] {
        assert_eq!(read(&sign(typ)).unwrap(), br#"{"a":1}"#);
    }
    assert_eq!(read(&sign("at+jwt")), Err(Unread::Type));
    let good = sign("JWT");
    let (_, rest) = good.split_once('.').unwrap();
    let kid = &keys.all()[0].kid;
    let swap = |header: Value| {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        read(&format!("{header}.{rest}"))
    };
    for alg in ["none", "None", "NONE", "nOnE"] {
        assert_eq!(swap(json!({ "alg": alg })), Err(Unread::Unsigned));
    }
    assert_eq!(
        read(&format!(
            "{}.e30.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)
        )),
        Err(Unread::Unsigned)
    );
    for alg in ["HS256", "ES384", "RS1", ""] {
        assert_eq!(
            swap(json!({ "alg": alg, "kid": kid })),
            Err(Unread::Algorithm)
        );
    }
    for alg in ["RS256", "PS256", "EdDSA"] {
        assert_eq!(
            swap(json!({ "alg": alg, "kid": kid })),
            Err(Unread::Signature)
        );
    }
    assert_eq!(
        swap(json!({ "alg": "ES256", "kid": "other" })),
        Err(Unread::Signature)
    );
    for extra in UNWELCOME {
        assert_eq!(
            swap(json!({ "alg": "ES256", extra: "x" })),
            Err(Unread::Malformed)
        );
    }
    // RFC 7515 4: passed over, so the signature is what does not fit; none stands twice.
    for extra in ["x5t", "x5t#S256", "cty", "foo"] {
        let header = json!({ "alg": "ES256", extra: "x" });
        assert_eq!(swap(header), Err(Unread::Signature), "{extra}");
    }
    let doubled = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","foo":1,"foo":1}"#);
    assert_eq!(read(&format!("{doubled}.{rest}")), Err(Unread::Malformed));
    assert_eq!(read_signed("", &good, &["JWT"]), Err(Unread::Signature));
}
